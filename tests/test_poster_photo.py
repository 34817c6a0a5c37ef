from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from pipeline.poster import check_photo


def picture(folder: Path, name: str = "photo.jpg") -> Path:
    file = folder / name
    Image.linear_gradient("L").convert("RGB").save(file)
    return file


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "photo.webp"])
def test_a_whole_picture_passes(name: str, tmp_path: Path) -> None:
    assert check_photo(picture(tmp_path, name)) == ()


def test_a_picture_cut_short_is_noticed(tmp_path: Path) -> None:
    photo = picture(tmp_path)
    photo.write_bytes(photo.read_bytes()[:-400])

    assert [problem.code for problem in check_photo(photo)] == ["JX-D14"]


def test_a_text_that_calls_itself_a_picture_is_noticed(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_text("不是照片", encoding="utf-8")

    assert "打不开" in str(check_photo(photo)[0])


def test_a_small_file_that_unpacks_to_400_million_pixels_is_not_unpacked(tmp_path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)))

    assert "20000×20000" in str(check_photo(photo)[0]) or "打不开" in str(check_photo(photo)[0])


def test_a_missing_photo_is_noticed(tmp_path: Path) -> None:
    assert len(check_photo(tmp_path / "photo.jpg")) == 1

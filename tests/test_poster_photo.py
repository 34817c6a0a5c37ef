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


@pytest.mark.parametrize("side", [11_000, 20_000])  # Pillow itself warns of the first and refuses the second
def test_a_small_file_that_unpacks_to_too_many_pixels_is_not_unpacked(side: int, tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0" * 1000)))

    (problem,) = check_photo(photo)
    assert (problem.code, "最多一亿" in problem.cause) == ("JX-D17", True)


def test_a_missing_photo_is_noticed(tmp_path: Path) -> None:
    assert len(check_photo(tmp_path / "photo.jpg")) == 1

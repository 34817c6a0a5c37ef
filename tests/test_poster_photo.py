from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageChops

from pipeline.model import Photo
from pipeline.poster import check_photo, coarse_photo, load_design, load_formats
from pipeline.poster.photo import fill_window
from tests.posters import art_of

FORM, DESIGN = load_formats()["moments"], load_design("transport")


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


# In the window


def window(
    folder: Path, picture: Image.Image, *, focus: tuple[float, float] = (0.5, 0.4), name: str = "photo.png"
) -> NDArray[np.int16]:
    """Return what is seen of a photo on a small poster: the upright box around its half disc."""
    file = folder / name
    picture.save(file, exif=picture.getexif())
    photo = Photo(file=file, focus_x=focus[0], focus_y=focus[1])
    sheet = Image.new("RGB", (FORM.width_px, FORM.height_px), (1, 2, 3))
    fill_window(sheet, FORM, photo, replace(DESIGN, photo=photo))
    scale, field = FORM.px_per_mm, FORM.field
    left, top, right, bottom = field.centre_x_mm - 56, field.centre_y_mm - 56, field.centre_x_mm + 56, field.centre_y_mm
    return np.asarray(sheet.crop((left * scale, top * scale, right * scale, bottom * scale)), dtype=np.int16)


def halves(dark: str, size: tuple[int, int] = (800, 400)) -> Image.Image:
    """Return a picture, white but for one dark half."""
    width, height = size
    boxes = {"left": (0, 0, width // 2, height), "top": (0, 0, width, height // 2), "right": (width // 2, 0, width, height)}
    picture = Image.new("RGB", size, "white")
    picture.paste((0, 0, 0), boxes[dark])
    return picture


def test_a_photo_stands_in_a_half_disc_over_the_horizon_in_the_colours_of_its_aspect(tmp_path: Path) -> None:
    seen = window(tmp_path, halves("left"))
    height, width = seen.shape[:2]
    assert seen[2, 2].tolist() == [1, 2, 3]
    dark, light = seen[height // 2, width // 4], seen[height // 2, 3 * width // 4]
    assert dark.max() < 100
    assert light.tolist() == pytest.approx([0xFF, 0xF3, 0xDA], abs=3)
    assert dark[2] > dark[0]  # the deep blue of transport


def test_a_photo_is_seen_the_way_up_that_the_camera_noted(tmp_path: Path) -> None:
    turned = halves("left").rotate(90, expand=True)  # as a sensor held upright saves it
    turned.getexif()[0x0112] = 6
    seen = window(tmp_path, turned, name="photo.jpg")
    height, width = seen.shape[:2]
    assert seen[height // 2, width // 4].max() < 110
    assert seen[height // 2, 3 * width // 4].min() > 200


def test_what_is_cut_away_lies_far_from_the_focus(tmp_path: Path) -> None:
    high, low = (window(tmp_path, halves("top", (400, 600)), focus=(0.5, y)) for y in (0.0, 1.0))
    middle = high.shape[0] // 2, high.shape[1] // 2
    assert high[middle].max() < 110
    assert low[middle].min() > 200


def test_what_is_clear_in_a_photo_is_paper(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (800, 400), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (0, 0, 400, 400))
    seen = window(tmp_path, clear)
    assert seen[seen.shape[0] // 2, 3 * seen.shape[1] // 4].min() > 200


def test_a_small_photo_is_told_with_the_formats_that_it_is_too_small_for(tmp_path: Path) -> None:
    forms = load_formats().values()
    photo = Photo(file=picture(tmp_path), focus_x=0.5, focus_y=0.5)
    Image.new("RGB", (1400, 700)).save(photo.file)
    (problem,) = coarse_photo(photo, forms)
    assert (problem.code, problem.place) == ("JX-D23", photo.file)
    assert "易拉宝 118 dpi" in problem.cause
    assert "A3" not in problem.cause
    Image.new("RGB", (4000, 3000)).save(photo.file)
    assert coarse_photo(photo, forms) == ()


@pytest.mark.parametrize("aspect", ["leisure", "business", "facilities", "culture", "wellbeing", "transport"])
def test_a_photo_takes_the_place_of_the_hero(tmp_path: Path, aspect: str) -> None:
    photo = Photo(file=tmp_path / "photo.png", focus_x=0.5, focus_y=0.5)
    design = load_design(aspect)
    changed = ImageChops.difference(art_of(FORM, replace(design, photo=photo), None), art_of(FORM, design, None)).getbbox()
    assert changed
    assert (changed[2] - changed[0]) / FORM.px_per_mm >= 50

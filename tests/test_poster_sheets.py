from __future__ import annotations

from pathlib import Path

import numpy as np
import pikepdf
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.model import Poster
from pipeline.poster import bind, draw_sheet, load_design

DESIGN = load_design("leisure")


def picture(folder: Path, name: str, size: tuple[int, int], colour: tuple[int, int, int]) -> Poster:
    file = folder / f"{name}.png"
    Image.new("RGB", size, colour).save(file)
    return poster(file, name, "image/png", size)


def page(folder: Path, name: str, width_pt: float, height_pt: float) -> Poster:
    """Return a page with ten points around the trimmed sheet, as a print shop wants it."""
    file = folder / f"{name}.pdf"
    with pikepdf.new() as pdf:
        made = pdf.add_blank_page(page_size=(width_pt + 20, height_pt + 20))
        made.obj.TrimBox = pikepdf.Array([10, 10, width_pt + 10, height_pt + 10])
        colour = f"0 0.5 0 rg 10 10 {width_pt} {height_pt} re f"
        made.obj.Contents = pdf.make_stream(colour.encode())
        pdf.save(file, deterministic_id=True)
    return poster(file, name, "application/pdf", (100, 140))


def poster(file: Path, name: str, mime_type: str, size: tuple[int, int]) -> Poster:
    width_px, height_px = size
    return Poster(
        format=name,
        label=name,
        file=file,
        sha256="ab" * 32,
        mime_type=mime_type,
        width_px=width_px,
        height_px=height_px,
        decodings=0,
        trials=0,
    )


def share_of(sheet: NDArray[np.int16], colour: tuple[int, int, int]) -> float:
    return float((np.abs(sheet - np.array(colour)).max(axis=2) < 8).mean())


def pixels(file: Path) -> NDArray[np.int16]:
    with Image.open(file) as opened:
        return np.asarray(opened.convert("RGB"), dtype=np.int16)


@pytest.mark.parametrize("count", [1, 4, 12])
def test_a_sheet_shows_every_poster_whole(tmp_path: Path, count: int) -> None:
    colours = [(200, 20 * number, 40) for number in range(count)]
    sizes = [(300, 420), (300, 300), (900, 380), (80, 200)]
    posters = [picture(tmp_path, f"p{number}", sizes[number % 4], colour) for number, colour in enumerate(colours)]
    sheet = pixels(draw_sheet("第 1 期 到水边走走", posters, DESIGN, tmp_path / "sheet.jpg").file)
    assert sheet.shape[1] == 2400
    areas = [share_of(sheet, colour) * sheet.shape[0] * sheet.shape[1] for colour in colours]
    assert min(areas) > 120_000
    for number, area in enumerate(areas):  # none is cut: its longest row and column have its ratio
        width, height = sizes[number % 4]
        inked = np.abs(sheet - np.array(colours[number])).max(axis=2) < 8
        assert inked.sum(axis=1).max() / inked.sum(axis=0).max() == pytest.approx(width / height, rel=0.02)
        assert area == pytest.approx(inked.sum(axis=1).max() * inked.sum(axis=0).max(), rel=0.02)


def test_a_sheet_shows_a_printed_page_without_what_is_cut_off(tmp_path: Path) -> None:
    sheet = pixels(draw_sheet("第 1 期", [page(tmp_path, "a4", 300, 420)], DESIGN, tmp_path / "sheet.jpg").file)
    green = np.abs(sheet - np.array((0, 128, 0))).max(axis=2) < 30
    assert green.sum(axis=1).max() / green.sum(axis=0).max() == pytest.approx(300 / 420, abs=0.01)
    assert share_of(sheet, (255, 255, 255)) == 0


def test_the_same_posters_give_the_same_sheet(tmp_path: Path) -> None:
    posters = [picture(tmp_path, "one", (300, 420), (1, 2, 3)), page(tmp_path, "two", 300, 420)]
    sheets = [draw_sheet("第 1 期", posters, DESIGN, tmp_path / f"{turn}.jpg").file.read_bytes() for turn in (1, 2)]
    assert sheets[0] == sheets[1]


def test_a_bound_series_keeps_order_and_boxes(tmp_path: Path) -> None:
    pages = [page(tmp_path, f"page{number}", 300 + number, 420) for number in range(3)]
    bound = [bind([each.file for each in pages], tmp_path / f"{turn}.pdf").file for turn in (1, 2)]
    assert bound[0].read_bytes() == bound[1].read_bytes()
    with pikepdf.open(bound[0]) as pdf:
        assert [float(each.TrimBox[2]) for each in pdf.pages] == [310, 311, 312]

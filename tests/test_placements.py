"""Placements: where printed posters hang, and the copy of each poster for each place."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pikepdf
import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pyzbar import pyzbar

from pipeline import addresses, qr, source
from pipeline.errors import AuthorError
from pipeline.model import Placement, Poster, Wording
from pipeline.poster import check_copies, compose, compose_copy, draw_overview, hard_to_scan, load_design, load_formats
from pipeline.poster.formats import CodeBox
from pipeline.poster.layout import Rectangle, lay_out
from pipeline.poster.lettering import letter_episode
from pipeline.poster.overview import DPI, HEIGHT_MM, ROWS, WIDTH_MM, lay_out_overview
from tests.posters import SOUND, WORDING

REPOSITORY = Path(__file__).parents[1]
PRINTED = {name: each for name, each in load_formats().items() if each.place == "print" and each.code}
TINY = load_formats(Path(__file__).parent / "samples" / "poster-tiny")["tiny-sheet"]
CODE = CodeBox(x_mm=203, y_mm=279, width_mm=76, height_mm=76, min_module_mm=0.7)  # room for a code of version 3
SHEET = replace(TINY, code=CODE)
DESIGN = load_design("transport")
TABLE = Path("placements.csv")

# placements.csv


def _read(folder: Path, text: str, *, encoding: str = "utf-8") -> list[tuple[str, str, tuple[int, ...]]]:
    file = folder / "placements.csv"
    file.write_bytes(text.encode(encoding))
    return [(each.id, each.name, each.numbers) for each in source.read_placements(file)]


def _problems(folder: Path, text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(AuthorError) as raised:
        _read(folder, text)
    return [(problem.line, problem.code) for problem in raised.value.problems]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_a_table_is_read_as_excel_wps_and_notepad_save_it(tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = [["编号", "地点", "期数"], ["A1", "东门", ""], ["", "", ""], ["b2", "西门，靠右", "1、3-6"], []]
    text = "".join(delimiter.join(row) + "\r\n" for row in rows)
    assert _read(tmp_path, text, encoding=encoding) == [("A1", "东门", ()), ("b2", "西门，靠右", (1, 3, 4, 5, 6))]


def test_headings_may_be_english_and_in_any_order(tmp_path: Path) -> None:
    assert _read(tmp_path, "name,ID,episodes\n东门,A1,2\n") == [("A1", "东门", (2,))]


def test_without_a_column_for_episodes_all_of_them_hang_everywhere(tmp_path: Path) -> None:
    assert _read(tmp_path, "编号,地点\nA1,东门\n") == [("A1", "东门", ())]


def test_no_file_means_no_placements(tmp_path: Path) -> None:
    assert source.read_placements(tmp_path / "placements.csv") == ()


@pytest.mark.parametrize("text", ["", "\n\n", "编号,地点,期数\n"], ids=["nothing", "blank lines", "headings alone"])
def test_a_file_without_rows_means_no_placements(tmp_path: Path, text: str) -> None:
    assert _read(tmp_path, text) == []


@pytest.mark.parametrize("written", ['"1,3,5"', "1,3,5", "1、3、5", "1；3；5", "1 3 5", "5、1、3、1", "１、３、５", "1,3,5,,"])
def test_episodes_are_read_however_they_are_strung_together(tmp_path: Path, written: str) -> None:
    assert _read(tmp_path, f"编号,地点,期数\nA1,东门,{written}\n") == [("A1", "东门", (1, 3, 5))]


@pytest.mark.parametrize("written", ["3-6", "3 - 6", "3~6", "3～6", "3至6", "3到6", "3—6", "3-4、5-6"])
def test_a_stretch_of_episodes_is_read_however_it_is_written(tmp_path: Path, written: str) -> None:
    assert _read(tmp_path, f"编号,地点,期数\nA1,东门,{written}\n") == [("A1", "东门", (3, 4, 5, 6))]


@given(st.sets(st.integers(min_value=1, max_value=99_999), max_size=8))
def test_any_numbers_come_back(tmp_path_factory: pytest.TempPathFactory, numbers: set[int]) -> None:
    written = "、".join(map(str, numbers))
    ((_, _, read),) = _read(tmp_path_factory.mktemp("numbers"), f"编号,地点,期数\nA1,东门,{written}\n")
    assert read == tuple(sorted(numbers))


def test_an_id_stays_as_it_was_written(tmp_path: Path) -> None:
    assert _read(tmp_path, "编号,地点\na1,东门\nＢ２,西门\n") == [("a1", "东门", ()), ("B2", "西门", ())]


def test_all_mistakes_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    rows = [
        "A-1,东门,",
        ",西门,",
        "ABCDEFG,南门,",
        "A1,,",
        f"A2,{'很' * 21},",
        "a1,北门,",
        "A3,中门,3月6日",
        "A4,后门,6-3",
        "A5,边门,0",
    ]
    assert _problems(tmp_path, "编号,地点,期数\n\n" + "\n".join(rows)) == [
        (3, "JX-A72"),
        (4, "JX-A72"),
        (5, "JX-A72"),
        (6, "JX-A74"),
        (7, "JX-A74"),
        (8, "JX-A73"),
        (9, "JX-A75"),
        (10, "JX-A75"),
        (11, "JX-A75"),
    ]


@pytest.mark.parametrize("written", ["CON", "nul", "Com1", "LPT9"])
def test_an_id_that_no_folder_may_have_on_windows_is_refused(tmp_path: Path, written: str) -> None:
    assert _problems(tmp_path, f"编号,地点\n{written},东门\n") == [(2, "JX-A72")]


@pytest.mark.parametrize(
    "headings",
    ["A1,东门,1", "编号，地点，期数", "编号,期数", "编号,地点,期次", "编号,地点,地点", "编号,地点,备注"],
    ids=["none", "full-width commas", "no name", "misspelt", "twice", "unknown"],
)
def test_headings_that_are_not_understood_are_named(tmp_path: Path, headings: str) -> None:
    assert _problems(tmp_path, f"{headings}\nA1,东门,1\n") == [(1, "JX-A70")]


def test_a_comma_too_many_is_named(tmp_path: Path) -> None:
    assert _problems(tmp_path, "期数,编号,地点\n1,A1,东门,靠右\n") == [(2, "JX-A71")]


def test_an_open_quotation_mark_is_named_with_the_line_that_it_stands_in(tmp_path: Path) -> None:
    assert _problems(tmp_path, '编号,地点,期数\nA1,"东门,\nA2,西门,\n') == [(2, "JX-A71")]


def test_a_line_break_inside_a_cell_moves_no_line_number(tmp_path: Path) -> None:
    assert _problems(tmp_path, '编号,地点,期数\nA1,"东门\n靠右",\nA-2,西门,\n') == [(4, "JX-A72")]


def test_a_workbook_with_another_name_is_called_no_table_of_text(tmp_path: Path) -> None:
    file = tmp_path / "placements.csv"
    file.write_bytes(b"PK\x03\x04\x14\x00\x06\x00\xff\xfe\x80")
    with pytest.raises(AuthorError) as raised:
        source.read_placements(file)
    assert [problem.code for problem in raised.value.problems] == ["JX-A01"]
    assert "CSV UTF-8" in raised.value.problems[0].fix


def test_the_sample_file_names_examples_only_and_few_of_them() -> None:
    placements = source.read_placements(REPOSITORY / "episodes" / "placements.csv")
    assert 1 < len(placements) <= 3
    assert all("示例" in placement.name for placement in placements)


@pytest.mark.parametrize(("numbers", "shown"), [((), True), ((1, 3), True), ((2,), False)])
def test_a_placement_shows_the_episodes_it_names_or_all(numbers: tuple[int, ...], *, shown: bool) -> None:
    assert Placement(id="A1", name="东门", numbers=numbers, line=2).shows(3) is shown


# Copies

COPIED_URL = "https://jixiang.example/6/?A1"
PLACED = replace(WORDING, placement_id="A1", page_url=COPIED_URL)


def _seen(file: Path, *, dpi: int, page: int = 0) -> Image.Image:
    with pypdfium2.PdfDocument(file) as pdf:
        image: Image.Image = pdf[page].render(scale=dpi / 72).to_pil().convert("RGB")
        return image


@pytest.fixture(scope="module")
def poster(tmp_path_factory: pytest.TempPathFactory) -> Poster:
    return compose(SHEET, WORDING, SOUND, DESIGN, tmp_path_factory.mktemp("poster") / "poster.pdf")


@pytest.fixture(scope="module")
def copy(poster: Poster) -> Poster:
    return compose_copy(SHEET, WORDING, "A1", DESIGN, poster.file, poster.file.with_name("copy.pdf"))


def test_a_copy_is_read_by_two_decoders_and_gives_the_place(copy: Poster) -> None:
    picture = _seen(copy.file, dpi=110)
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [COPIED_URL]
    assert [code.data.decode() for code in pyzbar.decode(picture)] == [COPIED_URL]
    assert copy.reach >= 2
    assert len(copy.read_by) >= 2


@pytest.mark.parametrize("width_mm", [76, 40], ids=["an address on one line", "an address on two"])
def test_a_copy_is_the_poster_drawn_anew_for_the_place(width_mm: float, tmp_path: Path) -> None:
    assert SHEET.address is not None
    sheet = replace(SHEET, address=replace(SHEET.address, width_mm=width_mm))
    plain = compose(sheet, WORDING, SOUND, DESIGN, tmp_path / "poster.pdf")
    copy = compose_copy(sheet, WORDING, "A1", DESIGN, plain.file, tmp_path / "copy.pdf")
    anew = compose(sheet, PLACED, SOUND, DESIGN, tmp_path / "anew.pdf")
    copied, drawn, before = (_assembled(each.file) for each in (copy, anew, plain))
    assert copied.code == pytest.approx(drawn.code, abs=0.001)
    assert len(copied.code) > len(before.code)
    assert np.abs(copied.picture - drawn.picture).max() < 60  # JPEG's blocks begin elsewhere, and its noise is at the strokes
    assert np.abs(copied.picture - drawn.picture).mean() < 0.05
    assert np.abs(copied.picture - before.picture).max() > 150


@dataclass(frozen=True, kw_only=True)
class Assembled:
    picture: NDArray[np.int_]
    code: list[float]


def _assembled(file: Path) -> Assembled:
    """Return a sheet's picture with its patches pasted on, pixel by pixel, and the numbers in the path of its code."""
    with pikepdf.open(file) as pdf:
        page = pdf.pages[0]
        content = page.Contents.read_bytes()
        pictures = page.Resources.XObject
        whole = _decoded(pictures.Picture)
        left, _, right, top = (float(edge) for edge in page.BleedBox)
        pt_per_px = (right - left) / whole.width
        for width, height, x, y, name in re.findall(rb"q ([\d.]+) 0 0 ([\d.]+) ([\d.]+) ([\d.]+) cm (/Patch\d) Do Q", content):
            patch = _decoded(pictures[name.decode()])
            assert (float(width) / pt_per_px, float(height) / pt_per_px) == pytest.approx(patch.size, abs=0.01)
            place = (float(x) - left) / pt_per_px, (top - float(y) - float(height)) / pt_per_px
            assert place == pytest.approx([round(edge) for edge in place], abs=0.01)
            whole.paste(patch, (round(place[0]), round(place[1])))
    (code,) = re.findall(rb"q [\d. ]+ rg\n(?:[\d. ]+ re\n)+f Q", content)
    return Assembled(picture=np.asarray(whole).astype(int), code=[float(number) for number in re.findall(rb"[\d.]+", code)])


def _decoded(picture: pikepdf.Object) -> Image.Image:
    return Image.open(io.BytesIO(picture.read_raw_bytes())).convert("RGB")


def test_a_copy_takes_the_art_over_as_it_lies_in_the_file(poster: Poster, copy: Poster) -> None:
    with pikepdf.open(poster.file) as first, pikepdf.open(copy.file) as second:
        assert (
            first.pages[0].Resources.XObject.Picture.read_raw_bytes()
            == second.pages[0].Resources.XObject.Picture.read_raw_bytes()
        )
        boxes = ("/MediaBox", "/BleedBox", "/TrimBox")
        assert [list(first.pages[0].obj[box]) for box in boxes] == [list(second.pages[0].obj[box]) for box in boxes]
    assert (copy.format, copy.width_px, copy.height_px) == (poster.format, poster.width_px, poster.height_px)


def test_the_longer_address_takes_a_larger_code_in_whole_pixels_on_the_same_card(copy: Poster) -> None:
    assert len(qr.encode(COPIED_URL)) > len(qr.encode(WORDING.page_url))
    with pikepdf.open(copy.file) as pdf:
        page = pdf.pages[0]
        pt_per_px = float(page.BleedBox[2] - page.BleedBox[0]) / int(page.Resources.XObject.Picture.Width)
        heights = set(re.findall(rb"([\d.]+) re\n", page.Contents.read_bytes()))
    (module_pt,) = map(float, heights)
    assert module_pt / pt_per_px == pytest.approx(round(module_pt / pt_per_px), abs=0.01)


def test_the_same_copy_is_the_same_file(poster: Poster, copy: Poster, tmp_path: Path) -> None:
    again = compose_copy(SHEET, WORDING, "A1", DESIGN, poster.file, tmp_path / "again.pdf")
    assert again.file.read_bytes() == copy.file.read_bytes()


@pytest.mark.parametrize("name", PRINTED)
def test_nothing_but_the_code_and_the_line_with_the_place_differs_on_any_sheet(name: str) -> None:
    poster, copy = (lay_out(PRINTED[name], DESIGN, letter_episode(each), qr.encode(each.page_url)) for each in (WORDING, PLACED))
    assert [text for text in poster.texts if text not in copy.texts] == []
    assert [text.rectangle.name for text in copy.texts if text not in poster.texts] == ["点位"]
    assert replace(copy, texts=(), code=None) == replace(poster, texts=(), code=None)
    assert poster.code is not None
    assert copy.code is not None
    assert copy.code.card == poster.code.card


# What stands in the way of copies, before anything is drawn


def _place(placement_id: str, name: str = "东门", line: int = 2) -> Placement:
    return Placement(id=placement_id, name=name, numbers=(), line=line)


def _wrong(wording: Wording, *placements: Placement, code: CodeBox = CODE) -> list[tuple[str, int | None, str]]:
    problems = check_copies(wording, DESIGN, [replace(SHEET, code=code)], placements, TABLE)
    return [(problem.place.name, problem.line, problem.code) for problem in problems]


@pytest.mark.parametrize("placement_id", ["A1", "WWWWWW", "111111"])
def test_any_id_fits_every_sheet(placement_id: str) -> None:
    assert check_copies(WORDING, DESIGN, list(PRINTED.values()), [_place(placement_id)], TABLE) == ()


def test_an_address_that_is_too_long_with_an_id_is_named_with_the_id_s_line() -> None:
    wording = replace(WORDING, page_url=f"https://{'a' * 21}.example/6/")  # 42 bytes with an id of one sign
    assert _wrong(wording, _place("A", line=2), _place("A1", line=3)) == [("placements.csv", 3, "JX-D30")]


def test_a_code_that_gets_too_fine_with_an_id_is_named_with_the_id_s_line() -> None:
    layouts = [lay_out(SHEET, DESIGN, letter_episode(each), qr.encode(each.page_url)) for each in (WORDING, PLACED)]
    module_mm = [layout.code.module_px / SHEET.px_per_mm * SHEET.print_scale for layout in layouts if layout.code]
    between = replace(CODE, min_module_mm=sum(module_mm) / 2)
    assert _wrong(WORDING, _place("A1", line=7), code=between) == [("placements.csv", 7, "JX-D10")]


def test_a_sign_that_no_font_has_is_named_with_the_place_s_line() -> None:
    assert _wrong(WORDING, _place("A1", name="东门🎧", line=5)) == [("placements.csv", 5, "JX-D32")]


@pytest.mark.parametrize(("size_bytes", "codes"), [(32, []), (33, ["JX-D31"]), (42, ["JX-D31"])])
def test_an_address_above_32_bytes_is_worth_a_reminder(size_bytes: int, codes: list[str]) -> None:
    page_url = f"https://{'a' * (size_bytes - 22)}.example/6/"
    assert len(addresses.placement_url(page_url, "A1")) == size_bytes
    assert [note.code for note in hard_to_scan(page_url, _place("A1"), TABLE)] == codes


# The overview


def _meet(first: Rectangle, second: Rectangle) -> bool:
    return first.left < second.right and second.left < first.right and first.top < second.bottom and second.top < first.bottom


@settings(max_examples=25)
@given(
    count=st.sampled_from([0, 1, ROWS, ROWS + 1, 60]),
    number=st.sampled_from([1, 99_999]),
    title=st.text("长短W1—（", min_size=1, max_size=24),
    name=st.text("长短W1—（", min_size=1, max_size=20),
    placement_id=st.text("AW1i", min_size=1, max_size=6),
)
def test_nothing_on_the_overview_meets_anything_else(count: int, number: int, title: str, name: str, placement_id: str) -> None:
    places = [_place(placement_id, name)] * count
    pages = lay_out_overview(number, title, "https://jixiang.example/9/", places, DESIGN)
    assert len(pages) == max(1, -(-count // ROWS))
    assert sum(len(page.codes) for page in pages) == count
    for page in dict.fromkeys(pages):
        parts = [*(text.rectangle for text in page.texts), *(place.card for place, _ in page.codes)]
        assert [(first.name, second.name) for first, second in combinations(parts, 2) if _meet(first, second)] == []
        inside = Rectangle(name="", left=0, top=0, right=int(WIDTH_MM / 25.4 * DPI), bottom=int(HEIGHT_MM / 25.4 * DPI))
        assert all(inside.left <= part.left < part.right <= inside.right for part in parts)
        assert all(inside.top <= part.top < part.bottom <= inside.bottom for part in parts)


def test_every_code_on_the_overview_leads_to_its_place(tmp_path: Path) -> None:
    places = [_place(f"B{order}") for order in range(1, ROWS + 2)]
    file = draw_overview(6, "家门口的好路", WORDING.page_url, places, DESIGN, tmp_path / "overview.pdf").file
    with pypdfium2.PdfDocument(file) as pdf:
        count = len(pdf)
    found = [code.text for page in range(count) for code in zxingcpp.read_barcodes(_seen(file, dpi=150, page=page))]
    assert sorted(found) == sorted(addresses.placement_url(WORDING.page_url, place.id) for place in places)


def test_the_same_overview_is_the_same_file(tmp_path: Path) -> None:
    files = [draw_overview(6, "好路", WORDING.page_url, [_place("A1")], DESIGN, tmp_path / name).file for name in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()

"""Placements: where printed posters hang, and the copy of each poster for each place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import source
from pipeline.errors import AuthorError
from pipeline.model import Placement

REPOSITORY = Path(__file__).parents[1]

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

"""What authors write for the feed alone: how often, for directories, the passage that stands for the whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline import source
from pipeline.errors import AuthorError, Problem
from pipeline.model import Series, Span, Txt

REPOSITORY = Path(__file__).parents[1]
SAMPLE = (REPOSITORY / "episodes" / "series.toml").read_text(encoding="utf-8")
SCRIPTS = REPOSITORY / "tests" / "samples" / "scripts"


def _read(folder: Path, *, rule: str = "FREQ=WEEKLY", further: str = "") -> Series:
    (folder / "series.toml").write_text(f"{SAMPLE.replace('FREQ=WEEKLY', rule)}\n{further}", encoding="utf-8")
    return source.read_series(folder / "series.toml")


def _problem(folder: Path, *, rule: str = "FREQ=WEEKLY", further: str = "") -> Problem:
    with pytest.raises(AuthorError) as caught:
        _read(folder, rule=rule, further=further)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("rule", ["FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "FREQ=MONTHLY;BYDAY=+1MO", "FREQ=DAILY"])
def test_a_rule_of_icalendar_is_taken_as_it_is(tmp_path: Path, rule: str) -> None:
    assert _read(tmp_path, rule=rule).update_rrule == rule


@pytest.mark.parametrize(
    "rule",
    [
        "每周",
        "FREQ=SOMETIMES",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;COUNT=3",  # would need the day it began
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",  # never comes
        "RRULE:FREQ=WEEKLY",
    ],
)
def test_any_other_rule_is_refused_with_an_example(tmp_path: Path, rule: str) -> None:
    problem = _problem(tmp_path, rule=rule)
    assert problem.code == "JX-A53"
    assert problem.line
    assert rule in problem.cause
    assert "FREQ=WEEKLY;INTERVAL=2" in problem.cause


def test_what_a_directory_asks_for_is_read_row_by_row(tmp_path: Path) -> None:
    rows = '[[txt]]\npurpose = "verify"\ntext = "a"\n[[txt]]\npurpose = "applepodcastsverify"\ntext = "05124"\n'
    assert _read(tmp_path, further=rows).txt == (
        Txt(purpose="verify", text="a"),
        Txt(purpose="applepodcastsverify", text="05124"),
    )


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ('[[txt]]\ntext = "a"', "JX-A52"),
        ('[[txt]]\npurpose = "verify"', "JX-A52"),
        (f'[[txt]]\npurpose = "verify"\ntext = "{"a" * 4001}"', "JX-A53"),
        (f'[[txt]]\npurpose = "{"a" * 129}"\ntext = "a"', "JX-A53"),
        ('[[txt]]\npurpose = "verify"\ntext = "a"\nfor = "b"', "JX-A58"),
    ],
)
def test_a_row_for_a_directory_that_is_not_right_is_named(tmp_path: Path, rows: str, code: str) -> None:
    assert _problem(tmp_path, further=rows).code == code


@pytest.mark.parametrize(
    ("written", "start_s", "end_s"),
    [("0:35-1:05", 35, 65), ("0:35 — 0:50", 35, 50), ("1：00到3：00", 60, 180), ("59:50-1:00:20", 3590, 3620)],
)
def test_a_passage_is_read_as_a_players_clock_shows_it(
    tmp_path: Path, series: Series, written: str, start_s: float, end_s: float
) -> None:
    folder = shutil.copytree(SCRIPTS / "good", tmp_path / "good")
    script = (folder / "script.md").read_text(encoding="utf-8")
    (folder / "script.md").write_text(script.replace("number:", f"soundbite: {written}\nnumber:", 1), encoding="utf-8")
    assert source.read_episode(folder, series).soundbite == Span(start_s=start_s, end_s=end_s)


def test_separators_that_came_along_with_pasted_words_are_spaces(series: Series) -> None:
    title = source.read_episode(SCRIPTS / "pasted-line-separators", series).title
    assert len(title.split()) == 2

"""Whatever is edited: what was released keeps its guids, addresses and sounds, or the build stops and says whom it would hurt."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import gate, ledger, source
from pipeline.model import Enclosure
from tests.desks import SAMPLE

NUMBERS = (1, 2, 3)
RELEASED_AT = datetime(2026, 11, 1, tzinfo=UTC)
_SCRIPT = """---
number: {number}
title: 第一次去{letter}
aspect: culture
stop: 老屋
summary: 说说{letter}。
publish_at: 2026-10-0{number} 08:00
---

您好。
"""


@dataclass(frozen=True)
class Desk:
    """A workspace of three released episodes whose recordings are a few bytes that nobody decodes."""

    workspace: Path

    def folder(self, number: int) -> Path | None:
        """Return the folder that says it is this number, wherever it was moved."""
        scripts = self.workspace.glob("*/script.md")
        found = [file.parent for file in scripts if f"\nnumber: {number}\n" in file.read_text(encoding="utf-8")]
        return found[0] if found else None

    def rewrite(self, number: int, key: str, value: str) -> None:
        folder = self.folder(number)
        if folder is not None:
            file = folder / "script.md"
            lines = [f"{key}: {value}" if line.startswith(f"{key}: ") else line for line in file.read_text("utf-8").split("\n")]
            file.write_text("\n".join(lines), encoding="utf-8")


def _make_desk(folder: Path) -> Desk:
    workspace = folder / "episodes"
    workspace.mkdir(parents=True)
    shutil.copyfile(SAMPLE / "series.toml", workspace / "series.toml")
    for number in NUMBERS:
        _add_episode(workspace, number)
    series = source.read_series(workspace / "series.toml")
    promises = ledger.read_ledger(workspace / "ledger.jsonl")
    episodes = source.read_episodes(workspace, series).episodes
    identities = [ledger.identify(promises, series, episode) for episode in episodes]
    lines = [*ledger.new_lines(promises, series, identities)]
    for episode, identity in zip(episodes, identities, strict=True):
        sha256 = hashlib.sha256(episode.recording.read_bytes()).hexdigest()
        sound = Enclosure(file=Path("x.mp3"), mime_type="audio/mpeg", size_bytes=9, sha256=sha256, duration_s=60.0)
        lines.append(ledger.release_line(identity, sound, episode.publish_at, sha256, released_at=RELEASED_AT))
    promises.file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return Desk(workspace)


def _add_episode(workspace: Path, number: int) -> None:
    folder = workspace / f"{number:02}-{'abcdefghi'[number]}"
    if not folder.exists():
        folder.mkdir()
        script = _SCRIPT.format(number=number, letter="abcdefghi"[number])
        (folder / "script.md").write_text(script, encoding="utf-8")
        (folder / "recording.wav").write_bytes(b"recording %d" % number)


Edit = Callable[[Desk, int, str], None]


def _rename_folder(desk: Desk, number: int, word: str) -> None:
    folder = desk.folder(number)
    if folder is not None:
        folder.rename(folder.with_name(f"{word}-{folder.name}"))


def _rename_recording(desk: Desk, number: int, _word: str) -> None:
    folder = desk.folder(number)
    if folder is not None:
        recording = next(folder.glob("recording.*"))
        recording.rename(recording.with_suffix(".mp3" if recording.suffix == ".wav" else ".wav"))


def _record_again(desk: Desk, number: int, word: str) -> None:
    folder = desk.folder(number)
    if folder is not None:
        next(folder.glob("recording.*")).write_bytes(word.encode())


def _remove(desk: Desk, number: int, _word: str) -> None:
    folder = desk.folder(number)
    if folder is not None:
        shutil.rmtree(folder)


def _move_site(desk: Desk, _number: int, word: str) -> None:
    series = desk.workspace / "series.toml"
    text = series.read_text(encoding="utf-8")
    series.write_text(text.replace('site_url = "https://', f'site_url = "https://{word}.'), encoding="utf-8")


HARMLESS: Sequence[Edit] = (
    lambda desk, number, word: desk.rewrite(number, "title", f"改成{word}"),
    lambda desk, number, word: desk.rewrite(number, "summary", f"另说{word}。"),
    lambda desk, number, _word: desk.rewrite(number, "publish_at", "2027-01-01 08:00"),
    lambda desk, number, _word: desk.rewrite(number, "stop", "老街"),
    lambda desk, _number, _word: _add_episode(desk.workspace, 5),
    _rename_folder,
    _rename_recording,
)
HURTFUL: Sequence[Edit] = (
    lambda desk, number, _word: desk.rewrite(number, "number", "7"),
    lambda desk, number, _word: desk.rewrite(number, "number", str(number % 3 + 1)),
    _record_again,
    _remove,
    _move_site,
)
_WORDS = st.text("abcxyz", min_size=1, max_size=4)
_EDITS = st.tuples(st.sampled_from(NUMBERS), _WORDS)


def _read(desk: Desk) -> tuple[ledger.Ledger, source.Reading, list[str]]:
    series = source.read_series(desk.workspace / "series.toml")
    promises = ledger.read_ledger(desk.workspace / "ledger.jsonl")
    reading = source.read_episodes(desk.workspace, series)
    problems = gate.broken_promises(promises, series, reading, (), desk.workspace / "placements.csv")
    if not problems:
        for episode in reading.episodes:
            if episode.number in NUMBERS:
                assert ledger.identify(promises, series, episode) == promises.identities[episode.number]
    return promises, reading, [problem.code for problem in problems]


@given(st.lists(st.tuples(st.sampled_from(HARMLESS), _EDITS), max_size=6))
def test_titles_dates_folders_files_and_order_are_free(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[Edit, tuple[int, str]]]
) -> None:
    desk = _make_desk(tmp_path_factory.mktemp("desk"))
    before, _, _ = _read(desk)
    for edit, (number, word) in edits:
        edit(desk, number, word)
    after, reading, problems = _read(desk)
    assert problems == []
    assert (after.identities, after.releases) == (before.identities, before.releases)
    assert {episode.number for episode in reading.episodes} >= set(NUMBERS)


@given(st.lists(st.tuples(st.sampled_from((*HARMLESS, *HURTFUL)), _EDITS), max_size=8))
def test_nothing_released_changes_or_is_lost_unless_the_build_stops(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[Edit, tuple[int, str]]]
) -> None:
    desk = _make_desk(tmp_path_factory.mktemp("desk"))
    before, was, _ = _read(desk)
    recordings = {episode.number: episode.recording.read_bytes() for episode in was.episodes}
    for edit, (number, word) in edits:
        edit(desk, number, word)
    after, reading, problems = _read(desk)
    assert (after.identities, after.releases) == (before.identities, before.releases)
    if not problems and not reading.broken:
        now = {episode.number: episode.recording.read_bytes() for episode in reading.episodes}
        assert {number: now.get(number) for number in NUMBERS} == recordings


@pytest.mark.parametrize("edit", HURTFUL)
def test_each_hurtful_edit_stops_the_build(tmp_path: Path, edit: Edit) -> None:
    desk = _make_desk(tmp_path)
    edit(desk, 1, "abc")
    _, reading, problems = _read(desk)
    assert problems or reading.broken

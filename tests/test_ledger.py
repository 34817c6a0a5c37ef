"""Promises: what a printed code and a subscriber's app rely on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import ledger
from pipeline.errors import PromiseError
from pipeline.model import Enclosure, Episode, Identity, Placement, Series

RECORDING = "5" * 64
ENCLOSURE = Enclosure(file=Path("x.mp3"), mime_type="audio/mpeg", size_bytes=1000, sha256="a" * 64, duration_s=81.5)
PUBLISHED = datetime(2026, 11, 2, tzinfo=UTC)


def _write(file: Path, *lines: str) -> ledger.Ledger:
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return ledger.read_ledger(file)


def _empty(tmp_path: Path) -> ledger.Ledger:
    return ledger.read_ledger(tmp_path / "ledger.jsonl")


def _released(tmp_path: Path, series: Series, episode: Episode) -> ledger.Ledger:
    empty = _empty(tmp_path)
    identity = ledger.identify(empty, series, episode)
    lines = ledger.new_lines(empty, series, [identity])
    return _write(empty.file, *lines, ledger.release_line(identity, ENCLOSURE, PUBLISHED, RECORDING))


def test_two_people_compute_the_same_identity(tmp_path: Path, series: Series, episode: Episode) -> None:
    assert ledger.identify(_empty(tmp_path), series, episode) == ledger.identify(_empty(tmp_path), series, episode)


def test_a_changed_title_keeps_guid_and_address(tmp_path: Path, series: Series, episode: Episode) -> None:
    renamed = dataclasses.replace(episode, title="换了标题", slug="99-huan-le")
    assert ledger.identify(_empty(tmp_path), series, renamed) == ledger.identify(_empty(tmp_path), series, episode)


def test_what_is_written_is_read_back(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _released(tmp_path, series, episode)
    assert promises.identities[1].page_url == "https://jixiang.example/1/"
    assert promises.releases[1].sha256 == ENCLOSURE.sha256
    assert promises.releases[1].published_at == PUBLISHED
    assert ledger.new_lines(promises, series, list(promises.identities.values())) == ()


def test_an_edited_line_is_named(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _released(tmp_path, series, episode)
    text = promises.file.read_text(encoding="utf-8")
    promises.file.write_text(text.replace("/1/", "/2/"), encoding="utf-8")
    with pytest.raises(PromiseError) as raised:
        ledger.read_ledger(promises.file)
    assert [(problem.line, problem.code) for problem in raised.value.problems] == [(2, "JX-P01")]


def test_a_line_that_a_power_cut_tore_was_never_promised(tmp_path: Path, series: Series, episode: Episode) -> None:
    whole = _released(tmp_path, series, episode)
    content = whole.file.read_bytes()
    whole.file.write_bytes(content[:-20])
    torn = ledger.read_ledger(whole.file)
    assert torn.torn
    assert torn.identities == whole.identities
    assert torn.releases == {}
    whole.file.write_bytes(content[:-1])  # an editor took the last line end away
    assert ledger.read_ledger(whole.file).releases == whole.releases


def test_the_marks_of_a_merge_conflict_are_named_as_such(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _released(tmp_path, series, episode)
    lines = promises.file.read_text(encoding="utf-8").splitlines()
    with pytest.raises(PromiseError) as raised:
        _write(promises.file, "<<<<<<< HEAD", *lines, "=======", ">>>>>>> other")
    assert {problem.code for problem in raised.value.problems} == {"JX-P08"}


@given(st.integers(min_value=0, max_value=10_000), st.binary(min_size=1, max_size=3))
def test_damage_anywhere_is_never_taken_for_another_promise(
    tmp_path_factory: pytest.TempPathFactory, at: int, damage: bytes
) -> None:
    identity = Identity(number=3, guid="11111111-2222-5333-8444-555555555555", page_url="https://jixiang.example/3/")
    file = tmp_path_factory.mktemp("damage") / "ledger.jsonl"
    whole = _write(file, ledger.release_line(identity, ENCLOSURE, PUBLISHED, RECORDING)).releases
    content = file.read_bytes()
    position = at % len(content)
    file.write_bytes(content[:position] + damage + content[position + len(damage) :])
    try:
        read = ledger.read_ledger(file).releases
    except PromiseError as error:
        assert error.problems[0].code == "JX-P01"  # noqa: PT017  (either it is refused, or it says the same)
    else:
        assert set(read.values()) <= set(whole.values())


def test_two_ledgers_merge_by_the_union_of_their_lines(tmp_path: Path, series: Series, episode: Episode) -> None:
    mine = ledger.new_lines(_empty(tmp_path), series, [ledger.identify(_empty(tmp_path), series, episode)])
    other = dataclasses.replace(episode, number=2)
    theirs = ledger.new_lines(_empty(tmp_path), series, [ledger.identify(_empty(tmp_path), series, other)])
    merged = _write(tmp_path / "ledger.jsonl", *dict.fromkeys([*theirs, *mine]))
    assert set(merged.identities) == {1, 2}


def test_before_release_a_new_site_address_replaces_the_identity_and_says_so(
    tmp_path: Path, series: Series, episode: Episode
) -> None:
    empty = _empty(tmp_path)
    promises = _write(empty.file, *ledger.new_lines(empty, series, [ledger.identify(empty, series, episode)]))
    moved = dataclasses.replace(series, site_url="https://other.example/")
    identity = ledger.identify(promises, moved, episode)
    assert identity.page_url == "https://other.example/1/"
    assert [old.page_url for old in ledger.voided_codes(promises, [identity])] == ["https://jixiang.example/1/"]
    assert len(ledger.new_lines(promises, moved, [identity])) == 2


def test_a_shorter_site_address_is_another_one_too(tmp_path: Path, series: Series, episode: Episode) -> None:
    longer = dataclasses.replace(series, site_url="https://jixiang.example/radio/")
    empty = _empty(tmp_path)
    promises = _write(empty.file, *ledger.new_lines(empty, longer, [ledger.identify(empty, longer, episode)]))
    identity = ledger.identify(promises, series, episode)
    assert identity.page_url == "https://jixiang.example/1/"
    assert [old.page_url for old in ledger.voided_codes(promises, [identity])] == ["https://jixiang.example/radio/1/"]


def test_after_release_a_moved_site_breaks_a_promise(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _released(tmp_path, series, episode)
    moved = dataclasses.replace(series, site_url="https://other.example/")
    problems = ledger.check_promises(promises, moved, [episode], {1: RECORDING}, broken=())
    assert [problem.code for problem in problems] == ["JX-P02"]
    assert ledger.identify(promises, moved, episode).page_url == "https://jixiang.example/1/"


def test_after_release_another_recording_breaks_a_promise(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _released(tmp_path, series, episode)
    assert ledger.check_promises(promises, series, [episode], {1: RECORDING}, broken=()) == ()
    problems = ledger.check_promises(promises, series, [episode], {1: "6" * 64}, broken=())
    assert [problem.code for problem in problems] == ["JX-P03"]


def test_after_release_another_number_breaks_a_promise(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _released(tmp_path, series, episode)
    renumbered = dataclasses.replace(episode, number=9)
    problems = ledger.check_promises(promises, series, [renumbered], {9: RECORDING}, broken=())
    assert [problem.code for problem in problems] == ["JX-P04"]
    assert "改回 1" in problems[0].fix


def test_after_release_a_lost_folder_breaks_a_promise(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _released(tmp_path, series, episode)
    problems = ledger.check_promises(promises, series, [], {}, broken=())
    assert [problem.code for problem in problems] == ["JX-P05"]
    assert ledger.check_promises(promises, series, [], {}, broken={1}) == ()


def test_lines_merged_in_after_a_release_change_none_of_its_promises(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _released(tmp_path, series, episode)
    moved = dataclasses.replace(series, site_url="https://other.example/")
    empty = _empty(tmp_path / "elsewhere")
    theirs = ledger.new_lines(empty, moved, [ledger.identify(empty, moved, episode)])
    merged = _write(promises.file, *promises.file.read_text(encoding="utf-8").splitlines(), *theirs)
    assert (merged.series, merged.identities) == (promises.series, promises.identities)


def test_a_release_names_the_other_containers_too(tmp_path: Path, series: Series, episode: Episode) -> None:
    identity = ledger.identify(_empty(tmp_path), series, episode)
    other = dataclasses.replace(ENCLOSURE, file=Path("x.m4a"), mime_type="audio/mp4", sha256="c" * 64, size_bytes=2000)
    line = ledger.release_line(identity, ENCLOSURE, PUBLISHED, RECORDING, alternates=[other])
    (alternate,) = _write(tmp_path / "ledger.jsonl", line).releases[1].alternates
    assert alternate == ledger.ReleasedFile(
        path="audio/1-cccccccccccc.m4a", sha256="c" * 64, size_bytes=2000, duration_s=ENCLOSURE.duration_s
    )


def test_a_release_from_before_there_were_other_containers_is_read(tmp_path: Path) -> None:
    entry = {
        "kind": "release",
        "number": 1,
        "path": "audio/1-aaaaaaaaaaaa.mp3",
        "sha256": "a" * 64,
        "size_bytes": 1000,
        "duration_s": 81.5,
        "published_at": PUBLISHED.isoformat(),
        "recording_sha256": RECORDING,
    }
    plain = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    line = json.dumps({**entry, "check": hashlib.sha256(plain.encode()).hexdigest()[:16]}, ensure_ascii=False)
    release = _write(tmp_path / "ledger.jsonl", line).releases[1]
    assert (release.sha256, release.alternates) == (ENCLOSURE.sha256, ())


def test_the_first_release_counts(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _released(tmp_path, series, episode)
    again = ledger.release_line(promises.identities[1], dataclasses.replace(ENCLOSURE, sha256="b" * 64), PUBLISHED, RECORDING)
    lines = promises.file.read_text(encoding="utf-8").splitlines()
    assert _write(promises.file, *lines, again).releases[1].sha256 == ENCLOSURE.sha256


# Placements

TABLE = Path("placements.csv")


def _placement(placement_id: str, name: str) -> Placement:
    return Placement(id=placement_id, name=name, numbers=(), line=2)


def _hung(tmp_path: Path, series: Series, episode: Episode, *placements: Placement, released: bool) -> ledger.Ledger:
    empty = _empty(tmp_path)
    identity = ledger.identify(empty, series, episode)
    release = [ledger.release_line(identity, ENCLOSURE, PUBLISHED, RECORDING)] if released else []
    return _write(empty.file, *ledger.new_lines(empty, series, [identity], placements), *release)


def test_a_placement_on_record_needs_no_further_line(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _hung(tmp_path, series, episode, _placement("A1", "东门"), released=False)
    identities = list(promises.identities.values())
    assert promises.placements["a1"] == ledger.PlacementPromise(id="A1", name="东门")
    assert ledger.new_lines(promises, series, identities, [_placement("A1", "东门")]) == ()
    assert ledger.new_lines(promises, series, identities) == ()  # it left the file, and stays on record


@pytest.mark.parametrize("new", [_placement("A1", "西门"), _placement("a1", "东门")], ids=["another place", "another case"])
def test_before_any_release_an_id_may_be_given_to_another_place_and_that_is_said(
    tmp_path: Path, series: Series, episode: Episode, new: Placement
) -> None:
    promises = _hung(tmp_path, series, episode, _placement("A1", "东门"), released=False)
    assert ledger.check_placements(promises, [new], TABLE) == ()
    (note,) = ledger.voided_placements(promises, [new], TABLE)
    assert (note.place, note.line, note.code) == (TABLE, 2, "JX-P11")
    assert "东门" in note.cause
    lines = ledger.new_lines(promises, series, list(promises.identities.values()), [new])
    written = promises.file.read_text(encoding="utf-8").splitlines()
    assert _write(promises.file, *written, *lines).placements["a1"] == ledger.PlacementPromise(id=new.id, name=new.name)


@pytest.mark.parametrize("new", [_placement("A1", "西门"), _placement("a1", "东门")], ids=["another place", "another case"])
def test_after_a_release_an_id_stays_with_its_place(tmp_path: Path, series: Series, episode: Episode, new: Placement) -> None:
    promises = _hung(tmp_path, series, episode, _placement("A1", "东门"), released=True)
    assert ledger.check_placements(promises, [_placement("A1", "东门"), _placement("A2", "西门")], TABLE) == ()
    (problem,) = ledger.check_placements(promises, [new], TABLE)
    assert (problem.place, problem.line, problem.code) == (TABLE, 2, "JX-P10")
    assert new.name in problem.cause
    assert "东门" in problem.cause
    assert "没有用过的编号" in problem.fix


def test_a_line_merged_in_after_a_release_gives_no_id_to_another_place(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _hung(tmp_path, series, episode, _placement("A1", "东门"), released=True)
    theirs = ledger.new_lines(_empty(tmp_path / "elsewhere"), series, [], [_placement("A1", "西门"), _placement("B1", "北门")])
    merged = _write(promises.file, *promises.file.read_text(encoding="utf-8").splitlines(), *theirs)
    assert {each.id: each.name for each in merged.placements.values()} == {"A1": "东门", "B1": "北门"}


def test_two_ledgers_with_placements_merge_by_the_union_of_their_lines(tmp_path: Path, series: Series) -> None:
    mine = ledger.new_lines(_empty(tmp_path), series, [], [_placement("A1", "东门"), _placement("A2", "西门")])
    theirs = ledger.new_lines(_empty(tmp_path), series, [], [_placement("A2", "西门"), _placement("B1", "北门")])
    merged = _write(tmp_path / "ledger.jsonl", *dict.fromkeys([*theirs, *mine]))
    assert {each.id: each.name for each in merged.placements.values()} == {"A1": "东门", "A2": "西门", "B1": "北门"}


def test_a_ledger_from_before_there_were_placements_is_read(tmp_path: Path, series: Series, episode: Episode) -> None:
    assert _released(tmp_path, series, episode).placements == {}

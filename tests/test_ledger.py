"""Promises: what a printed code and a subscriber's app rely on."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import ledger
from pipeline.errors import PromiseError
from pipeline.ledger.lines import make_line
from pipeline.model import Enclosure, Episode, Identity, Placement, ReleasedFile, Series

RECORDING = "5" * 64
ENCLOSURE = Enclosure(file=Path("x.mp3"), mime_type="audio/mpeg", size_bytes=1000, sha256="a" * 64, duration_s=81.5)
PUBLISHED = datetime(2026, 11, 2, tzinfo=UTC)


def _write(file: Path, *lines: str) -> ledger.Ledger:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return ledger.read_ledger(file)


def _empty(tmp_path: Path) -> ledger.Ledger:
    return ledger.read_ledger(tmp_path / "ledger.jsonl")


def _released(tmp_path: Path, series: Series, episode: Episode) -> ledger.Ledger:
    empty = _empty(tmp_path)
    identity = ledger.identify(empty, series, episode)
    lines = ledger.new_lines(empty, series, [identity])
    return _write(empty.file, *lines, ledger.release_line(identity, ENCLOSURE, PUBLISHED, RECORDING, released_at=PUBLISHED))


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
    promises.file.write_text(text.replace("/1/", "/2/", 1), encoding="utf-8")
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
    whole = _write(file, ledger.release_line(identity, ENCLOSURE, PUBLISHED, RECORDING, released_at=PUBLISHED)).releases
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
    line = ledger.release_line(identity, ENCLOSURE, PUBLISHED, RECORDING, released_at=PUBLISHED, alternates=[other])
    (alternate,) = _write(tmp_path / "ledger.jsonl", line).releases[1].alternates
    assert alternate == ReleasedFile(
        path="audio/1-cccccccccccc.m4a", sha256="c" * 64, size_bytes=2000, duration_s=ENCLOSURE.duration_s
    )


def test_the_first_release_counts(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _released(tmp_path, series, episode)
    other = dataclasses.replace(ENCLOSURE, sha256="b" * 64)
    again = ledger.release_line(promises.identities[1], other, PUBLISHED, RECORDING, released_at=PUBLISHED + timedelta(hours=1))
    lines = promises.file.read_text(encoding="utf-8").splitlines()
    assert _write(promises.file, *lines, again).releases[1].sha256 == ENCLOSURE.sha256
    assert _write(promises.file, again, *lines).releases[1].sha256 == ENCLOSURE.sha256


# Placements

TABLE = Path("placements.csv")


def _placement(placement_id: str, name: str) -> Placement:
    return Placement(id=placement_id, name=name, numbers=(), line=2)


def _hung(tmp_path: Path, series: Series, episode: Episode, *placements: Placement, released: bool) -> ledger.Ledger:
    empty = _empty(tmp_path)
    identity = ledger.identify(empty, series, episode)
    release = [ledger.release_line(identity, ENCLOSURE, PUBLISHED, RECORDING, released_at=PUBLISHED)] if released else []
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


# Corrections, retirements, moves

DECIDED = PUBLISHED + timedelta(days=3)
NEW_RECORDING = "6" * 64
NEW_ENCLOSURE = dataclasses.replace(ENCLOSURE, sha256="d" * 64, size_bytes=1200, duration_s=90.0)


def _amended(promises: ledger.Ledger, *lines: str) -> ledger.Ledger:
    return _write(promises.file, *promises.file.read_text(encoding="utf-8").splitlines(), *lines)


def _corrected(promises: ledger.Ledger, decided_at: datetime, enclosure: Enclosure) -> str:
    return ledger.release_line(
        promises.identities[1],
        enclosure,
        PUBLISHED,
        NEW_RECORDING,
        released_at=decided_at + timedelta(hours=1),
        corrects=decided_at.isoformat(),
    )


def test_a_correction_allows_its_recording_and_no_other(tmp_path: Path, series: Series, episode: Episode) -> None:
    promises = _amended(_released(tmp_path, series, episode), ledger.correction_line(1, NEW_RECORDING, "念错了一个名字", DECIDED))
    correction = promises.pending_correction(1)
    assert correction is not None
    assert correction.reason == "念错了一个名字"
    assert ledger.check_promises(promises, series, [episode], {1: NEW_RECORDING}, broken=()) == ()
    (problem,) = ledger.check_promises(promises, series, [episode], {1: RECORDING}, broken=())
    assert problem.code == "JX-P03"


def test_until_a_correction_is_out_subscribers_are_offered_the_old_sound(
    tmp_path: Path, series: Series, episode: Episode
) -> None:
    promises = _amended(_released(tmp_path, series, episode), ledger.correction_line(1, NEW_RECORDING, "重录", DECIDED))
    assert promises.releases[1].sha256 == ENCLOSURE.sha256


def test_a_correction_that_is_out_is_offered_under_the_same_identity_and_the_old_file_stays_promised(
    tmp_path: Path, series: Series, episode: Episode
) -> None:
    before = _released(tmp_path, series, episode)
    after = _amended(
        before, ledger.correction_line(1, NEW_RECORDING, "重录", DECIDED), _corrected(before, DECIDED, NEW_ENCLOSURE)
    )
    assert after.pending_correction(1) is None
    assert after.releases[1].sha256 == NEW_ENCLOSURE.sha256
    assert after.releases[1].published_at == PUBLISHED
    assert after.identities == before.identities
    assert [file.sha256 for file in after.files[1]] == [ENCLOSURE.sha256, NEW_ENCLOSURE.sha256]
    assert ledger.check_promises(after, series, [episode], {1: NEW_RECORDING}, broken=()) == ()


def test_of_two_corrections_the_later_decision_counts(tmp_path: Path, series: Series, episode: Episode) -> None:
    before = _released(tmp_path, series, episode)
    later = DECIDED + timedelta(days=1)
    last = dataclasses.replace(NEW_ENCLOSURE, sha256="e" * 64)
    after = _amended(
        before,
        _corrected(before, later, last),
        ledger.correction_line(1, NEW_RECORDING, "再重录", later),
        _corrected(before, DECIDED, NEW_ENCLOSURE),
        ledger.correction_line(1, NEW_RECORDING, "重录", DECIDED),
    )
    assert after.releases[1].sha256 == last.sha256
    assert after.pending_correction(1) is None
    assert len(after.files[1]) == 3


def test_a_retired_episode_may_lose_its_folder_and_keeps_its_identity(tmp_path: Path, series: Series, episode: Episode) -> None:
    before = _released(tmp_path, series, episode)
    after = _amended(before, ledger.retirement_line(1, "嘉宾要求撤下", DECIDED))
    assert after.retirements[1].reason == "嘉宾要求撤下"
    assert after.identities == before.identities
    assert ledger.check_promises(after, series, [], {}, broken=()) == ()


def test_after_a_move_guids_stay_and_addresses_follow(tmp_path: Path, series: Series, episode: Episode) -> None:
    before = _released(tmp_path, series, episode)
    after = _amended(before, ledger.move_line("https://new.example/radio/", "换了域名", DECIDED))
    moved = dataclasses.replace(series, site_url="https://new.example/radio/")
    assert ledger.check_promises(after, moved, [episode], {1: RECORDING}, broken=()) == ()
    assert after.identities[1] == dataclasses.replace(before.identities[1], page_url="https://new.example/radio/1/")
    assert after.former_sites == ("https://jixiang.example/",)
    assert before.series is not None
    promise = ledger.promise_series(after, moved)
    assert (promise.podcast_guid, promise.feed_url) == (before.series.podcast_guid, "https://new.example/radio/feed.xml")
    later = dataclasses.replace(episode, number=2)
    assert ledger.identify(after, moved, later).guid == ledger.identify(before, series, later).guid
    assert ledger.new_lines(after, moved, [after.identities[1]]) == ()


def test_whoever_moves_back_has_one_former_site(tmp_path: Path, series: Series, episode: Episode) -> None:
    there = ledger.move_line("https://new.example/", "换了域名", DECIDED)
    back = ledger.move_line(series.site_url, "换回来", DECIDED + timedelta(days=1))
    after = _amended(_released(tmp_path, series, episode), there, back)
    assert after.former_sites == ("https://new.example/",)
    assert after.identities[1].page_url == "https://jixiang.example/1/"


@given(st.randoms(use_true_random=False))
def test_in_whatever_order_lines_come_together_they_promise_the_same(
    tmp_path_factory: pytest.TempPathFactory, series: Series, episode: Episode, chance: Random
) -> None:
    folder = tmp_path_factory.mktemp("union")
    released = _released(folder, series, episode)
    empty = _empty(folder / "elsewhere")
    elsewhere = dataclasses.replace(series, site_url="https://other.example/")
    lines = [
        *released.file.read_text(encoding="utf-8").splitlines(),
        *ledger.new_lines(empty, elsewhere, [ledger.identify(empty, elsewhere, episode)]),
        ledger.correction_line(1, NEW_RECORDING, "重录", DECIDED),
        _corrected(released, DECIDED, NEW_ENCLOSURE),
        ledger.retirement_line(1, "撤下", DECIDED),
        ledger.move_line("https://new.example/", "换了域名", DECIDED),
    ]
    in_order = _write(folder / "one" / "ledger.jsonl", *lines)
    chance.shuffle(lines)
    shuffled = _write(folder / "other" / "ledger.jsonl", *lines)
    as_one = dataclasses.replace(shuffled, file=in_order.file)
    assert dataclasses.replace(as_one, files={}) == dataclasses.replace(in_order, files={})
    assert set(as_one.files[1]) == set(in_order.files[1])


def test_lines_that_only_the_other_ledger_has_are_found_and_damaged_ones_are_no_lines(
    tmp_path: Path, series: Series, episode: Episode
) -> None:
    ours = _released(tmp_path, series, episode).file.read_text(encoding="utf-8")
    retirement = ledger.retirement_line(1, "撤下", DECIDED)
    theirs = f"{ours}{retirement}\r\n{retirement}\n{ours.splitlines()[0][:-5]}\n"
    assert ledger.missing_lines(ours, theirs) == (retirement,)
    assert ledger.missing_lines(theirs, ours) == ()
    assert ledger.missing_lines("", ours) == tuple(ours.splitlines())


def test_a_line_that_lacks_a_field_is_damaged_whatever_its_checksum_says(tmp_path: Path) -> None:
    with pytest.raises(PromiseError) as raised:
        _write(tmp_path / "ledger.jsonl", make_line("release", number=1))
    assert [problem.code for problem in raised.value.problems] == ["JX-P01"]


@pytest.mark.parametrize(
    "fields",
    [
        {"number": "x", "reason": "撤下", "decided_at": DECIDED.isoformat()},
        {"number": 1, "reason": 1, "decided_at": DECIDED.isoformat()},
        {"number": 1, "reason": "撤下", "decided_at": "yesterday"},
        {"number": 1, "reason": "撤下", "decided_at": "2026-11-05T00:00:00"},
        {"number": True, "reason": "撤下", "decided_at": DECIDED.isoformat()},
    ],
    ids=["number", "reason", "moment", "no zone", "yes for a number"],
)
def test_a_field_that_is_not_what_it_should_be_is_damage_whatever_its_checksum_says(
    tmp_path: Path, fields: dict[str, object]
) -> None:
    with pytest.raises(PromiseError) as raised:
        _write(tmp_path / "ledger.jsonl", make_line("retirement", **fields))
    assert [(problem.line, problem.code) for problem in raised.value.problems] == [(1, "JX-P01")]


def test_a_ledger_saved_as_utf_16_is_told_once_and_nobody_is_asked_to_delete_lines(
    tmp_path: Path, series: Series, episode: Episode
) -> None:
    promises = _released(tmp_path, series, episode)
    promises.file.write_text(promises.file.read_text(encoding="utf-8"), encoding="utf-16")
    with pytest.raises(PromiseError) as raised:
        ledger.read_ledger(promises.file)
    assert [problem.code for problem in raised.value.problems] == ["JX-P14"]
    assert "UTF-8" in raised.value.problems[0].fix

"""The whole pipeline on a small workspace: what a build leaves, keeps and promises.

Each build draws posters and encodes sound, so the tests share one, and those that change something work on a copy of it.
"""

from __future__ import annotations

import json
import multiprocessing.context
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin

import feedparser
import pypdfium2
import pytest
import zxingcpp
from lxml import etree
from mutagen import mp4
from mutagen.mp3 import MP3

from pipeline import artefacts, audio, ledger, media
from pipeline.artefacts import store as artefact_store
from pipeline.errors import AuthorError, MachineError, PromiseError
from pipeline.model import Enclosure, Release, Sound, SoundSettings, Span, Theme
from tests.desks import NOW, Desk, content_of, made_in, new_desk
from tests.sounds import read_ebur128

REPOSITORY = Path(__file__).parents[1]


def test_a_build_leaves_sound_posters_pages_feed_and_reports(first: Desk) -> None:
    made = set(made_in(first.out))
    assert {
        "site/index.html",
        "site/1/index.html",
        "site/2/index.html",
        "site/feed.xml",
        "site/404.html",
        "site/route/index.html",
        "site/subscribe/index.html",
        "print/1/a3.pdf",
        "print/2/rollup.pdf",
        "print/series/a4.pdf",
        "print/series.pdf",
        "social/1/moments.png",
        "social/1/cover.jpg",
        "social/1/sheet.jpg",
        "social/series/cover.jpg",
        "report/1.json",
        "report/1.png",
    } <= made


def test_nothing_of_an_episode_that_is_not_due_is_on_the_site(first: Desk) -> None:
    site = first.site()
    assert [path for path in site if path.startswith(("audio/2-", "transcripts/2-", "chapters/2-"))] == []
    page = site["2/index.html"].decode()
    assert "即将上线" in page
    assert "吉祥社区有万科广场" not in page
    assert "<audio" not in page
    assert [entry.title for entry in feedparser.parse(site["feed.xml"]).entries] == ["慢慢看"]


def test_what_the_feed_names_is_there_byte_for_byte(first: Desk) -> None:
    site = first.site()
    (entry,) = feedparser.parse(site["feed.xml"]).entries
    (enclosure,) = entry.enclosures
    path = enclosure.href.removeprefix("https://a.example/")
    assert int(enclosure.length) == len(site[path])
    for link in (entry.image.href, *(each["url"] for each in [entry.podcast_transcript])):
        assert link.removeprefix("https://a.example/") in site


def test_the_published_sound_is_as_loud_as_series_toml_says(first: Desk) -> None:
    (sound,) = (first.out / "site" / "audio").iterdir()
    integrated_lufs, true_peak_dbtp, _ = read_ebur128(sound)
    assert integrated_lufs == pytest.approx(-16, abs=0.2)
    assert true_peak_dbtp <= -1


def test_a_second_build_starts_no_program_and_touches_no_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **_: object) -> None:
        raise AssertionError(f"a program was started: {arguments}")

    # ffmpeg and the worker processes alike.
    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", refuse)
    artefact_store._read_recipe.cache_clear()  # noqa: SLF001  (so that nothing is known from an earlier build of this process)
    laid_out = [file for file in desk.out.rglob("*") if file.is_file() and file.name not in {".lock", ".jixiang"}]
    before = {file: file.stat().st_mtime_ns for file in laid_out}
    assert desk.build().failures == ()
    assert {file: file.stat().st_mtime_ns for file in before} == before


def test_an_incremental_build_equals_a_clean_one_byte_for_byte(desk: Desk, tmp_path: Path) -> None:
    desk.edit("01-laowu/script.md", "title: 慢慢看", "title: 再慢一点")
    desk.edit("02-laojie/script.md", "都热闹得很。\n", "都很热闹。\n")
    _hang(desk, "A1,东门,1")
    later = datetime(2026, 12, 2, tzinfo=UTC)
    assert desk.build(now=later).failures == ()
    clean = Desk(desk.workspace, tmp_path / "clean")
    assert clean.build(now=later).failures == ()
    incremental, fresh = made_in(desk.out), made_in(clean.out)
    assert incremental.keys() == fresh.keys()
    assert [path for path in fresh if incremental[path] != fresh[path]] == []


def test_a_changed_title_keeps_guid_and_address_and_encodes_nothing(desk: Desk) -> None:
    encoded = set((desk.out / "store" / "normalize").iterdir())
    before = feedparser.parse(desk.site()["feed.xml"]).entries[0]
    desk.edit("01-laowu/script.md", "title: 慢慢看", "title: 再慢一点")
    desk.build(1)
    after = feedparser.parse(desk.site()["feed.xml"]).entries[0]
    assert (before.title, after.title) == ("慢慢看", "再慢一点")
    assert (before.id, before.link) == (after.id, after.link)
    assert set((desk.out / "store" / "normalize").iterdir()) == encoded


def test_a_damaged_file_in_the_store_is_made_again(desk: Desk) -> None:
    before = made_in(desk.out)
    for file in (desk.out / "store").rglob("*.mp3"):
        file.write_bytes(file.read_bytes()[:1000])
    shutil.rmtree(desk.out / "site")
    assert desk.build().failures == ()
    assert made_in(desk.out) == before


def test_a_second_build_adds_nothing_to_the_ledger_and_may_be_frozen(desk: Desk) -> None:
    before = (desk.workspace / "ledger.jsonl").read_bytes()
    assert desk.build(frozen=True).failures == ()
    assert (desk.workspace / "ledger.jsonl").read_bytes() == before


def test_frozen_refuses_what_the_ledger_lacks_before_anything_ismade_in(tmp_path: Path) -> None:
    desk = new_desk(tmp_path)
    with pytest.raises(PromiseError) as raised:
        desk.build(frozen=True)
    assert raised.value.problems[0].code == "JX-P06"
    assert not desk.out.exists()


def test_one_broken_episode_stops_no_other_and_loses_nothing_that_was_built(desk: Desk) -> None:
    before = made_in(desk.out)
    desk.edit("01-laowu/script.md", "aspect: culture", "aspect: 文化")
    desk.edit("02-laojie/script.md", "title: 去逛街", "title: 一起去逛街")
    outcome = desk.build()
    assert [problem.code for failure in outcome.failures for problem in failure.problems] == ["JX-A32"]
    assert [each.identity.number for each in outcome.built] == [2]
    assert not outcome.site_laid_out
    after = made_in(desk.out)
    changed = [path for path in before if before[path] != after.get(path)]
    assert [path for path in changed if not path.startswith(("print/2/", "social/2/", "report/2.", "print/series.pdf"))] == []
    assert before["print/2/a3.pdf"] != after["print/2/a3.pdf"]


@pytest.mark.parametrize(
    "written", ["number 1", "number: 第1期", "number: 0", "number: -1", "number: １", "number: [1]", "number: 9e9"]
)
def test_a_number_that_cannot_be_read_takes_no_episode_off_the_site(desk: Desk, written: str) -> None:
    (desk.workspace / "01-laowu").rename(desk.workspace / "2026-laowu")
    desk.edit("2026-laowu/script.md", "---\nnumber: 1\n", f"---\n{written}\n")
    before = made_in(desk.out)
    outcome = desk.build(2)
    assert outcome.failures
    assert not outcome.site_laid_out
    assert made_in(desk.out) == before


def test_a_sign_that_no_font_has_is_named_with_its_line_wherever_it_was_written(desk: Desk) -> None:
    desk.edit("02-laojie/script.md", "title: 去逛街", "title: 去逛街🎧")
    desk.edit("series.toml", 'poster_signature = "测试社区"', 'poster_signature = "测试社区🏮"')
    outcome = desk.build()
    found = {(problem.code, problem.place.name, problem.line) for failure in outcome.failures for problem in failure.problems}
    assert found == {("JX-D11", "script.md", 3), ("JX-D11", "series.toml", 9)}
    assert (desk.out / "social" / "series" / "cover.jpg").exists()


def test_editing_the_words_tags_no_sound_again(desk: Desk) -> None:
    tagged = set((desk.out / "store" / "tag").iterdir())
    desk.edit("01-laowu/script.md", "我们去看西埔新居", "我们去看西埔新居吧")
    desk.edit("series.toml", 'description = "测试用的小节目。"', 'description = "换一句。"')
    assert desk.build().failures == ()
    assert set((desk.out / "store" / "tag").iterdir()) == tagged


def test_a_ledger_that_is_gone_is_missed_before_anything_ismade_in(desk: Desk) -> None:
    before = made_in(desk.out)
    (desk.workspace / "ledger.jsonl").unlink()
    with pytest.raises(PromiseError) as raised:
        desk.build()
    assert raised.value.problems[0].code == "JX-P09"
    assert made_in(desk.out) == before


def test_ctrl_c_ends_at_once_and_the_next_build_finishes(tmp_path: Path) -> None:
    desk = new_desk(tmp_path)
    command = [sys.executable, str(REPOSITORY / "cli.py"), "build", "1", "-C", str(desk.workspace), "--now", "2026-11-01"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr is not None
        while "√ 第 1 期 声音" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert "√ 第 1 期 A3" not in said  # the sheet takes longest: whoever waits for what is in work finishes it
    assert desk.build(1).failures == ()
    assert "1/index.html" in desk.site()


def test_a_broken_new_episode_leaves_the_others_laid_out(desk: Desk) -> None:
    shutil.copytree(desk.workspace / "01-laowu", desk.workspace / "03-xin")
    desk.edit("03-xin/script.md", "number: 1", "number: 3")
    (desk.workspace / "03-xin" / "recording.flac").write_bytes(b"")
    outcome = desk.build()
    assert outcome.site_laid_out
    assert [failure.exit_code for failure in outcome.failures] == [1]
    assert "03-xin" in str(outcome.failures[0].problems[0].place)
    assert "3/index.html" not in desk.site()
    assert 3 not in ledger.read_ledger(desk.workspace / "ledger.jsonl").identities


def test_an_episode_whose_folder_is_gone_leaves_a_plain_page(desk: Desk) -> None:
    shutil.rmtree(desk.workspace / "02-laojie")
    outcome = desk.build(1)
    assert outcome.failures == ()
    site = desk.site()
    assert "2/index.html" in site
    assert "去逛街" not in site["2/index.html"].decode()
    assert not (desk.out / "print" / "2").exists()


def test_a_number_that_does_not_exist_is_said_with_those_that_do(desk: Desk) -> None:
    with pytest.raises(AuthorError) as raised:
        desk.build(9)
    assert raised.value.problems[0].code == "JX-A60"
    assert "1、2" in raised.value.problems[0].fix


def test_an_output_folder_that_cannot_be_made_is_named(desk: Desk, tmp_path: Path) -> None:
    blocked = Desk(desk.workspace, tmp_path / "file" / "out")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MachineError):
        blocked.build()


def _release(desk: Desk, number: int) -> Release:
    """Record an episode's publishing, as publishing does."""
    promises = ledger.read_ledger(desk.workspace / "ledger.jsonl")
    measured = json.loads((desk.out / "report" / f"{number}.json").read_bytes())["sound"]
    sound = desk.out / "site" / measured["file"]
    (recording,) = desk.workspace.glob(f"0{number}-*/recording.*")
    enclosure = Enclosure(
        file=sound,
        mime_type="audio/mpeg",
        size_bytes=measured["size_bytes"],
        sha256=measured["sha256"],
        duration_s=measured["duration_s"],
    )
    line = ledger.release_line(promises.identities[number], enclosure, NOW, artefacts.digest(recording), released_at=NOW)
    artefacts.append_lines(promises.file, [line])
    return ledger.read_ledger(promises.file).releases[number]


def test_a_released_sound_keeps_its_bytes_whatever_is_edited(desk: Desk) -> None:
    release = _release(desk, 1)
    before = desk.site()[release.path]
    desk.edit("01-laowu/script.md", "title: 慢慢看", "title: 再慢一点")
    assert desk.build().failures == ()
    site = desk.site()
    assert site[release.path] == before
    (entry,) = feedparser.parse(site["feed.xml"]).entries
    assert entry.title == "再慢一点"
    assert entry.enclosures[0].href.endswith(release.path)


def test_a_released_sound_that_is_missing_is_never_encoded_again(desk: Desk) -> None:
    release = _release(desk, 1)
    (desk.out / "site" / release.path).unlink()
    shutil.rmtree(desk.out / "store" / "tag")
    desk.edit("01-laowu/script.md", "title: 慢慢看", "title: 再慢一点")
    outcome = desk.build()
    assert [problem.code for failure in outcome.failures for problem in failure.problems] == ["JX-P07"]
    assert outcome.failures[0].exit_code == 5
    assert not outcome.site_laid_out


# The sound in other containers


def normalize(recording: Path, _theme: Theme, settings: SoundSettings, to: Path) -> Sound:
    """Stand in for the sound stage: quick, and in whatever container is asked for."""
    encoders = {"mp3": ["-c:a", "libmp3lame", "-f", "mp3"], "m4a": ["-c:a", "aac", "-movflags", "+faststart", "-f", "ipod"]}
    exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1"]
    encoding = ["-t", "6", "-b:a", f"{settings.bitrate_kbps}k", *encoders[settings.container], *exact]
    assert media.run_ffmpeg([*media.handed_in(recording), *encoding, f"file:{to}"], time_limit_s=60).exit_code == 0
    return Sound(
        file=to,
        duration_s=6.0,
        voice_start_s=0.0,
        speech=(Span(start_s=0.5, end_s=5.5),),
        integrated_lufs=-16.0,
        loudness_range_lu=4.0,
        true_peak_dbtp=-1.5,
        envelope=(0.1,) * 60,
        recorded_lufs=-30.0,
        recorded_range_lu=9.0,
        recorded_true_peak_dbtp=-9.0,
        recorded_envelope=(0.1,) * 60,
        trimmed_head_s=0.0,
        trimmed_tail_s=0.0,
        most_limiting_db=0.0,
        renders=1,
        ffmpeg="9.0",
        warnings=(),
    )


@pytest.fixture(scope="module")
def first_with_m4a(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("m4a")
    desk = new_desk(folder)
    shutil.rmtree(desk.workspace / "02-laojie")
    desk.edit("series.toml", "[[aspects]]", '[sound]\nalso = ["m4a"]\n\n[[aspects]]')
    desk.edit("01-laowu/script.md", "title: 慢慢看", "title: 慢慢看\n码率: 64")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audio, "normalize", normalize)
        assert desk.build().failures == ()
    return desk


@pytest.fixture
def desk_with_m4a(first_with_m4a: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(audio, "normalize", normalize)
    shutil.copytree(first_with_m4a.workspace.parent, tmp_path / "desk")
    return Desk(tmp_path / "desk" / "episodes", tmp_path / "desk" / "out")


def _alternates(site: Mapping[str, bytes]) -> list[dict[str, str]]:
    """Return what the feed offers beside the enclosures, each as the path in the site, its length and its type."""
    root = etree.fromstring(site["feed.xml"])
    namespace = "{https://podcastindex.org/namespace/1.0}"
    return [
        {
            "path": (source.get("uri") or "").removeprefix("https://a.example/"),
            "length": each.get("length") or "",
            "type": each.get("type") or "",
        }
        for each in root.iter(f"{namespace}alternateEnclosure")
        for source in each.iter(f"{namespace}source")
    ]


def test_another_container_lies_on_the_site_once_the_episode_is_public(first_with_m4a: Desk) -> None:
    site = first_with_m4a.site()
    (alternate,) = _alternates(site)
    assert alternate["path"].startswith("audio/1-")
    assert alternate["path"].endswith(".m4a")
    assert (alternate["length"], alternate["type"]) == (str(len(site[alternate["path"]])), "audio/mp4")
    assert len([path for path in site if path.startswith("audio/")]) == 2
    assert mp4.MP4(first_with_m4a.out / "site" / alternate["path"]).get("©nam") == ["慢慢看"]


def test_an_episode_that_is_not_due_lies_there_in_no_container(desk_with_m4a: Desk) -> None:
    assert desk_with_m4a.build(now=datetime(2026, 1, 1, tzinfo=UTC)).failures == ()
    site = desk_with_m4a.site()
    assert _alternates(site) == []
    assert [path for path in site if path.startswith("audio/")] == []


def test_what_an_episode_says_of_its_sound_wins_over_the_series(desk_with_m4a: Desk) -> None:
    desk_with_m4a.edit("01-laowu/script.md", "title: 慢慢看", "title: 慢慢看\n另存: 无")
    assert desk_with_m4a.build().failures == ()
    (sound,) = (desk_with_m4a.out / "site" / "audio").iterdir()
    info = MP3(sound).info
    assert info is not None
    assert info.bitrate == 64_000


def _release_with_m4a(desk: Desk) -> Release:
    """Record the first episode's publishing with its alternate."""
    promises = ledger.read_ledger(desk.workspace / "ledger.jsonl")
    enclosure, alternate = (_enclosure(*(desk.out / "site" / "audio").glob(f"1-*{suffix}")) for suffix in (".mp3", ".m4a"))
    recording = artefacts.digest(desk.workspace / "01-laowu" / "recording.flac")
    line = ledger.release_line(promises.identities[1], enclosure, NOW, recording, released_at=NOW, alternates=[alternate])
    artefacts.append_lines(promises.file, [line])
    return ledger.read_ledger(promises.file).releases[1]


def _enclosure(file: Path) -> Enclosure:
    return Enclosure(file=file, mime_type="", size_bytes=file.stat().st_size, sha256=artefacts.digest(file), duration_s=6.0)


@pytest.mark.parametrize("also", ["", "\n另存: 无"], ids=["still asked for", "not asked for any more"])
def test_a_released_alternate_keeps_its_bytes_whatever_is_edited(desk_with_m4a: Desk, also: str) -> None:
    (released,) = _release_with_m4a(desk_with_m4a).alternates
    before = desk_with_m4a.site()[released.path]
    # The host stands in the tags, and on no poster that would have to be drawn again.
    desk_with_m4a.edit("01-laowu/script.md", "host: 测试（合成语音）", f"host: 小吉{also}")
    assert desk_with_m4a.build().failures == ()
    site = desk_with_m4a.site()
    assert [alternate["path"] for alternate in _alternates(site)] == [released.path]
    assert site[released.path] == before


def test_an_episode_released_without_another_container_gets_none_later(desk_with_m4a: Desk) -> None:
    _release(desk_with_m4a, 1)
    rendered = set((desk_with_m4a.out / "store" / "normalize").iterdir())
    desk_with_m4a.edit("01-laowu/script.md", "title: 慢慢看", "title: 慢慢看\nalso: m4a")
    assert desk_with_m4a.build().failures == ()
    assert _alternates(desk_with_m4a.site()) == []
    assert set((desk_with_m4a.out / "store" / "normalize").iterdir()) == rendered


def test_a_released_alternate_that_is_missing_is_never_encoded_again(desk_with_m4a: Desk) -> None:
    (released,) = _release_with_m4a(desk_with_m4a).alternates
    (desk_with_m4a.out / "site" / released.path).unlink()
    shutil.rmtree(desk_with_m4a.out / "store" / "tag")
    (problem,) = (problem for failure in desk_with_m4a.build().failures for problem in failure.problems)
    assert (problem.code, problem.place.name) == ("JX-P07", Path(released.path).name)


def test_another_recording_under_a_released_episode_stops_everything(desk: Desk) -> None:
    _release(desk, 1)
    before = made_in(desk.out)
    shutil.copy(desk.workspace / "02-laojie" / "recording.m4a", desk.workspace / "01-laowu" / "recording.m4a")
    (desk.workspace / "01-laowu" / "recording.flac").unlink()
    with pytest.raises(PromiseError) as raised:
        desk.build()
    assert raised.value.problems[0].code == "JX-P03"
    assert made_in(desk.out) == before


# A copy of each printed poster for each place where it hangs

COPIES = {"a2.pdf", "a3.pdf", "a4.pdf", "rollup.pdf"}


@pytest.fixture(scope="session")
def first_hung(first: Desk, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("hung") / "desk"
    shutil.copytree(first.workspace.parent, folder)
    desk = Desk(folder / "episodes", folder / "out")
    _hang(desk, "A1,东门,1")
    outcome = desk.build()
    assert (outcome.failures, outcome.notes) == ((), ())
    return desk


@pytest.fixture
def hung(first_hung: Desk, tmp_path: Path) -> Desk:
    shutil.copytree(first_hung.workspace.parent, tmp_path / "desk")
    return Desk(tmp_path / "desk" / "episodes", tmp_path / "desk" / "out")


def _hang(desk: Desk, *rows: str) -> None:
    (desk.workspace / "placements.csv").write_text("\n".join(["编号,地点,期数", *rows]), encoding="utf-8")


def _recorded(desk: Desk) -> dict[str, str]:
    return {each.id: each.name for each in ledger.read_ledger(desk.workspace / "ledger.jsonl").placements.values()}


def test_each_place_gets_a_copy_of_every_printed_sheet_and_the_episode_a_list_of_its_places(
    first: Desk, first_hung: Desk
) -> None:
    before, after = made_in(first.out), made_in(first_hung.out)
    assert after.keys() - before.keys() == {f"print/1/A1/{name}" for name in COPIES} | {"print/1/overview.pdf"}
    assert [path for path in before if before[path] != after[path]] == []
    picture = pypdfium2.PdfDocument(first_hung.out / "print" / "1" / "A1" / "a4.pdf")[0].render(scale=1.5).to_pil()
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == ["https://a.example/1/?A1"]
    assert _recorded(first_hung) == {"A1": "东门"}


def test_a_second_build_copies_nothing_again(hung: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", refuse)
    before = {file: file.stat().st_mtime_ns for file in (hung.out / "print").rglob("*.pdf")}
    assert hung.build(frozen=True).failures == ()
    assert {file: file.stat().st_mtime_ns for file in (hung.out / "print").rglob("*.pdf")} == before


@pytest.mark.parametrize("rows", [None, [], ["A1,东门,3"]], ids=["no file", "no rows", "another episode's"])
def test_a_placement_that_left_the_table_loses_its_folder_and_keeps_its_id(hung: Desk, rows: list[str] | None) -> None:
    _hang(hung, *(rows or []))
    if rows is None:
        (hung.workspace / "placements.csv").unlink()
    assert hung.build().failures == ()
    assert {file.name for file in (hung.out / "print" / "1").iterdir()} == COPIES
    assert _recorded(hung) == {"A1": "东门"}


def test_before_any_release_an_id_may_move_and_the_build_says_so(hung: Desk) -> None:
    _hang(hung, "A1,西门,1")
    (note,) = hung.build().notes
    assert (note.code, note.place.name, note.line) == ("JX-P11", "placements.csv", 2)
    assert _recorded(hung) == {"A1": "西门"}


def test_after_a_release_an_id_that_moves_stops_everything(hung: Desk) -> None:
    _release(hung, 1)
    _hang(hung, "A1,西门,1")
    before = made_in(hung.out)
    with pytest.raises(PromiseError) as raised:
        hung.build()
    assert [problem.code for problem in raised.value.problems] == ["JX-P10"]
    assert made_in(hung.out) == before
    assert _recorded(hung) == {"A1": "东门"}


def test_frozen_refuses_a_placement_that_is_not_on_record(hung: Desk) -> None:
    _hang(hung, "A1,东门,1", "A2,西门,1")
    with pytest.raises(PromiseError) as raised:
        hung.build(frozen=True)
    assert [problem.code for problem in raised.value.problems] == ["JX-P06"]


def test_a_table_with_mistakes_stops_before_anything_ismade_in(hung: Desk) -> None:
    _hang(hung, "A-1,东门,1")
    before = made_in(hung.out)
    with pytest.raises(AuthorError) as raised:
        hung.build()
    assert [(problem.place.name, problem.line, problem.code) for problem in raised.value.problems] == [
        ("placements.csv", 2, "JX-A72")
    ]
    assert made_in(hung.out) == before


def test_an_id_too_long_for_the_address_leaves_the_copies_as_they_were(hung: Desk) -> None:
    hung.edit("series.toml", "https://a.example/", f"https://{'a' * 17}.example/")  # 36 bytes with the number
    _hang(hung, "ABCDEF,东门,")
    before = content_of(hung.out / "print" / "1")
    outcome = hung.build(1)
    found = {(problem.place.name, problem.line, problem.code) for failure in outcome.failures for problem in failure.problems}
    assert found == {("placements.csv", 2, "JX-D30")}
    assert content_of(hung.out / "print" / "1") == before
    assert _recorded(hung) == {"A1": "东门"}


def test_an_unsound_episode_keeps_its_copies(hung: Desk) -> None:
    before = content_of(hung.out / "print" / "1")
    hung.edit("01-laowu/script.md", "aspect: culture", "aspect: 文化")
    assert hung.build().failures != ()
    assert content_of(hung.out / "print" / "1") == before


def test_no_link_on_an_episode_s_page_changes_when_a_copy_s_code_opens_it(first: Desk) -> None:
    page, opened = "https://a.example/1/", "https://a.example/1/?A1"
    root = etree.fromstring(first.site()["1/index.html"], etree.HTMLParser())
    links = [str(value) for each in root.iter() for name, value in each.attrib.items() if name in {"href", "src", "action"}]
    assert len(links) > 5
    # What leads to a place on the page stays on the page that was opened; anything else leads where it always did.
    assert [link for link in links if not link.startswith("#") and urljoin(opened, link) != urljoin(page, link)] == []

"""The benchmark hears and reads the same everywhere, counts what a contestant's children need, and writes its tables."""

from __future__ import annotations

import os
import sys
import wave
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from benchmarks import audio, feed, hugo_site, our_pages, process, script_like, site, speech_like
from benchmarks.audio import Row
from benchmarks.document import marks, write
from benchmarks.meters import Reading
from benchmarks.our_pages import Course
from benchmarks.process import Cost
from benchmarks.site import HUGO, OURS, Run
from pipeline.page import render_pages

DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"

POSIX = pytest.mark.skipif(os.name == "nt", reason="the system does not tell what a child's children needed")


def speech(folder: Path, *, duration_s: float) -> Path:
    file = folder / f"{duration_s}.wav"
    speech_like.write_speech_like(file, duration_s=duration_s)
    return file


def frames(file: Path) -> bytes:
    with wave.open(str(file), "rb") as stream:
        return stream.readframes(stream.getnframes())


def cost(*, wall_s: float, cpu_s: float, peak_mb: float = 50) -> Cost:
    return Cost(wall_s=wall_s, cpu_s=cpu_s, peak_mb=peak_mb, peak_process="ffmpeg")


# The recording


def test_a_shorter_recording_is_the_beginning_of_a_longer_one(tmp_path: Path) -> None:
    shorter = frames(speech(tmp_path, duration_s=4))
    assert len(shorter) == 4 * speech_like.RATE_HZ * 4
    assert frames(speech(tmp_path, duration_s=10)).startswith(shorter)


def test_a_recording_is_as_loud_as_a_voice_and_has_pauses(tmp_path: Path) -> None:
    sound = np.frombuffer(frames(speech(tmp_path, duration_s=30)), dtype="<i2").reshape(-1, 2) / 32768
    assert -30 < pyloudnorm.Meter(speech_like.RATE_HZ).integrated_loudness(sound) < -18
    tenths = sound[: len(sound) // 4410 * 4410].reshape(-1, 4410 * 2)
    level_db = 20 * np.log10(np.sqrt(np.mean(tenths**2, axis=1)))
    assert 0.1 < np.mean(level_db < -55) < 0.4


# The scripts


def workspace(folder: Path, episodes: int) -> Path:
    script_like.write_workspace(folder / str(episodes), episodes)
    return folder / str(episodes)


def test_a_larger_series_holds_the_episodes_of_a_smaller_one(tmp_path: Path) -> None:
    smaller, larger = workspace(tmp_path, 2), workspace(tmp_path, 4)
    files = [file.relative_to(smaller) for file in smaller.rglob("*") if file.is_file()]
    assert len(files) == 1 + 2 * 5
    assert all((smaller / file).read_bytes() == (larger / file).read_bytes() for file in files)


def test_a_script_has_four_chapters_ten_paragraphs_and_some_1500_characters(tmp_path: Path) -> None:
    _, built = our_pages.read_built(workspace(tmp_path, 12))
    for one in built:
        paragraphs = [len(section.paragraphs) for section in one.episode.script.sections]
        assert paragraphs == [2, 3, 3, 2]
        assert 1400 < sum(len(cue.text) for cue in one.captions.cues) < 1800


def test_every_sentence_of_a_made_up_script_has_its_time(tmp_path: Path) -> None:
    page = render_pages(*our_pages.read_built(workspace(tmp_path, 1)), [])["1/index.html"]
    assert isinstance(page, bytes)
    paragraphs = [line for line in page.decode().split('id="transcript"')[1].split("</section>")[0].split("\n") if "<p>" in line]
    assert len(paragraphs) == 10
    assert all(line.count("<span data-at=") == line.count("。") for line in paragraphs)


def test_hugo_reads_the_words_of_the_scripts_and_copies_the_same_stand_ins(tmp_path: Path) -> None:
    made = workspace(tmp_path, 2)
    hugo_site.write_source(made, tmp_path / "hugo")
    series, built = our_pages.read_built(made)
    stand_ins = {path for path in render_pages(series, built, []) if path.startswith(("audio/", "images/"))}
    static = tmp_path / "hugo" / "static"
    copied = {file.relative_to(static).as_posix() for file in static.rglob("*") if file.is_file()}
    assert len(stand_ins) == 6
    assert stand_ins <= copied
    body = (built[0].episode.folder / "script.md").read_text(encoding="utf-8").split("---\n", 2)[2]
    assert body in (tmp_path / "hugo/content/episodes/1.md").read_text(encoding="utf-8")


def test_pages_are_laid_out_and_their_time_is_told(tmp_path: Path) -> None:
    course = our_pages.make_pages(workspace(tmp_path, 1), tmp_path / "to")
    assert (tmp_path / "to" / "1" / "index.html").is_file()
    assert min(course.read_s, course.rendered_s, course.laid_out_s, course.records_mb) > 0


# The feed


def test_plain_lxml_writes_the_same_feed_to_the_last_byte(tmp_path: Path) -> None:
    records = feed.read_records(workspace(tmp_path, 7))
    content = feed.write_ours(records)
    assert content.count(b"<item>") == 7
    assert feed.write_plain(records) == content


def test_contestants_that_write_other_bytes_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = feed.read_records(workspace(tmp_path, 1))
    times, size_bytes = feed.compare(records, rounds=1)
    assert size_bytes == len(feed.write_ours(records))
    assert {len(taken_s) for taken_s in times.values()} == {1}
    monkeypatch.setattr(feed, "write_plain", lambda _: b"another feed")
    with pytest.raises(ValueError, match="other bytes"):
        feed.compare(records, rounds=1)


# What happened to a folder


def test_a_file_that_is_written_again_with_the_same_words_is_rewritten_and_not_changed(tmp_path: Path) -> None:
    for name in ("same.html", "again.html", "other.html", "gone.html"):
        (tmp_path / name).write_text("as it was", encoding="utf-8")
        os.utime(tmp_path / name, (1, 1))
    before = site.holdings(tmp_path)
    (tmp_path / "again.html").write_text("as it was", encoding="utf-8")
    (tmp_path / "other.html").write_text("otherwise", encoding="utf-8")
    (tmp_path / "gone.html").unlink()
    (tmp_path / "new.html").write_text("new", encoding="utf-8")
    (tmp_path / "new.txt").write_text("no page", encoding="utf-8")
    touched = site.touched(before, site.holdings(tmp_path))
    assert touched.written == 4
    assert touched.pages == ("gone.html", "new.html", "other.html")


# What a command costs


@POSIX
def test_a_child_of_a_child_counts() -> None:
    hold = "held = bytearray(150_000_000)"
    measured = process.measure(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{hold}'])"]
    )
    assert 150 < measured.peak_mb < 250
    assert measured.cpu_s > 0


@POSIX
def test_the_memory_of_whoever_measures_does_not_count() -> None:
    held = bytearray(b"x" * 200_000_000)
    measured = process.measure(["true"])
    assert measured.peak_mb < 100 < len(held) / 1e6


@POSIX
def test_a_contestant_that_fails_is_named_with_what_it_said() -> None:
    with pytest.raises(process.CommandError, match="no such sound"):
        process.measure([sys.executable, "-c", "import sys; sys.exit('no such sound')"])


# The tables


def test_a_row_shows_each_rounds_ratio_to_the_plain_encode_of_the_same_round() -> None:
    reading = Reading(ffmpeg_lufs=-16.1, pyloudnorm_lufs=-16.02, ffmpeg_dbtp=-1.3, libebur128_dbtp=None)
    plain = Row(contestant=audio.PLAIN, costs=(cost(wall_s=2, cpu_s=2), cost(wall_s=4, cpu_s=4)), reading=None)
    ours = Row(contestant=audio.OURS, costs=(cost(wall_s=3, cpu_s=4), cost(wall_s=8, cpu_s=8, peak_mb=61)), reading=reading)
    row = audio.table([plain, ours]).splitlines()[-1]
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "ours, verified",
        "1.75 (1.50–2.00)",
        "2.00",
        "61 (ffmpeg)",
        "-0.1",
        "-0.02",
        "-1.3",
        "–",
    ]


def test_memory_beyond_the_bound_stands_out() -> None:
    rows = audio.memory_table({60: cost(wall_s=1, cpu_s=1, peak_mb=101), 5: cost(wall_s=1, cpu_s=1, peak_mb=99)}).splitlines()
    assert [row.split("|")[4].strip() for row in rows[2:]] == ["yes", "**no**"]


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]


def site_run(wall_s: float, *, peak_mb: float = 50, course: Course | None = None) -> Run:
    return Run(cost=cost(wall_s=wall_s, cpu_s=wall_s, peak_mb=peak_mb), course=course)


def test_pages_that_take_more_than_twice_as_long_stand_out() -> None:
    course = Course(read_s=1, rendered_s=2, laid_out_s=3, records_mb=40)
    runs = {
        (OURS, site.COLD): [site_run(6.2, course=course), site_run(7, course=course)],
        (HUGO, site.COLD): [site_run(2), site_run(4)],
        (OURS, site.UNCHANGED): [site_run(6, course=course)],
        (HUGO, site.UNCHANGED): [site_run(3)],
    }
    assert cells(site.speed_table(runs, 300)) == [
        ["Hugo, cold", "3.00", "1.00", "100"],
        ["ours, cold", "6.60", "**2.20** (1.75–3.10)", "45"],
        ["– of it: render and lay out", "5.00", "1.67 (1.25–2.50)", "60"],
        ["– of it: render", "2.00", "0.67 (0.50–1.00)", "150"],
        ["– of it: read the scripts", "1.00", "0.33 (0.25–0.50)", "300"],
        ["Hugo, unchanged", "3.00", "1.00", "100"],
        ["ours, unchanged", "6.00", "2.00", "50"],
        ["– of it: render and lay out", "5.00", "1.67", "60"],
        ["– of it: render", "2.00", "0.67", "150"],
        ["– of it: read the scripts", "1.00", "0.33", "300"],
    ]


def test_the_memory_of_pages_is_what_comes_on_top_of_the_records() -> None:
    course = Course(read_s=1, rendered_s=1, laid_out_s=1, records_mb=200)
    measured = {1000: {OURS: site_run(1, peak_mb=204, course=course), HUGO: site_run(1, peak_mb=300)}}
    assert cells(site.memory_table(measured)) == [["1,000", "204", "200", "4", "300"]]


def test_a_feed_that_takes_more_than_its_share_of_plain_lxmls_time_stands_out() -> None:
    times = {feed.PLAIN: [2.0, 4.0], feed.OURS: [4.0, 5.0], feed.NOTES: [1.0, 1.0], feed.TREE: [0.5, 0.5]}
    assert cells(feed.speed_table(times)) == [
        ["plain lxml", "3.00 (2.00–4.00)", "1.00"],
        ["ours", "4.50 (4.00–5.00)", "**1.50** (1.25–2.00)"],
        ["– of both: the notes", "1.00 (1.00–1.00)", "0.33 (0.25–0.50)"],
        ["lxml, with all words ready", "0.50 (0.50–0.50)", "0.17 (0.12–0.25)"],
    ]


@pytest.mark.parametrize("name", [audio.DOCUMENT_NAME, site.DOCUMENT_NAME, feed.DOCUMENT_NAME])
def test_the_document_has_room_for_the_tables(tmp_path: Path, name: str) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    for measured in ("of yesterday", "of today"):
        write(document, name, measured)
    written = document.read_text(encoding="utf-8")
    assert "of today" in written
    assert "of yesterday" not in written
    assert written.startswith(DOCUMENT.read_text(encoding="utf-8").split(marks(name)[0])[0])

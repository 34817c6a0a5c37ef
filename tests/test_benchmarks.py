"""The benchmark listens to the same recording everywhere, counts what a contestant's children need, and writes its tables."""

from __future__ import annotations

import os
import sys
import wave
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from benchmarks import audio, process, speech_like
from benchmarks.audio import Row
from benchmarks.document import marks, write
from benchmarks.meters import Reading
from benchmarks.process import Cost

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


def test_the_document_has_room_for_the_tables(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    for measured in ("of yesterday", "of today"):
        write(document, audio.DOCUMENT_NAME, measured)
    written = document.read_text(encoding="utf-8")
    assert "of today" in written
    assert "of yesterday" not in written
    assert written.startswith(DOCUMENT.read_text(encoding="utf-8").split(marks(audio.DOCUMENT_NAME)[0])[0])

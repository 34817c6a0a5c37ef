from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipeline.media import handed_in, make_with_ffmpeg
from pipeline.model import Span
from pipeline.speech import SPEECH_RATE_HZ, Samples, find_speech, read_raw

ROOT = Path(__file__).parent.parent
CASES = sorted((ROOT / "tests" / "samples" / "captions").iterdir())
CLEAN = ROOT / "tests" / "samples" / "captions" / "04-wenhua-diyun"


def decode(recording: Path, to: Path, *filters: str) -> Samples:
    sound = ["-ac", "1", "-ar", str(SPEECH_RATE_HZ), "-f", "f32le"]
    make_with_ffmpeg([*handed_in(recording), *filters, *sound], to, time_limit_s=60)
    return np.fromfile(to, dtype=np.float32)


@pytest.fixture(scope="module")
def clean_voice(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Return the first 20 s of the clean recording."""
    return decode(recording_of(CLEAN), tmp_path_factory.mktemp("voice") / "voice.f32", "-t", "20")


def recording_of(case: Path) -> Path:
    truth = json.loads((case / "truth.json").read_text(encoding="utf-8"))
    return ROOT / "episodes" / str(truth["recording"])


def spans_in(samples: Samples) -> tuple[Span, ...]:
    return find_speech(lambda start, count: samples[start : start + count], len(samples))


def overlap_s(one: tuple[Span, ...], other: tuple[Span, ...]) -> float:
    return sum(max(0.0, min(a.end_s, b.end_s) - max(a.start_s, b.start_s)) for a in one for b in other)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_sentences_start_and_end_where_the_voice_does(case: Path, tmp_path: Path) -> None:
    truth = json.loads((case / "truth.json").read_text(encoding="utf-8"))
    spans = spans_in(decode(recording_of(case), tmp_path / "voice.f32"))
    starts = np.array([span.start_s for span in spans])
    ends = np.array([span.end_s for span in spans])
    start_errors_s = [np.min(np.abs(starts - sentence["start_s"])) for sentence in truth["sentences"]]
    end_errors_s = [np.min(np.abs(ends - sentence["end_s"])) for sentence in truth["sentences"]]
    assert np.median(start_errors_s) <= 0.02
    assert np.max(start_errors_s) <= 0.08
    assert np.median(end_errors_s) <= 0.03


def test_spans_are_in_order_apart_and_inside_the_sound(clean_voice: Samples) -> None:
    spans = spans_in(clean_voice)
    edges = [edge for span in spans for edge in (span.start_s, span.end_s)]
    assert len(spans) > 3
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= len(clean_voice) / SPEECH_RATE_HZ
    assert all(after.start_s - before.end_s >= 0.1 for before, after in pairwise(spans))


def test_silence_noise_and_tones_are_no_speech() -> None:
    time_s = np.arange(5 * SPEECH_RATE_HZ) / SPEECH_RATE_HZ
    noise = np.random.default_rng(7).normal(0, 0.02, len(time_s))
    tones = 0.2 * np.sin(2 * np.pi * 440 * time_s) + 0.2 * np.sin(2 * np.pi * 554 * time_s)
    for sound in (np.zeros_like(time_s), noise, tones):
        assert spans_in(sound.astype(np.float32)) == ()


def test_the_series_music_is_no_speech(tmp_path: Path) -> None:
    assert spans_in(decode(ROOT / "episodes" / "theme" / "bed.flac", tmp_path / "bed.f32")) == ()


def test_a_sound_shorter_than_one_window_has_no_speech() -> None:
    assert spans_in(np.zeros(0, dtype=np.float32)) == ()
    assert spans_in(np.zeros(100, dtype=np.float32)) == ()


def test_a_voice_over_a_music_bed_is_found_where_it_is_without(clean_voice: Samples, tmp_path: Path) -> None:
    bed = decode(ROOT / "episodes" / "theme" / "bed.flac", tmp_path / "bed.f32")
    bed = np.resize(bed, len(clean_voice))
    level = np.sqrt(np.mean(clean_voice**2) / np.mean(bed**2)) * 10 ** (-10 / 20)
    alone, over_music = spans_in(clean_voice), spans_in((clean_voice + level * bed).astype(np.float32))
    voice_s = sum(span.end_s - span.start_s for span in alone)
    music_voice_s = sum(span.end_s - span.start_s for span in over_music)
    assert overlap_s(alone, over_music) >= 0.9 * max(voice_s, music_voice_s)


def test_a_quiet_voice_is_found_as_well_as_a_loud_one(clean_voice: Samples) -> None:
    loud, quiet = spans_in(clean_voice), spans_in(clean_voice * np.float32(0.05))
    assert overlap_s(loud, quiet) >= 0.97 * sum(span.end_s - span.start_s for span in loud)


def test_the_same_sound_gives_the_same_spans_and_stays_unchanged(clean_voice: Samples) -> None:
    before = clean_voice.copy()
    assert spans_in(clean_voice) == spans_in(clean_voice)
    assert np.array_equal(before, clean_voice)


def test_a_voice_up_to_the_last_sample_ends_with_the_sound(clean_voice: Samples) -> None:
    first = spans_in(clean_voice)[0]
    cut = clean_voice[: int((first.start_s + 0.6) * SPEECH_RATE_HZ)]
    assert spans_in(cut)[-1].end_s == pytest.approx(len(cut) / SPEECH_RATE_HZ, abs=0.03)


def test_a_long_sound_is_heard_as_a_short_one(clean_voice: Samples) -> None:
    """What is looked at in stretches, side by side, gives the spans that each stretch gives alone."""
    times = 9
    alone, together = spans_in(clean_voice), spans_in(np.tile(clean_voice, times))
    length_s = len(clean_voice) / SPEECH_RATE_HZ
    repeated = tuple(
        Span(start_s=span.start_s + length_s * time, end_s=span.end_s + length_s * time)
        for time in range(times)
        for span in alone
    )
    voice_s = sum(span.end_s - span.start_s for span in repeated)
    assert overlap_s(repeated, together) >= 0.99 * voice_s
    assert sum(span.end_s - span.start_s for span in together) <= 1.01 * voice_s


def test_music_of_two_minutes_is_no_speech(tmp_path: Path) -> None:
    music = np.tile(decode(ROOT / "episodes" / "theme" / "bed.flac", tmp_path / "bed.f32"), 8)
    assert sum(span.end_s - span.start_s for span in spans_in(music)) < 0.5


# As Python finds it on a Chinese Windows.
CHINESE_CONSOLE = os.environ | {"PYTHONIOENCODING": "gbk"}


def test_the_program_hears_what_the_function_hears_whatever_the_console_speaks(clean_voice: Samples, tmp_path: Path) -> None:
    file = tmp_path / "吉祥.s16"
    file.write_bytes((clean_voice * 32768).astype("<i2").tobytes())
    program = [sys.executable, "-m", "pipeline.speech"]
    ended = subprocess.run(program, cwd=ROOT, capture_output=True, check=True, input=str(file).encode(), env=CHINESE_CONSOLE)
    assert [tuple(span) for span in json.loads(ended.stdout)] == [
        (span.start_s, span.end_s) for span in find_speech(*read_raw(file))
    ]
    assert ended.stderr == b""


def test_importing_the_module_loads_no_onnxruntime() -> None:
    code = "import sys, pipeline.speech; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0

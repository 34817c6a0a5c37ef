"""Levels as other people's meters read them: loudness, loudness range, true peak."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio import levels, loudness
from pipeline.audio.levels import PEAK_SAMPLES
from pipeline.audio.samples import FRAME_SAMPLES
from tests.sounds import RATE_HZ, Samples, babble, ffmpeg, read_ebur128, silence, sine, voice, write_wav

CASES: dict[str, Callable[[], tuple[Samples, ...]]] = {
    "noise in two channels": lambda: (babble(12, level_dbfs=-20), babble(12, level_dbfs=-26, seed=2)),
    "a voice": lambda: (voice(4, 20),) * 2,
    "loud and soft": lambda: (np.concatenate([babble(10), babble(10, level_dbfs=-34), babble(10, seed=3)]),) * 2,
    "deep": lambda: (sine(5, 60, 0.5) + babble(5, level_dbfs=-40),) * 2,
    "high": lambda: (sine(5, 9000, 0.4) * np.hanning(5 * RATE_HZ),) * 2,
}


@pytest.mark.parametrize("case", CASES)
def test_loudness_and_peak_are_what_two_other_meters_read(tmp_path: Path, case: str) -> None:
    channels = CASES[case]()
    found = levels.measure(np.stack(channels, axis=1).astype(np.float32))
    integrated_lufs, true_peak_dbtp, range_lu = read_ebur128(write_wav(tmp_path / "a.wav", *channels))
    read_lufs = pyloudnorm.Meter(RATE_HZ).integrated_loudness(np.stack(channels, axis=1))
    assert loudness.integrated_lufs(found.energies) == pytest.approx(integrated_lufs, abs=0.1)
    assert loudness.integrated_lufs(found.energies) == pytest.approx(read_lufs, abs=0.1)
    assert 20 * np.log10(found.peaks.max()) == pytest.approx(true_peak_dbtp, abs=0.2)
    if len(channels[0]) > 10 * RATE_HZ:
        assert loudness.loudness_range_lu(found.energies) == pytest.approx(range_lu, abs=0.5)


def test_a_standard_sine_reads_as_the_standard_says() -> None:
    # EBU Tech 3341, case 1: a stereo sine of 1 kHz at -23 dBFS reads -23.0 LUFS; one channel is heard from two sides.
    tone = sine(5, 1000, 10 ** (-23 / 20)).astype(np.float32)
    for channels in (1, 2):
        found = levels.measure(np.stack([tone] * channels, axis=1))
        assert loudness.integrated_lufs(found.energies) == pytest.approx(-23.0, abs=0.05)


def test_a_peak_between_two_samples_is_seen() -> None:
    # A quarter of the rate, sampled 45 degrees off its tops: the samples stay 3 dB below the wave.
    tone = np.sin(np.pi / 2 * np.arange(RATE_HZ) + np.pi / 4)[:, None].astype(np.float32)
    assert 20 * np.log10(np.abs(tone).max()) == pytest.approx(-3.01, abs=0.01)
    assert 20 * np.log10(levels.measure(tone).peaks.max()) == pytest.approx(0.0, abs=0.05)


@settings(max_examples=25)
@given(at=st.integers(0, 3 * RATE_HZ - 1), amplitude=st.floats(0.01, 1))
def test_a_click_is_in_the_frame_where_it_sounds(at: int, amplitude: float) -> None:
    sound = np.zeros((3 * RATE_HZ, 1), dtype=np.float32)
    sound[at] = amplitude
    peaks = levels.measure(sound).peaks
    assert int(np.argmax(peaks)) == at // PEAK_SAMPLES
    assert float(peaks.max()) == pytest.approx(amplitude, rel=1e-4)


def test_frames_that_decide_nothing_may_be_looked_at_less_closely() -> None:
    frames = levels.in_channels(voice(2, 8)[:, None].astype(np.float32))
    closely, less = levels.peaks(frames), levels.peaks(frames, at_least=0.1)
    high = closely >= 0.15
    assert np.array_equal(closely[high], less[high])
    assert np.all(less <= closely)


def test_a_highpass_is_foreseen_in_the_levels(tmp_path: Path) -> None:
    sound = sine(5, 50, 0.3) + babble(5, level_dbfs=-30)
    filtered = tmp_path / "filtered.wav"
    ffmpeg("-i", str(write_wav(tmp_path / "a.wav", sound)), "-af", "highpass=f=75,highpass=f=75", str(filtered))
    frames = levels.in_channels(sound[:, None].astype(np.float32))
    foreseen = 2 * levels.energies(frames, levels.k_weights(75))[0]
    assert loudness.integrated_lufs(foreseen) == pytest.approx(read_ebur128(filtered)[0] + 3.01, abs=0.1)


def test_a_stretch_is_cut_on_all_three_grids() -> None:
    found = levels.measure(babble(2)[:, None].astype(np.float32))
    part = found[5:12]
    assert (len(part.energies), len(part.powers), len(part.peaks)) == (7, 70, 210)
    assert np.array_equal(levels.concatenate([found[:5], found[5:]]).peaks, found.peaks)


def test_silence_and_a_sound_too_short_for_the_gates_measure_nothing() -> None:
    for seconds in (0.3, 3):
        found = levels.measure(silence(seconds)[:, None].astype(np.float32))
        assert loudness.integrated_lufs(found.energies) == float("-inf")
        assert loudness.loudness_range_lu(found.energies) == 0
    assert len(levels.measure(np.zeros((FRAME_SAMPLES + 1, 2), dtype=np.float32)).energies) == 2

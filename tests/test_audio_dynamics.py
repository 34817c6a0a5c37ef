"""The gain over time: the target met, the ceiling kept, nothing faster than it may be, and the same for a louder recording."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.audio.dynamics import (
    ATTACK_DB_PER_FRAME,
    LEVELER_DB_PER_S,
    LEVELERS,
    MOST_LIMITING_DB,
    RELEASE_DB_PER_FRAME,
    leveling_db,
    limit_db,
    limited_energies,
    lower_envelope,
    solve,
)
from pipeline.audio.levels import PEAKS_PER_FRAME, POWERS_PER_FRAME, Levels
from pipeline.audio.loudness import integrated_lufs
from pipeline.audio.samples import FRAME_S

SEEDS = st.integers(0, 10_000)


def spoken(seed: int, frames: int = 200) -> Levels:
    """Return levels that jump as speech does: syllables, pauses, now and then a clap."""
    random = np.random.default_rng(seed)
    syllables = np.repeat(random.uniform(0, 1, frames * POWERS_PER_FRAME // 20 + 1) ** 2, 20)[: frames * POWERS_PER_FRAME]
    powers = syllables * random.uniform(0.2, 1, frames * POWERS_PER_FRAME) * 10 ** random.uniform(-4, -1)
    peaks = np.sqrt(np.repeat(powers, PEAKS_PER_FRAME // POWERS_PER_FRAME)) * random.uniform(1.2, 4, frames * PEAKS_PER_FRAME)
    peaks[random.integers(0, len(peaks), 3)] *= random.uniform(1, 20)
    return Levels(energies=powers.reshape(-1, POWERS_PER_FRAME).mean(axis=1), powers=powers, peaks=peaks + 1e-6)


def louder(levels: Levels, gain_db: float) -> Levels:
    gain = 10 ** (gain_db / 20)
    return Levels(energies=levels.energies * gain**2, powers=levels.powers * gain**2, peaks=levels.peaks * gain)


def limiter_of(levels: Levels, gain_db: float, ceiling_dbtp: float) -> NDArray[np.floating]:
    return limit_db((20 * np.log10(levels.peaks) + gain_db - ceiling_dbtp).astype(np.float32))


# The limiter


@given(seed=SEEDS, gain_db=st.floats(-20, 40))
def test_no_peak_passes_the_ceiling(seed: int, gain_db: float) -> None:
    levels = spoken(seed)
    limiter_db = limiter_of(levels, gain_db, -2.0)
    # Between the middles of two frames the gain runs straight, and a peak may be anywhere: so the neighbours count too.
    highest_db = np.maximum(limiter_db, np.maximum(np.roll(limiter_db, 1), np.roll(limiter_db, -1)))[1:-1]
    assert np.all(20 * np.log10(levels.peaks[1:-1]) + gain_db + highest_db <= -2.0 + 1e-3)


@given(seed=SEEDS, gain_db=st.floats(-20, 40))
def test_the_limiter_moves_no_faster_than_attack_and_release_allow(seed: int, gain_db: float) -> None:
    steps_db = np.diff(limiter_of(spoken(seed), gain_db, -2.0).astype(np.float64))
    assert np.all(steps_db >= -ATTACK_DB_PER_FRAME - 1e-4)
    assert np.all(steps_db <= RELEASE_DB_PER_FRAME + 1e-4)


def test_the_limiter_leaves_alone_what_stays_below_the_ceiling() -> None:
    assert np.array_equal(limit_db(np.full(500, -0.1, dtype=np.float32)), np.zeros(500))


def test_a_lone_peak_is_met_in_time_and_left_slowly() -> None:
    above_db = np.full(400, -20.0, dtype=np.float32)
    above_db[200] = 12.0
    gain_db = limit_db(above_db)
    assert gain_db[200] == pytest.approx(-12.0)
    assert np.all(gain_db[:194] == 0)
    assert gain_db[220] < -6
    assert np.all(gain_db[260:] == 0)


# The solve


@given(seed=SEEDS, wanted_lufs=st.floats(-30, -10), ceiling_dbtp=st.floats(-9, -0.5))
def test_the_loudness_is_met_or_the_limiter_is_at_its_bound(seed: int, wanted_lufs: float, ceiling_dbtp: float) -> None:
    levels = spoken(seed)
    highest = float(levels.peaks.max())
    solution = solve(levels, highest_peak=highest, integrated_lufs_wanted=wanted_lufs, true_peak_dbtp=ceiling_dbtp)
    plain_db = wanted_lufs - integrated_lufs(louder(levels, 30).energies) + 30  # measured far from the absolute gate
    beyond_db = max(20 * np.log10(highest) + plain_db - ceiling_dbtp - MOST_LIMITING_DB, 0)
    made_up_all_it_may = solution.gain_db == pytest.approx(plain_db - beyond_db + 4, abs=0.02)
    assert solution.most_limiting_db <= MOST_LIMITING_DB
    assert (beyond_db > 0) == (solution.most_limiting_db == MOST_LIMITING_DB)
    # In seconds as few as these, one more block that passes the gate is a step that no gain lands on.
    assert solution.integrated_lufs == pytest.approx(wanted_lufs - beyond_db, abs=0.05) or (
        made_up_all_it_may and solution.integrated_lufs < wanted_lufs
    )


@given(seed=SEEDS, gain_db=st.floats(-30, 30))
def test_a_louder_recording_comes_out_the_same(seed: int, gain_db: float) -> None:
    levels = spoken(seed)
    one, other = (
        solve(each, highest_peak=float(each.peaks.max()), integrated_lufs_wanted=-16.0, true_peak_dbtp=-2.0)
        for each in (levels, louder(levels, gain_db))
    )
    assert one.gain_db - other.gain_db == pytest.approx(gain_db, abs=0.1)


def test_an_hour_is_limited_as_its_minutes_are() -> None:
    above_db = np.random.default_rng(5).uniform(-20, 12, 50_000).astype(np.float32)
    whole = limit_db(above_db)
    for start in (0, 17_000, 35_900):  # across the minutes that are limited at a time
        apart = limit_db(above_db[max(start - 200, 0) : start + 4200])
        assert whole[start : start + 4000] == pytest.approx(apart[min(start, 200) :][:4000], abs=1e-3)


def test_the_energies_behind_the_limiter_are_those_of_what_it_leaves() -> None:
    levels = spoken(5, frames=300)
    solution = solve(levels, highest_peak=float(levels.peaks.max()), integrated_lufs_wanted=-12.0, true_peak_dbtp=-2.0)
    kept = np.square(10 ** (limit_db(solution.limiting_db(levels.peaks)) / 20)).reshape(-1, 3).mean(axis=1)
    share = (levels.powers * kept).reshape(-1, 10).sum(axis=1) / levels.powers.reshape(-1, 10).sum(axis=1)
    whole = levels.energies * share * 10 ** (solution.gain_db / 10)
    assert limited_energies(levels, solution) == pytest.approx(whole, rel=1e-4)


# The leveler


@pytest.mark.parametrize("name", LEVELERS)
def test_louder_in_is_never_quieter_out(name: str) -> None:
    deviation_lu = np.linspace(-60, 60, 2401)
    out_lu = deviation_lu + LEVELERS[name].static_gain_db(deviation_lu)
    assert np.all(np.diff(out_lu) >= 0)
    assert np.abs(LEVELERS[name].static_gain_db(deviation_lu)).max() == pytest.approx(LEVELERS[name].most_db)


@given(seed=SEEDS, name=st.sampled_from(sorted(LEVELERS)))
def test_the_leveler_moves_no_faster_and_no_further_than_it_may(seed: int, name: str) -> None:
    gain_db = leveling_db(spoken(seed).energies, LEVELERS[name]).astype(np.float64)
    assert np.all(np.abs(np.diff(gain_db)) <= LEVELER_DB_PER_S * FRAME_S + 1e-4)
    assert np.all(np.abs(gain_db) <= LEVELERS[name].most_db + 1e-4)


@given(seed=SEEDS, gain_db=st.floats(-20, 20))
def test_the_leveler_does_the_same_to_a_louder_recording(seed: int, gain_db: float) -> None:
    energies = spoken(seed).energies * 10  # far above the absolute gate, whatever the gain
    one, other = (leveling_db(each, LEVELERS["gentle"]) for each in (energies, energies * 10 ** (gain_db / 10)))
    assert one == pytest.approx(other, abs=0.1)


def test_the_leveler_brings_sentences_together() -> None:
    loud, quiet = np.full(80, 1e-2), np.full(80, 1e-3)
    energies = np.concatenate([loud, quiet, loud, quiet])
    leveled = energies * 10 ** (leveling_db(energies, LEVELERS["strong"]) / 10)
    before, after = (10 * np.log10(each[40] / each[120]) for each in (energies, leveled))
    assert before == pytest.approx(10)
    assert after < 2


def test_pauses_do_not_steer_the_leveler() -> None:
    speech = np.tile(np.concatenate([np.full(20, 1e-3), np.full(10, 1e-8)]), 8)
    assert np.abs(leveling_db(speech, LEVELERS["strong"])).max() < 0.5


@given(seed=SEEDS, fall=st.floats(0.01, 5), rise=st.floats(0.01, 5))
def test_the_lower_envelope_is_the_highest_of_its_kind(seed: int, fall: float, rise: float) -> None:
    curve = np.random.default_rng(seed).uniform(-12, 0, 60)
    envelope = lower_envelope(curve, fall=fall, rise=rise)
    frames = np.arange(len(curve))
    after = frames[:, None] - frames[None, :]
    reached = np.where(after >= 0, curve[None, :] + rise * after, curve[None, :] - fall * after)
    assert envelope == pytest.approx(reached.min(axis=1), abs=1e-6)


def test_silence_has_no_gain_to_find() -> None:
    assert leveling_db(np.zeros(50), LEVELERS["gentle"]) == pytest.approx(np.zeros(50), abs=1e-6)
    assert integrated_lufs(np.zeros(50)) == float("-inf")

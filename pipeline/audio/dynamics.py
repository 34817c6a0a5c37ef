"""The gain over time, in decibels: a slow leveler, a fast limiter, and the one gain before it that meets the target.

Nothing here touches a sound: a curve of levels goes in, a curve of gain comes out, and what the sound will measure is computed
from both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.levels import PEAKS_PER_FRAME, POWERS_PER_FRAME, Curve, Levels, linear
from pipeline.audio.loudness import integrated_lufs, lufs
from pipeline.audio.samples import FRAME_S

MOST_LIMITING_DB = 12.0
"""How far above the permitted true peak a peak may be lifted: what brings down more is heard as distortion."""

ENCODER_OVERSHOOT_DB = 1.4
"""Encoding raises the highest peaks by half a decibel, of two voices at a low rate by one: so far down they are kept."""

_OVERSHOOT_PER_DB = 0.12  # what stood far above was a clap or a clipped shout, and comes out of the encoder the more raised

LEVELER_DB_PER_S = 8.0
"""How fast the leveler moves: a sentence, not a syllable."""

ATTACK_DB_PER_FRAME = 4.0
"""How fast the limiter closes, in frames of 3.3 ms: 12 dB in 10 ms, before the peak comes."""

RELEASE_DB_PER_FRAME = 0.25
"""How fast it opens again: 12 dB in 160 ms."""

_NEARBY_S = 3.0
_VOICE_RANGE_LU = 30.0  # what lies deeper below the whole is no voice and must not steer the level
_ABOVE_PAUSES_LU = 8.0
_SURELY_VOICE_LU = 14.0  # also where there are no pauses to compare with
_PAUSES_PERCENTILE = 5

_FRAMES_AT_ONCE = 600  # of 0.1 s: an hour is limited a minute at a time
LIMITER_REACH = int(3 * MOST_LIMITING_DB / RELEASE_DB_PER_FRAME)
"""How many frames away a peak can still move the limiter."""

_ROUNDING = np.array([0.25, 0.5, 0.25], dtype=np.float32)  # takes the corners off the gain
_HELD = 2  # frames: one because the gain runs straight between the middles of frames, one for the rounding

_MOST_MADE_UP_DB = 4.0  # of what the limiter takes from the loudness
_GATE_STEPS = 3
_CLOSE_ENOUGH_LU = 0.005
_MOST_STEPS = 30


@dataclass(frozen=True, kw_only=True)
class Leveler:
    """``slope``: how much of a deviation from the usual loudness is taken away; ``most_db``: the most it does either way."""

    slope: float
    most_db: float

    def static_gain_db(self, deviation_lu: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the gain for a stretch that is louder than usual by ``deviation_lu``. Louder in is never quieter out."""
        return np.clip(-self.slope * np.asarray(deviation_lu, dtype=np.float64), -self.most_db, self.most_db)


LEVELERS = {
    "off": Leveler(slope=0.0, most_db=0.0),
    "gentle": Leveler(slope=0.85, most_db=6.0),
    "strong": Leveler(slope=0.95, most_db=12.0),
}


def leveling_db(energies: Curve, leveler: Leveler) -> Curve:
    """Return the slow gain in dB, for each 0.1 s, that brings quiet and loud sentences together.

    It depends on differences alone: a recording that is louder as a whole gets the same curve.
    """
    frames_lufs = lufs(energies)
    voiced = _voiced(frames_lufs, integrated_lufs(energies))
    window = np.hanning(round(_NEARBY_S / FRAME_S) + 1)
    weight = np.convolve(voiced, window, mode="same")
    # The mean of levels and not of energies, or a loud sentence would pull down the end of the quiet one before it.
    sums = np.convolve(np.where(voiced, frames_lufs, 0.0), window, mode="same")
    heard = np.flatnonzero(weight > 0.5)  # noqa: PLR2004 - half a frame at the middle of the window
    if len(heard) == 0:
        return np.zeros(len(energies), dtype=np.float32)
    nearby_lufs = sums[heard] / weight[heard]
    usual_lufs = np.average(nearby_lufs, weights=weight[heard])
    gain_db = leveler.static_gain_db(nearby_lufs - usual_lufs)
    # Pauses take the gain over from their neighbours.
    everywhere_db = np.interp(np.arange(len(energies)), heard, gain_db)
    speed_db = LEVELER_DB_PER_S * FRAME_S
    below_db = lower_envelope(everywhere_db, fall=speed_db, rise=speed_db)
    above_db = -lower_envelope(-everywhere_db, fall=speed_db, rise=speed_db)
    return ((below_db + above_db) / 2).astype(np.float32)


def _voiced(frames_lufs: NDArray[np.float64], whole_lufs: float) -> NDArray[np.bool_]:
    pauses_lufs = float(np.percentile(frames_lufs, _PAUSES_PERCENTILE))
    threshold_lufs = min(pauses_lufs + _ABOVE_PAUSES_LU, whole_lufs - _SURELY_VOICE_LU)
    return np.asarray(frames_lufs > max(whole_lufs - _VOICE_RANGE_LU, threshold_lufs))


def lower_envelope(curve_db: NDArray[np.floating], *, fall: float, rise: float) -> NDArray[np.float64]:
    """Return the highest curve that is nowhere above ``curve_db`` and moves by at most ``fall`` or ``rise`` a frame."""
    steps = np.arange(len(curve_db), dtype=np.float64)
    risen = np.minimum.accumulate(curve_db - rise * steps) + rise * steps
    return np.asarray(np.minimum.accumulate((risen + fall * steps)[::-1])[::-1] - fall * steps)


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The gain before the limiter, the true peak that is permitted, and what comes out.

    ``most_limiting_db`` is how far the highest peak would stand above the permitted one with the plain gain. ``integrated_lufs``
    is lower than what was wanted by as much as that would be more than 12 dB.
    """

    gain_db: float
    true_peak_dbtp: float
    integrated_lufs: float
    most_limiting_db: float

    def limiting_db(self, peaks: Curve) -> Curve:
        """Return how far peaks have to come down, so that they are still low enough when encoding has raised them."""
        to_permitted_db = self.gain_db - self.true_peak_dbtp
        above_db = 20 * np.log10(np.maximum(peaks, 1e-9)) + (to_permitted_db + ENCODER_OVERSHOOT_DB)
        return np.asarray(above_db * np.where(above_db > 0, 1 + _OVERSHOOT_PER_DB, 1), dtype=np.float32)


def solve(levels: Levels, *, highest_peak: float, integrated_lufs_wanted: float, true_peak_dbtp: float) -> Solution:
    """Return the gain that meets the loudness while no true peak of the encoded sound shall pass ``true_peak_dbtp``.

    ``highest_peak`` is what the cap of 12 dB counts for: the highest before any leveling, because a clap among soft words may be
    brought back to where it was.
    """
    plain_db = integrated_lufs_wanted - float(lufs(np.mean(levels.energies)))
    for _ in range(_GATE_STEPS):  # the gates are those of what comes out
        plain_db += integrated_lufs_wanted - integrated_lufs(levels.energies * 10 ** (plain_db / 10))
    above_db = 20 * np.log10(max(highest_peak, 1e-9)) + plain_db - true_peak_dbtp
    beyond_db = max(above_db - MOST_LIMITING_DB, 0.0)
    aim_lufs = integrated_lufs_wanted - beyond_db
    gain_db = plain_db - beyond_db
    most_gain_db = gain_db + _MOST_MADE_UP_DB
    earlier: Solution | None = None
    tried: list[Solution] = []
    for _ in range(_MOST_STEPS):
        solution = Solution(
            gain_db=gain_db,
            true_peak_dbtp=true_peak_dbtp,
            integrated_lufs=0.0,
            most_limiting_db=float(min(max(above_db, 0.0), MOST_LIMITING_DB)),
        )
        solution = replace(solution, integrated_lufs=integrated_lufs(limited_energies(levels, solution)))
        tried.append(solution)
        missing_lu = aim_lufs - solution.integrated_lufs
        if abs(missing_lu) < _CLOSE_ENOUGH_LU or (missing_lu > 0 and gain_db >= most_gain_db):
            return solution
        # Where the limiter works, a decibel more before it is less than one behind it.
        slope = 1.0
        if earlier is not None and gain_db != earlier.gain_db:
            slope = (solution.integrated_lufs - earlier.integrated_lufs) / (gain_db - earlier.gain_db)
        earlier = solution
        gain_db = min(gain_db + missing_lu / min(max(slope, 0.2), 1.0), most_gain_db)
    # Where a gate opens the loudness jumps, and what is wanted may lie in the gap.
    return min(tried, key=lambda each: abs(aim_lufs - each.integrated_lufs))


def limited_energies(levels: Levels, solution: Solution) -> Curve:
    """Return the energies behind the limiter, which works where in a frame the sound is: at its loud moments."""
    shares = np.ones(len(levels.energies), dtype=np.float32)
    for start in range(0, len(shares), _FRAMES_AT_ONCE):
        frames = levels[start : start + _FRAMES_AT_ONCE]
        first = start * PEAKS_PER_FRAME
        before = min(first, LIMITER_REACH)
        around = levels.peaks[first - before : first + len(frames.peaks) + LIMITER_REACH]
        limiter_db = limit_db(solution.limiting_db(around))[before : before + len(frames.peaks)]
        kept = np.square(linear(limiter_db)).reshape(-1, PEAKS_PER_FRAME // POWERS_PER_FRAME).mean(axis=1)
        powers = frames.powers.reshape(-1, POWERS_PER_FRAME)
        left = (frames.powers * kept).reshape(-1, POWERS_PER_FRAME)
        shares[start : start + _FRAMES_AT_ONCE] = left.sum(axis=1) / np.maximum(powers.sum(axis=1), 1e-20)
    return np.asarray(levels.energies * shares * 10 ** (solution.gain_db / 10))


def limit_db(above_db: Curve) -> Curve:
    """Return the limiter's gain for peaks that stand so many dB above the ceiling: there in time, no faster than it may be."""
    gain_db = np.zeros(len(above_db), dtype=np.float32)
    chunk = _FRAMES_AT_ONCE * PEAKS_PER_FRAME
    for start in range(0, len(above_db), chunk):
        before = min(start, LIMITER_REACH)
        around = _limit_chunk_db(above_db[start - before : start + chunk + LIMITER_REACH])
        gain_db[start : start + chunk] = around[before : before + chunk]
    return gain_db


def _limit_chunk_db(above_db: Curve) -> NDArray[np.float64]:
    needed_db = np.minimum(0.0, -np.asarray(above_db, dtype=np.float64))
    if needed_db.min(initial=0.0) == 0:
        return needed_db
    # The lowest of the frames around, one after the other in both directions.
    held_db = needed_db.copy()
    for shift in range(1, _HELD + 1):
        held_db[shift:] = np.minimum(held_db[shift:], needed_db[:-shift])
        held_db[:-shift] = np.minimum(held_db[:-shift], needed_db[shift:])
    moved_db = lower_envelope(held_db, fall=ATTACK_DB_PER_FRAME, rise=RELEASE_DB_PER_FRAME)
    return np.asarray(np.convolve(np.pad(moved_db, 1, mode="edge"), _ROUNDING, mode="valid"))

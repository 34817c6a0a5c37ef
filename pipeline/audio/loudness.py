"""Loudness and level curves, computed on frames of energy and of peak instead of on the sound.

So a whole hour is a few thousand numbers, and the gain that meets a target is found without rendering anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.samples import FRAME_S, Block, RawSound, blocks, in_frames

Curve = NDArray[np.float64]
"""One number for each frame."""

PEAKS_PER_FRAME = 30
"""Frames of true peak in a frame of energy: 3.3 ms each."""

MOST_LIMITING_DB = 12.0
"""Beyond this a limiter is heard as distortion."""

# Source: ITU-R BS.1770-5, Annex 1, tables 1 and 2 (at 48 kHz), and the gates of Annex 1.
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGHPASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
_OFFSET_DB = -0.691
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_GATE_FRAMES = 4  # 400 ms, overlapping by three quarters

_LEVELLING_S = 3.0
_MOST_LEVELLING_DB = 6.0
_PAUSE_LU = -18.0  # what is so much below the whole is no voice and must not steer the level

_OVERSAMPLING = 4
_TAPS = 12  # neighbours on each side that the interpolation looks at
_LIMITER_REACH = 12  # frames of 3.3 ms that the gain needs to fall and to rise: 40 ms


@dataclass(frozen=True, kw_only=True)
class Levels:
    """``energies``: K-weighted, summed over the channels, one for 0.1 s; ``peaks``: true peak, one for 1/300 s, linear."""

    energies: Curve
    peaks: Curve


def measure(sound: RawSound) -> Levels:
    """Return the levels of ``sound``. Mono counts as two equal channels, which is how it is published."""
    measured = [(_energies(block[_TAPS:-_TAPS], sound), _peaks(block, sound)) for block in blocks(sound, margin=_TAPS)]
    energies, peaks = zip(*measured, strict=True)
    twice = 2.0 if sound.channels == 1 else 1.0
    return Levels(energies=twice * np.concatenate(energies), peaks=np.concatenate(peaks))


def integrated_lufs(energies: Curve) -> float:
    """Return the gated loudness of a sound in LUFS from its energies; -inf where nothing passes the gates or below 0.4 s."""
    if len(energies) < _GATE_FRAMES:
        return float("-inf")
    gated = np.convolve(energies, np.full(_GATE_FRAMES, 1 / _GATE_FRAMES), mode="valid")
    gated = gated[_lufs(gated) > _ABSOLUTE_GATE_LUFS]
    if len(gated) == 0:
        return float("-inf")
    gated = gated[_lufs(gated) > _lufs(np.mean(gated)) + _RELATIVE_GATE_LU]
    return float(_lufs(np.mean(gated)))


def levelling_db(energies: Curve) -> Curve:
    """Return the slow gain in dB, for each 0.1 s, that brings quiet and loud sentences together: at most 6 dB either way."""
    whole_lufs = integrated_lufs(energies)
    window = np.hanning(round(_LEVELLING_S / FRAME_S) + 1)
    frames_lufs = _lufs(energies)
    voiced = (frames_lufs > whole_lufs + _PAUSE_LU).astype(np.float64)
    weight = _smoothed(voiced, window)
    # The mean of levels and not of energies, or a loud sentence would pull down the end of the quiet one before it.
    heard = weight > 0.5  # noqa: PLR2004 - half a frame at the middle of the window
    nearby_lufs = _smoothed(voiced * np.maximum(frames_lufs, _ABSOLUTE_GATE_LUFS), window)[heard] / weight[heard]
    if len(nearby_lufs) == 0:
        return np.zeros_like(energies)
    usual_lufs = np.median(frames_lufs[voiced > 0])
    gain_db = np.clip(usual_lufs - nearby_lufs, -_MOST_LEVELLING_DB, _MOST_LEVELLING_DB)
    return np.asarray(np.interp(np.arange(len(energies)), np.flatnonzero(heard), gain_db))


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The gain to apply before the limiter, and the limiter's gain for each 1/300 s; both linear.

    ``expected_lufs`` is what comes out; it misses the target only where more limiting than 12 dB would be needed.
    """

    gain: float
    limiter: Curve
    expected_lufs: float


def solve(levels: Levels, *, integrated_lufs_wanted: float, true_peak_dbtp: float) -> Solution:
    """Return the gain and the limiter curve that meet the loudness while no true peak passes ``true_peak_dbtp``."""
    ceiling = 10 ** (true_peak_dbtp / 20)
    most_gain_db = true_peak_dbtp + MOST_LIMITING_DB - 20 * np.log10(max(float(np.max(levels.peaks)), 1e-9))
    low_db = min(integrated_lufs_wanted - integrated_lufs(levels.energies), most_gain_db)  # a limiter only makes quieter
    high_db = most_gain_db
    for _ in range(24):
        middle_db = (low_db + high_db) / 2
        if _limited_lufs(levels, middle_db, ceiling) < integrated_lufs_wanted:
            low_db = middle_db
        else:
            high_db = middle_db
    gain = 10 ** (high_db / 20)
    return Solution(
        gain=gain,
        limiter=_limiter(levels.peaks * gain, ceiling),
        expected_lufs=_limited_lufs(levels, high_db, ceiling),
    )


def _limited_lufs(levels: Levels, gain_db: float, ceiling: float) -> float:
    gain = 10 ** (gain_db / 20)
    limiter = _limiter(levels.peaks * gain, ceiling)
    padded = np.pad(limiter, (0, len(levels.energies) * PEAKS_PER_FRAME - len(limiter)), mode="edge")
    kept = np.mean(np.square(padded).reshape(-1, PEAKS_PER_FRAME), axis=1)
    return integrated_lufs(levels.energies * gain**2 * kept)


def _limiter(peaks: Curve, ceiling: float) -> Curve:
    """Return a smooth gain that keeps every peak at or below ``ceiling``, looking ahead as far as back."""
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    # One frame further than the smoothing, because between two frames the gain is a straight line to the neighbour's.
    lowest = _lowest_nearby(needed, _LIMITER_REACH + 1)
    half = np.ones(_LIMITER_REACH + 1)
    return _averaged(lowest, np.convolve(half, half) / half.sum() ** 2)


def _lowest_nearby(curve: Curve, reach: int) -> Curve:
    """Return for each frame the smallest value up to ``reach`` frames away."""
    width = 2 * reach + 1
    lowest, covered = np.pad(curve, reach, constant_values=1.0), 1
    while covered < width:  # doubling: a handful of passes instead of one for each frame of the window
        step = min(covered, width - covered)
        lowest = np.minimum(lowest[:-step], lowest[step:])
        covered += step
    return lowest


def _averaged(curve: Curve, weights: Curve) -> Curve:
    return np.convolve(np.pad(curve, len(weights) // 2, mode="edge"), weights, mode="valid")


def _smoothed(curve: Curve, window: Curve) -> Curve:
    return np.convolve(np.pad(curve, len(window) // 2), window, mode="valid")


def _lufs(energies: Curve | np.floating) -> Curve:
    return np.asarray(_OFFSET_DB + 10 * np.log10(np.maximum(energies, 1e-12)))


def _energies(block: Block, sound: RawSound) -> Curve:
    """Return the K-weighted energy of each 0.1 s, through the spectrum: no filter has to run over the samples."""
    samples = sound.frame_samples
    power = np.square(np.abs(np.fft.rfft(in_frames(block, samples), axis=1)))
    weights = np.square(np.abs(_k_weighting(np.fft.rfftfreq(samples, 1 / sound.sample_rate_hz))))
    return np.asarray(2 * np.einsum("fkc,k->f", power, weights) / samples**2)


def _k_weighting(frequencies_hz: NDArray[np.floating]) -> NDArray[np.complex128]:
    delay = np.exp(-2j * np.pi * np.minimum(frequencies_hz, 24_000) / 48_000)
    response: NDArray[np.complex128] = np.ones_like(delay)
    for numerator, denominator in (_SHELF, _HIGHPASS):
        response = response * np.polyval(numerator[::-1], delay) / np.polyval(denominator[::-1], delay)
    return response


def _peaks(block: Block, sound: RawSound) -> Curve:
    """Return the true peak of each 1/300 s of a block that has ``_TAPS`` more samples on both sides.

    Interpolated fourfold by a windowed sinc. Source: ITU-R BS.1770-5, Annex 2.
    """
    inner = np.abs(block[_TAPS:-_TAPS]).max(axis=1)
    for phase in range(1, _OVERSAMPLING):
        offsets = np.arange(-_TAPS, _TAPS + 1) - phase / _OVERSAMPLING
        taps = np.sinc(offsets) * np.cos(np.pi * offsets / (2 * (_TAPS + 1))) ** 2
        between = [np.convolve(channel, taps[::-1], mode="valid") for channel in block.T]
        inner = np.maximum(inner, np.abs(np.stack(between)).max(axis=0))
    frames = in_frames(inner[:, None], sound.frame_samples // PEAKS_PER_FRAME)
    return np.asarray(frames.max(axis=(1, 2)), dtype=np.float64)

"""How loud and how high a sound is, a frame at a time: what everything else about its level is computed from.

An hour becomes a few megabytes of numbers, and a gain that meets a target is found on them without touching the sound.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.audio.samples import FRAME_SAMPLES, SAMPLE_RATE_HZ, Block

Curve = NDArray[np.floating[Any]]
"""One number for each frame."""

POWERS_PER_FRAME = 10
"""Frames of 10 ms in one of 0.1 s."""

PEAKS_PER_FRAME = 30
"""Frames of 3.3 ms, the grid of peaks and of the limiter, in one of 0.1 s."""

PEAK_SAMPLES = FRAME_SAMPLES // PEAKS_PER_FRAME
"""Samples in one of those."""

# Source: ITU-R BS.1770-5, Annex 1, tables 1 and 2 (at 48 kHz).
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGHPASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
_TABLES_HZ = 48_000

BLOCK_SAMPLES = 20 * FRAME_SAMPLES
"""What is measured at a time: two seconds stay in the processor's cache."""

_OVERSAMPLING = 4
_TAPS = 24  # samples around that a value between two samples is made of
# A frame is interpolated in short pieces, a few frames in one product: so few that BLAS does not wake its threads for it. Cores
# are shared out a level higher, and threads that wait for each other would cost more than they do.
_PIECE_SAMPLES = 21
_FRAMES_AT_ONCE = 12
_PIECES = PEAK_SAMPLES // _PIECE_SAMPLES
# A peak between samples can stand out above them, by a decibel or two in speech. Frames whose samples stay so far below the
# highest of their neighbourhood are taken at their samples, because nothing is decided by them.
_LOOKED_AT = 0.35


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Three curves of one sound, all linear.

    ``energies``: K-weighted mean squares of 0.1 s, summed over the channels as a meter does; one channel counts twice, because
    it is heard from two loudspeakers. ``powers``: plain mean squares of 10 ms. ``peaks``: true peaks of 1/300 s.
    """

    energies: Curve
    powers: Curve
    peaks: Curve

    def __getitem__(self, frames: slice) -> Levels:
        """Return a stretch, counted in frames of 0.1 s."""
        start, stop, _ = frames.indices(len(self.energies))
        return Levels(
            energies=self.energies[start:stop],
            powers=self.powers[start * POWERS_PER_FRAME : stop * POWERS_PER_FRAME],
            peaks=self.peaks[start * PEAKS_PER_FRAME : stop * PEAKS_PER_FRAME],
        )


def concatenate(levels: Sequence[Levels]) -> Levels:
    """Return stretches of sound one after another."""
    return Levels(
        energies=np.concatenate([each.energies for each in levels]),
        powers=np.concatenate([each.powers for each in levels]),
        peaks=np.concatenate([each.peaks for each in levels]),
    )


def measure(block: Block) -> Levels:
    """Return the levels of a short sound that is all in memory; the last frame is filled up with silence."""
    measured = []
    for start in range(0, len(block), BLOCK_SAMPLES):
        channels = in_channels(block[start : start + BLOCK_SAMPLES])
        measured.append(combine(energies(channels, k_weights()), powers(channels), peaks(channels)))
    return concatenate(measured)


def combine(energies_of: Curve, powers_of: Curve, peaks_of: Curve) -> Levels:
    """Return the levels of a sound from those of its channels, (channels, frames) each."""
    twice = np.float32(2.0 if len(energies_of) == 1 else 1.0)
    return Levels(energies=twice * energies_of.sum(axis=0), powers=powers_of.mean(axis=0), peaks=peaks_of.max(axis=0))


def linear(decibels: Curve) -> Curve:
    """Return gains in dB as factors."""
    return np.asarray(10 ** (decibels / 20), dtype=np.float32)


def in_channels(block: Block) -> NDArray[np.float32]:
    """Return a block as (channels, frames, samples in 0.1 s), the last frame filled up with silence."""
    padded = np.pad(block, ((0, -len(block) % FRAME_SAMPLES), (0, 0))) if len(block) % FRAME_SAMPLES else block
    return np.ascontiguousarray(padded.T).reshape(block.shape[1], -1, FRAME_SAMPLES)


@functools.cache
def k_weights(highpass_hz: int = 0) -> NDArray[np.float32]:
    """Return the weight of each bin of a frame's power spectrum, taken as (real, imaginary) pairs.

    ``highpass_hz``: as if the sound had gone through ``highpass_filters`` first.
    """
    frequencies_hz = np.fft.rfftfreq(FRAME_SAMPLES, 1 / SAMPLE_RATE_HZ)
    delay = np.exp(-2j * np.pi * frequencies_hz / _TABLES_HZ)
    response = np.ones(len(delay))
    for numerator, denominator in (_SHELF, _HIGHPASS):
        response = response * np.abs(np.polyval(numerator[::-1], delay) / np.polyval(denominator[::-1], delay)) ** 2
    if highpass_hz:
        ratio = (frequencies_hz / highpass_hz) ** 4
        response = response * (ratio / (1 + ratio)) ** 2
    weights = 2 * response / FRAME_SAMPLES**2
    return np.repeat(weights, 2).astype(np.float32)


def energies(channels: NDArray[np.float32], *weights: NDArray[np.float32]) -> Curve:
    """Return the weighted energy of each 0.1 s, through the spectrum: no filter has to run over the samples.

    (channels, frames) for one set of weights, (sets, channels, frames) for several.
    """
    spectra = np.fft.rfft(channels, axis=2).astype(np.complex64, copy=False).view(np.float32)
    np.square(spectra, out=spectra)
    found: Curve = np.stack([np.einsum("cfk,k->cf", spectra, each) for each in weights])
    return found if len(weights) > 1 else np.asarray(found[0])


def powers(channels: NDArray[np.float32]) -> Curve:
    """Return the mean square of each 10 ms, (channels, frames)."""
    short = channels.reshape(len(channels), -1, FRAME_SAMPLES // POWERS_PER_FRAME)
    return np.asarray(np.einsum("cfs,cfs->cf", short, short) / np.float32(short.shape[2]))


def peaks(channels: NDArray[np.float32], *, at_least: float = 0.0) -> Curve:
    """Return the true peak of each 1/300 s, (channels, frames).

    ``at_least``: frames whose samples stay below are not looked at more closely. At its very ends, where half of what a value is
    made of lies outside, a sound is taken at its samples.
    Source: ITU-R BS.1770-5, Annex 2, with a longer interpolation.
    """
    frames = channels.reshape(len(channels), -1, PEAK_SAMPLES)
    found: Curve = np.maximum(frames.max(axis=2), -frames.min(axis=2))
    for whole, curve in zip(channels.reshape(len(channels), -1), found, strict=True):
        close = np.flatnonzero(curve >= max(_LOOKED_AT * float(curve.max(initial=0.0)), at_least, 1e-6))
        pieces = sliding_window_view(np.pad(whole, (_TAPS // 2 - 1, _TAPS // 2)), _PIECE_SAMPLES + _TAPS - 1)[::_PIECE_SAMPLES]
        of_frame = np.arange(_PIECES)
        for start in range(0, len(close), _FRAMES_AT_ONCE):
            few = close[start : start + _FRAMES_AT_ONCE]
            which = (few[:, None] * _PIECES + of_frame).reshape(-1)
            between = pieces[which] @ _interpolation()
            between[(which == 0) | (which == len(pieces) - 1)] = 0
            between = between.reshape(len(few), -1)
            curve[few] = np.maximum(curve[few], np.maximum(between.max(axis=1), -between.min(axis=1)))
    return found


@functools.cache
def _interpolation() -> NDArray[np.float32]:
    """Return the matrix that makes, from a piece and its neighbours, the values between its samples: a windowed sinc."""
    matrix = np.zeros((_PIECE_SAMPLES + _TAPS - 1, (_OVERSAMPLING - 1) * _PIECE_SAMPLES))
    for phase in range(1, _OVERSAMPLING):
        distances = np.arange(_TAPS) - (_TAPS // 2 - 1) - phase / _OVERSAMPLING
        taps = np.sinc(distances) * np.cos(np.pi * distances / (_TAPS + 2)) ** 2
        for sample in range(_PIECE_SAMPLES):
            matrix[sample : sample + _TAPS, (phase - 1) * _PIECE_SAMPLES + sample] = taps
    return matrix.astype(np.float32)

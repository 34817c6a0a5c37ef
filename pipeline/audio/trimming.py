"""Where the voice begins and ends in a recording: silence is cut at the head and the tail, never inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.samples import RawSound, blocks, in_frames

KEPT_S = 0.3
"""Silence left before the first and after the last sound: a breath, and room for the music to fade."""

_FRAMES_PER_S = 100
_SUSTAINED_FRAMES = 10  # of sound, within three times as many: a word does that, the click of a mouse does not
_BELOW_VOICE_DB = 35.0
_ABOVE_FLOOR_DB = 9.0
_AT_LEAST_BELOW_VOICE_DB = 12.0


def find_voice(sound: RawSound) -> tuple[int, int]:
    """Return the first sample to keep and the first one not to, with 0.3 s of quiet on both sides where there is so much."""
    samples = sound.sample_rate_hz // _FRAMES_PER_S
    levels_db = np.concatenate([_levels_db(in_frames(block, samples)) for block in blocks(sound)])
    voice_db, floor_db = np.percentile(levels_db, (95, 10))
    threshold_db = min(max(voice_db - _BELOW_VOICE_DB, floor_db + _ABOVE_FLOOR_DB), voice_db - _AT_LEAST_BELOW_VOICE_DB)
    loud = levels_db > threshold_db
    kept = round(KEPT_S * sound.sample_rate_hz)
    first = max(_first_sustained(loud) * samples - kept, 0)
    last = min((len(loud) - _first_sustained(loud[::-1])) * samples + kept, sound.samples)
    return (first, last) if first < last else (0, sound.samples)


def _levels_db(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    power = np.mean(np.square(frames, dtype=np.float64), axis=(1, 2))
    return np.asarray(10 * np.log10(power + 1e-10))


def _first_sustained(loud: NDArray[np.bool_]) -> int:
    """Return the first loud frame that others follow; 0 if there is none, so that nothing is cut."""
    following = np.convolve(loud, np.ones(3 * _SUSTAINED_FRAMES))[3 * _SUSTAINED_FRAMES - 1 :]
    sustained = np.flatnonzero(loud & (following >= _SUSTAINED_FRAMES))
    return int(sustained[0]) if len(sustained) else 0

"""Where the voice begins and ends in a recording: silence is cut at the head and the tail, never inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.levels import POWERS_PER_FRAME, Curve

KEPT_S = 0.3
"""Silence left before the first and after the last sound: a breath, and room for the music to fade."""

_KEPT_FRAMES = 30  # of 10 ms
_SUSTAINED_FRAMES = 10  # of sound, within three times as many: a word does that, the click of a mouse does not
_BELOW_VOICE_DB = 35.0
_ABOVE_FLOOR_DB = 9.0
_AT_LEAST_BELOW_VOICE_DB = 12.0


def find_voice(powers: Curve) -> tuple[int, int]:
    """Return the first frame of 0.1 s to keep and the first one not to, with 0.3 s of quiet on both sides where there is so much.

    ``powers`` are mean squares of 10 ms.
    """
    levels_db = 10 * np.log10(powers.astype(np.float64) + 1e-10)
    voice_db, floor_db = np.percentile(levels_db, (95, 10))
    threshold_db = min(max(voice_db - _BELOW_VOICE_DB, floor_db + _ABOVE_FLOOR_DB), voice_db - _AT_LEAST_BELOW_VOICE_DB)
    loud = levels_db > threshold_db
    first = max(_first_sustained(loud) - _KEPT_FRAMES, 0) // POWERS_PER_FRAME
    end = -(-(len(loud) - max(_first_sustained(loud[::-1]) - _KEPT_FRAMES, 0)) // POWERS_PER_FRAME)
    return (first, end) if first < end else (0, -(-len(loud) // POWERS_PER_FRAME))


def _first_sustained(loud: NDArray[np.bool_]) -> int:
    """Return the first loud frame that others follow; 0 if there is none, so that nothing is cut."""
    following = np.convolve(loud, np.ones(3 * _SUSTAINED_FRAMES))[3 * _SUSTAINED_FRAMES - 1 :]
    sustained = np.flatnonzero(loud & (following >= _SUSTAINED_FRAMES))
    return int(sustained[0]) if len(sustained) else 0

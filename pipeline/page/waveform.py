"""The published sound as a picture under the position slider."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

BARS = 72
WIDTH = 4 * BARS
HEIGHT = 56
# As on the posters: the loud twentieth may be cut, quiet speech is lifted, and a pause stays visible as a dot.
_LOUD_SHARE = 0.95
_GAMMA = 0.7
_FLOOR = 0.05


def waveform_path(envelope: Sequence[float]) -> str:
    """Return an SVG path of ``BARS`` upright strokes in a box of ``WIDTH`` by ``HEIGHT``; empty for a sound without envelope.

    In whole units: a third of the bytes, and half a pixel on a phone.
    """
    if not envelope:
        return ""
    levels = _root_mean_squares(envelope)
    loud = sorted(levels)[int(_LOUD_SHARE * (BARS - 1))] or 1.0
    reaches = [round(max(_FLOOR, min(1.0, level / loud) ** _GAMMA) * (HEIGHT - 4) / 2) for level in levels]
    # From the foot of one stroke to the head of the next: fewer bytes than naming every place.
    moves = [f"m4-{one + other}v{2 * other}" for one, other in pairwise(reaches)]
    return f"M2 {HEIGHT // 2 - reaches[0]}v{2 * reaches[0]}" + "".join(moves)


def _root_mean_squares(envelope: Sequence[float]) -> list[float]:
    """Return the RMS of each bar's share of the envelope; short sounds repeat frames rather than leave holes."""
    energies = np.concatenate(([0.0], np.cumsum(np.square(np.array(envelope, dtype=np.float64)))))
    bounds = np.arange(BARS + 1) * len(envelope) // BARS
    starts, stops = bounds[:-1], np.maximum(bounds[1:], bounds[:-1] + 1)
    means = (energies[stops] - energies[starts]) / (stops - starts)
    return [math.sqrt(max(0.0, mean)) for mean in means.tolist()]

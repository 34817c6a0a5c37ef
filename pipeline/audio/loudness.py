"""Programme loudness and loudness range from K-weighted energies. Source: ITU-R BS.1770-5, Annex 1; EBU Tech 3342."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.levels import Curve

_OFFSET_DB = -0.691
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_GATE_FRAMES = 4  # 400 ms, overlapping by three quarters
_SHORT_TERM_FRAMES = 30  # 3 s
_RANGE_GATE_LU = -20.0
_RANGE_PERCENTILES = (10, 95)


def integrated_lufs(energies: Curve) -> float:
    """Return the gated loudness of a sound in LUFS; -inf where nothing passes the gates or below 0.4 s."""
    gated = _over(energies, _GATE_FRAMES)
    gated = gated[lufs(gated) > _ABSOLUTE_GATE_LUFS]
    if len(gated) == 0:
        return float("-inf")
    gated = gated[lufs(gated) > lufs(np.mean(gated)) + _RELATIVE_GATE_LU]
    return float(lufs(np.mean(gated)))


def loudness_range_lu(energies: Curve) -> float:
    """Return how far apart the quiet and the loud stretches are, in LU; 0 for a sound below 3 s or that no gate lets through."""
    short_term = _over(energies, _SHORT_TERM_FRAMES)
    short_term = short_term[lufs(short_term) > _ABSOLUTE_GATE_LUFS]
    if len(short_term) == 0:
        return 0.0
    short_term = short_term[lufs(short_term) > lufs(np.mean(short_term)) + _RANGE_GATE_LU]
    quiet, loud = np.percentile(lufs(short_term), _RANGE_PERCENTILES)
    return float(loud - quiet)


def lufs(energies: NDArray[np.floating] | np.floating) -> NDArray[np.float64]:
    """Return mean squares of K-weighted sound as loudness."""
    return np.asarray(_OFFSET_DB + 10 * np.log10(np.maximum(energies, 1e-12)), dtype=np.float64)


def _over(energies: Curve, frames: int) -> NDArray[np.float64]:
    """Return the mean over each run of so many frames."""
    if len(energies) < frames:
        return np.zeros(0)
    total = np.concatenate([[0.0], np.cumsum(energies, dtype=np.float64)])
    return np.asarray((total[frames:] - total[:-frames]) / frames)

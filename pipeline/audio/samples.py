"""Sound as numbers: blocks in memory, and one raw 32-bit float file that is read at any place and never whole.

Full scale is 1 and peaks may pass it. A block is an array of shape (samples, channels).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]
"""Interleaved sound, (samples, channels)."""

SAMPLE_RATE_HZ = 44_100
"""The rate of the published sound and of all sound on the way to it, whatever was recorded: frames are whole samples at it."""

FRAME_S = 0.1
"""Length of a frame of energy: loudness gates overlap by this much, and the envelopes are counted in it."""

FRAME_SAMPLES = 4410
BYTES = 4
"""Of one number in a raw file or a pipe."""


@dataclass(frozen=True, kw_only=True)
class RawSound:
    """A headerless little-endian float32 file of ours at ``SAMPLE_RATE_HZ``. ``samples`` counts those of each channel."""

    file: Path
    channels: int
    samples: int

    @property
    def duration_s(self) -> float:
        """How long it sounds, in seconds."""
        return self.samples / SAMPLE_RATE_HZ

    def read(self, start: int, count: int) -> Block:
        """Return up to ``count`` samples from sample ``start`` on."""
        flat = np.fromfile(self.file, dtype="<f4", count=max(count, 0) * self.channels, offset=start * BYTES * self.channels)
        return flat.astype(np.float32, copy=False).reshape(-1, self.channels)


def input_arguments(channels: int, source: str) -> list[str]:
    """Return what ffmpeg needs to read our raw sound from ``source``: ``pipe:0`` or ``file:`` and a path."""
    return ["-f", "f32le", "-ar", f"{SAMPLE_RATE_HZ}", "-ac", f"{channels}", "-i", source]


def from_bytes(content: memoryview, channels: int) -> Block:
    """Return what came through a pipe as a block."""
    return np.frombuffer(content, dtype="<f4", count=len(content) // (BYTES * channels) * channels).reshape(-1, channels)


def as_bytes(block: Block) -> memoryview:
    """Return a block as it goes through a pipe or into a raw file."""
    return np.ascontiguousarray(block, dtype="<f4").reshape(-1).view(np.uint8).data

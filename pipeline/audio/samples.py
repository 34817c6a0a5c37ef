"""Sound between two steps: raw 32-bit float files that are read and written block by block, never whole.

Full scale is 1 and peaks may pass it. A block is an array of shape (samples, channels).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import media

Block = NDArray[np.float32]
"""Interleaved sound, (samples, channels)."""

SAMPLE_RATE_HZ = 44_100
"""The rate of the published sound and of all sound on the way to it, whatever was recorded: frames are whole samples at it."""

FRAME_S = 0.1
"""Length of a frame of energy: loudness gates overlap by this much, and the published envelope is counted in it."""

_BLOCK_FRAMES = 100  # ten seconds: a few megabytes at a time
_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class RawSound:
    """A headerless little-endian float32 file of ours and what is needed to read it."""

    file: Path
    sample_rate_hz: int
    channels: int

    @property
    def samples(self) -> int:
        """Samples in each channel."""
        return self.file.stat().st_size // (_BYTES * self.channels)

    @property
    def duration_s(self) -> float:
        """How long it sounds, in seconds."""
        return self.samples / self.sample_rate_hz

    @property
    def frame_samples(self) -> int:
        """Samples in a frame of 0.1 s."""
        return round(self.sample_rate_hz * FRAME_S)

    @property
    def input_arguments(self) -> list[str]:
        """What ffmpeg needs to read the file."""
        return ["-f", "f32le", "-ar", f"{self.sample_rate_hz}", "-ac", f"{self.channels}", "-i", f"file:{self.file}"]


def read(sound: RawSound, start: int, count: int) -> Block:
    """Return up to ``count`` samples from sample ``start`` on."""
    offset = start * _BYTES * sound.channels
    flat = np.fromfile(sound.file, dtype="<f4", count=max(count, 0) * sound.channels, offset=offset)
    return flat.astype(np.float32, copy=False).reshape(-1, sound.channels)


def blocks(sound: RawSound, *, margin: int = 0) -> Iterator[Block]:
    """Yield the sound in blocks of ten seconds; ``margin`` samples of its neighbours stand on both sides, silence at the ends."""
    step = sound.frame_samples * _BLOCK_FRAMES
    for start in range(0, sound.samples, step):
        before = min(start, margin)
        block = read(sound, start - before, before + min(step, sound.samples - start) + margin)
        short = min(step, sound.samples - start) + 2 * margin - (margin - before) - len(block)
        yield np.pad(block, ((margin - before, short), (0, 0)))


def write(made: Iterable[Block], to: Path, *, sample_rate_hz: int, channels: int) -> RawSound:
    """Return the blocks as one sound, written to ``to``.

    Raises:
        MachineError: the disk is full or cannot be written.
    """
    with media.writing(to):
        stream = to.open("wb", buffering=0)  # a full disk shows at the write, not at the end
    with stream:
        for block in made:
            left = memoryview(np.asarray(block, dtype="<f4").tobytes())
            while left:
                with media.writing(to):
                    left = left[stream.write(left) :]
    return RawSound(file=to, sample_rate_hz=sample_rate_hz, channels=channels)


def discard(sound: RawSound) -> None:
    """Remove a sound that no later step reads; if another program looks at the file just then, it goes with its folder."""
    with contextlib.suppress(OSError):
        sound.file.unlink()


def in_frames(block: Block, samples: int) -> NDArray[np.float32]:
    """Return ``block`` as (frames, samples, channels), the last frame filled up with silence."""
    padded = np.pad(block, ((0, -len(block) % samples), (0, 0)))
    return padded.reshape(-1, samples, block.shape[1])


def as_mono(sound: RawSound, to: Path, *, sample_rate_hz: int) -> RawSound:
    """Return ``sound`` as mono at another rate, written to ``to``."""
    made = RawSound(file=to, sample_rate_hz=sample_rate_hz, channels=1)
    arguments = [*sound.input_arguments, "-ac", "1", "-ar", f"{sample_rate_hz}", "-f", "f32le"]
    media.make_with_ffmpeg(arguments, to, time_limit_s=media.time_limit_s(duration_s=sound.duration_s))
    return made

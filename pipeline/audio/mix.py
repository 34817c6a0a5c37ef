"""The sound before its last gain: theme, levelled voice and bed, put together in any place it is asked for, and its levels.

The levels of the whole are known before a sample of it is made: those of the seams are measured, those of the voice between them
follow from the recording's and the leveler's gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import levels, loudness, seams
from pipeline.audio.dynamics import lower_envelope
from pipeline.audio.levels import PEAKS_PER_FRAME, POWERS_PER_FRAME, Curve, Levels, linear
from pipeline.audio.samples import FRAME_S, FRAME_SAMPLES, Block, RawSound

VOICE_LUFS = -23.0
"""Loudness of the voice before the last gain; leaves the peaks room."""

THEME_BELOW_VOICE_LU = 2.0
"""Music of the same loudness as a voice sounds louder than it."""

BED_BELOW_VOICE_LU = 24.0
"""Under words. Source: WCAG 2.2, 1.4.7, asks for 20 dB; the old need more than the young."""

BED_IN_PAUSES_LU = 16.0
"""Where nobody speaks for a while."""

_SEAM_FRAMES = 20  # the most that pydub gets of the voice at each end: two seconds
_IN_ONE_FRAMES = 200  # shorter stretches are not worth an encoding of their own
_AWAY_FRAMES = 10  # more than an encoding begins early
_WORDS_LU = -18.0  # below the voice: syllables, not breaths
_DUCK_DB_PER_S, _RISE_DB_PER_S = 40.0, 5.0
_BED_FADE_S = 1.5


@dataclass(frozen=True, kw_only=True)
class Voice:
    """The part of a clean recording that is published: frames ``first`` to ``end`` of these channels, with this gain in dB.

    ``alike`` tells in which of these frames all channels are equal.
    """

    clean: RawSound
    channels: tuple[int, ...]
    first: int
    end: int
    levels: Levels
    gain_db: Curve
    alike: NDArray[np.bool_]

    @property
    def highest_peak(self) -> float:
        """The highest true peak if one gain for all of it brought the voice to ``VOICE_LUFS``."""
        one_gain = 10 ** ((VOICE_LUFS - loudness.integrated_lufs(self.levels.energies)) / 20)
        return float(self.levels.peaks.max()) * one_gain

    @property
    def samples(self) -> int:
        """Samples of each channel: whole frames, but for the last one of a recording that ends within it."""
        return min(self.end * FRAME_SAMPLES, self.clean.samples) - self.first * FRAME_SAMPLES

    def read(self, start: int, count: int) -> Block:
        """Return levelled samples, counted from the first one that is published."""
        block = self.clean.read(self.first * FRAME_SAMPLES + start, min(count, self.samples - start))[:, list(self.channels)]
        return times(block, linear(self.gain_db), start, FRAME_SAMPLES)


@dataclass(frozen=True, kw_only=True)
class Mix:
    """The whole sound: ``opening`` and ``closing`` hold the seams, the voice streams between them, the bed lies under it.

    ``channels`` is 1 where all channels are equal. ``bed`` is one loop of music and ``bed_db`` its gain in frames of 0.1 s from
    the voice's start at sample ``voice_start``. ``highest_peak`` is that of the theme and of the voice without its leveler.
    """

    opening: Block
    voice: Voice
    closing: Block
    seam_frames: int
    bed: Block | None
    bed_db: Curve
    channels: int
    levels: Levels
    highest_peak: float

    @property
    def samples(self) -> int:
        """Samples of each channel."""
        return self._closing_start + len(self.closing)

    @property
    def voice_start(self) -> int:
        """The sample at which the voice begins."""
        return len(self.opening) - self.seam_frames * FRAME_SAMPLES

    @property
    def in_one(self) -> tuple[range, ...]:
        """Where a mix of two channels is nothing but a voice that is equal in both: long stretches, in samples."""
        if self.channels == 1 or self.bed is not None or self.seam_frames < _SEAM_FRAMES:
            return ()
        body = self.voice.alike[self.seam_frames : len(self.voice.alike) - self.seam_frames]
        edges = np.flatnonzero(np.diff(np.r_[False, body, False])).reshape(-1, 2)
        away = [(begin + _AWAY_FRAMES * (begin > 0), end - _AWAY_FRAMES * (end < len(body))) for begin, end in edges.tolist()]
        at = len(self.opening)
        return tuple(range(at + FRAME_SAMPLES * a, at + FRAME_SAMPLES * b) for a, b in away if b - a >= _IN_ONE_FRAMES)

    @property
    def _closing_start(self) -> int:
        return self.voice_start + (len(self.voice.levels.energies) - self.seam_frames) * FRAME_SAMPLES

    def read(self, start: int, count: int) -> Block:
        """Return up to ``count`` samples from sample ``start`` on."""
        end = min(start + count, self.samples)
        opening_end, closing_start = len(self.opening), self._closing_start
        body_start, body_end = max(start, opening_end), min(end, closing_start)
        pieces = [self.opening[start:end]]
        if body_start < body_end:
            pieces.append(_spread(self.voice.read(body_start - self.voice_start, body_end - body_start), self.channels))
        if end > closing_start:
            pieces.append(self.closing[max(start - closing_start, 0) : end - closing_start])
        block = np.concatenate(pieces)
        return block if self.bed is None else block + self._bed(start, len(block))

    def _bed(self, start: int, count: int) -> Block:
        if self.bed is None:
            raise ValueError("a mix without a bed was asked for it")
        at = np.arange(start - self.voice_start, start - self.voice_start + count)
        return times(self.bed[at % len(self.bed)], linear(self.bed_db), start - self.voice_start, FRAME_SAMPLES)


def times(block: Block, gain: Curve, start: int, frame_samples: int) -> Block:
    """Return a block times a curve that has a value for the middle of each frame and runs straight between them.

    ``start``: which sample of the curve's time the block begins at; before the first and behind the last middle the gain stays.
    """
    # Counted from the middle of the first frame, so that a straight stretch is one row.
    offset = start - frame_samples // 2
    first, last = offset // frame_samples, (offset + len(block) - 1) // frame_samples
    corners = gain[np.clip(np.arange(first, last + 2), 0, len(gain) - 1)].astype(np.float32, copy=False)
    rise = np.diff(corners)[:, None] * (np.arange(frame_samples, dtype=np.float32) / frame_samples)
    straight = (corners[:-1, None] + rise).reshape(-1)
    return np.asarray(block * straight[offset - first * frame_samples :][: len(block), None])


def put_together(voice: Voice, *, intro: Block | None, outro: Block | None, bed: Block | None) -> Mix:
    """Return intro, voice and outro as one sound, the bed ducked under the voice."""
    frames = len(voice.levels.energies)
    seam_frames = min(_SEAM_FRAMES, frames // 2)
    music = [each for each in (intro, outro, bed) if each is not None]
    channels = 2 if len(voice.channels) == 2 or any(not _is_mono(each) for each in music) else 1  # noqa: PLR2004  (stereo)
    theme_lufs = VOICE_LUFS - THEME_BELOW_VOICE_LU
    first, last = (each if each is None else _spread(seams.at_loudness(each, theme_lufs), channels) for each in (intro, outro))
    head = _spread(voice.read(0, seam_frames * FRAME_SAMPLES), channels)
    tail_start = (frames - seam_frames) * FRAME_SAMPLES
    tail = _spread(voice.read(tail_start, voice.samples - tail_start), channels)
    opening, closing = seams.open_with(first, head), seams.close_with(tail, last)
    leveled = _leveled(voice)
    whole = levels.concatenate([levels.measure(opening), leveled[seam_frames : frames - seam_frames], levels.measure(closing)])
    loop = _spread(seams.looped(seams.at_loudness(bed, VOICE_LUFS)), channels) if bed is not None else None
    bed_db = _ducked_db(leveled.energies) if loop is not None else np.zeros(0, dtype=np.float32)
    if loop is not None:
        whole = _with_bed(whole, levels.measure(loop), bed_db, len(opening) // FRAME_SAMPLES - seam_frames)
    return Mix(
        opening=opening,
        voice=voice,
        closing=closing,
        seam_frames=seam_frames,
        bed=loop,
        bed_db=bed_db,
        channels=channels,
        levels=whole,
        highest_peak=max([voice.highest_peak, *(_highest(each) for each in (first, last) if each is not None)]),
    )


def _leveled(voice: Voice) -> Levels:
    gain = linear(voice.gain_db)
    return Levels(
        energies=voice.levels.energies * gain**2,
        powers=voice.levels.powers * np.repeat(gain, POWERS_PER_FRAME) ** 2,
        peaks=voice.levels.peaks * np.repeat(gain, PEAKS_PER_FRAME),
    )


def _ducked_db(energies: Curve) -> Curve:
    """Return the bed's gain for each 0.1 s: down before a word comes, up again slowly when the words have ended."""
    words = loudness.lufs(energies) > VOICE_LUFS + _WORDS_LU
    wanted_db = np.where(words, -BED_BELOW_VOICE_LU, -BED_IN_PAUSES_LU)
    ducked_db = lower_envelope(wanted_db, fall=_DUCK_DB_PER_S * FRAME_S, rise=_RISE_DB_PER_S * FRAME_S)
    in_s = (np.arange(len(energies)) + 0.5) * FRAME_S
    edge = np.clip(np.minimum(in_s, in_s[::-1]) / _BED_FADE_S, 1e-3, 1.0)
    return np.asarray(ducked_db + 20 * np.log10(edge), dtype=np.float32)


def _with_bed(whole: Levels, loop: Levels, bed_db: Curve, voice_frame: int) -> Levels:
    """Return levels with those of the bed added: energies add up, and two peaks are at most their sum."""
    gain = np.zeros(len(whole.energies), dtype=np.float32)
    gain[voice_frame : voice_frame + len(bed_db)] = linear(bed_db)
    at = (np.arange(len(gain)) - voice_frame) % len(loop.energies)
    return Levels(
        energies=whole.energies + loop.energies[at] * gain**2,
        powers=whole.powers,
        peaks=whole.peaks + np.repeat(gain, PEAKS_PER_FRAME) * float(loop.peaks.max()),
    )


def _highest(music: Block) -> float:
    return float(levels.measure(music).peaks.max())


def _is_mono(block: Block) -> bool:
    return block.shape[1] == 1 or np.array_equal(block[:, 0], block[:, 1])


def _spread(block: Block, channels: int) -> Block:
    if channels == block.shape[1]:
        return block
    return np.ascontiguousarray(np.broadcast_to(block[:, :1], (len(block), channels)))

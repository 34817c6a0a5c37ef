"""The theme joined to the voice. pydub holds sound in memory, so it is handed the seams only; the voice between them streams."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import loudness
from pipeline.audio.samples import Block, RawSound, blocks, read, write
from pipeline.audio.trimming import KEPT_S

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydub looks for an ffmpeg of its own, which we never ask it to run
    from pydub import AudioSegment

if TYPE_CHECKING:
    from collections.abc import Iterable

THEME_BELOW_VOICE_LU = 2.0
"""Music of the same loudness as a voice sounds louder than it."""

_LONGEST_CLIP_S = 10.0
_INTRO_FADE_S = 0.5  # for music that ends hard; most fades by itself
_OUTRO_CROSSFADE_S = 0.02  # its first note keeps its attack; the voice has faded in its own silence
_HEADROOM = 8.0  # pydub works in whole numbers: 18 dB above full scale still fit
_WHOLE = 2.0**31


def join(intro: RawSound | None, voice: RawSound, outro: RawSound | None, to: Path, *, voice_lufs: float) -> tuple[RawSound, int]:
    """Return intro, voice and outro as one stereo sound, written to ``to``, and the sample at which the voice begins.

    The intro fades out into the quiet before the first word and the outro starts after the last one, so no word is touched.
    The music is brought to 2 LU below ``voice_lufs``, the loudness of the voice.
    """
    clip = min(round(_LONGEST_CLIP_S * voice.sample_rate_hz), voice.samples // 2)
    head, tail = (_segment(_stereo(read(voice, start, clip)), voice) for start in (0, voice.samples - clip))
    music_lufs = voice_lufs - THEME_BELOW_VOICE_LU
    opening = _open(_music(intro, music_lufs), head) if intro else head
    closing = _close(tail, _music(outro, music_lufs)) if outro else tail
    whole = itertools.chain([_samples(opening)], map(_stereo, _body(voice, clip)), [_samples(closing)])
    made = write(whole, to, sample_rate_hz=voice.sample_rate_hz, channels=2)
    return made, int(opening.frame_count()) - clip


def _open(intro: AudioSegment, head: AudioSegment) -> AudioSegment:
    overlap_ms = _fitting_ms(KEPT_S, intro, head)
    return _joined(intro.fade_out(_fitting_ms(_INTRO_FADE_S, intro)), head, overlap_ms)


def _close(tail: AudioSegment, outro: AudioSegment) -> AudioSegment:
    overlap_ms = _fitting_ms(_OUTRO_CROSSFADE_S, tail, outro)
    return _joined(tail.fade_out(_fitting_ms(KEPT_S, tail)), outro, overlap_ms)


def _joined(first: AudioSegment, second: AudioSegment, overlap_ms: int) -> AudioSegment:
    # Not append(crossfade=…), which goes through the system's temporary folder.
    seam = first[-overlap_ms:].fade_out(overlap_ms).overlay(second[:overlap_ms].fade_in(overlap_ms))
    return first[:-overlap_ms] + seam + second[overlap_ms:]


def _fitting_ms(wanted_s: float, *segments: AudioSegment) -> int:
    return min(round(wanted_s * 1000), *(len(segment) // 2 for segment in segments))


def _music(sound: RawSound, wanted_lufs: float) -> AudioSegment:
    found_lufs = loudness.integrated_lufs(loudness.measure(sound).energies)
    # A jingle too short or too soft to measure is taken as it is.
    gain = 10 ** ((wanted_lufs - found_lufs) / 20) if np.isfinite(found_lufs) else 1.0
    return _segment(np.float32(gain) * read(sound, 0, sound.samples), sound)


def _body(voice: RawSound, clip: int) -> Iterable[Block]:
    """Yield the voice between its head and its tail of ``clip`` samples each."""
    position = 0
    for block in blocks(voice):
        yield block[max(clip - position, 0) : max(voice.samples - clip - position, 0)]
        position += len(block)


def _stereo(block: Block) -> Block:
    return np.ascontiguousarray(np.broadcast_to(block, (len(block), 2)))


def _segment(block: Block, sound: RawSound) -> AudioSegment:
    whole = np.clip(block.astype(np.float64) / _HEADROOM * _WHOLE, -_WHOLE, _WHOLE - 1).astype("<i4")
    return AudioSegment(data=whole.tobytes(), sample_width=4, frame_rate=sound.sample_rate_hz, channels=2)


def _samples(segment: AudioSegment) -> NDArray[np.float32]:
    whole = np.frombuffer(segment.raw_data, dtype="<i4")
    return (whole * (_HEADROOM / _WHOLE)).astype("<f4")

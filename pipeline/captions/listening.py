"""The words laid onto what was heard: phones by forced alignment, phrase ends on the pauses beside them.

The base says roughly where each phrase lies. Near there, the script's phones are laid onto the frames of the voice, pauses left
out, by the cheapest way through connectionist temporal classification: phone after phone, with or without a blank between.
Between phrases anything may be heard: words that the script lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import media
from pipeline.captions.alignment import Alignment, Stretch, align
from pipeline.captions.likelihood import FRAME_S, Likelihoods, available, likelihoods, of_blank, of_phone
from pipeline.captions.phones import Phone, to_phones
from pipeline.captions.phrases import Break, Phrase, cut_script
from pipeline.model import Reading, Script, Sound, Span
from pipeline.speech import SPEECH_RATE_HZ, Read

__all__ = ["Listening", "available", "differences", "listen", "listen_to"]

_REACH_S = 25.0  # how far from the base a phrase is looked for
_STATES_PER_S = 28  # two for each phone
_STRANGE_COST = 0.8  # a frame, for what is heard between phrases
_SNAP_S = 0.3  # a phrase end so near a pause falls on it

# A sentence is compared with its own phones in other orders, as a share of the file's median. Tuned on two synthetic voices:
# sentences that are said had 0.69 and more, others' places up to 0.44.
_SHUFFLES = 8
_FEWEST_PHONES = 6  # of "好的。", or of a sentence in Latin letters, any order is as likely
_LEAST_SHARE = 0.45
_UNCLAIMED_S = 1.0

# The median itself: 1.9 and more with the right script of those voices, 0.75 and less with another episode's.
_OTHER_GAIN = 1.1
_LEAST_GAIN = 0.3


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a sentence fits what is said in its place: ``share`` 1 as the file's other sentences, 0 as any other words."""

    span: Span
    text: str
    share: float

    @property
    def fits(self) -> bool:
        """Whether the sentence is said there."""
        return self.share >= _LEAST_SHARE


@dataclass(frozen=True, kw_only=True)
class Listening:
    """What listening found: the better alignment, each sentence's verdict, and speech that no sentence claims.

    ``gain`` is how much likelier the script's phones are in their own order, by phone: the median of the sentences.
    """

    alignment: Alignment
    gain: float
    onsets_s: tuple[float, ...]
    verdicts: tuple[Verdict, ...]
    unclaimed: tuple[Span, ...]


def listen(script: Script, sound: Sound, lexicon: tuple[Reading, ...] = ()) -> Listening | None:
    """Return what is heard in the published sound; None without the extra ``[align]``, without words or without a voice.

    Raises:
        MachineError: ffmpeg cannot be started, failed or took too long.
    """
    phrases = cut_script(script, lexicon)
    cut = (Span(start_s=max(span.start_s, 0.0), end_s=min(span.end_s, sound.duration_s)) for span in sound.speech)
    speech = tuple(span for span in cut if span.end_s > span.start_s)
    if not available() or not phrases or not speech:
        return None
    samples = _decoded(sound.file, sound.duration_s)

    def read(start: int, count: int) -> NDArray[np.float32]:
        return samples[start : start + count].astype(np.float32) / np.float32(32768)

    return listen_to(phrases, speech, read, len(samples))


def differences(listening: Listening) -> tuple[str, ...]:
    """Return where recording and script differ, in sentences for the staff; empty where nothing was heard that differs."""
    if listening.gain < _OTHER_GAIN:
        gain = f"合得上的程度是 {listening.gain:.2f}（相配时不低于 {_OTHER_GAIN}）"
        return (f"听下来，录音里说的和文稿从头到尾都对不上，{gain}：可能配错了录音，请听一听",)
    found = [(span.start_s, f"这里有 {_length_s(span):.0f} 秒的话，文稿里没有写") for span in listening.unclaimed]
    previous = True
    for verdict in listening.verdicts:
        if not verdict.fits and previous:
            found.append((verdict.span.start_s, f"没有听出文稿里的“{verdict.text.strip()}”"))
        previous = verdict.fits
    return tuple(f"录音与文稿在 {_clock(time_s)} 处不一致：{what}，请听一听" for time_s, what in sorted(found))


def _length_s(span: Span) -> float:
    return span.end_s - span.start_s


def _clock(time_s: float) -> str:
    return f"{int(time_s) // 60:02}:{int(time_s) % 60:02}"


def _decoded(file: Path, duration_s: float) -> NDArray[np.int16]:
    """Return the sound as 16-bit samples, mono at ``SPEECH_RATE_HZ``: 1.9 MB a minute."""
    arguments = [*media.handed_in(file), "-ac", "1", "-ar", str(SPEECH_RATE_HZ), "-f", "s16le", "pipe:1"]
    with media.streaming(arguments, time_limit_s=media.time_limit_s(duration_s=duration_s), read=True) as stream:
        whole = stream.read(int((duration_s + 1) * SPEECH_RATE_HZ) * 2)
        media.refuse_failure(stream.ended(), file)
    return np.frombuffer(whole, dtype="<i2")


def listen_to(phrases: tuple[Phrase, ...], speech: tuple[Span, ...], read: Read, samples: int) -> Listening:
    """Return what is heard; ``read`` gives so many ``samples`` of mono sound at ``SPEECH_RATE_HZ``. No argument may be empty."""
    base = align(phrases, speech)
    heard = likelihoods(read, samples)
    voiced = np.concatenate([np.arange(*_frames(span, len(heard))) for span in speech])
    heard = heard[voiced]
    syllables = np.concatenate(([0.0], np.cumsum([phrase.syllables for phrase in phrases])))
    phones = [to_phones(phrase.text) for phrase in phrases]
    path = _Lattice(phones).best_path(heard, base.voiced_s(syllables))
    bounds_s, gaps = _bounds(path, phones)
    spans_s = np.concatenate(([0.0], np.cumsum([span.end_s - span.start_s for span in speech])))
    ends_s = _snapped(bounds_s, spans_s)
    alignment = Alignment(
        stretches=tuple(
            Stretch(from_syllable=float(a), to_syllable=float(b), from_voiced_s=float(c), to_voiced_s=float(d), fit=1.0)
            for (a, b), (c, d) in zip(pairwise(syllables), pairwise(ends_s), strict=True)
        ),
        speech=speech,
        rate_s=base.rate_s,
        mismatch=0.0,  # what is heard counts, not what pauses suggest
    )
    gain, verdicts = _judged(phrases, phones, heard, path, alignment)
    fits = [
        min(max(verdict.share, 0.0), 1.0) if gain >= _OTHER_GAIN else 0.0
        for verdict, (first, last) in zip(verdicts, _sentences(phrases), strict=True)
        for _ in range(first, last)
    ]
    stretches = tuple(replace(stretch, fit=fit) for stretch, fit in zip(alignment.stretches, fits, strict=True))
    return Listening(
        alignment=replace(alignment, stretches=stretches),
        gain=gain,
        onsets_s=tuple(alignment.heard_s(ends_s[:-1], starting=True).tolist()),
        verdicts=verdicts,
        unclaimed=tuple(_span(alignment, gap) for gap in gaps),
    )


def _frames(span: Span, count: int) -> tuple[int, int]:
    return min(round(span.start_s / FRAME_S), count), min(round(span.end_s / FRAME_S), count)


def _span(alignment: Alignment, voiced_s: tuple[float, float]) -> Span:
    start_s = float(alignment.heard_s(np.array([voiced_s[0]]), starting=True)[0])
    end_s = float(alignment.heard_s(np.array([voiced_s[1]]), starting=False)[0])
    return Span(start_s=start_s, end_s=max(end_s, start_s))


class _Lattice:
    """The phones of all phrases in a row: even states are blanks, odd ones phones; after a phrase the blank takes anything."""

    def __init__(self, phones: Sequence[tuple[Phone, ...]]) -> None:
        self.phones = [phone for phrase in phones for phone in phrase]
        self.kinds = sorted(set(self.phones))
        counts = np.cumsum([0, *(len(phrase) for phrase in phones)])
        self.phrase_states = 2 * counts
        states = 2 * len(self.phones) + 1
        # Columns: 0 the blank, 1 anything, then the phones.
        self.columns = np.zeros(states, dtype=np.intp)
        self.columns[1::2] = [2 + self.kinds.index(phone) for phone in self.phones]
        self.columns[self.phrase_states] = 1

    def best_path(self, heard: Likelihoods, expected_s: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the state of each frame; ``expected_s`` is where, in voiced seconds, each phrase begins, and the last ends."""
        states, frames = len(self.columns), len(heard)
        blank = of_blank(heard)
        anything = np.maximum(blank, heard.max(axis=1) - np.float32(_STRANGE_COST))
        emissions = np.stack([blank, anything, *(of_phone(heard, kind) for kind in self.kinds)], axis=1)
        width = min(states, round(2 * _REACH_S * _STATES_PER_S))
        middle = np.interp(np.arange(frames) * FRAME_S, expected_s, self.phrase_states)
        lows = np.clip(np.maximum.accumulate(middle.astype(int)) - width // 2, 0, states - width)
        back = np.zeros((frames, width), dtype=np.int8)
        odd = np.arange(states) % 2 == 1
        reached = np.full(width, -np.inf)
        reached[0] = 0.0
        before = 0
        for frame, low in enumerate(lows):
            shifted = np.full(width + 2, -np.inf)
            kept = reached[max(low - before - 2, 0) :]
            offset = max(2 - (low - before), 0)
            shifted[offset : offset + len(kept)] = kept[: width + 2 - offset]
            inside = slice(low, low + width)
            two_back = np.where(odd[inside], shifted[:-2], -np.inf)
            ways = np.stack((shifted[2:], shifted[1:-1], two_back))
            back[frame] = np.argmax(ways, axis=0)
            reached = np.max(ways, axis=0) + emissions[frame, self.columns[inside]]
            before = low
        path = np.zeros(frames, dtype=np.intp)
        state = states - 1
        if not np.isfinite(reached[state - lows[-1]]):
            return np.asarray(np.linspace(0, states - 1, frames).astype(np.intp))
        for frame in range(frames - 1, -1, -1):
            path[frame] = state
            state -= int(back[frame, state - lows[frame]])
        return path


def _bounds(path: NDArray[np.intp], phones: Sequence[tuple[Phone, ...]]) -> tuple[NDArray[np.float64], list[tuple[float, float]]]:
    """Return where phrases meet, in voiced seconds, and the stretches between phrases in which something else is said."""
    counts = np.cumsum([0, *(len(phrase) for phrase in phones)])
    firsts = np.searchsorted(path, 2 * counts[:-1] + 1)
    ends = np.searchsorted(path, 2 * counts[1:])  # one past the phrase's last phone
    befores, afters = np.concatenate(([0], ends)), np.concatenate((firsts, [len(path)]))
    gaps = [
        (first * FRAME_S, last * FRAME_S)
        for first, last in zip(befores, afters, strict=True)
        if (last - first) * FRAME_S >= _UNCLAIMED_S
    ]
    inner = firsts[1:] * FRAME_S
    return np.concatenate(([0.0], np.maximum.accumulate(inner), [len(path) * FRAME_S])), gaps


def _snapped(bounds_s: NDArray[np.float64], pauses_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the bounds, each on the pause beside it if there is one that no other bound is nearer to."""
    snapped = bounds_s.copy()
    snapped[0], snapped[-1] = pauses_s[0], pauses_s[-1]
    for pause_s in pauses_s[1:-1]:
        nearest = int(np.argmin(np.abs(bounds_s[1:-1] - pause_s))) + 1 if len(bounds_s) > 2 else 0  # noqa: PLR2004 - inner ones
        if nearest and abs(bounds_s[nearest] - pause_s) <= _SNAP_S and _nearer(snapped, bounds_s, nearest, float(pause_s)):
            snapped[nearest] = pause_s
    return np.maximum.accumulate(np.clip(snapped, 0.0, pauses_s[-1]))


def _nearer(snapped: NDArray[np.float64], bounds_s: NDArray[np.float64], index: int, pause_s: float) -> bool:
    taken = snapped[index] != bounds_s[index]
    return not taken or abs(bounds_s[index] - pause_s) < abs(bounds_s[index] - snapped[index])


def _sentences(phrases: tuple[Phrase, ...]) -> list[tuple[int, int]]:
    """Return the first phrase of each sentence, and one past its last."""
    ends = [index + 1 for index, phrase in enumerate(phrases) if phrase.after >= Break.SENTENCE]
    return list(pairwise([0, *ends]))


def _judged(
    phrases: tuple[Phrase, ...],
    phones: Sequence[tuple[Phone, ...]],
    heard: Likelihoods,
    path: NDArray[np.intp],
    alignment: Alignment,
) -> tuple[float, tuple[Verdict, ...]]:
    """Return the median gain by phone, and each sentence's verdict."""
    counts = np.cumsum([0, *(len(phrase) for phrase in phones)])
    shuffler = np.random.default_rng(0)  # the same on every run
    gains, spans = [], []
    sentences = _sentences(phrases)
    for first, last in sentences:
        start = int(np.searchsorted(path, 2 * counts[first] + 1))
        end = int(np.searchsorted(path, 2 * counts[last]))
        own = [phone for phrase in phones[first:last] for phone in phrase]
        gains.append(_gain(heard[start:end], own, shuffler))
        stretches = alignment.stretches[first:last]
        spans.append(_span(alignment, (stretches[0].from_voiced_s, stretches[-1].to_voiced_s)))
    counted = [gain for gain in gains if gain is not None]
    usual = float(np.median(counted)) if counted else _OTHER_GAIN
    return usual, tuple(
        Verdict(
            span=span,
            text="".join(phrase.text for phrase in phrases[first:last]),
            share=1.0 if gain is None else gain / max(usual, _LEAST_GAIN),
        )
        for (first, last), gain, span in zip(sentences, gains, spans, strict=True)
    )


def _gain(heard: Likelihoods, own: list[Phone], shuffler: np.random.Generator) -> float | None:
    """Return how much likelier the phones are in their order than in others, by phone; None where too few say anything."""
    if len(own) < _FEWEST_PHONES:
        return None
    if len(heard) < len(own):
        return 0.0
    kinds = sorted(set(own))
    columns = np.array([kinds.index(phone) for phone in own])
    emissions = np.stack([of_phone(heard, kind) for kind in kinds], axis=1)
    orders = np.stack([columns, *(shuffler.permutation(columns) for _ in range(_SHUFFLES))])
    scores = _scores(emissions, of_blank(heard), orders)
    return float(scores[0] - np.mean(scores[1:])) / len(own)


def _scores(emissions: Likelihoods, blank: Likelihoods, orders: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the best path's logarithm for each order of phones."""
    rows, count = orders.shape
    states = 2 * count + 1
    reached = np.full((rows, states), -np.inf)
    reached[:, 0] = 0.0
    for frame, quiet in enumerate(blank):
        one = np.concatenate((np.full((rows, 1), -np.inf), reached[:, :-1]), axis=1)
        best = np.maximum(reached, one)
        best[:, 3::2] = np.maximum(best[:, 3::2], reached[:, 1:-2:2])
        best[:, 0::2] += quiet
        best[:, 1::2] += emissions[frame][orders]
        reached = best
    return np.maximum(reached[:, -1], reached[:, -2])

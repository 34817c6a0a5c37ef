"""Phrases laid onto pauses: the base method, dynamic programming over syllables.

The voice is thought of without its pauses, on a scale of *voiced seconds*. Phrase ends have a place on the scale of syllables and
pauses have one on the scale of voiced seconds. A chain of (phrase end, pause) pairs is sought which keeps the speaking rate even
from pair to pair, puts long pauses behind sentences and leaves few of either out. A phrase end left out has no pause: its time
is interpolated by syllables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.captions.phrases import Break, Phrase
from pipeline.model import Span

Numbers = NDArray[np.float64]
_Chain = tuple[list[tuple[int, int]], float]

# How a stretch between two pauses may differ from the even rate: a part of its length and a fixed part (final lengthening).
_RATE_SPREAD = 0.13
_FIXED_SPREAD_S = 0.12

# What it costs to leave a phrase end without a pause, and how long the pause behind it is against one between sentences.
_NO_PAUSE_COST = {Break.LIST: 0.3, Break.CLAUSE: 1.2, Break.SENTENCE: 6.0, Break.PARAGRAPH: 9.0}
_PAUSE_RATIO = {Break.LIST: 0.3, Break.CLAUSE: 0.45, Break.SENTENCE: 1.0, Break.PARAGRAPH: 1.3}
_BREATH_RATIO = 0.25  # a pause where nothing is written
_PAUSE_SPREAD = 0.6  # of the logarithm of a pause's length
_BREATH_COST = 0.5
_HIGHEST_PAUSE_COST = 8.0
_SENTENCE_PAUSE_S = (0.25, 1.2)  # the range in which the usual pause between sentences is believed

# An interpolated time is off by about a tenth of its distance from the next pause; so this far away it is hardly known.
_UNCERTAIN_AFTER_S = 6.0

# Search limits, which keep a recording of 100 minutes to seconds.
_REACH = 10  # phrase ends and pauses in a row of which all but one may be left out
_MOST_WORK = 4_000_000_000  # steps; a wider search falls back to an even rate
_WINDOW_S, _WINDOW_SHARE = 60.0, 0.05  # how far from the even rate a pause is looked for


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Words between two neighbouring pairs: syllables and voiced seconds from and to; ``fit`` from 0 to 1."""

    from_syllable: float
    to_syllable: float
    from_voiced_s: float
    to_voiced_s: float
    fit: float


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """Where the script's syllables lie: ``stretches`` cover all of them in order."""

    stretches: tuple[Stretch, ...]
    speech: tuple[Span, ...]
    rate_s: float
    """Voiced seconds a syllable."""
    mismatch: float
    """What the chain costs a phrase: 0 where every pause is where the punctuation and an even rate want it."""

    def voiced_s(self, syllables: Numbers) -> Numbers:
        """Return the places on the scale of voiced seconds."""
        known = [self.stretches[0].from_syllable, *(stretch.to_syllable for stretch in self.stretches)]
        voiced = [self.stretches[0].from_voiced_s, *(stretch.to_voiced_s for stretch in self.stretches)]
        return np.interp(syllables, known, voiced)

    def trust(self, syllables: Numbers) -> Numbers:
        """Return 0 to 1 for each place: how well its stretch keeps the rate, and how near the next pause is."""
        ends = np.array([stretch.to_syllable for stretch in self.stretches])
        inside = np.clip(np.searchsorted(ends, syllables - 1e-6), 0, len(ends) - 1)
        starts = np.array([stretch.from_syllable for stretch in self.stretches])[inside]
        fits = np.array([stretch.fit for stretch in self.stretches])[inside]
        away = np.maximum(np.minimum(syllables - starts, ends[inside] - syllables), 0.0) * self.rate_s
        return np.asarray(fits * np.exp(-away / _UNCERTAIN_AFTER_S))

    def heard_s(self, voiced_s: Numbers, *, starting: bool) -> Numbers:
        """Return the times in the sound. At a pause, what is ``starting`` starts after it and what ends ends before it."""
        lengths = np.array([span.end_s - span.start_s for span in self.speech])
        ends = np.cumsum(lengths)
        tolerance_s = 1e-6 if starting else -1e-6
        index = np.clip(np.searchsorted(ends, voiced_s + tolerance_s), 0, len(ends) - 1)
        starts_s = np.array([span.start_s for span in self.speech])
        inside_s = np.clip(voiced_s - (ends - lengths)[index], 0, lengths[index])
        return np.asarray(starts_s[index] + inside_s)


@dataclass(frozen=True, kw_only=True)
class _Scales:
    """Phrase ends at an even rate, and pauses, both in voiced seconds; with the two ends of the voice."""

    expected_s: Numbers
    voiced_s: Numbers


@dataclass(frozen=True, kw_only=True)
class _Costs:
    """``match``: a phrase end of a kind on each pause; ``*_skips``: running costs of leaving out all up to each."""

    kinds: tuple[Break, ...]
    match: dict[Break, Numbers]
    end_skips: Numbers
    pause_skips: Numbers


def align(phrases: tuple[Phrase, ...], speech: tuple[Span, ...]) -> Alignment:
    """Return where the phrases lie in the speech, from the voice's first moment to its last. Neither may be empty."""
    syllables = np.concatenate(([0.0], np.cumsum([phrase.syllables for phrase in phrases])))
    voiced_s = np.concatenate(([0.0], np.cumsum([span.end_s - span.start_s for span in speech])))
    rate_s = float(voiced_s[-1] / syllables[-1])
    pairs, cost = _best_chain(phrases, speech, _Scales(expected_s=syllables * rate_s, voiced_s=voiced_s))
    stretches = tuple(
        Stretch(
            from_syllable=float(syllables[phrase]),
            to_syllable=float(syllables[next_phrase]),
            from_voiced_s=float(voiced_s[pause]),
            to_voiced_s=float(voiced_s[next_pause]),
            fit=_fit(float(voiced_s[next_pause] - voiced_s[pause]), float(syllables[next_phrase] - syllables[phrase]) * rate_s),
        )
        for (phrase, pause), (next_phrase, next_pause) in pairwise(pairs)
    )
    return Alignment(stretches=stretches, speech=speech, rate_s=rate_s, mismatch=cost / len(phrases))


def _fit(voiced_s: float, expected_s: float) -> float:
    """Return 1 where a stretch takes as long as its syllables should, falling towards 0 the further it is off."""
    return math.exp(-((voiced_s - expected_s) ** 2) / (4 * _variance_s2(np.float64(expected_s))))


def _variance_s2(expected_s: Numbers | np.float64) -> Numbers:
    return np.asarray((_RATE_SPREAD * expected_s) ** 2 / (1 + expected_s / 6) + _FIXED_SPREAD_S**2)


def _pauses_s(speech: tuple[Span, ...]) -> Numbers:
    return np.array([after.start_s - before.end_s for before, after in pairwise(speech)])


def _usual_pause_s(phrases: tuple[Phrase, ...], pauses_s: Numbers) -> float:
    """Return this speaker's pause between sentences: the median of as many of the longest pauses as there are sentences."""
    sentences = max(sum(phrase.after >= Break.SENTENCE for phrase in phrases) - 1, 1)
    longest = np.sort(pauses_s)[-sentences:]
    return float(np.clip(np.median(longest), *_SENTENCE_PAUSE_S)) if len(longest) else _SENTENCE_PAUSE_S[0]


def _match_costs(phrases: tuple[Phrase, ...], speech: tuple[Span, ...]) -> dict[Break, Numbers]:
    """Return what it costs that a phrase end falls on each of the pauses, by the pause's length."""
    pauses_s = np.maximum(_pauses_s(speech), 0.01)
    usual_s = _usual_pause_s(phrases, pauses_s)
    return {kind: _length_cost(pauses_s, usual_s * ratio, kind) for kind, ratio in _PAUSE_RATIO.items()}


def _length_cost(pauses_s: Numbers, expected_s: float, kind: Break) -> Numbers:
    off = np.log(pauses_s / expected_s) / _PAUSE_SPREAD
    # A sentence may be followed by a pause of any greater length; that is no sign against it.
    off = np.minimum(off, 0) if kind >= Break.SENTENCE else off
    return np.minimum(off**2 / 2, _HIGHEST_PAUSE_COST)


def _skip_costs(phrases: tuple[Phrase, ...], speech: tuple[Span, ...]) -> tuple[Numbers, Numbers]:
    """Return the running costs of leaving out all phrase ends, and all pauses, up to each."""
    pauses_s = np.maximum(_pauses_s(speech), 0.01)
    off = np.maximum(np.log(pauses_s / (_usual_pause_s(phrases, pauses_s) * _BREATH_RATIO)) / _PAUSE_SPREAD, 0)
    ends = np.array([_NO_PAUSE_COST[phrase.after] for phrase in phrases[:-1]])
    breaths = _BREATH_COST + np.minimum(off**2 / 2, _HIGHEST_PAUSE_COST)
    return np.concatenate(([0.0], np.cumsum(ends))), np.concatenate(([0.0], np.cumsum(breaths)))


def _best_chain(phrases: tuple[Phrase, ...], speech: tuple[Span, ...], scales: _Scales) -> _Chain:
    """Return the cheapest chain of (phrase end, pause) from (0, 0) to the last of both, and its cost."""
    ends, pauses = len(scales.expected_s) - 1, len(scales.voiced_s) - 1
    end_skips, pause_skips = _skip_costs(phrases, speech)
    costs = _Costs(
        kinds=tuple(phrase.after for phrase in phrases),
        match=_match_costs(phrases, speech),
        end_skips=end_skips,
        pause_skips=pause_skips,
    )
    # Where there are many times more of one than of the other, most of them have to be left out.
    reach = (-(-_REACH * ends // min(ends, pauses)), -(-_REACH * pauses // min(ends, pauses)))
    in_window = min(2 * (_WINDOW_S / scales.voiced_s[-1] + _WINDOW_SHARE), 1.0)
    while in_window * ends * min(reach[0], ends) * pauses * min(reach[1], pauses) <= _MOST_WORK:
        chain, cost = _chain_within((min(reach[0], ends), min(reach[1], pauses)), scales, costs)
        if chain:
            return chain, cost
        reach = (reach[0] * 4, reach[1] * 4)
    return [(0, 0), (ends, pauses)], float(costs.end_skips[-1] + costs.pause_skips[-1])


def _chain_within(reach: tuple[int, int], scales: _Scales, costs: _Costs) -> _Chain:
    """Return the cheapest chain that leaves out fewer ends, and fewer pauses, in a row than ``reach``; empty if there is none."""
    last_end, last_pause = len(scales.expected_s) - 1, len(scales.voiced_s) - 1
    # The cheapest way to each pause, for the last few phrase ends only: phrase end i stands in row i modulo their number.
    reached = np.full((reach[0] + 1, last_pause + 1), np.inf)
    reached[0, 0] = 0.0
    ways: list[tuple[int, NDArray[np.int32]]] = [(0, np.zeros((1, 2), dtype=np.int32))]
    for end in range(1, last_end + 1):
        low, high = _window(end, scales)
        row = reached[end % len(reached)]
        row[:] = np.inf
        row[low:high], way = _extend(end, (low, high), reached, reach=reach, scales=scales, costs=costs)
        if end < last_end:
            row[low:high] += costs.match[costs.kinds[end - 1]][low - 1 : high - 1]
        ways.append((low, way))
    cost = float(reached[last_end % len(reached), last_pause])
    return (_trace(ways, last_pause) if np.isfinite(cost) else []), cost


def _window(end: int, scales: _Scales) -> tuple[int, int]:
    """Return the first and one past the last pause on which a phrase end may fall."""
    last_pause = len(scales.voiced_s) - 1
    if end == len(scales.expected_s) - 1:
        return last_pause, last_pause + 1
    width_s = _WINDOW_S + _WINDOW_SHARE * scales.voiced_s[-1]
    expected_s = scales.expected_s[end]
    low, high = (int(pause) for pause in np.searchsorted(scales.voiced_s, [expected_s - width_s, expected_s + width_s]))
    return max(low, 1), max(min(high, last_pause), low, 1)


def _extend(
    end: int, window: tuple[int, int], reached: Numbers, *, reach: tuple[int, int], scales: _Scales, costs: _Costs
) -> tuple[Numbers, NDArray[np.int32]]:
    """Return what the cheapest way to ``end`` and each pause of the window costs, and how many ends and pauses back it began."""
    low, high = window
    cheapest = np.full(high - low, np.inf)
    way = np.zeros((high - low, 2), dtype=np.int32)
    before = np.arange(end - 1, max(end - reach[0], 0) - 1, -1)  # the phrase ends it may come from, the nearest first
    lengths_s = (scales.expected_s[end] - scales.expected_s[before])[:, None]
    halved_precision = 1 / (2 * _variance_s2(lengths_s))
    skipped_ends = (costs.end_skips[end - 1] - costs.end_skips[before])[:, None]
    rows = reached[before % len(reached)]
    for pauses_back in range(1, min(reach[1], high - 1) + 1):
        first = max(low, pauses_back)
        pauses, starts = slice(first, high), slice(first - pauses_back, high - pauses_back)
        off_s = (scales.voiced_s[pauses] - scales.voiced_s[starts])[None, :] - lengths_s
        ways_cost = rows[:, starts] + off_s**2 * halved_precision + skipped_ends
        best = np.argmin(ways_cost, axis=0)
        cost = ways_cost[best, np.arange(high - first)]
        cost += costs.pause_skips[first - 1 : high - 1] - costs.pause_skips[starts]
        better = np.flatnonzero(cost < cheapest[first - low :])
        cheapest[better + first - low] = cost[better]
        way[better + first - low, 0] = best[better] + 1
        way[better + first - low, 1] = pauses_back
    return cheapest, way


def _trace(ways: list[tuple[int, NDArray[np.int32]]], last_pause: int) -> list[tuple[int, int]]:
    end, pause = len(ways) - 1, last_pause
    chain = [(end, pause)]
    while end:
        low, way = ways[end]
        ends_back, pauses_back = way[pause - low]
        end, pause = end - int(ends_back), pause - int(pauses_back)
        chain.append((end, pause))
    return chain[::-1]

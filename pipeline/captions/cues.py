"""Cues: the words of a paragraph, cut so that people can read them in time and in pieces that make sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.captions.lexicon import find_words
from pipeline.model import Reading

LINE_CHARACTERS = 16
CUE_LINES = 2
SHORTEST_CUE_MS, LONGEST_CUE_MS = 1_000, 7_000

_CUE_CHARACTERS = LINE_CHARACTERS * CUE_LINES

# How unwelcome a cut is behind a character. Paragraphs always end a cue.
_SENTENCE_CUT, _CLAUSE_CUT, _LIST_CUT, _SPACE_CUT, _LIGHT_CUT, _WORD_CUT, _INSIDE_CUT, _FORBIDDEN_CUT = 0, 1.5, 3, 4, 6, 8, 30, 60
_SENTENCE_ENDS, _CLAUSE_ENDS, _LIST_ENDS = "。！？!?", "，；：…—,;:", "、"
_CLOSERS = "”’」』）》】〉)\"'"
_OPENERS = "“‘「『（《【〈("
_INSIDE_FIGURES = ",.:-%/_@'"
_LIGHT = "的了着过们吗呢吧"  # a word often ends behind these and never before them

_ANOTHER_CUE = 1.0
_SECOND_LINE = 0.5
_SENTENCE_INSIDE = 4.0
_TOO_SHORT_A_SECOND, _TOO_LONG, _TOO_LONG_A_SECOND = 20.0, 50.0, 50.0
_PAUSE_INSIDE_S, _PAUSE_INSIDE_A_SECOND = 0.6, 3.0


@dataclass(frozen=True, kw_only=True)
class TimedText:
    """A paragraph with the time each character starts and ends; signs that are not said take no time."""

    text: str
    starts_s: tuple[float, ...]
    ends_s: tuple[float, ...]
    next_start_s: float
    """When the words after the paragraph start: until then its last cue may stay."""
    lexicon: tuple[Reading, ...] = ()
    """Words that stay whole."""


def cut_cues(timed: TimedText) -> tuple[tuple[int, int], ...]:
    """Return the cues of a paragraph as (first character, one past the last), in order, covering all of it.

    No cue is longer than two lines of 16 characters; cuts fall behind punctuation where they can, and where time allows a
    cue lasts 1 to 7 s.
    """
    cuts = _cut_costs(timed.text, timed.lexicon)
    ends = [0.0] + [float("inf")] * len(timed.text)
    came_from = [0] * len(ends)
    for end in range(1, len(ends)):
        for start in range(max(0, end - _CUE_CHARACTERS), end):
            cost = ends[start] + _cue_cost(timed, cuts, start, end)
            if cost < ends[end]:
                ends[end], came_from[end] = cost, start
    bounds = [len(timed.text)]
    while bounds[-1]:
        bounds.append(came_from[bounds[-1]])
    return tuple(pairwise(reversed(bounds)))


def lines_of(text: str, lexicon: Sequence[Reading] = ()) -> tuple[str, ...]:
    """Return the text of a cue in lines of at most 16 characters, broken where it reads best and not inside a known word."""
    if len(text) <= LINE_CHARACTERS:
        return (text,)
    cuts = _cut_costs(text, lexicon)
    first = range(max(len(text) - LINE_CHARACTERS, 1), LINE_CHARACTERS + 1)
    best = min(first, key=lambda length: cuts[length - 1] + abs(2 * length - len(text)) / 4, default=LINE_CHARACTERS)
    return tuple(line for line in (text[:best].strip(), *lines_of(text[best:].strip(), lexicon)) if line)


def schedule(wanted_ms: list[tuple[int, int]], duration_ms: int) -> list[tuple[int, int]]:
    """Return start and end of each cue near the wanted ones: in order, apart, inside the sound, 1 to 7 s long.

    Where there are more cues than seconds all get the same shorter least time.
    """
    shortest_ms = min(SHORTEST_CUE_MS, duration_ms // max(len(wanted_ms), 1))
    starts: list[int] = []
    for start_ms, _ in wanted_ms:
        starts.append(max(start_ms, starts[-1] + shortest_ms if starts else 0))
    limit_ms = duration_ms
    for index in range(len(starts) - 1, -1, -1):
        starts[index] = limit_ms = min(starts[index], limit_ms - shortest_ms)
    follows = [*starts[1:], duration_ms]
    return [
        (start_ms, min(max(wanted_end_ms, start_ms + shortest_ms), start_ms + LONGEST_CUE_MS, follow_ms))
        for start_ms, follow_ms, (_, wanted_end_ms) in zip(starts, follows, wanted_ms, strict=True)
    ]


def _cue_cost(timed: TimedText, cuts: list[float], start: int, end: int) -> float:
    length = end - start
    cost = _ANOTHER_CUE + (cuts[end - 1] if end < len(timed.text) else 0.0)
    if length > LINE_CHARACTERS:
        cost += _SECOND_LINE + min(cuts[end - LINE_CHARACTERS - 1 : start + LINE_CHARACTERS]) / 2
    cost += _inside_cost(timed, cuts, start, end)
    start_s = timed.starts_s[start]
    spoken_s = timed.ends_s[end - 1] - start_s
    free_s = (timed.starts_s[end] if end < len(timed.text) else timed.next_start_s) - start_s
    cost += max(SHORTEST_CUE_MS / 1000 - free_s, 0) * _TOO_SHORT_A_SECOND
    if spoken_s > LONGEST_CUE_MS / 1000:
        cost += _TOO_LONG + (spoken_s - LONGEST_CUE_MS / 1000) * _TOO_LONG_A_SECOND
    return cost


def _inside_cost(timed: TimedText, cuts: list[float], start: int, end: int) -> float:
    """Return how much a cue suffers from sentences that end inside it, the more so before a long pause."""
    inside = cuts[start : end - 1]
    if _SENTENCE_CUT not in inside:
        return 0.0
    ends = [start + offset for offset, cut in enumerate(inside) if cut == _SENTENCE_CUT]
    pauses_s = [timed.starts_s[index + 1] - timed.ends_s[index] for index in ends]
    return sum(_SENTENCE_INSIDE + max(pause_s - _PAUSE_INSIDE_S, 0) * _PAUSE_INSIDE_A_SECOND for pause_s in pauses_s)


def _cut_costs(text: str, lexicon: Sequence[Reading]) -> list[float]:
    """Return for each character how unwelcome a cut behind it is."""
    costs = [_cut_cost(text, index) for index in range(len(text))]
    for start, end, _ in find_words(text, lexicon):
        costs[start : end - 1] = [max(cost, _INSIDE_CUT) for cost in costs[start : end - 1]]
    return costs


def _cut_cost(text: str, index: int) -> float:
    here, after = text[index], text[index + 1 : index + 2]
    if here in _OPENERS or (after and after in _CLOSERS + _SENTENCE_ENDS + _CLAUSE_ENDS + _LIST_ENDS):
        return _FORBIDDEN_CUT
    if _is_plain(here) and _is_plain(after):
        return _INSIDE_CUT  # 9:30 and 1,200 stay whole, too
    sign = text[: index + 1].rstrip(_CLOSERS)[-1:] or here
    for signs, cost in ((_SENTENCE_ENDS, _SENTENCE_CUT), (_CLAUSE_ENDS, _CLAUSE_CUT), (_LIST_ENDS, _LIST_CUT)):
        if sign in signs:
            return cost
    return _word_cut_cost(here, after)


def _word_cut_cost(here: str, after: str) -> float:
    """Return how unwelcome a cut between two words, or inside one, is where no punctuation stands."""
    if " " in (here, after):
        return _SPACE_CUT
    if after and after in _LIGHT:
        return _INSIDE_CUT
    return _LIGHT_CUT if here in _LIGHT + _CLOSERS or (after and after in _OPENERS) else _WORD_CUT


def _is_plain(character: str) -> bool:
    """Whether the character belongs to a Latin word or a figure."""
    return bool(character) and character.isascii() and (character.isalnum() or character in _INSIDE_FIGURES)

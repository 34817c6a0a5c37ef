"""Where lines end: whole paragraphs weighed at once, titles shared out evenly. Lengths are in em.

A line never starts or ends with a forbidden mark, because ``signs`` makes those places unbreakable.
Sources: clreq 3.1.4, 3.1.6, 3.4.4 孤行与孤字处理, 3.5 行内调整; the weighing follows Knuth and Plass, Breaking Paragraphs
into Lines (1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import inf

from pipeline.poster.signs import CLOSERS, OPENERS, Sign

Line = tuple[Sign, ...]

LOOSEST_EM = 0.25  # more blank than that between signs looks like gaps: such a line stays ragged
WIDOW_LETTERS = 2
WIDOW_COST = 1e6
SHORT_END_COST = 1.0
FORCED_COST = 1e3

# Shared-out lines: what a break costs and gains, beside the squared unevenness of the lines as shares of their mean.
AFTER_SPACE_GAIN = 1.0
AFTER_MARK_GAIN = 0.4
AFTER_PARTICLE_GAIN = 0.06
BEFORE_PARTICLE_COST = 0.4
AFTER_LEADER_COST = 0.3
TWIN_COST = 0.4
MEASURE_COST = 0.4
SHORT_FIRST_COST = 0.03
TOO_LONG_COST = 100.0
PARTICLES = frozenset("的地得了着过吗呢吧啊呀嘛们里")
LEADERS = frozenset("得不很最太更在把从向往对被和与及跟给为")  # what they mean is said by the next character: 走得|到
NUMERALS = frozenset("一二三四五六七八九十百千万两几半0123456789")


def natural_length(line: Line) -> float:
    """How long a line is without stretching, its blank edges dropped."""
    if not line:
        return 0.0
    inner = sum(sign.length_em for sign in line) + sum(sign.before_em for sign in line[1:])
    return inner - line[0].lead_em - line[-1].tail_em


def stretch_of(line: Line, length_em: float) -> tuple[float, float]:
    """How a line is brought to ``length_em``: blank to add at each breakable place, and the share of shrinking.

    (0, 0) where it cannot be reached nicely: such a line stays as it is.
    """
    missing = length_em - natural_length(line)
    if missing >= 0:
        places = sum(sign.breakable for sign in line[1:])
        added = missing / places if places else inf
        return (added, 0.0) if added <= LOOSEST_EM else (0.0, 0.0)
    spare = sum(sign.shrink_em for sign in line[1:])
    return 0.0, min(1.0, -missing / spare) if spare else 0.0


def break_paragraph(signs: Sequence[Sign], length_em: float) -> list[Line] | None:
    """The lines of a paragraph that are loosened least altogether; None where a sign is longer than a line.

    The last line holds at least two letters wherever the others can spare them.
    """
    costs = [inf] * len(signs) + [0.0]
    ends = [0] * len(signs)
    for start in range(len(signs) - 1, -1, -1):
        if start and not signs[start].breakable:
            continue
        for end in range(start + 1, len(signs) + 1):
            line = tuple(signs[start:end])
            spare = sum(sign.shrink_em for sign in line[1:])
            natural = natural_length(line)
            if natural - spare - line[-1].length_em > length_em + 1:
                break
            if costs[end] == inf or natural - spare > length_em + 1e-9:
                continue
            cost = _line_cost(line, natural, length_em, last=end == len(signs), first=start == 0) + costs[end]
            if cost < costs[start]:
                costs[start], ends[start] = cost, end
    if signs and costs[0] == inf:
        return None
    lines, start = [], 0
    while start < len(signs):
        lines.append(tuple(signs[start : ends[start]]))
        start = ends[start]
    return lines


def _line_cost(line: Line, natural: float, length_em: float, *, last: bool, first: bool) -> float:
    missing = length_em - natural
    if missing < 0:
        spare = sum(sign.shrink_em for sign in line[1:])
        return 4 * (missing / spare) ** 2
    if last:
        if not first and sum(sign.letters for sign in line) < WIDOW_LETTERS:
            return WIDOW_COST
        return 0.0 if first or natural > length_em / 5 else SHORT_END_COST
    places = sum(sign.breakable for sign in line[1:])
    added = missing / places if places else inf
    if added > LOOSEST_EM:
        return FORCED_COST + (missing / length_em) ** 2 * FORCED_COST
    return (added / 0.05) ** 2


def unbreakable_parts(signs: Sequence[Sign]) -> list[Line]:
    """The stretches between places where a line may end."""
    places = [0, *(place for place in range(1, len(signs)) if signs[place].breakable), len(signs)]
    return [tuple(signs[start:end]) for start, end in pairwise(places) if end > start]


def share_out(signs: Sequence[Sign], lines: int, longest_em: float = inf) -> list[Line]:
    """The signs in at most that many lines, as even as sense allows: after a mark or a space, never inside a word or a number.

    No line is longer than ``longest_em`` if that can be helped. Fewer lines where there are too few places to break.
    """
    signs = tuple(signs)
    places = [place for place in range(1, len(signs)) if signs[place].breakable]
    lines = min(lines, len(places) + 1)
    if lines <= 1:
        return [signs] if signs else []
    mean = natural_length(signs) / lines

    @cache
    def best(start: int, left: int) -> tuple[float, tuple[int, ...]]:
        if left == 1:
            last = natural_length(signs[start:])
            return (last / mean - 1) ** 2 + TOO_LONG_COST * (last > longest_em), (len(signs),)
        found: tuple[float, tuple[int, ...]] = (inf, ())
        for place in places:
            if place <= start:
                continue
            cost, ends = best(place, left - 1)
            first = natural_length(signs[start:place])
            cost += (first / mean - 1) ** 2 + break_cost(signs[place - 1], signs[place]) + TOO_LONG_COST * (first > longest_em)
            place_is_last_break = len(ends) == 1
            if place_is_last_break and first < natural_length(signs[place:]) - 0.25:
                cost += SHORT_FIRST_COST
            found = min(found, (cost, (place, *ends)))
        return found

    bounds = (0, *best(0, lines)[1])
    return [signs[start:end] for start, end in pairwise(bounds)]


def break_cost(before: Sign, after: Sign) -> float:
    """What it costs to end a line of a title between two signs; negative where a reader would pause."""
    end, start = before.text[-1], after.text[0]
    cost = 0.0
    if after.spaced:
        cost -= AFTER_SPACE_GAIN
    elif end in CLOSERS or end in "—…" or start in OPENERS:
        cost -= AFTER_MARK_GAIN
    elif end in LEADERS:
        cost += AFTER_LEADER_COST
    elif end in PARTICLES:
        cost -= AFTER_PARTICLE_GAIN
    if start in PARTICLES:
        cost += BEFORE_PARTICLE_COST
    if end == start:
        cost += TWIN_COST
    if end in NUMERALS and not after.spaced:
        cost += MEASURE_COST
    return cost

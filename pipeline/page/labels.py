"""Names on a drawn map: each beside its dot, none on top of anything."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Spot = tuple[float, float]  # x to the right, y down
Box = tuple[float, float, float, float]  # left, top, right, bottom
Segment = tuple[float, float, float, float]  # from x, y to x, y

EM = 24.0
_LEADING = 1.25 * EM
_MOST_SIGNS = 24  # the list under the map has the whole name
_LINE_EMS = (8.0, 5.0)
_EDGE_GAP, _DOT_GAP, _LABEL_GAP, _LIST_GAP = 3.0, 4.0, 3.0, 9.0
_LEADER_LENGTHS = (22.0, 46.0, 76.0)
_DIRECTIONS, _RING_PLACES = 12, 40
# What a place costs; the cheapest free one is taken. A name on the way line reads well enough, a long leader does not.
_COST_OF_BREAKING, _COST_OF_RING, _COST_OF_LINE, _COST_OF_LEADER, _COST_OF_LENGTH = 2.0, 3.0, 9.0, 14.0, 0.25
_MOST_ROUNDS = 6


@dataclass(frozen=True, kw_only=True)
class Label:
    """Words on the map within a box; ``leader`` is the thin line from the dot where they stand apart from it."""

    lines: tuple[str, ...]
    anchor: str
    left: float
    top: float
    right: float
    bottom: float
    leader: Segment | None = None

    @property
    def box(self) -> Box:
        """Its room, without any gap round it."""
        return self.left, self.top, self.right, self.bottom

    @property
    def x(self) -> float:
        """Where its lines are anchored."""
        return {"start": self.left, "middle": (self.left + self.right) / 2, "end": self.right}[self.anchor]

    @property
    def baselines(self) -> tuple[float, ...]:
        """Where each line stands."""
        return tuple(self.top + EM + index * _LEADING for index in range(len(self.lines)))


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What is on the map before any name: dots to keep off, lines and rings (x, y, radius) to keep off where possible."""

    width: float
    height: float
    dots: Sequence[Spot]
    dot_radius: float
    lines: Sequence[Segment]
    rings: Sequence[tuple[float, float, float]]

    def is_free(self, box: Box) -> bool:
        """Tell whether a box is inside the map and off every dot."""
        left, top, right, bottom = box
        if left < _EDGE_GAP or top < _EDGE_GAP or right > self.width - _EDGE_GAP or bottom > self.height - _EDGE_GAP:
            return False
        reach = (self.dot_radius + _DOT_GAP) ** 2
        for x, y in self.dots:
            east, south = max(left - x, 0.0, x - right), max(top - y, 0.0, y - bottom)
            if east * east + south * south < reach:
                return False
        return True


def place_labels(names: Sequence[str], ground: Ground) -> dict[int, Label]:
    """Return a label for each dot that has room for its name, by the dot's index.

    The dots with the fewest places choose first. Those that find none choose before all others in the next round.
    """
    places = [
        sorted(_places(name, spot, ground), key=lambda place: place[0]) for name, spot in zip(names, ground.dots, strict=True)
    ]
    order = sorted(range(len(names)), key=lambda index: len(places[index]))
    best: dict[int, Label] = {}
    for _ in range(_MOST_ROUNDS):
        found = _choose(order, places)
        if len(found) > len(best):
            best = found
        left_out = [index for index in order if index not in found]
        if not left_out:
            break
        order = left_out + [index for index in order if index in found]
    return best


def list_labels(names: Mapping[int, str], width: float, top: float) -> tuple[dict[int, Label], float]:
    """Return names by their index as a list in two columns from ``top`` down, and where it ends."""
    labels: dict[int, Label] = {}
    column = width / 2
    bottom = top + _LIST_GAP if names else top
    for place, (index, name) in enumerate(names.items()):
        in_row = place % 2
        top = top if in_row else bottom
        lines = _in_lines(name, (column - 3 * _EDGE_GAP) / EM)
        left = 2 * _EDGE_GAP + column * in_row
        box = (left, top, left + _width(lines), top + len(lines) * _LEADING)
        labels[index] = _label(lines, "start", box, None)
        bottom = max(bottom, box[3] + 2 * _LABEL_GAP)
    return labels, bottom


def place_on_ring(words: str, ring: tuple[float, float, float], ground: Ground, labels: Sequence[Label]) -> Label | None:
    """Return words on a ring where they touch nothing but that ring; None where there is no such place. The top comes first."""
    x, y, radius = ring
    others = [other for other in ground.rings if other != ring]
    width = _ems(words) * EM
    for step in range(_RING_PLACES):
        turn = math.tau * ((step + 1) // 2) / _RING_PLACES * (-1) ** step
        at_x, at_y = x + radius * math.sin(turn), y - radius * math.cos(turn)
        box = (at_x - width / 2, at_y - _LEADING / 2, at_x + width / 2, at_y + _LEADING / 2)
        lines = [*ground.lines, *(label.leader for label in labels if label.leader)]
        if (
            ground.is_free(box)
            and not any(overlap(box, label.box, _LABEL_GAP) for label in labels)
            and not any(crosses(line, box) for line in lines)
            and not any(_meets_ring(box, other) for other in others)
        ):
            return Label(lines=(words,), anchor="middle", left=box[0], top=box[1], right=box[2], bottom=box[3])
    return None


_Place = tuple[float, Label]  # what it costs


def _places(name: str, dot: Spot, ground: Ground) -> Iterator[_Place]:
    """Yield all places of a name that no dot takes."""
    for shape, lines in enumerate(_shapes(shortened(name))):
        for cost, label in _round_dot(lines, dot, ground):
            extra = sum(crosses(line, label.box) for line in ground.lines) * _COST_OF_LINE
            extra += sum(_meets_ring(label.box, ring) for ring in ground.rings) * _COST_OF_RING
            yield cost + extra + shape * _COST_OF_BREAKING, label


def _round_dot(lines: tuple[str, ...], dot: Spot, ground: Ground) -> Iterator[_Place]:
    x, y = dot
    width, height = _width(lines), len(lines) * _LEADING
    gap = ground.dot_radius + _DOT_GAP
    aslant = gap * math.sqrt(0.5)
    beside = (
        ("start", x + gap, y - height / 2),
        ("end", x - gap - width, y - height / 2),
        ("middle", x - width / 2, y + gap),
        ("middle", x - width / 2, y - gap - height),
        ("start", x + aslant, y + aslant),
        ("start", x + aslant, y - aslant - height),
        ("end", x - aslant - width, y + aslant),
        ("end", x - aslant - width, y - aslant - height),
        ("end", x + ground.dot_radius - width, y + gap),
        ("end", x + ground.dot_radius - width, y - gap - height),
        ("start", x - ground.dot_radius, y + gap),
        ("start", x - ground.dot_radius, y - gap - height),
    )
    for cost, (anchor, left, top) in enumerate(beside):
        box = (left, top, left + width, top + height)
        if ground.is_free(box):
            yield float(cost), _label(lines, anchor, box, None)
    for length in _LEADER_LENGTHS:
        for step in range(_DIRECTIONS):
            turn = math.tau * step / _DIRECTIONS
            at_x = x + math.cos(turn) * (ground.dot_radius + length + width / 2)
            at_y = y + math.sin(turn) * (ground.dot_radius + length + height / 2)
            box = (at_x - width / 2, at_y - height / 2, at_x + width / 2, at_y + height / 2)
            if ground.is_free(box):
                leader = _leader(dot, box, ground)
                if leader:
                    yield _COST_OF_LEADER + length * _COST_OF_LENGTH, _label(lines, "middle", box, leader)


def _label(lines: tuple[str, ...], anchor: str, box: Box, leader: Segment | None) -> Label:
    left, top, right, bottom = box
    return Label(lines=lines, anchor=anchor, left=left, top=top, right=right, bottom=bottom, leader=leader)


def _leader(dot: Spot, box: Box, ground: Ground) -> Segment | None:
    """Return the line from a dot's edge to the nearest point of a box; None where it would run over another dot."""
    x, y = dot
    to_x, to_y = min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])
    share = ground.dot_radius / math.hypot(to_x - x, to_y - y)
    line = (x + (to_x - x) * share, y + (to_y - y) * share, to_x, to_y)
    reach = ground.dot_radius
    for other_x, other_y in ground.dots:
        square = (other_x - reach, other_y - reach, other_x + reach, other_y + reach)
        if (other_x, other_y) != dot and crosses(line, square):
            return None
    return line


def _choose(order: Sequence[int], places: Sequence[Sequence[_Place]]) -> dict[int, Label]:
    chosen: dict[int, Label] = {}
    for index in order:
        free = (label for _, label in places[index] if not any(_collide(label, other) for other in chosen.values()))
        if label := next(free, None):
            chosen[index] = label
    return chosen


def _collide(one: Label, other: Label) -> bool:
    if overlap(one.box, other.box, _LABEL_GAP):
        return True
    if one.leader and (crosses(one.leader, other.box) or (other.leader and _cross(one.leader, other.leader))):
        return True
    return other.leader is not None and crosses(other.leader, one.box)


# Words in lines


def _shapes(name: str) -> list[tuple[str, ...]]:
    """Return a name in long lines and, where that differs, in short ones."""
    return list(dict.fromkeys(_in_lines(name, most) for most in _LINE_EMS))


def shortened(name: str) -> str:
    """Return a name as it stands on a map: at most 24 signs."""
    return name if len(name) <= _MOST_SIGNS else name[: _MOST_SIGNS - 1] + "…"


def _in_lines(name: str, most_ems: float) -> tuple[str, ...]:
    """Return a name in lines of about equal length; words of letters and digits stay whole where they fit."""
    even_ems = _ems(name) / math.ceil(_ems(name) / most_ems)
    lines = [""]
    for word in _words(name, most_ems):
        longer_ems = _ems(lines[-1] + word)
        if lines[-1] and (longer_ems > most_ems or longer_ems - _ems(word) / 2 > even_ems):
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    return tuple(line.rstrip() for line in lines if line.strip()) or (name,)


def _words(name: str, most_ems: float) -> Iterator[str]:
    for word in re.findall(r"[0-9A-Za-z]+|[（《“‘「『【(]*.[）》”’」』】，。、)]*", name, re.DOTALL):
        yield from [word] if _ems(word) <= most_ems else word


def _width(lines: Sequence[str]) -> float:
    return max(_ems(line) for line in lines) * EM


def _ems(words: str) -> float:
    return sum(_sign_ems(sign) for sign in words)


def _sign_ems(sign: str) -> float:
    """Return about how wide a sign is in a Chinese font, rather too much than too little."""
    if unicodedata.category(sign) in {"Mn", "Me", "Cf"}:
        return 0.0
    if unicodedata.category(sign) == "So":  # pictures
        return 1.35
    return 1.0 if unicodedata.east_asian_width(sign) in {"W", "F", "A"} or sign.isupper() else 0.65


# Geometry


def overlap(one: Box, other: Box, gap: float = 0.0) -> bool:
    """Tell whether two boxes share room or come nearer than ``gap``."""
    return one[0] < other[2] + gap and other[0] < one[2] + gap and one[1] < other[3] + gap and other[1] < one[3] + gap


def crosses(line: Segment, box: Box) -> bool:
    """Tell whether a line runs through a box."""
    x1, y1, x2, y2 = line
    left, top, right, bottom = box
    if max(x1, x2) <= left or min(x1, x2) >= right or max(y1, y2) <= top or min(y1, y2) >= bottom:
        return False
    east, south = x2 - x1, y2 - y1
    sides = [east * (y - y1) - south * (x - x1) for x, y in ((left, top), (right, top), (left, bottom), (right, bottom))]
    return min(sides) < 0 < max(sides)


def _cross(one: Segment, other: Segment) -> bool:
    return _parts(one, other) and _parts(other, one)


def _parts(line: Segment, other: Segment) -> bool:
    x1, y1, x2, y2 = line
    east, south = x2 - x1, y2 - y1
    return (east * (other[1] - y1) - south * (other[0] - x1)) * (east * (other[3] - y1) - south * (other[2] - x1)) <= 0


def _meets_ring(box: Box, ring: tuple[float, float, float]) -> bool:
    x, y, radius = ring
    left, top, right, bottom = box
    nearest = math.hypot(max(left - x, 0.0, x - right), max(top - y, 0.0, y - bottom))
    return nearest < radius < math.hypot(max(x - left, right - x), max(y - top, bottom - y))

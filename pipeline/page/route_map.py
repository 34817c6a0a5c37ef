"""The route as a small map: dots, a line, names beside the dots. The ordered list below it says the same to a screen reader."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.model import Stop
from pipeline.page.walk import PACE_M_PER_MIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# In the map's own units; at a phone's width one is about one pixel.
WIDTH = 360.0
_LEAST_HEIGHT, _MOST_HEIGHT = 260.0, 460.0
_EDGE = 44.0
_DOT_RADIUS = 17.0
_NAME_EM = 17.0
_NAME_LEADING = 1.25
_SIGNS_A_LINE = 8
_RING_MINUTES = (5, 10, 15)
_METRES_A_DEGREE = 111_195.0  # of latitude, on a sphere of mean radius


@dataclass(frozen=True, kw_only=True)
class Name:
    """A stop's name beside its dot: where its first line's baseline stands and which end of it that is."""

    lines: tuple[str, ...]
    x: float
    y: float
    anchor: str


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A stop on the map; ``name`` is None where there is no room for it."""

    stop: Stop
    x: float
    y: float
    name: Name | None


@dataclass(frozen=True, kw_only=True)
class Ring:
    """As far as one walks in ``minutes`` from the middle stop."""

    minutes: int
    radius: float


@dataclass(frozen=True, kw_only=True)
class RouteMap:
    """A drawing ``WIDTH`` wide and ``height`` high, north up."""

    height: float
    dots: tuple[Dot, ...]
    middle: Dot
    rings: tuple[Ring, ...]
    name_em: float = _NAME_EM
    name_leading: float = _NAME_EM * _NAME_LEADING
    dot_radius: float = _DOT_RADIUS


def draw_route(stops: Sequence[Stop]) -> RouteMap | None:
    """Return the map of the stops, given in walking order, that share the first one's coordinate system.

    None for fewer than two places: one dot shows no way.
    """
    shown = [stop for stop in stops if stop.coord_system == stops[0].coord_system]
    if len({(stop.latitude_deg, stop.longitude_deg) for stop in shown}) < 2:  # noqa: PLR2004  # a way has two ends
        return None
    east_north_m = _project(shown)
    span_east_m = max(east for east, _ in east_north_m) or 1.0
    span_north_m = max(north for _, north in east_north_m) or 1.0
    scale = min((WIDTH - 2 * _EDGE) / span_east_m, (_MOST_HEIGHT - 2 * _EDGE) / span_north_m)
    height = max(_LEAST_HEIGHT, span_north_m * scale + 2 * _EDGE)
    left, top = (WIDTH - span_east_m * scale) / 2, (height - span_north_m * scale) / 2
    points = [(left + east * scale, top + (span_north_m - north) * scale) for east, north in east_north_m]
    named = zip(shown, points, _names(shown, points, height), strict=True)
    dots = tuple(Dot(stop=stop, x=x, y=y, name=name) for stop, (x, y), name in named)
    middle = min(dots, key=lambda dot: math.hypot(dot.x - WIDTH / 2, dot.y - height / 2))
    room = min(middle.x, middle.y, WIDTH - middle.x, height - middle.y) - 4
    rings = tuple(Ring(minutes=minutes, radius=minutes * PACE_M_PER_MIN * scale) for minutes in _RING_MINUTES)
    return RouteMap(
        height=height,
        dots=dots,
        middle=middle,
        rings=tuple(ring for ring in rings if 2 * _DOT_RADIUS < ring.radius <= room),
    )


def _project(stops: Sequence[Stop]) -> list[tuple[float, float]]:
    """Return metres east and north of the south-western corner: equirectangular, true for a neighbourhood."""
    south, west = min(stop.latitude_deg for stop in stops), min(stop.longitude_deg for stop in stops)
    metres_a_degree_east = _METRES_A_DEGREE * math.cos(math.radians(sum(stop.latitude_deg for stop in stops) / len(stops)))
    return [
        ((stop.longitude_deg - west) * metres_a_degree_east, (stop.latitude_deg - south) * _METRES_A_DEGREE) for stop in stops
    ]


_Box = tuple[float, float, float, float]  # left, top, right, bottom


def _names(stops: Sequence[Stop], points: Sequence[tuple[float, float]], height: float) -> Iterator[Name | None]:
    """Yield a name for each stop at the first free place beside its dot: right, left, below, above."""
    taken: list[_Box] = [(x - _DOT_RADIUS, y - _DOT_RADIUS, x + _DOT_RADIUS, y + _DOT_RADIUS) for x, y in points]
    for stop, (x, y) in zip(stops, points, strict=True):
        chosen = None
        for name, box in _places(_in_lines(stop.name), x, y):
            inside = box[0] >= 2 and box[1] >= 2 and box[2] <= WIDTH - 2 and box[3] <= height - 2  # noqa: PLR2004  # a hair's breadth
            if inside and not any(_overlap(box, other) for other in taken):
                chosen = name
                taken.append(box)
                break
        yield chosen


def _places(lines: tuple[str, ...], x: float, y: float) -> Iterator[tuple[Name, _Box]]:
    width = max(len(line) for line in lines) * _NAME_EM
    tall = len(lines) * _NAME_EM * _NAME_LEADING
    gap = _DOT_RADIUS + 6
    for anchor, left, top in (
        ("start", x + gap, y - tall / 2),
        ("end", x - gap - width, y - tall / 2),
        ("middle", x - width / 2, y + gap),
        ("middle", x - width / 2, y - gap - tall),
    ):
        at_x = {"start": left, "end": left + width, "middle": x}[anchor]
        yield Name(lines=lines, x=at_x, y=top + _NAME_EM, anchor=anchor), (left, top, left + width, top + tall)


def _in_lines(name: str) -> tuple[str, ...]:
    """Return a name in lines of about equal length, so that a long one does not run across the map."""
    count = math.ceil(len(name) / _SIGNS_A_LINE)
    size = math.ceil(len(name) / count)
    return tuple(name[start : start + size] for start in range(0, len(name), size))


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

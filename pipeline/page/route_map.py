"""The route as a small map: numbered dots, the way, names. The ordered list below it says the same to a screen reader."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.coordinates import Point, locate
from pipeline.model import Stop
from pipeline.page.labels import Ground, Label, Segment, Spot, list_labels, overlap, place_labels, place_on_ring, shortened
from pipeline.page.walk import PACE_M_PER_MIN

# In the map's own units; at a phone's width one is about one pixel.
WIDTH = 360.0
_LEAST_HEIGHT, _MOST_HEIGHT = 260.0, 460.0
_GROWTHS = (60.0, 120.0, 180.0)  # what a map becomes higher where names find no room
_MOST_TO_REDRAW = 20  # with more stops a little room helps nobody
_EDGE = 44.0
_DOT_RADIUS = 19.0
_DOT_GAP = 2.0
_RING_MINUTES = (5, 10, 15)
_METRES_A_DEGREE = 111_195.0  # of latitude, on a sphere of mean radius
_ARROW_RADIUS = 7.0
_STEP, _DIRECTIONS = 8, 12  # how finely a free spot is looked for


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A stop on the map. Where another dot is in the way it stands beside its true place, ``place_x``, ``place_y``."""

    stop: Stop
    x: float
    y: float
    place_x: float
    place_y: float
    label: Label

    @property
    def moved(self) -> bool:
        """Whether it stands beside its true place."""
        return (self.x, self.y) != (self.place_x, self.place_y)


@dataclass(frozen=True, kw_only=True)
class Ring:
    """As far as one walks in ``minutes`` from the middle stop."""

    minutes: int
    radius: float
    label: Label


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """Which way one walks: 0 degrees is east, clockwise."""

    x: float
    y: float
    turn_deg: float


@dataclass(frozen=True, kw_only=True)
class RouteMap:
    """A drawing ``WIDTH`` wide and ``height`` high, north up; ``middle`` is what the rings go round.

    Below ``list_top`` stand the names that found no room at their dots.
    """

    height: float
    list_top: float
    dots: tuple[Dot, ...]
    arrows: tuple[Arrow, ...]
    middle: Dot
    rings: tuple[Ring, ...]
    dot_radius: float = _DOT_RADIUS


def draw_route(stops: Sequence[Stop]) -> RouteMap | None:
    """Return the map of the stops, given in walking order.

    Every stop has its name: beside its dot, or where there is no room, after its number in a list at the foot of the map. None
    for fewer than two places: one dot shows no way.
    """
    points = [locate(stop).wgs84 for stop in stops]
    if len(set(points)) < 2:  # noqa: PLR2004  # a way has two ends
        return None
    east_north_m = _project(points)
    span_east_m = max(east for east, _ in east_north_m)
    span_north_m = max(north for _, north in east_north_m)
    scale = min(
        available / span_m
        for available, span_m in ((WIDTH - 2 * _EDGE, span_east_m), (_MOST_HEIGHT - 2 * _EDGE, span_north_m))
        if span_m
    )
    height = max(_LEAST_HEIGHT, span_north_m * scale + 2 * _EDGE)
    places = [
        ((WIDTH - span_east_m * scale) / 2 + east * scale, (height + span_north_m * scale) / 2 - north * scale)
        for east, north in east_north_m
    ]
    drawing = _draw(stops, places, height, scale)
    for growth in _GROWTHS:
        if not _listed(drawing) or len(stops) > _MOST_TO_REDRAW:
            break
        roomier = _draw(stops, [(x, y + growth / 2) for x, y in places], height + growth, scale)
        drawing = min(drawing, roomier, key=_listed)
    return drawing


def _draw(stops: Sequence[Stop], places: Sequence[Spot], height: float, scale: float) -> RouteMap:
    spots = _spread(places, height)
    while spots is None:
        height += _GROWTHS[0]
        places = [(x, y + _GROWTHS[0] / 2) for x, y in places]
        spots = _spread(places, height)
    middle = min(range(len(places)), key=lambda index: math.dist(places[index], (WIDTH / 2, height / 2)))
    radii = _radii(places[middle], height, scale)
    threads = [(*place, *spot) for place, spot in zip(places, spots, strict=True) if place != spot]
    ground = Ground(
        width=WIDTH,
        height=height,
        dots=spots,
        dot_radius=_DOT_RADIUS,
        lines=[*_ways(spots), *threads],
        rings=[(*places[middle], radius) for radius in radii.values()],
    )
    labels = place_labels([stop.name for stop in stops], ground)
    rings = tuple(_rings(radii, ground, labels.values()))
    left_out = {index: f"{stop.order} {shortened(stop.name)}" for index, stop in enumerate(stops) if index not in labels}
    listed, foot = list_labels(left_out, WIDTH, height)
    labels |= listed
    dots = tuple(
        Dot(stop=stop, x=spot[0], y=spot[1], place_x=place[0], place_y=place[1], label=labels[index])
        for index, (stop, spot, place) in enumerate(zip(stops, spots, places, strict=True))
    )
    return RouteMap(height=foot, list_top=height, dots=dots, arrows=tuple(_arrows(dots)), middle=dots[middle], rings=rings)


def _listed(drawing: RouteMap) -> int:
    return sum(dot.label.top >= drawing.list_top for dot in drawing.dots)


def _project(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Return metres east and north of the south-western corner: equirectangular, true for a neighbourhood."""
    south, west = min(point.latitude_deg for point in points), min(point.longitude_deg for point in points)
    metres_a_degree_east = _METRES_A_DEGREE * math.cos(math.radians(sum(point.latitude_deg for point in points) / len(points)))
    return [
        ((point.longitude_deg - west) * metres_a_degree_east, (point.latitude_deg - south) * _METRES_A_DEGREE) for point in points
    ]


def _spread(places: Sequence[Spot], height: float) -> list[Spot] | None:
    """Return where the dots stand so that none touches another: at their places, or as near as there is room.

    Those that are in nobody's way keep their places. None where the map is too low for all.
    """
    apart = 2 * _DOT_RADIUS + _DOT_GAP
    crowded = [sum(math.dist(place, other) < apart for other in places) > 1 for place in places]
    spots: dict[int, Spot] = {}
    for index in sorted(range(len(places)), key=lambda index: crowded[index]):
        free = (
            spot for spot in _around(places[index], height) if all(math.dist(spot, other) >= apart for other in spots.values())
        )
        spot = next(free, None)
        if spot is None:
            return None
        spots[index] = spot
    return [spots[index] for index in range(len(places))]


def _around(place: Spot, height: float) -> Iterator[Spot]:
    """Yield a place and what is round it, nearer ones first, as far as a dot there is inside the map."""
    x, y = place
    yield place
    for radius in range(_STEP, round(WIDTH + height), _STEP):
        for step in range(_DIRECTIONS):
            turn = math.tau * step / _DIRECTIONS
            spot = x + radius * math.cos(turn), y + radius * math.sin(turn)
            if _DOT_RADIUS + _DOT_GAP <= spot[0] <= WIDTH - _DOT_RADIUS - _DOT_GAP and (
                _DOT_RADIUS + _DOT_GAP <= spot[1] <= height - _DOT_RADIUS - _DOT_GAP
            ):
                yield spot


def _radii(middle: Spot, height: float, scale: float) -> dict[int, float]:
    """Return the radius of each ring that is inside the map and outside its middle dot, by minutes."""
    x, y = middle
    room = min(x, y, WIDTH - x, height - y) - _DOT_GAP
    radii = {minutes: minutes * PACE_M_PER_MIN * scale for minutes in _RING_MINUTES}
    return {minutes: radius for minutes, radius in radii.items() if 2 * _DOT_RADIUS < radius <= room}


def _rings(radii: Mapping[int, float], ground: Ground, labels: Iterable[Label]) -> Iterator[Ring]:
    taken = list(labels)
    for (minutes, radius), ring in zip(radii.items(), ground.rings, strict=True):
        if label := place_on_ring(f"{minutes} 分钟", ring, ground, taken):
            taken.append(label)
            yield Ring(minutes=minutes, radius=radius, label=label)


def _ways(spots: Sequence[Spot]) -> list[Segment]:
    return [(*start, *end) for start, end in pairwise(spots)]


def _arrows(dots: Sequence[Dot]) -> Iterator[Arrow]:
    """Yield an arrow in the middle of each way that is long enough for one, where nothing else is."""
    for start, end in pairwise(dots):
        x, y = (start.x + end.x) / 2, (start.y + end.y) / 2
        if math.dist((start.x, start.y), (end.x, end.y)) < 2 * _DOT_RADIUS + 4 * _ARROW_RADIUS:
            continue
        room = (x - _ARROW_RADIUS, y - _ARROW_RADIUS, x + _ARROW_RADIUS, y + _ARROW_RADIUS)
        near_dot = any(math.dist((x, y), (dot.x, dot.y)) < _DOT_RADIUS + 2 * _ARROW_RADIUS for dot in dots)
        if not near_dot and not any(overlap(room, dot.label.box) for dot in dots):
            yield Arrow(x=x, y=y, turn_deg=math.degrees(math.atan2(end.y - start.y, end.x - start.x)))

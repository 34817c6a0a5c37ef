"""The walking route: how far it is from stop to stop, and how long that takes on foot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.coordinates import Point, locate
from pipeline.model import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

# Mean radius. Source: IUGG 1980.
_EARTH_RADIUS_M = 6_371_008.8
# An easy pace with grandchildren or groceries, 4 km/h: 335 m are 5 minutes, 1 km is 15.
PACE_M_PER_MIN = 67


@dataclass(frozen=True, kw_only=True)
class Leg:
    """The way from one stop to another, as the crow flies."""

    to: Stop
    distance_m: float

    @property
    def minutes(self) -> int:
        """Whole minutes on foot, at least one."""
        return max(1, round(self.distance_m / PACE_M_PER_MIN))


def leg_between(start: Stop, to: Stop) -> Leg:
    """Return the way from ``start`` to ``to``, measured in WGS-84 in whatever system each of them is written."""
    return Leg(to=to, distance_m=_great_circle_m(locate(start).wgs84, locate(to).wgs84))


def walking_order(stops: Sequence[Stop]) -> tuple[Stop, ...]:
    """Return the stops in the order of the route."""
    return tuple(sorted(stops, key=lambda stop: (stop.order, stop.name)))


def _great_circle_m(start: Point, to: Point) -> float:
    """Source: haversine formula."""
    latitude_1, latitude_2 = math.radians(start.latitude_deg), math.radians(to.latitude_deg)
    half_east = math.radians(to.longitude_deg - start.longitude_deg) / 2
    half_north = (latitude_2 - latitude_1) / 2
    square = math.sin(half_north) ** 2 + math.cos(latitude_1) * math.cos(latitude_2) * math.sin(half_east) ** 2
    return 2 * _EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, square)))

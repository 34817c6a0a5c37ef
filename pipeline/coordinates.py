"""Where a stop really is: WGS-84, GCJ-02 and BD-09 converted once, so that nobody after this has to ask which it was."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from pipeline.model import Stop

# GCJ-02 computes on the ellipsoid Krasovsky 1940, whatever the point was measured on.
_KRASOVSKY_M = 6_378_245.0
_KRASOVSKY_ECCENTRICITY_SQUARED = 0.00669342162296594323
# BD-09 turns and stretches GCJ-02 a little, then moves it by this much.
_BD_NORTH_DEG, _BD_EAST_DEG = 0.0060, 0.0065
_BD_RIPPLES = 3000
_LEAST_STEP_DEG = 1e-9  # 0.1 mm
_MOST_STEPS = 20  # five are enough in practice: a step leaves less than a hundredth of the error


@dataclass(frozen=True, kw_only=True)
class Point:
    """A place on the earth; north and east count positive."""

    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True, kw_only=True)
class Location:
    """One place in both systems: ``wgs84`` is true and is measured in, ``gcj02`` is what Chinese maps draw."""

    wgs84: Point
    gcj02: Point


def geo_uri(stop: Stop) -> str:
    """Return where a stop is as a geo URI. Source: RFC 5870, whose default is WGS-84."""
    point = locate(stop).wgs84
    return f"geo:{point.latitude_deg:.6f},{point.longitude_deg:.6f}"


@lru_cache(maxsize=1024)
def locate(stop: Stop) -> Location:
    """Return where a stop is, in WGS-84 and in GCJ-02.

    Source: the formulae have never been published officially; constants and terms as in PRCoords (CC0) and geoChina, which
    eviltransform (MIT) has with another ellipsoid: a centimetre. Tests compare with others' code; going back is exact to 1 mm.
    """
    written = Point(latitude_deg=stop.latitude_deg, longitude_deg=stop.longitude_deg)
    if stop.coord_system == "WGS-84":
        return Location(wgs84=written, gcj02=_to_gcj02(written) if _is_shifted(written) else written)
    gcj02 = _undo(_to_bd09, written) if stop.coord_system == "BD-09" else written
    return Location(wgs84=_undo(_to_gcj02, gcj02) if _is_shifted(gcj02) else gcj02, gcj02=gcj02)


def _is_shifted(point: Point) -> bool:
    """Tell whether GCJ-02 differs from WGS-84 there: in a box around mainland China, wider than the country itself."""
    return 0.8293 <= point.latitude_deg <= 55.8271 and 72.004 <= point.longitude_deg <= 137.8347  # noqa: PLR2004  # the box


def _to_gcj02(wgs84: Point) -> Point:
    """Return a WGS-84 point in GCJ-02: moved by some hundred metres that vary from place to place."""
    east_deg, north_deg = wgs84.longitude_deg - 105, wgs84.latitude_deg - 35
    both = 20 * _wave(east_deg, 1 / 6) + 20 * _wave(east_deg, 1 / 2)
    north_m = (
        -100 + 2 * east_deg + 3 * north_deg + 0.2 * north_deg**2 + 0.1 * east_deg * north_deg + 0.2 * math.sqrt(abs(east_deg))
    ) + 2 / 3 * (both + _swell(north_deg, 160, 320))
    east_m = (
        300 + east_deg + 2 * north_deg + 0.1 * east_deg**2 + 0.1 * east_deg * north_deg + 0.1 * math.sqrt(abs(east_deg))
    ) + 2 / 3 * (both + _swell(east_deg, 150, 300))
    latitude = math.radians(wgs84.latitude_deg)
    bulge = 1 - _KRASOVSKY_ECCENTRICITY_SQUARED * math.sin(latitude) ** 2
    meridian_radius_m = _KRASOVSKY_M * (1 - _KRASOVSKY_ECCENTRICITY_SQUARED) / bulge**1.5
    parallel_radius_m = _KRASOVSKY_M * math.cos(latitude) / math.sqrt(bulge)
    return Point(
        latitude_deg=wgs84.latitude_deg + math.degrees(north_m / meridian_radius_m),
        longitude_deg=wgs84.longitude_deg + math.degrees(east_m / parallel_radius_m),
    )


def _swell(offset_deg: float, long_m: float, longest_m: float) -> float:
    short_m = 20 * _wave(offset_deg, 1) + 40 * _wave(offset_deg, 3)
    return short_m + long_m * _wave(offset_deg, 12) + longest_m * _wave(offset_deg, 30)


def _wave(offset_deg: float, half_length_deg: float) -> float:
    return math.sin(offset_deg / half_length_deg * math.pi)


def _to_bd09(gcj02: Point) -> Point:
    """Return a GCJ-02 point in BD-09, which takes degrees for a plane: everywhere on earth, not only in China."""
    latitude_deg, longitude_deg = gcj02.latitude_deg, gcj02.longitude_deg
    radius_deg = math.hypot(longitude_deg, latitude_deg) + 0.00002 * math.sin(math.radians(latitude_deg) * _BD_RIPPLES)
    angle = math.atan2(latitude_deg, longitude_deg) + 0.000003 * math.cos(math.radians(longitude_deg) * _BD_RIPPLES)
    return Point(
        latitude_deg=radius_deg * math.sin(angle) + _BD_NORTH_DEG, longitude_deg=radius_deg * math.cos(angle) + _BD_EAST_DEG
    )


def _undo(forward: Callable[[Point], Point], moved: Point) -> Point:
    """Return the point that ``forward`` moves to ``moved``: what is left of the error is taken off until nothing is left."""
    point = moved
    for _ in range(_MOST_STEPS):
        reached = forward(point)
        north_deg, east_deg = reached.latitude_deg - moved.latitude_deg, reached.longitude_deg - moved.longitude_deg
        point = Point(latitude_deg=point.latitude_deg - north_deg, longitude_deg=point.longitude_deg - east_deg)
        if max(abs(north_deg), abs(east_deg)) < _LEAST_STEP_DEG:
            break
    return point

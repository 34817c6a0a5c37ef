"""The route: where stops really are, how far it is between them, and which map opens where."""

from __future__ import annotations

import math
from collections.abc import Callable

import eviltransform  # type: ignore[import-untyped]  # it has no types of its own
import prcoords  # type: ignore[import-untyped]  # the same
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Stop
from pipeline.page.coordinates import Point, locate
from pipeline.page.walk import leg_between

COORD_SYSTEMS = ("WGS-84", "GCJ-02", "BD-09")
Pair = tuple[float, float]  # latitude and longitude in degrees


def _stop(latitude_deg: float, longitude_deg: float, coord_system: str = "WGS-84", *, order: int = 1, name: str = "") -> Stop:
    return Stop(
        name=name or f"第{order}处",
        order=order,
        address=f"吉祥路 {order} 号",
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        coord_system=coord_system,
        surveyed=True,
    )


def _apart_m(one: Point, other: Point) -> float:
    """Return metres between two points that are close together, without the code under test."""
    north_m = (other.latitude_deg - one.latitude_deg) * 111_195
    east_m = (other.longitude_deg - one.longitude_deg) * 111_195 * math.cos(math.radians(one.latitude_deg))
    return math.hypot(north_m, east_m)


def _point(pair: Pair) -> Point:
    return Point(latitude_deg=pair[0], longitude_deg=pair[1])


# Where a stop is

MAINLAND = {"latitude_deg": st.floats(18.1, 53.6), "longitude_deg": st.floats(73.5, 135.1)}
OTHERS: dict[str, dict[str, Callable[[float, float], Pair]]] = {
    "prcoords": {
        "WGS-84": lambda latitude, longitude: (latitude, longitude),
        "GCJ-02": lambda latitude, longitude: tuple(prcoords.wgs_gcj((latitude, longitude))),
        "BD-09": lambda latitude, longitude: tuple(prcoords.wgs_bd((latitude, longitude))),
    },
    "eviltransform": {
        "WGS-84": lambda latitude, longitude: (latitude, longitude),
        "GCJ-02": eviltransform.wgs2gcj,
        "BD-09": eviltransform.wgs2bd,
    },
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("coord_system", COORD_SYSTEMS)
@given(**MAINLAND)
def test_a_place_is_the_same_place_in_whichever_system_it_is_written(
    other: str, coord_system: str, latitude_deg: float, longitude_deg: float
) -> None:
    written = OTHERS[other][coord_system](latitude_deg, longitude_deg)
    location = locate(_stop(*written, coord_system))
    assert _apart_m(location.wgs84, _point((latitude_deg, longitude_deg))) <= 0.1
    assert _apart_m(location.gcj02, _point(OTHERS[other]["GCJ-02"](latitude_deg, longitude_deg))) <= 0.1


@given(**MAINLAND)
def test_going_to_the_other_system_and_back_ends_where_it_began(latitude_deg: float, longitude_deg: float) -> None:
    there = locate(_stop(latitude_deg, longitude_deg, "WGS-84")).gcj02
    back = locate(_stop(there.latitude_deg, there.longitude_deg, "GCJ-02")).wgs84
    assert back.latitude_deg == pytest.approx(latitude_deg, abs=1e-7)
    assert back.longitude_deg == pytest.approx(longitude_deg, abs=1e-7)


def test_in_longgang_gcj02_lies_588_metres_from_the_true_place_and_bd09_1222() -> None:
    location = locate(_stop(22.72, 114.24))
    assert _apart_m(location.wgs84, location.gcj02) == pytest.approx(588, abs=2)
    bd09 = OTHERS["prcoords"]["BD-09"](22.72, 114.24)
    assert _apart_m(locate(_stop(*bd09, "BD-09")).wgs84, _point(bd09)) == pytest.approx(1222, abs=2)


@pytest.mark.parametrize("coord_system", ["WGS-84", "GCJ-02"])
def test_far_from_china_both_systems_are_one(coord_system: str) -> None:
    location = locate(_stop(48.2, 16.37, coord_system))
    assert location.wgs84 == location.gcj02 == _point((48.2, 16.37))


# How far it is


def test_a_degree_of_latitude_is_111_kilometres() -> None:
    leg = leg_between(_stop(22.0, 114.0), _stop(23.0, 114.0))
    assert leg.distance_m == pytest.approx(111_195, abs=1)
    assert leg.minutes == 1660


@pytest.mark.parametrize(("distance_m", "minutes"), [(0, 1), (335, 5), (670, 10), (1005, 15)])
def test_five_minutes_are_335_metres_and_nothing_takes_less_than_one(distance_m: float, minutes: int) -> None:
    leg = leg_between(_stop(22.0, 114.0), _stop(22.0 + distance_m / 111_195, 114.0))
    assert leg.distance_m == pytest.approx(distance_m, abs=0.1)
    assert leg.minutes == minutes


@pytest.mark.parametrize("start_system", COORD_SYSTEMS)
@pytest.mark.parametrize("end_system", COORD_SYSTEMS)
def test_a_way_is_as_long_whatever_system_its_ends_are_written_in(start_system: str, end_system: str) -> None:
    start = _stop(*OTHERS["prcoords"][start_system](22.72, 114.24), start_system)
    end = _stop(*OTHERS["prcoords"][end_system](22.723, 114.24), end_system, order=2)
    assert leg_between(start, end).distance_m == pytest.approx(333.6, abs=0.2)

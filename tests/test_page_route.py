"""The route: where stops really are, how far it is between them, and which map opens where."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import eviltransform  # type: ignore[import-untyped]  # it has no types of its own
import prcoords  # type: ignore[import-untyped]  # the same
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Stop
from pipeline.page.coordinates import Point, locate
from pipeline.page.maps import map_links
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


# In somebody else's map

ANY_SIGN = st.characters(exclude_categories=["Cs"])  # half a surrogate pair is no sign
HOSTILE = "a;coord:0,0|coord:1,1&position=0,0&ll=0,0#?%00+/\\\"'<b> 😀\u202e路"


def _opened(stop: Stop) -> dict[str, tuple[str, str, dict[str, str]]]:
    """Return host, path and fields of every link; a field that comes twice, or is none, fails here."""
    opened = {}
    for link in map_links(stop):
        parts = urlsplit(link.url)
        assert (parts.scheme, parts.fragment) == ("https", "")
        assert link.url.isascii()
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
        fields = dict(pairs)
        assert len(fields) == len(pairs)
        opened[link.name] = (parts.netloc, parts.path, fields)
    return opened


def _tencent_fields(marker: str) -> dict[str, str]:
    """Part a marker as 腾讯 documents it: fields at semicolons, one marker only."""
    assert "|" not in marker
    pairs = [field.split(":") for field in marker.split(";")]
    assert all(len(pair) == 2 for pair in pairs)
    return dict(pairs)


def test_four_maps_open_in_the_order_in_which_people_use_them() -> None:
    assert [link.name for link in map_links(_stop(22.72, 114.24))] == ["高德地图", "腾讯地图", "百度地图", "苹果地图"]


@pytest.mark.parametrize("coord_system", COORD_SYSTEMS)
@pytest.mark.parametrize("name", ["龙岗图书馆 金翅膀", HOSTILE])
def test_every_map_is_asked_for_the_place_in_its_own_order_and_system(coord_system: str, name: str) -> None:
    stop = _stop(*OTHERS["prcoords"][coord_system](22.72, 114.24), coord_system, name=name)
    latitude_deg, longitude_deg = (pytest.approx(degrees, abs=1e-6) for degrees in prcoords.wgs_gcj((22.72, 114.24)))
    opened = _opened(stop)

    def place(words: str) -> list[float]:
        assert all(len(word.partition(".")[2]) == 6 for word in words.split(","))
        return [float(word) for word in words.split(",")]

    host, path, fields = opened["高德地图"]
    assert (host, path) == ("uri.amap.com", "/marker")
    assert place(fields.pop("position")) == [longitude_deg, latitude_deg]
    assert fields == {"name": name, "src": "jixiang", "coordinate": "gaode", "callnative": "1"}

    host, path, fields = opened["腾讯地图"]
    assert (host, path) == ("apis.map.qq.com", "/uri/v1/marker")
    assert fields.keys() == {"marker", "referer"}
    marker = _tencent_fields(fields["marker"])
    assert marker.keys() == {"coord", "title", "addr"}
    assert place(marker["coord"]) == [latitude_deg, longitude_deg]
    assert unicodedata.normalize("NFKC", marker["title"]) == unicodedata.normalize("NFKC", name)

    host, path, fields = opened["百度地图"]
    assert (host, path) == ("api.map.baidu.com", "/marker")
    assert place(fields.pop("location")) == [latitude_deg, longitude_deg]
    words = {"title": name, "content": stop.address}
    assert fields == words | {"output": "html", "coord_type": "gcj02", "src": "webapp.jixiang.site"}

    host, path, fields = opened["苹果地图"]
    assert (host, path) == ("maps.apple.com", "/")
    assert place(fields.pop("ll")) == [latitude_deg, longitude_deg]
    assert fields == {"q": name}


@given(
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), address=st.text(st.characters(exclude_categories=["Cs"]))
)
def test_no_name_and_no_address_changes_where_a_link_leads(name: str, address: str) -> None:
    plain = _opened(_stop(22.72, 114.24))
    hostile = _opened(replace(_stop(22.72, 114.24, name=name), address=address))
    for map_name, (host, path, fields) in hostile.items():
        assert (host, path, fields.keys()) == (*plain[map_name][:2], plain[map_name][2].keys())
        for field in ("position", "location", "ll"):
            assert fields.get(field) == plain[map_name][2].get(field)
    marker = _tencent_fields(hostile["腾讯地图"][2]["marker"])
    assert marker["coord"] == _tencent_fields(plain["腾讯地图"][2]["marker"])["coord"]
    assert all(marker.values())


def test_a_stop_without_an_address_is_described_by_its_name() -> None:
    opened = _opened(replace(_stop(22.72, 114.24, name="西埔新居"), address=""))
    assert opened["百度地图"][2]["content"] == "西埔新居"
    assert opened["腾讯地图"][2]["marker"].endswith("addr:西埔新居")

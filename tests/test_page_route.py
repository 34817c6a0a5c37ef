"""The route: where stops really are, how far it is between them, and which map opens where."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import eviltransform  # type: ignore[import-untyped]  # it has no types of its own
import lxml.html
import prcoords  # type: ignore[import-untyped]  # the same
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.coordinates import Point, locate
from pipeline.model import Stop
from pipeline.page import render_pages
from pipeline.page.maps import map_links
from pipeline.page.route_map import WIDTH, Dot, RouteMap, draw_route
from pipeline.page.walk import leg_between
from pipeline.page.words import metres
from pipeline.source import read_series

SAMPLE_SERIES = Path(__file__).parents[1] / "episodes" / "series.toml"
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
    words = {"title": name, "content": name}
    assert fields == words | {"output": "html", "coord_type": "gcj02", "src": "webapp.jixiang.site"}

    host, path, fields = opened["苹果地图"]
    assert (host, path) == ("maps.apple.com", "/")
    assert place(fields.pop("ll")) == [latitude_deg, longitude_deg]
    assert fields == {"q": name}


@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_name_changes_where_a_link_leads(name: str) -> None:
    plain, hostile = _opened(_stop(22.72, 114.24)), _opened(_stop(22.72, 114.24, name=name))
    for map_name, (host, path, fields) in hostile.items():
        assert (host, path, fields.keys()) == (*plain[map_name][:2], plain[map_name][2].keys())
        for field in ("position", "location", "ll"):
            assert fields.get(field) == plain[map_name][2].get(field)
    marker = _tencent_fields(hostile["腾讯地图"][2]["marker"])
    assert marker["coord"] == _tencent_fields(plain["腾讯地图"][2]["marker"])["coord"]
    assert all(marker.values())


# On our own map

LONG_NAME = "龙岗区吉祥社区新时代文明实践站党群服务中心活动室甲"[:24]
NAMES = ("珍珠滩", "鸿基商业街", "龙岗图书馆金翅膀教育城服务点", "吉祥地铁站 A 口", LONG_NAME)
M_A_DEGREE = 111_195


def _stops(east_north_m: Sequence[tuple[float, float]], names: Sequence[str] = NAMES) -> list[Stop]:
    """Return stops so many metres east and north of one place; the names come in turn."""
    m_a_degree_east = M_A_DEGREE * math.cos(math.radians(22.72))
    return [
        _stop(22.72 + north_m / M_A_DEGREE, 114.24 + east_m / m_a_degree_east, order=order, name=names[(order - 1) % len(names)])
        for order, (east_m, north_m) in enumerate(east_north_m, 1)
    ]


def _drawn(stops: Sequence[Stop]) -> RouteMap:
    drawing = draw_route(stops)
    assert drawing is not None
    return drawing


HARD = {
    "two": [(0, 0), (300, 200)],
    "two at one spot": [(0, 0), (0, 0), (400, 300)],
    "five metres apart": [(0, 0), (5, 0), (5, 4), (400, 300), (404, 300)],
    "all but one at one spot": [*[(0, 0)] * 39, (500, 500)],
    "a line to the east": [(120 * step, 0) for step in range(12)],
    "a line to the north": [(0, 120 * step) for step in range(12)],
    "a slanting line": [(120 * step, 100 * step) for step in range(40)],
    "one far off": [(0, 0), (150, 100), (300, 0), (250, 250), (80, 220), (6000, 3000)],
    "a grid": [(100 * (step % 6), 100 * (step // 6)) for step in range(36)],
}


def _from_dot(dot: Dot, x: float, y: float) -> float:
    return math.dist((dot.x, dot.y), (x, y))


def _points_along(line: tuple[float, float, float, float]) -> list[tuple[float, float]]:
    x1, y1, x2, y2 = line
    return [(x1 + (x2 - x1) * step / 50, y1 + (y2 - y1) * step / 50) for step in range(1, 50)]


def _assert_named(drawing: RouteMap, stops: Sequence[Stop]) -> None:
    assert [dot.stop for dot in drawing.dots] == list(stops)
    for dot in drawing.dots:
        number = f"{dot.stop.order} " if dot.label.top >= drawing.list_top else ""
        name = dot.stop.name if len(dot.stop.name) <= 24 else dot.stop.name[:23] + "…"
        assert "".join("".join(dot.label.lines).split()) == "".join((number + name).split())


def _assert_apart(drawing: RouteMap) -> None:
    radius = drawing.dot_radius
    labels = [*(dot.label for dot in drawing.dots), *(ring.label for ring in drawing.rings)]
    for label in labels:
        assert 0 <= label.left < label.right <= WIDTH
        assert 0 <= label.top < label.bottom <= drawing.height
        assert label.top < label.baselines[0] <= label.baselines[-1] < label.bottom
    for one, other in combinations(labels, 2):
        apart_x = one.right <= other.left or other.right <= one.left
        assert apart_x or one.bottom <= other.top or other.bottom <= one.top
    for dot in drawing.dots:
        assert radius <= dot.x <= WIDTH - radius
        assert radius <= dot.y <= drawing.list_top - radius
        for label in labels:
            assert _from_dot(dot, min(max(dot.x, label.left), label.right), min(max(dot.y, label.top), label.bottom)) >= radius
    for one_dot, other_dot in combinations(drawing.dots, 2):
        assert _from_dot(one_dot, other_dot.x, other_dot.y) >= 2 * radius
    for own, leader in ((dot.label, dot.label.leader) for dot in drawing.dots if dot.label.leader):
        for x, y in _points_along(leader):
            assert all(_from_dot(dot, x, y) >= radius - 0.01 for dot in drawing.dots)
            on_words = [label for label in labels if label.left < x < label.right and label.top < y < label.bottom]
            assert on_words in ([], [own])


@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("names", [NAMES, (LONG_NAME,), ("吉",)], ids=["mixed", "long", "short"])
def test_every_stop_has_its_name_and_nothing_lies_on_anything(case: str, names: Sequence[str]) -> None:
    stops = _stops(HARD[case], names)
    drawing = _drawn(stops)
    _assert_named(drawing, stops)
    _assert_apart(drawing)


METRES = st.floats(0, 2000) | st.sampled_from([0.0, 5.0, 1000.0])
NAME_SIGNS = st.characters(categories=["L", "N", "P", "S", "Zs"])
SOME_NAMES = st.lists(st.text(NAME_SIGNS, min_size=1, max_size=40).filter(str.strip), min_size=1)


@settings(deadline=None)
@given(east_north_m=st.lists(st.tuples(METRES, METRES), min_size=2, max_size=40), names=SOME_NAMES)
def test_a_map_of_any_stops_can_be_read(east_north_m: list[tuple[float, float]], names: list[str]) -> None:
    assume(max(math.dist(east_north_m[0], other) for other in east_north_m) > 1)
    stops = _stops(east_north_m, names)
    drawing = _drawn(stops)
    _assert_named(drawing, stops)
    _assert_apart(drawing)


def test_names_that_have_room_stand_at_their_dots_and_not_in_the_list_below() -> None:
    drawing = _drawn(_stops([(900 * math.cos(step * 0.8), 700 * math.sin(step * 0.8)) for step in range(8)], NAMES[:4]))
    assert drawing.list_top == drawing.height
    far = [math.hypot(dot.x - dot.label.x, dot.y - dot.label.top) for dot in drawing.dots]
    assert max(far) < WIDTH / 2


def test_a_stop_that_is_in_nobodys_way_stands_at_its_true_place() -> None:
    drawing = _drawn(_stops([(0, 0), (0, 0), (184, 0), (1000, 0)]))
    assert [dot.moved for dot in drawing.dots] == [False, True, False, False]
    first, second, *_ = drawing.dots
    assert (second.place_x, second.place_y) == (first.place_x, first.place_y)
    assert _from_dot(first, second.x, second.y) < 3 * drawing.dot_radius


def test_north_is_up_and_a_metre_is_as_long_in_every_direction() -> None:
    corner, east, north = _drawn(_stops([(0, 0), (300, 0), (0, 200)])).dots
    assert (east.x - corner.x) / 300 == pytest.approx((corner.y - north.y) / 200, rel=1e-3)
    assert east.y == pytest.approx(corner.y, abs=0.1)
    assert north.x == pytest.approx(corner.x, abs=0.1)


def test_only_the_rings_that_fit_are_drawn_and_each_is_as_wide_as_it_says() -> None:
    stops = _stops([(0, 0), (800, 700), (1600, 1600)], ["甲", "乙", "丙"])
    drawing = _drawn(stops)
    first, middle, _ = drawing.dots
    assert drawing.middle == middle
    units_a_metre = _from_dot(first, middle.x, middle.y) / leg_between(stops[0], stops[1]).distance_m
    assert [ring.minutes for ring in drawing.rings] == [5, 10]
    for ring in drawing.rings:
        assert ring.radius == pytest.approx(67 * ring.minutes * units_a_metre, rel=0.01)
        assert ring.radius < min(middle.x, middle.y, WIDTH - middle.x, drawing.height - middle.y)
        assert ring.label.lines == (f"{ring.minutes} 分钟",)
        centre = (ring.label.left + ring.label.right) / 2, (ring.label.top + ring.label.bottom) / 2
        assert _from_dot(middle, *centre) == pytest.approx(ring.radius)


def test_arrows_point_along_the_way() -> None:
    drawing = _drawn(_stops([(0, 0), (300, 0), (300, 300)], ["甲", "乙", "丙"]))
    assert [arrow.turn_deg for arrow in drawing.arrows] == [pytest.approx(0, abs=0.1), pytest.approx(-90, abs=0.1)]


def test_the_map_is_the_same_in_whatever_system_its_stops_are_written() -> None:
    stops = _stops([(0, 0), (300, 200), (500, 0)])
    written = [
        _stop(*OTHERS["prcoords"][system](stop.latitude_deg, stop.longitude_deg), system, order=stop.order, name=stop.name)
        for system, stop in zip(COORD_SYSTEMS, stops, strict=True)
    ]
    for one, other in zip(_drawn(stops).dots, _drawn(written).dots, strict=True):
        assert _from_dot(one, other.x, other.y) < 0.1


def test_a_route_of_one_place_has_no_map() -> None:
    assert draw_route([]) is None
    assert draw_route(_stops([(0, 0)])) is None
    assert draw_route(_stops([(0, 0), (0, 0)])) is None


# The page


def _route_page(stops: Sequence[Stop]) -> lxml.html.HtmlElement:
    series = replace(read_series(SAMPLE_SERIES), stops=tuple(stops))
    content = render_pages(series, [], [])["route/index.html"]
    assert isinstance(content, bytes)
    return lxml.html.document_fromstring(content.decode())


def _words(element: lxml.html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def test_the_drawing_is_one_picture_with_a_title_and_the_list_says_the_same() -> None:
    stops = _stops([(0, 0), (300, 200), (500, 0)])
    page = _route_page(stops)
    (drawing,) = page.xpath("//figure//*[local-name()='svg']")
    assert drawing.get("role") == "img"
    assert drawing.xpath("*[local-name()='title']/@id") == [drawing.get("aria-labelledby")]
    assert [_words(number) for number in drawing.find_class("stop-number")] == ["1", "2", "3"]
    assert [_words(name) for name in drawing.find_class("stop-name")] == [stop.name for stop in stops]
    stations = page.find_class("station")
    for station, stop in zip(stations, stops, strict=True):
        assert _words(station.find(".//h3")) == stop.name
        assert stop.address in _words(station)
    first_leg = leg_between(stops[0], stops[1])
    assert f"直线 {metres(first_leg.distance_m)}，走路约 {first_leg.minutes} 分钟" in _words(stations[0])
    assert "到下一站" not in _words(stations[-1])


def test_each_stop_opens_in_four_maps_from_a_fold() -> None:
    stops = _stops([(0, 0), (300, 200)])
    for station, stop in zip(_route_page(stops).find_class("station"), stops, strict=True):
        (fold,) = station.iter("details")
        assert stop.name in _words(fold.find("summary"))
        assert [(_words(link), link.get("href")) for link in fold.iter("a")] == [
            (link.name, link.url) for link in map_links(stop)
        ]


def test_opening_hours_are_told_where_they_are_known() -> None:
    known, unknown = _stops([(0, 0), (300, 200)])
    with_hours, without = _route_page([replace(known, hours="周二至周日 9:00—17:00"), unknown]).find_class("station")
    assert "开放时间：周二至周日 9:00—17:00" in _words(with_hours)
    assert "开放时间" not in _words(without)


def test_a_stop_that_nobody_measured_says_so_beside_its_maps() -> None:
    measured, guessed = _stops([(0, 0), (300, 200)])
    sure, unsure = _route_page([measured, replace(guessed, surveyed=False)]).find_class("station")
    assert "待实测" not in _words(sure)
    assert "待实测" in _words(unsure)

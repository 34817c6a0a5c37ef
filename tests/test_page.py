"""The site's pages: what residents see, what stays hidden, and that nothing leaks out or in."""

from __future__ import annotations

import dataclasses
import hashlib
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import lxml.etree
import lxml.html
import pytest

from pipeline import addresses
from pipeline.markup import parse_script
from pipeline.model import BuiltEpisode, Contact, Identity, Link, Series
from pipeline.page import Site, render_pages
from pipeline.page.walk import leg_between
from pipeline.page.waveform import BARS, waveform_path
from pipeline.page.words import clock, day_and_hour, dialled, megabytes, metres, spoken_length
from tests.episodes import ASPECTS, SITE, STOPS, build_episode, make_cue, make_series, make_stop

HOSTILE = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>' javascript:alert(1) {{ 7 * 7 }}"
Build = Callable[..., BuiltEpisode]


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return make_series(tmp_path)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return a function that makes a built episode with small stand-ins for its files."""
    return partial(build_episode, tmp_path)


@pytest.fixture
def files(series: Series, build: Build) -> Site:
    """Return the pages of three released episodes, one to come and one that has gone."""
    built = [build(1), build(2), build(3), build(4, public=False)]
    return render_pages(series, built, [Identity(number=9, guid="guid-9", page_url=f"{SITE}9/")])


def _source(files: Site, path: str) -> str:
    content = files[path]
    assert isinstance(content, bytes)
    return content.decode()


def _page(files: Site, path: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(_source(files, path))


def _pages(files: Site) -> list[str]:
    return [path for path in files if path.endswith(".html")]


def _words(element: lxml.html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def _addresses(files: Site, path: str) -> Iterator[tuple[lxml.html.HtmlElement, str, str]]:
    for element in _page(files, path).iter(lxml.etree.Element):
        for name in ("src", "href", "srcset", "poster", "data", "action", "formaction", "background", "ping"):
            if name in element.attrib:
                yield element, name, element.attrib[name]


# Every page


def test_the_site_has_every_page_that_its_plan_names(files: Site) -> None:
    expected = {"index.html", "route/index.html", "subscribe/index.html", "about/index.html", "404.html", "9/index.html"}
    expected |= {f"{number}/index.html" for number in range(1, 5)}
    expected |= {f"aspects/{aspect.key}/index.html" for aspect in ASPECTS}
    assert set(_pages(files)) == expected
    assert {"favicon.svg", "robots.txt", "sitemap.xml", "manifest.webmanifest"} <= files.keys()


def test_every_page_has_one_main_heading_a_title_and_its_language(files: Site) -> None:
    for path in _pages(files):
        page = _page(files, path)
        assert page.get("lang") == "zh-CN", path
        assert len(page.findall(".//h1")) == 1, path
        assert page.findtext(".//title"), path
        assert page.xpath("//meta[@name='viewport']/@content") == ["width=device-width, initial-scale=1"], path


def test_every_title_is_of_its_own(files: Site) -> None:
    titles = [_page(files, path).findtext(".//title") for path in _pages(files)]
    assert len(set(titles)) == len(titles)


def test_every_page_is_well_formed(files: Site) -> None:
    for path in _pages(files):
        parser = lxml.etree.HTMLParser(recover=True, encoding="utf-8")
        lxml.etree.fromstring(_source(files, path).encode(), parser)
        # libxml2 is older than HTML5: the only complaint it may have is about elements it does not know.
        complaints = [entry for entry in parser.error_log if "Tag" not in entry.message or "invalid" not in entry.message]
        assert not complaints, (path, complaints)


def test_every_id_is_used_once_and_every_label_leads_somewhere(files: Site) -> None:
    for path in _pages(files):
        page = _page(files, path)
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids)), path
        assert set(page.xpath("//@aria-labelledby")) <= set(ids), path
        assert all(anchor[1:] in ids for anchor in page.xpath("//a[starts-with(@href, '#')]/@href")), path


def test_every_relative_link_leads_to_a_file_of_the_site(files: Site) -> None:
    known = {*files, "feed.xml"}  # the feed is laid out by its own stage
    for path in _pages(files):
        for _, _, address in _addresses(files, path):
            if re.match(r"[a-z]+:|#", address):
                continue
            if path == "404.html":  # a server shows it at any depth, so its links begin at the root
                address = address.removeprefix("/") or "./"  # noqa: PLW2901  # the loop's own copy
            assert not address.startswith("/"), (path, address)
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), address.partition("#")[0]))
            if address.partition("#")[0].endswith("/"):
                target = posixpath.normpath(posixpath.join(target, "index.html"))
            assert target in known, (path, address)


def test_no_page_fetches_anything_from_elsewhere(files: Site) -> None:
    for path in _pages(files):
        for element, name, address in _addresses(files, path):
            foreign = re.match(r"[a-z]+:|//", address)
            if element.tag == "a":
                assert not foreign or re.match(r"(https?|tel|mailto):", address), (path, address)
            elif element.get("rel") != "canonical":
                assert not foreign, (path, element.tag, name, address)
    style = next(_source(files, path) for path in files if path.endswith(".css"))
    assert "url(" not in style
    assert "@import" not in style


def test_every_page_forbids_what_is_not_its_own(files: Site) -> None:
    for path in _pages(files):
        policy = _page(files, path).xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
        assert len(policy) == 1, path
        assert "default-src 'none'" in policy[0], path
        assert "unsafe" not in policy[0], path
        assert not _page(files, path).xpath("//script[not(@src) and not(@type)] | //@style | //@*[starts-with(name(), 'on')]"), (
            path
        )


def test_zooming_in_is_never_forbidden(files: Site) -> None:
    assert all(
        "user-scalable" not in _source(files, path) and "maximum-scale" not in _source(files, path) for path in _pages(files)
    )


def test_every_page_says_whom_to_call(files: Site) -> None:
    for path in _pages(files):
        assert "0755-00000000" in _words(_page(files, path)), path


def test_the_footer_links_the_filing_number(files: Site) -> None:
    for path in set(_pages(files)) - {"404.html"}:
        link = _page(files, path).xpath("//footer//a[@href='https://beian.miit.gov.cn/']")
        assert [_words(element) for element in link] == ["粤ICP备00000000号（示例）"], path


# An episode


def test_the_sound_plays_without_our_script_and_is_not_fetched_unasked(files: Site) -> None:
    (audio,) = _page(files, "1/index.html").iter("audio")
    assert "controls" in audio.attrib
    assert "autoplay" not in audio.attrib
    assert audio.get("preload") == "none"
    assert posixpath.normpath(f"1/{audio.get('src')}") in files


def test_what_only_the_script_can_do_is_hidden_without_it(files: Site) -> None:
    for path in ("1/index.html", "subscribe/index.html"):
        for control in _page(files, path).xpath("//button | //input[@type='range'] | //select"):
            assert control.xpath("ancestor-or-self::*[contains(@class, 'js-only')]"), (path, lxml.html.tostring(control))


def test_the_transcript_stands_in_the_page_by_chapter_and_speaker(files: Site) -> None:
    (transcript,) = _page(files, "1/index.html").xpath("//section[@aria-labelledby='transcript']")
    assert [_words(heading) for heading in transcript.iter("h3")] == ["换双鞋", "再坐坐"]
    assert [_words(paragraph) for paragraph in transcript.iter("p")] == ["您好，街坊。", "张阿姨：来啦！"]


def test_the_page_says_how_long_and_how_large_the_sound_is(files: Site) -> None:
    words = _words(_page(files, "1/index.html"))
    assert "约 1 分 20 秒" in words
    assert "1.3 MB" in words


def test_chapters_of_a_long_sound_lead_into_it_even_without_our_script(series: Series, build: Build) -> None:
    long, short = build(1, duration_s=301), build(2, duration_s=300)
    files = render_pages(series, [long, short], [])
    links = _page(files, "1/index.html").xpath("//nav[@aria-labelledby='chapters']//a")
    assert [(_words(link), link.get("href").rpartition("#")[2]) for link in links] == [
        ("0:05换双鞋", "t=5.2"),
        ("0:40再坐坐", "t=40.0"),
    ]
    assert not _page(files, "2/index.html").xpath("//nav[@aria-labelledby='chapters']")


def test_each_sentence_knows_when_it_is_said(series: Series, build: Build) -> None:
    script = parse_script("## 换双鞋\n\n您好，**街坊。再**坐坐。\n\n张阿姨：来啦！\n\n这段没有录。\n", 1)
    cues = (make_cue("您好，街坊。", 5, 8), make_cue("再坐", 8, 9), make_cue("坐。", 9, 10), make_cue("来啦！", 12, 13))
    page = _page(render_pages(series, [build(1, script=script, cues=cues)], []), "1/index.html")
    sentences = page.xpath("//section[@aria-labelledby='transcript']//span[@data-at]")
    assert [(each.get("data-at"), _words(each)) for each in sentences] == [
        ("5.0", "您好，街坊。"),
        ("8.0", "再坐坐。"),
        ("12.0", "来啦！"),
    ]
    assert [_words(each) for each in page.xpath("//a[@class='at']")] == ["0:05", "0:12"]
    assert "这段没有录。" in _words(page)


def test_a_synthetic_voice_is_named_and_a_real_one_is_not_called_synthetic(series: Series, build: Build) -> None:
    files = render_pages(series, [build(1), build(2, synthetic_voice=False)], [])
    assert "本期为合成语音" in _words(_page(files, "1/index.html"))
    assert "合成语音" not in _words(_page(files, "2/index.html"))


def test_the_poster_has_its_size_and_says_what_it_shows(files: Site) -> None:
    for picture in _page(files, "1/index.html").iter("img"):
        assert (picture.get("width"), picture.get("height")) == ("1080", "1440")
        assert "到1处走走" in picture.get("alt", "")


def test_the_whole_poster_to_save_costs_no_second_picture(files: Site) -> None:
    pictures = _page(files, "1/index.html").findall(".//img")
    assert len(pictures) == 2
    assert len({picture.get("src") for picture in pictures}) == 1


def test_a_shared_link_shows_title_words_and_cover(files: Site) -> None:
    page = _page(files, "1/index.html")
    shared = dict(zip(page.xpath("//meta/@property"), page.xpath("//meta[@property]/@content"), strict=True))
    assert shared["og:title"].startswith("到1处走走")
    assert shared["og:description"] == "跟着走一走。"
    assert shared["og:url"] == f"{SITE}1/"
    cover = next(path for path, content in files.items() if isinstance(content, Path) and content.name == "1-cover.jpg")
    assert shared["og:image"] == SITE + cover


def test_the_next_stop_is_the_nearest_one_ahead_that_can_be_heard(series: Series, build: Build) -> None:
    built = [build(1), build(2, public=False), build(3)]
    (link,) = _page(render_pages(series, built, []), "1/index.html").xpath("//section[@aria-labelledby='next']//a")
    assert link.get("href") == "../3/"
    leg = leg_between(STOPS[0], STOPS[2])
    assert f"直线 {metres(leg.distance_m)}走路约 {leg.minutes} 分钟" in _words(link)


def test_the_last_stop_leads_back_to_the_route(files: Site) -> None:
    (link,) = _page(files, "3/index.html").xpath("//section[@aria-labelledby='next']//a")
    assert link.get("href") == "../route/"


def test_only_the_pictures_that_pages_show_are_laid_out(files: Site) -> None:
    copied = {content.name for content in files.values() if isinstance(content, Path)}
    pictures = {f"{number}-{name}.jpg" for number in range(1, 5) for name in ("page", "cover")}
    assert copied == pictures | {"1.mp3", "2.mp3", "3.mp3"}


# Before release and after departure


def test_an_unreleased_episode_says_when_it_comes(files: Site) -> None:
    words = _words(_page(files, "4/index.html"))
    assert "即将上线" in words
    assert "到4处走走" in words
    assert "2026 年 10 月 4 日（星期日）8:00" in words


def test_of_an_unreleased_episode_neither_sound_nor_words_leak(series: Series, build: Build) -> None:
    hidden = build(4, public=False)
    files = render_pages(series, [build(1), hidden], [])
    sound_path = addresses.sound_path(4, hidden.enclosure)
    assert sound_path not in files
    assert hidden.enclosure.file not in files.values()
    assert not _page(files, "4/index.html").xpath("//audio")
    assert not _page(files, "4/index.html").xpath("//*[@data-sound]")
    for path, content in files.items():
        if isinstance(content, bytes):
            assert sound_path not in content.decode(), path
    assert "再坐坐" not in _source(files, "4/index.html")
    assert waveform_path(hidden.sound.envelope) not in _source(files, "4/index.html")


def test_search_engines_hear_of_released_episodes_only(files: Site) -> None:
    urls = [element.text for element in lxml.etree.fromstring(_source(files, "sitemap.xml").encode()).iter("{*}loc")]
    assert f"{SITE}1/" in urls
    assert f"{SITE}4/" not in urls
    assert f"{SITE}9/" not in urls
    assert len(urls) == len(set(urls))
    assert all(f"{url.removeprefix(SITE)}index.html" in files for url in urls if url is not None)
    assert f"Sitemap: {SITE}sitemap.xml" in _source(files, "robots.txt")
    assert _page(files, "4/index.html").xpath("//meta[@name='robots']/@content") == ["noindex"]


def test_a_departed_episode_leaves_a_kind_page_at_its_address(files: Site) -> None:
    words = _words(_page(files, "9/index.html"))
    assert "这一期收起来了" in words
    assert "您扫的码没有错" in words


def test_a_series_without_any_episode_has_its_pages_too(series: Series) -> None:
    files = render_pages(dataclasses.replace(series, stops=(), platforms=()), [], [])
    assert "请过些日子再来" in _words(_page(files, "index.html"))
    assert "route/index.html" in files


# Home, route, subscription


def test_home_lists_the_newest_first_and_opens_six_doors(files: Site) -> None:
    page = _page(files, "index.html")
    listed = page.xpath("//section[@aria-labelledby='episodes']//a/@href")
    assert listed == ["3/", "2/", "1/"]
    assert page.xpath("//a[@class='door']/@href") == [f"aspects/{aspect.key}/" for aspect in ASPECTS]


def test_a_long_list_stays_light_and_only_its_front_page_changes(series: Series, build: Build) -> None:
    def numbers(files: Site, path: str) -> list[int]:
        return [int(href.strip("./")) for href in _page(files, path).xpath("//a[@class='episode-link']/@href")]

    built = [build(number) for number in range(1, 41)]
    before, after = render_pages(series, built[:-1], []), render_pages(series, built, [])
    assert numbers(after, "index.html") == list(range(40, 24, -1))
    assert numbers(after, "episodes/2/index.html") == list(range(24, 12, -1))
    assert numbers(after, "episodes/1/index.html") == list(range(12, 0, -1))
    assert before["episodes/1/index.html"] == after["episodes/1/index.html"]
    assert before["episodes/2/index.html"] == after["episodes/2/index.html"]
    for path, hrefs in {"index.html": ["episodes/2/"], "episodes/2/index.html": ["../../", "../../episodes/1/"]}.items():
        assert _page(after, path).xpath("//nav[@aria-label='翻页']/a/@href") == hrefs


def test_an_aspect_lists_its_own_episodes(files: Site) -> None:
    listed = _page(files, "aspects/business/index.html").xpath("//section[@aria-labelledby='episodes']//a/@href")
    assert listed == ["../../2/"]


def test_the_route_lists_the_stops_in_walking_order_whatever_the_order_of_the_file(series: Series, build: Build) -> None:
    files = render_pages(dataclasses.replace(series, stops=tuple(reversed(STOPS))), [build(1)], [])
    names = [_words(heading) for heading in _page(files, "route/index.html").xpath("//ol[@class='stations']//h3")]
    assert names == [stop.name for stop in STOPS]


def test_coordinates_that_nobody_measured_are_called_samples(series: Series) -> None:
    surveyed = _words(_page(render_pages(series, [], []), "route/index.html"))
    guessed = dataclasses.replace(series, stops=(STOPS[0], make_stop(2, surveyed=False)))
    assert "示例坐标，待实测" not in surveyed
    assert "示例坐标，待实测" in _words(_page(render_pages(guessed, [], []), "route/index.html"))


def test_the_feed_address_can_be_copied_by_hand(files: Site) -> None:
    (field,) = _page(files, "subscribe/index.html").iter("textarea")
    assert field.text == addresses.feed_url(SITE)
    assert "readonly" in field.attrib


@pytest.mark.parametrize(("site_url", "root"), [(SITE, "/"), ("https://jixiang.example/sub/", "/sub/")])
def test_the_lost_page_works_at_any_depth(series: Series, site_url: str, root: str) -> None:
    files = render_pages(dataclasses.replace(series, site_url=site_url), [], [])
    found = [address for _, _, address in _addresses(files, "404.html")]
    ours = [address for address in found if not re.match("#|tel:|https://beian", address)]
    assert len(ours) > 6
    assert all(address.startswith(root) for address in ours)


# Untrusted words


def test_hostile_words_are_shown_and_never_run(series: Series, build: Build) -> None:
    def plain(path: str, files: Site) -> list[tuple[str, tuple[str, ...]]]:
        return [(str(element.tag), tuple(sorted(element.attrib))) for element in _page(files, path).iter(lxml.etree.Element)]

    names = {"title": "题", "subtitle": "副", "host": "人", "people": ("甲",), "photo_credit": "图"}
    hostile = {name: (HOSTILE,) if name == "people" else HOSTILE for name in names}
    kind_link, bad_link = Link(name="书", url="https://a.example/"), Link(name=HOSTILE, url='https://a.example/"onclick="x')
    stops = (make_stop(1, name=HOSTILE), *STOPS[1:])
    kind = render_pages(series, [build(1, links=(kind_link,), **names)], [])
    fields = {
        "title": HOSTILE,
        "subtitle": HOSTILE,
        "description": HOSTILE,
        "author": HOSTILE,
        "licence": HOSTILE,
        "icp_number": HOSTILE,
    }
    bad_series = dataclasses.replace(
        series,
        stops=stops,
        contact=Contact(telephone=f"0755{HOSTILE}", hours=HOSTILE),
        **fields,  # type: ignore[arg-type]  # text fields
    )
    bad = render_pages(bad_series, [build(1, links=(bad_link,), stop=stops[0], **hostile)], [])
    assert kind.keys() == bad.keys()
    for path in _pages(kind):
        if path != "route/index.html":  # there a long name takes more lines on the map
            assert plain(path, bad) == plain(path, kind), path
        assert "<script>alert" not in _source(bad, path)
        assert "<img src=x" not in _source(bad, path)


def test_a_link_with_a_foreign_scheme_keeps_only_its_name(series: Series, build: Build) -> None:
    foreign = Link(name="点我", url="javascript:alert(1)")
    files = render_pages(dataclasses.replace(series, platforms=(foreign,)), [build(1, links=(foreign,))], [])
    assert "点我" in _words(_page(files, "1/index.html"))
    for path in ("1/index.html", "subscribe/index.html"):
        assert "javascript:" not in _source(files, path)


def test_markup_in_script_and_summary_is_inert(series: Series, build: Build) -> None:
    script = parse_script(f"## {HOSTILE}\n\n{HOSTILE} [x](javascript:alert(1))\n", 1)
    page = _page(render_pages(series, [build(1, script=script, summary=HOSTILE)], []), "1/index.html")
    assert len(page.findall(".//script")) == 2
    assert len(page.findall(".//img")) == 2
    assert not page.xpath("//a[contains(@href, 'javascript')]")


# The same arguments, the same bytes


def test_rendering_twice_gives_the_same_bytes_in_whatever_order_the_episodes_come(series: Series, build: Build) -> None:
    built = [build(1), build(2), build(3, public=False)]
    again: Sequence[BuiltEpisode] = [*reversed(built)]
    assert render_pages(series, built, []) == render_pages(series, again, [])


def test_style_and_script_are_named_for_their_bytes(files: Site) -> None:
    for path in (path for path in files if path.startswith("assets/")):
        content = files[path]
        assert isinstance(content, bytes)
        assert hashlib.sha256(content).hexdigest()[:12] in path


def test_a_page_is_light_enough_for_a_weak_network(files: Site) -> None:
    weight_bytes = sum(
        len(content) for path, content in files.items() if path.startswith("assets/") and isinstance(content, bytes)
    )
    assert weight_bytes + len(_source(files, "1/index.html").encode()) < 60_000


# Words, ways and waves


@pytest.mark.parametrize(
    ("duration_s", "words"),
    [
        (79.6, "约 1 分 20 秒"),
        (60, "约 1 分钟"),
        (59.4, "约 59 秒"),
        (59.6, "约 1 分钟"),
        (0, "约 1 秒"),
        (3725, "约 62 分 5 秒"),
    ],
)
def test_a_length_is_said_in_minutes_and_seconds(duration_s: float, words: str) -> None:
    assert spoken_length(duration_s) == words


def test_figures_read_as_people_write_them() -> None:
    assert [clock(5.9), clock(65), clock(3725)] == ["0:05", "1:05", "1:02:05"]
    assert [megabytes(1_272_000), megabytes(900)] == ["1.3 MB", "0.1 MB"]
    assert [metres(423), metres(996), metres(1240), metres(2)] == ["420 米", "1.0 公里", "1.2 公里", "10 米"]
    assert day_and_hour(datetime(2026, 10, 11, 16, 5, tzinfo=UTC), "Asia/Shanghai") == "2026 年 10 月 12 日（星期一）0:05"
    assert [dialled("0755-12345678（示例）"), dialled("+86 (755) 1"), dialled("待定")] == ["075512345678", "+867551", ""]


@pytest.mark.parametrize("frames", [1, 10, 72, 5000])
def test_the_waveform_has_the_same_number_of_strokes_for_any_length(frames: int) -> None:
    assert waveform_path([0.1] * frames).count("v") == BARS


def test_silence_stays_visible_as_dots() -> None:
    assert waveform_path([0.0] * 500).count("v2") == BARS

"""The gate: a good feed passes, and each rule that is broken is named with the episode, the field, what is found and wanted."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from pipeline import addresses, feed
from pipeline.model import Attachment, BuiltEpisode, Enclosure, Link, Poster, Series, Span, Txt
from pipeline.source.text import clean
from tests.episodes import build_episode, make_series

NAMESPACES = {
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
}
MUST, SHOULD, PROMISE, FILE = "JX-F01", "JX-F02", "JX-F03", "JX-F04"
GUID = "917393e3-1b1e-5cef-ace4-edaa54e1f810"


# A good feed


def make_built(folder: Path, number: int) -> BuiltEpisode:
    built = build_episode(
        folder,
        number,
        soundbite=Span(start_s=10, end_s=40),
        season=1,
        links=(Link(name="喜马拉雅", url="https://ximalaya.example/1"),),
    )
    other = Enclosure(file=Path("x.m4a"), mime_type="audio/mp4", size_bytes=900, sha256=f"{number:064}", duration_s=79.6)
    paths = {"text/vtt": "transcripts/{}-0a.vtt", "application/x-subrip": "transcripts/{}-0a.srt"}
    return dataclasses.replace(
        built,
        alternates=(other,),
        transcripts=tuple(Attachment(path=path.format(number), mime_type=kind, content=b"") for kind, path in paths.items()),
        chapters=Attachment(path=f"chapters/{number}-0a.json", mime_type="application/json+chapters", content=b""),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Good:
    """A feed of two episodes without a fault, and what it is held against."""

    series: Series
    content: bytes
    promised: dict[str, feed.PromisedItem]
    files: dict[str, int]

    def check(self, content: bytes, **other: object) -> tuple[feed.Fault, ...]:
        held = {"series": self.series, "podcast_guid": GUID, "promised": self.promised, "retired": set(), "files": self.files}
        return feed.check_feed(content, **(held | other))  # type: ignore[arg-type]  # each test names what is different


def cover_of(built: BuiltEpisode) -> Poster:
    return next(poster for poster in built.posters if poster.format == "cover")


def make_good(series: Series, built: list[BuiltEpisode], *, moved: bool = False) -> Good:
    cover = cover_of(built[0])
    content = feed.render_feed(series, built, cover, podcast_guid=GUID, moved=moved)["feed.xml"]
    assert isinstance(content, bytes)
    files = {addresses.image_path("series", cover): 1}
    for each in built:
        number = each.identity.number
        files |= {addresses.sound_path(number, sound): sound.size_bytes for sound in (each.enclosure, *each.alternates)}
        files |= {attachment.path: 1 for attachment in (*each.transcripts, *([each.chapters] if each.chapters else []))}
        files[addresses.image_path(number, cover_of(each))] = 1
    return Good(
        series=series,
        content=content,
        promised={
            each.identity.guid: feed.PromisedItem(
                number=each.identity.number,
                path=addresses.sound_path(each.identity.number, each.enclosure),
                size_bytes=each.enclosure.size_bytes,
            )
            for each in built
        },
        files=files,
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    folder = tmp_path_factory.mktemp("good")
    series = dataclasses.replace(
        make_series(folder),
        category=("Society & Culture", "Places & Travel"),
        update_frequency="每周一期",
        update_rrule="FREQ=WEEKLY",
        txt=(Txt(purpose="verify", text="0a1b"),),
    )
    return make_good(series, [make_built(folder, 1), make_built(folder, 2)], moved=True)


def test_a_good_feed_has_no_fault(good: Good) -> None:
    assert good.check(good.content) == ()


def test_a_feed_without_episodes_has_no_fault(good: Good, tmp_path: Path) -> None:
    empty = feed.render_feed(good.series, [], cover_of(build_episode(tmp_path, 1)), podcast_guid=GUID)["feed.xml"]
    assert isinstance(empty, bytes)
    assert good.check(empty, promised={}, files=None) == ()


# One broken feed for each rule. The newer episode, number 2, stands first.

Breaking = Callable[[etree._Element], None]  # noqa: SLF001  # lxml has no other name for its elements


def find(root: etree._Element, path: str) -> etree._Element:
    element = root.find(path, NAMESPACES)
    assert element is not None, path
    return element


def parent_of(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def write(path: str, value: str) -> Breaking:
    """Return the change that writes a text, or an attribute behind an @."""

    def change(root: etree._Element) -> None:
        at, _, name = path.partition("@")
        if name:
            find(root, at).set(name, value)
        else:
            find(root, at).text = value

    return change


def drop(path: str) -> Breaking:
    """Return the change that takes an element away, or an attribute."""

    def change(root: etree._Element) -> None:
        at, _, name = path.partition("@")
        element = find(root, at)
        if name:
            del element.attrib[name]
        else:
            parent_of(element).remove(element)

    return change


def double(path: str) -> Breaking:
    """Return the change that writes an element once more behind itself."""

    def change(root: etree._Element) -> None:
        element = find(root, path)
        element.addnext(copy.deepcopy(element))

    return change


def add(path: str, tag: str, text: str, **attributes: str) -> Breaking:
    """Return the change that adds an element."""

    def change(root: etree._Element) -> None:
        prefix, _, name = tag.rpartition(":")
        full_name = f"{{{NAMESPACES[prefix]}}}{name}" if prefix else name
        etree.SubElement(find(root, path), full_name, attributes).text = text

    return change


C, I = "channel/", "channel/item/"  # noqa: E741  # an item
SELF = "atom:link"
OUTDATED = ("keywords", "isClosedCaptioned", "subtitle", "summary")
BROKEN: list[tuple[Breaking, str, int | None, str]] = [
    # The channel: what Apple, PSP-1 and RSS require
    (drop(f"{C}title"), MUST, None, "title"),
    (write(f"{C}title", "好" * 256), MUST, None, "title"),
    (write(f"{C}title", " 好生活"), MUST, None, "title"),
    (write(f"{C}title", "好\x85生活"), MUST, None, "title"),
    (double(f"{C}title"), MUST, None, "title"),
    (drop(f"{C}description"), MUST, None, "description"),
    (write(f"{C}description", "好" * 1334), MUST, None, "description"),
    (drop(f"{C}link"), MUST, None, "link"),
    (write(f"{C}link", "jixiang.example"), MUST, None, "link"),
    (drop(f"{C}language"), MUST, None, "language"),
    (write(f"{C}language", "chinese"), MUST, None, "language"),
    (drop(f"{C}{SELF}"), MUST, None, "atom:link[@rel='self']"),
    (write(f"{C}{SELF}@href", "https://elsewhere.example/feed.xml"), MUST, None, "atom:link[@rel='self']@href"),
    (write(f"{C}{SELF}@type", "text/xml"), MUST, None, "atom:link[@rel='self']@type"),
    (drop(f"{C}itunes:category"), MUST, None, "itunes:category[1]"),
    (write(f"{C}itunes:category@text", "Society &amp; Culture"), MUST, None, "itunes:category[1]@text"),
    (write(f"{C}itunes:category/itunes:category@text", "走走"), MUST, None, "itunes:category[1]/itunes:category@text"),
    (drop(f"{C}itunes:explicit"), MUST, None, "itunes:explicit"),
    (write(f"{C}itunes:explicit", "no"), MUST, None, "itunes:explicit"),
    (drop(f"{C}itunes:image"), MUST, None, "itunes:image"),
    (write(f"{C}itunes:image@href", "https://jixiang.example/cover.webp"), MUST, None, "itunes:image@href"),
    (write(f"{C}itunes:type", "daily"), MUST, None, "itunes:type"),
    (write(f"{C}itunes:new-feed-url", "https://elsewhere.example/feed.xml"), MUST, None, "itunes:new-feed-url"),
    (write(f"{C}lastBuildDate", "2026-10-12"), MUST, None, "lastBuildDate"),
    # The channel: good manners
    (drop(f"{C}itunes:author"), SHOULD, None, "itunes:author"),
    (drop(f"{C}itunes:owner"), SHOULD, None, "itunes:owner/itunes:email"),
    (write(f"{C}itunes:owner/itunes:email", "吉祥社区"), MUST, None, "itunes:owner/itunes:email"),
    (drop(f"{C}podcast:guid"), SHOULD, None, "podcast:guid"),
    (drop(f"{C}podcast:locked"), SHOULD, None, "podcast:locked"),
    (write(f"{C}podcast:locked", "true"), MUST, None, "podcast:locked"),
    (write(f"{C}podcast:locked@owner", "nobody"), MUST, None, "podcast:locked@owner"),
    (write(f"{C}copyright", "© 2026 吉祥社区"), SHOULD, None, "copyright"),
    (add("channel", "itunes:complete", "no"), SHOULD, None, "itunes:complete"),
    (add("channel", "itunes:block", "no"), SHOULD, None, "itunes:block"),
    # The channel: the podcast namespace
    (write(f"{C}podcast:license", "CC-BY-4.0"), MUST, None, "podcast:license"),
    (double(f"{C}podcast:license"), MUST, None, "podcast:license"),
    (write(f"{C}podcast:updateFrequency", "每" * 129), MUST, None, "podcast:updateFrequency"),
    (write(f"{C}podcast:txt", "a" * 4001), MUST, None, "podcast:txt"),
    (write(f"{C}podcast:txt@purpose", "a" * 129), MUST, None, "podcast:txt@purpose"),
    (write(f"{C}podcast:license", "街坊都能用"), MUST, None, "podcast:license@url"),
    (write(f"{C}podcast:license", "好" * 129), MUST, None, "podcast:license"),
    (write(f"{C}podcast:license@url", "/about/"), MUST, None, "podcast:license@url"),
    (write(f"{C}podcast:medium", "a" * 129), MUST, None, "podcast:medium"),
    (add("channel", "podcast:person", "李" * 129), MUST, None, "podcast:person"),
    (add("channel", "podcast:location", ""), MUST, None, "podcast:location"),
    (add("channel", "podcast:location", "村口", geo="22,114°"), MUST, None, "podcast:location@geo"),
    (add("channel", "podcast:location", "村口", rel="near"), MUST, None, "podcast:location@rel"),
    (add("channel", "podcast:location", "村口", country="中国"), MUST, None, "podcast:location@country"),
    (add("channel", "pubDate", "昨天"), MUST, None, "pubDate"),
    (write(f"{C}copyright", "吉" * 256), MUST, None, "copyright"),
    (write(f"{C}itunes:owner/itunes:name", "吉" * 256), MUST, None, "itunes:owner/itunes:name"),
    # An episode
    (drop(f"{I}title"), MUST, 2, "title"),
    (write(f"{I}title", "走走 "), MUST, 2, "title"),
    (write(f"{I}title", "第7期 走走"), SHOULD, 2, "title"),
    (write(f"{I}title", "EP 7 走走"), SHOULD, 2, "title"),
    (drop(f"{I}description"), SHOULD, 2, "description"),
    (write(f"{I}description", "好" * 1334), MUST, 2, "description"),
    (drop(f"{I}link"), SHOULD, 2, "link"),
    (write(f"{I}link", "/2/"), MUST, 2, "link"),
    (drop(f"{I}pubDate"), SHOULD, 2, "pubDate"),
    (write(f"{I}pubDate", "2026-10-12T08:00:00+08:00"), MUST, 2, "pubDate"),
    (write(f"{I}pubDate", "Mon, 31 Nov 2026 08:00:00 +0800"), MUST, 2, "pubDate"),
    (write(f"{I}pubDate", "Tue, 12 Oct 2026 08:00:00 +0800"), MUST, 2, "pubDate"),
    (write(f"{I}guid@isPermaLink", "true"), MUST, 2, "guid@isPermaLink"),
    (double(f"{I}guid"), MUST, 2, "guid"),
    (double(f"{I}enclosure"), MUST, 2, "enclosure"),
    (drop(f"{I}enclosure@type"), MUST, 2, "enclosure@type"),
    (write(f"{I}enclosure@type", "audio/mp4"), MUST, 2, "enclosure@type"),
    (drop(f"{I}itunes:duration"), SHOULD, 2, "itunes:duration"),
    (write(f"{I}itunes:duration", "01:20"), MUST, 2, "itunes:duration"),
    (write(f"{I}itunes:duration", "79.6"), MUST, 2, "itunes:duration"),
    (drop(f"{I}itunes:explicit"), SHOULD, 2, "itunes:explicit"),
    (write(f"{I}itunes:explicit", "clean"), MUST, 2, "itunes:explicit"),
    (drop(f"{I}itunes:image"), SHOULD, 2, "itunes:image"),
    (write(f"{I}itunes:image@href", "https://elsewhere.example/封面.jpg"), MUST, 2, "itunes:image@href"),
    (write(f"{I}itunes:season", "0"), MUST, 2, "itunes:season"),
    (write(f"{I}itunes:episodeType", "part"), MUST, 2, "itunes:episodeType"),
    (add("channel/item", "itunes:order", "1"), SHOULD, 2, "itunes:order"),
    (add("channel/item", "itunes:block", "no"), SHOULD, 2, "itunes:block"),
    (add("channel/item", "itunes:title", "走走 "), MUST, 2, "itunes:title"),
    *((add("channel/item", f"itunes:{name}", "走"), SHOULD, 2, f"itunes:{name}") for name in OUTDATED),
    (write(f"{I}itunes:author", "吉" * 256), MUST, 2, "itunes:author"),
    (write(f"{I}itunes:episode", "0"), MUST, None, "第 1 个 item 的 itunes:episode"),
    (write(f"{I}content:encoded", "<p>好\x85</p>"), MUST, 2, "content:encoded"),
    # As apps read it: an identity of another format beside the guid, an address with an entity, a year of two figures
    (add("channel/item", "atom:id", "another"), MUST, 2, "guid"),
    (write(f"{I}link", "https://jixiang.example/2/?a&lt;b"), MUST, 2, "link"),
    (write(f"{I}pubDate", "Sat, 01 Jan 0050 08:00:00 +0000"), MUST, 2, "pubDate"),
    # An episode: the podcast namespace
    (drop(f"{I}podcast:transcript@url"), MUST, 2, "podcast:transcript@url"),
    (write(f"{I}podcast:season@name", "季" * 129), MUST, 2, "podcast:season@name"),
    (write(f"{I}podcast:soundbite@duration", "半分钟"), MUST, 2, "podcast:soundbite@duration"),
    (write(f"{I}podcast:contentLink", ""), MUST, 2, "podcast:contentLink"),
    (write(f"{I}podcast:alternateEnclosure@length", "0"), MUST, 2, "podcast:alternateEnclosure@length"),
    (
        write(f"{I}podcast:alternateEnclosure/podcast:source@uri", "ipfs://走走"),
        MUST,
        2,
        "podcast:alternateEnclosure/podcast:source@uri",
    ),
    (write(f"{I}podcast:txt", "a" * 4001), MUST, 2, "podcast:txt"),
    (write(f"{I}podcast:txt@purpose", "a" * 129), MUST, 2, "podcast:txt@purpose"),
    (add("channel/item", "podcast:license", "好" * 129, url="https://jixiang.example/about/"), MUST, 2, "podcast:license"),
    (add("channel/item", "podcast:license", "CC-BY-4.0"), MUST, 2, "podcast:license"),
    (add("channel/item", "podcast:license", "cc-by-4.0", url="/about/"), MUST, 2, "podcast:license@url"),
    (add("channel/item", "podcast:license", "街坊都能用"), MUST, 2, "podcast:license@url"),
    (drop(f"{I}podcast:transcript@type"), MUST, 2, "podcast:transcript@type"),
    (write(f"{I}podcast:transcript@rel", "subtitles"), MUST, 2, "podcast:transcript@rel"),
    (write(f"{I}podcast:transcript@type", "text/plain"), SHOULD, 2, "podcast:transcript@type"),
    (write(f"{I}podcast:chapters@type", "application/json"), MUST, 2, "podcast:chapters@type"),
    (drop(f"{I}podcast:chapters@url"), MUST, 2, "podcast:chapters@url"),
    (double(f"{I}podcast:chapters"), MUST, 2, "podcast:chapters"),
    (write(f"{I}podcast:location", ""), MUST, 2, "podcast:location"),
    (write(f"{I}podcast:location@geo", "22.7,114.2"), MUST, 2, "podcast:location@geo"),
    (write(f"{I}podcast:location@rel", "near"), MUST, 2, "podcast:location@rel"),
    (write(f"{I}podcast:location@country", "中国"), MUST, 2, "podcast:location@country"),
    (write(f"{I}podcast:person", "李" * 129), MUST, 2, "podcast:person"),
    (write(f"{I}podcast:season", "一"), MUST, 2, "podcast:season"),
    (write(f"{I}podcast:episode", "第二期"), MUST, 2, "podcast:episode"),
    (write(f"{I}podcast:episode@display", "第" * 33), MUST, 2, "podcast:episode@display"),
    (write(f"{I}podcast:soundbite", "好" * 129), MUST, 2, "podcast:soundbite"),
    (write(f"{I}podcast:soundbite@startTime", "0:50"), MUST, 2, "podcast:soundbite@startTime"),
    (write(f"{I}podcast:soundbite@startTime", "50.1"), MUST, 2, "podcast:soundbite"),
    (write(f"{I}podcast:soundbite@duration", "14"), SHOULD, 2, "podcast:soundbite@duration"),
    (drop(f"{I}podcast:contentLink@href"), MUST, 2, "podcast:contentLink@href"),
    (write(f"{I}podcast:contentLink@href", "http://ximalaya.example/1"), SHOULD, None, "url"),
    (drop(f"{I}podcast:alternateEnclosure@type"), MUST, 2, "podcast:alternateEnclosure@type"),
    (write(f"{I}podcast:alternateEnclosure@title", "M" * 33), MUST, 2, "podcast:alternateEnclosure@title"),
    # What is on record
    (write(f"{C}podcast:guid", "ead4c236-bf58-58c6-a2c6-a6b28d128cb6"), PROMISE, None, "podcast:guid"),
    (drop("channel/item"), PROMISE, 2, "guid"),
    (write(f"{I}enclosure@length", "1271999"), PROMISE, 2, "enclosure@length"),
    (write(f"{I}enclosure@url", "https://jixiang.example/audio/2-000000000000.mp3"), PROMISE, 2, "enclosure@url"),
    (write(f"{I}itunes:episode", "1"), PROMISE, 2, "itunes:episode"),
    # What the site holds
    (write(f"{I}podcast:transcript@url", "https://jixiang.example/transcripts/9.vtt"), FILE, 2, "podcast:transcript@url"),
    (write(f"{I}itunes:image@href", "https://jixiang.example/images/9.jpg"), FILE, 2, "itunes:image@href"),
    (write(f"{C}itunes:image@href", "https://jixiang.example/images/9.jpg"), FILE, None, "itunes:image@href"),
    (write(f"{I}podcast:chapters@url", "https://jixiang.example/chapters/9.json"), FILE, 2, "podcast:chapters@url"),
    (
        write(f"{I}podcast:alternateEnclosure/podcast:source@uri", "https://jixiang.example/9.m4a"),
        FILE,
        2,
        "podcast:source@uri",
    ),
    (write(f"{I}podcast:alternateEnclosure@length", "901"), FILE, 2, "podcast:source@length"),
    (write(f"{I}enclosure@length", "1271999"), FILE, 2, "enclosure@length"),
]


def broken(content: bytes, change: Breaking) -> bytes:
    root = etree.fromstring(content)
    change(root)
    return etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=True)


@pytest.mark.parametrize(("change", "code", "episode", "field"), BROKEN, ids=lambda part: part if isinstance(part, str) else "")
def test_a_broken_rule_is_named(good: Good, change: Breaking, code: str, episode: int | None, field: str) -> None:
    faults = good.check(broken(good.content, change))
    assert (code, field) in {(fault.code, fault.field) for fault in faults}
    assert {fault.episode for fault in faults if (fault.code, fault.field) == (code, field)} == {episode}


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (drop(f"{I}guid"), MUST, "guid"),
        (drop(f"{I}enclosure"), MUST, "enclosure"),
        (drop(f"{I}enclosure@url"), MUST, "enclosure@url"),
        (drop(f"{I}enclosure@length"), MUST, "enclosure@length"),
        (write(f"{I}enclosure@url", "https://jixiang.example/audio/走走.mp3"), MUST, "enclosure@url"),
        (write(f"{I}enclosure@url", "https://jixiang.example/audio/2.ogg"), MUST, "enclosure@url"),
        (write(f"{I}enclosure@length", "0"), MUST, "enclosure@length"),
        (write(f"{I}enclosure@length", "79.6 s"), MUST, "enclosure@length"),
    ],
)
def test_a_sound_that_breaks_a_rule_also_breaks_the_promise(good: Good, change: Breaking, code: str, field: str) -> None:
    faults = good.check(broken(good.content, change))
    assert (code, field) in {(fault.code, fault.field) for fault in faults}
    assert PROMISE in {fault.code for fault in faults}


@pytest.mark.parametrize("field", ["guid", "enclosure@url"])
def test_what_two_episodes_share_is_named_for_both(good: Good, field: str) -> None:
    def share(root: etree._Element) -> None:
        first, second = root.findall("channel/item")
        if field == "guid":
            find(first, "guid").text = find(second, "guid").text
        else:
            find(first, "enclosure").set("url", find(second, "enclosure").get("url", ""))

    faults = good.check(broken(good.content, share))
    assert {fault.episode for fault in faults if (fault.code, fault.field) == (MUST, field)} == {1, 2}


def test_a_serial_without_numbers_is_named_by_where_the_episode_stands(good: Good) -> None:
    def make_serial(root: etree._Element) -> None:
        find(root, f"{C}itunes:type").text = "serial"
        drop(f"{I}itunes:episode")(root)

    faults = good.check(broken(good.content, make_serial))
    assert (MUST, None, "第 1 个 item 的 itunes:episode") in {(fault.code, fault.episode, fault.field) for fault in faults}


def test_a_retired_episode_must_not_be_in_the_feed(good: Good) -> None:
    promised = {guid: promise for guid, promise in good.promised.items() if promise.number != 1}
    (fault,) = good.check(good.content, promised=promised, retired={"guid-1"})
    assert (fault.code, fault.episode, fault.field, fault.found) == (PROMISE, 1, "guid", "guid-1")


def test_without_a_site_to_look_at_no_file_is_missed(good: Good) -> None:
    assert good.check(good.content, files=None) == ()
    assert {fault.code for fault in good.check(good.content, files={})} == {FILE}


@pytest.mark.parametrize("prefix", ["itunes", "podcast", "atom"])
def test_a_namespace_that_is_spelled_otherwise_is_named(good: Good, prefix: str) -> None:
    wrong = NAMESPACES[prefix].upper()
    faults = good.check(good.content.replace(f'"{NAMESPACES[prefix]}"'.encode(), f'"{wrong}"'.encode()))
    assert (f"xmlns:{prefix}", wrong, NAMESPACES[prefix]) in {(fault.field, fault.found, fault.wanted) for fault in faults}


def test_another_encoding_than_utf_8_is_named(good: Good) -> None:
    text = good.content.decode().replace("encoding='UTF-8'", "encoding='GB18030'")
    faults = good.check(text.encode("gb18030"))
    assert [(fault.code, fault.field, fault.found) for fault in faults] == [(MUST, "encoding", "GB18030")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        b"\x00\xff\xfe",
        b"not a feed",
        b"<!DOCTYPE html><html><head><title>404</title></head><body><p>404</body></html>",
        b"<html><body><p>404</p></body></html>",
        b"<feed xmlns='http://www.w3.org/2005/Atom'><title>a</title></feed>",
        b"<rss version='2.0'/>",
        b"<rss version='2.0'><channel/><channel/></rss>",
        b'<!DOCTYPE rss [<!ENTITY a "&#38;a;">]><rss version="2.0"><channel><title>&a;</title></channel></rss>',
        b'<!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss version="2.0"><channel/></rss>',
    ],
)
def test_what_is_no_feed_is_a_fault_and_no_traceback(good: Good, content: bytes) -> None:
    (fault,) = good.check(content)
    assert (fault.code, fault.episode, fault.field) == (MUST, None, "feed.xml")


def test_a_feed_that_was_cut_off_is_a_fault(good: Good) -> None:
    (fault,) = good.check(good.content[: len(good.content) // 2])
    assert fault.field == "feed.xml"
    assert "行" in fault.found


NASTY = [
    "",
    " ",
    "https://[",
    "https://jixiang.example:99999999/a.mp3",
    "https://jixiang.example/%zz.mp3",
    "https://jixiang.example/audio/../../a.mp3",
    "9" * 5000,
    "１２",
    "-1",
    "1e400",
    "NaN",
    "Mon, 99 Oct 99999 99:99:99 +9999",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "<![CDATA[<b>&amp;</b>]]>",
    "geo:999,999",
    "\u2028😀\u0301",
]


def overwrite_all(value: str) -> Breaking:
    def change(root: etree._Element) -> None:
        for element in find(root, "channel").iter():
            element.text = value if not len(element) else element.text
            for name in element.attrib:
                element.set(name, value)

    return change


@pytest.mark.parametrize("value", NASTY)
def test_whatever_all_fields_hold_there_are_faults_and_no_traceback(good: Good, value: str) -> None:
    assert good.check(broken(good.content, overwrite_all(value)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40) | st.sampled_from(NASTY),
    data=st.data(),
)
def test_whatever_one_field_holds_there_is_no_traceback(good: Good, value: str, data: st.DataObject) -> None:
    root = etree.fromstring(good.content)
    element = data.draw(st.sampled_from([each for each in find(root, "channel").iter() if not len(each)]))
    name = data.draw(st.sampled_from([None, *element.attrib]))
    try:
        if name is None:
            element.text = value
        else:
            element.set(name, value)
    except ValueError:  # XML itself holds no such character
        return
    for fault in good.check(etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=True)):
        assert fault.problem(Path("feed.xml")).cause


def test_a_fault_is_told_in_chinese_with_what_was_found_and_wanted(good: Good) -> None:
    (fault,) = good.check(broken(good.content, write(f"{I}itunes:explicit", "clean")))
    problem = fault.problem(Path("feed.xml"))
    assert problem.cause == "订阅源里第 2 期的 itunes:explicit 是“clean”，应当是 true 或 false"
    assert (problem.code, fault.level) == ("JX-F01", "must")
    (missing,) = good.check(broken(good.content, drop(f"{I}itunes:image")))
    assert "第 2 期没有 itunes:image，应当是" in missing.problem(Path("feed.xml")).cause
    assert missing.level == "should"


# Whatever is written


def _text(most: int) -> st.SearchStrategy[str]:
    characters = st.characters(codec="utf-8") | st.sampled_from("\u2028\u2029\u00a0😀<>&\"'\u0301]")
    return st.text(characters, min_size=1, max_size=most).map(clean).filter(bool)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    title=_text(24).filter(lambda title: not any(mark in title.lower() for mark in ("第", "ep"))),
    summary=_text(120),
    host=_text(20),
    people=st.lists(_text(20), max_size=2),
    synthetic_voice=st.booleans(),
    season=st.none() | st.integers(1, 99_999),
    days=st.integers(-20_000, 20_000),
    size_bytes=st.integers(1, 10**10),
    duration_s=st.floats(1, 20_000),
)
def test_whatever_is_written_the_feed_has_no_fault(
    tmp_path: Path, *, days: int, size_bytes: int, duration_s: float, people: list[str], **episode: object
) -> None:
    series = make_series(tmp_path)
    built = make_built(tmp_path, 7)
    changed = dataclasses.replace(
        built,
        episode=dataclasses.replace(built.episode, people=tuple(people), soundbite=None, **episode),  # type: ignore[arg-type]
        enclosure=dataclasses.replace(built.enclosure, size_bytes=size_bytes, duration_s=duration_s),
        published_at=built.published_at + timedelta(days=days),
    )
    good = make_good(series, [changed])
    assert good.check(good.content) == ()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=_text(100), description=_text(400), author=_text(100).filter(lambda author: not any(map(str.isdigit, author))))
def test_whatever_the_series_is_called_the_feed_has_no_fault(tmp_path: Path, title: str, description: str, author: str) -> None:
    if "©" in author or "(c)" in author.lower():
        author = "吉祥社区"
    series = dataclasses.replace(make_series(tmp_path), title=title, description=description, author=author)
    good = make_good(series, [make_built(tmp_path, 1)])
    assert good.check(good.content) == ()

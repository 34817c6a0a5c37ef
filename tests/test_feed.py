"""The feed, read back by other people's parsers."""

from __future__ import annotations

import dataclasses
import hashlib
import html
import io
import os
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import podcastparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from playwright.sync_api import Browser

from pipeline import addresses, feed
from pipeline.coordinates import locate
from pipeline.model import (
    Attachment,
    BuiltEpisode,
    Captions,
    Cue,
    Enclosure,
    Episode,
    Identity,
    Link,
    Poster,
    Series,
    Sound,
    Span,
    Txt,
)
from pipeline.source.categories import APPLE_CATEGORIES

ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
PODCAST = "{https://podcastindex.org/namespace/1.0}"


@pytest.fixture
def cover(tmp_path: Path) -> Poster:
    file = tmp_path / "cover.jpg"
    file.write_bytes(b"a picture")
    return Poster(
        format="cover",
        label="封面",
        file=file,
        sha256=hashlib.sha256(b"a picture").hexdigest(),
        mime_type="image/jpeg",
        width_px=3000,
        height_px=3000,
        decodings=0,
        trials=0,
    )


@pytest.fixture
def built(episode: Episode, cover: Poster) -> BuiltEpisode:
    sound = Sound(
        file=Path("x.mp3"),
        duration_s=78.4,
        voice_start_s=4.7,
        speech=(),
        integrated_lufs=-16.0,
        loudness_range_lu=4.0,
        true_peak_dbtp=-1.5,
        envelope=(0.1,),
        recorded_lufs=-30.0,
        recorded_range_lu=9.0,
        recorded_true_peak_dbtp=-9.0,
        recorded_envelope=(),
        trimmed_head_s=0.3,
        trimmed_tail_s=0.2,
        most_limiting_db=2.0,
        renders=1,
        ffmpeg="9.0",
        warnings=(),
    )
    return BuiltEpisode(
        episode=episode,
        identity=Identity(number=1, guid="11111111-2222-5333-8444-555555555555", page_url="https://jixiang.example/1/"),
        public=True,
        published_at=episode.publish_at,
        sound=sound,
        captions=Captions(cues=(), chapters=(), disagreements=()),
        posters=(cover,),
        enclosure=Enclosure(file=Path("x.mp3"), mime_type="audio/mpeg", size_bytes=1_272_552, sha256="ab" * 32, duration_s=78.6),
        alternates=(),
        transcripts=(
            Attachment(path="transcripts/1-0123456789ab.vtt", mime_type="text/vtt", content=b""),
            Attachment(path="transcripts/1-0123456789ab.srt", mime_type="application/x-subrip", content=b""),
        ),
        chapters=Attachment(path="chapters/1-0123456789ab.json", mime_type="application/json+chapters", content=b""),
    )


PODCAST_GUID = "917393e3-1b1e-5cef-ace4-edaa54e1f810"


def _render(series: Series, built: Sequence[BuiltEpisode], cover: Poster, *, moved: bool = False) -> bytes:
    content = feed.render_feed(series, built, cover, podcast_guid=PODCAST_GUID, moved=moved)["feed.xml"]
    assert isinstance(content, bytes)
    return content


def _channel(content: bytes) -> etree._Element:
    channel = etree.fromstring(content).find("channel")
    assert channel is not None
    return channel


def _item(series: Series, built: BuiltEpisode, cover: Poster, **changes: object) -> etree._Element:
    """Return the item of an episode with other fields; each test names those it changes."""
    episode = dataclasses.replace(built.episode, **changes)  # type: ignore[arg-type]
    item = _channel(_render(series, [dataclasses.replace(built, episode=episode)], cover)).find("item")
    assert item is not None
    return item


def _attributes(element: etree._Element | None) -> dict[str, str]:
    assert element is not None
    return {str(name): str(value) for name, value in element.attrib.items()}


def _numbered(built: BuiltEpisode, number: int) -> BuiltEpisode:
    identity = Identity(number=number, guid=f"guid-{number}", page_url=f"https://jixiang.example/{number}/")
    return dataclasses.replace(built, identity=identity, published_at=built.published_at + timedelta(days=7 * number))


def test_every_must_of_a_channel_is_there(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    root = etree.fromstring(_render(series, [built], cover))
    channel = root.find("channel")
    assert channel is not None
    assert root.get("version") == "2.0"
    assert channel.findtext("title") == "好生活·好吉祥"
    assert channel.findtext("link") == "https://jixiang.example/"
    assert channel.findtext("language") == "zh-cn"
    assert len((channel.findtext("description") or "").encode()) <= 4000
    assert channel.findtext(f"{ITUNES}explicit") == "false"
    category = channel.find(f"{ITUNES}category")
    assert category is not None
    assert category.get("text") in APPLE_CATEGORIES
    (self_link,) = channel.findall("{http://www.w3.org/2005/Atom}link")
    assert (self_link.get("rel"), self_link.get("type")) == ("self", "application/rss+xml")
    assert self_link.get("href") == "https://jixiang.example/feed.xml"
    image = channel.find(f"{ITUNES}image")
    assert image is not None
    assert image.get("href") == f"https://jixiang.example/{addresses.image_path('series', cover)}"


def test_every_should_of_a_channel_is_there(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    channel = etree.fromstring(_render(series, [built], cover)).find("channel")
    assert channel is not None
    assert channel.findtext(f"{PODCAST}guid") == PODCAST_GUID
    assert channel.findtext(f"{PODCAST}locked") == "yes"
    assert channel.findtext(f"{ITUNES}author") == "吉祥社区"
    assert channel.findtext(f"{ITUNES}owner/{ITUNES}email") == "podcast@jixiang.example"
    assert channel.findtext(f"{ITUNES}type") == "episodic"
    # PSP-1: without the word, the sign or a year.
    assert not re.search(r"©|copyright|\d{4}", channel.findtext("copyright") or "", re.IGNORECASE)


def test_feedparser_reads_every_field_of_an_item(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    parsed = feedparser.parse(_render(series, [built], cover))
    assert not parsed.bozo
    (entry,) = parsed.entries
    assert entry.title == "到珍珠滩走走"
    assert entry.id == built.identity.guid
    assert not entry.guidislink
    assert entry.link == "https://jixiang.example/1/"
    assert entry.published == "Mon, 12 Oct 2026 08:00:00 +0800"
    assert entry.itunes_duration == "79"
    assert entry.itunes_episode == "1"
    assert "本期为合成语音" in entry.summary
    assert entry.enclosures[0].href == "https://jixiang.example/audio/1-abababababab.mp3"
    assert entry.enclosures[0].length == "1272552"
    assert entry.enclosures[0].type == "audio/mpeg"


def test_podcastparser_reads_the_same(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    stream = io.BytesIO(_render(series, [built], cover))
    parsed = podcastparser.parse("https://jixiang.example/feed.xml", stream)
    (item,) = parsed["episodes"]
    assert parsed["title"] == "好生活·好吉祥"
    assert item["guid"] == built.identity.guid
    assert item["total_time"] == 79
    assert item["enclosures"][0]["file_size"] == 1272552
    assert item["number"] == 1
    assert item["published"] == int(built.published_at.timestamp())


def test_both_parsers_read_every_field_of_the_channel(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    content = _render(series, [built], cover, moved=True)
    by_feedparser = feedparser.parse(content).feed
    by_podcastparser = podcastparser.parse("https://jixiang.example/feed.xml", io.BytesIO(content))
    assert by_feedparser.title == by_podcastparser["title"] == series.title
    assert by_feedparser.subtitle == by_podcastparser["description"] == series.description
    assert by_feedparser.link == by_podcastparser["link"] == series.site_url
    assert by_feedparser.language == by_podcastparser["language"] == series.language
    assert by_feedparser.author == by_podcastparser["itunes_author"] == series.author
    assert by_feedparser.image.href == by_podcastparser["cover_url"]
    assert by_feedparser["itunes_new-feed-url"] == by_podcastparser["new_url"] == "https://jixiang.example/feed.xml"
    assert [tag.term for tag in by_feedparser.tags] == list(series.category)
    assert by_podcastparser["itunes_categories"] == [list(series.category)]
    assert by_podcastparser["itunes_owner"] == {"name": series.author, "email": series.owner_email}
    assert by_podcastparser["explicit"] is False
    assert by_feedparser.rights == series.author
    assert by_feedparser.podcast_guid == PODCAST_GUID
    assert by_feedparser.podcast_updatefrequency == {"rrule": "FREQ=WEEKLY"}
    assert by_feedparser.podcast_license == "cc-by-nc-4.0"


@pytest.mark.parametrize("title", ["A&B 的“路”", "1 < 2", "😀👨\u200d👩\u200d👧 一家人", "𠮷祥·阿依古丽", "it's]]>", "e\u0301té"])
def test_both_parsers_read_a_hostile_title_as_it_was_written(
    series: Series, built: BuiltEpisode, cover: Poster, title: str
) -> None:
    renamed = dataclasses.replace(built, episode=dataclasses.replace(built.episode, title=title))
    content = _render(series, [renamed], cover)
    (item,) = podcastparser.parse("https://jixiang.example/feed.xml", io.BytesIO(content))["episodes"]
    assert item["title"] == title
    assert html.unescape(feedparser.parse(content).entries[0].title) == title


def test_the_transcript_that_apple_reads_comes_first(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    item = etree.fromstring(_render(series, [built], cover)).find("channel/item")
    assert item is not None
    transcripts = item.findall(f"{PODCAST}transcript")
    assert [each.get("type") for each in transcripts] == ["text/vtt", "application/x-subrip"]
    assert transcripts[0].get("url") == "https://jixiang.example/transcripts/1-0123456789ab.vtt"
    chapters = item.find(f"{PODCAST}chapters")
    assert chapters is not None
    assert chapters.get("type") == "application/json+chapters"


def test_the_same_sound_in_another_container_is_offered_beside_the_enclosure(
    series: Series, built: BuiltEpisode, cover: Poster
) -> None:
    other = Enclosure(file=Path("x.m4a"), mime_type="audio/mp4", size_bytes=1_286_000, sha256="cd" * 32, duration_s=80.0)
    item = etree.fromstring(_render(series, [dataclasses.replace(built, alternates=(other,))], cover)).find("channel/item")
    assert item is not None
    assert len(item.findall("enclosure")) == 1
    (alternate,) = item.findall(f"{PODCAST}alternateEnclosure")
    assert {str(name): str(value) for name, value in alternate.attrib.items()} == {
        "type": "audio/mp4",
        "length": "1286000",
        "bitrate": "128600",
        "title": "M4A",
        "codecs": "mp4a.40.2",
    }
    (source,) = alternate.findall(f"{PODCAST}source")
    assert {str(name): str(value) for name, value in source.attrib.items()} == {
        "uri": "https://jixiang.example/audio/1-cdcdcdcdcdcd.m4a"
    }


def test_without_another_container_none_is_offered(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    assert b"alternateEnclosure" not in _render(series, [built], cover)


def test_the_newest_episode_comes_first_and_dates_the_feed(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    parsed = feedparser.parse(_render(series, [_numbered(built, 1), _numbered(built, 3), _numbered(built, 2)], cover))
    assert [entry.id for entry in parsed.entries] == ["guid-3", "guid-2", "guid-1"]
    assert parsed.feed.updated == parsed.entries[0].published


def test_an_episode_that_is_not_public_is_not_in_the_feed(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    hidden = dataclasses.replace(_numbered(built, 2), public=False)
    assert [entry.id for entry in feedparser.parse(_render(series, [built, hidden], cover)).entries] == [built.identity.guid]


def test_a_feed_without_episodes_does_not_change_with_the_clock(series: Series, cover: Poster) -> None:
    content = _render(series, [], cover)
    assert b"lastBuildDate" not in content
    assert str(datetime.now().year).encode() not in content  # noqa: DTZ005  (whatever the zone, the year must not be there)


def test_other_artwork_gets_another_address(series: Series, built: BuiltEpisode, cover: Poster, tmp_path: Path) -> None:
    other = tmp_path / "other.jpg"
    other.write_bytes(b"another picture")
    first = feedparser.parse(_render(series, [built], cover)).feed.image.href
    second = feedparser.parse(_render(series, [built], dataclasses.replace(cover, file=other, sha256="b" * 64))).feed.image.href
    assert first != second


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(title=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1).filter(str.strip))
def test_whatever_a_title_holds_comes_back_as_it_was(series: Series, built: BuiltEpisode, cover: Poster, title: str) -> None:
    title = " ".join(title.split())
    renamed = dataclasses.replace(built, episode=dataclasses.replace(built.episode, title=title))
    item = etree.fromstring(_render(series, [renamed], cover)).find("channel/item")
    assert item is not None
    assert item.findtext("title") == title


def _notes(series: Series, built: BuiltEpisode, cover: Poster) -> str:
    return str(feedparser.parse(_render(series, [built], cover), sanitize_html=False).entries[0].content[0].value)


def _with_chapters(built: BuiltEpisode, *headings: tuple[str, float]) -> BuiltEpisode:
    cues = tuple(Cue(start_s=start_s, end_s=start_s + 9, text=text, speaker="", confidence=1) for text, start_s in headings)
    return dataclasses.replace(built, captions=Captions(cues=(), chapters=cues, disagreements=()))


def test_the_notes_tell_when_each_chapter_begins_and_where_the_words_are(
    series: Series, built: BuiltEpisode, cover: Poster
) -> None:
    notes = _notes(series, _with_chapters(built, ("", 0.0), ("去海边", 65.9), ("回家", 3605.0)), cover)
    assert "<li>00:00 开场</li><li>01:05 去海边</li><li>1:00:05 回家</li>" in notes
    assert '<a href="https://jixiang.example/1/">' in notes


def test_one_chapter_needs_no_times(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    assert "<li>" not in _notes(series, _with_chapters(built, ("去海边", 0.0)), cover)


def test_the_notes_have_the_further_links(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    linked = dataclasses.replace(built.episode, links=(Link(name="街道 & 公众号", url="https://a.example/?a=1&b=2"),))
    notes = _notes(series, dataclasses.replace(built, episode=linked), cover)
    assert '<li><a href="https://a.example/?a=1&amp;b=2">街道 &amp; 公众号</a></li>' in notes


def test_the_words_of_the_notes_bring_no_markup_of_their_own(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    hostile = '<script>alert(1)</script>]]><a href="javascript:alert(2)">'
    changed = dataclasses.replace(built, episode=dataclasses.replace(built.episode, summary=hostile))
    notes = _notes(series, _with_chapters(changed, (hostile, 0.0), (hostile, 9.0)), cover)
    assert "<script" not in notes
    assert notes.count("<a ") == 1


def test_the_words_of_a_summary_bring_no_markup_of_their_own(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    summary = "价钱 <b>不到</b> 5 元 & 免费 &amp;"
    item = _item(series, built, cover, summary=summary, synthetic_voice=False)
    # Apps read the description as HTML, so what XML hands them is HTML that shows the summary.
    assert html.unescape(item.findtext("description") or "") == summary
    assert "<b>" not in (item.findtext("description") or "")


# The channel


def test_a_new_feed_names_itself_only_once_the_series_has_moved(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    moved = _channel(_render(series, [built], cover, moved=True))
    assert moved.findtext(f"{ITUNES}new-feed-url") == "https://jixiang.example/feed.xml"
    assert b"new-feed-url" not in _render(series, [built], cover)


def test_how_often_the_series_appears_is_told_in_words_and_as_a_rule(series: Series, cover: Poster) -> None:
    weekly = dataclasses.replace(series, update_frequency="每周一期", update_rrule="FREQ=WEEKLY")
    element = _channel(_render(weekly, [], cover)).find(f"{PODCAST}updateFrequency")
    assert element is not None
    assert (element.text, element.get("rrule")) == ("每周一期", "FREQ=WEEKLY")
    in_words = dataclasses.replace(series, update_frequency="常常", update_rrule="")
    assert _attributes(_channel(_render(in_words, [], cover)).find(f"{PODCAST}updateFrequency")) == {}
    silent = dataclasses.replace(in_words, update_frequency="")
    assert b"updateFrequency" not in _render(silent, [], cover)


def test_words_for_directories_stand_in_the_channel(series: Series, cover: Poster) -> None:
    owned = dataclasses.replace(series, txt=(Txt(purpose="applepodcastsverify", text="05124"), Txt(purpose="verify", text="x")))
    rows = _channel(_render(owned, [], cover)).findall(f"{PODCAST}txt")
    assert [(row.get("purpose"), row.text) for row in rows] == [("applepodcastsverify", "05124"), ("verify", "x")]


@pytest.mark.parametrize(
    ("licence", "text", "url"),
    [
        ("CC-BY-NC-4.0", "cc-by-nc-4.0", None),
        ("ARR", "arr", None),
        ("街坊都能用", "街坊都能用", "https://jixiang.example/about/"),
    ],
)
def test_a_licence_of_ones_own_leads_to_where_it_is_told(
    series: Series, cover: Poster, licence: str, text: str, url: str | None
) -> None:
    element = _channel(_render(dataclasses.replace(series, licence=licence), [], cover)).find(f"{PODCAST}license")
    assert element is not None
    assert (element.text, element.get("url")) == (text, url)


# The podcast namespace's elements of an item


def test_the_place_is_told_on_the_globe_that_the_world_uses(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    assert built.episode.stop.coord_system == "GCJ-02"
    location = _item(series, built, cover).find(f"{PODCAST}location")
    assert location is not None
    assert location.text == "珍珠滩"
    geo = re.fullmatch(r"geo:(-?[0-9.]+),(-?[0-9.]+)", _attributes(location).pop("geo"))
    assert geo
    point = locate(built.episode.stop).wgs84
    assert float(geo[1]) == pytest.approx(point.latitude_deg, abs=1e-6)
    assert float(geo[2]) == pytest.approx(point.longitude_deg, abs=1e-6)
    assert abs(point.latitude_deg - built.episode.stop.latitude_deg) > 1e-3
    assert (location.get("rel"), location.get("country")) == ("subject", "cn")


def test_only_links_to_the_platforms_are_other_places_to_listen(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    links = (Link(name="书城", url="https://books.example/"), Link(name="喜马拉雅", url="https://ximalaya.example/7"))
    (link,) = _item(series, built, cover, links=links).findall(f"{PODCAST}contentLink")
    assert (link.text, link.get("href")) == ("在喜马拉雅收听", "https://ximalaya.example/7")


def test_season_and_number_stand_in_both_namespaces(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    item = _item(series, built, cover, season=2)
    assert [item.findtext(f"{namespace}season") for namespace in (ITUNES, PODCAST)] == ["2", "2"]
    assert [item.findtext(f"{namespace}episode") for namespace in (ITUNES, PODCAST)] == ["1", "1"]
    assert _attributes(item.find(f"{PODCAST}episode")) == {"display": "第1期"}
    assert _item(series, built, cover, season=None).find(f"{PODCAST}season") is None


def test_the_passage_that_stands_for_the_whole_bears_the_episodes_title(
    series: Series, built: BuiltEpisode, cover: Poster
) -> None:
    soundbite = _item(series, built, cover, soundbite=Span(start_s=35, end_s=65)).find(f"{PODCAST}soundbite")
    assert soundbite is not None
    assert soundbite.text == "到珍珠滩走走"
    assert _attributes(soundbite) == {"startTime": "35.0", "duration": "30.0"}
    assert _item(series, built, cover, soundbite=None).find(f"{PODCAST}soundbite") is None


def test_a_machine_is_told_of_a_synthetic_voice(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    txt = _item(series, built, cover, synthetic_voice=True).find(f"{PODCAST}txt")
    assert txt is not None
    assert (txt.get("purpose"), txt.text) == ("ai-content", "本期为合成语音。")
    assert _item(series, built, cover, synthetic_voice=False).find(f"{PODCAST}txt") is None


def test_host_and_guests_are_told_apart(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    people = _item(series, built, cover, host="小吉", people=("张阿姨", "李伯")).findall(f"{PODCAST}person")
    assert [(each.get("role"), each.text) for each in people] == [("host", "小吉"), ("guest", "张阿姨"), ("guest", "李伯")]


# What does not matter


def test_times_are_in_the_series_zone_whatever_zone_they_were_written_in(
    series: Series, built: BuiltEpisode, cover: Poster
) -> None:
    elsewhere = dataclasses.replace(built, published_at=built.published_at.astimezone(UTC))
    assert _render(series, [elsewhere], cover) == _render(series, [built], cover)


def test_the_feed_is_the_same_in_another_zone_and_folder(
    series: Series, built: BuiltEpisode, cover: Poster, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    copied = tmp_path / "elsewhere" / "other name.jpg"
    copied.write_bytes(cover.file.read_bytes())
    moved = dataclasses.replace(cover, file=copied)
    earlier = feed.render_feed(series, [built], cover, podcast_guid=PODCAST_GUID)
    zone = os.environ.get("TZ")
    try:
        os.environ["TZ"] = "America/Caracas"
        time.tzset()
        elsewhere = dataclasses.replace(built, posters=(moved,))
        assert feed.render_feed(series, [elsewhere], moved, podcast_guid=PODCAST_GUID) == earlier
    finally:
        os.environ.pop("TZ") if zone is None else os.environ.update(TZ=zone)
        time.tzset()


def test_a_retired_episode_is_not_in_the_feed(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    assert b"<item>" not in _render(series, [dataclasses.replace(built, retired=True)], cover)


# The stylesheet


def test_the_feed_names_a_stylesheet_that_is_laid_out_beside_it(series: Series, built: BuiltEpisode, cover: Poster) -> None:
    files = feed.render_feed(series, [built], cover, podcast_guid=PODCAST_GUID)
    content = files["feed.xml"]
    assert isinstance(content, bytes)
    instruction = etree.fromstring(content).getprevious()
    assert isinstance(instruction, etree._ProcessingInstruction)  # noqa: SLF001  # lxml has no other name for it
    assert instruction.target == "xml-stylesheet"
    assert instruction.attrib["type"] == "text/css"
    path = str(instruction.attrib["href"])
    style = files[path]
    assert isinstance(style, bytes)
    assert path == f"assets/feed-{hashlib.sha256(style).hexdigest()[:12]}.css"


def test_people_who_open_the_feed_see_words_and_no_code(
    series: Series, built: BuiltEpisode, cover: Poster, browser: Browser
) -> None:
    files = feed.render_feed(series, [built], cover, podcast_guid=PODCAST_GUID)
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.route(
        "**/*",
        lambda route: route.fulfill(
            body=files[route.request.url.removeprefix("https://jixiang.example/")],
            content_type="text/css" if route.request.url.endswith(".css") else "application/xml",
        ),
    )
    page.goto("https://jixiang.example/feed.xml")
    shown = {
        name: page.evaluate("name => [...document.getElementsByTagName(name)].some(each => each.getClientRects().length)", name)
        for name in ("title", "description", "content:encoded", "guid", "link", "pubDate", "itunes:owner")
    }
    assert [name for name, is_shown in shown.items() if is_shown] == ["title", "description"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()

"""The RSS feed: every public episode in one file, by feedgen and one extension of ours.

Rules: RSS 2.0; PSP-1 (Podcast Standards Project); Apple, Podcaster's Guide to RSS; the podcast namespace (Podcasting 2.0).
"""

from __future__ import annotations

import hashlib
import zoneinfo
from collections.abc import Container, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from feedgen.feed import FeedGenerator
from lxml import etree

from pipeline import addresses
from pipeline.coordinates import geo_uri
from pipeline.feed.extension import ChannelExtension, ItemExtension, itunes, podcast
from pipeline.feed.notes import SYNTHETIC, description, shownotes
from pipeline.feed.rules import WELL_KNOWN_LICENCE
from pipeline.model import BuiltEpisode, Enclosure, Episode, Files, Poster, Series

_CODECS = {".m4a": "mp4a.40.2"}  # AAC-LC. Source: RFC 6381
_STYLE = (Path(__file__).parent / "feed.css").read_bytes()
_STYLE_PATH = f"assets/feed-{hashlib.sha256(_STYLE).hexdigest()[:12]}.css"


def render_feed(series: Series, built: Sequence[BuiltEpisode], cover: Poster, *, podcast_guid: str, moved: bool = False) -> Files:
    """Return ``feed.xml`` with every public episode of ``built``, newest first, and the stylesheet it names.

    ``cover`` is the series' own, ``podcast_guid`` what the ledger holds. Where the series has ``moved``, the feed says that it is
    the new one. The output depends on the arguments alone: the build date is the newest episode's, and all times are in the
    series' own zone.
    """
    zone = zoneinfo.ZoneInfo(series.timezone)
    public = sorted(
        (each for each in built if each.public and not each.retired),
        key=lambda each: (each.published_at, each.identity.number),
        reverse=True,
    )
    feed = FeedGenerator()
    feed.register_extension("more", ChannelExtension, ItemExtension, atom=False)
    newest = public[0].published_at.astimezone(zone) if public else None
    _describe_channel(feed, series, newest)
    feed.more.write = partial(_write_channel, series, cover, podcast_guid, moved=moved)
    platforms = {platform.name for platform in series.platforms}
    for each in public:
        item = feed.add_entry(order="append")
        _describe_item(item, series, each)
        item.pubDate(each.published_at.astimezone(zone))
        item.more.write = partial(_write_item, series, each, platforms)
    return {"feed.xml": feed.rss_str(pretty=True), _STYLE_PATH: _STYLE}


# The channel


def _describe_channel(feed: FeedGenerator, series: Series, newest: datetime | None) -> None:
    feed.title(series.title)
    feed.description(series.description)
    feed.link(href=addresses.feed_url(series.site_url), rel="self", type="application/rss+xml")
    feed.link(href=series.site_url, rel="alternate")  # the last link() becomes the channel's
    feed.language(series.language)
    feed.copyright(series.author)
    feed.generator("jixiang")
    if newest is not None:
        feed.lastBuildDate(newest)
    feed.more.newest = newest
    feed.more.stylesheet = _STYLE_PATH


def _write_channel(series: Series, cover: Poster, podcast_guid: str, channel: etree._Element, *, moved: bool) -> None:
    itunes(channel, "author", series.author)
    _write_category(channel, series.category)
    itunes(channel, "explicit", _true_or_false(series.explicit))
    itunes(channel, "image", href=f"{series.site_url}{addresses.image_path('series', cover)}")
    owner = itunes(channel, "owner")
    itunes(owner, "name", series.author)
    itunes(owner, "email", series.owner_email)
    itunes(channel, "type", "episodic")
    if moved:
        itunes(channel, "new-feed-url", addresses.feed_url(series.site_url))
    podcast(channel, "guid", podcast_guid)
    podcast(channel, "locked", "yes", owner=series.owner_email)
    podcast(channel, "medium", "podcast")
    if series.licence:
        _write_licence(channel, series)
    if series.update_frequency or series.update_rrule:
        rule = {"rrule": series.update_rrule} if series.update_rrule else {}
        podcast(channel, "updateFrequency", series.update_frequency, **rule)
    for txt in series.txt:
        podcast(channel, "txt", txt.text, purpose=txt.purpose)


def _write_category(parent: etree._Element, path: Sequence[str]) -> None:
    """Write a category with its subcategory inside."""
    for name in path:
        parent = itunes(parent, "category", text=name)


def _write_licence(channel: etree._Element, series: Series) -> None:
    identifier = series.licence.lower()
    known = bool(WELL_KNOWN_LICENCE.fullmatch(identifier))
    podcast(channel, "license", identifier, **({} if known else {"url": f"{series.site_url}about/"}))


# An item


def _describe_item(item: FeedGenerator, series: Series, built: BuiltEpisode) -> None:
    episode, identity, enclosure = built.episode, built.identity, built.enclosure
    item.title(episode.title)
    item.guid(identity.guid, permalink=False)
    item.link(href=identity.page_url)
    item.description(description(episode))
    item.content(shownotes(built), type="CDATA")
    sound_url = f"{series.site_url}{addresses.sound_path(identity.number, enclosure)}"
    item.enclosure(sound_url, str(enclosure.size_bytes), enclosure.mime_type)


def _write_item(series: Series, built: BuiltEpisode, platforms: Container[str], item: etree._Element) -> None:
    _write_itunes(series, built, item)
    _write_files(series, built, item)
    _write_words(built.episode, platforms, item)


def _write_itunes(series: Series, built: BuiltEpisode, item: etree._Element) -> None:
    episode, number = built.episode, built.identity.number
    cover = next(poster for poster in built.posters if poster.format == "cover")
    itunes(item, "author", episode.host or series.author)
    itunes(item, "duration", str(round(built.enclosure.duration_s)))
    itunes(item, "explicit", _true_or_false(episode.explicit))
    itunes(item, "image", href=f"{series.site_url}{addresses.image_path(number, cover)}")
    if episode.season is not None:
        itunes(item, "season", str(episode.season))
    itunes(item, "episode", str(number))
    itunes(item, "episodeType", "full")
    if episode.season is not None:
        podcast(item, "season", str(episode.season))
    podcast(item, "episode", str(number), display=f"第{number}期")


def _write_files(series: Series, built: BuiltEpisode, item: etree._Element) -> None:
    """Write what points to further files of an episode; WebVTT comes first because Apple reads the first it knows."""
    for alternate in built.alternates:
        _write_alternate(series, built.identity.number, alternate, item)
    for transcript in built.transcripts:
        captions = {"rel": "captions"} if transcript.mime_type == "text/vtt" else {}
        url = f"{series.site_url}{transcript.path}"
        podcast(item, "transcript", url=url, type=transcript.mime_type, language=series.language, **captions)
    if built.chapters is not None:
        podcast(item, "chapters", url=f"{series.site_url}{built.chapters.path}", type=built.chapters.mime_type)


def _write_alternate(series: Series, number: int, sound: Enclosure, item: etree._Element) -> None:
    """Write the same sound in another container. The enclosure itself is not listed again: it is the default as it stands."""
    suffix = sound.file.suffix
    alternate = podcast(
        item,
        "alternateEnclosure",
        type=sound.mime_type,
        length=str(sound.size_bytes),
        bitrate=str(round(8 * sound.size_bytes / sound.duration_s)),  # of the whole file, in bit/s
        title=suffix.removeprefix(".").upper(),
        codecs=_CODECS[suffix],
    )
    podcast(alternate, "source", uri=f"{series.site_url}{addresses.sound_path(number, sound)}")


def _write_words(episode: Episode, platforms: Container[str], item: etree._Element) -> None:
    """Write what the podcast namespace tells of an episode itself: a passage, the place, people, where else it can be heard."""
    if episode.soundbite is not None:
        start_s, end_s = episode.soundbite.start_s, episode.soundbite.end_s
        podcast(item, "soundbite", episode.title, startTime=f"{start_s:.1f}", duration=f"{end_s - start_s:.1f}")
    podcast(item, "location", episode.stop.name, rel="subject", geo=geo_uri(episode.stop), country="cn")
    if episode.host:
        podcast(item, "person", episode.host, role="host")
    for name in episode.people:
        podcast(item, "person", name, role="guest")
    for link in episode.links:
        if link.name in platforms:
            podcast(item, "contentLink", f"在{link.name}收听", href=link.url)
    if episode.synthetic_voice:
        podcast(item, "txt", SYNTHETIC, purpose="ai-content")


def _true_or_false(value: bool) -> str:  # noqa: FBT001  # the value itself
    return "true" if value else "false"

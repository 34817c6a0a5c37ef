"""The RSS feed: every public episode in one file, by feedgen and one extension of ours.

Rules: RSS 2.0; PSP-1 (Podcast Standards Project); Apple, Podcaster's Guide to RSS; the podcast namespace (Podcasting 2.0).
"""

from __future__ import annotations

import hashlib
import zoneinfo
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path

from feedgen.feed import FeedGenerator

from pipeline import addresses
from pipeline.coordinates import locate
from pipeline.feed.extension import ChannelExtension, Element, ItemExtension, itunes, podcast
from pipeline.feed.notes import SYNTHETIC, description, shownotes
from pipeline.feed.rules import WELL_KNOWN_LICENCE
from pipeline.model import BuiltEpisode, Enclosure, Episode, Files, Poster, Series, Stop

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
    feed.more.elements = _channel_elements(series, cover, podcast_guid, moved=moved)
    platforms = {platform.name for platform in series.platforms}
    for each in public:
        item = feed.add_entry(order="append")
        _describe_item(item, series, each)
        item.pubDate(each.published_at.astimezone(zone))
        # Lazily, so that the elements of ten thousand items do not all wait in memory.
        item.more.elements = chain(
            _itunes_elements(series, each),
            _podcast_files(series, each),
            _podcast_words(each.episode, platforms),
        )
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


def _channel_elements(series: Series, cover: Poster, podcast_guid: str, *, moved: bool) -> Iterator[Element]:
    yield itunes("author", series.author)
    yield _category(series.category)
    yield itunes("explicit", _true_or_false(series.explicit))
    yield itunes("image", href=f"{series.site_url}{addresses.image_path('series', cover)}")
    yield itunes("owner", None, itunes("name", series.author), itunes("email", series.owner_email))
    yield itunes("type", "episodic")
    if moved:
        yield itunes("new-feed-url", addresses.feed_url(series.site_url))
    yield podcast("guid", podcast_guid)
    yield podcast("locked", "yes", owner=series.owner_email)
    yield podcast("medium", "podcast")
    if series.licence:
        yield _licence(series)
    if series.update_frequency or series.update_rrule:
        rule = {"rrule": series.update_rrule} if series.update_rrule else {}
        yield podcast("updateFrequency", series.update_frequency, **rule)
    for txt in series.txt:
        yield podcast("txt", txt.text, purpose=txt.purpose)


def _category(path: Sequence[str]) -> Element:
    """Return a category with its subcategory inside."""
    name, *below = path
    return itunes("category", None, *([_category(below)] if below else []), text=name)


def _licence(series: Series) -> Element:
    identifier = series.licence.lower()
    if WELL_KNOWN_LICENCE.fullmatch(identifier):
        return podcast("license", identifier)
    return podcast("license", identifier, url=f"{series.site_url}about/")


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


def _itunes_elements(series: Series, built: BuiltEpisode) -> Iterator[Element]:
    episode, number = built.episode, built.identity.number
    cover = next(poster for poster in built.posters if poster.format == "cover")
    yield itunes("author", episode.host or series.author)
    yield itunes("duration", str(round(built.enclosure.duration_s)))
    yield itunes("explicit", _true_or_false(episode.explicit))
    yield itunes("image", href=f"{series.site_url}{addresses.image_path(number, cover)}")
    if episode.season is not None:
        yield itunes("season", str(episode.season))
    yield itunes("episode", str(number))
    yield itunes("episodeType", "full")
    if episode.season is not None:
        yield podcast("season", str(episode.season))
    yield podcast("episode", str(number), display=f"第{number}期")


def _podcast_files(series: Series, built: BuiltEpisode) -> Iterator[Element]:
    """Yield what points to further files of an episode; WebVTT comes first because Apple reads the first it knows."""
    for alternate in built.alternates:
        yield _alternate(series, built.identity.number, alternate)
    for transcript in built.transcripts:
        captions = {"rel": "captions"} if transcript.mime_type == "text/vtt" else {}
        url = f"{series.site_url}{transcript.path}"
        yield podcast("transcript", url=url, type=transcript.mime_type, language=series.language, **captions)
    if built.chapters is not None:
        yield podcast("chapters", url=f"{series.site_url}{built.chapters.path}", type=built.chapters.mime_type)


def _alternate(series: Series, number: int, sound: Enclosure) -> Element:
    """Return the same sound in another container. The enclosure itself is not listed again: it is the default as it stands."""
    suffix = sound.file.suffix
    return podcast(
        "alternateEnclosure",
        None,
        podcast("source", uri=f"{series.site_url}{addresses.sound_path(number, sound)}"),
        type=sound.mime_type,
        length=str(sound.size_bytes),
        bitrate=str(round(8 * sound.size_bytes / sound.duration_s)),  # of the whole file, in bit/s
        title=suffix.removeprefix(".").upper(),
        codecs=_CODECS[suffix],
    )


def _podcast_words(episode: Episode, platforms: set[str]) -> Iterator[Element]:
    """Yield what the podcast namespace tells of an episode itself: a passage, the place, people, where else it can be heard."""
    if episode.soundbite is not None:
        start_s, end_s = episode.soundbite.start_s, episode.soundbite.end_s
        yield podcast("soundbite", episode.title, startTime=f"{start_s:.1f}", duration=f"{end_s - start_s:.1f}")
    yield podcast("location", episode.stop.name, rel="subject", geo=_geo(episode.stop), country="cn")
    if episode.host:
        yield podcast("person", episode.host, role="host")
    for name in episode.people:
        yield podcast("person", name, role="guest")
    for link in episode.links:
        if link.name in platforms:
            yield podcast("contentLink", f"在{link.name}收听", href=link.url)
    if episode.synthetic_voice:
        yield podcast("txt", SYNTHETIC, purpose="ai-content")


def _geo(stop: Stop) -> str:
    """Return a geo URI. Source: RFC 5870, whose default is WGS-84."""
    point = locate(stop).wgs84
    return f"geo:{point.latitude_deg:.6f},{point.longitude_deg:.6f}"


def _true_or_false(value: bool) -> str:  # noqa: FBT001  # the value itself
    return "true" if value else "false"

"""The RSS feed: every public episode in one file, by feedgen and one extension of ours.

Rules: RSS 2.0; PSP-1 (Podcast Standards Project); Apple, Podcaster's Guide to RSS; the podcast namespace (Podcasting 2.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from pipeline import addresses
from pipeline.markup import inline_html
from pipeline.model import BuiltEpisode, Enclosure, Files, Poster, Series

_ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_PODCAST = "https://podcastindex.org/namespace/1.0"
_SYNTHETIC = "本期为合成语音。"
_CODECS = {".m4a": "mp4a.40.2"}  # AAC-LC. Source: RFC 6381


def render_feed(series: Series, built: Sequence[BuiltEpisode], cover: Poster) -> Files:
    """Return ``feed.xml`` with every public episode of ``built``, newest first.

    ``cover`` is the series' own. The output depends on the arguments alone: the build date is the newest episode's.
    """
    public = sorted(
        (each for each in built if each.public), key=lambda each: (each.published_at, each.identity.number), reverse=True
    )
    feed = _channel(series, cover, max((each.published_at for each in public), default=None))
    for each in public:
        _add_item(feed, series, each)
    return {"feed.xml": feed.rss_str(pretty=True)}


@dataclass(frozen=True, kw_only=True)
class _Element:
    """An element that feedgen has no word for; ``tag`` in lxml's {namespace}name form."""

    tag: str
    text: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    inside: tuple[_Element, ...] = ()


class _ChannelElements(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """What feedgen cannot say about a channel: the podcast namespace, and itunes:explicit as ``true`` or ``false``."""

    elements: tuple[_Element, ...] = ()
    newest: datetime | None = None

    def extend_ns(self) -> dict[str, str]:
        return {"podcast": _PODCAST}

    def extend_rss(self, rss: etree._Element) -> etree._Element:
        channel = rss[0]
        if self.newest is None:
            # feedgen puts the time of day where no episode gives one; a feed must not change with the clock.
            etree.strip_elements(channel, "lastBuildDate")
        _append(channel, self.elements)
        return rss


class _ItemElements(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """The same for an item."""

    elements: tuple[_Element, ...] = ()

    def extend_rss(self, item: etree._Element) -> etree._Element:
        _append(item, self.elements)
        return item


def _append(parent: etree._Element, elements: Iterable[_Element]) -> None:
    for each in elements:
        element = etree.SubElement(parent, each.tag, each.attributes)
        element.text = each.text
        _append(element, each.inside)


def _channel(series: Series, cover: Poster, newest: datetime | None) -> FeedGenerator:
    feed_url = addresses.feed_url(series.site_url)
    feed = FeedGenerator()
    feed.load_extension("podcast")
    feed.register_extension("more", _ChannelElements, _ItemElements, atom=False)
    feed.title(series.title)
    feed.description(series.description)
    feed.link(href=feed_url, rel="self", type="application/rss+xml")
    feed.link(href=series.site_url, rel="alternate")  # the last link() becomes the channel's
    feed.language(series.language)
    feed.copyright(series.author)
    feed.generator("jixiang")
    feed.podcast.itunes_author(series.author)
    feed.podcast.itunes_category(*series.category)
    feed.podcast.itunes_image(f"{series.site_url}{addresses.image_path('series', cover.file)}")
    feed.podcast.itunes_owner(series.author, series.owner_email)
    feed.podcast.itunes_type("episodic")
    if newest is not None:
        feed.lastBuildDate(newest)
    feed.more.newest = newest
    licence = [_Element(tag=f"{{{_PODCAST}}}license", text=series.licence)] if series.licence else []
    feed.more.elements = (
        _explicit(explicit=series.explicit),
        _Element(tag=f"{{{_PODCAST}}}guid", text=addresses.podcast_guid(feed_url)),
        _Element(tag=f"{{{_PODCAST}}}locked", text="yes", attributes={"owner": series.owner_email}),
        _Element(tag=f"{{{_PODCAST}}}medium", text="podcast"),
        *licence,
    )
    return feed


def _add_item(feed: FeedGenerator, series: Series, built: BuiltEpisode) -> None:
    episode, identity, enclosure = built.episode, built.identity, built.enclosure
    item = feed.add_entry(order="append")
    item.title(episode.title)
    item.guid(identity.guid, permalink=False)
    item.link(href=identity.page_url)
    item.description(f"{episode.summary}{_SYNTHETIC if episode.synthetic_voice else ''}")
    item.content(_shownotes(built), type="CDATA")
    sound_url = f"{series.site_url}{addresses.sound_path(identity.number, enclosure)}"
    item.enclosure(sound_url, str(enclosure.size_bytes), enclosure.mime_type)
    item.pubDate(built.published_at)
    item.podcast.itunes_duration(round(enclosure.duration_s))
    item.podcast.itunes_author(episode.host or series.author)
    item.podcast.itunes_episode(identity.number)
    item.podcast.itunes_episode_type("full")
    if episode.season is not None:
        item.podcast.itunes_season(episode.season)
    cover = next(poster for poster in built.posters if poster.format == "cover")
    item.podcast.itunes_image(f"{series.site_url}{addresses.image_path(identity.number, cover.file)}")
    item.more.elements = (_explicit(explicit=episode.explicit), *_podcasting(series, built))


def _podcasting(series: Series, built: BuiltEpisode) -> Iterable[_Element]:
    """Yield the podcast namespace's elements of an item; WebVTT comes first because Apple reads the first it knows."""
    for alternate in built.alternates:
        yield _alternate(series, built.identity.number, alternate)
    for transcript in built.transcripts:
        attributes = {"url": f"{series.site_url}{transcript.path}", "type": transcript.mime_type, "language": series.language}
        if transcript.mime_type == "text/vtt":
            attributes["rel"] = "captions"
        yield _Element(tag=f"{{{_PODCAST}}}transcript", attributes=attributes)
    if built.chapters is not None:
        attributes = {"url": f"{series.site_url}{built.chapters.path}", "type": built.chapters.mime_type}
        yield _Element(tag=f"{{{_PODCAST}}}chapters", attributes=attributes)
    yield _Element(tag=f"{{{_PODCAST}}}location", text=built.episode.stop.name)
    if built.episode.host:
        yield _Element(tag=f"{{{_PODCAST}}}person", text=built.episode.host, attributes={"role": "host"})
    for name in built.episode.people:
        yield _Element(tag=f"{{{_PODCAST}}}person", text=name, attributes={"role": "guest"})


def _alternate(series: Series, number: int, sound: Enclosure) -> _Element:
    """Return the same sound in another container. The enclosure itself is not listed again: it is the default as it stands."""
    suffix = sound.file.suffix
    attributes = {
        "type": sound.mime_type,
        "length": str(sound.size_bytes),
        "bitrate": str(round(8 * sound.size_bytes / sound.duration_s)),  # of the whole file, in bit/s
        "title": suffix.removeprefix(".").upper(),
        "codecs": _CODECS[suffix],
    }
    source = _Element(tag=f"{{{_PODCAST}}}source", attributes={"uri": f"{series.site_url}{addresses.sound_path(number, sound)}"})
    return _Element(tag=f"{{{_PODCAST}}}alternateEnclosure", attributes=attributes, inside=(source,))


def _explicit(*, explicit: bool) -> _Element:
    return _Element(tag=f"{{{_ITUNES}}}explicit", text="true" if explicit else "false")


def _shownotes(built: BuiltEpisode) -> str:
    """Return the notes as the plain HTML that apps show: the summary, what the ear must know, and the words."""
    episode = built.episode
    parts = [inline_html(episode.summary)]
    if episode.synthetic_voice:
        parts.append(_SYNTHETIC)
    for section in episode.script.sections:
        if section.heading:
            parts.append(f"<strong>{inline_html(section.heading)}</strong>")
        for paragraph in section.paragraphs:
            speaker = f"{inline_html(paragraph.speaker)}：" if paragraph.speaker else ""
            parts.append(f"{speaker}{inline_html(paragraph.markdown)}")
    return "".join(f"<p>{part}</p>" for part in parts)

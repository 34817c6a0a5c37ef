"""The contestant ``plain``: the feed's elements written one by one with lxml, from the same records and in the same words."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from email.utils import format_datetime

from lxml import etree

from pipeline import addresses
from pipeline.coordinates import locate
from pipeline.feed.notes import SYNTHETIC, description, shownotes
from pipeline.model import BuiltEpisode, Poster, Series

ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
PODCAST = "{https://podcastindex.org/namespace/1.0}"
ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
_NAMESPACES = {"itunes": ITUNES[1:-1], "podcast": PODCAST[1:-1], "atom": ATOM[1:-1], "content": CONTENT[1:-1]}


def write_feed(series: Series, built: Sequence[BuiltEpisode], cover: Poster, podcast_guid: str, stylesheet: str) -> bytes:
    """Return the feed of a series all of whose episodes are public and have nothing but what the benchmark gives them."""
    zone = zoneinfo.ZoneInfo(series.timezone)
    newest_first = sorted(built, key=lambda each: (each.published_at, each.identity.number), reverse=True)
    rss = etree.Element("rss", {"version": "2.0"}, nsmap=_NAMESPACES)
    rss.addprevious(etree.ProcessingInstruction("xml-stylesheet", f'type="text/css" href="{stylesheet}"'))
    channel = etree.SubElement(rss, "channel")
    _write_channel(channel, series, cover, podcast_guid, format_datetime(newest_first[0].published_at.astimezone(zone)))
    for each in newest_first:
        _write_item(etree.SubElement(channel, "item"), series, each, format_datetime(each.published_at.astimezone(zone)))
    return etree.tostring(rss.getroottree(), pretty_print=True, encoding="UTF-8", xml_declaration=True)


def _write_channel(channel: etree._Element, series: Series, cover: Poster, podcast_guid: str, newest: str) -> None:
    site = series.site_url
    _write(channel, "title", series.title)
    _write(channel, "link", site)
    _write(channel, "description", series.description)
    etree.SubElement(channel, f"{ATOM}link", {"href": f"{site}feed.xml", "rel": "self", "type": "application/rss+xml"})
    _write(channel, "copyright", series.author)
    _write(channel, "docs", "http://www.rssboard.org/rss-specification")
    _write(channel, "generator", "jixiang")
    _write(channel, "language", series.language)
    _write(channel, "lastBuildDate", newest)
    _write(channel, f"{ITUNES}author", series.author)
    etree.SubElement(channel, f"{ITUNES}category", {"text": series.category[0]})
    _write(channel, f"{ITUNES}explicit", "false")
    etree.SubElement(channel, f"{ITUNES}image", {"href": f"{site}{addresses.image_path('series', cover)}"})
    owner = etree.SubElement(channel, f"{ITUNES}owner")
    _write(owner, f"{ITUNES}name", series.author)
    _write(owner, f"{ITUNES}email", series.owner_email)
    _write(channel, f"{ITUNES}type", "episodic")
    _write(channel, f"{PODCAST}guid", podcast_guid)
    _write(channel, f"{PODCAST}locked", "yes", owner=series.owner_email)
    _write(channel, f"{PODCAST}medium", "podcast")
    _write(channel, f"{PODCAST}license", series.licence.lower())


def _write_item(item: etree._Element, series: Series, built: BuiltEpisode, published: str) -> None:
    site, episode, number = series.site_url, built.episode, built.identity.number
    cover = next(poster for poster in built.posters if poster.format == "cover")
    point = locate(episode.stop).wgs84
    _write(item, "title", episode.title)
    _write(item, "link", built.identity.page_url)
    _write(item, "description", description(episode))
    etree.SubElement(item, f"{CONTENT}encoded").text = etree.CDATA(shownotes(built))
    _write(item, "guid", built.identity.guid, isPermaLink="false")
    sound = {"url": f"{site}{addresses.sound_path(number, built.enclosure)}", "length": str(built.enclosure.size_bytes)}
    etree.SubElement(item, "enclosure", {**sound, "type": built.enclosure.mime_type})
    _write(item, "pubDate", published)
    _write(item, f"{ITUNES}author", episode.host)
    _write(item, f"{ITUNES}duration", str(round(built.enclosure.duration_s)))
    _write(item, f"{ITUNES}explicit", "false")
    etree.SubElement(item, f"{ITUNES}image", {"href": f"{site}{addresses.image_path(number, cover)}"})
    _write(item, f"{ITUNES}episode", str(number))
    _write(item, f"{ITUNES}episodeType", "full")
    _write(item, f"{PODCAST}episode", str(number), display=f"第{number}期")
    for transcript in built.transcripts:
        attributes = {"url": f"{site}{transcript.path}", "type": transcript.mime_type, "language": series.language}
        captions = {"rel": "captions"} if transcript.mime_type == "text/vtt" else {}
        etree.SubElement(item, f"{PODCAST}transcript", {**attributes, **captions})
    if built.chapters is not None:
        etree.SubElement(item, f"{PODCAST}chapters", {"url": f"{site}{built.chapters.path}", "type": built.chapters.mime_type})
    geo = f"geo:{point.latitude_deg:.6f},{point.longitude_deg:.6f}"
    _write(item, f"{PODCAST}location", episode.stop.name, rel="subject", geo=geo, country="cn")
    _write(item, f"{PODCAST}person", episode.host, role="host")
    for name in episode.people:
        _write(item, f"{PODCAST}person", name, role="guest")
    _write(item, f"{PODCAST}txt", SYNTHETIC, purpose="ai-content")


def _write(parent: etree._Element, tag: str, text: str, **attributes: str) -> None:
    etree.SubElement(parent, tag, attributes).text = text

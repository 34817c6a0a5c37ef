"""An episode's notes: the plain HTML that apps show under it."""

from __future__ import annotations

import html
from collections.abc import Sequence

from lxml import etree

from pipeline.model import BuiltEpisode, Cue, Episode, Link

SYNTHETIC = "本期为合成语音。"


def description(episode: Episode) -> str:
    """Return the summary and what the ear must know, as HTML without tags: apps read an item's description as HTML."""
    return html.escape(_description(episode), quote=False)


def shownotes(built: BuiltEpisode) -> str:
    """Return the description, the chapters with their times, and where the words, the poster and further links are.

    A time at the head of a line is what apps make a button of. The words themselves stay out: they are in the transcripts and
    on the page, and a feed is fetched many times a day.
    """
    body = etree.Element("body")
    etree.SubElement(body, "p").text = _description(built.episode)
    if len(built.captions.chapters) > 1:
        _add_times(etree.SubElement(body, "ul"), built.captions.chapters)
    page_url = built.identity.page_url
    _add_link(etree.SubElement(body, "p"), "文字稿、海报和路线：", Link(name=page_url, url=page_url))
    if built.episode.links:
        _add_links(etree.SubElement(body, "ul"), built.episode.links)
    return "".join(etree.tostring(part, encoding="unicode", method="html") for part in body)


def _description(episode: Episode) -> str:
    return f"{episode.summary}{SYNTHETIC if episode.synthetic_voice else ''}"


def _add_times(parent: etree._Element, chapters: Sequence[Cue]) -> None:
    for chapter in chapters:
        minutes, seconds = divmod(int(chapter.start_s), 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
        etree.SubElement(parent, "li").text = f"{clock} {chapter.text or '开场'}"


def _add_links(parent: etree._Element, links: Sequence[Link]) -> None:
    for link in links:
        _add_link(etree.SubElement(parent, "li"), "", link)


def _add_link(parent: etree._Element, words: str, link: Link) -> None:
    parent.text = words
    etree.SubElement(parent, "a", href=link.url).text = link.name

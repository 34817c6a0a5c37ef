"""What feedgen has no words for, as one extension: the itunes and podcast namespaces, and the stylesheet.

feedgen's own podcast extension says itunes:explicit as yes, no or clean, which validators refuse, and drops covers whose
address it does not like.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST = "https://podcastindex.org/namespace/1.0"


class Element(NamedTuple):
    """An element with what stands in it; ``tag`` in lxml's {namespace}name form."""

    tag: str
    text: str | None = None
    attributes: dict[str, str] | None = None
    inside: tuple[Element, ...] = ()


def itunes(name: str, text: str | None = None, /, *inside: Element, **attributes: str) -> Element:
    """Return an element of the itunes namespace."""
    return Element(f"{{{ITUNES}}}{name}", text, attributes, inside)


def podcast(name: str, text: str | None = None, /, *inside: Element, **attributes: str) -> Element:
    """Return an element of the podcast namespace."""
    return Element(f"{{{PODCAST}}}{name}", text, attributes, inside)


class ChannelExtension(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """A channel's further elements, and ``stylesheet``, the address of the CSS for people who open the feed."""

    elements: Iterable[Element] = ()
    newest: datetime | None = None
    stylesheet = ""

    def extend_ns(self) -> dict[str, str]:
        """Return the namespaces by prefix."""
        return {"itunes": ITUNES, "podcast": PODCAST}

    def extend_rss(self, rss: etree._Element) -> etree._Element:
        """Add to the channel while it has no items yet, and put the stylesheet before the root."""
        channel = rss[0]
        if self.newest is None:
            # feedgen puts the time of day where no episode gives one; a feed must not change with the clock.
            etree.strip_elements(channel, "lastBuildDate")
        _append(channel, self.elements)
        rss.addprevious(etree.ProcessingInstruction("xml-stylesheet", f'type="text/css" href="{self.stylesheet}"'))
        return rss


class ItemExtension(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """An item's further elements."""

    elements: Iterable[Element] = ()

    def extend_rss(self, item: etree._Element) -> etree._Element:
        """Add to the item."""
        _append(item, self.elements)
        return item


def _append(parent: etree._Element, elements: Iterable[Element]) -> None:
    for tag, text, attributes, inside in elements:
        element = etree.SubElement(parent, tag, attributes)
        element.text = text
        _append(element, inside)

"""What feedgen has no words for, as one extension: the itunes and podcast namespaces, and the stylesheet.

feedgen's own podcast extension says itunes:explicit as yes, no or clean, which validators refuse, and drops covers whose
address it does not like.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST = "https://podcastindex.org/namespace/1.0"


def itunes(parent: etree._Element, name: str, text: str | None = None, /, **attributes: str) -> etree._Element:
    """Add an element of the itunes namespace and return it."""
    element = etree.SubElement(parent, f"{{{ITUNES}}}{name}", attributes)
    element.text = text
    return element


def podcast(parent: etree._Element, name: str, text: str | None = None, /, **attributes: str) -> etree._Element:
    """Add an element of the podcast namespace and return it."""
    element = etree.SubElement(parent, f"{{{PODCAST}}}{name}", attributes)
    element.text = text
    return element


def _nothing(_parent: etree._Element) -> None:
    """Add nothing."""


class ChannelExtension(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """What ``write`` adds to a channel, and ``stylesheet``, the address of the CSS for people who open the feed."""

    write: Callable[[etree._Element], None] = staticmethod(_nothing)
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
        self.write(channel)
        rss.addprevious(etree.ProcessingInstruction("xml-stylesheet", f'type="text/css" href="{self.stylesheet}"'))
        return rss


class ItemExtension(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """What ``write`` adds to an item."""

    write: Callable[[etree._Element], None] = staticmethod(_nothing)

    def extend_rss(self, item: etree._Element) -> etree._Element:
        """Add to the item."""
        self.write(item)
        return item

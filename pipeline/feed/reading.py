"""A feed as it is read again: by lxml, which shows all that stands there, and by feedparser, as apps understand it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import feedparser
from lxml import etree

from pipeline.feed import values
from pipeline.feed.extension import ITUNES, PODCAST
from pipeline.feed.faults import MUST, NOTHING, Fault

NAMESPACES = {
    "itunes": ITUNES,
    "podcast": PODCAST,
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
}
_REQUIRED_NAMESPACES = ("itunes", "podcast", "atom")  # Source: PSP-1
_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}
Entry = Mapping[str, Any]
"""An item as feedparser understands it."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """An item of the feed: ``position`` counts from 1, ``number`` is None where it does not tell a whole one."""

    position: int
    number: int | None
    element: etree._Element
    entry: Entry

    @property
    def guid(self) -> str:
        """What subscribers' apps know the episode by; empty where there is none."""
        return self.text("guid")

    def attribute(self, path: str, name: str) -> str:
        """Return an attribute of the first element at ``path``; empty where either is missing."""
        element = self.element.find(path, NAMESPACES)
        return element.get(name, "") if element is not None else ""

    def text(self, path: str) -> str:
        """Return the text of the first element at ``path``, as apps read it: without white space around; empty if missing."""
        return (self.element.findtext(path, namespaces=NAMESPACES) or "").strip()

    def fault(self, code: str, field: str, found: str, wanted: str) -> Fault:
        """Return what is wrong with the item."""
        named = field if self.number is not None else f"第 {self.position} 个 item 的 {field}"
        return Fault(code=code, episode=self.number, field=named, found=found, wanted=wanted)


@dataclass(frozen=True, kw_only=True)
class Channel:
    """The channel and its items, in the order they stand in."""

    element: etree._Element
    items: tuple[Item, ...]

    def fault(self, code: str, field: str, found: str, wanted: str) -> Fault:
        """Return what is wrong with the channel."""
        return Fault(code=code, episode=None, field=field, found=found, wanted=wanted)


def read_feed(content: bytes) -> tuple[Channel | None, tuple[Fault, ...]]:
    """Return the channel of a feed, None where there is none to be read, and what is wrong with the document itself."""
    try:
        root = etree.fromstring(content, etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        found = f"第 {error.lineno} 行读不下去的内容" if content.strip() else "空的文件"
        return None, (_document("feed.xml", found, "一份完整的 XML"),)
    channels = root.findall("channel")
    has_doctype = root.getroottree().docinfo.internalDTD is not None
    if root.tag != "rss" or len(channels) != 1 or has_doctype:
        found = "DOCTYPE" if has_doctype else f"<{name_of(root)}>，里面有 {len(channels)} 个 channel"
        return None, (_document("feed.xml", found, "一个 <rss>，里面有一个 channel，没有 DOCTYPE"),)
    faults = [*_check_root(root)]
    # Nothing of it is shown to anybody, so that cleaning its HTML would be time for nothing.
    entries = feedparser.parse(io.BytesIO(content), sanitize_html=False, resolve_relative_uris=False).get("entries", [])
    elements = channels[0].findall("item")
    if len(entries) != len(elements):
        faults.append(_document("item", f"播客应用读出 {len(entries)} 期", f"{len(elements)} 期"))
        return None, tuple(faults)
    items = [_item(position, *pair) for position, pair in enumerate(zip(elements, entries, strict=True), start=1)]
    return Channel(element=channels[0], items=tuple(items)), tuple(faults)


def _check_root(root: etree._Element) -> Sequence[Fault]:
    faults = []
    encoding = (root.getroottree().docinfo.encoding or "UTF-8").upper()
    if encoding != "UTF-8":
        faults.append(_document("encoding", encoding, "UTF-8"))
    if root.get("version") != "2.0":
        faults.append(_document("rss@version", root.get("version") or NOTHING, "2.0"))
    faults.extend(
        _document(f"xmlns:{prefix}", root.nsmap.get(prefix) or NOTHING, f"{NAMESPACES[prefix]}")
        for prefix in _REQUIRED_NAMESPACES
        if NAMESPACES[prefix] not in root.nsmap.values()
    )
    return faults


def _item(position: int, element: etree._Element, entry: Entry) -> Item:
    written = (element.findtext("itunes:episode", namespaces=NAMESPACES) or "").strip()
    return Item(
        position=position,
        number=int(written) if values.positive(written) is None else None,
        element=element,
        entry=entry,
    )


def name_of(element: etree._Element) -> str:
    """Return an element's name with the usual prefix of its namespace."""
    name = etree.QName(element)
    prefix = _PREFIXES.get(name.namespace or "")
    return f"{prefix}:{name.localname}" if prefix else name.localname


def _document(field: str, found: str, wanted: str) -> Fault:
    return Fault(code=MUST, episode=None, field=field, found=found, wanted=wanted)

"""The gate before a feed is laid out: it is read again and held against the rules, the ledger and the files beside it."""

from __future__ import annotations

from calendar import timegm
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from lxml import etree

from pipeline.addresses import is_web_address
from pipeline.feed import values
from pipeline.feed.faults import FILE, MUST, NOTHING, PROMISE, SHOULD, Fault
from pipeline.feed.reading import NAMESPACES, Channel, Entry, Item, name_of, read_feed
from pipeline.feed.rules import ITEM_RULES, WELL_KNOWN_LICENCE, breaches, channel_rules
from pipeline.model import Series

# Source: Apple; by how the file's name ends, which decides.
_SOUND_TYPES = {
    ".mp3": ("audio/mpeg",),
    ".m4a": ("audio/mp4", "audio/x-m4a"),
    ".mp4": ("video/mp4",),
    ".m4v": ("video/x-m4v",),
    ".mov": ("video/quicktime",),
}
_SOUNDBITE_S = (15, 120)  # Source: podcast namespace
# What of an item leads to a file: elements and their attributes.
_ITEM_FILES = (
    ("enclosure", "url"),
    ("itunes:image", "href"),
    ("podcast:transcript", "url"),
    ("podcast:chapters", "url"),
    ("podcast:alternateEnclosure/podcast:source", "uri"),
)


@dataclass(frozen=True, kw_only=True)
class PromisedItem:
    """What subscribers were promised of an episode: ``path`` of its sound, relative to the site, and the sound's size."""

    number: int
    path: str
    size_bytes: int


def check_feed(
    content: bytes,
    *,
    series: Series,
    podcast_guid: str,
    promised: Mapping[str, PromisedItem],
    retired: Container[str],
    files: Mapping[str, int] | None,
) -> tuple[Fault, ...]:
    """Return all that is wrong with a feed, whoever made it; nothing if all is well.

    ``promised`` is what the ledger holds by guid: every one is to be in the feed with that sound, and none of the ``retired``
    guids. ``files`` are the site's sizes in bytes by path; None where there is no site to look at.
    """
    channel, faults = read_feed(content)
    if channel is None:
        return faults
    return (
        *faults,
        *_check_channel(channel, series, podcast_guid),
        *(fault for item in channel.items for fault in _check_item(item)),
        *_check_unique(channel),
        *_check_security(channel),
        *_check_promises(channel, series, promised, retired),
        *(_check_files(channel, series, files) if files is not None else ()),
    )


# Rules


def _check_channel(channel: Channel, series: Series, podcast_guid: str) -> Iterator[Fault]:
    for breach in dict.fromkeys(breaches(channel.element, channel_rules(series))):
        yield channel.fault(breach.code, breach.field, breach.found, breach.wanted)
    yield from _check_licence(channel)
    guid = channel.element.findtext("podcast:guid", namespaces=NAMESPACES)
    if guid and guid != podcast_guid:
        yield channel.fault(PROMISE, "podcast:guid", guid, f"台账里的 {podcast_guid}")
    if channel.element.findtext("itunes:type", namespaces=NAMESPACES) == "serial":
        for item in channel.items:
            if item.element.find("itunes:episode", NAMESPACES) is None:
                yield item.fault(MUST, "itunes:episode", NOTHING, "期数（连续的节目每一期都要有）")


def _check_item(item: Item) -> Iterator[Fault]:
    for breach in dict.fromkeys(breaches(item.element, ITEM_RULES)):
        yield item.fault(breach.code, breach.field, breach.found, breach.wanted)
    yield from _check_licence(item)
    yield from _check_guid(item)
    yield from _check_sound_type(item)
    yield from _check_transcripts(item)
    yield from _check_soundbites(item)
    yield from _check_apps_view(item)


def _check_licence(owner: Channel | Item) -> Iterator[Fault]:
    licence = owner.element.find("podcast:license", NAMESPACES)
    if licence is not None and not licence.get("url") and not WELL_KNOWN_LICENCE.fullmatch((licence.text or "").lower()):
        yield owner.fault(MUST, "podcast:license@url", NOTHING, "网址：自己的许可协议要有地方可读")


def _check_guid(item: Item) -> Iterator[Fault]:
    """To the W3C validator a guid that is no address has to say so."""
    permanent = item.attribute("guid", "isPermaLink")
    if item.guid and permanent != "false" and not is_web_address(item.guid):
        yield item.fault(MUST, "guid@isPermaLink", permanent or NOTHING, "false（guid 不是网址）")


def _check_sound_type(item: Item) -> Iterator[Fault]:
    url, mime_type = item.attribute("enclosure", "url"), item.attribute("enclosure", "type")
    suffix = values.suffix_of(url) if is_web_address(url) else ""
    wanted = _SOUND_TYPES.get(suffix, ())
    if wanted and mime_type and mime_type not in wanted:
        yield item.fault(MUST, "enclosure@type", mime_type, f"{' 或 '.join(wanted)}（文件是 {suffix}）")


def _check_transcripts(item: Item) -> Iterator[Fault]:
    """Apple reads the first transcript of a kind that it knows, and WebVTT best."""
    types = [each.get("type", "") for each in item.element.findall("podcast:transcript", NAMESPACES)]
    if types and types[0] != "text/vtt":
        yield item.fault(SHOULD, "podcast:transcript@type", types[0] or NOTHING, "text/vtt 排在最前")


def _check_soundbites(item: Item) -> Iterator[Fault]:
    whole = item.text("itunes:duration")
    shortest_s, longest_s = _SOUNDBITE_S
    for soundbite in item.element.findall("podcast:soundbite", NAMESPACES):
        start, duration = soundbite.get("startTime", ""), soundbite.get("duration", "")
        if values.number(start) or values.number(duration):
            continue
        if not values.positive(whole) and float(start) + float(duration) > int(whole):
            found = f"{float(start) + float(duration):g} 秒处结束"
            yield item.fault(
                MUST, "podcast:soundbite", found, f"在声音结束（{whole} 秒）之前结束，请改 soundbite（精彩片段）一行"
            )
        if not shortest_s <= float(duration) <= longest_s:
            yield item.fault(SHOULD, "podcast:soundbite@duration", f"{duration} 秒", f"{shortest_s} 到 {longest_s} 秒")


def _check_apps_view(item: Item) -> Iterator[Fault]:
    """What feedparser understands is what stands there: the guid, the page, the sound and the moment."""
    entry = item.entry
    enclosure: Entry = next(iter(entry.get("enclosures", [])), {})
    fields = {
        "guid": (item.guid, entry.get("id", "")),
        "link": (item.text("link"), entry.get("link", "")),
        "enclosure@url": (item.attribute("enclosure", "url"), enclosure.get("href", "")),
        "enclosure@length": (item.attribute("enclosure", "length"), enclosure.get("length", "")),
    }
    for field, (written, understood) in fields.items():
        if written and written != understood:
            yield item.fault(MUST, field, f"{understood or NOTHING}（播客应用读到的）", f"写着的 {written}")
    published = item.text("pubDate")
    if not values.date(published):
        understood = entry.get("published_parsed")
        if understood is None or timegm(understood) != parsedate_to_datetime(published).timestamp():
            yield item.fault(MUST, "pubDate", f"{published}（播客应用读成别的时间）", "播客应用读得懂的时间")


def _check_unique(channel: Channel) -> Iterator[Fault]:
    guids = Counter(item.guid for item in channel.items)
    sounds = Counter(item.attribute("enclosure", "url") for item in channel.items)
    for item in channel.items:
        for field, value, counted in (
            ("guid", item.guid, guids),
            ("enclosure@url", item.attribute("enclosure", "url"), sounds),
        ):
            if value and counted[value] > 1:
                yield item.fault(MUST, field, f"{value}，{counted[value]} 期都是它", "每一期自己的")


def _check_security(channel: Channel) -> Iterator[Fault]:
    """Many apps play nothing that comes without encryption."""
    open_addresses = [
        value
        for element in channel.element.iter(etree.Element)
        for value in (element.get("url"), element.get("href"), element.get("uri"))
        if value and value.startswith("http://")
    ]
    if open_addresses:
        found = f"{open_addresses[0]} 等 {len(open_addresses)} 个 http:// 网址"
        yield channel.fault(SHOULD, "url", found, "https:// 开头的网址")


# Promises and files


def _check_promises(
    channel: Channel, series: Series, promised: Mapping[str, PromisedItem], retired: Container[str]
) -> Iterator[Fault]:
    items = {item.guid: item for item in channel.items}
    for guid, promise in promised.items():
        if guid not in items:
            yield Fault(code=PROMISE, episode=promise.number, field="guid", found=NOTHING, wanted=f"台账里的 {guid}")
            continue
        item = items[guid]
        on_record = {
            "itunes:episode": (item.number, promise.number),
            "enclosure@url": (item.attribute("enclosure", "url"), f"{series.site_url}{promise.path}"),
            "enclosure@length": (item.attribute("enclosure", "length"), str(promise.size_bytes)),
        }
        for field, (found, wanted) in on_record.items():
            if found != wanted:
                shown = NOTHING if found in {None, ""} else str(found)
                yield Fault(code=PROMISE, episode=promise.number, field=field, found=shown, wanted=f"台账里的 {wanted}")
    for item in channel.items:
        if item.guid in retired:
            yield item.fault(PROMISE, "guid", item.guid, "不在订阅源里：台账里记着这一期已经下架")


def _check_files(channel: Channel, series: Series, files: Mapping[str, int]) -> Iterator[Fault]:
    for image in channel.element.findall("itunes:image", NAMESPACES):
        yield from _check_file(channel, image, "href", "", series, files)
    for item in channel.items:
        for path, attribute in _ITEM_FILES:
            for element in item.element.findall(path, NAMESPACES):
                yield from _check_file(item, element, attribute, _length_of(element), series, files)


def _length_of(element: etree._Element) -> str:
    """Return the length that is said of a file: an alternative's stands on what holds its addresses."""
    parent = element.getparent()
    holder = parent if name_of(element) == "podcast:source" and parent is not None else element
    return holder.get("length", "")


def _check_file(
    owner: Channel | Item, element: etree._Element, attribute: str, length: str, series: Series, files: Mapping[str, int]
) -> Iterator[Fault]:
    """Check a file of our own site; nobody here knows what others' sites hold."""
    url = element.get(attribute, "")
    if not url.startswith(series.site_url):
        return
    size_bytes = files.get(unquote(url.removeprefix(series.site_url)))
    field = f"{name_of(element)}@{attribute}"
    if size_bytes is None:
        yield owner.fault(FILE, field, url, "网站里有的文件")
    elif length and length != str(size_bytes):
        yield owner.fault(FILE, f"{name_of(element)}@length", length, f"文件的大小 {size_bytes} 字节")

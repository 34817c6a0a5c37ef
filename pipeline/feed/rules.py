"""The rules of podcast feeds as a table: which field, what it may hold, how often it stands there, and how binding that is.

Sources: RSS 2.0; PSP-1 (Podcast Standards Project); Apple, Podcaster's Guide to RSS; the podcast namespace; the W3C feed
validator, whose complaints are named where a rule is its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from pipeline.addresses import feed_url
from pipeline.feed import values
from pipeline.feed.faults import MUST, NOTHING, SHOULD
from pipeline.feed.reading import NAMESPACES
from pipeline.feed.values import Check, words
from pipeline.model import Series

_MOST_DESCRIPTION_BYTES = 4000  # Source: Apple
_MOST_NAME, _MOST_LABEL, _MOST_TXT = 128, 32, 4000  # Source: podcast namespace
_PICTURES = (".jpg", ".jpeg", ".png")
_SOUNDS = (".mp3", ".m4a", ".mp4", ".m4v", ".mov")  # Source: Apple; other files it does not list
_NUMBERED = re.compile(r"第\s*[0-9一二三四五六七八九十百]+\s*[期集回季]|(?<![a-z])EP\.?\s*\d+", re.IGNORECASE)
_CLAIM = re.compile(r"©|\(c\)|copyright|版权|(19|20)\d\d", re.IGNORECASE)
_TRUE_OR_FALSE = values.one_of("true", "false")
_MANY = 1_000_000
# Source: podcast namespace, list of licences: any other needs an address where it can be read.
WELL_KNOWN_LICENCE = re.compile(r"arr|cc-by(-nc)?(-nd|-sa)?-[1-4]\.[05]|cc0-1\.0|v4v-1\.0")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a field may hold. ``field`` is a path with prefixes and, behind an @, an attribute.

    ``required`` is the code of a fault where the element is missing, empty where it may be; ``code`` that of one where it holds
    something else; ``most`` how often it may stand there. An attribute may be missing only where it is ``optional``.
    """

    field: str
    check: Check
    required: str = ""
    code: str = MUST
    most: int = 1
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Breach:
    """A rule that an element does not keep."""

    code: str
    field: str
    found: str
    wanted: str


def channel_rules(series: Series) -> Sequence[Rule]:
    """Return what a channel of that series keeps."""
    own_address = values.one_of(feed_url(series.site_url))
    category, *subcategory = series.category
    return (
        Rule(field="title", check=words(), required=MUST),
        Rule(field="description", check=values.text_of_bytes(_MOST_DESCRIPTION_BYTES), required=MUST),
        Rule(field="link", check=values.address(), required=MUST),
        Rule(field="language", check=values.one_of(series.language), required=MUST),
        Rule(field="copyright", check=values.unlike(_CLAIM, "谁的版权（不写“版权”二字、© 和年份）"), code=SHOULD),
        Rule(field="copyright", check=words()),
        Rule(field="lastBuildDate", check=values.date),
        Rule(field="pubDate", check=values.date),
        Rule(field="atom:link[@rel='self']@href", check=own_address, required=MUST),
        Rule(field="atom:link[@rel='self']@type", check=values.one_of("application/rss+xml")),
        Rule(field="itunes:category[1]@text", check=values.one_of(category), required=MUST),
        *(
            Rule(field="itunes:category[1]/itunes:category@text", check=values.one_of(each), required=MUST)
            for each in subcategory
        ),
        Rule(field="itunes:explicit", check=_TRUE_OR_FALSE, required=MUST),
        Rule(field="itunes:image@href", check=values.address(*_PICTURES), required=MUST),
        Rule(field="itunes:author", check=words(), required=SHOULD),
        Rule(field="itunes:owner/itunes:name", check=words()),
        Rule(field="itunes:owner/itunes:email", check=values.email, required=SHOULD),
        Rule(field="itunes:type", check=values.one_of("episodic", "serial")),
        Rule(field="itunes:new-feed-url", check=own_address),
        Rule(field="itunes:complete", check=values.one_of("yes", "Yes"), code=SHOULD),
        Rule(field="itunes:block", check=values.one_of("yes", "Yes"), code=SHOULD),
        Rule(field="podcast:guid", check=words(), required=SHOULD),
        Rule(field="podcast:locked", check=values.one_of("yes", "no"), required=SHOULD),
        Rule(field="podcast:locked@owner", check=values.email, optional=True),
        Rule(field="podcast:medium", check=words(_MOST_NAME)),
        Rule(field="podcast:updateFrequency", check=values.like(f".{{0,{_MOST_NAME}}}", f"最多 {_MOST_NAME} 个字")),
        *_LICENCE,
        *_TXT,
        *_PEOPLE,
        *_PLACES,
    )


_LICENCE = (
    Rule(field="podcast:license", check=words(_MOST_NAME)),
    Rule(field="podcast:license", check=values.like("[^A-Z]*", "小写的许可协议代号")),
    Rule(field="podcast:license@url", check=values.address(), optional=True),
)
_TXT = (
    Rule(field="podcast:txt", check=words(_MOST_TXT), most=_MANY),
    Rule(field="podcast:txt@purpose", check=words(_MOST_NAME), most=_MANY, optional=True),
)
_PEOPLE = (Rule(field="podcast:person", check=words(_MOST_NAME), most=_MANY),)
_PLACES = (
    Rule(field="podcast:location", check=words(_MOST_NAME), most=_MANY),
    Rule(field="podcast:location@geo", check=values.geo, most=_MANY, optional=True),
    Rule(field="podcast:location@rel", check=values.one_of("subject", "creator"), most=_MANY, optional=True),
    Rule(field="podcast:location@country", check=values.like("[a-zA-Z]{2}", "两个字母的国家代号"), most=_MANY, optional=True),
)

ITEM_RULES = (
    Rule(field="title", check=words(), required=MUST),
    Rule(field="title", check=values.unlike(_NUMBERED, "不带期数的标题（期数另有一项，应用会自己显示）"), code=SHOULD),
    Rule(field="description", check=values.text_of_bytes(_MOST_DESCRIPTION_BYTES), required=SHOULD),
    Rule(field="link", check=values.address(), required=SHOULD),
    Rule(field="pubDate", check=values.date, required=SHOULD),
    Rule(field="guid", check=words(), required=MUST),
    Rule(field="enclosure@url", check=values.address(*_SOUNDS), required=MUST),
    Rule(field="enclosure@length", check=values.positive),
    Rule(field="enclosure@type", check=words()),
    Rule(field="content:encoded", check=words(_MANY)),
    Rule(field="itunes:author", check=words()),
    Rule(field="itunes:title", check=words()),
    Rule(field="itunes:duration", check=values.positive, required=SHOULD),
    Rule(field="itunes:explicit", check=_TRUE_OR_FALSE, required=SHOULD),
    Rule(field="itunes:image@href", check=values.address(*_PICTURES), required=SHOULD),
    Rule(field="itunes:episode", check=values.positive),
    Rule(field="itunes:season", check=values.positive),
    Rule(field="itunes:episodeType", check=values.one_of("full", "trailer", "bonus")),
    Rule(field="itunes:block", check=values.one_of("yes", "Yes"), code=SHOULD),
    # Apple reads none of them any more, and to the W3C validator the first is an unknown element.
    *(
        Rule(field=f"itunes:{name}", check=values.refused, code=SHOULD)
        for name in ("order", "keywords", "isClosedCaptioned", "subtitle", "summary")
    ),
    Rule(field="podcast:season", check=values.positive),
    Rule(field="podcast:season@name", check=words(_MOST_NAME), optional=True),
    Rule(field="podcast:episode", check=values.number),
    Rule(field="podcast:episode@display", check=words(_MOST_LABEL), optional=True),
    Rule(field="podcast:transcript@url", check=values.address(), required=SHOULD, most=_MANY),
    Rule(field="podcast:transcript@type", check=words(), most=_MANY),
    Rule(field="podcast:transcript@rel", check=values.one_of("captions"), most=_MANY, optional=True),
    Rule(field="podcast:chapters@url", check=values.address()),
    Rule(field="podcast:chapters@type", check=values.one_of("application/json+chapters")),
    Rule(field="podcast:soundbite", check=values.like(f".{{0,{_MOST_NAME}}}", f"最多 {_MOST_NAME} 个字"), most=_MANY),
    Rule(field="podcast:soundbite@startTime", check=values.number, most=_MANY),
    Rule(field="podcast:soundbite@duration", check=values.number, most=_MANY),
    Rule(field="podcast:contentLink", check=words(), most=_MANY),
    Rule(field="podcast:contentLink@href", check=values.address(), most=_MANY),
    Rule(field="podcast:alternateEnclosure@type", check=words(), most=_MANY),
    Rule(field="podcast:alternateEnclosure@length", check=values.positive, most=_MANY, optional=True),
    Rule(field="podcast:alternateEnclosure@title", check=words(_MOST_LABEL), most=_MANY, optional=True),
    Rule(field="podcast:alternateEnclosure/podcast:source@uri", check=values.address(), most=_MANY),
    *_LICENCE,
    *_TXT,
    *_PEOPLE,
    *_PLACES,
)


def breaches(parent: etree._Element, rules: Sequence[Rule]) -> Iterator[Breach]:
    """Yield each rule that ``parent`` does not keep; too many of an element are told once and not looked into."""
    for rule in rules:
        path, _, attribute = rule.field.partition("@") if "[@" not in rule.field else rule.field.rpartition("@")
        elements = parent.findall(path, NAMESPACES)
        if not elements and rule.required:
            yield Breach(code=rule.required, field=path, found=NOTHING, wanted=rule.check("") or rule.field)
        if len(elements) > rule.most:
            yield Breach(code=MUST, field=path, found=f"{len(elements)} 个", wanted=f"最多 {rule.most} 个")
            continue
        for element in elements:
            value = element.get(attribute) if attribute else (element.text or "")
            if value is None and rule.optional:
                continue
            if value is None:
                yield Breach(code=MUST, field=rule.field, found=NOTHING, wanted=rule.check("") or rule.field)
            elif wanted := rule.check(value):
                yield Breach(code=rule.code, field=rule.field, found=value or NOTHING, wanted=wanted)

"""series.toml: what all episodes share."""

from __future__ import annotations

import functools
import re
import tomllib
import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dateutil import rrule  # type: ignore[import-untyped]  # its types are a package of their own

from pipeline import addresses
from pipeline.errors import AuthorError, Problem, telling_what_cannot_be_read
from pipeline.model import Aspect, Contact, Destination, Link, Reading, Series, Stop, Theme, Txt
from pipeline.source.categories import APPLE_CATEGORIES
from pipeline.source.sound import read_series_sound
from pipeline.source.tables import Tables
from pipeline.source.text import clean, read_text

SERVICES = ("s3", "oss", "cos")
COORD_SYSTEMS = ("WGS-84", "GCJ-02", "BD-09")
_ASPECT_KEY = re.compile(r"[a-z][a-z0-9-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]+)*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MAX_DESCRIPTION_BYTES = 4000  # Source: Apple, Podcaster's Guide to RSS
_MAX_SUBTITLE = 20
# Source: podcast namespace: longer ones may be cut off by apps and directories.
_MAX_NAME, _MAX_TXT = 128, 4000
_HAN = re.compile("[一-鿿]")
_SYLLABLE = re.compile(r"(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?[aeiouvü]{1,4}(?:ng?|r)?[1-5]")
# What a series repeats by; COUNT and UNTIL would need the day it began.
_RRULE = re.compile(
    r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)"
    r"(;(INTERVAL=[1-9][0-9]{0,2}|(BYDAY|BYMONTHDAY|BYMONTH|BYSETPOS|WKST)=[A-Z0-9,+-]+))*"
)
_TEN_YEARS = datetime(2020, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001  # a rule without an end has no zone
_SOUNDS = (".flac", ".wav", ".mp3", ".m4a", ".ogg")


def read_series(file: Path) -> Series:
    """Return the series described by a series.toml.

    Raises:
        AuthorError: everything in it that is missing or wrong, at once.
    """
    with telling_what_cannot_be_read(file):
        if not file.is_file():
            cause = "这个文件夹里没有 series.toml" if file.parent.is_dir() else "没有这个文件夹"
            fix = "用 -C 指到放着 series.toml 的文件夹"
            raise AuthorError([Problem(place=file.parent, cause=cause, fix=fix, code="JX-A50")])
    text, problems = read_text(file)
    if any(problem.code == "JX-A01" for problem in problems):
        raise AuthorError(problems)
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError; thousands of digits; thousands of brackets
        at = re.search(r"line (\d+)", str(error))
        cause = "看不懂这一行的写法"
        fix = '写成 名字 = "内容"，内容用英文双引号括起来；数字和 true、false 不用括'
        line = int(at[1]) if at else len(text.splitlines())
        raise AuthorError([Problem(place=file, line=line, cause=cause, fix=fix, code="JX-A51")]) from None
    reading = Tables(file, text, tables)
    series = _series(reading, file)
    reading.refuse_unknown_keys()
    if reading.problems:
        raise AuthorError(sorted(reading.problems, key=lambda problem: problem.line or 0))
    return series


def _series(reading: Tables, file: Path) -> Series:
    top = reading.tables
    contact, theme = reading.table("contact"), _theme(reading, file.parent)
    sound, also = read_series_sound(reading, theme)
    aspect_rows, stop_rows = reading.rows("aspects"), reading.rows("stops")
    aspects = tuple(Aspect(key=reading.text(row, "key", _aspect_key), name=reading.text(row, "name")) for row in aspect_rows)
    stops = tuple(_stop(reading, row) for row in stop_rows)
    for key in ("key", "name"):
        _unique(reading, aspect_rows, key)
    for key in ("name", "order"):
        _unique(reading, stop_rows, key)
    return Series(
        file=file,
        title=reading.text(top, "title", _short),
        subtitle=reading.text(top, "subtitle", _subtitle),
        description=reading.text(top, "description", _description),
        author=reading.text(top, "author", _short),
        owner_email=reading.text(top, "owner_email", _email),
        contact=Contact(telephone=reading.text(contact, "telephone"), hours=reading.text(contact, "hours")),
        language=reading.text(top, "language", _language, default="zh-cn"),
        timezone=reading.text(top, "timezone", _timezone, default="Asia/Shanghai"),
        site_url=reading.text(top, "site_url", _site_url),
        category=_category(reading),
        explicit=reading.flag(top, "explicit", default=False),
        licence=reading.text(top, "licence", _name, default=""),
        icp_number=reading.text(top, "icp_number", default=""),
        poster_signature=reading.text(top, "poster_signature"),
        aspects=aspects,
        stops=tuple(sorted(stops, key=lambda stop: stop.order)),
        sound=sound,
        also=also,
        theme=theme,
        platforms=tuple(
            Link(name=clean(name), url=reading.text(reading.table("platforms"), name, _web_address))
            for name in reading.table("platforms")
        ),
        destinations=tuple(_destination(reading, name) for name in reading.table("destinations")),
        update_frequency=reading.text(top, "update_frequency", _name, default=""),
        update_rrule=reading.text(top, "update_rrule", _rrule, default=""),
        txt=_txt(reading),
        lexicon=_lexicon(reading),
        lines=_lines(reading, aspect_rows, stop_rows),
    )


def _lines(reading: Tables, aspects: Sequence[Mapping[str, Any]], stops: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    places = {key: (reading.tables, key) for key in reading.tables}
    places |= {f"aspects.{row.get('key')}": (row, "name") for row in aspects}
    places |= {f"stops.{row.get('name')}": (row, "name") for row in stops}
    lines = {name: reading.line(table, key) for name, (table, key) in places.items()}
    return {name: line for name, line in lines.items() if line is not None}


def _stop(reading: Tables, row: Mapping[str, Any]) -> Stop:
    return Stop(
        name=reading.text(row, "name", _name),
        order=reading.count(row, "order", 1, 999),
        address=reading.text(row, "address"),
        latitude_deg=reading.number(row, "latitude_deg", -90, 90),
        longitude_deg=reading.number(row, "longitude_deg", -180, 180),
        coord_system=reading.text(row, "coord_system", _coord_system),
        surveyed=reading.flag(row, "surveyed", default=False),
        hours=reading.text(row, "hours", _short, default=""),
    )


def _destination(reading: Tables, name: str) -> Destination:
    table = reading.table_in("destinations", name)
    return Destination(
        name=name,
        url=reading.text(table, "url"),
        fetch_url=reading.text(table, "fetch_url", _site_url),
        public=reading.flag(table, "public", default=False),
        service=reading.text(table, "service", _service, default="s3"),
        region=reading.text(table, "region", default=""),
        endpoint=reading.text(table, "endpoint", _web_address, default=""),
    )


def _txt(reading: Tables) -> tuple[Txt, ...]:
    rows = reading.rows("txt") if reading.ask(reading.tables, "txt", []) else []
    return tuple(Txt(purpose=reading.text(row, "purpose", _name), text=reading.text(row, "text", _txt_text)) for row in rows)


def _lexicon(reading: Tables) -> tuple[Reading, ...]:
    table = reading.table("lexicon")
    readings = {word: reading.text(table, word, functools.partial(_pinyin_fault, word)) for word in table}
    return tuple(Reading(word=clean(word), syllables=tuple(readings[word].split())) for word in sorted(readings))


def _theme(reading: Tables, workspace: Path) -> Theme:
    """Return the music in the workspace's theme folder; what is not there is left out."""

    def part(name: str) -> Path | None:
        found = [file for suffix in _SOUNDS if (file := workspace / "theme" / f"{name}{suffix}").is_file()]
        if len(found) > 1:
            names = "、".join(file.name for file in found)
            cause = f"theme 文件夹里有 {len(found)} 个 {name}：{names}"
            reading.problems.append(Problem(place=found[0].parent, cause=cause, fix="留下要用的一个", code="JX-A55"))
        return found[0] if found else None

    return Theme(intro=part("intro"), outro=part("outro"), bed=part("bed"))


def _category(reading: Tables) -> tuple[str, ...]:
    value = reading.ask(reading.tables, "category", None)
    path = tuple(map(str, value)) if isinstance(value, list) else (str(value),) if value else ()
    known = 1 <= len(path) <= 2 and path[0] in APPLE_CATEGORIES  # noqa: PLR2004  (a category and its subcategory)
    if not known or any(each not in APPLE_CATEGORIES[path[0]] for each in path[1:]):
        cause = f"category 是 {value!r}，不在 Apple 的分类表里" if path else "没有写 category"
        fix = '写成 ["Society & Culture", "Places & Travel"] 这样的一级、二级分类（英文）'
        reading.wrong(reading.tables, "category", cause, fix, "JX-A56")
    return path


def _unique(reading: Tables, rows: Sequence[Mapping[str, Any]], key: str) -> None:
    seen: set[str] = set()
    for row in rows:
        value = str(row.get(key))
        if key in row and value in seen:
            reading.wrong(row, key, f"{key} 有重复：{value}", "每个只写一次", "JX-A57")
        seen.add(value)


def _short(text: str) -> str | None:
    # Source: PSP-1: values of at most 255 characters unless stated.
    return f"有 {len(text)} 个字，最多 255 个" if len(text) > 255 else None  # noqa: PLR2004  (see the line above)


def _name(text: str) -> str | None:
    return f"有 {len(text)} 个字，最多 {_MAX_NAME} 个" if len(text) > _MAX_NAME else None


def _txt_text(text: str) -> str | None:
    return f"有 {len(text)} 个字，最多 {_MAX_TXT} 个" if len(text) > _MAX_TXT else None


def _pinyin_fault(word: str, text: str) -> str | None:
    """Return what is wrong with a word's pinyin, in Chinese; a word of Chinese characters has a syllable for each."""
    wanted = "写成拼音，音节之间空一格，声调用 1 到 5 写在后面，比如 xi1 pu3"
    if not clean(word):
        return "前面没有写是哪个词"
    strange = [syllable for syllable in text.split() if not _SYLLABLE.fullmatch(syllable)]
    if strange:
        return f"里看不懂“{strange[0]}”，{wanted}"
    characters = len(word)
    if len(_HAN.findall(word)) == characters and characters != len(text.split()):
        return f"有 {characters} 个字，拼音却有 {len(text.split())} 个音节，{wanted}"
    return None


def _rrule(text: str) -> str | None:
    """Source: RFC 5545, 3.3.10, as dateutil reads it."""
    wanted = f"“{text}”不是重复规则，每周一期写 FREQ=WEEKLY，每两周一期写 FREQ=WEEKLY;INTERVAL=2"
    if not _RRULE.fullmatch(text):
        return wanted
    try:
        happens = rrule.rrulestr(text, dtstart=_TEN_YEARS[0]).between(*_TEN_YEARS, inc=True)
    except ValueError:
        return wanted
    return None if happens else wanted


def _description(text: str) -> str | None:
    size_bytes = len(text.encode())
    if size_bytes > _MAX_DESCRIPTION_BYTES:
        return f"有 {size_bytes} 字节，最多 {_MAX_DESCRIPTION_BYTES} 字节（约 1333 个汉字）"
    return None


def _subtitle(text: str) -> str | None:
    return f"有 {len(text)} 个字，封面上最多放 {_MAX_SUBTITLE} 个" if len(text) > _MAX_SUBTITLE else None


def _email(text: str) -> str | None:
    return None if _EMAIL.fullmatch(text) else f"“{text}”不像一个邮箱"


def _language(text: str) -> str | None:
    return None if _LANGUAGE.fullmatch(text) else f"“{text}”不是语言代码，普通话写 zh-cn"


def _timezone(text: str) -> str | None:
    return None if text in zoneinfo.available_timezones() else f"“{text}”不是时区名，国内写 Asia/Shanghai"


def _web_address(text: str) -> str | None:
    return None if addresses.is_web_address(text) else f"“{text}”不是 http:// 或 https:// 开头的网址"


def _site_url(text: str) -> str | None:
    fault = _web_address(text)
    if fault is None and (not text.endswith("/") or "?" in text or "#" in text):
        return f"“{text}”应当以 / 结尾，不带 ? 和 #"
    return fault


def _service(text: str) -> str | None:
    return None if text in SERVICES else f"“{text}”不认识，应当是 {'、'.join(SERVICES)} 之一"


def _aspect_key(text: str) -> str | None:
    return None if _ASPECT_KEY.fullmatch(text) else f"“{text}”只能用小写英文字母、数字和连字符"


def _coord_system(text: str) -> str | None:
    return None if text in COORD_SYSTEMS else f"“{text}”不认识，应当是 {'、'.join(COORD_SYSTEMS)} 之一（坐标从哪种地图取的）"

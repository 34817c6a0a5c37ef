"""What a value in a feed may be: each check returns what is wanted, in Chinese, where a value is something else."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from pipeline.addresses import is_web_address

Check = Callable[[str], str | None]

# Well-formed XML has no others.
_CONTROL = re.compile(r"[\x7f-\x9f\ufffe\uffff]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# Source: RFC 2822, 3.3, with the year in four figures; W3C's validator wants the day of the week to be right as well.
_DATE = re.compile(
    r"(?P<weekday>Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
    r"\d\d:\d\d(:\d\d)? ([+-]\d{4}|GMT|UT)",
    re.ASCII,
)
# Source: RFC 5870.
_GEO = re.compile(r"geo:-?\d{1,2}(\.\d+)?,-?\d{1,3}(\.\d+)?(,-?\d+(\.\d+)?)?(;.*)?", re.ASCII)
MOST_CHARACTERS = 255  # Source: PSP-1: unless stated otherwise


def words(most: int = MOST_CHARACTERS) -> Check:
    """Return the check of a text with at most so many characters."""

    def check(value: str) -> str | None:
        return _plain(value) or (f"最多 {most} 个字（现在有 {len(value)} 个）" if len(value) > most else None)

    return check


def text_of_bytes(most: int) -> Check:
    """Return the check of a longer text with at most so many bytes in UTF-8."""

    def check(value: str) -> str | None:
        size_bytes = len(value.encode())
        return _plain(value) or (f"最多 {most} 字节（现在有 {size_bytes}）" if size_bytes > most else None)

    return check


def _plain(value: str) -> str | None:
    if not value.strip():
        return "有内容的字"
    if value != value.strip():
        return "前后没有空白的字"
    return "没有控制字符的字" if _CONTROL.search(value) else None


def one_of(*allowed: str) -> Check:
    """Return the check of a value that is one of a few words."""

    def check(value: str) -> str | None:
        return None if value in allowed else " 或 ".join(allowed)

    return check


def like(pattern: str, wanted: str) -> Check:
    """Return the check of a value that a regular expression describes, and people in the words ``wanted``."""
    compiled = re.compile(pattern)

    def check(value: str) -> str | None:
        return None if compiled.fullmatch(value) else wanted

    return check


def unlike(pattern: re.Pattern[str], wanted: str) -> Check:
    """Return the check of a value that does not hold what a regular expression finds."""

    def check(value: str) -> str | None:
        return wanted if pattern.search(value) else None

    return check


def refused(_: str) -> str:
    """Check a value that is better left out."""
    return "不写这一项"


def address(*suffixes: str) -> Check:
    """Return the check of a whole address of the web in plain ASCII; its file ends in one of ``suffixes`` if there are any."""

    def check(value: str) -> str | None:
        if not is_web_address(value):
            return "只有英文字符的完整网址（别的字符写成 % 编码）"
        if len(value) > MOST_CHARACTERS:
            return f"最多 {MOST_CHARACTERS} 个字的网址"
        return f"以 {'、'.join(suffixes)} 之一结尾的网址" if suffixes and suffix_of(value) not in suffixes else None

    return check


def suffix_of(url: str) -> str:
    """Return how the file of an address ends, in lower case."""
    return PurePosixPath(urlsplit(url).path).suffix.lower()


def email(value: str) -> str | None:
    """Check an e-mail address."""
    return None if _EMAIL.fullmatch(value) else "一个邮箱"


def date(value: str) -> str | None:
    """Check a moment as RFC 2822 writes it."""
    match = _DATE.fullmatch(value)
    wanted = "Mon, 12 Oct 2026 08:00:00 +0800 这样的时间"
    try:
        moment = parsedate_to_datetime(value) if match else None
    except ValueError:
        return wanted
    if match is None or moment is None:
        return wanted
    weekday = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    return None if match["weekday"] == weekday else f"星期写对的时间（那天是 {weekday}）"


def geo(value: str) -> str | None:
    """Check a place on the earth as a geo URI."""
    return None if _GEO.fullmatch(value) else "geo:纬度,经度"


positive = like("0{0,9}[1-9][0-9]{0,17}", "大于 0 的整数")
number = like(r"[0-9]{1,18}(\.[0-9]{1,18})?", "一个数")

"""Lengths, sizes, distances and days as people say them in Chinese."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

_WEEKDAYS = "一二三四五六日"


def spoken_length(duration_s: float) -> str:
    """Return a length of time in words: 约 1 分 20 秒. Rounded to seconds, at least one."""
    minutes, seconds = divmod(max(1, round(duration_s)), 60)
    words = [f"{minutes} 分" if seconds else f"{minutes} 分钟"] if minutes else []
    if seconds:
        words.append(f"{seconds} 秒")
    return f"约 {' '.join(words)}"


def clock(time_s: float) -> str:
    """Return a moment of the sound as a clock shows it: 1:05, or 1:02:03 from an hour on. Rounded down."""
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def megabytes(size_bytes: int) -> str:
    """Return a size as phones count it, in millions of bytes: 1.3 MB. At least 0.1."""
    return f"{max(0.1, size_bytes / 1_000_000):.1f} MB"


def metres(distance_m: float) -> str:
    """Return a walking distance, to ten metres: 420 米; from a kilometre on 1.2 公里."""
    rounded_m = round(distance_m, -1)
    return f"{rounded_m / 1000:.1f} 公里" if rounded_m >= 1000 else f"{max(10, rounded_m):.0f} 米"  # noqa: PLR2004  # a kilometre


def day(moment: datetime, timezone: str) -> str:
    """Return the day of a moment in the series' time zone: 2026 年 10 月 12 日."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{local.year} 年 {local.month} 月 {local.day} 日"


def day_and_hour(moment: datetime, timezone: str) -> str:
    """Return the day and hour of a moment in the series' time zone: 2026 年 10 月 12 日（星期一）8:00."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{day(moment, timezone)}（星期{_WEEKDAYS[local.weekday()]}）{local.hour}:{local.minute:02}"


def dialled(telephone: str) -> str:
    """Return what a telephone dials, from a number written for people: 0755-12345678（居委会） gives 075512345678."""
    number = re.match(r"\s*(\+?[\d \-()（）]*)", telephone, re.ASCII)
    return re.sub(r"[^\d+]", "", number[1]) if number else ""

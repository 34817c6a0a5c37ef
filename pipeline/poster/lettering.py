"""What stands on a poster, as it is read: the same lines for an episode's poster and for the series'."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.model import Wording

CALL = "微信扫码 · 收听"
_SERIES_SEAL = "有声海报"
_SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class SeriesWording:
    """All that is written on the series' own poster. ``site_url`` is what its code holds."""

    title: str
    subtitle: str
    headline: str
    summary: str
    signature: str
    stop_count: int
    site_url: str


@dataclass(frozen=True, kw_only=True)
class Lettering:
    """The lines of one poster. ``stop_order`` is 0 where the whole route is meant; ``url`` is what the code holds."""

    header_left: str
    header_right: str
    title: str
    subtitle: str
    seal: str
    headline: str
    summary: str
    facts: str
    signature: str
    call: str
    address: str
    placement: str
    brand: str
    url: str
    stop_order: int
    stop_count: int


def letter_episode(wording: Wording) -> Lettering:
    """Return the lines of an episode's poster."""
    languages = " · ".join(wording.spoken_languages)
    facts = [f"时长 {duration_text(wording.duration_s)}", languages, f"步行路线第 {wording.stop_order} 站"]
    credit = f"照片：{wording.photo_credit}" if wording.photo_credit else ""
    signature = [wording.signature, credit, "本期为合成语音" if wording.synthetic_voice else ""]
    return Lettering(
        header_left=wording.series_title,
        header_right=f"有声海报 第 {wording.number} 期",
        title=wording.title,
        subtitle=wording.subtitle,
        seal=wording.aspect.name,
        headline=wording.stop_name,
        summary=wording.summary,
        facts=_join(facts),
        signature=_join(signature),
        call=CALL,
        address=readable_address(wording.page_url.partition("?")[0]),  # the place is told beside it
        placement=f"点位 {wording.placement_id}" if wording.placement_id else "",
        brand=wording.series_title,
        url=wording.page_url,
        stop_order=wording.stop_order,
        stop_count=wording.stop_count,
    )


def letter_series(wording: SeriesWording) -> Lettering:
    """Return the lines of the series' own poster."""
    return Lettering(
        header_left=wording.signature,
        header_right="有声海报",
        title=wording.title,
        subtitle=wording.subtitle,
        seal=_SERIES_SEAL,
        headline=wording.headline,
        summary=wording.summary,
        facts=f"步行路线共 {wording.stop_count} 站",
        signature="",  # it stands in the header
        call=CALL,
        address=readable_address(wording.site_url),
        placement="",
        brand=wording.title,
        url=wording.site_url,
        stop_order=0,
        stop_count=wording.stop_count,
    )


def duration_text(duration_s: float) -> str:
    """Return a duration as it is read: ``8 分 30 秒``, ``45 秒``."""
    minutes, seconds = divmod(round(duration_s), _SECONDS_PER_MINUTE)
    if minutes == 0:
        return f"{seconds} 秒"
    return f"{minutes} 分 {seconds} 秒" if seconds else f"{minutes} 分钟"


def readable_address(url: str) -> str:
    """Return ``url`` as people type it, without the scheme."""
    return url.split("://", 1)[-1]


def _join(parts: list[str]) -> str:
    return " ｜ ".join(part for part in parts if part)

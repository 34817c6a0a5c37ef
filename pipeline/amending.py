"""What changes a promise, on somebody's decision: a correction, a retirement, a move. First who is affected, then one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from pipeline import addresses, artefacts, ledger, source
from pipeline.build import LEDGER_FILE, PLACEMENTS_FILE, SERIES_FILE
from pipeline.errors import AuthorError, Problem, PromiseError
from pipeline.ledger import Ledger
from pipeline.model import Episode, Files, Series
from pipeline.publish.redirects import redirect_rules

_MAX_REASON = 200


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """A change that nobody has agreed to yet; ``affected`` says in Chinese who would notice what.

    ``line`` makes the ledger's line of a reason and the moment of the decision. ``files`` go to out/move.
    """

    promises: Ledger
    title: str
    affected: tuple[str, ...]
    line: Callable[[str, datetime], str]
    files: Files = field(default_factory=dict)


def propose_correction(workspace: Path, number: int) -> Amendment:
    """Return what it would mean to replace the sound of a released episode by one from the recording that lies there now.

    Raises:
        AuthorError: JX-A64, its folder is not there; or what is wrong with it.
        PromiseError: JX-P20, it is not released, or retired; JX-P21, this very correction is already on record.
    """
    series, promises = _read(workspace)
    _require_released(promises, number)
    episode = _find_episode(workspace, series, number)
    recording = artefacts.digest(episode.recording)
    pending, release = promises.pending_correction(number), promises.releases[number]
    if pending and pending.recording_sha256 == recording:
        cause, fix = f"第 {number} 期的这次更正已经登记过，还没有发布", "直接运行 jixiang publish"
        raise PromiseError([Problem(place=promises.file, cause=cause, fix=fix, code="JX-P21")])
    same = recording == release.recording_sha256
    return Amendment(
        promises=promises,
        title=f"更正第 {number} 期《{episode.title}》的声音",
        affected=(
            "录音还是发布时的那一份：声音、标签和封面会照现在的稿件和设置重做。"
            if same
            else f"换成新的录音 {episode.recording.name}。",
            f"这一期 {release.published_at:%Y-%m-%d} 发布。已经下载的听众听到的还是旧的；没有下载的、重新下载的会听到新的。",
            "期数、网址、海报上的码都不变，听众的应用里不会多出一期。",
            f"旧的声音 {release.path} 一直留在网站上。",
        ),
        line=lambda reason, now: ledger.correction_line(number, recording, reason, now),
    )


def propose_retirement(workspace: Path, number: int) -> Amendment:
    """Return what it would mean to take a released episode out of the feed.

    Raises:
        PromiseError: JX-P20, it is not released, or already retired.
    """
    _, promises = _read(workspace)
    _require_released(promises, number)
    placements = [each.id for each in source.read_placements(workspace / PLACEMENTS_FILE) if each.shows(number)]
    released_on = f"{promises.releases[number].published_at:%Y-%m-%d}"
    hung = f"点位表里有 {len(placements)} 处贴着它（{'、'.join(placements)}）。" if placements else ""
    return Amendment(
        promises=promises,
        title=f"把第 {number} 期从订阅里撤下",
        affected=(
            f"订阅的听众：应用里不再列出这一期（{released_on} 发布）；已经下载的还在他们手机里。",
            f"扫海报的居民：{promises.identities[number].page_url} 照样打开，还能听，页面上说明已撤下。{hung}",
            "首页、六个方面和路线里不再列出它。撤下以后不能恢复到订阅里。",
            f"连声音也不要留在这一页上，就再把这一期的文件夹挪走；声音文件 {promises.releases[number].path} 留在网站上。",
        ),
        line=lambda reason, now: ledger.retirement_line(number, reason, now),
    )


def propose_move(workspace: Path) -> Amendment:
    """Return what it would mean that the series lives at the address that series.toml has now.

    Raises:
        PromiseError: JX-P22, nothing is released yet; JX-P23, series.toml still has the address on record; JX-P24, the new
            address lies below an old one.
    """
    series, promises = _read(workspace)
    if not promises.releases or promises.series is None:
        cause, fix = "还没有一期发布过，没有人会找不到", "直接改 series.toml 里的 site_url，再做一次，打印新的海报"
        raise PromiseError([Problem(place=promises.file, cause=cause, fix=fix, code="JX-P22")])
    old = promises.series.site_url
    if old == series.site_url:
        cause, fix = f"series.toml 里的 site_url 还是现在的地址 {old}", "先把 site_url 改成新地址，再运行 jixiang move"
        raise PromiseError([Problem(place=series.file, line=series.lines.get("site_url"), cause=cause, fix=fix, code="JX-P23")])
    if any(_is_below(series.site_url, site) for site in (*promises.former_sites, old)):
        cause = f"新网址 {series.site_url} 就在旧网址下面，旧网址转过去会一直兜圈子，码全都打不开"
        fix = "换一个不在旧网址下面的新网址，比如换一个域名"
        raise PromiseError([Problem(place=series.file, line=series.lines.get("site_url"), cause=cause, fix=fix, code="JX-P24")])
    old_feed, new_feed = addresses.feed_url(old), addresses.feed_url(series.site_url)
    hung = f"（点位表里 {len(promises.placements)} 处）" if promises.placements else ""
    return Amendment(
        promises=promises,
        title=f"网站从 {old} 搬到 {series.site_url}",
        affected=(
            f"已发布 {len(promises.releases)} 期，印出去的海报{hung}都指着旧网址。",
            "旧网址要永远能打开，并且原样转到新网址，一个也不能漏。转发的写法会存在 out/move 里，交给管网站的人。",
            f"订阅的听众：旧的 {old_feed} 转到 {new_feed}，新的订阅文件里写明已搬家。",
            "他们的应用会自己跟过来；每一期的编号不变，不会重复。",
            "以后打印的海报用新网址。旧域名和它的证书请一直续费。",
        ),
        line=lambda reason, now: ledger.move_line(series.site_url, reason, now),
        files={
            name: rules
            for site in dict.fromkeys([*promises.former_sites, old])
            if site != series.site_url
            for name, rules in redirect_rules(site, series.site_url).items()
        },
    )


def record(amendment: Amendment, out: Path, *, reason: str, now: datetime) -> None:
    """Write the line into the ledger, synced, and the files into ``out``/move.

    Raises:
        AuthorError: JX-A62, no reason is given, or a long one: it stays on the site for ever.
        MachineError, LockedError: it cannot be written, or a build is at work.
    """
    reason = source.clean(reason)
    if not reason or len(reason) > _MAX_REASON:
        cause = f"理由有 {len(reason)} 个字，最多 {_MAX_REASON} 个" if reason else "没有写理由"
        fix = "写一句为什么，以后的人看台账就明白；理由会随台账一起放到网站上，不要写个人隐私"
        raise AuthorError([Problem(place=amendment.promises.file, cause=cause, fix=fix, code="JX-A62")])
    with artefacts.claimed(out):
        artefacts.append_lines(amendment.promises.file, [amendment.line(reason, now)], drop_torn_line=amendment.promises.torn)
        if amendment.files:
            artefacts.lay_out(out / "move", amendment.files)


def _is_below(new_site: str, old_site: str) -> bool:
    """Tell whether what redirects ``old_site`` would redirect ``new_site`` as well."""
    new, old = urlsplit(new_site), urlsplit(old_site)
    return new_site != old_site and new.netloc == old.netloc and new.path.startswith(old.path) and new.path != old.path


def _read(workspace: Path) -> tuple[Series, Ledger]:
    return source.read_series(workspace / SERIES_FILE), ledger.read_ledger(workspace / LEDGER_FILE)


def _require_released(promises: Ledger, number: int) -> None:
    if number in promises.retirements:
        cause, fix = f"第 {number} 期已经撤下了", "不用再做什么"
    elif number not in promises.identities:
        cause, fix = f"台账里没有第 {number} 期", "看看期数写对了没有：jixiang ledger 会列出全部"
    elif number not in promises.releases:
        cause, fix = f"第 {number} 期还没有发布过，没有人会受影响", "直接改，再做一次就行；不要这一期就把文件夹挪走"
    else:
        return
    raise PromiseError([Problem(place=promises.file, cause=cause, fix=fix, code="JX-P20")])


def _find_episode(workspace: Path, series: Series, number: int) -> Episode:
    reading = source.read_episodes(workspace, series)
    for broken in reading.broken:
        if broken.number == number:
            raise broken.error
    found = next((episode for episode in reading.episodes if episode.number == number), None)
    if found is None:
        cause, fix = f"没有第 {number} 期的文件夹", "从备份里找回来，把新的录音放进去，再运行一次"
        raise AuthorError([Problem(place=workspace, cause=cause, fix=fix, code="JX-A64")])
    return found

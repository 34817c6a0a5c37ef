"""What came of a command, in words and as JSON: what people read in the terminal, and what other programs do."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from tabulate import tabulate

from pipeline.build import Outcome
from pipeline.captions import doubtful
from pipeline.errors import Problem
from pipeline.ledger import Ledger
from pipeline.model import BuiltEpisode
from pipeline.poster.decoders import WECHAT, decoders
from pipeline.poster.proof import CONTRAST, MODULE_PX, REACH, Finding
from pipeline.publishing import Publication

_COLUMNS = ("期", "标题", "时长", "响度 LUFS", "响度范围", "真峰值", "限幅", "剪静音", "扫码", "发布")
_ALIGNMENTS = ("right", "left", *["right"] * 7, "left")
_ACTIONS = {"new": "新传", "changed": "改动", "same": "不变", "adopted": "已在", "left over": "不再用"}
_HOW_TIMED = {
    "pauses": "时间是照停顿和音节数对的；只核对了语速、长度和停顿，没有逐句听内容。",
    "phones": "时间是照停顿、音节数和逐句听到的音对的；每一句都和文稿对过。",
    "hand": "时间和文字都照手改的字幕。",
}
_TITLE_COLUMNS = 16  # eight Chinese characters; with them the table fits a Windows console of 120, where → is two wide


def tell_publication(publication: Publication) -> Iterator[str]:
    """Yield what went out, or why nothing did."""
    destination, plan, published = publication.destination, publication.plan, publication.published
    yield from _reminders(publication.outcome, publication.released)
    if destination.public and destination.fetch_url != publication.outcome.series.site_url:
        yield f"提醒：核对的是 {destination.fetch_url}，不是海报上的 {publication.outcome.series.site_url}；请自己扫一扫。"
    kind = "正式" if destination.public else "试发，不算数"
    if plan is None:
        yield "没有发布：先改好下面的问题，再运行一次。网站上的东西没有动。"
        return
    changes = [each for each in plan.entries if each.action in {"new", "changed"}]
    megabytes = sum(each.size_bytes for each in changes) / 1_000_000
    same = sum(each.action in {"same", "adopted"} for each in plan.entries)
    if published is None:
        listed = [each for each in plan.entries if each.action != "same"]
        rows = [(_ACTIONS[each.action], each.path, f"{each.size_bytes:,}", each.mime_type) for each in listed]
        yield _table(rows, ("会做什么", "文件", "字节", "类型"), ("left", "left", "right", "left"))
        yield f"\n发布到 {destination.name}（{kind}）：要传 {len(changes)} 个文件，共 {megabytes:.1f} MB；{same} 个没有变。"
        yield "这一次没有传。"
        return
    counts = f"传了 {published.uploaded} 个文件，取回核对 {published.fetched} 个；{same} 个没有变"
    yield f"√ 发布到 {destination.name}（{kind}）：{counts}。"
    if published.removed:
        yield f"  删掉 {len(published.removed)} 个不再用的文件"
    elif published.left_over:
        yield f"  网站上还有 {len(published.left_over)} 个不再用的文件，不碍事；要删就加 --prune"
    if publication.released:
        numbers = "、".join(map(str, publication.released))
        yield f"  第 {numbers} 期已记入台账，请把 ledger.jsonl 和稿件一起保存好"
    yield f"  网站 {destination.fetch_url}"


def tell_ledger(promises: Ledger) -> Iterator[str]:
    """Yield the promises as a table, and what was decided about them."""
    if promises.series is None:
        yield f"台账 {promises.file} 还是空的：做第一期的时候会写。"
        return
    yield f"网站 {promises.series.site_url}\n订阅 {promises.series.feed_url}\n节目编号 {promises.series.podcast_guid}"
    for change in promises.moves:
        yield f"搬家 {change.decided_at:%Y-%m-%d} 搬到 {change.site_url}（{change.reason}）"
    rows = [_ledger_row(promises, number) for number in sorted(promises.identities)]
    yield "\n" + _table(rows, ("期", "状态", "发布时间", "网址", "声音", "字节"), ("right", *["left"] * 4, "right"))
    for number, corrections in sorted(promises.corrections.items()):
        for each in corrections:
            yield f"更正 第 {number} 期 {each.decided_at:%Y-%m-%d}（{each.reason}）"
    for number, retirement in sorted(promises.retirements.items()):
        yield f"撤下 第 {number} 期 {retirement.decided_at:%Y-%m-%d}（{retirement.reason}）"
    for placement in promises.placements.values():
        yield f"点位 {placement.id} {placement.name}"


def _ledger_row(promises: Ledger, number: int) -> tuple[str, ...]:
    release, url = promises.releases.get(number), promises.identities[number].page_url
    if release is None:
        return str(number), "没有发布", "", url, "", ""
    state = "已撤下" if number in promises.retirements else "更正待发布" if promises.pending_correction(number) else "已发布"
    return str(number), state, f"{release.published_at:%Y-%m-%d %H:%M}", url, release.path, f"{release.size_bytes:,}"


def tell_outcome(outcome: Outcome) -> Iterator[str]:
    """Yield what a build made, what its makers should know, and where it lies."""
    if outcome.built:
        yield outcome_table([_row(each) for each in outcome.built])
        yield ""
    yield from _reminders(outcome, {each.identity.number for each in outcome.built})
    if outcome.built:
        yield f"声音和网页   {outcome.out / 'site'}"
        yield f"打印的海报   {outcome.out / 'print'}"
        yield f"手机上发的图 {outcome.out / 'social'}"
        yield f"声音前后对比 {outcome.out / 'report'}"
    if not outcome.site_laid_out and (outcome.out / "site").is_dir():
        yield "网页和订阅保持上一次的样子，没有改动：先改好下面的问题，再做一次。"
    elif outcome.built:
        yield "下一步：打开网页看一看、听一听，用微信扫一扫海报上的码，再拿去打印。"


def tell_captions(built: BuiltEpisode, report: Path, *, everything: bool) -> Iterator[str]:
    """Yield the captions whose time is doubtful, or all, and how to correct them; ``report`` is the folder they lie in."""
    cues = built.captions.cues if everything else doubtful(built.captions)
    rows = [(_clock(cue.start_s), f"{100 * cue.confidence:.0f}%", cue.speaker, cue.text) for cue in cues]
    number = built.identity.number
    if rows:
        yield _table(rows, ("时间", "把握", "谁", "字幕"), ("right", "right", "left", "left"))
        yield ""
    for words in built.captions.disagreements:
        yield f"提醒：{words}"
    yield _HOW_TIMED[built.captions.method]
    if built.episode.captions:
        yield f"用的是手改的字幕 {built.episode.captions.file}"
    elif rows and not everything:
        yield f"一共 {len(built.captions.cues)} 条，{len(rows)} 条时间拿不准，请对着声音听一听。"
    elif not rows:
        yield f"√ 一共 {len(built.captions.cues)} 条，没有拿不准的。"
    if not built.episode.captions:
        target = built.episode.folder / "captions.vtt"
        yield f"要改：把 {report / f'{number}.vtt'} 复制成 {target}，用记事本改好，再做一次；以后就用这一份。"


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(time_s, 60)
    return f"{int(minutes)}:{seconds:04.1f}"


def captions_as_json(built: BuiltEpisode) -> dict[str, object]:
    """Return an episode's captions with their confidence."""
    return {
        "number": built.identity.number,
        "by_hand": built.episode.captions is not None,
        "cues": [dataclasses.asdict(cue) for cue in built.captions.cues],
        "disagreements": built.captions.disagreements,
    }


def _reminders(outcome: Outcome, numbers: Container[int]) -> Iterator[str]:
    for each in outcome.built:
        if each.identity.number not in numbers:
            continue
        notes = (f"{note.place.name} {note.cause}（{note.fix}）[{note.code}]" for note in each.episode.notes)
        said = (*notes, *each.sound.warnings, *each.captions.disagreements)
        for words in said:
            yield f"提醒：第 {each.identity.number} 期 {words}"
    for identity in outcome.voided:
        yield f"提醒：第 {identity.number} 期的网址变了，印着 {identity.page_url} 的海报已经作废，请重新打印"
    for note in outcome.notes:
        yield f"提醒：{note}"


def tell_findings(file: Path, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield what the codes of a picture hold and bear."""
    several = findings[-1].page > 1
    for finding in findings:
        missed_by = "、".join(name for name in decoders() if name not in finding.proof.read_by)
        yield f"{file} 第 {finding.page} 页" if several else f"{file}"
        yield f"  码里写的  {finding.text}"
        for text in finding.beside:
            yield f"  旁边还有  {text}"
        yield f"  读出来的  {'、'.join(finding.proof.read_by) or '没有'}{f'；没读出来的：{missed_by}' if missed_by else ''}"
        tried = f"试拍 {finding.proof.trials} 张，读出 {finding.proof.decodings} 张"
        reach = f"{finding.proof.reach:.3g}" if finding.proof.reach else "不到 1"
        yield f"  能扫多远  占满手机画面时的 {reach} 倍，至少要 {REACH:g} 倍（{tried}）"
        yield f"  每格大小  {finding.module_px:.3g} 像素，至少要 {MODULE_PX:g}（画面宽 1080 像素时）"
        yield f"  深浅对比  {finding.contrast:.3g} : 1，至少要 {CONTRAST:g} : 1"
        yield f"  四周留白  {finding.quiet_zone_modules:.3g} 格，应当有 4 格"
        if not finding.problems:
            yield "  √ 这个码扫得开。"
    if WECHAT not in decoders():
        yield "提醒：没有装微信的解码程序（附加包 proof），装上就多一个程序来查。"


def outcome_table(rows: Sequence[Sequence[str]]) -> str:
    """Return the table at the end of a build; it fits a console of 120 columns."""
    return _table(rows, _COLUMNS, _ALIGNMENTS, (None, _TITLE_COLUMNS))


def _table(
    rows: Sequence[Sequence[str]], columns: Sequence[str], alignments: Sequence[str], widths: Sequence[int | None] = ()
) -> str:
    if not rows:
        return "\u3000".join(columns)
    return tabulate(rows, headers=columns, colalign=alignments, maxcolwidths=widths or None, disable_numparse=True)


def _row(built: BuiltEpisode) -> tuple[str, ...]:
    sound = built.sound
    minutes, seconds = divmod(round(sound.duration_s), 60)
    codes = [poster for poster in built.posters if poster.trials]
    return (
        str(built.identity.number),
        built.episode.title,
        f"{minutes}:{seconds:02}",
        f"{_figure(sound.recorded_lufs)} → {_figure(sound.integrated_lufs)}",
        f"{_figure(sound.recorded_range_lu)} → {_figure(sound.loudness_range_lu)}",
        f"{_figure(sound.true_peak_dbtp)} dBTP",
        f"{_figure(sound.most_limiting_db)} dB",
        f"{sound.trimmed_head_s + sound.trimmed_tail_s:.1f} 秒",
        f"{min(poster.reach for poster in codes):.1f} 倍" if codes else "—",
        "已到发布时间" if built.public else f"{built.published_at:%Y-%m-%d %H:%M}",
    )


def _figure(level: float) -> str:
    return f"{level:.1f}" if math.isfinite(level) else "—"


def problems_of(outcome: Outcome) -> list[Problem]:
    """Return what is to be mended, each once: what stands in series.toml stops every episode."""
    return list(dict.fromkeys(problem for failure in outcome.failures for problem in failure.problems))


def outcome_as_json(outcome: Outcome) -> dict[str, object]:
    """Return a build's outcome with its reports."""
    reports = [outcome.out / "report" / f"{each.identity.number}.json" for each in outcome.built]
    return {
        "out": str(outcome.out),
        "site_laid_out": outcome.site_laid_out,
        "episodes": [json.loads(report.read_bytes()) for report in reports],
        "voided": [identity.page_url for identity in outcome.voided],
        "notes": [dataclasses.asdict(note) for note in outcome.notes],
        "problems": [dataclasses.asdict(problem) for problem in problems_of(outcome)],
    }


def publication_as_json(publication: Publication) -> dict[str, object]:
    """Return a publication with its plan."""
    plan, published = publication.plan, publication.published
    return {
        "destination": publication.destination.name,
        "public": publication.destination.public,
        "plan": [dataclasses.asdict(each) for each in plan.entries] if plan else None,
        "published": dataclasses.asdict(published) if published else None,
        "released": publication.released,
        "problems": [dataclasses.asdict(problem) for problem in problems_of(publication.outcome)],
    }


def ledger_as_json(promises: Ledger) -> dict[str, object]:
    """Return every promise."""
    return {
        "series": dataclasses.asdict(promises.series) if promises.series else None,
        "former_sites": promises.former_sites,
        "identities": [dataclasses.asdict(each) for each in promises.identities.values()],
        "placements": [dataclasses.asdict(each) for each in promises.placements.values()],
        "releases": [dataclasses.asdict(each) for each in promises.releases.values()],
        "corrections": [dataclasses.asdict(each) for group in promises.corrections.values() for each in group],
        "retirements": [dataclasses.asdict(each) for each in promises.retirements.values()],
        "moves": [dataclasses.asdict(each) for each in promises.moves],
    }


def finding_as_json(finding: Finding) -> dict[str, object]:
    """Return what was found of one code."""
    return {
        "page": finding.page,
        "text": finding.text,
        "beside": finding.beside,
        "read_by": finding.proof.read_by,
        "reach": round(finding.proof.reach, 2),
        "decodings": finding.proof.decodings,
        "trials": finding.proof.trials,
        "module_px": round(finding.module_px, 1),
        "contrast": round(finding.contrast, 1),
        "quiet_zone_modules": finding.quiet_zone_modules,
        "inverted": finding.inverted,
        "problems": [dataclasses.asdict(problem) for problem in finding.problems],
    }

"""What in the sources would break a promise, or has replaced one that does not bind yet."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.errors import Problem
from pipeline.ledger.promises import Ledger, PlacementPromise, promise_series
from pipeline.model import Episode, Identity, Placement, Series


def check_promises(
    ledger: Ledger, series: Series, episodes: Sequence[Episode], recordings: Mapping[int, str], broken: Container[int]
) -> tuple[Problem, ...]:
    """Return what in the sources would break a promise: a moved site, another recording, another number, a lost folder.

    ``recordings`` holds the SHA-256 of each episode's recording by number. Numbers in ``broken`` are there but cannot be read.
    """
    return (
        *_moved_site(ledger, series),
        *_other_recordings(ledger, episodes, recordings),
        *(problem for number, problem in _missing_episodes(ledger, episodes, recordings) if number not in broken),
    )


def voided_codes(ledger: Ledger, identities: Sequence[Identity]) -> tuple[Identity, ...]:
    """Return the recorded identities that ``identities`` replace: posters printed with them would be void."""
    recorded = (ledger.identities.get(identity.number) for identity in identities)
    return tuple(old for old, new in zip(recorded, identities, strict=True) if old is not None and old != new)


def check_placements(ledger: Ledger, placements: Sequence[Placement], file: Path) -> tuple[Problem, ...]:
    """Return each placement whose id is on record for another: copies with it hang there, and its visits are counted under it.

    Nothing binds before the first release; ``voided_placements`` tells what is replaced then. ``file`` is placements.csv.
    """
    if not ledger.releases:
        return ()
    problems = []
    for old, new in _replaced(ledger, placements):
        cause = (
            f"编号 {new.id} 写的是“{new.name}”，台账里的 {old.id} 是“{old.name}”；"
            "印着它的海报也许已经贴出去，一个编号只能是一个地方"
        )
        fix = "换一个从来没有用过的编号；还是原来的地方，就把编号和地点改回台账里的样子"
        problems.append(Problem(place=file, line=new.line, cause=cause, fix=fix, code="JX-P10"))
    return tuple(problems)


def voided_placements(ledger: Ledger, placements: Sequence[Placement], file: Path) -> tuple[Problem, ...]:
    """Return what to say of the recorded placements that ``placements`` replace: copies printed for them are void."""
    problems = []
    for old, new in _replaced(ledger, placements):
        cause = f"编号 {old.id} 原来是“{old.name}”，现在 {new.id} 是“{new.name}”，以前印给它的海报已经作废"
        fix = "打印过的请换成新的，还没有打印就不用管"
        problems.append(Problem(place=file, line=new.line, cause=cause, fix=fix, code="JX-P11"))
    return tuple(problems)


def _replaced(ledger: Ledger, placements: Sequence[Placement]) -> Iterator[tuple[PlacementPromise, Placement]]:
    """Yield the recorded placements that have the id of another one now; ids that differ in case alone are the same."""
    for new in placements:
        old = ledger.placements.get(new.id.lower())
        if old is not None and old != PlacementPromise(id=new.id, name=new.name):
            yield old, new


def _moved_site(ledger: Ledger, series: Series) -> tuple[Problem, ...]:
    if not ledger.releases or ledger.series is None or ledger.series == promise_series(ledger, series):
        return ()
    cause = (
        f"site_url 写的是 {series.site_url}，台账里已发布的是 {ledger.series.site_url}；"
        f"改了它，印出去的二维码和 {len(ledger.releases)} 期已发布节目的订阅都会失效"
    )
    fix = f"把 site_url 改回 {ledger.series.site_url}；真的要搬家，就运行 jixiang move"
    return (Problem(place=series.file, cause=cause, fix=fix, code="JX-P02"),)


def _other_recordings(ledger: Ledger, episodes: Sequence[Episode], recordings: Mapping[int, str]) -> tuple[Problem, ...]:
    problems = []
    for episode in episodes:
        wanted = ledger.pending_correction(episode.number) or ledger.releases.get(episode.number)
        if wanted is not None and recordings[episode.number] != wanted.recording_sha256:
            cause = f"第 {episode.number} 期已经发布，录音却换了；听众手机里的声音不会跟着变，同一期会有两种内容"
            fix = f"把原来的录音放回来；真的要换成这份，就运行 jixiang correct {episode.number}"
            problems.append(Problem(place=episode.recording, cause=cause, fix=fix, code="JX-P03"))
    return tuple(problems)


def _missing_episodes(
    ledger: Ledger, episodes: Sequence[Episode], recordings: Mapping[int, str]
) -> Iterator[tuple[int, Problem]]:
    """Yield released episodes that are not among the sources: their number was changed, or their folder is gone."""
    present = {episode.number: episode for episode in episodes}
    by_recording = {recordings[number]: episode for number, episode in present.items() if number not in ledger.releases}
    for number, release in sorted(ledger.releases.items()):
        if number in present or number in ledger.retirements:
            continue
        renumbered = by_recording.get(release.recording_sha256)
        if renumbered is not None:
            place = renumbered.folder / "script.md"
            cause = f"这份录音已作为第 {number} 期发布，number 却成了 {renumbered.number}；听众会看到重复的节目，海报上的码会失效"
            yield number, Problem(place=place, cause=cause, fix=f"把 number 改回 {number}", code="JX-P04")
        else:
            cause = f"第 {number} 期已经发布，它的文件夹却不见了；印出去的海报和订阅都指着它"
            fix = f"从备份里把这一期的文件夹找回来；真的不要了，就先运行 jixiang retire {number}"
            yield number, Problem(place=ledger.file.parent, cause=cause, fix=fix, code="JX-P05")

"""Promises made to the outside: what a printed code and a subscriber's app rely on.

The ledger is a text file, one JSON object a line, only ever appended to. Each line carries a checksum of its own, so that
an edited line is noticed and named. Identities are computed and not random, so two people's ledgers merge by the union of
their lines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline import addresses
from pipeline.errors import Problem, PromiseError, telling_what_cannot_be_read
from pipeline.model import Enclosure, Episode, Identity, Placement, Series

_KINDS = frozenset({"series", "identity", "placement", "release"})
_CONFLICT = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_RESTORE = "请从备份、网站上的副本或版本记录里找回这份台账，不要手工改"


@dataclass(frozen=True, kw_only=True)
class SeriesPromise:
    """Where the series lives: recorded once, and binding from the first release on."""

    site_url: str
    feed_url: str
    podcast_guid: str


@dataclass(frozen=True, kw_only=True)
class ReleasedFile:
    """A sound that subscribers have: from its release on the file keeps its bytes. ``path`` is relative to the site."""

    path: str
    sha256: str
    size_bytes: int
    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Release(ReleasedFile):
    """An episode as it was first published: the enclosure, and beside it the ``alternates`` in other containers.

    ``recording_sha256`` tells when somebody puts another recording under the episode.
    """

    number: int
    published_at: datetime
    recording_sha256: str
    alternates: tuple[ReleasedFile, ...]


@dataclass(frozen=True, kw_only=True)
class PlacementPromise:
    """What an id means on the copies that were printed with it: one place, for ever."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """All promises on record; ``identities`` and ``releases`` by number, ``placements`` by id in lower case.

    ``torn`` if its last line was cut short.
    """

    file: Path
    series: SeriesPromise | None
    identities: Mapping[int, Identity]
    placements: Mapping[str, PlacementPromise]
    releases: Mapping[int, Release]
    torn: bool


def read_ledger(file: Path) -> Ledger:
    """Return the promises on record; an absent file is an empty ledger.

    Raises:
        PromiseError: lines that are damaged or were edited, all of them.
    """
    with telling_what_cannot_be_read(file):
        text = file.read_bytes().decode("utf-8-sig", errors="replace") if file.is_file() else ""
    *whole, last = text.split("\n")
    torn = bool(last) and not _checked(last)  # nobody was told of a line before its end was on the disk
    series: SeriesPromise | None = None
    identities: dict[int, Identity] = {}
    placements: dict[str, PlacementPromise] = {}
    releases: dict[int, Release] = {}
    for entry in _entries(file, whole if torn else [*whole, last]):
        match entry:
            # From a release on its promises bind: a line that somebody else's ledger brought later changes nothing.
            case {"kind": "series"} if series is None or not releases:
                series = SeriesPromise(site_url=entry["site_url"], feed_url=entry["feed_url"], podcast_guid=entry["podcast_guid"])
            case {"kind": "identity", "number": number} if number not in releases or number not in identities:
                identities[number] = Identity(number=number, guid=entry["guid"], page_url=entry["page_url"])
            case {"kind": "placement", "id": written} if not releases or written.lower() not in placements:
                placements[written.lower()] = PlacementPromise(id=written, name=entry["name"])
            case {"kind": "release", "number": number}:
                releases.setdefault(number, _release(entry))
    return Ledger(
        file=file,
        series=series,
        identities=MappingProxyType(identities),
        placements=MappingProxyType(placements),
        releases=MappingProxyType(releases),
        torn=torn,
    )


def _entries(file: Path, lines: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the lines say, or raise all that is wrong with them."""
    entries: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for line, written in enumerate(lines, start=1):
        if not written.strip():
            continue
        entry = _checked(written)
        if written.startswith(_CONFLICT):
            cause, fix = "台账里留着合并冲突的记号", "只删掉 <<<<<<<、=======、>>>>>>> 这样的几行，别的行都留着"
            problems.append(Problem(place=file, line=line, cause=cause, fix=fix, code="JX-P08"))
        elif entry.get("kind") not in _KINDS:
            cause = "台账的这一行被改动过或写坏了，校验对不上"
            problems.append(Problem(place=file, line=line, cause=cause, fix=_RESTORE, code="JX-P01"))
        else:
            entries.append(entry)
    if problems:
        raise PromiseError(problems)
    return entries


def identify(ledger: Ledger, series: Series, episode: Episode) -> Identity:
    """Return an episode's identity: computed from its number and series.toml, and from its release on the one on record.

    Both are the same unless site_url was changed.
    """
    if episode.number in ledger.releases and episode.number in ledger.identities:
        return ledger.identities[episode.number]
    return Identity(
        number=episode.number,
        guid=addresses.episode_guid(_promise(series).podcast_guid, episode.number),
        page_url=addresses.page_url(series.site_url, episode.number),
    )


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


def new_lines(
    ledger: Ledger, series: Series, identities: Sequence[Identity], placements: Sequence[Placement] = ()
) -> tuple[str, ...]:
    """Return the lines that the ledger lacks, in the order of the numbers and of ``placements``; none if all is on record."""
    promise = _promise(series)
    lines = []
    if ledger.series != promise:
        lines.append(_line("series", site_url=promise.site_url, feed_url=promise.feed_url, podcast_guid=promise.podcast_guid))
    lines.extend(
        _line("identity", number=identity.number, guid=identity.guid, page_url=identity.page_url)
        for identity in sorted(identities, key=lambda identity: identity.number)
        if ledger.identities.get(identity.number) != identity
    )
    lines.extend(
        _line("placement", id=placement.id, name=placement.name)
        for placement in placements
        if ledger.placements.get(placement.id.lower()) != PlacementPromise(id=placement.id, name=placement.name)
    )
    return tuple(lines)


def release_line(
    identity: Identity,
    enclosure: Enclosure,
    published_at: datetime,
    recording_sha256: str,
    *,
    alternates: Sequence[Enclosure] = (),
) -> str:
    """Return the line that records an episode's first public publishing."""
    return _line(
        "release",
        number=identity.number,
        **_released_fields(identity.number, enclosure),
        published_at=published_at.isoformat(),
        recording_sha256=recording_sha256,
        alternates=[_released_fields(identity.number, alternate) for alternate in alternates],
    )


def _released_fields(number: int, sound: Enclosure) -> dict[str, object]:
    return {
        "path": addresses.sound_path(number, sound),
        "sha256": sound.sha256,
        "size_bytes": sound.size_bytes,
        "duration_s": sound.duration_s,
    }


def _promise(series: Series) -> SeriesPromise:
    feed = addresses.feed_url(series.site_url)
    return SeriesPromise(site_url=series.site_url, feed_url=feed, podcast_guid=addresses.podcast_guid(feed))


def _moved_site(ledger: Ledger, series: Series) -> tuple[Problem, ...]:
    if not ledger.releases or ledger.series is None or ledger.series == _promise(series):
        return ()
    cause = (
        f"site_url 写的是 {series.site_url}，台账里已发布的是 {ledger.series.site_url}；"
        f"改了它，印出去的二维码和 {len(ledger.releases)} 期已发布节目的订阅都会失效"
    )
    fix = f"把 site_url 改回 {ledger.series.site_url}"
    return (Problem(place=series.file, cause=cause, fix=fix, code="JX-P02"),)


def _other_recordings(ledger: Ledger, episodes: Sequence[Episode], recordings: Mapping[int, str]) -> tuple[Problem, ...]:
    problems = []
    for episode in episodes:
        release = ledger.releases.get(episode.number)
        if release is not None and recordings[episode.number] != release.recording_sha256:
            cause = f"第 {episode.number} 期已经发布，录音却换了；听众手机里的声音不会跟着变，同一期会有两种内容"
            fix = "把发布时用的那份录音放回来"
            problems.append(Problem(place=episode.recording, cause=cause, fix=fix, code="JX-P03"))
    return tuple(problems)


def _missing_episodes(
    ledger: Ledger, episodes: Sequence[Episode], recordings: Mapping[int, str]
) -> Iterator[tuple[int, Problem]]:
    """Yield released episodes that are not among the sources: their number was changed, or their folder is gone."""
    present = {episode.number: episode for episode in episodes}
    by_recording = {recordings[number]: episode for number, episode in present.items() if number not in ledger.releases}
    for number, release in sorted(ledger.releases.items()):
        if number in present:
            continue
        renumbered = by_recording.get(release.recording_sha256)
        if renumbered is not None:
            place = renumbered.folder / "script.md"
            cause = f"这份录音已作为第 {number} 期发布，number 却成了 {renumbered.number}；听众会看到重复的节目，海报上的码会失效"
            yield number, Problem(place=place, cause=cause, fix=f"把 number 改回 {number}", code="JX-P04")
        else:
            cause = f"第 {number} 期已经发布，它的文件夹却不见了；印出去的海报和订阅都指着它"
            fix = "从备份里把这一期的文件夹找回来"
            yield number, Problem(place=ledger.file.parent, cause=cause, fix=fix, code="JX-P05")


def _release(entry: Mapping[str, Any]) -> Release:
    return Release(
        number=entry["number"],
        path=entry["path"],
        sha256=entry["sha256"],
        size_bytes=entry["size_bytes"],
        duration_s=entry["duration_s"],
        published_at=datetime.fromisoformat(entry["published_at"]),
        recording_sha256=entry["recording_sha256"],
        # Lines from before there were alternates name none.
        alternates=tuple(
            ReleasedFile(path=each["path"], sha256=each["sha256"], size_bytes=each["size_bytes"], duration_s=each["duration_s"])
            for each in entry.get("alternates", ())
        ),
    )


def _line(kind: str, **fields: object) -> str:
    entry: dict[str, object] = {"kind": kind, **fields}
    return json.dumps({**entry, "check": _check(entry)}, ensure_ascii=False)


def _checked(written: str) -> dict[str, Any]:
    """Return a line's entry, or an empty one if the line is not what was once written."""
    try:
        entry = json.loads(written)
    except ValueError:
        return {}
    if not isinstance(entry, dict) or entry.pop("check", None) != _check(entry):
        return {}
    return entry


def _check(entry: Mapping[str, object]) -> str:
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]

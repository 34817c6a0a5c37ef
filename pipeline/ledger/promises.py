"""What the ledger says, all lines taken together: the promises that bind now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline import addresses
from pipeline.errors import Problem, PromiseError, telling_what_cannot_be_read
from pipeline.ledger.lines import read_line, read_lines
from pipeline.model import Episode, Identity, Release, ReleasedFile, Series


@dataclass(frozen=True, kw_only=True)
class SeriesPromise:
    """Where the series lives, binding from the first release on. ``podcast_guid`` outlives every move."""

    site_url: str
    feed_url: str
    podcast_guid: str


@dataclass(frozen=True, kw_only=True)
class PlacementPromise:
    """What an id means on the copies that were printed with it: one place, for ever."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A released episode is allowed another sound, made from the recording with that SHA-256."""

    number: int
    recording_sha256: str
    reason: str
    decided_at: datetime


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """A released episode is out of the feed."""

    number: int
    reason: str
    decided_at: datetime


@dataclass(frozen=True, kw_only=True)
class Move:
    """The series lives somewhere else from then on."""

    site_url: str
    reason: str
    decided_at: datetime


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """All promises on record, by number; ``placements`` by id in lower case.

    ``identities`` are under the address where the series lives now; ``former_sites`` are those where printed codes and old
    subscriptions still knock. ``releases`` hold the sound that subscribers are offered, ``corrections`` all of an episode in the
    order they were decided. ``files`` are all its sounds that were ever released. ``torn`` if the last line was cut short.
    """

    file: Path
    series: SeriesPromise | None
    former_sites: tuple[str, ...]
    moves: tuple[Move, ...]
    identities: Mapping[int, Identity]
    placements: Mapping[str, PlacementPromise]
    releases: Mapping[int, Release]
    corrections: Mapping[int, tuple[Correction, ...]]
    retirements: Mapping[int, Retirement]
    files: Mapping[int, tuple[ReleasedFile, ...]]
    torn: bool

    def pending_correction(self, number: int) -> Correction | None:
        """Return the correction of an episode that was decided and not yet put out."""
        *_, last = (None, *self.corrections.get(number, ()))
        return last if last and self.releases[number].corrects != last.decided_at.isoformat() else None


def read_ledger(file: Path) -> Ledger:
    """Return the promises on record; an absent file is an empty ledger.

    Raises:
        PromiseError: lines that are damaged or were edited, all of them (JX-P01, P08); JX-P14, it is in UTF-16.
    """
    with telling_what_cannot_be_read(file):
        content = file.read_bytes() if file.is_file() else b""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        cause, fix = "台账存成了 UTF-16（记事本里叫 Unicode），读不了", "用记事本打开，另存为，编码选 UTF-8；一行都不要删"
        raise PromiseError([Problem(place=file, cause=cause, fix=fix, code="JX-P14")])
    text = content.decode("utf-8-sig", errors="replace")
    *whole, last = text.split("\n")
    torn = bool(last) and not read_line(last)  # nobody was told of a line before its end was on the disk
    entries = read_lines(file, whole if torn else [*whole, last])
    released = [_release(entry) for entry in _of(entries, "release")]
    corrections = _by_number(_correction(entry) for entry in _of(entries, "correction"))
    firsts = _firsts(entries)
    moves = tuple(sorted(map(_move, _of(entries, "move")), key=lambda move: move.decided_at))
    original = _original(entries, firsts)
    sites = [original.site_url, *(move.site_url for move in moves)] if original else []
    identities = {number: _moved(identity, sites) for number, identity in _identities(entries, firsts).items()}
    return Ledger(
        file=file,
        series=_moved_series(original, moves),
        former_sites=tuple(dict.fromkeys(site for site in sites if site != sites[-1])),
        moves=moves,
        identities=MappingProxyType(identities),
        placements=MappingProxyType(_placements(entries)),
        releases=MappingProxyType(_current(released, corrections)),
        corrections=MappingProxyType(corrections),
        retirements=MappingProxyType({entry["number"]: _retirement(entry) for entry in reversed(_of(entries, "retirement"))}),
        files=MappingProxyType(_files(released)),
        torn=torn,
    )


def promise_series(ledger: Ledger, series: Series) -> SeriesPromise:
    """Return what series.toml promises of the series; from the first release on the guid is the one on record."""
    feed = addresses.feed_url(series.site_url)
    bound = ledger.series if ledger.releases else None
    guid = bound.podcast_guid if bound else addresses.podcast_guid(feed)
    return SeriesPromise(site_url=series.site_url, feed_url=feed, podcast_guid=guid)


def identify(ledger: Ledger, series: Series, episode: Episode) -> Identity:
    """Return an episode's identity: computed from its number and series.toml, and from its release on the one on record.

    Both are the same unless site_url was changed.
    """
    if episode.number in ledger.releases:
        return ledger.identities[episode.number]
    return Identity(
        number=episode.number,
        guid=addresses.episode_guid(promise_series(ledger, series).podcast_guid, episode.number),
        page_url=addresses.page_url(series.site_url, episode.number),
    )


# All lines of a kind


def _of(entries: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [entry for entry in entries if entry["kind"] == kind]


def _firsts(entries: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Return the line of each episode's first release, which fixes its identity: the earliest, wherever it stands."""
    lines = sorted(_of(entries, "release"), key=lambda entry: (entry["released_at"], entry["sha256"]))
    return {entry["number"]: entry for entry in reversed(lines)}


def _original(entries: Sequence[Mapping[str, Any]], firsts: Mapping[int, Mapping[str, Any]]) -> SeriesPromise | None:
    """Return the series as it was first released, whatever lines another ledger brought; before any release the last one."""
    lines = _of(entries, "series")
    if not lines:
        return None
    pages = [first["page_url"] for first in firsts.values()]
    bound = [line for line in lines if any(page.startswith(line["site_url"]) for page in pages)]
    # A longer address is the nearer one: https://jixiang.example/radio/ is no other name for https://jixiang.example/.
    line = max(bound, key=lambda line: len(line["site_url"])) if bound else lines[-1]
    return SeriesPromise(site_url=line["site_url"], feed_url=line["feed_url"], podcast_guid=line["podcast_guid"])


def _moved_series(original: SeriesPromise | None, moves: Sequence[Move]) -> SeriesPromise | None:
    if original is None or not moves:
        return original
    site_url = moves[-1].site_url
    return SeriesPromise(site_url=site_url, feed_url=addresses.feed_url(site_url), podcast_guid=original.podcast_guid)


def _identities(entries: Sequence[Mapping[str, Any]], firsts: Mapping[int, Mapping[str, Any]]) -> dict[int, Identity]:
    recorded = {entry["number"]: entry for entry in _of(entries, "identity")} | dict(firsts)
    return {number: Identity(number=number, guid=entry["guid"], page_url=entry["page_url"]) for number, entry in recorded.items()}


def _moved(identity: Identity, sites: Sequence[str]) -> Identity:
    """Return the identity under the last of ``sites``."""
    for site in sorted(sites, key=len, reverse=True):
        if identity.page_url.startswith(site):
            page_url = sites[-1] + identity.page_url.removeprefix(site)
            return Identity(number=identity.number, guid=identity.guid, page_url=page_url)
    return identity


def _placements(entries: Sequence[Mapping[str, Any]]) -> dict[str, PlacementPromise]:
    """Return the placements; from the first release on an id keeps its place, whatever lines come later."""
    placements: dict[str, PlacementPromise] = {}
    bound = False
    for entry in entries:
        bound = bound or entry["kind"] == "release"
        if entry["kind"] == "placement" and not (bound and entry["id"].lower() in placements):
            placements[entry["id"].lower()] = PlacementPromise(id=entry["id"], name=entry["name"])
    return placements


def _by_number(corrections: Iterable[Correction]) -> dict[int, tuple[Correction, ...]]:
    in_order = sorted(corrections, key=lambda each: (each.number, each.decided_at, each.recording_sha256))
    return {number: tuple(group) for number, group in groupby(in_order, key=lambda each: each.number)}


def _current(released: Sequence[Release], corrections: Mapping[int, Sequence[Correction]]) -> dict[int, Release]:
    """Return the sound of each episode that the last correction put out, else the first one."""
    current: dict[int, Release] = {}
    rank = {number: {each.decided_at.isoformat(): at for at, each in enumerate(group)} for number, group in corrections.items()}
    for release in sorted(released, key=lambda each: (each.released_at, each.sha256)):
        known = rank.get(release.number, {})
        before = current.get(release.number)
        if before is None or known.get(release.corrects, -1) > known.get(before.corrects, -1):
            current[release.number] = release
    return current


def _files(released: Sequence[Release]) -> dict[int, tuple[ReleasedFile, ...]]:
    files: dict[int, dict[str, ReleasedFile]] = {}
    for release in released:
        files.setdefault(release.number, {}).update({file.path: file for file in (release, *release.alternates)})
    return {number: tuple(by_path.values()) for number, by_path in files.items()}


# One line


def _release(entry: Mapping[str, Any]) -> Release:
    return Release(
        **_file(entry),
        number=entry["number"],
        published_at=datetime.fromisoformat(entry["published_at"]),
        released_at=datetime.fromisoformat(entry["released_at"]),
        recording_sha256=entry["recording_sha256"],
        alternates=tuple(ReleasedFile(**_file(each)) for each in entry["alternates"]),
        corrects=entry["corrects"],
    )


def _file(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("path", "sha256", "size_bytes", "duration_s")}


def _correction(entry: Mapping[str, Any]) -> Correction:
    return Correction(
        number=entry["number"],
        recording_sha256=entry["recording_sha256"],
        reason=entry["reason"],
        decided_at=datetime.fromisoformat(entry["decided_at"]),
    )


def _retirement(entry: Mapping[str, Any]) -> Retirement:
    decided_at = datetime.fromisoformat(entry["decided_at"])
    return Retirement(number=entry["number"], reason=entry["reason"], decided_at=decided_at)


def _move(entry: Mapping[str, Any]) -> Move:
    return Move(site_url=entry["site_url"], reason=entry["reason"], decided_at=datetime.fromisoformat(entry["decided_at"]))

"""What stands between the sources and the outside: promises that would break, and a feed that apps would stumble over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import artefacts, feed, ledger, source
from pipeline.errors import AuthorError, JixiangError, Problem, PromiseError
from pipeline.feed.faults import PROMISE
from pipeline.ledger import Ledger
from pipeline.model import Placement, Series


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is wrong with a feed: ``errors`` keep it from going out, ``notes`` are good manners."""

    errors: tuple[JixiangError, ...]
    notes: tuple[Problem, ...]


def check_feed(
    content: bytes, file: Path, series: Series, promises: Ledger, sizes_bytes: Mapping[str, int], *, strict: bool
) -> Verdict:
    """Return what other people's apps, and the promises on record, have against a feed.

    ``file`` is where it lies or will lie. ``sizes_bytes`` is what the site holds, by path. ``strict`` makes good manners binding.
    """
    # A correction that is not out yet is about to take the place of what is on record.
    offered = [
        (promises.identities[number].guid, release)
        for number, release in promises.releases.items()
        if number not in promises.retirements and promises.pending_correction(number) is None
    ]
    faults = feed.check_feed(
        content,
        series=series,
        podcast_guid=ledger.promise_series(promises, series).podcast_guid,
        promised={
            guid: feed.PromisedItem(number=release.number, path=release.path, size_bytes=release.size_bytes)
            for guid, release in offered
        },
        retired={promises.identities[number].guid for number in promises.retirements},
        files=sizes_bytes,
    )
    binding = [fault for fault in faults if strict or fault.level == "must"]
    broken = [fault.problem(file) for fault in binding if fault.code == PROMISE]
    wrong = [fault.problem(file) for fault in binding if fault.code != PROMISE]
    errors: list[JixiangError] = [PromiseError(broken)] if broken else []
    errors += [AuthorError(wrong)] if wrong else []
    return Verdict(errors=tuple(errors), notes=tuple(fault.problem(file) for fault in faults if fault not in binding))


def broken_promises(
    promises: Ledger, series: Series, reading: source.Reading, placements: Sequence[Placement], table: Path
) -> tuple[Problem, ...]:
    """Return what in the sources would break a promise; ``table`` is placements.csv."""
    if not promises.releases:
        return ()
    recordings = {episode.number: artefacts.digest(episode.recording) for episode in reading.episodes}
    return (
        *ledger.check_promises(promises, series, reading.episodes, recordings, unread_numbers(promises, reading)),
        *ledger.check_placements(promises, placements, table),
    )


def unread_numbers(promises: Ledger, reading: source.Reading) -> set[int]:
    """Return the numbers that broken folders may hold: what they say and, if one says nothing known, all that are missing."""
    said = {broken.number for broken in reading.broken if broken.number is not None}
    if len(said & promises.identities.keys()) < len(reading.broken):
        said |= promises.identities.keys() - {episode.number for episode in reading.episodes}
    return said

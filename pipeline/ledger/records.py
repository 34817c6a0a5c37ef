"""What building and publishing write into the ledger: identities and releases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipeline import addresses
from pipeline.ledger.lines import make_line
from pipeline.ledger.promises import Ledger, PlacementPromise, promise_series
from pipeline.model import Enclosure, Identity, Placement, Series


def new_lines(
    ledger: Ledger, series: Series, identities: Sequence[Identity], placements: Sequence[Placement] = ()
) -> tuple[str, ...]:
    """Return the lines that the ledger lacks, in the order of the numbers and of ``placements``; none if all is on record."""
    promise = promise_series(ledger, series)
    lines = []
    if ledger.series != promise:
        lines.append(make_line("series", site_url=promise.site_url, feed_url=promise.feed_url, podcast_guid=promise.podcast_guid))
    lines.extend(
        make_line("identity", number=identity.number, guid=identity.guid, page_url=identity.page_url)
        for identity in sorted(identities, key=lambda identity: identity.number)
        if ledger.identities.get(identity.number) != identity
    )
    lines.extend(
        make_line("placement", id=placement.id, name=placement.name)
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
    released_at: datetime,
    alternates: Sequence[Enclosure] = (),
    corrects: str = "",
) -> str:
    """Return the line that records a sound of an episode being put out for everybody.

    ``corrects`` is when the correction was decided that this sound carries out; empty for an episode's first.
    """
    return make_line(
        "release",
        number=identity.number,
        guid=identity.guid,
        page_url=identity.page_url,
        **_released_fields(identity.number, enclosure),
        published_at=published_at.isoformat(),
        released_at=released_at.isoformat(),
        recording_sha256=recording_sha256,
        alternates=[_released_fields(identity.number, alternate) for alternate in alternates],
        corrects=corrects,
    )


def _released_fields(number: int, sound: Enclosure) -> dict[str, object]:
    return {
        "path": addresses.sound_path(number, sound),
        "sha256": sound.sha256,
        "size_bytes": sound.size_bytes,
        "duration_s": sound.duration_s,
    }

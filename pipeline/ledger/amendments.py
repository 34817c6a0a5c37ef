"""What somebody decides to change about a promise: a correction, a retirement, a move. Each tells why."""

from __future__ import annotations

from datetime import datetime

from pipeline import addresses
from pipeline.ledger.lines import make_line


def correction_line(number: int, recording_sha256: str, reason: str, decided_at: datetime) -> str:
    """Return the line that allows a released episode one more sound, made from that recording."""
    return make_line(
        "correction", number=number, recording_sha256=recording_sha256, reason=reason, decided_at=decided_at.isoformat()
    )


def retirement_line(number: int, reason: str, decided_at: datetime) -> str:
    """Return the line that takes a released episode out of the feed; its page and its code stay alive."""
    return make_line("retirement", number=number, reason=reason, decided_at=decided_at.isoformat())


def move_line(site_url: str, reason: str, decided_at: datetime) -> str:
    """Return the line that says where the series lives from now on; guids stay what they were."""
    feed_url = addresses.feed_url(site_url)
    return make_line("move", site_url=site_url, feed_url=feed_url, reason=reason, decided_at=decided_at.isoformat())

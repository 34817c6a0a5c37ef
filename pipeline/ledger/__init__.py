"""Promises made to the outside: what a printed code and a subscriber's app rely on.

The ledger is a text file, one JSON object a line, only ever appended to. Each line carries a checksum of its own, so that
an edited line is noticed and named. Identities are computed and not random, so two people's ledgers merge by the union of
their lines, in whatever order.
"""

from pipeline.ledger.amendments import correction_line, move_line, retirement_line
from pipeline.ledger.checks import (
    check_placements,
    check_promises,
    voided_codes,
    voided_placements,
)
from pipeline.ledger.lines import missing_lines
from pipeline.ledger.promises import (
    Correction,
    Ledger,
    Move,
    PlacementPromise,
    Retirement,
    SeriesPromise,
    identify,
    promise_series,
    read_ledger,
)
from pipeline.ledger.records import new_lines, release_line

__all__ = [
    "Correction",
    "Ledger",
    "Move",
    "PlacementPromise",
    "Retirement",
    "SeriesPromise",
    "check_placements",
    "check_promises",
    "correction_line",
    "identify",
    "missing_lines",
    "move_line",
    "new_lines",
    "promise_series",
    "read_ledger",
    "release_line",
    "retirement_line",
    "voided_codes",
    "voided_placements",
]

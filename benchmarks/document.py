"""Tables in a document: each benchmark writes between two marks of its own and leaves the rest as it is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate


def marks(name: str) -> tuple[str, str]:
    """Return the two comments between which a document holds what ``name`` measured."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def write(document: Path, name: str, measured: str) -> None:
    """Put ``measured`` between the document's marks of that name."""
    begin, end = marks(name)
    text = document.read_text(encoding="utf-8")
    before, after = text.split(begin)[0], text.split(end)[1]
    document.write_text(f"{before}{begin}\n\n{measured}\n\n{end}{after}", encoding="utf-8", newline="\n")


def markdown(cells: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    """Return a table. Numbers stay as written: tabulate would turn "-16.0" into "-16"."""
    return str(tabulate(cells, headers=headers, tablefmt="github", disable_numparse=True))


def tell(what: str) -> None:
    """Say on the error stream what is being done."""
    print(f"bench: {what}", file=sys.stderr, flush=True)

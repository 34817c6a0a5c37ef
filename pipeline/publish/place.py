"""What a destination can do, whatever it is: a folder or a bucket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One file on its way: ``path`` is relative to the site, ``file`` its bytes or where they lie; the rest are its headers."""

    path: str
    file: Path | bytes
    sha256: str
    size_bytes: int
    mime_type: str
    cache_control: str


class Place(Protocol):
    """Where a site is put; paths are relative and have ``/``. Its methods may be called from several threads at once.

    All of them raise PublishError, or MachineError when a file on this computer cannot be read.
    """

    def sizes(self) -> Mapping[str, int]:
        """Return every path that is there, with its bytes."""

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None if there is none."""

    def sha256(self, path: str) -> str | None:
        """Return the SHA-256, in hex, of the content that was put there; None if nothing tells."""

    def put(self, upload: Upload, tell: Callable[[int], None]) -> None:
        """Put a file there, whole or not at all; ``tell`` takes the bytes of each stretch that has arrived."""

    def remove(self, path: str) -> None:
        """Take a file away; if there is none, that is no error."""


def read_published(place: Place, path: str) -> bytes | None:
    """Return what was published at ``path``, such as the ledger's copy; None if there is nothing."""
    return place.read(path)

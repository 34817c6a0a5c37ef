"""What a publishing would do: nothing is written here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pipeline.errors import telling_what_cannot_be_read
from pipeline.publish.headers import LEDGER, PRUNE_STEP, is_hashed, mime_type, step
from pipeline.publish.headers import MANIFEST as MANIFEST_PATH
from pipeline.publish.manifest import Manifest, read_manifest
from pipeline.publish.place import Place

_AT_ONCE = 8

Action = Literal["new", "changed", "same", "adopted", "left over"]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What is to happen with one file. ``adopted``: an interrupted run put it up; ``left over``: the site has it no more."""

    path: str
    action: Action
    size_bytes: int
    mime_type: str
    step: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to happen, in order; with the site's files and their SHA-256 by path, and the manifest that was found."""

    entries: tuple[Planned, ...]
    site: Mapping[str, Path]
    sha256: Mapping[str, str]
    manifest: Manifest


def plan(site: Mapping[str, Path], place: Place) -> Plan:
    """Compare a finished site (path → file, ``feed.xml`` among them) with what lies at ``place``.

    A file is the same if our manifest says these bytes and the place says this size. One that is named for its bytes and lies
    there without being in the manifest is adopted, if the place can tell that its bytes are right. What no manifest of ours
    lists belongs to somebody else: it is never left over. Nor is what a feed of ours ever named.
    """
    sizes = place.sizes()
    manifest = _still_there(read_manifest(place, sizes), sizes)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        sha256 = dict(zip(site, pool.map(_digest, site.values()), strict=True))
        doubtful = [path for path in site if path in sizes and path not in manifest.files and is_hashed(path)]
        found = dict(zip(doubtful, pool.map(place.sha256, doubtful), strict=True))
    entries = []
    for path, file in site.items():
        size_bytes = file.stat().st_size
        known = manifest.files.get(path)
        action: Action = "changed"
        if path not in sizes:
            action = "new"
        elif sizes[path] == size_bytes and known and known.sha256 == sha256[path]:
            action = "same"
        elif sizes[path] == size_bytes and found.get(path) == sha256[path]:
            action = "adopted"
        entries.append(
            Planned(path=path, action=action, size_bytes=size_bytes, mime_type=mime_type(path), step=step(path)),
        )
    left_over = manifest.files.keys() & sizes.keys() - site.keys() - manifest.named - {LEDGER, MANIFEST_PATH}
    entries += [
        Planned(path=path, action="left over", size_bytes=sizes[path], mime_type=mime_type(path), step=PRUNE_STEP)
        for path in left_over
    ]
    entries.sort(key=lambda entry: (entry.step, entry.path))
    return Plan(entries=tuple(entries), site=site, sha256=sha256, manifest=manifest)


def _still_there(manifest: Manifest, sizes: Mapping[str, int]) -> Manifest:
    """Return the manifest without what somebody took away, or put another ledger in the place of."""
    gone = {path for path in manifest.files if path not in sizes}
    if LEDGER in sizes and LEDGER in manifest.files and manifest.files[LEDGER].size_bytes != sizes[LEDGER]:
        gone.add(LEDGER)
    return replace(manifest, files={path: entry for path, entry in manifest.files.items() if path not in gone})


def _digest(file: Path) -> str:
    with telling_what_cannot_be_read(file), file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

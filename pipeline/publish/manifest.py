"""Our own list of what lies at a destination, kept there: a store's ETag is no checksum that all stores agree on."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from pipeline.errors import Problem, PublishError
from pipeline.publish.headers import FEED, MANIFEST
from pipeline.publish.place import Place

UNKNOWN = ""
"""In the place of a SHA-256: a file that is being overwritten, or was found to hold other bytes."""

_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")
_ENCLOSURE = re.compile(r"<enclosure\b[^>]*?\burl\s*=\s*[\"']([^\"']+)")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file that we put up; ``confirmed`` once it was fetched back over HTTP as it should be."""

    sha256: str
    size_bytes: int
    confirmed: bool


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that we put up, by path.

    ``named`` are the paths that any feed we put up has ever named; ``codes`` the addresses in printed codes that were fetched
    back as they should be. ``content`` are the bytes it was read from.
    """

    files: Mapping[str, Entry]
    named: frozenset[str]
    codes: frozenset[str]
    content: bytes = b""


def read_manifest(place: Place, paths: Container[str]) -> Manifest:
    """Return the manifest at a destination that holds ``paths``.

    A lost or damaged one is an empty one that knows what the feed names which is up now: then everything is looked at anew.
    """
    content = place.read(MANIFEST) or b""
    try:
        written = json.loads(content)
        return Manifest(
            files=MappingProxyType({path: Entry(**entry) for path, entry in written["files"].items()}),
            named=frozenset(written["named"]),
            codes=frozenset(written["codes"]),
            content=content,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        named = named_paths(place.read(FEED) or b"", paths)
        return Manifest(files=MappingProxyType({}), named=named, codes=frozenset(), content=content)


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return a manifest as it is kept: JSON, sorted, so that the same content has the same bytes."""
    files = {path: asdict(entry) for path, entry in manifest.files.items()}
    content = {"files": files, "named": sorted(manifest.named), "codes": sorted(manifest.codes)}
    return f"{json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)}\n".encode()


def named_paths(feed: bytes, paths: Container[str]) -> frozenset[str]:
    """Return which of ``paths`` a feed names. At whatever address the site stands, an address in the feed ends in its path."""
    addresses = _ADDRESS.findall(feed.decode(errors="replace"))
    return frozenset(path for address in addresses for path in _paths_of(address) if path in paths)


def check_enclosures(feed_file: Path, paths: Container[str]) -> None:
    """Raise PublishError, JX-U30, if a feed names a sound that is not among ``paths``."""
    enclosures = _ENCLOSURE.findall(feed_file.read_text(encoding="utf-8", errors="replace"))
    missing = [address for address in enclosures if not any(path in paths for path in _paths_of(address))]
    if missing:
        fix = "再做一次 jixiang build --all；还不行，就运行 jixiang restore 把这份声音取回来"
        problems = [
            Problem(place=feed_file, cause=f"feed.xml 里写着 {address}，做好的网站里却没有这份声音", fix=fix, code="JX-U30")
            for address in missing
        ]
        raise PublishError(problems)


def _paths_of(address: str) -> Iterator[str]:
    """Yield each path that an address may stand for: the site's own folder may be any that it begins with."""
    steps = unquote(urlsplit(html.unescape(address)).path).lstrip("/").split("/")
    for first in range(len(steps)):
        path = "/".join(steps[first:])
        yield f"{path}index.html" if path.endswith("/") or not path else path

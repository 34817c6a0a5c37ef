"""How a file is served: its type, how long it may be kept, and when its turn to go up is."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

FEED, LEDGER, MANIFEST = "feed.xml", "ledger.jsonl", "publish-manifest.json"
SOUND_STEP, ASSET_STEP, PAGE_STEP, FEED_STEP, LEDGER_STEP, PRUNE_STEP = range(1, 7)

_HASHED_NAME = re.compile(r"-[0-9a-f]{12}\.\w+$")
_MIME_TYPES = {
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".vtt": "text/vtt; charset=utf-8",
    ".srt": "application/x-subrip",
    ".json": "application/json",
    ".jsonl": "text/plain; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css",
    ".js": "text/javascript",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".xml": "application/xml",
    ".txt": "text/plain; charset=utf-8",
    ".pdf": "application/pdf",
}

_AS_GOOD = {
    "application/json+chapters": {"application/json"},
    "application/manifest+json": {"application/json", "application/octet-stream"},
    "application/rss+xml": {"application/xml", "text/xml"},
    "application/x-subrip": {"application/octet-stream", "application/srt", "text/plain", "text/srt"},
    "application/xml": {"text/xml"},
    "audio/mp4": {"audio/m4a", "audio/x-m4a"},
    "audio/mpeg": {"audio/mp3"},
    "text/javascript": {"application/javascript", "application/x-javascript"},
}


def is_hashed(path: str) -> bool:
    """Tell whether a file is named for its bytes, as in ``audio/7-0123456789ab.mp3``: other bytes, other name."""
    return bool(_HASHED_NAME.search(path))


def mime_type(path: str) -> str:
    """Return the type that a file is served with; of the site's own files, none is left to what a machine knows."""
    if path == FEED:
        return "application/rss+xml; charset=utf-8"
    if path.startswith("chapters/"):
        return "application/json+chapters"  # Source: podcast namespace, tag podcast:chapters
    return _MIME_TYPES.get(PurePosixPath(path).suffix.lower(), "application/octet-stream")


def is_as_good(wanted: str, found: str) -> bool:
    """Tell whether apps and browsers take a type for the wanted one; both without parameters, in lower case.

    What we serve ourselves has the wanted one. Somebody else's server may know another name for it.
    """
    return found == wanted or found in _AS_GOOD.get(wanted, ())


def cache_control(path: str) -> str:
    """Return how long a file may be kept: one that is named for its bytes for ever, all others five minutes."""
    return "public, max-age=31536000, immutable" if is_hashed(path) else "max-age=300"


def step(path: str) -> int:
    """Return when a file of the site goes up: nothing goes before what it refers to."""
    if path == FEED:
        return FEED_STEP
    if not is_hashed(path):
        return PAGE_STEP
    return SOUND_STEP if mime_type(path).startswith(("audio/", "image/")) else ASSET_STEP


def page_address(path: str) -> str:
    """Return the address, relative to the site, that people open a file by: that of its folder for an ``index.html``."""
    return path.removesuffix("index.html") if PurePosixPath(path).name == "index.html" else path

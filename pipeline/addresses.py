"""Every address of the site, in one place: numbers and content hashes, never titles or file names.

Peers that derive addresses or guids from titles or file names make old episodes look new to subscribers' apps.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from urllib.parse import urlsplit

from pipeline.model import Enclosure, Poster

# The podcast namespace's own UUID. Source: podcast namespace, tag podcast:guid.
_PODCAST_NAMESPACE = uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")
_HASH_DIGITS = 12


def feed_url(site_url: str) -> str:
    """Return the feed's address."""
    return f"{site_url}feed.xml"


def page_url(site_url: str, number: int) -> str:
    """Return the address of an episode's page: what its QR code holds."""
    return f"{site_url}{number}/"


def placement_url(page: str, placement_id: str) -> str:
    """Return what the code of a copy for one place holds: the same page, and the site's log tells the place.

    ``page`` is the page's address and ends in ``/``. A host of files takes no notice of what follows the question mark.
    """
    return f"{page}?{placement_id}"


def podcast_guid(feed: str) -> str:
    """Return the podcast's guid: UUIDv5 of the feed's address without scheme and trailing slashes.

    Source: podcast namespace, tag podcast:guid.
    """
    parts = urlsplit(feed)
    return str(uuid.uuid5(_PODCAST_NAMESPACE, f"{parts.netloc}{parts.path}".rstrip("/")))


def episode_guid(podcast: str, number: int) -> str:
    """Return an episode's guid: UUIDv5 of its number in the podcast's guid, so that two people compute the same one."""
    return str(uuid.uuid5(uuid.UUID(podcast), str(number)))


def is_web_address(text: str) -> bool:
    """Tell whether ``text`` is a whole address of the web: http or https, a host, a port that exists, nothing but plain ASCII."""
    try:
        parts = urlsplit(text)
        port_exists = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        port_exists
        and parts.scheme in {"http", "https"}
        and bool(re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\]", parts.hostname or ""))
        and bool(re.fullmatch(r"[!#-;=?-\[\]_a-z~]+", text))
    )


def sound_path(number: int, enclosure: Enclosure) -> str:
    """Return where the tagged sound lies in the site: other bytes, other address."""
    return f"audio/{number}-{enclosure.sha256[:_HASH_DIGITS]}{enclosure.file.suffix}"


def image_path(name: int | str, picture: Poster) -> str:
    """Return where a picture lies in the site. ``name`` is an episode's number or a word for the series' own pictures.

    A picture is named for its bytes: directories fetch a cover again only when its file name changes.
    """
    return f"images/{name}-{picture.sha256[:_HASH_DIGITS]}{picture.file.suffix}"


def transcript_path(number: int, content: bytes, suffix: str) -> str:
    """Return where a transcript lies in the site; ``suffix`` is .vtt, .srt or .json."""
    return f"transcripts/{number}-{_digest(content)}{suffix}"


def chapters_path(number: int, content: bytes) -> str:
    """Return where an episode's chapters lie in the site."""
    return f"chapters/{number}-{_digest(content)}.json"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]

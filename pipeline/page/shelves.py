"""Long lists in pages that stay light, and stay as they are: only the newest page changes when an episode comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.page.views import EpisodeView

SHELF_EPISODES = 12


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """One page of a list, newest episode first.

    ``path`` is its folder in the site, ``number`` counts from the oldest page, 1. ``older`` and ``newer`` are the folders of its
    neighbours, None at the ends.
    """

    path: str
    number: int
    views: tuple[EpisodeView, ...]
    older: str | None
    newer: str | None


def shelve_list(views: Sequence[EpisodeView], front: str, older: str) -> tuple[Shelf, ...]:
    """Return a list, newest first, in pages; the first one lies in the folder ``front``, the others in ``older`` by number.

    Pages are counted and filled from the oldest episode on, twelve each, so that a full one never changes again. The front page
    takes what is left over as well: 12 to 23, or all there are.
    """
    full = max(0, len(views) // SHELF_EPISODES - 1)
    paths = [f"{older}{number}/" for number in range(1, full + 1)] + [front]
    oldest_first = views[::-1]
    pages = [oldest_first[index * SHELF_EPISODES : (index + 1) * SHELF_EPISODES] for index in range(full)]
    pages.append(oldest_first[full * SHELF_EPISODES :])
    shelves = [
        Shelf(
            path=path,
            number=index + 1,
            views=tuple(reversed(page)),
            older=paths[index - 1] if index else None,
            newer=paths[index + 1] if index < full else None,
        )
        for index, (path, page) in enumerate(zip(paths, pages, strict=True))
    ]
    return tuple(reversed(shelves))

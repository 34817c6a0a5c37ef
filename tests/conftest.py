"""What many test files need: the sample series and its first episode as records."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

from pipeline import captions, source
from pipeline.model import Episode, Series
from tests.browser import WHY_NONE, launch
from tests.desks import Desk, new_desk

# No deadline: machines under load are slow, not wrong. CI repeats the same examples; everybody else tries new ones.
settings.register_profile("jixiang", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("jixiang")

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def series() -> Series:
    return source.read_series(REPOSITORY / "episodes" / "series.toml")


@pytest.fixture(scope="session")
def episode(series: Series) -> Episode:
    return source.read_episode(REPOSITORY / "episodes" / "01-xiuxian-yule", series)


@pytest.fixture(scope="session", autouse=True)
def _deaf() -> Iterator[None]:
    """Let builds time their captions by pauses: hearing the words has tests of its own, and one of the terminal's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(captions, "available", lambda: False)
        yield


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Desk:
    """Return a desk with the sample workspace built once, for looking only; workers that test side by side share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "first"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            folder.mkdir()
            assert new_desk(folder).build().failures == ()
    return Desk(folder / "episodes", folder / "out")


@pytest.fixture
def desk(first: Desk, tmp_path: Path) -> Desk:
    """Return a copy of it that a test may change."""
    shutil.copytree(first.workspace.parent, tmp_path / "desk")
    return Desk(tmp_path / "desk" / "episodes", tmp_path / "desk" / "out")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a running browser, one at a time; without any, tests are skipped, and fail where CI is set."""
    with sync_playwright() as playwright:
        running = launch(playwright)
        if running is None:
            if "CI" in os.environ:
                pytest.fail(WHY_NONE)
            pytest.skip(WHY_NONE)
        yield running
        running.close()

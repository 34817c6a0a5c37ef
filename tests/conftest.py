"""What many test files need: the sample series and its first episode as records."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import source
from pipeline.model import Episode, Series

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def series() -> Series:
    return source.read_series(REPOSITORY / "episodes" / "series.toml")


@pytest.fixture(scope="session")
def episode(series: Series) -> Episode:
    return source.read_episode(REPOSITORY / "episodes" / "01-xiuxian-yule", series)

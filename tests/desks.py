"""A small workspace on somebody's desk, and what is built from it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.build import Outcome, build
from tests.posters import coarsen

SAMPLE = Path(__file__).parent / "samples" / "workspace"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
"""Episode 1 is due, episode 2 is not."""


@dataclass(frozen=True)
class Desk:
    """Somebody's workspace and what was built from it."""

    workspace: Path
    out: Path

    def build(self, *numbers: int, now: datetime = NOW, frozen: bool = False) -> Outcome:
        """Build these episodes, or all."""
        return build(self.workspace, self.out, numbers=numbers or None, now=now, frozen=frozen)

    def edit(self, path: str, before: str, after: str) -> None:
        """Change some words in a file of the workspace."""
        file = self.workspace / path
        text = file.read_text(encoding="utf-8")
        assert before in text
        file.write_text(text.replace(before, after, 1), encoding="utf-8")

    def site(self) -> dict[str, bytes]:
        """Return the site's files by path."""
        return content_of(self.out / "site")


def new_desk(folder: Path) -> Desk:
    """Put the sample workspace on a desk of its own; nothing is built yet, and its posters will be coarse and quick."""
    return Desk(coarsen(shutil.copytree(SAMPLE, folder / "episodes")), folder / "out")


def content_of(folder: Path) -> dict[str, bytes]:
    """Return a folder's files by path."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def made_in(out: Path) -> dict[str, bytes]:
    """Return everything a build laid out; the store holds more after edits, as it should."""
    return {path: content for path, content in content_of(out).items() if not path.startswith("store/")}

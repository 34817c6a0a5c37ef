"""Everything that can be checked without making anything: the sources, the promises, and the feed that lies in out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline import gate, ledger, source
from pipeline.build import LEDGER_FILE, PLACEMENTS_FILE, SERIES_FILE
from pipeline.errors import JixiangError, Problem, PromiseError


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was found: ``problems`` bind, ``notes`` are good manners. ``feed_checked`` is False where none was made yet."""

    episodes: int
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    feed_checked: bool
    exit_code: int


def check_workspace(workspace: Path, out: Path, *, strict: bool) -> Checked:
    """Return all that is wrong with the sources and with the feed in ``out``/site; ``strict`` makes good manners binding.

    Raises:
        AuthorError: series.toml or placements.csv cannot be read, and nothing else can be checked without them.
        PromiseError: the ledger is damaged.
    """
    series = source.read_series(workspace / SERIES_FILE)
    promises = ledger.read_ledger(workspace / LEDGER_FILE)
    reading = source.read_episodes(workspace, series)
    placements = source.read_placements(workspace / PLACEMENTS_FILE)
    errors: list[JixiangError] = [each.error for each in reading.broken]
    broken = gate.broken_promises(promises, series, reading, placements, workspace / PLACEMENTS_FILE)
    if broken:
        errors.append(PromiseError(broken))
    site = out / "site"
    sizes = {file.relative_to(site).as_posix(): file.stat().st_size for file in site.rglob("*") if file.is_file()}
    notes: tuple[Problem, ...] = ()
    if "feed.xml" in sizes:
        verdict = gate.check_feed((site / "feed.xml").read_bytes(), site / "feed.xml", series, promises, sizes, strict=strict)
        errors += verdict.errors
        notes = verdict.notes
    return Checked(
        episodes=len(reading.episodes),
        problems=tuple(problem for error in errors for problem in error.problems),
        notes=notes,
        feed_checked="feed.xml" in sizes,
        exit_code=max((error.exit_code for error in errors), default=0),
    )

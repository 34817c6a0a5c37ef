"""What is wrong with a feed, said so that whoever keeps the series can put it right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Problem

MUST, SHOULD, PROMISE, FILE = "JX-F01", "JX-F02", "JX-F03", "JX-F04"
"""A rule that binds, one that is good manners, a promise on record, a file that the feed names."""

NOTHING = "没有"
"""What is found where an element or an attribute is missing."""

_FIXES = {
    MUST: "改 series.toml 或这一期的 script.md，再做一次；两处都没有写错，就把这条提示发给维护的同事",
    SHOULD: "不改也能订阅；要改，改 series.toml 或这一期的 script.md，再做一次",
    PROMISE: "不要发布这份订阅源；再做一次，还是这样就把这条提示发给维护的同事",
    FILE: "再做一次，把缺的文件做出来；还是这样就把这条提示发给维护的同事",
}
_MOST_SHOWN = 80


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong with a feed: ``found`` and ``wanted`` are what people read, ``field`` as it stands in the file.

    ``episode`` is its number; None where the channel is meant, or an item that does not tell its number.
    """

    code: str
    episode: int | None
    field: str
    found: str
    wanted: str

    @property
    def level(self) -> str:
        """``should`` for good manners, which bind nobody unless asked; ``must`` for all else."""
        return "should" if self.code == SHOULD else "must"

    def problem(self, place: Path) -> Problem:
        """Return the fault as a problem of the feed at ``place``."""
        whose = "节目" if self.episode is None else f"第 {self.episode} 期"
        found = self.found if len(self.found) <= _MOST_SHOWN else f"{self.found[:_MOST_SHOWN]}……"
        is_found = f"没有 {self.field}" if self.found == NOTHING else f"的 {self.field} 是“{found}”"
        space = " " if self.wanted[:1].isascii() else ""
        cause = f"订阅源里{whose}{is_found}，应当是{space}{self.wanted}"
        return Problem(place=place, cause=cause, fix=_FIXES[self.code], code=self.code)

"""What can go wrong, one class for each person who can put it right.

A problem names the place, the cause with the number found and the number wanted, what to do, and a code. All problems of one
folder travel together in one error, so that nobody mends a file five times over. Texts are Chinese: media staff read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing to mend: ``line`` is 1-based and None where the place is a whole file or folder."""

    place: Path
    line: int | None = None
    cause: str
    fix: str
    code: str

    def __str__(self) -> str:
        where = f"{self.place} 第 {self.line} 行" if self.line else f"{self.place}"
        return f"{where}：{self.cause}。{self.fix}。[{self.code}]"


class JixiangError(Exception):
    """Base of all errors that a person can act on. ``exit_code`` is what the terminal hands back."""

    exit_code: ClassVar[int]

    def __init__(self, problems: Sequence[Problem]) -> None:
        if not problems:
            raise ValueError("an error without a problem tells nobody what to mend")
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type[JixiangError], tuple[tuple[Problem, ...]]]:
        # Errors cross from worker processes; Exception would pickle the joined text and not the problems.
        return type(self), (self.problems,)


class AuthorError(JixiangError):
    """The script, its front matter or series.toml: whoever writes mends it."""

    exit_code = 1


class RecordingError(JixiangError):
    """The recording or the theme: whoever records and cuts mends it."""

    exit_code = 1


class DesignError(JixiangError):
    """Motif, format, font, photo or a poster that does not scan: the designer mends it."""

    exit_code = 1


class MachineError(JixiangError):
    """Disk, permissions, ffmpeg: whoever keeps the computer mends it."""

    exit_code = 3


class PromiseError(JixiangError):
    """What would break a printed code or a subscription: the keeper of the ledger decides."""

    exit_code = 5


class LockedError(JixiangError):
    """Another build is at work in the same output folder."""

    exit_code = 75

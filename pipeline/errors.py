"""What can go wrong, one class for each person who can put it right.

A problem names the place, the cause with the number found and the number wanted, what to do, and a code. All problems of one
folder travel together in one error, so that nobody mends a file five times over. Texts are Chinese: media staff read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


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


class PublishError(JixiangError):
    """The store, its web server or the way there: whoever keeps the website mends it."""

    exit_code = 4


class PromiseError(JixiangError):
    """What would break a printed code or a subscription: the keeper of the ledger decides."""

    exit_code = 5


class LockedError(JixiangError):
    """Another build is at work in the same output folder."""

    exit_code = 75


@contextmanager
def telling_what_cannot_be_read(place: Path) -> Iterator[None]:
    """Turn an OSError of reading into a MachineError that names the file: locked by Word, still syncing, on a pulled-out disk."""
    try:
        yield
    except OSError as error:
        cause = f"读不了：{error.strerror or error}"
        fix = "关掉正在用它的程序，等网盘同步完成，看看有没有读取的权限，再试一次"
        raise MachineError([Problem(place=Path(error.filename or place), cause=cause, fix=fix, code="JX-M05")]) from error

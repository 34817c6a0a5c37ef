"""Text as it comes from Word, Notepad and phones: decoded, and cleaned of what apps and printers choke on."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from pipeline.errors import Problem, telling_what_cannot_be_read

# Marks that turn the writing direction round or join invisibly: they can hide what a title says. Source: UAX #9, 2.
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_ORDINARY_SPACE = re.compile("[\n\t\u3000]+")


def read_text(file: Path) -> tuple[str, tuple[Problem, ...]]:
    """Return a text file's content with plain line ends, and what its reader should know: a mark at its head, or GBK.

    Notepad on an older Windows saves GBK and newer ones put a byte order mark first; both hold the words whole. Where neither
    UTF-8 nor GBK fits, the text is empty and the problem (JX-A01) says so.
    """
    with telling_what_cannot_be_read(file):
        content = file.read_bytes()
    problems: list[Problem] = []
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
        problems.append(_note(file, "是 UTF-16 编码，已照读", "JX-A04"))
    else:
        if content.startswith(b"\xef\xbb\xbf"):
            problems.append(_note(file, "开头带有 BOM 标记，已照读", "JX-A02"))
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            try:
                text = content.decode("gb18030")
            except UnicodeDecodeError as error:
                return "", (_not_text(file, content, error.start),)
            problems.append(_note(file, "是 GBK 编码，已照读；请看一眼文字对不对", "JX-A03"))
    return text.replace("\r\n", "\n").replace("\r", "\n"), tuple(problems)


def _not_text(file: Path, content: bytes, at: int) -> Problem:
    line = content[:at].count(b"\n") + 1
    if content.startswith(b"PK"):
        cause, fix = "这是 Word 文件改了后缀，不是文字", "在 Word 里全选、复制，粘贴到记事本，另存为，编码选 UTF-8"
    else:
        cause, fix = "既不是 UTF-8 也不是 GBK 编码的文字，读不出来", "用记事本打开，另存为，编码选 UTF-8"
    return Problem(place=file, line=line, cause=cause, fix=fix, code="JX-A01")


def clean(text: str) -> str:
    """Return ``text`` in NFC without control and direction characters, trimmed, each run of white space one space."""
    return " ".join(clean_lines(text).split())


def clean_lines(text: str) -> str:
    """Return ``text`` in NFC without control and direction characters; line ends and tabs stay."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    if _ORDINARY_SPACE.sub("", text).isprintable():  # nearly every text, in a twentieth of the time
        return text
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cn"})


def _note(file: Path, cause: str, code: str) -> Problem:
    return Problem(place=file, line=1, cause=cause, fix="想去掉这条提醒，就用记事本另存为，编码选 UTF-8", code=code)

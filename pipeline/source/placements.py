"""placements.csv: where printed posters hang, as Excel, WPS and Notepad save it."""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from pipeline.errors import AuthorError, Problem
from pipeline.model import Placement
from pipeline.source.text import clean, read_text

# Canonical column → the Chinese heading that staff may write instead.
COLUMNS = {"id": "编号", "name": "地点", "episodes": "期数"}
_CANONICAL = {heading: column for column, name in COLUMNS.items() for heading in (column, name)}
_DELIMITERS = ",;\t"
_ID = re.compile(r"[A-Za-z0-9]{1,6}")
# No folder may be called so on Windows. Source: Microsoft, Naming Files, Paths, and Namespaces.
_RESERVED = re.compile(r"(?i:con|prn|aux|nul|(com|lpt)[0-9])")
_MAX_NAME = 20
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_DASH = re.compile(r"\s*[-~—–至到]\s*")


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A row that holds something; ``line`` is where it starts, 1-based."""

    line: int
    cells: tuple[str, ...]


def read_placements(file: Path) -> tuple[Placement, ...]:
    """Return the placements in the order of their lines; none where there is no such file.

    Raises:
        AuthorError: everything in the file that is wrong, at once.
        MachineError: it cannot be read.
    """
    if not file.is_file():
        return ()
    text, notes = read_text(file)
    unreadable = [note for note in notes if note.code == "JX-A01"]
    if unreadable:
        cause, fix = "这不是文字表格，读不出来", "用 Excel 或 WPS 打开原来的表格，另存为“CSV UTF-8（逗号分隔）”"
        raise AuthorError([replace(note, cause=cause, fix=fix) for note in unreadable])
    problems: list[Problem] = []
    rows = _rows(file, text, problems)
    columns = _columns(file, rows[0], problems) if rows else ()
    placements: list[Placement] = []
    if {"id", "name"} <= set(columns):
        placements += [_placement(file, row, columns, problems) for row in rows[1:]]
        problems += _twice(file, placements)
    if problems:
        raise AuthorError(sorted(problems, key=lambda problem: problem.line or 0))
    return tuple(placements)


def _rows(file: Path, text: str, problems: list[Problem]) -> list[_Row]:
    """Return the rows up to the first that cannot be taken apart; an open quotation mark swallows all that follows."""
    head = next((line for line in text.split("\n") if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=head.count), strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            cleaned = tuple(clean(cell) for cell in cells)
            if any(cleaned):
                rows.append(_Row(line=line, cells=cleaned))
            line = reader.line_num + 1
    except csv.Error:
        fix = "把引号补成一对，或都删掉"
        problems.append(Problem(place=file, line=line, cause="这一行里的英文双引号不成对", fix=fix, code="JX-A71"))
    return rows


def _columns(file: Path, head: _Row, problems: list[Problem]) -> tuple[str, ...]:
    """Return the canonical name of each column; as it was written where it is not known, empty where it has no heading."""
    columns = tuple(_CANONICAL.get(cell.lower(), cell) for cell in head.cells)
    missing = [COLUMNS[column] for column in ("id", "name") if column not in columns]
    if missing:
        wrong = [(f"第一行的表头里没有 {'、'.join(missing)}", "第一行写 编号,地点,期数 三列，逗号用半角的")]
    else:
        wrong = [_strange(column) for column in columns if column and column not in COLUMNS]
        wrong += [(f"“{COLUMNS[column]}”这一列写了两次", "删掉一列") for column in COLUMNS if columns.count(column) > 1]
    problems += [Problem(place=file, line=head.line, cause=cause, fix=fix, code="JX-A70") for cause, fix in wrong]
    return columns


def _strange(heading: str) -> tuple[str, str]:
    near = difflib.get_close_matches(heading, _CANONICAL, n=1, cutoff=0.5)
    return f"不认识“{heading}”这一列", f"是不是想写“{near[0]}”" if near else "删掉这一列"


def _placement(file: Path, row: _Row, columns: Sequence[str], problems: list[Problem]) -> Placement:
    """Return what a row says, with the problems added; where something is wrong with it the values are of no use."""
    cells = list(zip_longest(columns, row.cells, fillvalue=""))
    written = {column: cell for column, cell in cells if column}
    beyond = [cell for column, cell in cells if cell and not column]
    placement_id, name, episodes = unicodedata.normalize("NFKC", written["id"]), written["name"], written.get("episodes", "")
    if [column for column in columns if column][-1] == "episodes":
        episodes, beyond = "、".join([episodes, *beyond]), []  # 1,3,5 as it is typed in Notepad, without quotation marks
    numbers = _numbers(episodes)
    wrong = [("JX-A71", (f"这一行多出了“{cell}”", "删掉它；逗号是地名里的，就给地名加上英文双引号")) for cell in beyond]
    wrong += [("JX-A72", fault) for fault in _wrong_id(placement_id)]
    wrong += [("JX-A74", fault) for fault in _wrong_name(name)]
    if numbers is None:
        fix = "写成 1、3、5 或 3到6 这样，全部期数就空着；Excel 会把 3-6 变成日期，先把这一列设成“文本”"
        wrong.append(("JX-A75", (f"看不懂期数“{episodes.strip('、')}”", fix)))
    problems += [Problem(place=file, line=row.line, cause=cause, fix=fix, code=code) for code, (cause, fix) in wrong]
    return Placement(id=placement_id, name=name, numbers=numbers or (), line=row.line)


def _wrong_id(written: str) -> list[tuple[str, str]]:
    if not _ID.fullmatch(written):
        found = f"编号写的是“{written}”" if written else "没有写编号"
        return [(f"{found}，应当是 1 到 6 个英文字母或数字", "写成 A1、B12 这样，不带空格、横线和汉字")]
    if _RESERVED.fullmatch(written):
        return [(f"编号不能是 {written}：Windows 里不能有叫这个名字的文件夹", f"换一个，如 X{written}")]
    return []


def _wrong_name(written: str) -> list[tuple[str, str]]:
    if not written:
        return [("没有写地点", "写上张贴的人认得的名字")]
    if len(written) > _MAX_NAME:
        return [(f"地点“{written}”有 {len(written)} 个字，最多 {_MAX_NAME} 个", f"缩短到 {_MAX_NAME} 个字以内")]
    return []


def _numbers(written: str) -> tuple[int, ...] | None:
    """Return the numbers that ``1,3,5``, ``1、3-6`` or ``3到6`` mean, ascending; None where it means none."""
    text = _DASH.sub("-", unicodedata.normalize("NFKC", written))
    numbers: set[int] = set()
    for part in filter(None, re.split(r"[,、;\s]+", text)):
        match = _RANGE.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 0 < first <= last:
            return None
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))


def _twice(file: Path, placements: Sequence[Placement]) -> list[Problem]:
    """Return the ids that stand twice; capitals make no difference, on a folder's name as little as in a hurry."""
    known: dict[str, Placement] = {}
    problems = []
    for placement in placements:
        earlier = known.setdefault(placement.id.lower(), placement)
        if placement.id and earlier is not placement:
            cause = f"编号 {placement.id} 和第 {earlier.line} 行的 {earlier.id} 重复了（大小写算同一个）"
            fix = "每个地方用一个自己的编号"
            problems.append(Problem(place=file, line=placement.line, cause=cause, fix=fix, code="JX-A73"))
    return problems

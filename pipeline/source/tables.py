"""series.toml as tables: checked values, and the line where each was written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import Problem
from pipeline.source.text import clean

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, in Chinese, or None."""

_HEADING = re.compile(r"\s*\[+\s*([^\[\]]+?)\s*\]+")
_LIKE_THE_SAMPLE = "照样例里的 series.toml 改"


class Tables:
    """One pass over series.toml: hands out checked values and gathers what is wrong, each with its line."""

    def __init__(self, file: Path, text: str, tables: Mapping[str, Any]) -> None:
        self.file = file
        self.lines = text.split("\n")
        self.tables = tables
        self.problems: list[Problem] = []
        self._asked: dict[int, set[str]] = {}

    def wrong(self, table: Mapping[str, Any], key: str, cause: str, fix: str, code: str) -> None:
        """Remember what is wrong with a key, or with the table if the key is not there."""
        line = self.line(table, key)
        self.problems.append(Problem(place=self.file, line=line, cause=cause, fix=fix, code=code))

    def text(self, table: Mapping[str, Any], key: str, check: Check = lambda _: None, *, default: str | None = None) -> str:
        """Return a text without white space at its ends; empty where something is wrong with it."""
        value = self._value(table, key, str, "一段用英文双引号括起来的字", default)
        text = clean(value) if isinstance(value, str) else ""
        fault = check(text) if value is not None and (text or default is None) else None
        if value is not None and not text and default is None:
            fault = "是空的"
        if fault:
            self.wrong(table, key, f"{key} {fault}", _LIKE_THE_SAMPLE, "JX-A53")
        return text

    def number(self, table: Mapping[str, Any], key: str, low: float, high: float, *, default: float | None = None) -> float:
        """Return a number from ``low`` to ``high``."""
        value = self._value(table, key, (int, float), "一个数，不加引号", default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return float(low)
        if not low <= value <= high:
            self.wrong(table, key, f"{key} 是 {value}，应当在 {low} 到 {high} 之间", "改成范围里的数", "JX-A54")
            return float(low)
        return float(value)

    def count(self, table: Mapping[str, Any], key: str, low: int, high: int, *, default: int | None = None) -> int:
        """Return a whole number from ``low`` to ``high``."""
        number = self.number(table, key, low, high, default=default)
        if not number.is_integer():
            self.wrong(table, key, f"{key} 是 {number}，应当是整数", "去掉小数", "JX-A54")
        return int(number)

    def whole(self, table: Mapping[str, Any], key: str, allowed: Collection[int], words: str, *, default: int) -> int:
        """Return one of the ``allowed`` whole numbers, which ``words`` tells."""
        value = self.ask(table, key, default)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value in allowed:
            return int(value)
        self.wrong(table, key, f"{key} 是 {_shown(value)}", f"写成 {words}，不加引号", "JX-A54")
        return default

    def choice(self, table: Mapping[str, Any], key: str, meanings: Mapping[str, str], *, default: str) -> str:
        """Return what the word behind a key means."""
        value = self.ask(table, key, default)
        if isinstance(value, str) and value.strip().lower() in meanings:
            return meanings[value.strip().lower()]
        self.wrong(table, key, f"{key} 是 {_shown(value)}", f"写成 {_quoted(meanings)} 之一", "JX-A53")
        return default

    def choices(self, table: Mapping[str, Any], key: str, allowed: Collection[str]) -> tuple[str, ...]:
        """Return a list of ``allowed`` words, each once; none where the key is missing."""
        value = self.ask(table, key, [])
        if isinstance(value, list) and all(each in allowed for each in value):
            return tuple(dict.fromkeys(value))
        fix = f"写成 [{_quoted(allowed)}]，不要就写 []"
        self.wrong(table, key, f"{key} 是 {_shown(value)}", fix, "JX-A53")
        return ()

    def flag(self, table: Mapping[str, Any], key: str, *, default: bool) -> bool:
        """Return true or false."""
        return bool(self._value(table, key, bool, "true 或 false，不加引号", default))

    def ask(self, table: Mapping[str, Any], key: str, default: object) -> object:
        """Return what stands behind a key, and remember that the key has a meaning."""
        self._asked.setdefault(id(table), set()).add(key)
        return table.get(key, default)

    def refuse_unknown_keys(self) -> None:
        """Name the keys that nothing asked for: a slip of the pen there would go unnoticed for years."""
        for table in self._tables(self.tables):
            known = self._asked.get(id(table), set())
            for key in table.keys() - known if known else ():
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
                fix = f"是不是想写 {near[0]}" if near else "删掉这一行"
                self.wrong(table, key, f"不认识 {key} 这一项", fix, "JX-A58")

    def _tables(self, value: object) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            yield value
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from self._tables(each)

    def table(self, key: str) -> Mapping[str, Any]:
        """Return the table ``[key]``, empty if there is none."""
        value = self.ask(self.tables, key, {})
        if isinstance(value, dict):
            return value
        self.wrong(self.tables, key, f"{key} 应当是一节，标题写成 [{key}]", _LIKE_THE_SAMPLE, "JX-A53")
        return {}

    def table_in(self, holder: str, key: str) -> Mapping[str, Any]:
        """Return the table ``[holder.key]``."""
        value = self.table(holder).get(key)
        if isinstance(value, dict):
            return value
        self.wrong(self.table(holder), key, f"{key} 应当是一节，标题写成 [{holder}.{key}]", _LIKE_THE_SAMPLE, "JX-A53")
        return {}

    def rows(self, key: str) -> list[Mapping[str, Any]]:
        """Return the tables ``[[key]]``; at least one is wanted."""
        value = self.ask(self.tables, key, [])
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            return value
        self.wrong(self.tables, key, f"没有 [[{key}]]：至少要写一节", "照样例里的 series.toml 补上", "JX-A52")
        return []

    def _value(self, table: Mapping[str, Any], key: str, wanted: type | tuple[type, ...], words: str, default: object) -> object:
        value = self.ask(table, key, default)
        if value is None:
            heading = self._heading_line(table)
            inside = f" {self.lines[heading - 1].strip()} 里" if heading else ""
            self.wrong(table, key, f"{inside}没有写 {key}".strip(), "照样例里的 series.toml 补上", "JX-A52")
        elif not isinstance(value, wanted):
            self.wrong(table, key, f"{key} 应当是{words}", _LIKE_THE_SAMPLE, "JX-A53")
            return None
        return value

    def line(self, table: Mapping[str, Any], key: str) -> int | None:
        """Return the line of ``key`` in ``table``, else of the table's heading: tomllib keeps no places."""
        start = self._heading_line(table)
        pattern = re.compile(rf'\s*"?{re.escape(key)}"?\s*[=.]')
        for number in range(start + 1, len(self.lines) + 1):
            if _HEADING.match(self.lines[number - 1]):
                break
            if pattern.match(self.lines[number - 1]):
                return number
        return start or None

    def _heading_line(self, table: Mapping[str, Any]) -> int:
        """Return the line of a table's heading, 0 for the top of the file."""
        seen: dict[str, int] = {}
        for number, line in enumerate(self.lines, start=1):
            heading = _HEADING.match(line)
            if heading:
                path = heading[1].replace('"', "").replace(" ", "")
                if self._at(path, seen.get(path, 0)) is table:
                    return number
                seen[path] = seen.get(path, 0) + 1
        return 0

    def _at(self, path: str, index: int) -> object:
        value: object = self.tables
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value[index] if isinstance(value, list) and index < len(value) else value


def _shown(value: object) -> str:
    """Return a value as it is written in TOML, near enough."""
    return (
        f'"{value}"'
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value).replace("'", '"')
    )


def _quoted(words: Collection[str]) -> str:
    return "、".join(f'"{word}"' for word in words)

"""One line of the ledger: a JSON object with a checksum of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import Problem, PromiseError

_FILE = {"path": str, "sha256": str, "size_bytes": int, "duration_s": float}
_DECISION = {"reason": str, "decided_at": datetime}
FIELDS: Mapping[str, Mapping[str, type]] = {
    "series": {"site_url": str, "feed_url": str, "podcast_guid": str},
    "identity": {"number": int, "guid": str, "page_url": str},
    "placement": {"id": str, "name": str},
    "release": {
        "number": int,
        "guid": str,
        "page_url": str,
        **_FILE,
        "published_at": datetime,
        "released_at": datetime,
        "recording_sha256": str,
        "alternates": list,
        "corrects": str,
    },
    "correction": {"number": int, "recording_sha256": str, **_DECISION},
    "retirement": {"number": int, **_DECISION},
    "move": {"site_url": str, "feed_url": str, **_DECISION},
}
"""What a line of each kind says; a moment is written in ISO 8601 with its zone."""
_CONFLICT = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_CHECK_DIGITS = 16
_RESTORE = "不要手工改台账：先把它另存一份，删掉这一行，再运行 jixiang restore，程序会从网站上的副本把缺的行补回来"


def make_line(kind: str, **fields: object) -> str:
    """Return a line of the ledger, without its end."""
    entry: dict[str, object] = {"kind": kind, **fields}
    return json.dumps({**entry, "check": _check(entry)}, ensure_ascii=False)


def read_line(written: str) -> dict[str, Any]:
    """Return what a line says, or an empty entry if the line is not what was once written."""
    try:
        entry = json.loads(written)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(entry, dict) or entry.pop("check", None) != _check(entry):
        return {}
    return entry


def read_lines(file: Path, lines: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the lines say.

    Raises:
        PromiseError: JX-P01 and JX-P08, every line that is damaged or was edited.
    """
    entries: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for line, written in enumerate(lines, start=1):
        if not written.strip():
            continue
        entry = read_line(written)
        if written.startswith(_CONFLICT):
            cause, fix = "台账里留着合并冲突的记号", "只删掉 <<<<<<<、=======、>>>>>>> 这样的几行，别的行都留着"
            problems.append(Problem(place=file, line=line, cause=cause, fix=fix, code="JX-P08"))
        elif not _is_whole(entry):
            cause = "台账的这一行被改动过或写坏了，校验对不上"
            problems.append(Problem(place=file, line=line, cause=cause, fix=_RESTORE, code="JX-P01"))
        else:
            entries.append(entry)
    if problems:
        raise PromiseError(problems)
    return entries


def _is_whole(entry: Mapping[str, Any]) -> bool:
    fields = FIELDS.get(str(entry.get("kind")))
    files = entry.get("alternates", [])
    return fields is not None and _has(entry, fields) and isinstance(files, list) and all(_has(each, _FILE) for each in files)


def _has(entry: object, fields: Mapping[str, type]) -> bool:
    return isinstance(entry, Mapping) and all(_is(entry.get(name), kind) for name, kind in fields.items())


def _is(value: object, kind: type) -> bool:
    if kind is datetime:
        try:
            return datetime.fromisoformat(str(value)).tzinfo is not None
        except ValueError:
            return False
    return isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)


def missing_lines(ours: str, theirs: str) -> tuple[str, ...]:
    """Return the whole lines of ``theirs`` that ``ours`` lacks, each once; what one of them has torn or damaged is no line."""
    known = {_check(entry) for written in ours.splitlines() if (entry := read_line(written))}
    missing: dict[str, str] = {}
    for written in theirs.splitlines():
        entry = read_line(written)
        if entry and _check(entry) not in known:
            missing[_check(entry)] = written.strip()
    return tuple(missing.values())


def _check(entry: Mapping[str, object]) -> str:
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_CHECK_DIGITS]

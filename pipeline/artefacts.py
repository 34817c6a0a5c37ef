"""Make a costly file once; lay a folder out safely. The only place that writes.

The law that the tests hold it to: an incremental build equals a clean build, byte for byte.
"""

from __future__ import annotations

import ast
import dataclasses
import errno
import functools
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, get_type_hints

import cattrs
from cattrs.preconf.json import make_converter
from filelock import FileLock, Timeout

from pipeline import media
from pipeline.errors import LockedError, MachineError, Problem
from pipeline.model import Files

P = ParamSpec("P")
R = TypeVar("R")

_RECIPES = threading.Lock()
_PACKAGE = Path(__file__).parent
_MARKER = ".jixiang"
_MARKER_TEXT = "这个文件夹由 jixiang 生成，可以整个删除；里面的东西会被下一次制作改写。\n"
_HASHED_NAME = re.compile(r"-[0-9a-f]{12}\.\w+$")

_CAUSES = {
    errno.ENOSPC: "磁盘满了",
    errno.EACCES: "没有写入的权限",
    errno.EPERM: "没有写入的权限",
    errno.EROFS: "这个磁盘是只读的",
    errno.ENOTDIR: "路径中间有一个同名的文件，不是文件夹",
    errno.EEXIST: "已有一个同名的文件，不是文件夹",
    errno.EISDIR: "这里应当是文件，却是一个文件夹",
}


# A slow call, made once


def reuse(store: Path, function: Callable[Concatenate[Any, P], R] | Callable[P, R], *arguments: object) -> R | None:
    """Return the record of an earlier call of ``function`` with the same ``arguments``, or None if it has to be made.

    A file or record that was damaged since counts as never made.
    """
    record_type = get_type_hints(function)["return"]
    path = _record_path(store, function, arguments)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["check"] != _digest_text(kept["record"]):
            return None
        fields = json.loads(kept["record"])
        if kept["sha256"] is not None:
            file = store / fields["file"]
            if digest(file) != kept["sha256"]:
                return None
            fields["file"] = str(file)
        record: R = _converter().structure(fields, record_type)
    except (OSError, ValueError, KeyError, TypeError, cattrs.BaseValidationError):
        return None
    return record


def reuse_or_make(store: Path, function: Callable[..., R], *arguments: object, suffix: str | None = None) -> R:
    """Return the record of ``function(*arguments, to)``, from the store if the same call was made before.

    ``suffix`` names the kind of file that the function writes to its last parameter ``to``; None if it gives a record alone.
    Both are kept under a name made of the arguments (files by content), the source of the function's module and of the
    pipeline modules that it imports, and the versions of the packages and of the ffmpeg that they run: nobody lists
    dependencies, so none is forgotten.
    """
    earlier = reuse(store, function, *arguments)
    if earlier is not None:
        return earlier
    path = _record_path(store, function, arguments)
    with _telling_where(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if suffix is None:
        record = function(*arguments)
        fields, sha256 = _converter().unstructure(record), None
    else:
        file = path.with_suffix(suffix)
        part = path.with_name(f"{path.stem}.{os.getpid()}.part{suffix}")
        try:
            made = function(*arguments, part)
            with _telling_where(file):
                _flush_to_disk(part)
                part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        record = dataclasses.replace(made, file=file)  # type: ignore[type-var]  # what writes a file hands on a record with a file
        fields, sha256 = _converter().unstructure(record) | {"file": file.relative_to(store).as_posix()}, digest(file)
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True)
    kept = json.dumps({"record": text, "sha256": sha256, "check": _digest_text(text)}, ensure_ascii=False)
    write(path, kept.encode())
    return record


def _record_path(store: Path, function: Callable[..., object], arguments: Sequence[object]) -> Path:
    made_of = [function.__module__, function.__qualname__, _described(arguments), _recipe(function.__module__)]
    key = _digest_text(json.dumps(made_of, ensure_ascii=False, sort_keys=True))[:32]
    return store / function.__name__ / f"{key}.json"


def _described(value: object) -> object:
    """Return ``value`` as JSON, files by their content and records by their fields."""
    if isinstance(value, Path):
        # A folder counts by its name: where a workspace lies makes no difference to what is made of it.
        return {"sha256": digest(value)} if value.is_file() else {"name": value.name}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _described(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"record": type(value).__name__, **fields}
    if isinstance(value, dict):
        return {str(key): _described(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_described(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be part of a store key")


def _recipe(module: str) -> dict[str, str]:
    """Return what a module's results depend on: sources of pipeline modules, versions of packages, the ffmpeg they run."""
    # One thread at a time: CPython 3.11 counts the depth of all threads' ast.parse() in one place, and then gives up.
    with _RECIPES:
        return _read_recipe(module)


@functools.cache
def _read_recipe(module: str) -> dict[str, str]:
    recipe: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in recipe:
            continue
        top = name.split(".")[0]
        if top == _PACKAGE.name:
            source = _source(name)
            if source is not None:
                recipe[name] = hashlib.sha256(source).hexdigest()
                waiting.extend(_imports(ast.parse(source)))
                waiting.append(name.rpartition(".")[0] or name)
        elif top not in sys.stdlib_module_names:
            for distribution in _distributions().get(top, ()):
                recipe[f"{distribution}=="] = importlib.metadata.version(distribution)
    if media.__name__ in recipe:
        recipe["ffmpeg"] = media.ffmpeg_identity()
    return dict(sorted(recipe.items()))


def _source(module: str) -> bytes | None:
    """Return a pipeline module's source; None for a name that is no module, such as a record imported from one."""
    path = _PACKAGE.parent.joinpath(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file.read_bytes()
    return None


_distributions = functools.cache(importlib.metadata.packages_distributions)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            # ``from pipeline import media`` names a module, ``from pipeline.model import Sound`` does not: _source decides.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.cache
def _converter() -> cattrs.Converter:
    converter = make_converter()
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook(Path, lambda text, _: Path(text))
    return converter


# Laying out


@contextmanager
def claimed(out: Path) -> Iterator[None]:
    """Hold ``out`` for one build; make it if it is not there.

    Raises:
        MachineError: the folder cannot be written, or holds somebody's files and not an earlier build.
        LockedError: another build is at work in it.
    """
    with _telling_where(out):
        out.mkdir(parents=True, exist_ok=True)
        marker = out / _MARKER
        if not marker.exists() and any(out.iterdir()):
            cause = "这个文件夹里已有别的文件，不是 jixiang 做出来的；制作会删改里面的东西，所以停下"
            raise MachineError([Problem(place=out, cause=cause, fix="用 --out 换一个空文件夹", code="JX-M02")])
        marker.write_text(_MARKER_TEXT, encoding="utf-8")
    lock = FileLock(out / ".lock", timeout=0)
    try:
        with lock:
            yield
    except Timeout:
        cause = "另一个 jixiang 正在这个文件夹里工作"
        raise LockedError([Problem(place=out, cause=cause, fix="等它做完再试", code="JX-M03")]) from None


def lay_out(folder: Path, files: Files, *, last: str = "") -> tuple[str, ...]:
    """Make ``folder`` hold exactly ``files`` and return the paths that were written or removed.

    File by file and never half: hashed names first, then the pages that refer to them, ``last`` at the end; then what no
    longer belongs is removed. Unchanged files are not touched. A layout that was cut short is finished by the next one.
    """
    for path in files:
        if path.startswith("/") or ".." in path.split("/") or "\\" in path:
            raise ValueError(f"{path!r} leaves the folder")
    changed = []
    for path in sorted(files, key=lambda path: (path == last, not _HASHED_NAME.search(path), path)):
        target = folder / path
        if not _same(files[path], target):
            write(target, files[path])
            changed.append(path)
    with _telling_where(folder):
        for target in sorted(folder.rglob("*"), reverse=True):
            path = target.relative_to(folder).as_posix()
            if target.is_dir() and not target.is_symlink():
                _remove_if_empty(target)
            elif path not in files:
                target.unlink()
                changed.append(path)
        _remove_if_empty(folder)
    return tuple(changed)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def write(target: Path, content: bytes | Path) -> None:
    """Put ``content`` (bytes, or a copy of that file) at ``target``: all of it or nothing, and on the disk when this returns."""
    part = target.with_name(f".{target.name}.part")
    with _telling_where(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, part)
        else:
            part.write_bytes(content)
        _flush_to_disk(part)
        part.replace(target)


def append_lines(file: Path, lines: Sequence[str]) -> None:
    """Add ``lines`` at the end of a text file that is only ever appended to, and wait until they are on the disk."""
    with _telling_where(file), file.open("ab+") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":  # an earlier append was cut short: its torn line must not swallow ours
                stream.write(b"\n")
        stream.write("".join(f"{line}\n" for line in lines).encode())
        stream.flush()
        os.fsync(stream.fileno())


def digest(file: Path) -> str:
    """Return the SHA-256 of a file's content, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _same(content: bytes | Path, target: Path) -> bool:
    if not target.is_file():
        return False
    if isinstance(content, bytes):
        return target.stat().st_size == len(content) and target.read_bytes() == content
    return target.stat().st_size == content.stat().st_size and digest(target) == digest(content)


def _flush_to_disk(file: Path) -> None:
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


@contextmanager
def _telling_where(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cause = f"写不进去：{_CAUSES.get(error.errno or 0, error.strerror or str(error))}"
        fix = "看看磁盘是否还有空间、文件是否被别的程序打开，或用 --out 换一个文件夹"
        raise MachineError([Problem(place=Path(error.filename or place), cause=cause, fix=fix, code="JX-M01")]) from error

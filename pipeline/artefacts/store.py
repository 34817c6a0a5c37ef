"""Make a costly file once: a slow call's record, and the file it wrote, kept under a name made of all they depend on."""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar, get_type_hints

import cattrs
from cattrs.preconf.json import make_converter

from pipeline import media
from pipeline.artefacts.folders import PART, digest, flush_to_disk, telling_where, write
from pipeline.errors import MachineError

R = TypeVar("R")

_RECIPES = threading.Lock()
_PACKAGE = Path(__file__).parents[1]


def record_path(store: Path, function: Callable[..., object], *arguments: object) -> Path:
    """Return where the record of a call is kept: under a name made of all that its result depends on.

    That is the arguments (files by content), the source of the function's module and of the pipeline modules that it imports,
    the packages and the ffmpeg that they run, and the kind of machine: nobody lists dependencies, so none is forgotten.
    """
    made_of = [function.__module__, function.__qualname__, _described(arguments), _recipe(function.__module__)]
    key = _digest_text(json.dumps(made_of, ensure_ascii=False, sort_keys=True))[:32]
    return store / function.__name__ / f"{key}.json"


def reuse(path: Path, function: Callable[..., R]) -> R | None:
    """Return the record of an earlier call of ``function`` that is kept at ``path``, or None if the call has to be made.

    A file or record that was damaged since counts as never made.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["check"] != _digest_text(kept["record"]):
            return None
        fields = json.loads(kept["record"])
        if kept["sha256"] is not None:
            file = path.with_name(fields["file"])
            if digest(file) != kept["sha256"]:
                return None
            fields["file"] = str(file)
        record: R = _converter().structure(fields, get_type_hints(function)["return"])
    except (OSError, MachineError, ValueError, KeyError, TypeError, cattrs.BaseValidationError):
        return None
    return record


def make(path: Path, function: Callable[..., R], *arguments: object, suffix: str | None) -> R:
    """Return the record of ``function(*arguments, to)`` and keep it at ``path``, the file that the call writes beside it.

    ``suffix`` names the kind of file that the function writes to its last parameter ``to``; None if it gives a record alone.
    """
    with telling_where(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if suffix is None:
        record = function(*arguments)
        fields, sha256 = _converter().unstructure(record), None
    else:
        file = path.with_suffix(suffix)
        part = path.with_name(f"{path.stem}.{os.getpid()}{PART}{suffix}")
        try:
            with telling_where(file):
                made = function(*arguments, part)
                flush_to_disk(part)
                part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        record = dataclasses.replace(made, file=file)  # type: ignore[type-var]  # what writes a file hands on a record with a file
        fields, sha256 = _converter().unstructure(record) | {"file": file.name}, digest(file)
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True)
    kept = json.dumps({"record": text, "sha256": sha256, "check": _digest_text(text)}, ensure_ascii=False)
    write(path, kept.encode())
    return record


def reuse_or_make(store: Path, function: Callable[..., R], *arguments: object, suffix: str | None = None) -> R:
    """Return the record of ``function(*arguments, to)``, from the store if the same call was made before."""
    path = record_path(store, function, *arguments)
    earlier = reuse(path, function)
    return make(path, function, *arguments, suffix=suffix) if earlier is None else earlier


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
    # The same arithmetic gives other last digits on another kind of processor.
    recipe = {"machine": f"{sys.platform} {platform.machine()}", "python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    waiting: list[str] = [module]
    packages: set[str] = set()
    while waiting:
        name = waiting.pop()
        top = name.split(".")[0]
        if name in recipe or top in sys.stdlib_module_names:
            continue
        if top == _PACKAGE.name:
            source = _source(name)
            if source is not None:
                recipe[name] = hashlib.sha256(source).hexdigest()
                waiting.extend(_imports(ast.parse(source)))
                waiting.append(name.rpartition(".")[0] or name)
        else:
            packages.update(_distributions().get(top, ()))
    recipe |= {f"{name}==": version for name, version in _versions(packages).items()}
    if media.__name__ in recipe:
        recipe["ffmpeg"] = media.ffmpeg_identity()
    return dict(sorted(recipe.items()))


def _versions(packages: set[str]) -> dict[str, str]:
    """Return the versions of packages and of all that they stand on, as far as it is installed."""
    versions: dict[str, str] = {}
    waiting = list(packages)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in versions:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system
        versions[name] = distribution.version
        # Extras are what others asked for: installing the test tools must not make everything again.
        needed = (line for line in distribution.requires or () if "extra ==" not in line)
        waiting.extend(found[0] for line in needed if (found := re.match(r"[\w.\-]+", line)))
    return versions


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


def _digest_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

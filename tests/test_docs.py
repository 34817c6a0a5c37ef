"""The documents say what the program does: all of it, and nothing that is not there."""

from __future__ import annotations

import ast
import json
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import pytest

import cli
from pipeline import errors, source
from pipeline.errors import AuthorError, JixiangError
from pipeline.ledger.lines import FIELDS
from pipeline.model import Series
from pipeline.poster import formats
from pipeline.source.frontmatter import KEYS

REPOSITORY = Path(__file__).parents[1]
REFERENCE = (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")
ERRORS = (REPOSITORY / "docs" / "errors.zh.md").read_text(encoding="utf-8")
SERIES_FILE = REPOSITORY / "episodes" / "series.toml"
GOOD = REPOSITORY / "tests" / "samples" / "scripts" / "good"
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
SOURCE_FILES = [REPOSITORY / "cli.py", *sorted((REPOSITORY / "pipeline").rglob("*.py"))]
SOURCES = {file: ast.parse(file.read_bytes()) for file in SOURCE_FILES}
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"JX-[A-Z][0-9]{2}")


# Reading Markdown


def part(text: str, title: str) -> str:
    """Return what stands under a heading, up to the next heading of any level; examples in fences left out."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", FENCED.sub("", text), re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading “{title}”"
    return found[1]


def table(title: str) -> dict[str, dict[str, str]]:
    """Return the table under a heading of the reference: rows by first cell, their cells by column."""
    head, _, *lines = (line for line in part(REFERENCE, title).split("\n") if line.startswith("|"))
    columns = _cells(head)
    rows = [dict(zip(columns, _cells(line), strict=True)) for line in lines]
    keyed = {row[columns[0]].strip("`"): row for row in rows}
    assert len(keyed) == len(rows), f"a row stands twice under “{title}”"
    return keyed


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


# The terminal


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from commands(each, f"{name} {each.name}")


COMMANDS = dict(commands(cli.jixiang, "jixiang"))


def test_the_reference_has_a_section_for_each_command_and_no_other() -> None:
    assert re.findall(r"^### (jixiang.*)$", REFERENCE, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_each_option_and_argument_of_a_command_and_no_other(name: str) -> None:
    command = COMMANDS[name]
    context = click.Context(command, info_name=name)
    shown = set()
    for parameter in command.get_params(context):
        metavar = parameter.make_metavar(context)
        if isinstance(parameter, click.Argument):
            shown.add(metavar)
        elif isinstance(parameter, click.Option):
            shown.update(each if parameter.is_flag else f"{each} {metavar}" for each in parameter.opts)
    assert set(table(name)) == shown


def test_the_reference_has_each_exit_code_and_no_other() -> None:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, JixiangError)]
    by_class = {kind.exit_code for kind in classes if kind is not JixiangError}
    by_terminal = {0, cli._USAGE, cli._OUR_BUG, cli._INTERRUPTED}  # noqa: SLF001  (what the terminal hands back)
    assert set(table("Exit codes")) == {str(code) for code in by_class | by_terminal}


def test_the_reference_has_each_environment_variable_and_no_other() -> None:
    by_option = {parameter.envvar for command in COMMANDS.values() for parameter in command.params if parameter.envvar}
    assert set(table("Environment variables")) == by_option | set(environment_variables())


def environment_variables() -> Iterator[str]:
    """Yield what the sources ask the environment for, constants looked up by name."""
    constants = {
        target.id: node.value.value
        for tree in SOURCES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for tree in SOURCES.values():
        for node in ast.walk(tree):
            asked: ast.expr | None = None
            if isinstance(node, ast.Call) and re.fullmatch(r"os\.getenv|os\.environ\.\w+", ast.unparse(node.func)):
                asked = node.args[0]
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
                asked = node.slice
            if asked is not None:
                yield str(constants[asked.id] if isinstance(asked, ast.Name) else ast.literal_eval(asked))


# Front matter


def test_the_reference_has_each_key_of_the_front_matter_with_all_its_chinese_names() -> None:
    documented = {key: set(names(row["Chinese names"])) for key, row in table("Front matter").items()}
    assert documented == {key: set(chinese) for key, chinese in KEYS.items()}


def problems_of(folder: Path, series: Series, script: str) -> set[str]:
    (folder / "script.md").write_text(script, encoding="utf-8")
    try:
        source.read_episode(folder, series)
    except AuthorError as error:
        return {problem.code for problem in error.problems}
    return set()


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_required_in_the_front_matter_where_the_reference_says_so(key: str, tmp_path: Path, series: Series) -> None:
    folder = shutil.copytree(GOOD, tmp_path / "good")
    script = (folder / "script.md").read_text(encoding="utf-8")
    without = "\n".join(line for line in script.split("\n") if not line.startswith(f"{key}:"))
    assert (problems_of(folder, series, without) != set()) == (table("Front matter")[key]["required"] == "yes")


@pytest.mark.parametrize("key", [key for key, row in table("Front matter").items() if "≤" in row["kind and limits"]])
def test_a_text_may_be_as_long_as_the_reference_says_and_no_longer(key: str, tmp_path: Path, series: Series) -> None:
    limit = re.search(r"≤ (\d+) characters", table("Front matter")[key]["kind and limits"])
    assert limit
    folder = shutil.copytree(GOOD, tmp_path / "good")
    script = (folder / "script.md").read_text(encoding="utf-8")
    for length, found in ((int(limit[1]), set()), (int(limit[1]) + 1, {"JX-A22"})):
        written = re.sub(rf"^{key}: .*$", f"{key}: {'好' * length}", script, flags=re.MULTILINE)
        assert problems_of(folder, series, written) == found


def test_the_example_of_a_front_matter_is_right(tmp_path: Path, series: Series) -> None:
    example = re.search(r"^```yaml\n(.*?)^```$", REFERENCE, re.MULTILINE | re.DOTALL)
    assert example
    folder = shutil.copytree(GOOD, tmp_path / "good")
    assert problems_of(folder, series, f"{example[1]}\n您好。\n") == set()


# series.toml


class _Watched(dict[str, Any]):
    """A table that notes which of its keys are asked for; ``seen`` takes dotted keys with [] for a row."""

    def __init__(self, content: dict[str, Any], path: str, seen: set[str]) -> None:
        super().__init__({key: _watch(value, f"{path}{key}", seen) for key, value in content.items()})
        self.path, self.seen = path, seen

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401  (as dict says it)
        self.seen.add(f"{self.path}{key}")
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401  (as dict says it)
        self.seen.add(f"{self.path}{key}")
        return super().__getitem__(key)


def _watch(value: object, path: str, seen: set[str]) -> object:
    if isinstance(value, dict):
        return _Watched(value, f"{path}.", seen)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_Watched(row, f"{path}[].", seen) for row in value]
    return value


def _named(key: str) -> str:
    """Return ``key`` with the name that the author chose left open."""
    return re.sub(r"^(platforms|destinations)\.[^.]+", r"\1.<name>", key)


def test_the_reference_has_each_key_that_is_read_of_series_toml_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    load = tomllib.loads
    monkeypatch.setattr(tomllib, "loads", lambda text: _Watched(load(text), "", seen))
    source.read_series(SERIES_FILE)
    keys = {_named(key) for key in seen}
    tables = {key for key in keys if any(other.startswith((f"{key}.", f"{key}[].")) for other in keys)}
    assert set(table("series.toml")) == keys - tables


def _without(key: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return the sample's tables without ``key``, the table that it was in, and its name there."""
    tables = tomllib.loads(SERIES_FILE.read_text(encoding="utf-8"))
    holder: Any = tables
    *path, last = key.replace("[]", ".0").split(".")
    for step in path:
        holder = holder[0 if step == "0" else next(iter(holder)) if step == "<name>" else step]
    last = next(iter(holder)) if last == "<name>" else last
    holder.pop(last, None)  # the sample shows some keys in comments only
    return tables, holder, last


@pytest.mark.parametrize("key", table("series.toml"))
def test_a_key_left_out_of_series_toml_means_what_the_reference_says(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tables, holder, name = _without(key)
    monkeypatch.setattr(tomllib, "loads", lambda _: tables)
    default = table("series.toml")[key]["default"]
    if default == "required":
        with pytest.raises(AuthorError):
            source.read_series(SERIES_FILE)
        return
    left_out = source.read_series(SERIES_FILE)
    if default != "none":
        text = "" if default == "empty" else default.strip("`")
        holder[name] = text if table("series.toml")[key]["kind"] == "text" else json.loads(text)
        assert source.read_series(SERIES_FILE) == left_out


# Posters


@pytest.mark.parametrize(
    ("title", "record", "elsewhere"),
    [
        ("Poster formats", formats.PosterFormat, {"name"}),  # the file's own name, and not written in it
        ("Field", formats.Field, set()),
        ("Print", formats.Print, set()),
        ("Box", formats.Box, set()),
        ("TextBox", formats.TextBox, {field.name for field in fields(formats.Box)}),
        ("CodeBox", formats.CodeBox, {field.name for field in fields(formats.Box)}),
    ],
)
def test_the_reference_has_each_field_of_a_poster_format_with_kind_and_default(
    title: str, record: type, elsewhere: set[str]
) -> None:
    kinds = {str: "text", float: "number", int: "whole number", bool: "true or false"}
    hints = get_type_hints(record)
    expected = {}
    for field in fields(record):
        if field.name not in elsewhere:
            kind = next(iter(get_args(hints[field.name])), hints[field.name])
            default = "required" if field.default is MISSING else str(field.default).lower()
            expected[field.name] = (kinds.get(kind, kind.__name__), default)
    assert {key: (row["kind"], row["default"].strip("`")) for key, row in table(title).items()} == expected


def test_the_reference_has_each_colour_of_the_palette() -> None:
    palette = tomllib.loads((REPOSITORY / "posters" / "palette.toml").read_text(encoding="utf-8"))
    assert all(set(table("palette.toml")) == set(colours) for colours in palette.values())


# What a build writes down


def test_the_reference_has_each_field_of_the_ledger() -> None:
    written = {kind: {"kind", *fields, "check"} for kind, fields in FIELDS.items()}
    assert {kind: set(names(row["fields"])) for kind, row in table("The ledger").items()} == written


def test_the_reference_has_each_figure_of_the_report() -> None:
    nodes = ast.walk(SOURCES[REPOSITORY / "pipeline" / "report" / "figures.py"])
    keys = [key for node in nodes if isinstance(node, ast.Dict) for key in node.keys]
    written = {key.value for key in keys if isinstance(key, ast.Constant)}
    documented = {step.removesuffix("[]") for key in table("The report") for step in key.split(".")}
    assert documented == written


# Error codes


def raised_codes() -> Iterator[tuple[str, str]]:
    """Yield each code that a problem is given, and the module; what a code is only compared with is none."""
    for file, tree in SOURCES.items():
        compared = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Compare) for part in ast.walk(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in compared and CODE.fullmatch(str(node.value)):
                yield str(node.value), file.relative_to(REPOSITORY).as_posix()


def test_each_code_of_the_program_is_explained_once_and_no_other() -> None:
    explained = Counter(re.findall(r"^### (.*)$", ERRORS, re.MULTILINE))
    assert explained == Counter({code for code, _ in raised_codes()})


def test_no_document_names_a_code_that_the_program_does_not_use() -> None:
    used = {code for code, _ in raised_codes()}
    for document in DOCUMENTS:
        assert set(CODE.findall(document.read_text(encoding="utf-8"))) <= used, document.name


def test_a_code_belongs_to_one_module() -> None:
    modules = Counter(code for code, _ in set(raised_codes()))
    assert [code for code, count in modules.items() if count > 1] == []


@pytest.mark.parametrize("code", sorted({code for code, _ in raised_codes()}))
def test_the_explanation_of_a_code_is_a_chinese_paragraph_that_says_what_to_do(code: str) -> None:
    explanation = part(ERRORS, code).strip()
    assert "\n\n" not in explanation
    assert len(re.findall(r"[\u4e00-\u9fff]", explanation)) >= 25
    assert "请" in explanation
    assert explanation.endswith("。")


# Links


def links(document: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`", "", FENCED.sub("", document.read_text(encoding="utf-8")))
    found = re.findall(r"\]\(<?([^)\s>]+)|^\[[^\]]+\]: +(\S+)|(?:src|href)=\"([^\"]+)\"", text, re.MULTILINE)
    return [link for each in found if not re.match(r"[a-z]+:", link := next(filter(None, each)))]


def anchors(document: Path) -> set[str]:
    """Return what a heading is called in an address. Source: GitHub's rule, letters of all scripts kept, spaces to hyphens."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), f"{document.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{document.name}: {link}"


def test_every_document_that_a_message_sends_people_to_exists() -> None:
    texts = (node.value for tree in SOURCES.values() for node in ast.walk(tree) if isinstance(node, ast.Constant))
    named = {path for text in texts if isinstance(text, str) for path in re.findall(r"docs/[\w.\-]+\.md", text)}
    assert named
    assert [path for path in named if not (REPOSITORY / path).is_file()] == []

"""Front matter: the YAML between two lines of ``---`` at the head of a script, every value with its line.

All scalars stay text here (no ``08`` that turns into something else, no ``12:30`` read in base 60); whoever wants a number
says so and can name the line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pipeline.errors import Problem
from pipeline.source.text import clean, clean_lines

# Canonical key → the Chinese names that staff may write instead.
KEYS = {
    "number": ("期数", "期号"),
    "title": ("标题",),
    "subtitle": ("副标题",),
    "aspect": ("方面",),
    "stop": ("站点", "地点"),
    "summary": ("简介", "摘要"),
    "publish_at": ("发布时间", "发布日期"),
    "host": ("主播", "主持", "主持人"),
    "people": ("嘉宾", "人物"),
    "links": ("链接",),
    "spoken_languages": ("语言",),
    "synthetic_voice": ("合成语音",),
    "recording": ("录音",),
    "photo": ("照片",),
    "photo_credit": ("照片来源", "摄影"),
    "photo_focus": ("照片重点",),
    "soundbite": ("精彩片段",),
    "season": ("季",),
    "explicit": ("不宜内容",),
    "denoise": ("降噪",),
    "leveler": ("音量均衡",),
    "highpass_hz": ("低切",),
    "bitrate_kbps": ("码率",),
    "bed": ("垫乐",),
    "also": ("另存",),
}
_CANONICAL = {name: key for key, names in KEYS.items() for name in (key, *names)}
_FENCE = re.compile(r"---\s*")
_NO_SPACE = re.compile(r"(\s*[\w\-]+):(?=[^\s/])")
_CUT_OFF = re.compile(r"\s*[\w\-]+:\s+[^\s\"'#].*\s#")
_MAX_BRACKETS = 40  # nobody nests so deep, and reading it takes minutes
_YES = frozenset({"true", "yes", "on", "是", "对", "有", "开"})
_NO = frozenset({"false", "no", "off", "否", "不是", "没有", "无", "关"})
_NONE = frozenset({"none", "无", "没有"})
_MAX_NUMBER = 99_999
# To YAML these end a line; they come along with words pasted from web pages.
_LINE_SEPARATOR = re.compile("[\u2028\u2029]")
_FULL_WIDTH_COLON = re.compile(r"(\s*[\w\-]+)\s*：")


@dataclass(frozen=True, kw_only=True)
class Value:
    """What stands behind a key: a text, a list of texts or texts by name; ``line`` is 1-based."""

    line: int
    content: str | tuple[str, ...] | dict[str, str]


@dataclass(frozen=True, kw_only=True)
class FrontMatter:
    """The values by canonical key, where the body starts, and the body."""

    values: dict[str, Value]
    body: str
    body_line: int


def read_front_matter(file: Path, text: str) -> tuple[FrontMatter, tuple[Problem, ...]]:
    """Return a script's front matter and body, and everything that is wrong with its form."""
    lines = text.split("\n")
    start = next((index for index, line in enumerate(lines) if line.strip()), 0)
    end = next((index for index in range(start + 1, len(lines)) if _FENCE.fullmatch(lines[index])), None)
    if not _FENCE.fullmatch(lines[start]) or end is None:
        cause = "开头没有用两行 --- 括起来的稿件信息（期数、标题、方面……）"
        fix = "照样例在文件最前面写一行 ---，逐行写信息，再写一行 ---，下面才是正文"
        problem = Problem(place=file, line=start + 1, cause=cause, fix=fix, code="JX-A10")
        return FrontMatter(values={}, body="", body_line=1), (problem,)
    written, problems = _mend_typing(file, lines[start + 1 : end], start + 2)
    values, more = _read_yaml(file, written, start + 2)
    body = "\n".join(lines[end + 1 :])
    return FrontMatter(values=values, body=body, body_line=end + 2), (*problems, *more)


def _mend_typing(file: Path, lines: Sequence[str], first_line: int) -> tuple[list[str], tuple[Problem, ...]]:
    """Return the lines as they were meant, so that what is wrong behind a slip is found in the same run, and the slips."""
    meant, problems = [], []
    for line, text in enumerate(lines, start=first_line):
        mended = _LINE_SEPARATOR.sub(" ", clean_lines(text))
        colon = _FULL_WIDTH_COLON.match(mended)
        if colon and colon[1].strip() in _CANONICAL:
            mended = f"{colon[1]}: {mended[colon.end() :]}"
            cause = f"“{colon[1].strip()}”后面是全角冒号（：）"
            fix = f"换成半角冒号加一个空格：{mended.strip()}"
            problems.append(Problem(place=file, line=line, cause=cause, fix=fix, code="JX-A11"))
        tight = _NO_SPACE.match(mended)
        if tight and tight[1].strip() in _CANONICAL:
            mended = f"{tight[1]}: {mended[tight.end() :]}"
            cause, fix = f"“{tight[1].strip()}:”后面少一个空格", f"写成 {mended.strip()}"
            problems.append(Problem(place=file, line=line, cause=cause, fix=fix, code="JX-A18"))
        if _CUT_OFF.match(mended):
            cause = "# 和它后面的字会被当作批注丢掉"
            fix = "要留下就把整个内容用英文双引号括起来，不要就把它们删掉"
            problems.append(Problem(place=file, line=line, cause=cause, fix=fix, code="JX-A19"))
        if "\t" in mended[: len(mended) - len(mended.lstrip())] or re.match(r"\s*[\w\-]+:\t", mended):
            mended = mended.replace("\t", "  ")
            if mended.split(":")[0].strip() in _CANONICAL:
                mended = mended.lstrip()
            cause = "这一行里有制表符（Tab 键）"
            problems.append(Problem(place=file, line=line, cause=cause, fix="换成空格", code="JX-A12"))
        meant.append(mended)
    return meant, tuple(problems)


def _read_yaml(file: Path, lines: Sequence[str], first_line: int) -> tuple[dict[str, Value], tuple[Problem, ...]]:
    node, problem = _compose(file, "\n".join(lines), first_line)
    if problem:
        return {}, (problem,)
    values: dict[str, Value] = {}
    problems: list[Problem] = []
    for key_node, value_node in node.value if node else ():
        line = first_line + key_node.start_mark.line
        name = clean(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
        key = _CANONICAL.get(name)
        content = _content(value_node)
        if key is None:
            near = difflib.get_close_matches(name, _CANONICAL, n=1, cutoff=0.6)
            fix = f"是不是想写“{near[0]}”" if near else f"可以写的有：{'、'.join(names[0] for names in KEYS.values())}"
            problems.append(Problem(place=file, line=line, cause=f"不认识“{name}”这一项", fix=fix, code="JX-A15"))
        elif key in values:
            cause = f"“{name}”写了两次，第一次在第 {values[key].line} 行"
            problems.append(Problem(place=file, line=line, cause=cause, fix="删掉一处", code="JX-A16"))
        elif content is None:
            cause, fix = f"“{name}”的内容套得太深", "写成一行字，或一行一个的清单"
            problems.append(Problem(place=file, line=line, cause=cause, fix=fix, code="JX-A17"))
        else:
            values[key] = Value(line=line, content=content)
    return values, tuple(problems)


def _compose(file: Path, text: str, first_line: int) -> tuple[yaml.MappingNode | None, Problem | None]:
    """Return the YAML mapping (None if there is nothing), or why it cannot be read."""
    line, cause = first_line, "看不懂这一行的写法"
    fix = "写成“名字: 内容”，冒号后空一格；内容里有冒号、#、& 或引号时，整个内容用英文双引号括起来"
    try:
        if len(re.findall(r"[\[{]", text)) > _MAX_BRACKETS:
            return None, Problem(place=file, line=line, cause="稿件信息里的括号太多", fix=fix, code="JX-A14")
        node = yaml.compose(text, Loader=_Loader)
        if node is None or isinstance(node, yaml.MappingNode):
            return node, None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line += mark.line if mark else 0
    except yaml.reader.ReaderError as error:
        line += text[: error.position].count("\n")
    except (RecursionError, OverflowError, ValueError):
        cause = "内容套得太深，或有不存在的字符"
    return None, Problem(place=file, line=line, cause=cause, fix=fix, code="JX-A14")


class _Loader(yaml.BaseLoader):
    """Refuses anchors and aliases: nobody means them, and a few nested ones fill the memory."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(None, None, "an anchor or an alias", event.start_mark)
        return super().compose_node(parent, index)


def _content(node: yaml.Node) -> str | tuple[str, ...] | dict[str, str] | None:
    if isinstance(node, yaml.ScalarNode):
        return clean(node.value)
    if isinstance(node, yaml.SequenceNode) and all(isinstance(each, yaml.ScalarNode) for each in node.value):
        return tuple(clean(each.value) for each in node.value)
    if isinstance(node, yaml.MappingNode):
        pairs = node.value
        if all(isinstance(name, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode) for name, value in pairs):
            return {clean(name.value): clean(value.value) for name, value in pairs}
    return None


@dataclass
class Fields:
    """One pass over a front matter: hands out checked values and gathers what is wrong, each with its line."""

    file: Path
    front: FrontMatter
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, key: str, cause: str, fix: str, code: str) -> None:
        """Remember what is wrong with a key; one that is not there counts as standing in the first line."""
        line = self.front.values[key].line if key in self.front.values else 1
        self.problems.append(Problem(place=self.file, line=line, cause=cause, fix=fix, code=code))

    def text(self, key: str, label: str, *, required: bool = False, longest: int | None = None) -> str:
        """Return a line of text; empty where there is none, or something is wrong with it."""
        value = self.front.values.get(key)
        content = value.content if value else ""
        if not isinstance(content, str):
            self.wrong(key, f"{label}（{key}）应当是一行字", "写在同一行，不要换行加短横", "JX-A24")
            return ""
        if required and not content and self.front.values:
            cause = f"{label}（{key}）是空的" if value else f"没有写{label}（{key}）"
            self.wrong(key, cause, f"加一行 {key}: 内容", "JX-A21")
        if longest is not None and len(content) > longest:
            self.wrong(key, f"{label}有 {len(content)} 个字，海报上最多放 {longest} 个", f"缩短到 {longest} 个字以内", "JX-A22")
        return content

    def texts(self, key: str, label: str) -> tuple[str, ...]:
        """Return texts that were written on one line or as a list."""
        value = self.front.values.get(key)
        if value is None or value.content == "":
            return ()
        if isinstance(value.content, str):
            return tuple(part.strip() for part in re.split(r"[、,，;；]", value.content) if part.strip())
        if isinstance(value.content, tuple):
            return value.content
        self.wrong(key, f"{label}（{key}）应当是一个清单", "写在一行里，用顿号隔开", "JX-A24")
        return ()

    def texts_by_name(self, key: str, label: str) -> dict[str, str]:
        """Return texts by the names they were given, one a line."""
        value = self.front.values.get(key)
        if value is None or not value.content:
            return {}
        if isinstance(value.content, dict):
            return value.content
        self.wrong(key, f"{label}（{key}）应当一行一个：名字: 网址", f"{key}: 下面每行缩进两格，写 名字: https://…", "JX-A24")
        return {}

    def flag(self, key: str, label: str, *, default: bool = False) -> bool:
        """Return a yes or a no, ``default`` where nothing is written."""
        content = self.text(key, label).lower()
        if not content:
            return default
        if content not in _YES | _NO:
            self.wrong(key, f"{label}（{key}）写的是“{content}”", "写 true（是）或 false（否）", "JX-A25")
        return content in _YES

    def choice(self, key: str, label: str, meanings: Mapping[str, str], *, default: str) -> str:
        """Return what a word means, ``default`` where nothing is written."""
        content = self.text(key, label)
        if content and content.lower() not in meanings:
            self.wrong(key, f"{label}（{key}）写的是“{content}”", f"写成 {'、'.join(meanings)} 之一", "JX-A26")
        return meanings.get(content.lower(), default)

    def choices(self, key: str, label: str, allowed: Collection[str], *, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return ``allowed`` words, each once; none where that is written, ``default`` where nothing is."""
        words = tuple(dict.fromkeys(word.lower() for word in self.texts(key, label)))
        if len(words) == 1 and words[0] in _NONE:
            return ()
        if any(word not in allowed for word in words):
            self.wrong(
                key, f"{label}（{key}）写的是“{'、'.join(words)}”", f"写成 {'、'.join(allowed)}；这一期不要就写 无", "JX-A26"
            )
            return default
        return words or default

    def whole(self, key: str, label: str, allowed: Collection[int], words: str, *, default: int) -> int:
        """Return one of the ``allowed`` whole numbers, which ``words`` tells; ``default`` where nothing is written."""
        content = self.text(key, label)
        if not content:
            return default
        if re.fullmatch(r"[0-9]{1,5}", content) and int(content) in allowed:
            return int(content)
        self.wrong(key, f"{label}（{key}）写的是“{content}”", f"写成 {words}，只写数字", "JX-A26")
        return default

    def count(self, key: str, label: str) -> int | None:
        """Return a whole number above 0, None where there is none or something is wrong with it."""
        content = self.text(key, label)
        if not content:
            return None
        if not re.fullmatch(r"0*[0-9]{1,5}", content) or not 0 < int(content[-5:]) <= _MAX_NUMBER:
            self.wrong(
                key, f"{label}（{key}）写的是“{content}”，应当是 1 到 {_MAX_NUMBER} 的整数", f"写成 {key}: 7 这样", "JX-A30"
            )
            return None
        return int(content[-5:])

"""Markdown, in one place: the script's chapters and paragraphs, plain words, and HTML that can do no harm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

from pipeline.model import Paragraph, Script, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

# No raw HTML. Authors type into Word and Notepad: an indented line is no program, a dashed line under a sentence makes it no
# heading, and a definition such as "[1]: https://…" would vanish without a word.
_FOREIGN_RULES = ["code", "fence", "lheading", "reference"]
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(_FOREIGN_RULES)
# Finds paragraphs and headings; what stands in them is parsed where it is wanted.
_BLOCKS = MarkdownIt("commonmark", {"html": False}).disable([*_FOREIGN_RULES, "inline", "text_join"])


def _every_link_is_a_link(url: str) -> bool:
    return bool(url)


# So that a foreign scheme can be dropped and its words kept. (Left alone, markdown-it would print "[words](javascript:…)".)
_MARKDOWN.validateLink = _every_link_is_a_link  # type: ignore[method-assign]  # this is how markdown-it is told

# Words up to what ends their sentence, with the quotes and brackets that close there.
_SENTENCE = re.compile(
    r"[^。！？!?….]*(?:\.(?!\s|$)[^。！？!?….]*)*(?P<end>(?:[。！？!?…]+|\.(?=\s|$))[”’」』）》】〉)\"']*\s*)?"
)
_CLOSERS = "”’」』）》】〉)"
# What CommonMark may take for markup inside a paragraph; a line break is joined.
_MARKUP = re.compile(r"[\\`*_\[\]<&\n]")
_SEPARATOR = "\x1e"

_WEB_ADDRESS = re.compile(r"https?://[^/\s]", re.IGNORECASE)

# "##标题" and "＃＃ 标题" are headings to the people who type them; "#话题" stays a word.
_LOOSE_HEADING = re.compile(r"^( {0,3})(#{2,6}(?=[^#\s])|[#＃]*＃[#＃]*)[ \t\u3000]*", re.MULTILINE)

# CommonMark takes no emphasis between a Chinese word and Chinese punctuation (是**“吉祥”**的). A zero-width space on the inner
# side makes the stars open and close; _sane drops it again.
_OPENING_STARS = re.compile(r"(?<=\w)(\*{1,2})(?=[“‘《「『（【])")
_CLOSING_STARS = re.compile(r"(?<=[”’》」』）】。，、！？；：…])(\*{1,2})(?=\w)")

# Letters, digits and the dot inside names such as 阿依古丽·买买提; a name starts with a letter, so 12:30 is none.
_NAME = r"[^\W\d_](?:[\w·]{0,11})"
_SPEAKER = re.compile(rf"\s*(?:\*\*({_NAME})\*\*[：:]|\*\*({_NAME})[：:]\*\*|({_NAME})[：:])(?!//)[ \t\u3000]*")
_RATIO_OR_TIME = re.compile(r"\d[：:]\d")
# Words before a colon that name no person: a verb of saying ("他说："), or the label of a fact ("地址：").
_NO_NAME = re.compile(
    r".*(?:说|说道|讲|喊|写着|写道|念道|想|是|有|如|如下|包括|以下|一句话|注意|提醒|提示)"
    r"|.*(?:地址|地点|时间|日期|电话|热线|网址|链接|邮箱|微信|公众号|票价|价格|路线|交通|主题|题目|标题|来源|出处|备注|注|附|小贴士)",
)

_INVISIBLE = re.compile(
    r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff]"
)
# Scripts without spaces between words, and their punctuation: a line break there is no space.
_NO_SPACE = re.compile(r"[\u2014-\u2026\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff65\U00020000-\U0003ffff]")


def parse_script(text: str, first_line: int) -> Script:
    """Return the chapters and paragraphs of a script's Markdown body, in reading order.

    ``first_line`` is the 1-based line of script.md that ``text`` begins with. Every heading starts a chapter; every paragraph,
    list item or turn of a speaker is a ``Paragraph``. A speaker is at most 12 letters before a colon at the start of a line.
    """
    sections: list[tuple[str, list[Paragraph]]] = [("", [])]
    tokens = _BLOCKS.parse(_LOOSE_HEADING.sub(_as_heading, text))
    speaker = ""
    for before, token in pairwise(tokens):
        if token.type != "inline" or token.map is None:
            continue
        if before.type == "heading_open":
            heading = plain_text(token.content)
            if heading:
                sections.append((heading, []))
            continue
        for turn in _turns(token.content, first_line + token.map[0]):
            # A name alone on its line speaks what follows.
            spoken = Paragraph(markdown=turn.markdown, speaker=turn.speaker or speaker, line=turn.line)
            speaker = "" if spoken.markdown else spoken.speaker
            if spoken.markdown:
                sections[-1][1].append(spoken)
    kept = sections if sections[0][1] else sections[1:]
    return Script(sections=tuple(Section(heading=heading, paragraphs=tuple(paragraphs)) for heading, paragraphs in kept))


def plain_text(markdown: str) -> str:
    """Return the words of a stretch of inline Markdown on one line, without markup, invisible characters or doubled spaces."""
    return " ".join("".join(piece.words for piece in _inline_pieces(markdown)).split())


class _Piece(NamedTuple):
    """Words, or markup: then ``tag`` is its HTML, and ``nesting`` 1 where it opens and -1 where it closes."""

    words: str = ""
    tag: str = ""
    nesting: int = 0
    ends_sentence: bool = False


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence of a paragraph: its ``words`` without markup, and the same as safe HTML."""

    words: str
    html: str


def sentences(markdown: str) -> tuple[Sentence, ...]:
    """Return a stretch of inline Markdown sentence by sentence; together they hold all its words.

    Each is whole HTML that is safe to place in a page: markup that spans two sentences is closed and opened again. Only em,
    strong, code, br and links to http and https come through; of anything else the words stay.
    """
    cut = _cut_at_sentences(_inline_pieces(markdown))
    # Cleaned in one go, which takes a tenth of the time; words hold no such separator.
    html = _safe(_SEPARATOR.join(_html(pieces) for pieces in cut)).split(_SEPARATOR)
    words = ["".join(piece.words for piece in pieces) for pieces in cut]
    return tuple(Sentence(words=each, html=safe) for each, safe in zip(words, html, strict=True) if each.strip())


def web_address(url: str) -> str:
    """Return ``url`` if it leads to the web over http or https, else nothing: no other scheme gets into a page."""
    return url.strip() if _WEB_ADDRESS.match(url.strip()) else ""


def _html(pieces: list[_Piece]) -> str:
    return "".join(piece.tag or escapeHtml(piece.words) for piece in pieces)


def _safe(html: str) -> str:
    return nh3.clean(
        html,
        tags={"em", "strong", "code", "br", "a"},
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        link_rel="noopener nofollow",
    )


def _cut_at_sentences(pieces: list[_Piece]) -> list[list[_Piece]]:
    """Return the pieces sentence by sentence, with what is open at a cut closed before it and opened again behind it."""
    cut: list[list[_Piece]] = [[]]
    opened: list[_Piece] = []
    ended = False  # what comes next begins a sentence
    for piece in _parted(pieces):
        if piece.nesting == 1:
            opened.append(piece)
        elif piece.nesting == -1:
            opened.pop()
        # A mark that closes behind a piece of markup is the old sentence's: **走吧！**”
        begins = piece.nesting == 1 or (not piece.tag and bool(piece.words.strip(_CLOSERS)))
        if ended and begins:
            still_open = opened[:-1] if piece.nesting == 1 else opened
            cut[-1] += [_closing(each) for each in reversed(still_open)]
            cut.append([*still_open])
            ended = False
        cut[-1].append(piece)
        ended = ended or piece.ends_sentence
    return cut


def _parted(pieces: list[_Piece]) -> Iterator[_Piece]:
    """Yield the pieces, each text in parts that end where a sentence does, and what closes at its start by itself."""
    for piece in pieces:
        if piece.tag:
            yield piece
            continue
        words = piece.words.lstrip(_CLOSERS)
        if words != piece.words:
            yield _Piece(piece.words.removesuffix(words))
        for match in _SENTENCE.finditer(words):
            if match[0]:
                yield _Piece(match[0], ends_sentence=bool(match["end"]))


def _closing(opening: _Piece) -> _Piece:
    name = opening.tag[1:-1].split(maxsplit=1)[0]
    return _Piece(tag=f"</{name}>", nesting=-1)


def _as_heading(match: re.Match[str]) -> str:
    return f"{match[1]}{'#' * min(len(match[2]), 6)} "


def _turns(content: str, first_line: int) -> Iterator[Paragraph]:
    """Yield a paragraph for each turn: one turn ends where a line names the next speaker."""
    lines: list[str] = []
    speaker, line = "", first_line
    for number, written in enumerate(content.split("\n"), start=first_line):
        name, words = _split_speaker(written)
        if name:
            if lines:
                yield _turn(lines, speaker, line)
            lines, speaker, line = [], name, number
        lines.append(words)
    yield _turn(lines, speaker, line)


def _turn(lines: list[str], speaker: str, line: int) -> Paragraph:
    # A hard break at the very end would leave its backslash behind.
    return Paragraph(markdown="\n".join(lines).strip().removesuffix("\\"), speaker=speaker, line=line)


def _split_speaker(line: str) -> tuple[str, str]:
    """Return the speaker that a line names, or nothing, and the words that follow."""
    match = _SPEAKER.match(line)
    if match is None or _RATIO_OR_TIME.match(line, match.end() - 2):
        return "", line
    name = next(group for group in match.groups() if group)
    return ("", line) if _NO_NAME.fullmatch(name) else (name, line[match.end() :])


def _inline_pieces(markdown: str) -> list[_Piece]:
    """Return what a stretch of inline Markdown consists of: foreign links, pictures and soft line breaks turned into words."""
    if not _MARKUP.search(markdown):  # nothing to parse: most paragraphs, in a twentieth of the time
        return [_Piece(_sane(markdown))]
    source = _CLOSING_STARS.sub("\u200b\\1", _OPENING_STARS.sub("\\1\u200b", markdown))
    tokens = [child for token in _MARKDOWN.parseInline(source) for child in token.children or ()]
    pieces: list[_Piece] = []
    open_links: list[bool] = []
    for index, token in enumerate(tokens):
        if token.type == "link_open":
            open_links.append(bool(web_address(str(token.attrGet("href")))))
        if token.type in {"link_open", "link_close"} and not open_links[-1]:
            pass
        elif token.type == "softbreak":
            pieces.append(_Piece(_line_joint(tokens, index)))
        elif token.type in {"text", "image", "text_special"}:
            pieces.append(_Piece(_sane(token.content)))
        else:
            pieces.append(_tagged(token))
        if token.type == "link_close":
            open_links.pop()
    return pieces


def _tagged(token: Token) -> _Piece:
    token.content = _sane(token.content)
    words = " " if token.type == "hardbreak" else token.content
    return _Piece(words, tag=str(_MARKDOWN.renderer.render([token], _MARKDOWN.options, {})), nesting=token.nesting)


def _line_joint(children: list[Token], index: int) -> str:
    """Return what joins two lines: nothing beside a Chinese character, else a space."""
    before = next((token.content.rstrip()[-1] for token in reversed(children[:index]) if token.content.strip()), "")
    after = next((token.content.lstrip()[0] for token in children[index + 1 :] if token.content.strip()), "")
    return "" if _NO_SPACE.match(before) or _NO_SPACE.match(after) else " "


def _sane(text: str) -> str:
    return _INVISIBLE.sub("", text)

"""Chinese text set into lines, paragraphs and columns for the posters.

Everything is laid out in em and scaled at the end, so one text has the same lines on every paper.
Sources: W3C Requirements for Chinese Text Layout (clreq), sections named in ``signs`` and ``lines``; GB/T 15834-2011.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path

from pipeline.errors import DesignError, Problem
from pipeline.poster.glyphs import Block, Box, Glyph, draw, load_font, missing_characters, name_characters
from pipeline.poster.lines import Line, break_paragraph, natural_length, share_out, unbreakable_parts
from pipeline.poster.placing import level, scaled, upright
from pipeline.poster.signs import clean, cut

__all__ = [
    "Block",
    "draw",
    "fit_column",
    "fit_paragraph",
    "fit_title_column",
    "fit_title_line",
    "load_font",
    "missing_characters",
    "name_characters",
    "set_column",
    "set_line",
    "set_paragraph",
]

SINGLE_COLUMN_SIGNS = 7
TWO_COLUMN_SIGNS = 18
TITLE_COLUMN_GAP_EM = 0.25
TITLE_LEADING = 1.25
SINGLE_LINE_SHARE = 0.75
SIZE_STEP_PX = 0.25
SCRIPT = Path("script.md")


def set_line(text: str, font: Path, size_px: float, tracking_em: float = 0.0) -> Block:
    """One horizontal line: 0.2 em between Han and Latin, marks squeezed, figures and addresses kerned as one word."""
    signs = cut(text, font, tracking_em=tracking_em)
    return scaled(font, size_px, *level([signs] if signs else [], font, leading=1.0))


def set_paragraph(
    text: str,
    font: Path,
    size_px: float,
    width_px: float,
    leading: float = 1.62,
    *,
    justify: bool = True,
    place: Path = SCRIPT,
) -> Block:
    """A paragraph ``width_px`` wide, full lines flush on both sides, the last one flush left and longer than one character.

    A line feed in the text starts a new line. ``leading`` is the distance of baselines in em.

    Raises:
        DesignError: a word or an address is longer than a line; it is never divided.
    """
    block = _paragraph(text, font, size_px, width_px, leading, justify=justify)
    if block is None:
        longest = max(unbreakable_parts(cut(text, font)), key=natural_length)
        words = "".join(sign.text for sign in longest)
        problem = Problem(
            place=place,
            cause=f"“{words}”不能拆成两行，要 {ceil(natural_length(longest) * size_px)} 像素宽，而一行只有 {int(width_px)} 像素",
            fix="换一个短些的写法，或者在版式文件里把文字框放宽",
            code="JX-D20",
        )
        raise DesignError([problem])
    return block


def fit_paragraph(
    text: str,
    font: Path,
    width_px: float,
    height_px: float,
    min_px: float,
    max_px: float,
    leading: float = 1.62,
    *,
    justify: bool = True,
    place: Path = SCRIPT,
    subject: str = "简介",
) -> Block:
    """The paragraph at the biggest size that fits the box, to a quarter of a pixel.

    Raises:
        DesignError: it does not fit at ``min_px``; the message says by how many characters.
    """

    def set_at(words: str, size_px: float) -> Block | None:
        block = _paragraph(words, font, size_px, width_px, leading, justify=justify)
        return block if block and block.height_px <= height_px and block.width_px <= width_px + 1 else None

    return _biggest(text, set_at, min_px, max_px, place=place, subject=subject, code="JX-D21")


def set_column(
    text: str,
    font: Path,
    size_px: float,
    height_px: float,
    column_gap_em: float = 0.6,
    tracking_em: float = 0.0,
    *,
    max_columns: int = 2,
    place: Path = SCRIPT,
    subject: str = "副标题",
) -> Block:
    """A vertical text in as few columns as its height asks for, read from right to left.

    Raises:
        DesignError: it needs more than ``max_columns``; the message says by how many characters.
    """

    def set_at(words: str, size_px: float) -> Block | None:
        return _columns(words, font, size_px, height_px, column_gap_em, tracking_em, max_columns)

    return _biggest(text, set_at, size_px, size_px, place=place, subject=subject, code="JX-D22")


def fit_column(
    text: str,
    font: Path,
    width_px: float,
    height_px: float,
    min_px: float,
    max_px: float,
    column_gap_em: float = 0.6,
    tracking_em: float = 0.0,
    *,
    max_columns: int = 2,
    place: Path = SCRIPT,
    subject: str = "副标题",
) -> Block:
    """The vertical text at the biggest size that fits the box, to a quarter of a pixel.

    Raises:
        DesignError: it does not fit at ``min_px``; the message says by how many characters.
    """

    def set_at(words: str, size_px: float) -> Block | None:
        block = _columns(words, font, size_px, height_px, column_gap_em, tracking_em, max_columns)
        return block if block and block.width_px <= width_px else None

    return _biggest(text, set_at, min_px, max_px, place=place, subject=subject, code="JX-D23")


def fit_title_column(
    text: str,
    font: Path,
    height_px: float,
    max_px: float,
    min_px: float,
    max_columns: int = 2,
    *,
    width_px: float | None = None,
    place: Path = SCRIPT,
) -> Block:
    """The vertical title: one column up to seven signs, else balanced columns from right to left.

    Columns break after a mark or a space where there is one. Several columns are never bigger than one of seven signs: a long
    title does not shout louder than a short one. Marks take half an em.

    Raises:
        DesignError: it would be smaller than ``min_px``; the message says by how many characters.
    """

    def set_at(words: str, size_px: float) -> Block | None:
        signs = cut(words, font, vertical=True, half_marks=True)
        lines = share_out(signs, _title_columns(natural_length(signs), max_columns))
        parts = upright(lines, font, TITLE_COLUMN_GAP_EM)
        box = parts[1]
        size = min(max_px, height_px / max(box.bottom - box.top, SINGLE_COLUMN_SIGNS if len(lines) > 1 else 0.1))
        if width_px is not None:
            size = min(size, width_px / max(box.right - box.left, 0.1))
        return scaled(font, size, *parts) if size >= size_px else None

    return _biggest(text, set_at, min_px, min_px, place=place, subject="标题", code="JX-D24")


def fit_title_line(
    text: str,
    font: Path,
    width_px: float,
    max_px: float,
    min_px: float,
    max_lines: int = 2,
    *,
    leading: float = TITLE_LEADING,
    height_px: float | None = None,
    place: Path = SCRIPT,
) -> Block:
    """The horizontal title: one line while it is at least three quarters of ``max_px``, else balanced lines.

    Raises:
        DesignError: it would be smaller than ``min_px``; the message says by how many characters.
    """

    def set_at(words: str, size_px: float) -> Block | None:
        signs = cut(words, font, half_marks=True)
        best: tuple[float, tuple[Sequence[Glyph], Box, int]] | None = None
        for count in range(1, max_lines + 1):
            parts = level(share_out(signs, count), font, leading=leading, optical=True)
            box = parts[1]
            size = min(max_px, width_px / max(box.right - box.left, 0.1))
            if height_px is not None:
                size = min(size, height_px / max(box.bottom - box.top, 0.1))
            if best is None or size > best[0]:
                best = size, parts
            if size >= SINGLE_LINE_SHARE * max_px:
                break
        return scaled(font, best[0], *best[1]) if best and best[0] >= size_px else None

    return _biggest(text, set_at, min_px, min_px, place=place, subject="标题", code="JX-D25")


def _title_columns(length_em: float, max_columns: int) -> int:
    if length_em <= SINGLE_COLUMN_SIGNS:
        return 1
    return min(max_columns, 2 if length_em <= TWO_COLUMN_SIGNS else ceil(length_em / (TWO_COLUMN_SIGNS / 2)))


def _paragraph(text: str, font: Path, size_px: float, width_px: float, leading: float, *, justify: bool) -> Block | None:
    length_em = width_px / size_px
    lines: list[Line] = []
    lengths: list[float] = []
    for part in clean(text).split("\n"):
        broken = break_paragraph(cut(part, font), length_em, shrink=justify)
        if broken is None:
            return None
        lines += broken
        # A last line is not drawn out, yet it may have been filled so far that its marks must give way.
        lengths += (length_em if justify and line is not broken[-1] else min(length_em, natural_length(line)) for line in broken)
    return scaled(font, size_px, *level(lines, font, leading=leading, lengths=lengths))


def _columns(
    text: str, font: Path, size_px: float, height_px: float, column_gap_em: float, tracking_em: float, max_columns: int
) -> Block | None:
    signs = cut(text, font, vertical=True, tracking_em=tracking_em)
    for count in range(1, max_columns + 1):
        block = scaled(font, size_px, *upright(share_out(signs, count), font, column_gap_em))
        if block.height_px <= height_px:
            return block
    return None


def _biggest(
    text: str,
    set_at: Callable[[str, float], Block | None],
    min_px: float,
    max_px: float,
    *,
    place: Path,
    subject: str,
    code: str,
) -> Block:
    """What ``set_at`` gives at the biggest size at which it gives anything."""
    best = set_at(text, min_px)
    if best is None:
        problem = _too_long(text, lambda words: set_at(words, min_px) is not None, place=place, subject=subject, code=code)
        raise DesignError([problem])
    if whole := set_at(text, max_px):
        return whole
    low, high = 0, ceil((max_px - min_px) / SIZE_STEP_PX)
    while high - low > 1:
        middle = (low + high) // 2
        if found := set_at(text, min_px + middle * SIZE_STEP_PX):
            low, best = middle, found
        else:
            high = middle
    return best


def _too_long(text: str, fits: Callable[[str], bool], *, place: Path, subject: str, code: str) -> Problem:
    words = clean(text)
    low, high = 0, len(words)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(words[:middle]) else (low, middle)
    enlarge = f"在版式文件里给{subject}更大的地方"
    return Problem(
        place=place,
        cause=f"{subject}有 {len(words)} 个字（连标点），用最小的字也只排得下 {low} 个，多出 {len(words) - low} 个",
        fix=f"把{subject}缩短到 {low} 个字以内，或者{enlarge}" if low else enlarge,
        code=code,
    )

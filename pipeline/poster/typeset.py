"""Chinese text set into lines, paragraphs and columns for the posters.

Everything is laid out in em and scaled at the end, so one text has the same lines on every paper. What does not fit its place
even at the smallest size is None: whoever asked knows what the text is and whom to tell.
Sources: W3C Requirements for Chinese Text Layout (clreq), sections named in ``signs`` and ``lines``; GB/T 15834-2011.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from pipeline.poster.glyphs import Block, Typeface
from pipeline.poster.lines import Line, break_paragraph, natural_length, share_out, unbreakable_parts
from pipeline.poster.placing import level, scaled, upright
from pipeline.poster.signs import Sign, clean, cut

SINGLE_COLUMN_SIGNS = 7
COLUMN_GAP_EM = 0.6
TITLE_COLUMN_GAP_EM = 0.25
SHORT_TITLE_SIGNS = 4
SHORT_TITLE_GAP_EM = 0.25  # for each sign that a title has fewer
SIZE_STEP_PX = 0.25


def set_line(text: str, face: Typeface, size_px: float) -> Block:
    """One horizontal line: 0.2 em between Han and Latin, marks squeezed, figures and addresses as one word."""
    signs = cut(text, face)
    return scaled(size_px, *level([signs] if signs else [], leading=1.0))


def fit_line(text: str, face: Typeface, width_px: float, min_px: float, max_px: float) -> Block | None:
    """One horizontal line at the biggest size that fits the width; marks take half an em."""
    signs = cut(text, face, half_marks=True)
    parts = level([signs] if signs else [], leading=1.0, optical=True)
    size_px = min(max_px, width_px / max(parts[1].right - parts[1].left, 0.1))
    return scaled(size_px, *parts) if size_px >= min_px else None


def fit_paragraph(
    text: str, face: Typeface, width_px: float, height_px: float, min_px: float, max_px: float, leading: float
) -> Block | None:
    """The paragraph at the biggest size that fits the box, to a quarter of a pixel; ``leading`` is in em, between baselines.

    Full lines are flush on both sides, the last one is flush left and longer than one character. A line feed starts a new line.
    """

    def set_at(size_px: float) -> Block | None:
        block = _paragraph(text, face, size_px, width_px, leading)
        return block if block and block.height_px <= height_px and block.width_px <= width_px + 1 else None

    return _biggest(set_at, min_px, max_px)


def fit_column(
    text: str,
    face: Typeface,
    width_px: float,
    height_px: float,
    min_px: float,
    max_px: float,
    *,
    max_columns: int,
    tracking_em: float = 0.0,
) -> Block | None:
    """A vertical text at the biggest size that fits the box, to a quarter of a pixel; as few columns as its height asks for."""
    signs = cut(text, face, vertical=True, tracking_em=tracking_em)
    settings = [upright(share_out(signs, count), COLUMN_GAP_EM) for count in range(1, max_columns + 1)]

    def set_at(size_px: float) -> Block | None:
        blocks = (scaled(size_px, *parts) for parts in settings)
        block = next((block for block in blocks if block.height_px <= height_px), None)
        return block if block and block.width_px <= width_px else None

    return _biggest(set_at, min_px, max_px)


def fit_title_column(
    text: str, face: Typeface, height_px: float, min_px: float, max_px: float, *, max_columns: int = 2
) -> Block | None:
    """The vertical title: one column up to seven signs, else balanced columns from right to left.

    Columns break after a mark or a space where there is one. Several columns are never bigger than one of seven signs: a long
    title does not shout louder than a short one. Marks take half an em. Two and three characters stand apart, so that they
    hold the column.
    """
    signs = cut(text, face, vertical=True, half_marks=True)
    signs = cut(text, face, vertical=True, half_marks=True, tracking_em=_short_title_gap(signs))
    columns = 1 if natural_length(signs) <= SINGLE_COLUMN_SIGNS else max_columns
    lines = share_out(signs, columns, longest_em=height_px / min_px)
    parts = upright(lines, TITLE_COLUMN_GAP_EM)
    longest_em = max(parts[1].bottom - parts[1].top, SINGLE_COLUMN_SIGNS if len(lines) > 1 else 0.1)
    size_px = min(max_px, height_px / longest_em)
    return scaled(size_px, *parts) if size_px >= min_px else None


def _short_title_gap(signs: Sequence[Sign]) -> float:
    """The blank between two (half an em) or three (a quarter) Han characters; none beside marks and lying words."""
    if not all(sign.letters and sign.length_em == 1 for sign in signs):
        return 0.0
    return max(0, SHORT_TITLE_SIGNS - len(signs)) * SHORT_TITLE_GAP_EM


def count_fitting(text: str, fits: Callable[[str], bool]) -> int:
    """How many characters from the start of ``text`` fit, when the whole does not."""
    words = clean(text)
    low, high = 0, len(words)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(words[:middle]) else (low, middle)
    return low


def too_wide_word(text: str, face: Typeface, size_px: float, width_px: float) -> str:
    """The longest word or address that is wider than a line and may not be divided; empty where there is none."""
    parts = [part for line in clean(text).split("\n") for part in unbreakable_parts(cut(line, face))]
    longest = max(parts, key=natural_length, default=())
    return "".join(sign.text for sign in longest) if natural_length(longest) * size_px > width_px else ""


def _paragraph(text: str, face: Typeface, size_px: float, width_px: float, leading: float) -> Block | None:
    """The paragraph at that size; None where a word is wider than a line: it is never divided."""
    length_em = width_px / size_px
    lines: list[Line] = []
    lengths: list[float] = []
    for part in clean(text).split("\n"):
        broken = break_paragraph(cut(part, face), length_em)
        if broken is None:
            return None
        lines += broken
        # A last line is not drawn out, yet it may have been filled so far that its marks must give way.
        lengths += (min(length_em, natural_length(line)) if line is broken[-1] else length_em for line in broken)
    return scaled(size_px, *level(lines, leading=leading, lengths=lengths))


def _biggest(set_at: Callable[[float], Block | None], min_px: float, max_px: float) -> Block | None:
    """What ``set_at`` gives at the biggest size at which it gives anything."""
    best = set_at(min_px)
    if best is None:
        return None
    if whole := set_at(max_px):
        return whole
    low, high = 0, ceil((max_px - min_px) / SIZE_STEP_PX)
    while high - low > 1:
        middle = (low + high) // 2
        if found := set_at(min_px + middle * SIZE_STEP_PX):
            low, best = middle, found
        else:
            high = middle
    return best

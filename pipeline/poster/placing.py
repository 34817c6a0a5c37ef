"""Signs placed on lines and in columns, and scaled to pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.poster.glyphs import ASCENT_EM, DESCENT_EM, Block, Box, Glyph, ink_of
from pipeline.poster.lines import Line, natural_length, stretch_of

OPTICAL_MARGIN_EM = 0.08  # how far Han ink stays inside its cell: the ICF box of the BASE tables is 0.03 to 0.05 inside


def level(
    lines: Sequence[Line],
    *,
    leading: float,
    lengths: Iterable[float] | None = None,
    optical: bool = False,
) -> tuple[Sequence[Glyph], Box, int]:
    """Horizontal lines in em: their glyphs, the box and their number."""
    glyphs: list[Glyph] = []
    longest = 0.0
    for number, (line, length) in enumerate(zip(lines, lengths or map(natural_length, lines), strict=True)):
        top = number * leading
        starts = _starts(line, length)
        longest = max(longest, starts[-1] + line[-1].length_em - line[-1].tail_em)
        for sign, start in zip(line, starts, strict=True):
            glyphs += (replace(glyph, x=start + glyph.x, y=top + ASCENT_EM + glyph.y) for glyph in sign.glyphs)
    cells = Box(left=0, top=0, right=longest, bottom=(len(lines) - 1) * leading + 1 if lines else 0.0)
    return glyphs, _optical(cells, glyphs, OPTICAL_MARGIN_EM if optical else 0.0), len(lines)


def upright(lines: Sequence[Line], gap_em: float) -> tuple[Sequence[Glyph], Box, int]:
    """Columns from right to left in em: their glyphs, the box and their number."""
    glyphs: list[Glyph] = []
    longest = 0.0
    for number, line in enumerate(lines):
        left = (len(lines) - 1 - number) * (1 + gap_em)
        starts = _starts(line, natural_length(line))
        longest = max(longest, starts[-1] + line[-1].length_em - line[-1].tail_em)
        for sign, start in zip(line, starts, strict=True):
            glyphs += (_in_column(glyph, left, start) for glyph in sign.glyphs)
    cells = Box(left=0, top=0, right=len(lines) + max(0, len(lines) - 1) * gap_em, bottom=longest)
    return glyphs, _optical(cells, glyphs, OPTICAL_MARGIN_EM), len(lines)


def _in_column(glyph: Glyph, left: float, top: float) -> Glyph:
    """A sign's glyph, placed along and across its line, in a column."""
    if glyph.rotated:
        return replace(glyph, x=left + DESCENT_EM - glyph.y, y=top + glyph.x)
    return replace(glyph, x=left + glyph.y, y=top + glyph.x + ASCENT_EM)


def _starts(line: Line, length_em: float) -> list[float]:
    """Where each sign of a line starts, the line brought to ``length_em``."""
    added, shrunk = stretch_of(line, length_em)
    starts, pen = [], -line[0].lead_em
    for number, sign in enumerate(line):
        if number:
            pen += sign.before_em + (added if sign.breakable else 0.0) - shrunk * sign.shrink_em
        starts.append(pen)
        pen += sign.length_em
    return starts


def _optical(cells: Box, glyphs: Sequence[Glyph], margin_em: float) -> Box:
    """The cells' box, widened to all ink, and drawn in to it by at most ``margin_em``.

    So big and small text beside each other align by what is seen, and a first sign 一 does not rise.
    """
    inks = [ink_of(glyph) for glyph in glyphs]
    if not inks:
        return cells
    return Box(
        left=min(cells.left + margin_em, *(ink.left for ink in inks)),
        top=min(cells.top + margin_em, *(ink.top for ink in inks)),
        right=max(cells.right - margin_em, *(ink.right for ink in inks)),
        bottom=max(cells.bottom - margin_em, *(ink.bottom for ink in inks)),
    )


def scaled(size_px: float, glyphs: Sequence[Glyph], box: Box, lines: int) -> Block:
    """Glyphs and box in em as a block in pixels."""
    placed = tuple(replace(glyph, x=(glyph.x - box.left) * size_px, y=(glyph.y - box.top) * size_px) for glyph in glyphs)
    return Block(
        size_px=size_px,
        width_px=(box.right - box.left) * size_px,
        height_px=(box.bottom - box.top) * size_px,
        baseline_px=(ASCENT_EM - box.top) * size_px,
        lines=lines,
        glyphs=placed,
    )

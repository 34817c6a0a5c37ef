"""Posters side by side: the picture that whoever signs an episode off looks at, and the file with the whole series in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pikepdf
import pypdfium2
from PIL import Image

from pipeline.designs import rgb
from pipeline.model import Poster
from pipeline.poster import glyphs, typeset
from pipeline.poster.design import Design

_WIDTH_PX, _MARGIN_PX, _GAP_PX = 2400, 72, 54
_ROW_PX, _LEAST_ROW_PX = 860, 560
_HEADING_PX, _LABEL_PX, _LABEL_GAP_PX, _LABEL_ROOM_PX = 46.0, 26.0, 14, 50
_GROUND, _INK = "#ECE7DC", "#2A2622"
_QUALITY = 86


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Several posters in one file."""

    file: Path


@dataclass(frozen=True, kw_only=True)
class _Framed:
    picture: Image.Image
    label: str

    @property
    def ratio(self) -> float:
        return self.picture.width / self.picture.height


def draw_sheet(heading: str, posters: Sequence[Poster], design: Design, to: Path) -> Collection:
    """Return all formats of one episode, each with its name, on one JPEG of 2400 px across, written to ``to``."""
    framed = [_Framed(picture=_thumbnail(each.file), label=each.label) for each in posters]
    rows = _rows(framed)
    heights = [_row_height_px(row) for row in rows]
    top = _MARGIN_PX + round(_HEADING_PX * 1.8)
    height_px = top + sum(heights) + len(rows) * (_LABEL_ROOM_PX + _GAP_PX) - _GAP_PX + _MARGIN_PX
    sheet = Image.new("RGB", (_WIDTH_PX, height_px), rgb(_GROUND))
    glyphs.draw(sheet, typeset.set_line(heading, design.serif_black, _HEADING_PX), (_MARGIN_PX, _MARGIN_PX), rgb(_INK))
    for row, height in zip(rows, heights, strict=True):
        left = _MARGIN_PX
        for each in row:
            width = round(each.ratio * height)
            sheet.paste(each.picture.resize((width, height), Image.Resampling.LANCZOS), (left, top))
            label = typeset.set_line(each.label, design.sans_medium, _LABEL_PX)
            glyphs.draw(sheet, label, (left, top + height + _LABEL_GAP_PX), rgb(_INK))
            left += width + _GAP_PX
        top += height + _LABEL_ROOM_PX + _GAP_PX
    sheet.save(to, "JPEG", quality=_QUALITY, optimize=True)
    return Collection(file=to)


def bind(sheets: Sequence[Path], to: Path) -> Collection:
    """Return printable sheets as one PDF, in this order, boxes and all, written to ``to``."""
    with pikepdf.new() as whole:
        for each in sheets:
            with pikepdf.open(each) as one:
                whole.pages.extend(one.pages)
        whole.save(to, deterministic_id=True)
    return Collection(file=to)


def _rows(framed: Sequence[_Framed]) -> list[list[_Framed]]:
    """Return pictures in rows, in their order, so that as little of the sheet as possible stays empty."""
    best: list[tuple[float, list[list[_Framed]]]] = [(0.0, [])]
    for end in range(1, len(framed) + 1):
        tries = ((best[start][0] + _emptiness(framed[start:end]), start) for start in range(end))
        cost, start = min(tries)
        best.append((cost, [*best[start][1], list(framed[start:end])]))
    return best[-1][1]


def _emptiness(row: Sequence[_Framed]) -> float:
    """Return what a row leaves empty, in square pixels; a row that is too low to look at counts as if it were all empty."""
    height = _row_height_px(row)
    if height < _LEAST_ROW_PX:
        return float(_WIDTH_PX * _ROW_PX)
    used_px = 2 * _MARGIN_PX + sum(each.ratio for each in row) * height + (len(row) - 1) * _GAP_PX
    return (_WIDTH_PX - used_px) * height


def _row_height_px(row: Sequence[_Framed]) -> int:
    room_px = _WIDTH_PX - 2 * _MARGIN_PX - (len(row) - 1) * _GAP_PX
    return min(_ROW_PX, int(room_px / sum(each.ratio for each in row)))


def _thumbnail(file: Path) -> Image.Image:
    """Return a finished poster small, RGB, as its viewer shows it."""
    if file.suffix == ".pdf":
        with pypdfium2.PdfDocument(file) as pdf:
            page = pdf[0]
            page.set_cropbox(*page.get_trimbox())
            drawn: Image.Image = page.render(scale=_ROW_PX * 1.5 / page.get_size()[1]).to_pil()
            return drawn.convert("RGB")
    with Image.open(file) as opened:
        opened.draft("RGB", (_ROW_PX, _ROW_PX))  # a JPEG is decoded at a fraction of its size
        picture = opened.convert("RGB")
    picture.thumbnail((2 * _ROW_PX, 2 * _ROW_PX))
    return picture

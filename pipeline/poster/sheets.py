"""Posters side by side: the picture that whoever signs an episode off looks at, and the file with the whole series in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pikepdf
import pypdfium2
from PIL import Image

from pipeline.model import Poster
from pipeline.poster import glyphs, typeset
from pipeline.poster.design import Design, rgb

_WIDTH_PX, _MARGIN_PX, _GAP_PX = 2400, 72, 54
_ROW_PX, _LEAST_SHARE = 860, 0.8  # how high a row is, and to what share of that it may shrink for one more picture
_WIDE = 1.6  # wide pictures stand in rows of their own
_HEADING_PX, _LABEL_PX, _LABEL_GAP_PX, _LABEL_ROOM_PX = 46.0, 26.0, 14, 50
_GROUND, _INK = "#ECE7DC", "#2A2622"
_QUALITY = 86


@dataclass(frozen=True, kw_only=True)
class _Framed:
    picture: Image.Image
    label: str

    @property
    def ratio(self) -> float:
        return self.picture.width / self.picture.height


def draw_sheet(heading: str, posters: Sequence[Poster], design: Design, to: Path) -> Path:
    """Write all formats of one episode as one JPEG, 2400 px wide, each with its name; return ``to``."""
    framed = [_Framed(picture=_thumbnail(each.file), label=each.label) for each in posters]
    rows = [row for kind in (False, True) for row in _rows([each for each in framed if (each.ratio > _WIDE) is kind])]
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
    return to


def bind(posters: Sequence[Poster], to: Path) -> Path:
    """Write the pages of printable posters as one PDF, in this order, boxes and all; return ``to``."""
    with pikepdf.new() as whole:
        for each in posters:
            with pikepdf.open(each.file) as one:
                whole.pages.extend(one.pages)
        whole.save(to, deterministic_id=True)
    return to


def _rows(framed: Sequence[_Framed]) -> list[list[_Framed]]:
    """Return pictures in rows: as many in each as leave it high enough."""
    rows: list[list[_Framed]] = []
    for each in framed:
        if rows and _row_height_px([*rows[-1], each]) >= _LEAST_SHARE * _ROW_PX:
            rows[-1].append(each)
        else:
            rows.append([each])
    return rows


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

"""The list that goes along to the places: A4 pages for an office printer, each place with its code and room to sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pikepdf
from PIL import Image, ImageDraw

from pipeline import addresses, qr
from pipeline.designs import rgb
from pipeline.model import Placement
from pipeline.poster import glyphs, paint, typeset
from pipeline.poster.design import WHITE, Design
from pipeline.poster.glyphs import Typeface
from pipeline.poster.layout import CodePlace, Rectangle, Text
from pipeline.poster.lettering import readable_address
from pipeline.qr import QUIET_ZONE_MODULES, Matrix

ROWS = 12
DPI = 300
WIDTH_MM, HEIGHT_MM = 210, 297
_PX_PER_MM = DPI / 25.4
_PT_PER_MM = 72 / 25.4
_COLUMNS_MM = (12.0, 33.0, 122.0, 160.0, 198.0)  # where the columns begin, and where the last one ends
_COLUMN_NAMES = ("二维码", "点位", "张贴日期", "签名")
_TABLE_TOP_MM, _HEAD_MM, _ROW_MM = 34.0, 7.0, 20.0
_PADDING_MM = 2.0
_CODE_MM = 19.0
_LINE_MM = 0.25
_INK, _LINE = "#1A1A1A", "#9A9A9A"


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A drawn list of places."""

    file: Path


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page in px from its upper left corner; the code of each place keeps its quiet zone inside the card."""

    texts: tuple[Text, ...]
    codes: tuple[tuple[CodePlace, Matrix], ...]


def draw_overview(number: int, title: str, page_url: str, placements: Sequence[Placement], design: Design, to: Path) -> Overview:
    """Write the list of an episode's places as PDF, twelve of them a page, byte for byte repeatable."""
    with pikepdf.new() as pdf:
        for page in lay_out_overview(number, title, page_url, placements, design):
            _add(pdf, _paint(page))
        # No dates, and an ID made of the content.
        pdf.save(to, deterministic_id=True)
    return Overview(file=to)


def lay_out_overview(number: int, title: str, page_url: str, placements: Sequence[Placement], design: Design) -> tuple[Page, ...]:
    """Return the pages, at least one. Every line is as large as its place allows, and never larger."""
    shares = [placements[start : start + ROWS] for start in range(0, max(len(placements), 1), ROWS)]
    pages = []
    for order, share in enumerate(shares, start=1):
        texts = _heading(number, title, len(placements), f"第 {order} 页，共 {len(shares)} 页", design)
        codes = []
        for row, placement in enumerate(share):
            top_mm = _TABLE_TOP_MM + _HEAD_MM + row * _ROW_MM
            url = addresses.placement_url(page_url, placement.id)
            texts += _row(placement, url, top_mm, design)
            matrix = qr.encode(url)
            codes.append((_code(matrix, top_mm), matrix))
        pages.append(Page(texts=tuple(texts), codes=tuple(codes)))
    return tuple(pages)


def _heading(number: int, title: str, count: int, page: str, design: Design) -> list[Text]:
    left, right = _COLUMNS_MM[0], _COLUMNS_MM[-1]
    page_mm = 34.0
    said = f"共 {count} 处。每处的海报在以编号为名的文件夹里；贴好以后扫一扫海报上的码，再写日期、签名。"
    texts = [
        _line("标题", f"第 {number} 期《{title}》张贴点位", design.sans_bold, 6.5, left, 12.0, right - left - page_mm, 9.0),
        _line("页码", page, design.sans_regular, 4.0, right - page_mm + _PADDING_MM, 12.0, page_mm - _PADDING_MM, 9.0),
        _line("说明", said, design.sans_regular, 4.2, left, 23.0, right - left, 6.0),
    ]
    for name, start, end in zip(_COLUMN_NAMES, _COLUMNS_MM, _COLUMNS_MM[1:], strict=False):
        place = (start + _PADDING_MM, _TABLE_TOP_MM, end - start - 2 * _PADDING_MM, _HEAD_MM)
        texts.append(_line(name, name, design.sans_medium, 3.8, *place))
    return texts


def _row(placement: Placement, url: str, top_mm: float, design: Design) -> list[Text]:
    left, width_mm = _COLUMNS_MM[1] + _PADDING_MM, _COLUMNS_MM[2] - _COLUMNS_MM[1] - 2 * _PADDING_MM
    return [
        _line("编号", placement.id, design.sans_bold, 6.0, left, top_mm + 1.2, width_mm, 7.0),
        _line("地点", placement.name, design.sans_medium, 4.6, left, top_mm + 8.4, width_mm, 5.6),
        _line("网址", readable_address(url), design.sans_regular, 3.4, left, top_mm + 14.2, width_mm, 4.6),
    ]


def _line(
    name: str, text: str, face: Typeface, max_mm: float, left_mm: float, top_mm: float, width_mm: float, height_mm: float
) -> Text:
    """Return ``text`` on one line, at the left of its place and centred in its height."""
    block = typeset.fit_line(text, face, width_mm * _PX_PER_MM, 1, max_mm * _PX_PER_MM)
    if block is None:
        raise ValueError(f"{text!r} is too long for any line")
    left, top = round(left_mm * _PX_PER_MM), round((top_mm + height_mm / 2) * _PX_PER_MM - block.height_px / 2)
    right, bottom = left + round(block.width_px), top + round(block.height_px)
    return Text(block=block, fill=_INK, rectangle=Rectangle(name=name, left=left, top=top, right=right, bottom=bottom))


def _code(matrix: Matrix, top_mm: float) -> CodePlace:
    """Return the code in the middle of its cell, in whole pixels a module."""
    middle_x, middle_y = (_COLUMNS_MM[0] + _COLUMNS_MM[1]) / 2 * _PX_PER_MM, (top_mm + _ROW_MM / 2) * _PX_PER_MM
    side_modules = len(matrix) + 2 * QUIET_ZONE_MODULES
    module_px = int(_CODE_MM * _PX_PER_MM) // side_modules
    left, top = round(middle_x - side_modules * module_px / 2), round(middle_y - side_modules * module_px / 2)
    side_px, quiet_px = side_modules * module_px, QUIET_ZONE_MODULES * module_px
    card = Rectangle(name="二维码", left=left, top=top, right=left + side_px, bottom=top + side_px)
    return CodePlace(card=card, border_px=0, module_px=module_px, left=left + quiet_px, top=top + quiet_px)


def _paint(page: Page) -> Image.Image:
    """Return the page in grey: office printers have little else."""
    picture = Image.new("RGB", (round(WIDTH_MM * _PX_PER_MM), round(HEIGHT_MM * _PX_PER_MM)), rgb(WHITE))
    _rule(picture, len(page.codes))
    for place, matrix in page.codes:
        paint.code(picture, place, matrix, _INK)
    for text in page.texts:
        glyphs.draw(picture, text.block, (text.rectangle.left, text.rectangle.top), rgb(text.fill))
    return picture.convert("L")


def _rule(picture: Image.Image, rows: int) -> None:
    """Draw the table's lines."""
    canvas, thickness = ImageDraw.Draw(picture), max(1, round(_LINE_MM * _PX_PER_MM))
    across = [_TABLE_TOP_MM, *(_TABLE_TOP_MM + _HEAD_MM + row * _ROW_MM for row in range(rows + 1))]
    left, right = (round(edge * _PX_PER_MM) for edge in (_COLUMNS_MM[0], _COLUMNS_MM[-1]))
    top, bottom = (round(edge * _PX_PER_MM) for edge in (across[0], across[-1]))
    for y_mm in across:
        y = round(y_mm * _PX_PER_MM)
        canvas.rectangle((left, y, right, y + thickness - 1), fill=rgb(_LINE))
    for x_mm in _COLUMNS_MM:
        x = round(x_mm * _PX_PER_MM)
        canvas.rectangle((x, top, x + thickness - 1, bottom), fill=rgb(_LINE))


def _add(pdf: pikepdf.Pdf, picture: Image.Image) -> None:
    """Add a page that the picture fills."""
    width, height = WIDTH_MM * _PT_PER_MM, HEIGHT_MM * _PT_PER_MM
    page = pdf.add_blank_page(page_size=(width, height))
    stream = pikepdf.Stream(
        pdf,
        picture.tobytes(),
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=picture.width,
        Height=picture.height,
        ColorSpace=pikepdf.Name.DeviceGray,
        BitsPerComponent=8,
    )
    page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Picture=pdf.make_indirect(stream)))
    page.obj.Contents = pdf.make_stream(f"{width:.4f} 0 0 {height:.4f} 0 0 cm /Picture Do".encode("ascii"))

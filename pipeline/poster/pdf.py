"""A printable page: the picture with bleed, the code as vectors, and the boxes a print shop looks for."""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
from PIL import Image

from pipeline.designs import rgb
from pipeline.poster.formats import Print
from pipeline.poster.layout import CodePlace
from pipeline.qr import Matrix, dark_runs

_PT_PER_MM = 72 / 25.4
_QUALITY = 91
_MARK_MM = 5.0
_MARK_GAP_MM = 1.0  # beyond the bleed, so that a mark never shows on the cut sheet
_MARK_WIDTH_PT = 0.25


def write_pdf(picture: Image.Image, sheet: Print, code: CodePlace | None, matrix: Matrix | None, ink: str, to: Path) -> None:
    """Write ``picture`` (RGB, bleed included) as one page with MediaBox, BleedBox and TrimBox, byte for byte repeatable.

    The code is drawn over the picture's white card as one path in ``ink``, on the very pixels a screen format would use.
    """
    margin_mm = _MARK_MM + _MARK_GAP_MM if sheet.crop_marks else 0.0
    trim_width, trim_height = sheet.trim_width_mm * _PT_PER_MM, sheet.trim_height_mm * _PT_PER_MM
    bleed, margin = sheet.bleed_mm * _PT_PER_MM, margin_mm * _PT_PER_MM
    page_width, page_height = trim_width + 2 * (bleed + margin), trim_height + 2 * (bleed + margin)
    bleed_box = (margin, margin, page_width - margin, page_height - margin)
    trim_box = tuple(edge + bleed if place < len(bleed_box) // 2 else edge - bleed for place, edge in enumerate(bleed_box))

    drawing = [f"q {bleed_box[2] - margin:.4f} 0 0 {bleed_box[3] - margin:.4f} {margin:.4f} {margin:.4f} cm /Picture Do Q"]
    if code is not None and matrix is not None:
        pt_per_px = (bleed_box[2] - margin) / picture.width
        drawing.append(code_path(code, matrix, ink, pt_per_px, trim_box[0], trim_box[3]))
    if sheet.crop_marks:
        drawing.append(_crop_marks(trim_box, bleed + _MARK_GAP_MM * _PT_PER_MM))

    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(page_width, page_height))
        page.mediabox = pikepdf.Array([0, 0, *(round(size, 4) for size in (page_width, page_height))])
        page.obj.BleedBox = pikepdf.Array([round(edge, 4) for edge in bleed_box])
        page.obj.TrimBox = pikepdf.Array([round(edge, 4) for edge in trim_box])
        if sheet.opens_at_trim:
            page.obj.CropBox = page.obj.TrimBox
        drawn = pdf.make_indirect(picture_stream(pdf, picture))
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Picture=drawn))
        page.obj.Contents = pdf.make_stream("\n".join(drawing).encode("ascii"))
        # No dates, and an ID made of the content: the same poster is the same file.
        pdf.save(to, deterministic_id=True)


def picture_stream(pdf: pikepdf.Pdf, picture: Image.Image) -> pikepdf.Stream:
    """Return the picture as JPEG with full colour resolution, so that red type on dark fields keeps its edges."""
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=_QUALITY, subsampling=0)
    return pikepdf.Stream(
        pdf,
        data.getvalue(),
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=picture.width,
        Height=picture.height,
        ColorSpace=pikepdf.Name.DeviceRGB,
        BitsPerComponent=8,
        Filter=pikepdf.Name.DCTDecode,
    )


def code_path(code: CodePlace, matrix: Matrix, ink: str, pt_per_px: float, trim_left: float, trim_top: float) -> str:
    """Return the modules as one filled path: parts of one path leave no seams where they touch."""
    side = code.module_px * pt_per_px
    left, top = trim_left + code.left * pt_per_px, trim_top - code.top * pt_per_px
    parts = [
        f"{left + x * side:.4f} {top - (y + 1) * side:.4f} {width * side:.4f} {side:.4f} re" for x, y, width in dark_runs(matrix)
    ]
    colour = " ".join(f"{channel / 255:.4f}" for channel in rgb(ink))
    return f"q {colour} rg\n" + "\n".join(parts) + "\nf Q"


def _crop_marks(trim_box: tuple[float, ...], gap: float) -> str:
    """Return eight hairlines that point at the trim's corners."""
    length = _MARK_MM * _PT_PER_MM
    left, bottom, right, top = trim_box
    lines = []
    for x, outward_x in ((left, -1), (right, 1)):
        for y, outward_y in ((bottom, -1), (top, 1)):
            lines.append(f"{x + outward_x * gap:.4f} {y:.4f} m {x + outward_x * (gap + length):.4f} {y:.4f} l")
            lines.append(f"{x:.4f} {y + outward_y * gap:.4f} m {x:.4f} {y + outward_y * (gap + length):.4f} l")
    return f"q {_MARK_WIDTH_PT} w 0 0 0 RG\n" + "\n".join(lines) + "\nS Q"

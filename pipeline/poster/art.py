"""The picture above the panel: one motif, extended to the format's field and filled with the sound's own waveform."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence

import numpy as np
import resvg_py
from lxml import etree
from PIL import Image

from pipeline.errors import DesignError, Problem
from pipeline.poster.design import Design
from pipeline.poster.formats import RING_MM, PosterFormat

BARS = 126
_BAR_WIDTH_MM = 1.5
_FLOOR = 0.05
_GAMMA = 0.7
_LOUD_PERCENTILE = 95
_STRIP_PX = 1024
_FOREIGN = re.compile(r"url\(\s*[\"']?(?!#)|@import", re.IGNORECASE)
_SVG = "{http://www.w3.org/2000/svg}"


def waveform_bars(envelope: Sequence[float], bars: int = BARS) -> tuple[float, ...]:
    """Return the height of each bar from 0.05 to 1, from start to end of ``envelope``.

    RMS in each bar's share of the time, 95th percentile = 1, gamma 0.7 so that quiet speech shows; pauses stay as dots.
    """
    power = np.square(np.asarray(envelope, dtype=np.float64))
    if power.size == 0:
        return (_FLOOR,) * bars
    edges = np.linspace(0, power.size, bars + 1)
    summed = np.interp(edges, np.arange(power.size + 1), np.concatenate(([0.0], np.cumsum(power))))
    level = np.sqrt(np.maximum(np.diff(summed) / np.diff(edges), 0))
    loud = float(np.percentile(level, _LOUD_PERCENTILE)) or float(level.max())
    if loud <= 0:
        return (_FLOOR,) * bars
    heights = np.clip(np.clip(level / loud, 0, 1) ** _GAMMA, _FLOOR, 1)
    return tuple(round(float(height), 4) for height in heights)


def draw_art(poster_format: PosterFormat, design: Design, envelope: Sequence[float] | None) -> Image.Image:
    """Return the field and its band with bleed, RGB, rasterised at the final size.

    It is drawn in strips, so that no second copy of a large sheet is in memory. ``envelope`` fills the motif's waveform; None
    leaves it as it was drawn.

    Raises:
        DesignError: JX-D08, when the motif is no SVG or lacks a group that the reflow needs.
    """
    width_px, height_px = _size_px(poster_format)
    picture = Image.new("RGB", (width_px, height_px))
    try:
        root = _drawing(poster_format, design, envelope)
        for top_px in range(0, height_px, _STRIP_PX):
            _show(root, poster_format, top_px, min(_STRIP_PX, height_px - top_px))
            png = resvg_py.svg_to_bytes(svg_string=etree.tostring(root, encoding="unicode"), skip_system_fonts=True)
            picture.paste(Image.open(io.BytesIO(png)).convert("RGB"), (0, top_px))
    except (etree.XMLSyntaxError, ValueError) as error:
        fix = "请用原来的图案作底稿重画，保留 field、floor、art、waveform、band、hui 这几个名字和它们里面的东西"
        raise DesignError([Problem(place=design.art, cause=f"海报图案用不了：{error}", fix=fix, code="JX-D08")]) from None
    return picture


def art_svg(poster_format: PosterFormat, design: Design, envelope: Sequence[float] | None) -> str:
    """Return the motif as SVG, reflowed to the format and filled with the sound."""
    root = _drawing(poster_format, design, envelope)
    _show(root, poster_format, 0, _size_px(poster_format)[1])
    return etree.tostring(root, encoding="unicode")


def _drawing(poster_format: PosterFormat, design: Design, envelope: Sequence[float] | None) -> etree._Element:
    root = etree.fromstring(design.art.read_bytes(), etree.XMLParser(resolve_entities=False, no_network=True))
    _refuse_foreign_parts(root)
    _reflow(root, poster_format, design)
    if envelope is not None:
        _fill_waveform(_group(root, "waveform"), waveform_bars(envelope), design.light)
    return root


def _size_px(poster_format: PosterFormat) -> tuple[int, int]:
    """Return how large field and band are with their bleed."""
    bleed_px, height_px = poster_format.bleed_px, art_height_px(poster_format)
    reaches_foot = height_px == poster_format.height_px
    return poster_format.width_px + 2 * bleed_px, height_px + bleed_px * (2 if reaches_foot else 1)


def _show(root: etree._Element, poster_format: PosterFormat, top_px: int, height_px: int) -> None:
    """Let the drawing show so many rows of pixels."""
    scale, (width_px, _) = poster_format.px_per_mm, _size_px(poster_format)
    left_px, top_px = -poster_format.bleed_px, top_px - poster_format.bleed_px
    view = (left_px / scale, top_px / scale, width_px / scale, height_px / scale)
    root.set("viewBox", " ".join(f"{edge:.6f}" for edge in view))
    root.set("width", str(width_px))
    root.set("height", str(height_px))


def _refuse_foreign_parts(root: etree._Element) -> None:
    """Raise ValueError for what would read another file, or come out otherwise elsewhere: pictures, links, system fonts."""
    for element in root.iter(etree.Element):
        name = etree.QName(element).localname
        if name in {"image", "text", "foreignObject", "script"}:
            raise ValueError(f"图案里有 <{name}>；图片和文字都要先转成曲线")
        values = [element.text or "" if name == "style" else "", *map(str, element.attrib.values())]
        links = [str(value) for key, value in element.attrib.items() if etree.QName(key).localname == "href"]
        if any(not link.startswith("#") for link in links) or any(_FOREIGN.search(value) for value in values):
            raise ValueError(f"图案里的 <{name}> 引用了别的文件")


def art_height_px(poster_format: PosterFormat) -> int:
    """Return how far down field and band reach, from the trim's top."""
    field = poster_format.field
    return min(poster_format.height_px, round((field.height_mm + field.band_mm) * poster_format.px_per_mm))


def ink_radius_mm(poster_format: PosterFormat) -> float:
    """Return the radius around the ring centre that waveform and motif fill."""
    return RING_MM * poster_format.field.scale


def _reflow(root: etree._Element, poster_format: PosterFormat, design: Design) -> None:
    """Fit the drawing to the format: field, horizon and band move and stretch, the art moves and scales, nothing is cropped."""
    field, bleed_mm = poster_format.field, poster_format.bleed_px / poster_format.px_per_mm
    left, top, width = -bleed_mm, -bleed_mm, poster_format.width_mm + 2 * bleed_mm

    sky, floor = _rectangles(_group(root, "field"))[0], _group(root, "floor")
    _place(sky, left, top, width, field.centre_y_mm - top + 0.2)
    _place(floor, left, field.centre_y_mm, width, field.height_mm - field.centre_y_mm)
    _group(root, "art").set("transform", f"translate({field.centre_x_mm:g} {field.centre_y_mm:g}) scale({field.scale:g})")

    for rectangle in _rectangles(_group(root, "band")):
        _place(rectangle, left, field.height_mm, width, field.band_mm + bleed_mm)
    tile_mm = poster_format.width_mm / max(1, round(poster_format.width_mm / field.band_mm))
    motif_mm = 7.5  # the key pattern is drawn in a square of 7.5 mm
    pattern = _group(root, "hui")
    pattern.set("y", "0")
    pattern.set(
        "patternTransform", f"translate(0 {field.height_mm:g}) scale({tile_mm / motif_mm:.6f} {field.band_mm / motif_mm:.6f})"
    )
    for colour in pattern.iter(f"{_SVG}path"):
        colour.set("stroke", design.accent)


def _fill_waveform(group: etree._Element, bars: Sequence[float], colour: str) -> None:
    """Replace the group's bars: left to right is start to end, each stands outward from the ring."""
    radius, reach, first, last = (_number(group, name) for name in ("data-r", "data-amp", "data-from", "data-to"))
    strokes = []
    for number, height in enumerate(bars):
        angle = math.radians(180 + first + (last - first) * (number + 0.5) / len(bars))
        x, y = math.cos(angle), math.sin(angle)
        foot, head = radius, radius + reach * height
        strokes.append(f"M{foot * x:.2f} {foot * y:.2f}L{head * x:.2f} {head * y:.2f}")
    for old in list(group):
        group.remove(old)
    line = etree.SubElement(group, f"{_SVG}path", d="".join(strokes), fill="none", stroke=colour)
    line.set("stroke-width", str(_BAR_WIDTH_MM))
    line.set("stroke-linecap", "round")


def _place(element: etree._Element, x: float, y: float, width: float, height: float) -> None:
    for name, value in (("x", x), ("y", y), ("width", width), ("height", height)):
        element.set(name, f"{value:.4f}")


def _group(root: etree._Element, name: str) -> etree._Element:
    found = root.find(f".//*[@id='{name}']")
    if found is None:
        raise ValueError(f"缺少名为 {name} 的组")
    return found


def _rectangles(group: etree._Element) -> list[etree._Element]:
    """Return what is drawn in a group, comments left out."""
    found = [child for child in group if isinstance(child.tag, str)]
    if not found:
        raise ValueError(f"名为 {group.get('id')} 的组是空的")
    return found


def _number(group: etree._Element, name: str) -> float:
    try:
        return float(group.get(name, ""))
    except ValueError:
        raise ValueError(f"名为 {group.get('id')} 的组里，{name} 应为一个数") from None

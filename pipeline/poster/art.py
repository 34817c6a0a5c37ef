"""The picture above the panel: one motif, extended to the format's field and filled with the sound's own waveform."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import resvg_py
from lxml import etree
from PIL import Image

from pipeline.errors import DesignError, Problem
from pipeline.poster.design import Design
from pipeline.poster.formats import RING_MM, PosterFormat
from pipeline.poster.layout import Rectangle

BARS = 126
_BAR_WIDTH_MM = 1.5
_FLOOR = 0.05
_GAMMA = 0.7
_LOUD_PERCENTILE = 95
_STRIP_PX = 256
_SOFT = ("field", "tone")
_SOFT_PX_PER_MM = 2.0  # an edge of a tone of five per cent may be half a millimetre wide
_GLANCE_REDUCTION = 16
_SKY, _SKY_FOR_CLOUDS, _CLOUDS_RISE = 205.0, 50.0, 0.4  # from the horizon up on A3, in the motif's own millimetres
_FOREIGN = re.compile(r"url\(\s*[\"']?(?!#)|@import", re.IGNORECASE)
_SVG = "{http://www.w3.org/2000/svg}"
_SHAPES = frozenset(f"{_SVG}{name}" for name in ("g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "use"))


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


def draw_art(sheet: Image.Image, poster_format: PosterFormat, design: Design, envelope: Sequence[float] | None) -> None:
    """Draw the field and its band with bleed at the top of ``sheet`` (RGB), rasterised at the final size.

    What is soft, the field's colours and the tone in them, is drawn small and enlarged; what has edges is drawn over it, where
    there is any. ``envelope`` fills the motif's waveform; None leaves it as it was drawn. Where there is a photo, the motif
    leaves its hero out.

    Raises:
        DesignError: JX-D08, when the motif is no SVG or lacks a group that the reflow needs.
    """
    try:
        soft, sharp = (drawing(poster_format, design, envelope) for _ in range(2))
        _keep(soft, soft=True)
        _keep(sharp, soft=False)
        if design.photo:
            _group(sharp, "hero").clear()
        _draw_soft(soft, poster_format, sheet)
        _draw_sharp(sharp, poster_format, sheet)
    except (etree.XMLSyntaxError, ValueError) as error:
        fix = "请用原来的图案作底稿重画，保留 field、floor、art、tone、hero、waveform、band、hui 这几个名字和它们里面的东西"
        raise DesignError([Problem(place=design.art, cause=f"海报图案用不了：{error}", fix=fix, code="JX-D08")]) from None


def _keep(root: etree._Element, *, soft: bool) -> None:
    """Leave in a drawing only what is soft, the groups field and tone, or only the rest, which lies over it."""
    art = _group(root, "art")
    for element in [*root, *art]:
        is_soft = element.get("id") in _SOFT
        if element.tag in _SHAPES and element is not art and is_soft != soft:
            element.getparent().remove(element)


def _draw_soft(root: etree._Element, poster_format: PosterFormat, sheet: Image.Image) -> None:
    """Draw the colours behind everything, above and below the horizon by themselves, so that it stays an edge."""
    width_px, height_px = art_size_px(poster_format)
    horizon_px = _horizon_px(poster_format) + poster_format.bleed_px
    reduction = max(1, round(poster_format.px_per_mm / _SOFT_PX_PER_MM))
    for top_px, bottom_px in ((0, horizon_px), (horizon_px, height_px)):
        view = Rectangle(name="", left=0, top=top_px, right=width_px, bottom=bottom_px)
        small = _raster(root, poster_format, view, reduction).convert("RGB")
        shrunk = small.height / view.height
        for top in range(0, view.height, _STRIP_PX):
            bottom = min(top + _STRIP_PX, view.height)
            part = (0, top * shrunk, small.width, bottom * shrunk)
            strip = small.resize((width_px, bottom - top), Image.Resampling.BILINEAR, box=part)
            sheet.paste(strip, (0, top_px + top))


def _draw_sharp(root: etree._Element, poster_format: PosterFormat, sheet: Image.Image) -> None:
    """Draw what has edges, in strips, so that no second copy of a large sheet is in memory; where a strip is empty, nothing."""
    width_px, height_px = art_size_px(poster_format)
    whole = Rectangle(name="", left=0, top=0, right=width_px, bottom=height_px)
    seen = _raster(root, poster_format, whole, _GLANCE_REDUCTION).getchannel("A")
    band_px = round(poster_format.field.height_mm * poster_format.px_per_mm) + poster_format.bleed_px
    # The band in one piece: its pattern is painted in tiles of whole pixels, counted from where a piece begins.
    for top, bottom in pairwise([*range(0, band_px, _STRIP_PX), band_px, height_px]):
        # A row more at both ends: the glance's are not quite so many pixels high.
        glance = (0, max(top // _GLANCE_REDUCTION - 1, 0), seen.width, -(-bottom // _GLANCE_REDUCTION) + 1)
        inked = seen.crop(glance).getbbox()
        if inked is None:
            continue
        left, right = (inked[0] - 1) * _GLANCE_REDUCTION, (inked[2] + 1) * _GLANCE_REDUCTION
        view = Rectangle(name="", left=max(left, 0), top=top, right=min(right, width_px), bottom=bottom)
        piece = _raster(root, poster_format, view, 1)
        sheet.paste(piece, (view.left, view.top), piece)


def _raster(root: etree._Element, poster_format: PosterFormat, view: Rectangle, reduction: int) -> Image.Image:
    """Return a part of the drawing, RGBA, so many times smaller; ``view`` counts pixels from the corner of the bleed."""
    scale, bleed_px = poster_format.px_per_mm, poster_format.bleed_px
    edges = (view.left - bleed_px, view.top - bleed_px, view.width, view.height)
    root.set("viewBox", " ".join(f"{edge / scale:.6f}" for edge in edges))
    root.set("preserveAspectRatio", "none")
    root.set("width", str(-(-view.width // reduction)))
    root.set("height", str(-(-view.height // reduction)))
    png = resvg_py.svg_to_bytes(svg_string=etree.tostring(root, encoding="unicode"), skip_system_fonts=True)
    return Image.open(io.BytesIO(png)).convert("RGBA")


def drawing(poster_format: PosterFormat, design: Design, envelope: Sequence[float] | None) -> etree._Element:
    """Return the motif, reflowed to the format and filled with the sound."""
    root = etree.fromstring(design.art.read_bytes(), etree.XMLParser(resolve_entities=False, no_network=True))
    _refuse_foreign_parts(root)
    _reflow(root, poster_format, design)
    if envelope is not None:
        _fill_waveform(_group(root, "waveform"), waveform_bars(envelope), design.light)
    return root


def art_size_px(poster_format: PosterFormat) -> tuple[int, int]:
    """Return how large field and band are with their bleed."""
    bleed_px, height_px = poster_format.bleed_px, art_height_px(poster_format)
    reaches_foot = height_px == poster_format.height_px
    return poster_format.width_px + 2 * bleed_px, height_px + bleed_px * (2 if reaches_foot else 1)


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


def _horizon_px(poster_format: PosterFormat) -> int:
    """Return how far down the horizon lies, from the trim's top: between two rows, so that it is an edge at every size."""
    return round(poster_format.field.centre_y_mm * poster_format.px_per_mm)


def ink_radius_mm(poster_format: PosterFormat) -> float:
    """Return the radius around the ring centre that waveform and motif fill."""
    return RING_MM * poster_format.field.scale


def _reflow(root: etree._Element, poster_format: PosterFormat, design: Design) -> None:
    """Fit the drawing to the format: field, horizon and band move and stretch, the art moves and scales, nothing is cropped."""
    field, bleed_mm = poster_format.field, poster_format.bleed_px / poster_format.px_per_mm
    left, top, width = -bleed_mm, -bleed_mm, poster_format.width_mm + 2 * bleed_mm

    sky, floor = _rectangles(_group(root, "field"))[0], _group(root, "floor")
    horizon_mm = _horizon_px(poster_format) / poster_format.px_per_mm
    _place(sky, left, top, width, horizon_mm - top + 0.2)
    # Under the band too, so that nothing shows through at its edge.
    _place(floor, left, horizon_mm, width, field.height_mm + field.band_mm + bleed_mm - horizon_mm)
    _group(root, "art").set("transform", f"translate({field.centre_x_mm:g} {horizon_mm:.6f}) scale({field.scale:g})")

    clouds = root.find(f".//{_SVG}g[@id='clouds']")
    if clouds is not None:
        _hang(clouds, field.centre_y_mm / field.scale)

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


def _hang(clouds: etree._Element, sky: float) -> None:
    """Let clouds rise with the sky where it is higher than on A3, and leave them out where it is too low for them."""
    added = sky - _SKY
    if added < -_SKY_FOR_CLOUDS:
        clouds.set("display", "none")
    elif added > 0:
        clouds.set("transform", f"translate(0 {-_CLOUDS_RISE * added:.2f})")


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

"""What is wrong with a poster before it is drawn: signs without a glyph, long addresses, parts that collide."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path

from pipeline import qr
from pipeline.errors import DesignError, Problem
from pipeline.model import Wording
from pipeline.poster import typeset
from pipeline.poster.art import ink_radius_mm
from pipeline.poster.design import Design
from pipeline.poster.formats import PosterFormat
from pipeline.poster.layout import Layout, Rectangle, lay_out
from pipeline.poster.lettering import Lettering, letter_episode

_CLEARANCE_MM = 1.5
_LAYOUT_FIX = "请在版式文件里挪开或缩小这一块"
# What the author calls the lines that come from the front matter.
_PLACES = {"title": "标题", "subtitle": "副标题", "summary": "简介", "headline": "站名", "seal": "方面的名称"}


def check(wording: Wording, fonts: tuple[Path, ...], place: Path) -> tuple[Problem, ...]:
    """Return everything in the wording that no poster can show; ``place`` is the file to mend. Cheap: nothing is drawn."""
    lettering = letter_episode(wording)
    problems = []
    if len(wording.page_url.encode()) > qr.MAX_BYTES:
        problems.append(qr.too_long(wording.page_url, place))
    for name, text in _lines(lettering):
        for sign in typeset.missing_characters(text, fonts):
            where = _PLACES.get(name, "海报上的字")
            called = unicodedata.name(sign, "没有名称的字符")
            cause = f"{where}“{text}”里的 {sign}（U+{ord(sign):04X}，{called}）海报字体里没有"
            problems.append(Problem(place=place, cause=cause, fix="请换一个字，或写成别的说法", code="JX-D11"))
    return tuple(problems)


def check_fit(wording: Wording, design: Design, formats: Iterable[PosterFormat], place: Path) -> tuple[Problem, ...]:
    """Return each text that is too long for one of the formats, once; ``place`` is the file to mend. Nothing is drawn."""
    lettering = letter_episode(wording)
    found: dict[str, Problem] = {}
    for poster_format in formats:
        try:
            check_layout(poster_format, lay_out(poster_format, design, lettering, None))
        except DesignError as error:
            found |= {problem.cause: problem for problem in error.problems}
    return tuple(replace(problem, place=place) if problem.code != "JX-D12" else problem for problem in found.values())


def check_layout(poster_format: PosterFormat, layout: Layout) -> None:
    """Make sure that nothing leaves the safe area, no two parts meet, and no type stands on the ring.

    Raises:
        DesignError: JX-D12 for each part that does.
    """
    scale = poster_format.px_per_mm
    safe_px = math.floor(poster_format.safe_mm * scale)
    parts = layout.rectangles
    causes = [
        f"{part.name}伸到了离边 {poster_format.safe_mm:g} 毫米的安全区外面"
        for part in parts
        if _outside(part, poster_format, safe_px)
    ]
    causes += [
        f"{first.name}和{second.name}叠在了一起" for first, second in itertools.combinations(parts, 2) if _meet(first, second)
    ]
    causes += [f"{part.name}压住了声波圆环" for part in parts if _on_ring(part, poster_format)]
    if causes:
        label = f"“{poster_format.label}”里，"
        place = Path("posters") / "formats" / f"{poster_format.name}.toml"
        raise DesignError([Problem(place=place, cause=label + cause, fix=_LAYOUT_FIX, code="JX-D12") for cause in causes])


def _lines(lettering: Lettering) -> list[tuple[str, str]]:
    values = ((field.name, getattr(lettering, field.name)) for field in fields(lettering))
    return [(name, value) for name, value in values if isinstance(value, str)]


def _outside(part: Rectangle, poster_format: PosterFormat, safe_px: int) -> bool:
    right, bottom = poster_format.width_px - safe_px, poster_format.height_px - safe_px
    return part.left < safe_px or part.top < safe_px or part.right > right or part.bottom > bottom


def _meet(first: Rectangle, second: Rectangle) -> bool:
    return first.left < second.right and second.left < first.right and first.top < second.bottom and second.top < first.bottom


def _on_ring(part: Rectangle, poster_format: PosterFormat) -> bool:
    """Return whether a part above the horizon comes nearer to the centre than the waveform's heads."""
    field, scale = poster_format.field, poster_format.px_per_mm
    x, y = field.centre_x_mm * scale, field.centre_y_mm * scale
    nearest_x, nearest_y = min(max(x, part.left), part.right), min(max(y, part.top), part.bottom)
    return nearest_y <= y and math.hypot(nearest_x - x, nearest_y - y) < (ink_radius_mm(poster_format) + _CLEARANCE_MM) * scale

"""What is wrong with a layout that no author can mend: parts that collide or leave the safe area, a code too small."""

from __future__ import annotations

import itertools
import math

from pipeline.errors import Problem
from pipeline.poster.art import ink_radius_mm
from pipeline.poster.formats import PosterFormat
from pipeline.poster.layout import Layout, Rectangle

_CLEARANCE_MM = 1.5


def layout_problems(poster_format: PosterFormat, layout: Layout) -> tuple[Problem, ...]:
    """Return what the format's designer has to mend: JX-D10 for the code, JX-D12 for each part that stands in a wrong place."""
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
    label, place = f"“{poster_format.label}”里，", poster_format.path
    fix = "请在版式文件里挪开或缩小这一块"
    problems = [Problem(place=place, cause=label + cause, fix=fix, code="JX-D12") for cause in causes]
    if layout.code and poster_format.code:
        module_mm = layout.code.module_px / scale * poster_format.print_scale
        wanted_mm = poster_format.code.min_module_mm
        if layout.code.module_px < 1 or module_mm < wanted_mm:
            cause = f"{label}二维码每一格只有 {module_mm:.2f} 毫米，至少要 {wanted_mm:g} 毫米"
            fix = "请在版式文件里把 [code] 放大，或把 series.toml 里的 site_url 换短一些"
            problems.append(Problem(place=place, cause=cause, fix=fix, code="JX-D10"))
    return tuple(problems)


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

"""Whether type stands out enough from what is behind it, measured on the picture itself."""

from __future__ import annotations

import numpy as np
from PIL import Image

from pipeline.designs import luminance, rgb
from pipeline.errors import Problem
from pipeline.poster.formats import PosterFormat
from pipeline.poster.layout import Layout, Text

TEXT_CONTRAST, LARGE_TEXT_CONTRAST = 4.5, 3.0
"""What type has to reach. Source: WCAG 2.2, 1.4.3."""

_LARGE_MM = 4.9  # 14 points in bold; nothing on a poster is read from nearer than a page of a book
_CELLS = 24  # each way: what is behind a sign is averaged over about its strokes' width


def contrast_problems(poster_format: PosterFormat, sheet: Image.Image, layout: Layout) -> tuple[Problem, ...]:
    """Return each text that is too faint somewhere, JX-D22; ``sheet`` is the picture with its bleed, before the type is on it."""
    problems = []
    for text in (*layout.texts, *layout.seal_texts):
        found, wanted = _lowest_contrast(sheet, text), _wanted(poster_format, text)
        if found < wanted:
            cause = f"“{poster_format.label}”里，{text.rectangle.name}与背景的对比度最低处只有 {found:.1f}，至少要 {wanted:g}"
            fix = "请在 palette.toml 里把字的颜色（light）调亮，或把背景（deep、main）调深"
            problems.append(Problem(place=poster_format.path, cause=cause, fix=fix, code="JX-D22"))
    return tuple(problems)


def _lowest_contrast(sheet: Image.Image, text: Text) -> float:
    """Return the contrast where it is lowest behind a text."""
    part = text.rectangle
    behind = sheet.crop((part.left, part.top, part.right, part.bottom)).resize((_CELLS, _CELLS), Image.Resampling.BOX)
    ground, ink = luminance(np.asarray(behind, dtype=np.float64)), luminance(np.array(rgb(text.fill), dtype=np.float64))
    return float(((np.maximum(ground, ink) + 0.05) / (np.minimum(ground, ink) + 0.05)).min())


def _wanted(poster_format: PosterFormat, text: Text) -> float:
    scale = poster_format.px_per_mm / poster_format.print_scale
    return LARGE_TEXT_CONTRAST if text.block.size_px / scale >= _LARGE_MM else TEXT_CONTRAST

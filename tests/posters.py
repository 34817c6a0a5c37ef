"""Posters as tests look at them: printed formats at a resolution that tests have time for, and the art alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from pipeline.poster import Design, PosterFormat
from pipeline.poster.art import art_size_px, draw_art
from pipeline.poster.formats import HOUSE

_DPI = {"a4": 184, "a3": 130, "a2": 92, "rollup": 30}


def coarse(form: PosterFormat) -> PosterFormat:
    """Return a printed format about 1100 pixels wide, any other as it is."""
    if form.print is None:
        return form
    width_px = 1100
    dpi = round(width_px / form.print.trim_width_mm * 25.4)
    height_px = round(width_px * form.height_mm / form.width_mm)
    return replace(form, width_px=width_px, height_px=height_px, print=replace(form.print, dpi=dpi))


def coarsen(workspace: Path) -> Path:
    """Give a workspace printed formats of its own, like the house's but coarse; return the workspace."""
    folder = workspace / "posters" / "formats"
    folder.mkdir(parents=True)
    for name, dpi in _DPI.items():
        written = (HOUSE / "formats" / f"{name}.toml").read_text(encoding="utf-8")
        own = re.sub("^dpi = .*\\n", "", written, flags=re.MULTILINE).replace("[print]\n", f"[print]\ndpi = {dpi}\n")
        (folder / f"{name}.toml").write_text(own, encoding="utf-8")
    return workspace


def art_of(form: PosterFormat, design: Design, envelope: Sequence[float] | None) -> Image.Image:
    """Return the field and its band alone, with their bleed."""
    picture = Image.new("RGB", art_size_px(form))
    draw_art(picture, form, design, envelope)
    return picture

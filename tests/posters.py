"""Posters as tests look at them: one wording and sound, printed formats that are quickly drawn, the art alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.designs import HOUSE
from pipeline.model import Aspect, Sound, Wording
from pipeline.poster import Design, PosterFormat
from pipeline.poster.art import art_size_px, draw_art

WORDING = Wording(
    series_title="好生活·好吉祥",
    signature="龙岗区吉祥社区 新时代文明实践站",
    number=6,
    title="家门口的好路",
    subtitle="一刻钟，慢慢走",
    summary="路好走了，日子就近了。这一集不坐车，用脚走：从新桥西1-8巷的路面，到岗贝村100余个路灯，再到风临域的6台电梯，看看一刻钟能走多远。",
    aspect=Aspect(key="transport", name="便捷交通"),
    stop_name="岗贝村",
    stop_order=6,
    stop_count=6,
    duration_s=164.4,
    spoken_languages=("普通话",),
    synthetic_voice=True,
    page_url="https://jixiang.example/6/",
)


def _envelope() -> tuple[float, ...]:
    """Return two and a half minutes of phrases and pauses."""
    noise = np.abs(np.random.default_rng(7).normal(size=1500)) * 0.1
    pauses = np.arange(1500) % 40 < 33
    return tuple(float(level) for level in noise * pauses)


SOUND = Sound(
    file=Path("sound.mp3"),
    duration_s=164.4,
    voice_start_s=0,
    speech=(),
    integrated_lufs=-16,
    loudness_range_lu=4.0,
    true_peak_dbtp=-1.5,
    envelope=_envelope(),
    recorded_lufs=-20,
    recorded_range_lu=9.0,
    recorded_true_peak_dbtp=-3,
    recorded_envelope=(),
    trimmed_head_s=0,
    trimmed_tail_s=0,
    most_limiting_db=2.0,
    renders=1,
    ffmpeg="9.0",
    warnings=(),
)

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

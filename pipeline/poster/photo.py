"""A photo that came with an episode: whether it is one, and how it stands in the round window over the horizon."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.designs import CREAM, mix, rgb
from pipeline.errors import Problem
from pipeline.model import Photo
from pipeline.poster.design import Design
from pipeline.poster.formats import PosterFormat

MAX_PIXELS = 100_000_000
WINDOW_MM = 56.0
"""Radius of the window, at scale 1: what stands on the rings around it stays."""

LEAST_DPI = 150
"""Below it a print looks soft from where one reads it."""

_FRAME_MM = 1.4
_DARK, _MIDDLE, _MIDDLE_AT = 0.35, 0.3, 128
_KINDS = ("JPEG", "PNG", "WEBP")


def check_photo(photo: Path) -> tuple[Problem, ...]:
    """Return what is wrong with a photo: no picture, cut short, a kind we do not take, or more than 100 million pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours
            with Image.open(photo, formats=_KINDS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    return (_too_large(photo),)
                picture.load()  # verify() alone does not notice a JPEG that was cut short
    except Image.DecompressionBombError:
        return (_too_large(photo),)
    except (OSError, SyntaxError, ValueError) as error:
        kind = type(error).__name__
        cause = f"照片打不开，它不是完整的 JPEG、PNG 或 WebP 图片（{kind}）"
        return (Problem(place=photo, cause=cause, fix="请用看图软件打开它，另存为 JPEG 再放进来", code="JX-D14"),)
    return ()


def _too_large(photo: Path) -> Problem:
    fix = "请用看图软件把照片缩小，长边 4000 像素就够了，再放进来"
    return Problem(place=photo, cause="照片的像素太多，最多一亿", fix=fix, code="JX-D17")


def coarse_photo(photo: Photo, formats: Iterable[PosterFormat]) -> tuple[Problem, ...]:
    """Return a reminder, JX-D23, where a sound photo is too small for some printed formats; it is drawn all the same."""
    with Image.open(photo.file) as picture:
        width_px, height_px = ImageOps.exif_transpose(picture).size
    across_px = min(width_px, 2 * height_px)
    coarse = []
    for each in formats:
        if each.print:
            across_mm = 2 * WINDOW_MM * each.field.scale * each.print_scale
            dpi = across_px / across_mm * 25.4
            coarse += [f"{each.label} {dpi:.0f} dpi"] if dpi < LEAST_DPI else []
    if not coarse:
        return ()
    cause = f"照片印出来会有些模糊：{'、'.join(coarse)}（最好 {LEAST_DPI} 以上）"
    return (Problem(place=photo.file, cause=cause, fix="有原图就换成原图，不要用微信传过的", code="JX-D23"),)


def fill_window(sheet: Image.Image, poster_format: PosterFormat, photo: Photo, design: Design) -> None:
    """Paint the photo in a half disc over the horizon, in the aspect's colours, with a thin frame; ``sheet`` has its bleed."""
    scale, field = poster_format.px_per_mm, poster_format.field
    centre_x, horizon = (round(each * scale) + poster_format.bleed_px for each in (field.centre_x_mm, field.centre_y_mm))
    radius, frame = WINDOW_MM * field.scale * scale, _FRAME_MM * field.scale * scale
    for radius_px, content in ((radius + frame, rgb(design.accent)), (radius, None)):
        mask = _half_disc(radius_px)
        width, height = mask.shape[1], mask.shape[0]
        picture = Image.new("RGB", (width, height), content) if content else _tinted(photo, (width, height), design)
        sheet.paste(picture, (centre_x - width // 2, horizon - height), Image.fromarray(mask))


def _half_disc(radius_px: float) -> NDArray[np.uint8]:
    """Return the mask of a half disc that stands on its diameter, its edge smooth."""
    half = int(np.ceil(radius_px)) + 1
    x, y = np.arange(-half, half) + 0.5, np.arange(-half, 0) + 0.5
    inside = radius_px - np.hypot(x[None, :], y[:, None]) + 0.5
    return np.asarray(np.clip(inside, 0, 1) * 255, dtype=np.uint8)


def _tinted(photo: Photo, size: tuple[int, int], design: Design) -> Image.Image:
    """Return the photo cut to ``size`` around its focus, from the deep colour in its shadows to cream in its lights."""
    with Image.open(photo.file, formats=_KINDS) as opened:
        opened.draft("L", (2 * size[0], 2 * size[1]))  # a JPEG is decoded at a fraction of its size
        upright = ImageOps.exif_transpose(opened)
        flat = (
            Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
            if _has_alpha(upright)
            else upright
        )
        focus = (photo.focus_x, photo.focus_y)
        cut = ImageOps.fit(flat.convert("L"), size, Image.Resampling.LANCZOS, centering=focus)
    shadows, middle = mix(design.deep, "#000000", _DARK), mix(design.main, design.accent, _MIDDLE)
    return ImageOps.colorize(ImageOps.autocontrast(cut, cutoff=1), shadows, CREAM, middle, midpoint=_MIDDLE_AT)


def _has_alpha(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info

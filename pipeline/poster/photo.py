"""Whether a photo that came with an episode really is a picture. No format draws photos yet."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image

from pipeline.errors import Problem

MAX_PIXELS = 100_000_000
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

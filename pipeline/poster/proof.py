"""The last look at a poster: the finished file is scanned, whole and spoilt, before anyone prints it."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
import zxingcpp
from PIL import Image, ImageEnhance, ImageFilter

from pipeline.errors import DesignError, Problem

WANTED_SHARE = 0.7
_PDF_DPI = 110  # about what a phone's camera sees of an A3 sheet that fills its picture
_WIDTH_PX = 1300  # larger pictures are looked at in this width: phones do the same
_GREY = 128


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How many of the ``trials`` gave the right address back."""

    decodings: int
    trials: int


def prove(file: Path, url: str) -> Proof:
    """Return how well the poster's code scans: whole, then small, blurred, turned, tilted, pale, dark and badly compressed.

    Raises:
        DesignError: JX-D15, when the whole picture does not give ``url`` back or less than 70 % of the trials do.
    """
    picture = _open(file)
    results = [_reads(trial(picture), url) for trial in (_whole, *_TRIALS)]
    proof = Proof(decodings=sum(results), trials=len(results))
    if not results[0] or proof.decodings < WANTED_SHARE * proof.trials:
        wanted = math.ceil(WANTED_SHARE * proof.trials)
        whole = "整张能扫出来" if results[0] else "连整张清楚的都扫不出来"
        cause = f"海报上的二维码扫不出来：试了 {proof.trials} 次，成了 {proof.decodings} 次，至少要成 {wanted} 次，{whole}"
        fix = "请在版式文件里把二维码放大，或把 series.toml 里的 site_url 换短一些"
        raise DesignError([Problem(place=file, cause=cause, fix=fix, code="JX-D15")])
    return proof


def _open(file: Path) -> Image.Image:
    """Return the finished file as it will be seen, RGB, at most 1300 px wide."""
    if file.suffix == ".pdf":
        with pypdfium2.PdfDocument(file) as pdf:
            drawn: Image.Image = pdf[0].render(scale=_PDF_DPI / 72).to_pil()
            picture = drawn.convert("RGB")
    else:
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
    if picture.width > _WIDTH_PX:
        picture = _scaled(picture, _WIDTH_PX / picture.width)
    return picture


def _reads(picture: Image.Image, url: str) -> bool:
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]))
    return any(code.text == url for code in found)


def _scaled(picture: Image.Image, factor: float) -> Image.Image:
    size = (round(picture.width * factor), round(picture.height * factor))
    return picture.resize(size, Image.Resampling.BILINEAR)


def _whole(picture: Image.Image) -> Image.Image:
    return picture


def _at_60_percent(picture: Image.Image) -> Image.Image:
    return _scaled(picture, 0.6)


def _at_40_percent(picture: Image.Image) -> Image.Image:
    return _scaled(picture, 0.4)


def _blurred(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(picture.width / 500))


def _turned(picture: Image.Image) -> Image.Image:
    return picture.rotate(12, Image.Resampling.BILINEAR, expand=True, fillcolor=(_GREY,) * 3)


def _tilted(picture: Image.Image) -> Image.Image:
    """Return the picture as seen from the left: its right edge stands 25 % farther away."""
    width, height = picture.size
    inset = height // 8
    corners = (0, 0, 0, height, width, height + inset, width, -inset)
    return picture.transform(picture.size, Image.Transform.QUAD, corners, Image.Resampling.BILINEAR, fillcolor=(_GREY,) * 3)


def _pale(picture: Image.Image) -> Image.Image:
    return ImageEnhance.Contrast(picture).enhance(0.3)


def _dark(picture: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(picture).enhance(0.3)


def _squeezed(picture: Image.Image) -> Image.Image:
    """Return the picture after a messenger has compressed it: JPEG at quality 30."""
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=30)
    return Image.open(data).convert("RGB")


def _forwarded(picture: Image.Image) -> Image.Image:
    """Return the picture smaller, soft and compressed at once."""
    return _squeezed(_scaled(picture, 0.6).filter(ImageFilter.GaussianBlur(0.8)))


_TRIALS: tuple[Callable[[Image.Image], Image.Image], ...] = (
    _at_60_percent,
    _at_40_percent,
    _blurred,
    _turned,
    _tilted,
    _pale,
    _dark,
    _squeezed,
    _forwarded,
)

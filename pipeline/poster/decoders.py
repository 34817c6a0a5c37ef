"""Who reads codes: programs that share no line with each other, because what one of them reads another may not.

zxing-cpp and zbar's QR decoder (in the package deqr) are normal dependencies; only Windows on ARM has no wheel of deqr. WeChat's
decoder joins them where ``jixiang[proof]`` is installed: it is OpenCV's, without the two networks that the app itself adds for
tiny codes, because no licensed package has their files and nothing is fetched at run time.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import zxingcpp
from PIL import Image

ZXING, ZBAR, WECHAT = "zxing", "zbar", "微信"
"""What the decoders are called in messages and reports."""

Point = tuple[float, float]
Decoder = Callable[[Image.Image, str], bool]
"""Whether a picture (mode L) holds an address, dark on light."""

_QR_CODES = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCodeModel2])


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A code that was found: ``corners`` in px, clockwise from the symbol's own top left; ``modules`` a side."""

    text: str
    corners: tuple[Point, Point, Point, Point]
    modules: int
    inverted: bool

    @property
    def module_px(self) -> float:
        """The mean side of a module."""
        around = zip(self.corners, (*self.corners[1:], self.corners[0]), strict=True)
        return sum(math.dist(one, other) for one, other in around) / (4 * self.modules)


def find_codes(picture: Image.Image) -> tuple[Reading, ...]:
    """Return all codes in a picture (mode L), as zxing reads them; those light on dark only where there are no others."""
    for inverted in (False, True):
        found = zxingcpp.read_barcodes(picture, formats=_QR_CODES, try_invert=inverted)
        if found:
            return tuple(_reading(code, inverted=inverted) for code in found)
    return ()


def _reading(code: zxingcpp.Barcode, *, inverted: bool) -> Reading:
    place = code.position
    one, two, three, four = (
        (float(point.x), float(point.y)) for point in (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    )
    modules = len(np.asarray(code.to_image(scale=1, add_quiet_zones=False)))
    return Reading(text=code.text, corners=(one, two, three, four), modules=modules, inverted=inverted)


@functools.cache
def decoders() -> dict[str, Decoder]:
    """Return the installed decoders by name."""
    return {ZXING: reads_with_zxing} | _zbar() | _wechat()


def reads_with_zxing(picture: Image.Image, url: str) -> bool:
    """Return whether zxing reads ``url``."""
    return any(code.text == url for code in zxingcpp.read_barcodes(picture, formats=_QR_CODES, try_invert=False))


def _zbar() -> dict[str, Decoder]:
    try:
        from deqr import QRdecDecoder  # noqa: PLC0415
    except ImportError:
        return {}
    reader = QRdecDecoder()

    def reads(picture: Image.Image, url: str) -> bool:
        found = reader.decode(picture, convert_data=False)
        return any(b"".join(entry.data for entry in code.data_entries) == url.encode() for code in found)

    return {ZBAR: reads}


def _wechat() -> dict[str, Decoder]:
    try:
        from cv2.wechat_qrcode import WeChatQRCode  # noqa: PLC0415  (opencv-python has no such module, opencv-contrib-python has)
    except ImportError:
        return {}
    reader = WeChatQRCode()

    def reads(picture: Image.Image, url: str) -> bool:
        try:
            texts, _ = reader.detectAndDecode(np.asarray(picture))
        except UnicodeDecodeError:  # somebody's code that holds GBK
            return False
        return url in texts

    return {WECHAT: reads}

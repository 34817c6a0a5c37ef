"""Photographs of a code as people take them: from farther and farther away, and spoilt in the ways that photographs are.

Each is made from the finished picture with a fixed seed, so the same poster is photographed alike on every machine.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageFilter

from pipeline.poster.decoders import Reading

VIEW_PX = 1080
"""What a phone's viewfinder is wide: where the ladder begins, the picture's shorter side is so long."""

STEPS = tuple(2 ** (step / 6) for step in range(13))
"""How many times as far away as there: 1 to 4, each step 12 % farther."""

_LARGEST_MODULE_PX = 12.0  # nearer than that every decoder reads, and the photographs would be large
_AROUND = 0.6  # what may disturb beside the code, in widths of the code
_WALL = 150  # grey behind a tilted sheet
_SEED = 7

Spoiling = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, kw_only=True)
class Endurance:
    """How many of the photographs were read, and up to how many times the distance those of every kind were.

    ``reach`` is one of STEPS, or 0 where the nearest photograph of some kind was not read.
    """

    decodings: int
    trials: int
    reach: float


def endure(picture: Image.Image, code: Reading, module_px: float, reads: Callable[[Image.Image], bool]) -> Endurance:
    """Return which photographs of ``code`` in ``picture`` (mode L) are read; ``module_px`` is a module where the ladder begins.

    Only the code and what stands beside it is photographed: a module has 8 px and fewer, so that a sheet of two metres costs no
    more than a picture for phones, and the sheet as a whole is read by itself.
    """
    cut = surroundings_of(picture, code)
    nearest = min(module_px, _LARGEST_MODULE_PX) / code.module_px
    seen = [resized(cut, nearest / step) for step in STEPS]
    results = [[reads(spoil(photograph)) for photograph in seen] for spoil in SPOILINGS.values()]
    rungs = min(next((rung for rung, was_read in enumerate(kind) if not was_read), len(kind)) for kind in results)
    return Endurance(
        decodings=sum(map(sum, results)),
        trials=len(STEPS) * len(results),
        reach=STEPS[rungs - 1] if rungs else 0.0,
    )


def surroundings_of(picture: Image.Image, code: Reading) -> Image.Image:
    """Return the part of a picture with a code and what stands within six tenths of its width."""
    across, down = zip(*code.corners, strict=True)
    around = _AROUND * code.module_px * code.modules
    left, top = max(min(across) - around, 0), max(min(down) - around, 0)
    right, bottom = min(max(across) + around, picture.width), min(max(down) + around, picture.height)
    return picture.crop((round(left), round(top), round(right), round(bottom)))


def resized(picture: Image.Image, factor: float) -> Image.Image:
    """Return it that many times as large, as a sensor sees it: each of its cells counts the light that falls on it."""
    size = (max(round(picture.width * factor), 1), max(round(picture.height * factor), 1))
    return picture.resize(size, Image.Resampling.BOX)


# The ways to spoil a photograph, all in mode L


def blur(picture: Image.Image, radius_px: float = 1.0) -> Image.Image:
    """Return it out of focus: a Gaussian of that standard deviation."""
    return picture.filter(ImageFilter.GaussianBlur(radius_px))


def tilt(picture: Image.Image) -> Image.Image:
    """Return it as seen from far to the left: its right edge is a quarter smaller, and it is a quarter narrower."""
    width, height = picture.size
    inset = 0.22
    seen = ((0.0, 0.0), (width * (1 - inset), height * inset), (width * (1 - inset), height * (1 - inset)), (0.0, float(height)))
    return in_perspective(picture, seen)


def in_perspective(picture: Image.Image, corners: tuple[tuple[float, float], ...]) -> Image.Image:
    """Return it with its four corners, clockwise from the top left, at those points, and a grey wall behind it."""
    width, height = picture.size
    flat = ((0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height)))
    coefficients = projection(corners, flat)
    return picture.transform(picture.size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC, fillcolor=_WALL)


def projection(seen: tuple[tuple[float, float], ...], flat: tuple[tuple[float, float], ...]) -> tuple[float, ...]:
    """Return the eight numbers with which Pillow takes four points ``seen`` from four points of a picture, ``flat``."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(seen, flat, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    return tuple(float(number) for number in np.linalg.solve(np.array(rows), np.array(wanted)))


def darken(picture: Image.Image) -> Image.Image:
    """Return it at dusk: a little soft, white at 30 % of full scale, with a sensor's noise."""
    dark = blur(picture, 0.5).point([round(12 + value * 63 / 255) for value in range(256)])
    return add_noise(dark, 4)


def add_noise(picture: Image.Image, deviation: float) -> Image.Image:
    """Return it with Gaussian noise, in steps of 256."""
    noise = np.random.default_rng(_SEED).standard_normal((picture.height, picture.width), np.float32)
    noisy = np.asarray(picture, np.float32) + deviation * noise
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def compress(picture: Image.Image, quality: int = 30) -> Image.Image:
    """Return it as a messenger hands it on."""
    data = io.BytesIO()
    blur(picture, 0.4).save(data, "JPEG", quality=quality)
    return Image.open(data).convert("L")


def photocopy(picture: Image.Image) -> Image.Image:
    """Return a copy of a copy: each soft, hard in contrast and pale, so that what is not dark enough is lost."""
    for _ in range(2):
        picture = blur(picture, 0.6).point([min(max(round(1.6 * (value - 128) + 150), 0), 255) for value in range(256)])
    return add_noise(picture, 6)


SPOILINGS: Mapping[str, Spoiling] = MappingProxyType(
    {
        "far": lambda picture: picture,
        "blurred": blur,
        "tilted": tilt,
        "dark": darken,
        "compressed": compress,
        "photocopied": photocopy,
    }
)
"""What a proof photographs a code with."""

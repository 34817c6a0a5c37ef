"""Flat shapes on an RGB picture, with smooth edges."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, ImageDraw

from pipeline.designs import rgb
from pipeline.poster.layout import CodePlace, Rectangle
from pipeline.qr import Matrix, dark_runs

_OVERSAMPLING = 4


def tint(picture: Image.Image, area: Rectangle, colour: str, opacity: float = 1) -> None:
    """Lay ``colour`` over an upright area; ``opacity`` runs from 0 to 1."""
    mask = Image.new("L", (area.width, area.height), round(255 * opacity))
    picture.paste(rgb(colour), (area.left, area.top), mask)


def rounded(picture: Image.Image, area: Rectangle, radius_px: float, colour: str) -> None:
    """Fill an area with round corners."""
    corner = radius_px * _OVERSAMPLING

    def draw(canvas: ImageDraw.ImageDraw, width: int, height: int) -> None:
        canvas.rounded_rectangle((0, 0, width - 1, height - 1), corner, fill=255)

    _smooth(picture, area, colour, draw)


def disc(picture: Image.Image, x: float, y: float, radius_px: float, colour: str) -> None:
    """Fill a circle around ``x``, ``y``."""
    left, top, right, bottom = int(x - radius_px) - 1, int(y - radius_px) - 1, int(x + radius_px) + 2, int(y + radius_px) + 2
    area = Rectangle(name="", left=left, top=top, right=right, bottom=bottom)

    def draw(canvas: ImageDraw.ImageDraw, _width: int, _height: int) -> None:
        ends = (x - radius_px - left, y - radius_px - top, x + radius_px - left, y + radius_px - top)
        canvas.ellipse(tuple(end * _OVERSAMPLING for end in ends), fill=255)

    _smooth(picture, area, colour, draw)


def code(picture: Image.Image, place: CodePlace, matrix: Matrix, colour: str) -> None:
    """Draw the code in whole pixels, with hard edges."""
    canvas = ImageDraw.Draw(picture)
    side = place.module_px
    for x, y, width in dark_runs(matrix):
        left, top = place.left + x * side, place.top + y * side
        canvas.rectangle((left, top, left + width * side - 1, top + side - 1), fill=rgb(colour))


def _smooth(picture: Image.Image, area: Rectangle, colour: str, draw: Callable[[ImageDraw.ImageDraw, int, int], None]) -> None:
    """Fill what ``draw`` puts on a mask four times the size: ImageDraw itself has no smooth edges."""
    mask = Image.new("L", (area.width * _OVERSAMPLING, area.height * _OVERSAMPLING), 0)
    draw(ImageDraw.Draw(mask), *mask.size)
    picture.paste(rgb(colour), (area.left, area.top), mask.resize((area.width, area.height), Image.Resampling.BOX))

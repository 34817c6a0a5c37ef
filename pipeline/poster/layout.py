"""Where everything stands on the poster, in pixels from the trim's top left corner, and the check that nothing collides."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.errors import DesignError, Problem
from pipeline.poster import typeset
from pipeline.poster.design import CREAM, PAPER, Design, mix
from pipeline.poster.formats import Box, PosterFormat, TextBox
from pipeline.poster.lettering import Lettering
from pipeline.qr import QUIET_ZONE_MODULES, Matrix

_BORDER_MM = 0.8
_SUBTITLE_GAP_EM = 0.75
_CLEARANCE_MM = 1.5
_TWO_COLUMNS_EM = 2.2  # what two title columns with the gap between them are wide
_SEAL_EM = 0.40
_BLACK = "#000000"


@dataclass(frozen=True, kw_only=True)
class Rectangle:
    """A named part of the poster in px."""

    name: str
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, kw_only=True)
class Text:
    """A block of type, where its top left corner stands, and its colour."""

    block: typeset.Block
    left: int
    top: int
    fill: str
    name: str

    @property
    def rectangle(self) -> Rectangle:
        """What the block covers."""
        right, bottom = self.left + math.ceil(self.block.width_px), self.top + math.ceil(self.block.height_px)
        return Rectangle(name=self.name, left=self.left, top=self.top, right=right, bottom=bottom)


@dataclass(frozen=True, kw_only=True)
class CodePlace:
    """The white card in px, and the code on it: whole pixels a module, ``left``/``top`` at the first module."""

    card: Rectangle
    border_px: int
    module_px: int
    left: int
    top: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Everything that stands on the picture. ``route`` holds the centres of the stops in px."""

    texts: tuple[Text, ...]
    seal: Rectangle | None
    seal_texts: tuple[Text, ...]
    route: Rectangle | None
    rule: Rectangle | None
    code: CodePlace | None


@dataclass(frozen=True, kw_only=True)
class Inks:
    """The colours of type on the cream panel, mixed from the aspect's deep colour."""

    headline: str
    body: str
    quiet: str
    strong: str
    line: str


def panel_inks(design: Design) -> Inks:
    """Return the panel's colours: body 9 : 1 and quiet lines 4.5 : 1 or more on the paper."""
    headline = mix(design.deep, _BLACK, 0.5)
    return Inks(
        headline=headline,
        body=mix(headline, PAPER, 0.1),
        quiet=mix(headline, PAPER, 0.3),
        strong=design.deep,
        line=mix(design.deep, PAPER, 0.66),
    )


class _Setter:
    """The sizes and fonts of one format, so that each line of the layout is one call."""

    def __init__(self, poster_format: PosterFormat, design: Design) -> None:
        self.format, self.design, self.scale = poster_format, design, poster_format.px_per_mm

    def px(self, length_mm: float) -> int:
        return round(length_mm * self.scale)

    def rectangle(self, name: str, box: Box) -> Rectangle:
        left, top = self.px(box.x_mm), self.px(box.y_mm)
        return Rectangle(name=name, left=left, top=top, right=left + self.px(box.width_mm), bottom=top + self.px(box.height_mm))

"""Glyphs of a typeface: how far they reach, which are missing, and how a set block of them is drawn.

Measures are in em of a big reference size, so a text is laid out alike at every size; drawing places each glyph at a
fraction of a pixel. The fonts' em box reaches from 0.12 em below the baseline to 0.88 em above it (BASE table, tag ``ideo``).
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ASCENT_EM = 0.88
DESCENT_EM = 0.12
ADVANCE_REFERENCE_PX = 1000
INK_REFERENCE_PX = 250
PROBE_PX = 48
REGULAR = 400
SIZE_PROBES = "国永口中Hx"  # a font of rare characters alone may have none
NO_CHARACTER = "\U0010ffff"
OVERSAMPLING = ((64, 4), (200, 2))  # below that size in pixels, painted so many times bigger

Colour = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle; y grows downwards. In em or in pixels, as its user says."""

    left: float
    top: float
    right: float
    bottom: float

    def scaled(self, factor: float) -> Box:
        """The box with every edge multiplied."""
        return Box(left=self.left * factor, top=self.top * factor, right=self.right * factor, bottom=self.bottom * factor)

    def moved(self, x: float, y: float) -> Box:
        """The box shifted to the right and down."""
        return Box(left=self.left + x, top=self.top + y, right=self.right + x, bottom=self.bottom + y)


@dataclass(frozen=True, kw_only=True)
class Font:
    """A font file, its ``weight`` (100 to 900) where it has an axis for that, and how many times bigger it is drawn.

    ``scale`` makes a font that stands in for another look as big as that one.
    """

    file: Path
    weight: int
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Typeface:
    """A font file of a weight, and those that stand in for the characters it lacks, the first choice first."""

    file: Path
    weight: int
    stand_ins: tuple[Path, ...] = ()

    def font_for(self, text: str) -> Font:
        """The first font that has all of ``text``; the typeface's own where none has."""
        own = Font(file=self.file, weight=self.weight)
        file = next((file for file in (self.file, *self.stand_ins) if not any(_lacks(file, each) for each in text)), self.file)
        return own if file == self.file else replace(own, file=file, scale=_optical_scale(self.file, file))


@dataclass(frozen=True, kw_only=True)
class Glyph:
    """Characters of one font drawn together, with the origin of their baseline.

    ``text`` is what is read; ``shape`` is drawn for it where that is another character, as the vertical form of a mark.
    ``rotated`` lies clockwise, ``stretch`` widens along the baseline: 纵中横 is narrowed so, a dash is drawn out to its two em.
    """

    text: str
    font: Font
    x: float
    y: float
    shape: str = ""
    rotated: bool = False
    stretch: float = 1.0

    @property
    def drawn(self) -> str:
        """The characters whose outlines are drawn."""
        return self.shape or self.text


@dataclass(frozen=True, kw_only=True)
class Block:
    """Text set and measured, in pixels from its upper left corner; all ink lies inside.

    ``lines`` counts lines or columns; ``baseline_px`` is where the first horizontal line stands.
    """

    size_px: float
    width_px: float
    height_px: float
    baseline_px: float
    lines: int
    glyphs: tuple[Glyph, ...]


@lru_cache(maxsize=24)  # a face takes about 4 MB
def load_font(path: Path, size_px: float, weight: int = REGULAR) -> ImageFont.FreeTypeFont:
    """The font at that size, at that weight if it is variable; every caller gets the same one.

    Pillow's own plain layout: its other one, raqm, needs a library of the system's, and machines without it would draw other
    posters. So vertical forms are characters of their own here, and pairs of letters are not kerned.
    """
    font = ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)
    try:
        axes = font.get_variation_axes()
    except OSError:
        return font  # not variable
    font.set_variation_by_axes([_setting(axis, weight) for axis in axes])
    return font


def _setting(axis: ImageFont.Axis, weight: int) -> float:
    """Where a variable font's axis is set: its weight as near as it goes, all others where its designer set them."""
    if axis["name"] != b"Weight":
        return axis["default"] or 0
    return min(max(weight, axis["minimum"] or 0), axis["maximum"] or 0)


@cache
def is_font(path: Path) -> bool:
    """Tell whether a file is a font that can be drawn with."""
    try:
        load_font(path, 10)
    except OSError:
        return False
    return True


@lru_cache(maxsize=65536)
def advance_em(font: Font, text: str) -> float:
    """How far the pen moves over a horizontal run."""
    loaded = load_font(font.file, ADVANCE_REFERENCE_PX, font.weight)
    return font.scale * loaded.getlength(text) / ADVANCE_REFERENCE_PX


@lru_cache(maxsize=65536)
def ink_em(font: Font, text: str) -> Box:
    """What a horizontal run blackens, in em from the origin of its baseline."""
    mask, (x, y) = load_font(font.file, INK_REFERENCE_PX, font.weight).getmask2(text, mode="L", anchor="ls")
    left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
    return Box(left=left, top=top, right=right, bottom=bottom).moved(x, y).scaled(font.scale / INK_REFERENCE_PX)


def _optical_scale(house: Path, stand_in: Path) -> float:
    """How many times bigger a font is drawn to look as big as the house's: by the height of a character that both have."""
    shared = next((each for each in SIZE_PROBES if not _lacks(house, each) and not _lacks(stand_in, each)), None)
    if shared is None:
        return 1.0
    heights = [ink.bottom - ink.top for ink in (ink_em(Font(file=file, weight=REGULAR), shared) for file in (house, stand_in))]
    return heights[0] / heights[1] if heights[1] else 1.0


def ink_of(glyph: Glyph) -> Box:
    """What a glyph blackens where it stands; all in em."""
    ink = ink_em(glyph.font, glyph.drawn)
    left, right = ink.left * glyph.stretch, ink.right * glyph.stretch
    if glyph.rotated:
        return Box(left=-ink.bottom, top=left, right=-ink.top, bottom=right).moved(glyph.x, glyph.y)
    return Box(left=left, top=ink.top, right=right, bottom=ink.bottom).moved(glyph.x, glyph.y)


def draw(image: Image.Image, block: Block, xy: tuple[float, float], fill: Colour) -> None:
    """Draw a block on an RGB image with its upper left corner at ``xy``, anti-aliased.

    All glyphs go into one mask and the colour through it once: ImageDraw would overwrite the alpha of an RGBA image. FreeType
    starts glyphs on whole pixels, which shows in small text, so the mask of small text is painted bigger and reduced.
    """
    factor = next((factor for limit, factor in OVERSAMPLING if block.size_px < limit), 1)
    left, top = math.floor(xy[0]) - 2, math.floor(xy[1]) - 2
    size = math.ceil(xy[0] + block.width_px) + 2 - left, math.ceil(xy[1] + block.height_px) + 2 - top
    mask = Image.new("L", (size[0] * factor, size[1] * factor))
    for glyph in block.glyphs:
        x, y = (glyph.x + xy[0] - left) * factor, (glyph.y + xy[1] - top) * factor
        _draw_glyph(mask, replace(glyph, x=x, y=y), block.size_px * factor)
    image.paste(fill, (left, top), mask.reduce(factor) if factor > 1 else mask)


def _draw_glyph(mask: Image.Image, glyph: Glyph, size_px: float) -> None:
    """Add a glyph, placed in pixels, to the mask."""
    font = load_font(glyph.font.file, size_px * glyph.font.scale, glyph.font.weight)
    if glyph.stretch == 1 and not glyph.rotated:
        ImageDraw.Draw(mask).text((glyph.x, glyph.y), glyph.drawn, fill=255, font=font, anchor="ls")
        return
    # Turned or drawn out: painted level by itself, brought to its width, then turned and laid on.
    ink = ink_em(glyph.font, glyph.drawn).scaled(size_px)
    left, top = math.floor(ink.left) - 2, math.floor(ink.top) - 2
    level = Image.new("L", (math.ceil(ink.right) + 2 - left, math.ceil(ink.bottom) + 2 - top))
    ImageDraw.Draw(level).text((-left, -top), glyph.drawn, fill=255, font=font, anchor="ls")
    if glyph.stretch != 1:
        level = level.resize((round(level.width * glyph.stretch), level.height), Image.Resampling.BICUBIC)
    if glyph.rotated:
        turned = level.transpose(Image.Transpose.ROTATE_270)
        mask.paste(255, (round(glyph.x) - top - level.height, round(glyph.y + left * glyph.stretch)), turned)
    else:
        mask.paste(255, (round(glyph.x + left * glyph.stretch), round(glyph.y + top)), level)


def is_visible(character: str) -> bool:
    """Whether a font must have it: neither white space nor an invisible control such as U+200B."""
    return not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf")


def missing_characters(text: str, typefaces: Sequence[Typeface]) -> tuple[str, ...]:
    """The characters that at least one of ``typefaces`` lacks, stand-ins and all, each once, in the order of the text.

    A character is missing when a font draws its ``.notdef`` for it; U+10FFFF is no character and shows what that looks like.
    White space is no matter of fonts. Neither are invisible controls: the typesetter leaves them out.
    """
    characters = dict.fromkeys(unicodedata.normalize("NFC", text))
    return tuple(
        character
        for character in characters
        if is_visible(character)
        and any(all(_lacks(file, character) for file in (face.file, *face.stand_ins)) for face in typefaces)
    )


@lru_cache(maxsize=65536)
def _lacks(path: Path, character: str) -> bool:
    return _extent(path, character) == _extent(path, NO_CHARACTER) and _picture(path, character) == _picture(path, NO_CHARACTER)


@lru_cache(maxsize=1024)
def _extent(path: Path, character: str) -> tuple[float, float, float, float]:
    return load_font(path, PROBE_PX).getbbox(character, anchor="ls")


@lru_cache(maxsize=64)
def _picture(path: Path, character: str) -> bytes:
    picture = Image.new("L", (2 * PROBE_PX, 2 * PROBE_PX))
    font = load_font(path, PROBE_PX)
    ImageDraw.Draw(picture).text((PROBE_PX / 2, PROBE_PX * 1.5), character, fill=255, font=font, anchor="ls")
    return picture.tobytes()

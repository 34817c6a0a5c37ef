"""Glyphs of one font: how far they reach, which are missing, and how a set block of them is drawn.

Measures are in em of a big reference size, so a text is laid out alike at every size; drawing places each glyph at a
fraction of a pixel. The fonts' em box reaches from 0.12 em below the baseline to 0.88 em above it (BASE table, tag ``ideo``).
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ASCENT_EM = 0.88
DESCENT_EM = 0.12
ADVANCE_REFERENCE_PX = 1000
INK_REFERENCE_PX = 250
PROBE_PX = 48
OVERSAMPLING = 4

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
class Glyph:
    """Characters drawn together, with the origin of their baseline.

    ``vertical_form`` asks for the font's ``vert`` shape, ``rotated`` lies clockwise, ``stretch`` widens along the
    baseline: 纵中横 is narrowed so, a dash is drawn out to its two em.
    """

    text: str
    x: float
    y: float
    vertical_form: bool = False
    rotated: bool = False
    stretch: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Block:
    """Text set and measured, in pixels from its upper left corner; all ink lies inside.

    ``lines`` counts lines or columns; ``baseline_px`` is where the first horizontal line stands.
    """

    font: Path
    size_px: float
    width_px: float
    height_px: float
    baseline_px: float
    lines: int
    glyphs: tuple[Glyph, ...]

    @property
    def text(self) -> str:
        """What is drawn, in reading order, without spaces."""
        return "".join(glyph.text for glyph in self.glyphs)


@lru_cache(maxsize=256)
def load_font(path: Path, size_px: float) -> ImageFont.FreeTypeFont:
    """The font at that size, shaped by raqm; every caller gets the same one."""
    return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.RAQM)


@lru_cache(maxsize=65536)
def advance_em(path: Path, text: str) -> float:
    """How far the pen moves over a horizontal run, kerning included."""
    return load_font(path, ADVANCE_REFERENCE_PX).getlength(text) / ADVANCE_REFERENCE_PX


@lru_cache(maxsize=65536)
def ink_em(path: Path, text: str, *, vertical_form: bool = False) -> Box:
    """What a horizontal run blackens, in em from the origin of its baseline."""
    features = ["vert"] if vertical_form else None
    mask, (x, y) = load_font(path, INK_REFERENCE_PX).getmask2(text, mode="L", anchor="ls", features=features)
    bounds = mask.getbbox() or (0, 0, 0, 0)
    left, top, right, bottom = (edge / INK_REFERENCE_PX for edge in bounds)
    return Box(left=left, top=top, right=right, bottom=bottom).moved(x / INK_REFERENCE_PX, y / INK_REFERENCE_PX)


def ink_of(path: Path, glyph: Glyph) -> Box:
    """What a glyph blackens where it stands; all in em."""
    ink = ink_em(path, glyph.text, vertical_form=glyph.vertical_form)
    left, right = ink.left * glyph.stretch, ink.right * glyph.stretch
    if glyph.rotated:
        return Box(left=-ink.bottom, top=left, right=-ink.top, bottom=right).moved(glyph.x, glyph.y)
    return Box(left=left, top=ink.top, right=right, bottom=ink.bottom).moved(glyph.x, glyph.y)


def draw(image: Image.Image, block: Block, xy: tuple[float, float], fill: Colour) -> None:
    """Draw a block on an RGB image with its upper left corner at ``xy``, anti-aliased.

    All glyphs go into one mask and the colour through it once: ImageDraw would overwrite the alpha of an RGBA image.
    """
    left, top = math.floor(xy[0]) - 1, math.floor(xy[1]) - 1
    mask = Image.new("L", (math.ceil(block.width_px) + 4, math.ceil(block.height_px) + 4))
    for glyph in block.glyphs:
        _draw_glyph(mask, block, glyph, glyph.x + xy[0] - left, glyph.y + xy[1] - top)
    image.paste(fill, (left, top), mask)


def _draw_glyph(mask: Image.Image, block: Block, glyph: Glyph, x: float, y: float) -> None:
    if glyph.stretch == 1 and not glyph.rotated:
        features = ["vert"] if glyph.vertical_form else None
        font = load_font(block.font, block.size_px)
        ImageDraw.Draw(mask).text((x, y), glyph.text, fill=255, font=font, anchor="ls", features=features)
        return
    # Turned or drawn out: painted bigger, with the origin on a whole pixel of the small picture, then reduced.
    ink = ink_of(block.font, Glyph(text=glyph.text, x=0, y=0, stretch=glyph.stretch)).scaled(block.size_px)
    u, v = (y, -x) if glyph.rotated else (x, y)
    start, above = math.floor(u + ink.left) - 2, math.floor(v + ink.top) - 2
    width, height = math.ceil(u + ink.right) + 2 - start, math.ceil(v + ink.bottom) + 2 - above
    font = load_font(block.font, block.size_px * OVERSAMPLING)
    big_width = max(1, round(width * OVERSAMPLING / glyph.stretch))
    big = Image.new("L", (big_width, height * OVERSAMPLING))
    origin = ((u - start) * big_width / width, (v - above) * OVERSAMPLING)
    ImageDraw.Draw(big).text(origin, glyph.text, fill=255, font=font, anchor="ls")
    small = big.resize((width, height), Image.Resampling.BOX)
    if glyph.rotated:
        small = small.transpose(Image.Transpose.ROTATE_270)
        mask.paste(255, (-above - height, start), small)
    else:
        mask.paste(255, (start, above), small)


def missing_characters(text: str, fonts: Sequence[Path]) -> tuple[str, ...]:
    """The characters that at least one of ``fonts`` lacks, each once, in the order of the text.

    A character is missing when the font draws its ``.notdef`` for it; U+10FFFF is no character and shows what that looks like.
    White space is no matter of fonts. Neither are invisible controls: the typesetter leaves them out.
    """
    characters = dict.fromkeys(unicodedata.normalize("NFC", text))
    visible = [character for character in characters if not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf")]
    return tuple(character for character in visible if any(_lacks(font, character) for font in fonts))


def name_characters(characters: Sequence[str]) -> str:
    """The characters with their code points, as a person can look for them: ``𠮷（U+20BB7）、龘（U+9F98）``."""
    return "、".join(f"{character}（U+{ord(character):04X}）" for character in characters)


@lru_cache(maxsize=65536)
def _lacks(path: Path, character: str) -> bool:
    return _picture(path, character) == _picture(path, "\U0010ffff")


def _picture(path: Path, character: str) -> tuple[float, tuple[int, int], bytes]:
    font = load_font(path, PROBE_PX)
    mask, _ = font.getmask2(character, mode="L", anchor="ls")
    picture = Image.new("L", (max(mask.size[0], 1), max(mask.size[1], 1)))
    ImageDraw.Draw(picture).text((0, 0), character, fill=255, font=font, anchor="lt")
    return font.getlength(character), mask.size, picture.tobytes()

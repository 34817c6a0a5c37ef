# mypy: ignore-errors
"""Draw the small fonts beside this script; needs ``fonttools``, which the program does not. The same call gives the same bytes.

    python make_fonts.py

Their few glyphs are plain frames of our own, under the licence of the project: a rare character's is a frame, whatever its real form.
"""

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables.TupleVariation import TupleVariation

HERE = Path(__file__).parent
LONG_AGO = 0  # the clock would make every run another file


def frame(left, bottom, right, top, stroke):
    """A rectangle's outline, its stroke inwards."""
    pen = TTGlyphPen(None)
    inner = (left + stroke, bottom + stroke, right - stroke, top - stroke)
    for (x0, y0, x1, y1), turned in (((left, bottom, right, top), False), (inner, True)):
        corners = [(x0, y0), (x0, y1), (x1, y1), (x1, y0)]
        corners = corners[::-1] if turned else corners
        pen.moveTo(corners[0])
        for corner in corners[1:]:
            pen.lineTo(corner)
        pen.closePath()
    return pen.glyph()


def build(name, characters, advance, box, stroke, *, variable=False):
    """Write a font of 1000 units an em whose characters are all one frame."""
    names = [f"u{ord(character):04X}" for character in characters]
    order = [".notdef", *names]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap({ord(character): each for character, each in zip(characters, names, strict=True)})
    builder.setupGlyf({".notdef": frame(50, 0, 450, 700, 40)} | {each: frame(*box, stroke) for each in names})
    builder.setupHorizontalMetrics({".notdef": (500, 50)} | dict.fromkeys(names, (advance, box[0])))
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    if variable:
        builder.setupFvar([("wght", 100, 100, 900, "Weight")], [])
        # Points: the outer frame's four stay, the inner frame's four move inwards, then the four phantom points.
        moved = [(0, 0)] * 4 + [(-100, 100), (-100, -100), (100, -100), (100, 100)] + [(0, 0)] * 4
        builder.setupGvar({".notdef": []} | {each: [TupleVariation({"wght": (0, 1, 1)}, moved)] for each in names})
    builder.font["head"].created = builder.font["head"].modified = LONG_AGO
    builder.font.recalcTimestamp = False
    builder.save(HERE / f"{name}.ttf")


build("Rare", "𰻞国a", 800, (80, 0, 720, 640), 60)
build("RareSerif", "𰻞", 1000, (50, -70, 950, 830), 200)
build("RareVariable", "𰻞", 1000, (50, -70, 950, 830), 60, variable=True)

"""Text cut into signs: what stands in one cell or may not be divided, and the blanks between them.

Sources: W3C Requirements for Chinese Text Layout (clreq): 3.1.4 行首行尾禁则, 3.1.5 符号分离禁则, 3.1.6 标点符号的宽度调整,
3.2 mixed text (blank between Han and Latin, 纵中横). GB/T 15834-2011: 5.1 and 5.2, place and form of marks on lines and in
columns.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from pipeline.poster.glyphs import ASCENT_EM, DESCENT_EM, Glyph, Typeface, advance_em, ink_em, is_visible, missing_characters

OPENERS = frozenset("（《「『【〔〈［｛“‘〖")
POINTS = frozenset("，。、；：！？．")
CLOSERS = POINTS | frozenset("）》」』】〕〉］｝”’〗")
TALL_POINTS = frozenset("；：！？")  # in columns they fill their cell
DOTS = frozenset("·‧・•")
NO_LINE_START = CLOSERS | DOTS | frozenset("—⸺…～〜－／｜/,.;:!?)]}%％‰℃㎡°′″×÷")
NO_LINE_END = OPENERS | frozenset("([{／￥¥$€£＄№#＃")
FIGURES = frozenset("0123456789０１２３４５６７８９")
FIGURE_LINKS = frozenset("—–～〜－×÷±≈≥≤＞＜＋＝·")  # a figure stays with one of these before it: 3～5, 8:00—20:00, ±3
VERTICAL_QUOTES = str.maketrans("“”‘’", "『』「」")  # GB/T 15834-2011, 5.2: the quotation marks of columns
# The characters that Unicode gives to what marks look like in columns (Vertical Forms, CJK Compatibility Forms).
VERTICAL_FORMS = dict(
    zip(
        "，、。：；！？〖〗‥（）｛｝〔〕【】《》〈〉「」『』［］＿",
        "︐︑︒︓︔︕︖︗︘︰︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄﹇﹈︳",
        strict=True,
    )
)
LYING = frozenset("～〜＝－｜￣〘〙〚〛")  # in columns they are turned as they are. Source: UAX #50, value R or Tr

HAN_LATIN_EM = 0.2
DASH_MARGIN_EM = 0.12
DOT_EM = 0.5
HALF_EM = 0.5
MARK_SHRINK_EM = 0.25
BLANK_SHRINK_EM = 0.08
TATE_CHUU_YOKO = re.compile(r"[0-9A-Za-z]{1,2}")
TATE_WIDTH_EM = 0.94
CENTRE_EM = (ASCENT_EM - DESCENT_EM) / 2

# One sign at a time: dashes and dots in a row, a Latin word with its marks, else a single character.
_CUT = re.compile(r"[—⸺]+|…+|(?P<latin>\x00+)|.", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Sign:
    """One indivisible part of a line, in em.

    ``glyphs`` are placed with x along the line from the sign's start and y across it. ``lead_em`` and ``tail_em`` are blanks
    that vanish at a line's start and end. ``before_em`` is the blank to the sign before it on the same line, negative where
    adjacent marks are squeezed; it may shrink by ``shrink_em``. Where a sign is ``breakable`` a line may end before it, and
    full lines are drawn out there. ``letters`` counts what a reader would call a character: marks are none.
    """

    text: str
    length_em: float
    glyphs: tuple[Glyph, ...]
    letters: int
    lead_em: float = 0.0
    tail_em: float = 0.0
    before_em: float = 0.0
    shrink_em: float = 0.0
    spaced: bool = False
    breakable: bool = False


def clean(text: str) -> str:
    """The text in NFC with single spaces, without invisible controls; line feeds stay."""
    lines = unicodedata.normalize("NFC", text).split("\n")
    return "\n".join(" ".join("".join(c for c in line if is_visible(c) or c.isspace()).split()) for line in lines)


def cut(
    text: str, face: Typeface, *, vertical: bool = False, half_marks: bool = False, tracking_em: float = 0.0
) -> tuple[Sign, ...]:
    """The signs of one line of text.

    ``half_marks`` gives marks half an em everywhere, as titles want it (clreq 3.1.6); otherwise only where clreq 3.1.6 squeezes.
    """
    text = re.sub(r"(?<=[A-Za-z])’(?=[A-Za-z])", "'", clean(text).replace("\n", " "))
    if vertical:
        text = text.translate(VERTICAL_QUOTES)
    shadow = "".join("\x00" if _is_latin(character) else character for character in text)
    signs: list[Sign] = []
    spaced = False
    for match in _CUT.finditer(shadow):
        part = text[match.start() : match.end()]
        if part == " ":
            spaced = True
            continue
        sign = _sign(part, face, vertical=vertical, latin=match["latin"] is not None, tracking_em=tracking_em)
        if half_marks:
            sign = _halved(sign)
        signs.append(_joined(signs[-1], sign, face, spaced=spaced, vertical=vertical, tracking_em=tracking_em) if signs else sign)
        spaced = False
    return tuple(signs)


def _is_latin(character: str) -> bool:
    if character == " " or character in NO_LINE_START - set("/,.;:!?)]}%°"):
        return False
    narrow = unicodedata.east_asian_width(character) not in ("W", "F")
    return character.isascii() or character in "°¥£€¹²³" or (narrow and unicodedata.category(character)[0] == "L")


def _sign(text: str, face: Typeface, *, vertical: bool, latin: bool, tracking_em: float) -> Sign:
    if latin:
        return _latin(text, face, vertical=vertical, tracking_em=tracking_em)
    if text[0] in "—⸺":
        return _dash(text, face, vertical=vertical)
    if text[0] == "…":
        font = face.font_for(text)
        glyphs = tuple(Glyph(text=dots, font=font, x=place, y=0, rotated=vertical) for place, dots in enumerate(text))
        return Sign(text=text, length_em=len(text), glyphs=glyphs, letters=0)
    return _dot(text, face, vertical=vertical) if text in DOTS else _cell(text, face, vertical=vertical)


def _dot(text: str, face: Typeface, *, vertical: bool) -> Sign:
    """A middle dot in half an em (GB/T 15834-2011, 5.1: 间隔号)."""
    font = face.font_for(text)
    ink = ink_em(font, text)
    middle = (ink.left + ink.right) / 2
    along, across = (DOT_EM / 2 - ASCENT_EM + CENTRE_EM, 0.5 - middle) if vertical else (DOT_EM / 2 - middle, 0.0)
    return Sign(text=text, length_em=DOT_EM, glyphs=(Glyph(text=text, font=font, x=along, y=across),), letters=0)


def _cell(text: str, face: Typeface, *, vertical: bool) -> Sign:
    """A Han character, or a mark with the half of its cell that is blank."""
    shape = _vertical_form(text, face) if vertical else ""
    font = face.font_for(shape or text)
    advance = advance_em(font, text)
    wide = unicodedata.east_asian_width(text) == "W" and font.file in face.stand_ins
    length = 1.0 if vertical or wide else advance  # a stand-in's cell is not always an em
    glyph = Glyph(text=text, font=font, x=0, y=0, shape=shape)
    if vertical and text in LYING:
        glyph = replace(glyph, rotated=True)
    elif vertical:
        glyph = replace(glyph, y=(1 - advance) / 2)
    else:
        glyph = replace(glyph, x=(length - advance) / 2)
    has_tail = text in CLOSERS and not (vertical and text in TALL_POINTS)
    return Sign(
        text=text,
        length_em=length,
        glyphs=(glyph,),
        letters=0 if text in OPENERS | CLOSERS else 1,
        lead_em=HALF_EM if text in OPENERS else 0.0,
        tail_em=HALF_EM if has_tail else 0.0,
    )


def _vertical_form(text: str, face: Typeface) -> str:
    """The character for a mark's vertical form; empty where there is none, or a font of the designer's lacks it."""
    form = VERTICAL_FORMS.get(text, "")
    return "" if missing_characters(form, [face]) else form


def _latin(text: str, face: Typeface, *, vertical: bool, tracking_em: float) -> Sign:
    letters = sum(character.isalnum() for character in text)
    if vertical and TATE_CHUU_YOKO.fullmatch(text):
        font = face.font_for(text)
        ink = ink_em(font, text)
        stretch = min(1.0, TATE_WIDTH_EM / (ink.right - ink.left))
        across = 0.5 - stretch * (ink.left + ink.right) / 2
        # Capitals and figures reach 0.73 em: in a cell they stand a little higher than on a line, in its middle.
        along = (-ink.top - ink.bottom) / 2 - CENTRE_EM
        return Sign(
            text=text, length_em=1.0, glyphs=(Glyph(text=text, font=font, x=along, y=across, stretch=stretch),), letters=letters
        )
    # Every letter is placed by itself, so that words are equally long at all sizes.
    fonts = [face.font_for(letter) for letter in text]
    advances = [advance_em(font, letter) for font, letter in zip(fonts, text, strict=True)]
    starts = [sum(advances[:number]) + number * tracking_em for number in range(len(text))]
    inks = [ink_em(font, letter).moved(start, 0) for font, letter, start in zip(fonts, text, starts, strict=True)]
    overhang = max(0.0, -min(ink.left for ink in inks))
    reach = max(ink.right for ink in inks)
    placed = zip(text, fonts, starts, strict=True)
    glyphs = tuple(Glyph(text=letter, font=font, x=start + overhang, y=0, rotated=vertical) for letter, font, start in placed)
    return Sign(text=text, length_em=max(starts[-1] + advances[-1], reach) + overhang, glyphs=glyphs, letters=letters)


def _dash(text: str, face: Typeface, *, vertical: bool) -> Sign:
    """A dash of one em for each U+2014, drawn out to its full length and in the middle of the line (clreq 3.1.5)."""
    length = sum(2.0 if dash == "⸺" else 1.0 for dash in text)
    shape = "⸺" if length > 1 and not missing_characters("⸺", [face]) else "—"
    font = face.font_for(shape)
    ink = ink_em(font, shape)
    stretch = (length - 2 * DASH_MARGIN_EM) / (ink.right - ink.left)
    along = length / 2 - stretch * (ink.left + ink.right) / 2
    across = -CENTRE_EM - (ink.top + ink.bottom) / 2
    glyph = Glyph(text=text, font=font, x=along, y=across, shape=shape, rotated=vertical, stretch=stretch)
    return Sign(text=text, length_em=length, glyphs=(glyph,), letters=0)


def _halved(sign: Sign) -> Sign:
    glyphs = tuple(replace(glyph, x=glyph.x - sign.lead_em) for glyph in sign.glyphs)
    return replace(sign, length_em=sign.length_em - sign.lead_em - sign.tail_em, lead_em=0.0, tail_em=0.0, glyphs=glyphs)


def _joined(before: Sign, sign: Sign, face: Typeface, *, spaced: bool, vertical: bool, tracking_em: float) -> Sign:
    """The sign with its blank to the one before."""
    blank, shrink = _blank(before, sign, face, spaced=spaced, vertical=vertical)
    return replace(
        sign,
        before_em=blank + tracking_em,
        shrink_em=shrink,
        spaced=spaced,
        breakable=sign.text[0] not in NO_LINE_START
        and before.text[-1] not in NO_LINE_END
        and not _is_one_figure(before, sign, spaced=spaced),
    )


def _is_one_figure(before: Sign, sign: Sign, *, spaced: bool) -> bool:
    """Whether two signs are one figure or word: the ends of a range, a telephone number in groups, a number and its unit."""
    end, start = before.text[-1], sign.text[0]
    if spaced:
        return end in FIGURES and start.isascii() and start.isalnum()
    return (_is_full_width_letter(end) and _is_full_width_letter(start)) or (before.text in FIGURE_LINKS and start in FIGURES)


def _is_full_width_letter(character: str) -> bool:
    """Whether it is a Latin letter or a figure in a cell of its own, as Chinese input methods type them: Ａ, １."""
    return unicodedata.east_asian_width(character) == "F" and character.isalnum()


def _blank(before: Sign, sign: Sign, face: Typeface, *, spaced: bool, vertical: bool) -> tuple[float, float]:
    """The blank between two signs and how much of it may go."""
    if before.tail_em and (sign.lead_em or sign.tail_em):
        return -before.tail_em, 0.0
    if before.lead_em and sign.lead_em:
        return -sign.lead_em, 0.0
    if before.tail_em or sign.lead_em:
        return 0.0, MARK_SHRINK_EM
    latin = _is_latin(before.text[-1]), _is_latin(sign.text[0])
    one_is_latin = latin[0] != latin[1] and not (vertical and (_is_upright(before) or _is_upright(sign)))
    if one_is_latin and before.text[-1] not in OPENERS and sign.text[0] not in CLOSERS:
        edge, han = (before.text[-1], sign.text[0]) if latin[0] else (sign.text[0], before.text[-1])
        mixed = (edge.isalnum() or edge in "%°+#&") and han.isalnum() and min(before.letters, sign.letters) > 0
        return (HAN_LATIN_EM, BLANK_SHRINK_EM) if mixed or spaced else (0.0, 0.0)
    if spaced and not (CLOSERS | OPENERS) & {before.text[-1], sign.text[0]}:
        return advance_em(face.font_for(" "), " "), BLANK_SHRINK_EM
    return 0.0, 0.0


def _is_upright(sign: Sign) -> bool:
    """Whether a Latin sign stands upright in its cell and so needs no blank around it."""
    return _is_latin(sign.text[0]) and not sign.glyphs[0].rotated

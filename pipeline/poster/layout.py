"""Where everything stands on the poster, in pixels from the trim's top left corner."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from pipeline.designs import CREAM, mix
from pipeline.poster import typeset
from pipeline.poster.design import PAPER, Design
from pipeline.poster.formats import Box, CodeBox, PosterFormat, TextBox
from pipeline.poster.glyphs import Block, Typeface
from pipeline.poster.lettering import Lettering
from pipeline.poster.lines import share_out
from pipeline.poster.placing import level, scaled
from pipeline.poster.signs import cut
from pipeline.qr import QUIET_ZONE_MODULES, Matrix

CARD_RADIUS_MM = 3
_LEFT, _CENTRE, _RIGHT = 0.0, 0.5, 1.0
_BORDER_MM = 0.8
_SUBTITLE_GAP_EM = 0.8
_SUBTITLE_TRACKING_EM = 0.06
_ONE_COLUMN_SHARE = 0.84
_LEVEL_TITLE_LEADING, _ONE_LINE_SHARE, _LEVEL_SUBTITLE_GAP_EM = 1.16, 0.75, 0.7
_TWO_COLUMNS_EM = 2.25  # what two title columns and the gap between them are wide
_RULE_MM = 0.35
_ADDRESS_BREAKS = "./-"


@dataclass(frozen=True, kw_only=True)
class Rectangle:
    """A named part of the poster in px; right and bottom are exclusive."""

    name: str
    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Width in px."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Height in px."""
        return self.bottom - self.top

    def moved(self, by_px: int) -> Rectangle:
        """Return it further right and down by so many px."""
        edges = {name: getattr(self, name) + by_px for name in ("left", "top", "right", "bottom")}
        return replace(self, **edges)


@dataclass(frozen=True, kw_only=True)
class Text:
    """A block of type with its colour, and what it covers."""

    block: Block
    fill: str
    rectangle: Rectangle

    def moved(self, by_px: int) -> Text:
        """Return it further right and down by so many px."""
        return replace(self, rectangle=self.rectangle.moved(by_px))


@dataclass(frozen=True, kw_only=True)
class CodePlace:
    """The white card, and the code on it in whole pixels a module; ``left`` and ``top`` are the first module's."""

    card: Rectangle
    border_px: int
    module_px: int
    left: int
    top: int

    def moved(self, by_px: int) -> CodePlace:
        """Return it further right and down by so many px."""
        return replace(self, card=self.card.moved(by_px), left=self.left + by_px, top=self.top + by_px)


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A text that its box cannot hold even at the smallest size: how many of its characters go in.

    ``line`` is the field of the lettering; ``word`` may not be divided and is wider than the box, empty where that is not why.
    """

    line: str
    text: str
    fitting: int
    word: str


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Everything that stands on the picture; None where the format has no box for it. What is in ``misfits`` is in no other."""

    texts: tuple[Text, ...]
    misfits: tuple[Misfit, ...]
    rule: Rectangle | None
    seal: Rectangle | None
    seal_texts: tuple[Text, ...]
    route: Rectangle | None
    code: CodePlace | None
    foot: Rectangle | None

    @property
    def rectangles(self) -> tuple[Rectangle, ...]:
        """All parts that may not meet."""
        others = (self.rule, self.seal, self.route, self.code.card if self.code else None)
        return (*(text.rectangle for text in self.texts), *(part for part in others if part))

    def moved(self, by_px: int) -> Layout:
        """Return the layout as it stands on a sheet with so much bleed."""
        return replace(
            self,
            texts=tuple(each.moved(by_px) for each in self.texts),
            seal_texts=tuple(each.moved(by_px) for each in self.seal_texts),
            rule=self.rule and self.rule.moved(by_px),
            seal=self.seal and self.seal.moved(by_px),
            route=self.route and self.route.moved(by_px),
            code=self.code and self.code.moved(by_px),
            foot=self.foot and self.foot.moved(by_px),
        )


_Placed = tuple[Text, ...] | None
_Setting = Callable[[str], _Placed]
"""Sets a text in its box; None where it does not fit."""


@dataclass(frozen=True, kw_only=True)
class Inks:
    """The colours of the cream panel, mixed from the aspect's deep colour."""

    headline: str
    body: str
    quiet: str
    line: str


def panel_inks(design: Design) -> Inks:
    """Return the panel's colours; all type stands 4.5 : 1 or more on the paper."""
    headline = mix(design.deep, "#000000", 0.5)
    line = mix(design.deep, PAPER, 0.66)
    return Inks(headline=headline, body=mix(headline, PAPER, 0.1), quiet=mix(headline, PAPER, 0.3), line=line)


def lay_out(poster_format: PosterFormat, design: Design, lettering: Lettering, matrix: Matrix | None) -> Layout:
    """Return where each line stands, with its em fitted to its box, and which lines do not fit."""
    scale, inks, boxes = poster_format.px_per_mm, panel_inks(design), poster_format
    texts: list[Text] = []
    misfits: list[Misfit] = []

    def attempt(line: str, text: str, setting: _Setting, word: Callable[[str], str] = lambda _: "") -> None:
        placed = setting(text)
        if placed is None:
            fitting = typeset.count_fitting(text, lambda words: setting(words) is not None)
            misfits.append(Misfit(line=line, text=text, fitting=fitting, word=word(text)))
        else:
            texts.extend(placed)

    title = _level_title if _is_level(boxes.title) else _title
    attempt("title", lettering.title, partial(title, boxes.title, design.serif_black, scale))
    if boxes.subtitle and lettering.subtitle:
        beside = texts[0].rectangle if texts else _rectangle("标题", boxes.title, scale)
        subtitle = _level_subtitle if _is_level(boxes.title) else _subtitle
        attempt("subtitle", lettering.subtitle, partial(subtitle, boxes.subtitle, design, beside, scale))
    signature = (CREAM, _CENTRE) if boxes.foot else (inks.quiet, _LEFT)  # in the foot, under the series' name
    lines: tuple[tuple[str, str, TextBox | None, Typeface, str, float, float], ...] = (
        ("header_left", "页眉", boxes.header, design.sans_bold, CREAM, _LEFT, 1),
        ("header_right", "期号", boxes.header, design.sans_regular, CREAM, _RIGHT, 0.86),
        ("headline", "站名", boxes.headline, design.serif_black, inks.headline, _LEFT, 1),
        ("facts", "时长和站次", boxes.facts, design.sans_bold, design.deep, _LEFT, 1),
        ("signature", "署名", boxes.signature, design.sans_regular, *signature, 1),
        ("call", "扫码提示", boxes.call, design.serif_black, design.deep, _CENTRE, 1),
        ("brand", "系列名称", boxes.brand, design.serif_black, CREAM, _CENTRE, 1),
    )
    for line, name, box, face, fill, align, shrink in lines:
        if box and (text := getattr(lettering, line)):
            attempt(line, text, partial(_line, name, box, face, fill, scale, align=align, shrink=shrink))
    if boxes.summary:
        face, sizes = design.sans_regular, (boxes.summary.min_mm * scale, boxes.summary.width_mm * scale)
        setting = partial(_paragraph, boxes.summary, face, inks.body, scale)
        attempt("summary", lettering.summary, setting, lambda text: typeset.too_wide_word(text, face, *sizes))
    if boxes.address:
        faces = (design.sans_medium, design.sans_bold)
        setting = partial(_address, boxes.address, faces, inks.body, scale, placement=lettering.placement)
        attempt("address", lettering.address, setting)
    return Layout(
        texts=tuple(texts),
        misfits=tuple(misfits),
        rule=_rule(boxes.header, scale) if boxes.header else None,
        seal=_rectangle("印章", boxes.seal, scale) if boxes.seal else None,
        seal_texts=_seal(boxes.seal, lettering.seal, design.serif_black, scale) if boxes.seal else (),
        route=_rectangle("路线", boxes.route, scale) if boxes.route else None,
        code=_code(boxes.code, matrix, scale) if boxes.code and matrix else None,
        foot=_foot(boxes, scale),
    )


def route_stops(route: Rectangle, stop_count: int) -> tuple[float, ...]:
    """Return the x of each stop's centre in px, evenly from one end of ``route`` to the other."""
    radius = route.height / 2
    step = (route.width - 2 * radius) / max(stop_count - 1, 1)
    return tuple(route.left + radius + number * step for number in range(stop_count))


def _rectangle(name: str, box: Box, scale: float) -> Rectangle:
    left, top = round(box.x_mm * scale), round(box.y_mm * scale)
    right, bottom = left + round(box.width_mm * scale), top + round(box.height_mm * scale)
    return Rectangle(name=name, left=left, top=top, right=right, bottom=bottom)


def _text(name: str, block: Block, fill: str, left: float, top: float) -> Text:
    x, y = round(left), round(top)
    right, bottom = x + math.ceil(block.width_px), y + math.ceil(block.height_px)
    return Text(block=block, fill=fill, rectangle=Rectangle(name=name, left=x, top=y, right=right, bottom=bottom))


def _line(
    name: str, box: TextBox, face: Typeface, fill: str, scale: float, text: str, *, align: float, shrink: float = 1
) -> _Placed:
    """Return ``text`` on one line, centred in the box's height; ``align`` runs from 0 (left) to 1 (right)."""
    width_px = box.width_mm * scale
    block = typeset.fit_line(text, face, width_px, box.min_mm * shrink * scale, box.max_mm * shrink * scale)
    if block is None:
        return None
    left = box.x_mm * scale + align * (width_px - block.width_px)
    top = box.y_mm * scale + (box.height_mm * scale - block.height_px) / 2
    return (_text(name, block, fill, left, top),)


def _title(box: TextBox, face: Typeface, scale: float, text: str) -> _Placed:
    """Return the title in one column as long as that is the larger type, else in two."""
    height_px, width_px = box.height_mm * scale, box.width_mm * scale
    two_columns_px = width_px / _TWO_COLUMNS_EM
    block = typeset.fit_title_column(text, face, height_px, two_columns_px, min(box.max_mm * scale, width_px), max_columns=1)
    block = block or typeset.fit_title_column(text, face, height_px, box.min_mm * scale, two_columns_px)
    return (_text("标题", block, CREAM, box.x_mm * scale, box.y_mm * scale),) if block else None


def _is_level(title: TextBox) -> bool:
    """Whether a format's title lies on a line: where the picture is wide there is no height for a column."""
    return title.width_mm > title.height_mm


def _level_title(box: TextBox, face: Typeface, scale: float, text: str) -> _Placed:
    """Return the title on one line as long as that keeps it large, else on two."""
    signs = cut(text, face, half_marks=True)
    if not signs:
        return None
    largest_px, sizes_px = box.max_mm * scale, []
    settings = [level(share_out(signs, count), leading=_LEVEL_TITLE_LEADING, optical=True) for count in (1, 2)]
    for _, cells, _ in settings:
        across_px, down_px = box.width_mm * scale / (cells.right - cells.left), box.height_mm * scale / (cells.bottom - cells.top)
        sizes_px.append(min(largest_px, across_px, down_px))
    chosen = 0 if sizes_px[0] >= _ONE_LINE_SHARE * sizes_px[1] else 1
    if sizes_px[chosen] < box.min_mm * scale:
        return None
    return (_text("标题", scaled(sizes_px[chosen], *settings[chosen]), CREAM, box.x_mm * scale, box.y_mm * scale),)


def _level_subtitle(box: TextBox, design: Design, title: Rectangle, scale: float, text: str) -> _Placed:
    """Return the subtitle on a line of its own under the title."""
    sizes_px = (box.min_mm * scale, box.max_mm * scale)
    block = typeset.fit_line(text, design.serif_black, box.width_mm * scale, *sizes_px)
    if block is None:
        return None
    top = title.bottom + _LEVEL_SUBTITLE_GAP_EM * block.size_px
    if top + block.height_px > (box.y_mm + box.height_mm) * scale:
        return None
    return (_text("副标题", block, design.light, box.x_mm * scale, top),)


def _subtitle(box: TextBox, design: Design, title: Rectangle, scale: float, text: str) -> _Placed:
    """Return the subtitle beside the title: in one column as long as that keeps its type large, else in two."""
    left = max(box.x_mm * scale, title.right + _SUBTITLE_GAP_EM * box.max_mm * scale)
    width_px, height_px = (box.x_mm + box.width_mm) * scale - left, box.height_mm * scale
    max_px, min_px = box.max_mm * scale, box.min_mm * scale

    def fit(columns: int, smallest_px: float) -> Block | None:
        sizes_px = (smallest_px, max_px)
        return typeset.fit_column(
            text, design.serif_black, width_px, height_px, *sizes_px, max_columns=columns, tracking_em=_SUBTITLE_TRACKING_EM
        )

    block = fit(1, max(_ONE_COLUMN_SHARE * max_px, min_px)) or fit(2, min_px)
    return (_text("副标题", block, design.light, left, box.y_mm * scale),) if block else None


def _paragraph(box: TextBox, face: Typeface, fill: str, scale: float, text: str) -> _Placed:
    sizes_px = (box.min_mm * scale, box.max_mm * scale)
    block = typeset.fit_paragraph(text, face, box.width_mm * scale, box.height_mm * scale, *sizes_px, box.leading)
    return (_text("简介", block, fill, box.x_mm * scale, box.y_mm * scale),) if block else None


def _seal(box: Box, text: str, face: Typeface, scale: float) -> tuple[Text, ...]:
    """Return the seal's signs in two columns, read from the right as seals are."""
    per_column = max(math.ceil(len(text) / 2), 1)
    cell_px = box.height_mm * scale * 0.9 / per_column
    size_px = min(cell_px, box.width_mm * scale * 0.45) * 0.92
    middle_x, middle_y = (box.x_mm + box.width_mm / 2) * scale, (box.y_mm + box.height_mm / 2) * scale
    placed = []
    for number, sign in enumerate(text):
        column, row = divmod(number, per_column)
        block = typeset.set_line(sign, face, size_px)
        x = middle_x + (0.5 - column) * box.width_mm * scale * 0.45
        y = middle_y + (row - (per_column - 1) / 2) * cell_px
        placed.append(_text("印章", block, CREAM, x - block.width_px / 2, y - block.height_px / 2))
    return tuple(placed)


def _address(box: TextBox, faces: tuple[Typeface, Typeface], fill: str, scale: float, text: str, *, placement: str) -> _Placed:
    """Return the address on one centred line, or broken after a stop, slash or hyphen into two of one size.

    The place where a copy hangs stands on the second line, behind the rest of an address that is so long.
    """
    line_box = replace(box, height_mm=box.height_mm / 2)
    below = replace(line_box, y_mm=box.y_mm + line_box.height_mm)
    whole = _line("网址", line_box, faces[0], fill, scale, text, align=_CENTRE)
    if whole:
        place = _line("点位", below, faces[1], fill, scale, placement, align=_CENTRE) if placement else ()
        return None if place is None else (*whole, *place)
    for end in (end for end in range(len(text) - 1, 0, -1) if text[end - 1] in _ADDRESS_BREAKS):
        first = _line("网址", line_box, faces[0], fill, scale, text[:end], align=_CENTRE)
        if first:
            size_mm = first[0].block.size_px / scale
            same_size = replace(below, max_mm=size_mm, min_mm=size_mm)
            rest = f"{text[end:]}　{placement}" if placement else text[end:]
            second = _line("网址", same_size, faces[0], fill, scale, rest, align=_CENTRE)
            if second:
                return (*first, *second)
    return None


def _code(box: CodeBox, matrix: Matrix, scale: float) -> CodePlace:
    """Return the code centred on its card with as many whole pixels a module as go in."""
    card = _rectangle("二维码", box, scale)
    border_px = max(1, round(_BORDER_MM * scale))
    side_modules = len(matrix) + 2 * QUIET_ZONE_MODULES
    # Beside the border, what the round corners take of the diagonal, so that the quiet zone is white to its corners.
    lost_mm = (CARD_RADIUS_MM - _BORDER_MM) * (1 - math.sqrt(0.5))
    module_px = max(0, int(card.width - 2 * (border_px + lost_mm * scale)) // side_modules)
    margin = (card.width - len(matrix) * module_px) // 2
    return CodePlace(card=card, border_px=border_px, module_px=module_px, left=card.left + margin, top=card.top + margin)


def _foot(poster_format: PosterFormat, scale: float) -> Rectangle | None:
    """Return the strip at the sheet's foot, its band included; what bleeds off is drawn further than this."""
    if poster_format.foot is None:
        return None
    top = round(poster_format.foot.y_mm * scale)
    return Rectangle(name="底", left=0, top=top, right=poster_format.width_px, bottom=poster_format.height_px)


def _rule(box: TextBox, scale: float) -> Rectangle:
    """Return the hairline at the foot of the header."""
    foot = round((box.y_mm + box.height_mm) * scale)
    left, right = round(box.x_mm * scale), round((box.x_mm + box.width_mm) * scale)
    return Rectangle(name="页眉线", left=left, top=foot, right=right, bottom=foot + max(1, round(_RULE_MM * scale)))

"""A poster's design: the motif, the colours and the fonts of one aspect."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.designs import HOUSE, design_file, read_colours
from pipeline.errors import DesignError, Problem
from pipeline.model import Photo
from pipeline.poster.glyphs import Typeface, is_font

PAPER = "#F9F3E7"
SEAL_RED = "#CE3424"
WHITE = "#FFFFFF"

_FONTS = {
    "serif_black": ("NotoSerifSC-Black.woff2", 900),
    "sans_regular": ("NotoSansSC-Regular.woff2", 400),
    "sans_medium": ("NotoSansSC-Medium.woff2", 500),
    "sans_bold": ("NotoSansSC-Bold.woff2", 700),
}
_HOUSE_FONTS = frozenset(file for file, _ in _FONTS.values())
_FONT_SUFFIXES = frozenset((".ttf", ".otf", ".woff2", ".ttc"))
_FOR_TITLES = re.compile("serif|song|宋|bold|black|heavy", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Design:
    """What a poster is drawn with. Colours are ``#RRGGBB``.

    ``deep`` is the sky's top and the code's ink, ``main`` the sky at the horizon, ``accent`` lines, ``light`` subtitle and
    waveform. A ``photo`` stands where the motif's hero would.
    """

    art: Path
    deep: str
    main: str
    accent: str
    light: str
    serif_black: Typeface
    sans_regular: Typeface
    sans_medium: Typeface
    sans_bold: Typeface
    photo: Photo | None = None

    @property
    def fonts(self) -> tuple[Typeface, ...]:
        """All typefaces."""
        return (self.serif_black, self.sans_regular, self.sans_medium, self.sans_bold)


def load_design(aspect_key: str, *folders: Path) -> Design:
    """Return the design of an aspect, or of the series' cover for ``SERIES``.

    It is the program's own, overridden file by file (``art/<key>.svg``, ``palette.toml``, ``fonts/``) by each folder in turn.
    Font files of any other name stand in for characters that the program's fonts lack.

    Raises:
        DesignError: JX-D05 without a motif, JX-D06 without colours, JX-D07 without a font, JX-D18 with one that is none.
    """
    problems: list[Problem] = []
    art = design_file(f"art/{aspect_key}.svg", *folders)
    if not art.is_file():
        fix = f"请把这个方面的图案画好，存成 {art.name}"
        problems.append(Problem(place=art, cause=f"没有“{aspect_key}”的海报图案", fix=fix, code="JX-D05"))
    try:
        colours = read_colours(aspect_key, *folders)
    except DesignError as error:
        problems += error.problems
    fonts = {name: design_file(f"fonts/{file}", *folders) for name, (file, _) in _FONTS.items()}
    stand_ins = _stand_ins((HOUSE, *folders))
    problems += [
        Problem(place=file, cause="缺少海报用的字体", fix="请重新安装程序，或把字体放回这里", code="JX-D07")
        for file in fonts.values()
        if not file.is_file()
    ]
    problems += [
        Problem(place=file, cause="这个字体文件打不开", fix="请重新拷一遍，或删掉它", code="JX-D18")
        for file in (*fonts.values(), *stand_ins)
        if file.is_file() and not is_font(file)
    ]
    if problems:
        raise DesignError(problems)
    for_titles = tuple(sorted(stand_ins, key=lambda file: not _FOR_TITLES.search(file.stem)))
    for_text = tuple(sorted(stand_ins, key=lambda file: bool(_FOR_TITLES.search(file.stem))))

    def typeface(name: str) -> Typeface:
        return Typeface(file=fonts[name], weight=_FONTS[name][1], stand_ins=for_titles if name == "serif_black" else for_text)

    return Design(
        art=art,
        deep=colours.deep,
        main=colours.main,
        accent=colours.accent,
        light=colours.light,
        serif_black=typeface("serif_black"),
        sans_regular=typeface("sans_regular"),
        sans_medium=typeface("sans_medium"),
        sans_bold=typeface("sans_bold"),
    )


def _stand_ins(layers: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the font files that replace none of the program's, by name; a later layer's wins."""
    files = {
        file.name: file
        for layer in layers
        for file in (layer / "fonts").glob("[!.]*")  # what macOS copies beside a file begins with a dot
        if file.suffix.lower() in _FONT_SUFFIXES and file.name not in _HOUSE_FONTS
    }
    return tuple(files[name] for name in sorted(files))

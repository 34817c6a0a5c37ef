"""The site's style and its script: as written, in the palette of the posters, without what only developers read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.designs import CREAM, SERIES, luminance, mix, read_colours, rgb
from pipeline.errors import DesignError
from pipeline.model import Aspect

_ASSETS = Path(__file__).parent / "assets"
# What words stand on, as site.css has it: by day, and by night.
_DAY, _NIGHT = "#FAF4E8", "#221B15"
_READABLE = 4.6  # WCAG 2.2, 1.4.3 asks for 4.5, and screens round
_EASY = 7.0  # links and headings, read outdoors
_STEPS = 50


def style_sheet(names: Sequence[str], aspects: Sequence[Aspect], *designs: Path) -> str:
    """Return the assets of those names as one style sheet, in the colours of the posters.

    Those stand in palette.toml: the program's, or that of the last of ``designs`` that has one. An aspect without colours has
    the series'.

    Raises:
        DesignError: JX-D06, when the series itself has none.
    """
    tokens = [f":root,[data-aspect={SERIES}]{{{_tokens(SERIES, *designs)}}}"]
    for aspect in aspects:
        try:
            tokens.append(f'[data-aspect="{aspect.key}"]{{{_tokens(aspect.key, *designs)}}}')
        except DesignError:
            continue  # its posters are refused with the reason; a page can be shown
    return "\n".join([*tokens, *map(_compact_style, names)])


def script(*names: str) -> str:
    """Return the assets of those names as one script that leaves nothing behind in the window."""
    parts = (_without_comments(read_asset(name), r"^\s*//[^\n]*$") for name in names)
    return '(() => {\n"use strict";\n' + "".join(parts) + "})();\n"


def read_asset(name: str) -> str:
    """Return an asset's text: as text, because a checkout on Windows has other line ends and addresses must not differ."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def _tokens(key: str, *designs: Path) -> str:
    """Return the custom properties of one aspect.

    ``fill`` is what cream words of any size can be read on, ``strong`` is for links and headings on paper, ``bright`` for those
    by night.
    """
    colours = read_colours(key, *designs)
    near_main = _towards(colours.deep, colours.main, against=CREAM, ratio=_READABLE)
    tokens = {
        "deep": colours.deep,
        "main": colours.main,
        "accent": colours.accent,
        "fill": _towards("#000000", near_main, against=CREAM, ratio=_READABLE),  # where deep is pale as well
        "strong": _towards("#000000", colours.deep, against=_DAY, ratio=_EASY),
        "bright": _towards("#FFFFFF", colours.accent, against=_NIGHT, ratio=_EASY),
    }
    return ";".join(f"--{name}:{colour.lower()}" for name, colour in tokens.items())


def _towards(sure: str, wanted: str, *, against: str, ratio: float) -> str:
    """Return ``wanted`` with as little of ``sure`` mixed in as it takes to stand out ``against`` a colour by ``ratio``."""
    for step in range(_STEPS):
        mixed = mix(wanted, sure, step / _STEPS)
        if contrast(mixed, against) >= ratio:
            return mixed
    return sure


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21. Source: WCAG 2.2, contrast ratio."""
    dark, light = sorted(float(luminance(np.array(rgb(colour), dtype=np.float64))) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _compact_style(name: str) -> str:
    return re.sub(r"\s*([{};,])\s*|(?<=:)\s+", r"\1", _without_comments(read_asset(name), r"/\*.*?\*/"))


def _without_comments(text: str, comment: str) -> str:
    """Return the text without comments, indentation and empty lines: a sixth less to fetch, and still a text to read."""
    bare = re.sub(comment, "", text, flags=re.DOTALL | re.MULTILINE)
    return "\n".join(line.strip() for line in bare.splitlines() if line.strip()) + "\n"

"""The designs that posters and pages share: the program's own, a workspace's over them file by file, and their colours."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DesignError, Problem

HOUSE = Path(__file__).parents[1] / "posters"
"""The program's own designs."""

SERIES = "series"
"""The palette's key for what belongs to no aspect."""

CREAM = "#FFF3DA"

_COLOURS = ("deep", "main", "accent", "light")


@dataclass(frozen=True, kw_only=True)
class Colours:
    """The colours of one aspect as ``#RRGGBB``.

    ``deep`` is the darkest and the code's ink, ``main`` the field, ``accent`` lines and rings, ``light`` type on the field.
    """

    deep: str
    main: str
    accent: str
    light: str


def design_file(name: str, *folders: Path) -> Path:
    """Return the file of that name in the last of the workspace's ``folders`` that has it, else the program's."""
    return next((folder / name for folder in reversed(folders) if (folder / name).is_file()), HOUSE / name)


def read_colours(key: str, *folders: Path) -> Colours:
    """Return an aspect's colours, or the series' for ``SERIES``, from palette.toml.

    Raises:
        DesignError: JX-D06 for each colour that is missing or none, or when the file cannot be read.
    """
    palette = design_file("palette.toml", *folders)
    try:
        written = tomllib.loads(palette.read_text(encoding="utf-8")).get(key)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        cause, fix = f"配色文件读不懂：{error}", "请照着程序自带的配色文件改一改"
        raise DesignError([Problem(place=palette, cause=cause, fix=fix, code="JX-D06")]) from None
    colours = (
        {name: str(written.get(name, "")) for name in _COLOURS} if isinstance(written, dict) else dict.fromkeys(_COLOURS, "")
    )
    problems = [
        Problem(
            place=palette,
            cause=f"“{key}”没有合格的颜色 {name}",
            fix=f'请在 [{key}] 下写 {name} = "#RRGGBB"，用六位十六进制数',
            code="JX-D06",
        )
        for name, colour in colours.items()
        if not re.fullmatch("#[0-9A-Fa-f]{6}", colour)
    ]
    if problems:
        raise DesignError(problems)
    return Colours(**colours)


def rgb(colour: str) -> tuple[int, int, int]:
    """Return ``#RRGGBB`` as three numbers from 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(first: str, second: str, share: float) -> str:
    """Return ``first`` with ``share`` (0 to 1) of ``second`` mixed in, as ``#RRGGBB``."""
    mixed = (round(a + (b - a) * share) for a, b in zip(rgb(first), rgb(second), strict=True))
    return "#" + "".join(f"{channel:02X}" for channel in mixed)


def luminance(pixels: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the relative luminance, 0 to 1, of (..., 3) colours from 0 to 255. Source: WCAG 2.2, relative luminance."""
    share = pixels / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - the formula
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))

# ruff: noqa: INP001 - a recipe that lies beside what it makes, no package
"""Cut the poster fonts out of the Noto CJK collections; needs ``fonttools`` and ``brotli``, which the program itself does not.

    python make_fonts.py /usr/share/fonts/opentype/noto
    python make_fonts.py --characters Unihan_OtherMappings.txt[.bz2]

The first call writes the four ``.woff2`` files beside this script from ``characters.txt``. The second writes ``characters.txt``
anew. The same inputs and the versions named in PROVENANCE.md give the same bytes.
"""

from __future__ import annotations

import bz2
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

HERE = Path(__file__).parent
CHARACTERS = HERE / "characters.txt"

FACES = {
    "NotoSansSC-Regular.woff2": ("NotoSansCJK-Regular.ttc", "Noto Sans CJK SC"),
    "NotoSansSC-Medium.woff2": ("NotoSansCJK-Medium.ttc", "Noto Sans CJK SC Medium"),
    "NotoSansSC-Bold.woff2": ("NotoSansCJK-Bold.ttc", "Noto Sans CJK SC Bold"),
    "NotoSerifSC-Black.woff2": ("NotoSerifCJK-Black.ttc", "Noto Serif CJK SC Black"),
}

FEATURES = ["ccmp", "locl", "mark", "kern", "vkrn", "vert", "vrt2", "palt", "halt", "vpal", "vhal"]

# `locl` reaches the Japanese, Korean and Taiwanese shapes of every character; only the mainland ones are kept.
SCRIPTS = [f"{script}.{language}" for script in ("DFLT", "cyrl", "grek", "hani", "kana", "latn") for language in ("dflt", "ZHS ")]

# Words of the Hakka and Cantonese speech that residents use, which neither standard list holds.
DIALECT = "𠊎佢哋嘅冇咁嗰啱喺咗嚟唔畀睇攞孻粄恁嘢唞嗌冚啲嘞咩嘥氹掹煠烳囥㧡㧯㾀焗餸瞓攰靓嚿搵揾瘌曱甴"

RANGES = (
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x00FF),  # Latin-1
    (0x2010, 0x2016),  # dashes
    (0x2018, 0x201A),  # single quotation marks
    (0x201C, 0x201E),  # double quotation marks
    (0x2460, 0x2473),  # ① to ⑳
    (0x3000, 0x301F),  # CJK symbols and punctuation
    (0xFE10, 0xFE19),  # vertical forms
    (0xFE30, 0xFE4F),  # vertical forms, continued
    (0xFF01, 0xFF5E),  # full-width forms
    (0xFFE0, 0xFFE6),  # full-width currency signs
)
SINGLE = "ĀāĒēĚěĪīŌōŪūǍǎǏǐǑǒǓǔǕǖǗǘǙǚǛǜǸǹḾḿŃńŇňÜüÊêẾếỀề‹›†‡•…‥‧‰′″※€™℃№←↑→↓↖↗↘↙⇒⇔●○◎★☆■□▲△▼▽◆◇♪♫✓·⸺"


def gb_2312() -> set[str]:
    """All characters of GB/T 2312-1980, as Python's codec maps them, with the dash and the dot that people type today."""
    pairs = (bytes((row, cell)) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    return {pair.decode("gb2312", errors="ignore") for pair in pairs} - {""} | set("—·")


def standard_list(other_mappings: Path) -> set[str]:
    """The 8105 characters of 通用规范汉字表 (2013), from the field kTGH of Unihan."""
    opened = bz2.open if other_mappings.suffix == ".bz2" else open
    with opened(other_mappings, "rt", encoding="utf-8") as lines:
        rows = [line.split("\t") for line in lines if "\tkTGH\t" in line]
    characters = {chr(int(row[0].removeprefix("U+"), 16)) for row in rows}
    if len(characters) != 8105:  # noqa: PLR2004 - the standard's own number
        raise SystemExit(f"kTGH names {len(characters)} characters, wanted 8105: is this Unihan 11 or newer?")
    return characters


def write_characters(other_mappings: Path) -> None:
    """Write ``characters.txt``: those of all lists that all four faces have, by code point, 64 to a line."""
    wanted = {chr(code) for first, last in RANGES for code in range(first, last + 1)} | set(SINGLE) | set(DIALECT)
    wanted |= gb_2312() | standard_list(other_mappings)
    ordered = sorted(character for character in wanted if character.isprintable() or character in "\u00a0\u3000")
    lines = ["".join(ordered[start : start + 64]) for start in range(0, len(ordered), 64)]
    CHARACTERS.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def characters() -> set[str]:
    """What ``characters.txt`` asks for; its line ends separate lines only."""
    return set(CHARACTERS.read_text(encoding="utf-8")) - {"\n"}


def open_face(folder: Path, file: str, face: str) -> TTFont:
    """The face of that name in a collection."""
    collection = TTCollection(folder / file, lazy=True)
    return next(font for font in collection.fonts if font["name"].getDebugName(4) == face)


def cut(font: TTFont, to: Path, wanted: set[str]) -> list[str]:
    """Write the part of ``font`` that ``wanted`` needs; the answer is what the font does not have."""
    options = Options()
    options.layout_features = FEATURES
    options.layout_scripts = SCRIPTS
    options.hinting = False
    options.desubroutinize = True  # brotli finds the repetitions better than subroutines do
    options.notdef_outline = True
    options.name_IDs = ["*"]
    options.name_languages = ["*"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[ord(character) for character in wanted])
    has = font.getBestCmap()
    lacking = sorted(character for character in wanted if ord(character) not in has)
    subsetter.subset(font)
    font.flavor = "woff2"
    font.recalcTimestamp = False  # the clock would make every run another file
    font.save(to)
    return lacking


def main(arguments: list[str]) -> None:
    """Do what the arguments ask for and say what was written."""
    match arguments:
        case ["--characters", other_mappings]:
            write_characters(Path(other_mappings))
            sys.stdout.write(f"{CHARACTERS.name}: {len(characters())} characters\n")
        case [folder]:
            for name, (file, face) in FACES.items():
                lacking = cut(open_face(Path(folder), file, face), HERE / name, characters())
                sys.stdout.write(f"{name}: {(HERE / name).stat().st_size} bytes, lacking {len(lacking)}: {' '.join(lacking)}\n")
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])

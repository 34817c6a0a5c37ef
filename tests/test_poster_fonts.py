"""What stands in for a character that the program's own fonts lack; the fonts here are ``samples/fonts``."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from pipeline.artefacts.store import record_path
from pipeline.designs import HOUSE
from pipeline.errors import DesignError
from pipeline.poster import Design, load_design, load_formats, typeset
from pipeline.poster.glyphs import Block, Font, Typeface, draw, ink_em, ink_of, missing_characters

SAMPLES = Path(__file__).parent / "samples" / "fonts"
RARE = "𰻞"
HOUSE_SERIF, HOUSE_SANS = HOUSE / "fonts" / "NotoSerifSC-Black.woff2", HOUSE / "fonts" / "NotoSansSC-Regular.woff2"
FACE = Typeface(file=HOUSE_SANS, weight=400, stand_ins=(SAMPLES / "Rare.ttf",))


def workspace(folder: Path, **files: str) -> Path:
    """A folder of designs that holds copies of the sample fonts, each under a name of its own."""
    (folder / "fonts").mkdir(parents=True)
    for name, sample in files.items():
        shutil.copy(SAMPLES / sample, folder / "fonts" / f"{name}.ttf")
    return folder


def ink(block: Block) -> int:
    """How much a block blackens."""
    image = Image.new("RGB", (round(block.width_px) + 20, round(block.height_px) + 20), "white")
    draw(image, block, (10, 10), (0, 0, 0))
    return sum(ImageChops.invert(image.convert("L")).histogram()[128:])


def fitted(block: Block | None) -> Block:
    assert block is not None
    return block


def test_without_another_font_a_rare_character_is_missing(tmp_path: Path) -> None:
    assert missing_characters(f"好{RARE}面", load_design("culture", tmp_path).fonts) == (RARE,)


def test_a_font_in_the_workspace_stands_in_for_what_the_own_ones_lack(tmp_path: Path) -> None:
    design = load_design("culture", workspace(tmp_path, mine="Rare.ttf"))
    assert missing_characters(f"好{RARE}面", design.fonts) == ()
    assert missing_characters("한", design.fonts) == ("한",)


def test_only_the_missing_character_is_drawn_with_the_other_font() -> None:
    block = typeset.set_line(f"国{RARE}面ab", FACE, 40)
    assert [glyph.font.file.name for glyph in block.glyphs] == [HOUSE_SANS.name, "Rare.ttf", *[HOUSE_SANS.name] * 3]


@pytest.mark.parametrize("setting", ["line", "paragraph", "column", "title"])
def test_the_other_font_serves_everywhere(setting: str) -> None:
    text = f"好生活{RARE}{RARE}面好吉祥的一天"
    blocks = {
        "line": typeset.fit_line(text, FACE, 400, 8, 40),
        "paragraph": typeset.fit_paragraph(text, FACE, 150, 400, 8, 40, 1.62),
        "column": typeset.fit_column(text, FACE, 150, 300, 8, 40, max_columns=2),
        "title": typeset.fit_title_column(text, FACE, 300, 8, 60),
    }
    block = fitted(blocks[setting])
    assert "".join(glyph.text for glyph in block.glyphs) == text
    for glyph in block.glyphs:
        box = ink_of(replace(glyph, x=glyph.x / block.size_px, y=glyph.y / block.size_px)).scaled(block.size_px)
        assert box.left >= -0.5
        assert box.top >= -0.5
        assert box.right <= block.width_px + 0.5
        assert box.bottom <= block.height_px + 0.5


def test_a_font_that_is_drawn_smaller_is_brought_to_the_same_size_on_the_same_baseline() -> None:
    wanted, found = ink_em(FACE.font_for("国"), "国"), ink_em(FACE.font_for(RARE), RARE)
    assert found.bottom - found.top == pytest.approx(wanted.bottom - wanted.top, abs=0.02)
    assert found.bottom == pytest.approx(0, abs=0.01)  # where its designer put it, and no higher


def test_a_han_character_of_another_font_takes_one_em_and_stands_in_its_middle() -> None:
    block = typeset.set_line(f"国{RARE}国", FACE, 100)
    first, rare, last = (ink_of(replace(glyph, x=glyph.x / 100, y=0)) for glyph in block.glyphs)
    assert last.left - first.left == pytest.approx(2, abs=0.01)
    assert (rare.left + rare.right) / 2 == pytest.approx((first.left + last.right) / 2, abs=0.03)


def test_a_font_whose_size_cannot_be_compared_is_drawn_as_it_is() -> None:
    face = replace(FACE, stand_ins=(SAMPLES / "RareSerif.ttf",))
    assert face.font_for(RARE) == Font(file=SAMPLES / "RareSerif.ttf", weight=400, scale=1.0)


def test_several_fonts_serve_in_the_order_of_their_names(tmp_path: Path) -> None:
    design = load_design("culture", workspace(tmp_path, b="Rare.ttf", a="Rare.ttf", c="Rare.ttf"))
    assert [file.stem for file in design.serif_black.stand_ins] == ["a", "b", "c"]
    assert design.sans_regular.font_for(RARE).file.stem == "a"


@pytest.mark.parametrize("name", ["SomeSerif", "思源宋体", "ZSong", "My-Bold", "my-black"])
def test_a_font_named_for_titles_comes_first_in_titles_and_last_in_text(name: str, tmp_path: Path) -> None:
    design = load_design("culture", workspace(tmp_path, **{name: "RareSerif.ttf", "M": "Rare.ttf"}))
    assert design.serif_black.font_for(RARE).file.stem == name
    assert [face.font_for(RARE).file.stem for face in design.fonts[1:]] == ["M"] * 3


def test_a_variable_font_takes_the_weight_of_the_line_it_stands_in(tmp_path: Path) -> None:
    design = load_design("culture", workspace(tmp_path, v="RareVariable.ttf"))
    inks = [ink(typeset.set_line(RARE, face, 80)) for face in (design.sans_regular, design.sans_bold, design.serif_black)]
    assert inks[0] < inks[1] < inks[2]


def test_only_files_that_are_fonts_by_name_are_taken(tmp_path: Path) -> None:
    folder = workspace(tmp_path, mine="Rare.ttf")
    for name in ("OFL.txt", "._mine.ttf", "NotoSansSC-Regular.zip"):
        (folder / "fonts" / name).write_bytes(b"no font")
    assert [file.name for file in load_design("culture", folder).serif_black.stand_ins] == ["mine.ttf"]


def test_another_font_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    (folder / "fonts" / "mine.otf").write_bytes(b"no font")
    with pytest.raises(DesignError) as caught:
        load_design("culture", folder)
    assert [(problem.code, problem.place.name) for problem in caught.value.problems] == [("JX-D18", "mine.otf")]


def test_what_was_drawn_with_another_font_is_drawn_anew_when_that_font_changes(tmp_path: Path) -> None:
    def key() -> Path:
        design: Design = load_design("culture", folder)
        return record_path(tmp_path, load_formats, design)

    folder = workspace(tmp_path / "posters")
    plain = key()
    shutil.copy(SAMPLES / "Rare.ttf", folder / "fonts" / "mine.ttf")
    first = key()
    shutil.copy(SAMPLES / "RareSerif.ttf", folder / "fonts" / "mine.ttf")
    assert len({plain, first, key()}) == 3

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pipeline.designs import HOUSE
from pipeline.errors import DesignError
from pipeline.poster import load_design, load_formats
from pipeline.poster.formats import MIME_TYPES, read_format

SAMPLES = Path(__file__).parent / "samples"
BROKEN = SAMPLES / "poster-broken-formats" / "formats"


def complaints(file: Path) -> str:
    with pytest.raises(DesignError) as caught:
        read_format(file)
    return str(caught.value)


def test_the_house_has_what_is_hung_shared_and_shown() -> None:
    formats = load_formats()

    assert {form.place for form in formats.values()} == {"print", "social", "site", "tag"}
    sizes = {name: (form.width_px, form.height_px, form.suffix) for name, form in formats.items()}
    expected = {
        "a4": (2480, 3508, ".pdf"),
        "a3": (3508, 4961, ".pdf"),
        "a2": (4961, 7016, ".pdf"),
        "rollup": (3780, 9449, ".pdf"),
        "moments": (1080, 1920, ".png"),
        "xiaohongshu": (1242, 1660, ".png"),
        "wechat-head": (900, 383, ".png"),
        "page": (930, 1240, ".jpg"),
        "cover": (3000, 3000, ".jpg"),
        "tag": (600, 600, ".jpg"),
    }
    assert sizes | expected == sizes
    assert all(form.suffix in MIME_TYPES and form.label for form in formats.values())


def test_a_workspace_adds_and_overrides_formats_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "formats").mkdir()
    own = (HOUSE / "formats" / "page.toml").read_text(encoding="utf-8").replace("网页海报图", "我们的图")
    (tmp_path / "formats" / "page.toml").write_text(own, encoding="utf-8")

    formats = load_formats(SAMPLES / "poster-tiny", tmp_path)
    assert formats["page"].label == "我们的图"
    assert formats["tiny"].label == "测试小图"
    assert formats["a3"] == load_formats()["a3"]


def test_a_format_like_another_says_only_what_differs() -> None:
    formats = load_formats()
    a3, a4 = formats["a3"], formats["a4"]
    assert (a4.title, a4.field, a4.summary) == (a3.title, a3.field, a3.summary)
    assert a3.print
    assert a4.print
    assert a3.code
    assert a4.code
    assert (a4.print.trim_width_mm, a4.print.dpi, a4.print.bleed_mm) == (210, a3.print.dpi, a3.print.bleed_mm)
    assert (a4.code.width_mm, a4.code.min_module_mm) == (a3.code.width_mm, 1.3)


@pytest.mark.parametrize("like", ['"a4"', '"moon"', "3", '"own"'])
def test_a_format_is_like_one_that_stands_by_itself(like: str, tmp_path: Path) -> None:
    (tmp_path / "formats").mkdir()
    (tmp_path / "formats" / "own.toml").write_text(f"like = {like}\nlabel = '我们的图'\n", encoding="utf-8")
    with pytest.raises(DesignError, match="应当是一个自己不写 like 的版式") as caught:
        load_formats(tmp_path)
    assert [(problem.code, problem.place.name) for problem in caught.value.problems] == [("JX-D04", "own.toml")]


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("centre_x_mm = 178", "centre_x_mm = 190", "声波圆环离左右边只有 -5.0 毫米"),
        ("centre_y_mm = 205", "centre_y_mm = 100", "声波圆环顶到了上边"),
        ("centre_y_mm = 205", "centre_y_mm = 230", "地平线以下只有 55.0 毫米，放倒影至少要 80.0 毫米"),
    ],
)
def test_a_field_that_would_cut_the_picture_is_refused(right: str, wrong: str, complaint: str, tmp_path: Path) -> None:
    text = (HOUSE / "formats" / "a3.toml").read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "a3.toml").write_text(text.replace(right, wrong), encoding="utf-8")
    assert complaint in complaints(tmp_path / "a3.toml")


def test_all_that_is_wrong_with_a_format_is_named_at_once() -> None:
    text = complaints(BROKEN / "misspelt.toml")

    assert "不认识的项目 subtitel" in text
    assert "缺少 field.scale" in text
    assert "place 的值 3 不对" in text


def test_a_stretched_format_and_an_unknown_place_are_refused() -> None:
    text = complaints(BROKEN / "stretched.toml")

    assert "540×900 像素与 297×396 毫米不成比例" in text
    assert "place 是 moon" in text


@pytest.mark.parametrize("written", ["max_bytes = 300001", "max_bytes = 0", ""])
def test_a_picture_inside_the_sound_stays_small_whoever_draws_it(written: str, tmp_path: Path) -> None:
    text = (HOUSE / "formats" / "tag.toml").read_text(encoding="utf-8")
    (tmp_path / "tag.toml").write_text(text.replace("max_bytes = 100000", written), encoding="utf-8")
    assert "max_bytes 应在 1 到 300000 之间" in complaints(tmp_path / "tag.toml")


def test_a_picture_inside_the_sound_is_a_jpeg(tmp_path: Path) -> None:
    text = (HOUSE / "formats" / "tag.toml").read_text(encoding="utf-8")
    (tmp_path / "tag.toml").write_text(text.replace('suffix = ".jpg"', 'suffix = ".png"'), encoding="utf-8")
    assert "要是 .jpg" in complaints(tmp_path / "tag.toml")


@pytest.mark.parametrize(
    ("wrong", "right", "complaint"),
    [
        ("band_mm = 0", "band_mm = 7.5", "field.band_mm 是 0，应大于 0"),
        ("height_mm = 0", "height_mm = 258", "field.height_mm 是 0，应大于 0"),
        ("scale = -1", "scale = 0.98", "field.scale 是 -1，不能小于 0"),
        ("width_mm = 0", "width_mm = 23", "seal.width_mm 是 0，应大于 0"),
        ("leading = 0", "leading = 1.62", "summary.leading 是 0，应大于 0"),
        ("min_module_mm = nan", "min_module_mm = 1.6", "code.min_module_mm 的值 nan 不对"),
        ("safe_mm = -1", "safe_mm = 10", "safe_mm 是 -1，不能小于 0"),
    ],
)
def test_a_size_that_nothing_can_have_is_named(wrong: str, right: str, complaint: str, tmp_path: Path) -> None:
    text = (SAMPLES / "poster-tiny" / "formats" / "tiny.toml").read_text(encoding="utf-8")
    file = tmp_path / "wrong.toml"
    assert right in text
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    assert complaint in complaints(file)


def test_a_smallest_size_above_the_largest_is_named(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    text = (HOUSE / "formats" / "cover.toml").read_text(encoding="utf-8")
    file.write_text(text.replace("min_mm = 15.5", "min_mm = 38"), encoding="utf-8")
    assert "title.min_mm 比 title.max_mm 大" in complaints(file)


def test_a_resolution_without_end_is_no_resolution(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    text = (HOUSE / "formats" / "a3.toml").read_text(encoding="utf-8")
    file.write_text(text.replace("dpi = 300", "dpi = inf"), encoding="utf-8")
    assert "print.dpi 的值 inf 不对" in complaints(file)


@pytest.mark.parametrize(("name", "place", "count"), [("tag", "site", 0), ("cover", "tag", 2)])
def test_exactly_one_format_goes_into_the_sound_file(name: str, place: str, count: int, tmp_path: Path) -> None:
    (tmp_path / "formats").mkdir()
    text = (HOUSE / "formats" / f"{name}.toml").read_text(encoding="utf-8")
    changed = re.sub('^place = ".*"', f'place = "{place}"', text, flags=re.MULTILINE)
    changed = re.sub("^max_bytes = .*", "max_bytes = 300000", changed, flags=re.MULTILINE)
    (tmp_path / "formats" / f"{name}.toml").write_text(changed, encoding="utf-8")

    with pytest.raises(DesignError, match=f"版式有 {count} 个") as caught:
        load_formats(tmp_path)
    assert [(problem.code, problem.place) for problem in caught.value.problems] == [("JX-D04", tmp_path / "formats")]


def test_a_file_that_is_no_toml_is_refused() -> None:
    assert "JX-D03" in complaints(BROKEN / "no-toml.toml")


def test_the_problems_of_all_formats_travel_together() -> None:
    with pytest.raises(DesignError) as caught:
        load_formats(BROKEN.parent)

    assert {problem.place.name for problem in caught.value.problems} == {"misspelt.toml", "stretched.toml", "no-toml.toml"}


def test_a_workspace_may_replace_one_drawing_and_keep_the_rest(tmp_path: Path) -> None:
    (tmp_path / "art").mkdir()
    shutil.copy(HOUSE / "art" / "leisure.svg", tmp_path / "art" / "leisure.svg")

    design = load_design("leisure", tmp_path)
    assert design.art == tmp_path / "art" / "leisure.svg"
    assert design.serif_black == load_design("leisure").serif_black
    assert load_design("culture", tmp_path) == load_design("culture")


def test_an_aspect_without_drawing_and_colours_is_refused_with_all_that_is_missing() -> None:
    with pytest.raises(DesignError) as caught:
        load_design("sport")

    assert [problem.code for problem in caught.value.problems] == ["JX-D05", *["JX-D06"] * 4]


@pytest.mark.parametrize("palette", ["[culture\n", '[culture]\ndeep = "red"\n'])
def test_colours_that_cannot_be_read_are_refused(palette: str, tmp_path: Path) -> None:
    (tmp_path / "palette.toml").write_text(palette, encoding="utf-8")

    with pytest.raises(DesignError, match="JX-D06"):
        load_design("culture", tmp_path)


def test_a_font_that_is_none_and_a_colour_that_is_no_table_are_named(tmp_path: Path) -> None:
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "NotoSansSC-Bold.woff2").write_bytes(b"no font")
    (tmp_path / "palette.toml").write_text('culture = "red"\n', encoding="utf-8")
    with pytest.raises(DesignError) as caught:
        load_design("culture", tmp_path)
    assert {problem.code for problem in caught.value.problems} == {"JX-D06", "JX-D18"}


def test_a_picture_too_large_to_draw_is_refused(tmp_path: Path) -> None:
    (tmp_path / "formats").mkdir()
    text = (HOUSE / "formats" / "a3.toml").read_text(encoding="utf-8")
    (tmp_path / "formats" / "a3.toml").write_text(text.replace("dpi = 300", "dpi = 3000"), encoding="utf-8")
    with pytest.raises(DesignError) as caught:
        load_formats(tmp_path)
    assert "百万像素" in caught.value.problems[0].cause

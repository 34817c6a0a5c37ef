from __future__ import annotations

import importlib
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
import resvg_py
import zxingcpp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from PIL import Image
from pyzbar import pyzbar

from pipeline import qr
from pipeline.errors import AuthorError, DesignError
from pipeline.model import Aspect, Poster, Wording
from pipeline.poster import SERIES as SERIES_KEY
from pipeline.poster import (
    SeriesWording,
    Written,
    art,
    check_episode,
    check_series,
    compose,
    compose_series,
    load_design,
    load_formats,
)
from pipeline.poster.clearance import layout_problems
from pipeline.poster.layout import lay_out
from pipeline.poster.lettering import duration_text, letter_episode
from pipeline.poster.proof import prove
from tests.posters import SOUND, WORDING, art_of, coarse

TINY_FOLDER = Path(__file__).parent / "samples" / "poster-tiny"
TINY = load_formats(TINY_FOLDER)["tiny"]
SHEET = load_formats(TINY_FOLDER)["tiny-sheet"]
DESIGN = load_design("transport")

SERIES = SeriesWording(
    title="好生活·好吉祥",
    subtitle="吉祥社区有声海报",
    headline="六站路，六段声音",
    summary="沿着步行路线慢慢走，用手机扫一扫，听一听身边的好日子。",
    signature="龙岗区吉祥社区 新时代文明实践站",
    stop_count=6,
    site_url="https://jixiang.example/",
)


def seen(poster: Poster) -> Image.Image:
    """Return a finished poster as a viewer shows it."""
    if poster.file.suffix != ".pdf":
        return Image.open(poster.file).convert("RGB")
    with pypdfium2.PdfDocument(poster.file) as pdf:
        image: Image.Image = pdf[0].render(scale=1.5).to_pil().convert("RGB")
        return image


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Poster]:
    folder = tmp_path_factory.mktemp("posters")
    return {
        name: compose(coarse(form), WORDING, SOUND, DESIGN, folder / f"{name}{form.suffix}")
        for name, form in load_formats().items()
    }


def test_every_format_with_a_code_is_read_by_two_decoders(drawn: dict[str, Poster]) -> None:
    with_code = [name for name, form in load_formats().items() if form.code]

    assert with_code
    for name in with_code:
        picture = seen(drawn[name])
        assert [code.text for code in zxingcpp.read_barcodes(picture)] == [WORDING.page_url], name
        assert [code.data.decode() for code in pyzbar.decode(picture)] == [WORDING.page_url], name
        assert drawn[name].reach >= 2


def test_every_file_is_what_its_format_promises(drawn: dict[str, Poster]) -> None:
    for name, form in load_formats().items():
        poster = drawn[name]
        assert (poster.format, poster.label) == (name, form.label)
        if form.max_bytes:
            assert poster.file.stat().st_size <= form.max_bytes, name
        if form.suffix != ".pdf":
            with Image.open(poster.file) as picture:
                assert (picture.size, picture.mode) == ((form.width_px, form.height_px), "RGB"), name


PRINTED = [name for name, form in load_formats().items() if form.print]


@pytest.mark.parametrize("name", PRINTED)
def test_a_printed_sheet_has_trim_bleed_and_marks_beyond_it(drawn: dict[str, Poster], name: str) -> None:
    mm, sheet = 72 / 25.4, load_formats()[name].print
    assert sheet
    with pikepdf.open(drawn[name].file) as pdf:
        page = pdf.pages[0]
        media, bleed, trim = ([float(edge) / mm for edge in box] for box in (page.mediabox, page.BleedBox, page.TrimBox))
        assert len(pdf.pages) == 1
        assert pdf.docinfo == {}
        assert trim[2] - trim[0] == pytest.approx(sheet.trim_width_mm, abs=0.01)
        assert trim[3] - trim[1] == pytest.approx(sheet.trim_height_mm, abs=0.01)
        assert [bleed[0], bleed[1]] == pytest.approx([trim[0] - 3, trim[1] - 3], abs=0.01)
        assert [bleed[2], bleed[3]] == pytest.approx([trim[2] + 3, trim[3] + 3], abs=0.01)
        assert media[0] == 0
        assert media[2] - bleed[2] == pytest.approx(6, abs=0.01)
        assert (page.cropbox == page.TrimBox) == sheet.opens_at_trim


@pytest.mark.parametrize("name", PRINTED)
def test_a_printed_sheet_is_fine_enough(name: str) -> None:
    form = load_formats()[name]
    assert form.print
    assert form.width_px / form.print.trim_width_mm * 25.4 == pytest.approx(form.print.dpi, rel=0.001)
    assert form.print.dpi >= (300 if form.print.trim_width_mm < 500 else 120)


def test_an_a4_sheet_opens_and_prints_without_its_marks(drawn: dict[str, Poster]) -> None:
    assert seen(drawn["a4"]).size == pytest.approx((210 / 25.4 * 108, 297 / 25.4 * 108), abs=2)


def test_crop_marks_stand_outside_the_bleed(tmp_path: Path) -> None:
    with pikepdf.open(compose(SHEET, WORDING, SOUND, DESIGN, tmp_path / "sheet.pdf").file) as pdf:
        page = pdf.pages[0]
        media, bleed, trim = ([float(edge) for edge in box] for box in (page.mediabox, page.BleedBox, page.TrimBox))

    assert media[0] < bleed[0] < trim[0] < trim[2] < bleed[2] < media[2]
    assert trim[2] - trim[0] == pytest.approx(148.5 * 72 / 25.4, abs=0.01)


def test_the_code_in_a_pdf_is_vectors_over_a_white_card(tmp_path: Path) -> None:
    poster = compose(SHEET, WORDING, SOUND, DESIGN, tmp_path / "sheet.pdf")
    with pikepdf.open(poster.file) as pdf:
        data = pdf.pages[0].Resources.XObject.Picture.read_raw_bytes()

    assert zxingcpp.read_barcodes(Image.open(io.BytesIO(data))) == []
    assert zxingcpp.read_barcodes(seen(poster))[0].text == WORDING.page_url


@pytest.mark.parametrize("form", [TINY, replace(TINY, suffix=".jpg"), SHEET], ids=["png", "jpg", "pdf"])
def test_the_same_arguments_give_the_same_bytes(form: object, tmp_path: Path) -> None:
    assert isinstance(form, type(TINY))
    first, second = (compose(form, WORDING, SOUND, DESIGN, tmp_path / f"{turn}{form.suffix}") for turn in (1, 2))

    assert first.file.read_bytes() == second.file.read_bytes()


def test_the_code_is_drawn_in_whole_pixels_of_two_colours(tmp_path: Path) -> None:
    picture = seen(compose(TINY, WORDING, SOUND, DESIGN, tmp_path / "tiny.png"))
    matrix = np.pad(np.asarray(qr.encode(WORDING.page_url)), qr.QUIET_ZONE_MODULES)
    place = lay_out(TINY, DESIGN, letter_episode(WORDING), qr.encode(WORDING.page_url)).code

    assert place
    edge = 4 * place.module_px
    box = (place.left - edge, place.top - edge)
    side = len(matrix) * place.module_px
    code = np.asarray(picture.crop((*box, box[0] + side, box[1] + side)))
    expected = np.kron(matrix, np.ones((place.module_px, place.module_px), dtype=bool))
    assert (code[expected] == (0x1E, 0x2A, 0x5A)).all()
    assert (code[~expected] == 255).all()


def test_the_series_has_a_poster_of_its_own_that_leads_to_the_site(tmp_path: Path) -> None:
    poster = compose_series(TINY, SERIES, load_design(SERIES_KEY), tmp_path / "series.png")

    assert zxingcpp.read_barcodes(seen(poster))[0].text == SERIES.site_url


def test_a_code_too_pale_to_scan_is_not_delivered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The type in the same colour would stop the poster sooner."""
    monkeypatch.setattr(importlib.import_module("pipeline.poster.compose"), "contrast_problems", lambda *_: ())
    with pytest.raises(DesignError):
        compose(TINY, WORDING, SOUND, replace(DESIGN, deep="#F4F4F4"), tmp_path / "pale.png")


def test_a_poster_with_somebody_elses_code_is_not_proven(tmp_path: Path) -> None:
    poster = compose(TINY, WORDING, SOUND, DESIGN, tmp_path / "tiny.png")

    with pytest.raises(DesignError, match="JX-D40"):
        prove(poster.file, "https://jixiang.example/7/")


def test_a_file_beyond_its_limit_is_not_delivered(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="最多 1 KB"):
        compose(replace(TINY, suffix=".jpg", max_bytes=1000), WORDING, SOUND, DESIGN, tmp_path / "tiny.jpg")


def test_type_too_faint_for_what_is_behind_it_is_not_delivered(tmp_path: Path) -> None:
    faint = replace(DESIGN, light="#5A6BC4")
    with pytest.raises(DesignError, match="副标题与背景的对比度最低处只有") as caught:
        compose(TINY, WORDING, SOUND, faint, tmp_path / "tiny.png")
    assert {problem.code for problem in caught.value.problems} == {"JX-D22"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["rollup", "moments"])
def test_art_drawn_in_two_layers_and_strips_is_the_art_drawn_at_once(name: str) -> None:
    form = coarse(load_formats()[name])
    layered = art_of(form, DESIGN, SOUND.envelope)
    root = art.drawing(form, DESIGN, SOUND.envelope)
    edges_mm = (edge / form.px_per_mm for edge in (-form.bleed_px, -form.bleed_px, *layered.size))
    root.set("viewBox", " ".join(map(str, edges_mm)))
    root.set("width", str(layered.width))
    root.set("height", str(layered.height))
    at_once = Image.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=etree.tostring(root, encoding="unicode")))).convert("RGB")
    difference = np.abs(np.asarray(layered, dtype=np.int16) - np.asarray(at_once, dtype=np.int16)).max(axis=2)
    assert difference.mean() < 0.5
    above_band = difference[: round(form.field.height_mm * form.px_per_mm)]
    assert (above_band > 12).mean() < 0.001  # edges are smoothed on another raster, and the band's pattern more than they


def test_a_wide_picture_has_its_title_on_a_line_and_a_long_one_on_two() -> None:
    head = load_formats()["wechat-head"]
    short, long = (
        lay_out(head, DESIGN, letter_episode(replace(WORDING, title=title)), None)
        for title in ("家门口的好路", "一刻钟慢慢走完的家门口的好路有多长")
    )
    for layout, lines in ((short, 1), (long, 2)):
        title, subtitle = (next(text for text in layout.texts if text.rectangle.name == name) for name in ("标题", "副标题"))
        assert title.block.lines == lines
        assert subtitle.rectangle.top > title.rectangle.bottom
        assert layout_problems(head, layout) == ()


def test_a_roll_up_ends_in_a_deep_foot_with_the_same_band(drawn: dict[str, Poster]) -> None:
    form = coarse(load_formats()["rollup"])
    picture = Image.open(io.BytesIO(pdf_picture(drawn["rollup"]))).convert("RGB")
    scale, bleed = form.px_per_mm, form.bleed_px
    assert form.foot
    band, again = (
        np.asarray(picture.crop((0, round(top * scale) + bleed, picture.width, round((top + 7.5) * scale) + bleed)), dtype=int)
        for top in (form.field.height_mm, form.foot.y_mm)
    )
    assert np.abs(band - again).mean() < 6  # JPEG
    assert picture.getpixel((picture.width // 2, picture.height - 2)) == pytest.approx((0x1E, 0x2A, 0x5A), abs=4)


def pdf_picture(poster: Poster) -> bytes:
    with pikepdf.open(poster.file) as pdf:
        return bytes(pdf.pages[0].Resources.XObject.Picture.read_raw_bytes())


@pytest.mark.parametrize("name", PRINTED)
def test_a_copy_for_a_place_shows_its_number_and_the_same_address(name: str) -> None:
    form = load_formats()[name]
    here = replace(WORDING, placement_id="A12", page_url=WORDING.page_url + "?A12")
    layout = lay_out(form, DESIGN, letter_episode(here), qr.encode(here.page_url))
    read = {text.rectangle.name: "".join(glyph.text for glyph in text.block.glyphs) for text in layout.texts}
    assert read["点位"] == "点位A12"
    assert read["网址"] == "jixiang.example/6/"
    assert layout_problems(form, layout) == ()


han = st.text(st.sampled_from("吉祥社区的街坊慢走看路灯花草书，。“”《》·！？7A"), max_size=120)
starts = st.sampled_from("老街好路灯")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    first=starts,
    words=han,
    title=st.integers(0, 23),
    subtitle=st.integers(0, 20),
    summary=st.integers(0, 119),
    stop=st.integers(0, 19),
)
def test_texts_of_any_length_we_promise_stand_clear_of_each_other(
    first: str, words: str, title: int, subtitle: int, summary: int, stop: int
) -> None:
    wording = replace(
        WORDING,
        title=first + words[:title],
        subtitle=words[:subtitle],
        summary=first + words[:summary],
        stop_name=first + words[:stop],
    )
    layout = lay_out(TINY, DESIGN, letter_episode(wording), qr.encode(wording.page_url))

    assert layout.misfits == ()
    assert layout_problems(TINY, layout) == ()
    assert TINY.address
    assert min(text.block.size_px for text in layout.texts) >= 4.1 * TINY.px_per_mm


def test_parts_that_meet_or_leave_the_safe_area_are_named() -> None:
    assert TINY.seal
    wrong = replace(TINY, seal=replace(TINY.seal, x_mm=20), safe_mm=16)

    problems = layout_problems(wrong, lay_out(wrong, DESIGN, letter_episode(WORDING), qr.encode(WORDING.page_url)))
    text = "\n".join(map(str, problems))
    assert "标题和印章叠在了一起" in text
    assert "署名伸到了离边 16 毫米的安全区外面" in text
    assert {problem.place for problem in problems} == {Path("posters/formats/tiny.toml")}


def test_a_poster_whose_parts_meet_is_not_drawn(tmp_path: Path) -> None:
    assert TINY.seal
    with pytest.raises(DesignError, match="JX-D12"):
        compose(replace(TINY, seal=replace(TINY.seal, x_mm=20)), WORDING, SOUND, DESIGN, tmp_path / "tiny.png")
    assert list(tmp_path.iterdir()) == []


def test_type_on_the_ring_is_refused() -> None:
    assert TINY.seal
    wrong = replace(TINY, seal=replace(TINY.seal, y_mm=90))

    (problem,) = layout_problems(wrong, lay_out(wrong, DESIGN, letter_episode(WORDING), qr.encode(WORDING.page_url)))
    assert "印章压住了声波圆环" in problem.cause


def test_a_summary_that_no_size_can_hold_is_the_authors_matter(tmp_path: Path) -> None:
    with pytest.raises(AuthorError, match="简介“路路") as caught:
        compose(TINY, replace(WORDING, summary="路" * 400), SOUND, DESIGN, tmp_path / "tiny.png")
    assert [(problem.place, problem.code) for problem in caught.value.problems] == [(Path("script.md"), "JX-D09")]


def test_a_code_whose_modules_come_out_too_small_is_refused_with_both_sizes() -> None:
    assert TINY.code
    small = replace(TINY, code=replace(TINY.code, width_mm=50, height_mm=50))

    (problem,) = check_episode(WORDING, DESIGN, [small], WRITTEN_SCRIPT, WRITTEN_SERIES)
    assert "只有 1.10 毫米，至少要 1.6 毫米" in problem.cause
    assert (problem.place, problem.code) == (Path("posters/formats/tiny.toml"), "JX-D10")


SCRIPT, SERIES_FILE = Path("节目/episodes/06/script.md"), Path("节目/series.toml")
WRITTEN_SCRIPT = Written(file=SCRIPT, lines={"title": 3, "subtitle": 4, "summary": 7})
WRITTEN_SERIES = Written(file=SERIES_FILE, lines={"site_url": 9, "stops.岗贝村": 40})


def changed(wording: Wording, line: str, text: Any) -> Wording:  # noqa: ANN401 - as the field is
    return replace(wording, **{line: text})


def found(wording: Wording) -> list[tuple[str, Path]]:
    return [
        (problem.code, problem.place)
        for problem in check_episode(wording, DESIGN, load_formats().values(), WRITTEN_SCRIPT, WRITTEN_SERIES)
    ]


@pytest.mark.parametrize(("title", "subtitle"), [(7, 20), (8, 20), (13, 20), (18, 20), (24, 20), (24, 0)])
def test_every_format_holds_texts_of_the_lengths_we_promise(title: int, subtitle: int) -> None:
    assert found(replace(WORDING, title="慢" * title, subtitle="长" * subtitle, summary="路" * 120, stop_name="站" * 20)) == []


def test_a_wording_that_fits_has_no_problems() -> None:
    assert found(WORDING) == []
    assert check_series(SERIES, load_design(SERIES_KEY), load_formats().values(), WRITTEN_SERIES) == ()


@pytest.mark.parametrize(
    ("line", "text", "code", "place"),
    [
        ("title", "家门口的𰻝面", "JX-D11", SCRIPT),
        ("subtitle", "一碗𰻝面", "JX-D11", SCRIPT),
        ("summary", "来一碗𰻝面。", "JX-D11", SCRIPT),
        ("stop_name", "𰻝面馆", "JX-D11", SERIES_FILE),
        ("series_title", "好𰻝活", "JX-D11", SERIES_FILE),
        ("signature", "𰻝面社区", "JX-D11", SERIES_FILE),
        ("aspect", Aspect(key="transport", name="便捷𰻝通"), "JX-D11", SERIES_FILE),
        ("title", "慢" * 60, "JX-D09", SCRIPT),
        ("subtitle", "慢" * 60, "JX-D09", SCRIPT),
        ("summary", "路" * 500, "JX-D09", SCRIPT),
        ("summary", "请看https://" + "example" * 9 + "。", "JX-D20", SCRIPT),
        ("spoken_languages", ("普通话", "客家话", "粤语", "潮汕话", "四川话", "英语"), "JX-D09", SCRIPT),
        ("stop_name", "站" * 40, "JX-D09", SERIES_FILE),
        ("signature", "署" * 40, "JX-D09", SERIES_FILE),
        ("series_title", "系" * 60, "JX-D09", SERIES_FILE),
        ("page_url", "https://" + "a" * 40, "JX-D01", SERIES_FILE),
    ],
)
def test_a_text_that_no_poster_can_show_is_named_once_where_it_was_written(
    line: str, text: object, code: str, place: Path
) -> None:
    assert found(changed(WORDING, line, text)) == [(code, place)]


@pytest.mark.parametrize(
    ("wording", "code"),
    [
        (replace(SERIES, title="好𠮷祥"), "JX-D11"),
        (replace(SERIES, signature="𠮷祥社区"), "JX-D11"),
        (replace(SERIES, title="好生活·好吉祥" * 8), "JX-D09"),
        (replace(SERIES, subtitle="吉祥社区有声海报" * 8), "JX-D09"),
        (replace(SERIES, site_url="https://" + "a" * 40), "JX-D01"),
    ],
)
def test_what_the_series_cover_cannot_show_is_named_in_series_toml(wording: SeriesWording, code: str) -> None:
    cover = [load_formats()["cover"]]
    problems = check_series(wording, load_design(SERIES_KEY), cover, WRITTEN_SERIES)
    assert [(problem.code, problem.place) for problem in problems] == [(code, SERIES_FILE)]


def test_a_text_too_long_is_told_by_how_many_characters() -> None:
    alone = replace(WORDING, subtitle="")
    (problem,) = check_episode(replace(alone, title="慢" * 60), DESIGN, load_formats().values(), WRITTEN_SCRIPT, WRITTEN_SERIES)
    counted = re.search(r"有 60 个字（连标点），“(.+)”用最小的字也只排得下 (\d+) 个", problem.cause)
    assert counted
    assert problem.fix == f"请把标题至少缩短 {60 - int(counted[2])} 个字"
    assert found(replace(alone, title="慢" * int(counted[2]))) == []
    assert found(replace(alone, title="慢" * (int(counted[2]) + 1))) != []


def test_the_facts_are_checked_with_the_longest_duration_a_recording_can_have() -> None:
    assert TINY.facts
    for width_mm in range(120, 60, -1):
        narrow = replace(TINY, facts=replace(TINY.facts, width_mm=width_mm))
        fits = [lay_out(narrow, DESIGN, letter_episode(replace(WORDING, duration_s=each)), None).misfits for each in (240, 10799)]
        if fits[0] == () and fits[1]:
            break
    else:
        pytest.fail("no width tells four minutes from three hours")
    (problem,) = check_episode(WORDING, DESIGN, [narrow], WRITTEN_SCRIPT, WRITTEN_SERIES)
    assert problem.code == "JX-D09"


def test_a_box_too_small_for_any_text_is_the_designers_matter() -> None:
    assert TINY.call
    low = replace(TINY, title=replace(TINY.title, height_mm=5))
    narrow = replace(TINY, call=replace(TINY.call, width_mm=30))

    for form in (low, narrow):
        (problem,) = check_episode(WORDING, DESIGN, [form], WRITTEN_SCRIPT, WRITTEN_SERIES)
        assert (problem.code, problem.place) == ("JX-D16", Path("posters/formats/tiny.toml"))


def test_an_address_too_long_stops_the_poster(tmp_path: Path) -> None:
    with pytest.raises(AuthorError, match="48 个字节"):
        compose(TINY, replace(WORDING, page_url="https://" + "a" * 40), SOUND, DESIGN, tmp_path / "tiny.png")


def test_a_synthetic_voice_is_declared_and_a_human_one_is_not() -> None:
    assert "本期为合成语音" in letter_episode(WORDING).signature
    assert "合成" not in letter_episode(replace(WORDING, synthetic_voice=False)).signature


@pytest.mark.parametrize(("duration_s", "text"), [(45, "45 秒"), (59.6, "1 分钟"), (164.4, "2 分 44 秒"), (480, "8 分钟")])
def test_a_duration_is_read_in_minutes_and_seconds(duration_s: float, text: str) -> None:
    assert duration_text(duration_s) == text

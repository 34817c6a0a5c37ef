from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pikepdf
import pypdfium2
import pytest
import zxingcpp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyzbar import pyzbar

from pipeline import qr
from pipeline.errors import AuthorError, DesignError
from pipeline.model import Aspect, Poster, Sound, Wording
from pipeline.poster import SERIES as SERIES_KEY
from pipeline.poster import SeriesWording, compose, compose_series, load_design, load_formats
from pipeline.poster.check import check, check_fit, check_layout
from pipeline.poster.layout import lay_out
from pipeline.poster.lettering import duration_text, letter_episode
from pipeline.poster.proof import prove

TINY_FOLDER = Path(__file__).parent / "samples" / "poster-tiny"
TINY = load_formats(TINY_FOLDER)["tiny"]
SHEET = load_formats(TINY_FOLDER)["tiny-sheet"]
DESIGN = load_design("transport")

WORDING = Wording(
    series_title="好生活·好吉祥",
    signature="龙岗区吉祥社区 新时代文明实践站",
    number=6,
    title="家门口的好路",
    subtitle="一刻钟，慢慢走",
    summary="路好走了，日子就近了。这一集不坐车，用脚走：从新桥西1-8巷的路面，到岗贝村100余个路灯，再到风临域的6台电梯，看看一刻钟能走多远。",
    aspect=Aspect(key="transport", name="便捷交通"),
    stop_name="岗贝村",
    stop_order=6,
    stop_count=6,
    duration_s=164.4,
    spoken_languages=("普通话",),
    synthetic_voice=True,
    page_url="https://jixiang.example/6/",
)
SERIES = SeriesWording(
    title="好生活·好吉祥",
    subtitle="吉祥社区有声海报",
    headline="六站路，六段声音",
    summary="沿着步行路线慢慢走，用手机扫一扫，听一听身边的好日子。",
    signature="龙岗区吉祥社区 新时代文明实践站",
    stop_count=6,
    site_url="https://jixiang.example/",
)


def _envelope() -> tuple[float, ...]:
    """Return two and a half minutes of phrases and pauses."""
    noise = np.abs(np.random.default_rng(7).normal(size=1500)) * 0.1
    pauses = np.arange(1500) % 40 < 33
    return tuple(float(level) for level in noise * pauses)


SOUND = Sound(
    file=Path("sound.mp3"),
    duration_s=164.4,
    voice_start_s=0,
    speech=(),
    integrated_lufs=-16,
    true_peak_dbtp=-1.5,
    envelope=_envelope(),
    recorded_lufs=-20,
    recorded_true_peak_dbtp=-3,
    trimmed_head_s=0,
    trimmed_tail_s=0,
    warnings=(),
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
    return {name: compose(form, WORDING, SOUND, DESIGN, folder / f"{name}{form.suffix}") for name, form in load_formats().items()}


def test_every_format_with_a_code_is_read_by_two_decoders(drawn: dict[str, Poster]) -> None:
    with_code = [name for name, form in load_formats().items() if form.code]

    assert with_code
    for name in with_code:
        picture = seen(drawn[name])
        assert [code.text for code in zxingcpp.read_barcodes(picture)] == [WORDING.page_url], name
        assert [code.data.decode() for code in pyzbar.decode(picture)] == [WORDING.page_url], name
        assert drawn[name].decodings >= 0.7 * drawn[name].trials > 0


def test_every_file_is_what_its_format_promises(drawn: dict[str, Poster]) -> None:
    for name, form in load_formats().items():
        poster = drawn[name]
        assert (poster.format, poster.label) == (name, form.label)
        if form.max_bytes:
            assert poster.file.stat().st_size <= form.max_bytes, name
        if form.suffix != ".pdf":
            with Image.open(poster.file) as picture:
                assert (picture.size, picture.mode) == ((form.width_px, form.height_px), "RGB"), name


def test_a_printed_sheet_has_trim_and_three_millimetres_of_bleed(drawn: dict[str, Poster]) -> None:
    mm = 72 / 25.4
    with pikepdf.open(drawn["a3"].file) as pdf:
        page = pdf.pages[0]
        assert len(pdf.pages) == 1
        assert [float(edge) / mm for edge in page.TrimBox] == pytest.approx([3, 3, 300, 423], abs=0.01)
        assert [float(edge) / mm for edge in page.BleedBox] == pytest.approx([0, 0, 303, 426], abs=0.01)
        assert [float(edge) / mm for edge in page.mediabox] == pytest.approx([0, 0, 303, 426], abs=0.01)
        picture = page.Resources.XObject.Picture
        assert picture.Width / (303 / 25.4) == pytest.approx(300, rel=0.002)
        assert pdf.docinfo == {}


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
    matrix = qr.add_quiet_zone(qr.encode(WORDING.page_url))
    place = lay_out(TINY, DESIGN, letter_episode(WORDING), qr.encode(WORDING.page_url)).code

    assert place
    edge = 4 * place.module_px
    box = (place.left - edge, place.top - edge)
    side = len(matrix) * place.module_px
    code = np.asarray(picture.crop((*box, box[0] + side, box[1] + side)))
    expected = np.kron(np.asarray(matrix), np.ones((place.module_px, place.module_px), dtype=bool))
    assert (code[expected] == (0x1E, 0x2A, 0x5A)).all()
    assert (code[~expected] == 255).all()


def test_the_series_has_a_poster_of_its_own_that_leads_to_the_site(tmp_path: Path) -> None:
    poster = compose_series(TINY, SERIES, load_design(SERIES_KEY), tmp_path / "series.png")

    assert zxingcpp.read_barcodes(seen(poster))[0].text == SERIES.site_url


def test_a_code_too_pale_to_scan_is_not_delivered(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="扫不出来") as caught:
        compose(TINY, WORDING, SOUND, replace(DESIGN, deep="#F4F4F4"), tmp_path / "pale.png")

    assert caught.value.problems[0].code == "JX-D15"
    assert list(tmp_path.iterdir()) == []


def test_a_poster_with_somebody_elses_code_is_not_proven(tmp_path: Path) -> None:
    poster = compose(TINY, WORDING, SOUND, DESIGN, tmp_path / "tiny.png")

    with pytest.raises(DesignError):
        prove(poster.file, "https://jixiang.example/7/")


def test_a_file_beyond_its_limit_is_not_delivered(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="最多 1 KB"):
        compose(replace(TINY, suffix=".jpg", max_bytes=1000), WORDING, SOUND, DESIGN, tmp_path / "tiny.jpg")
    assert list(tmp_path.iterdir()) == []


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

    check_layout(TINY, layout)
    assert TINY.address
    assert min(text.block.size_px for text in layout.texts) >= 4.1 * TINY.px_per_mm


def test_parts_that_meet_or_leave_the_safe_area_are_named() -> None:
    assert TINY.seal
    wrong = replace(TINY, seal=replace(TINY.seal, x_mm=20), safe_mm=16)

    with pytest.raises(DesignError) as caught:
        check_layout(wrong, lay_out(wrong, DESIGN, letter_episode(WORDING), qr.encode(WORDING.page_url)))
    text = str(caught.value)
    assert "标题和印章叠在了一起" in text
    assert "署名伸到了离边 16 毫米的安全区外面" in text


def test_type_on_the_ring_is_refused() -> None:
    assert TINY.seal
    wrong = replace(TINY, seal=replace(TINY.seal, y_mm=90))

    with pytest.raises(DesignError, match="印章压住了声波圆环"):
        check_layout(wrong, lay_out(wrong, DESIGN, letter_episode(WORDING), qr.encode(WORDING.page_url)))


def test_a_summary_that_no_size_can_hold_is_refused() -> None:
    with pytest.raises(DesignError, match="简介"):
        lay_out(TINY, DESIGN, letter_episode(replace(WORDING, summary="路" * 400)), None)


def test_a_code_whose_modules_come_out_too_small_is_refused_with_both_sizes() -> None:
    assert TINY.code
    small = replace(TINY, code=replace(TINY.code, width_mm=50, height_mm=50))

    with pytest.raises(DesignError, match=r"只有 1\.10 毫米，至少要 1\.6 毫米"):
        lay_out(small, DESIGN, letter_episode(WORDING), qr.encode(WORDING.page_url))


def test_the_check_names_signs_that_the_fonts_lack_and_addresses_that_are_too_long() -> None:
    place = Path("episodes/06/script.md")
    wrong = replace(WORDING, title="家门口的𰻝面", page_url="https://" + "a" * 40)

    problems = check(wrong, DESIGN.fonts, place)
    assert {problem.code for problem in problems} == {"JX-D01", "JX-D11"}
    assert "U+30EDD" in str(problems[1])
    assert {problem.place for problem in problems} == {place}
    assert check(WORDING, DESIGN.fonts, place) == ()


def test_a_text_too_long_for_a_format_is_named_before_anything_is_drawn() -> None:
    place = Path("episodes/06/script.md")
    formats = load_formats().values()

    problems = check_fit(replace(WORDING, title="慢" * 60, summary="路" * 500), DESIGN, formats, place)
    assert {"标题", "简介"} <= {str(problem.cause)[:2] for problem in problems}
    assert {problem.place for problem in problems} == {place}
    assert check_fit(WORDING, DESIGN, formats, place) == ()


def test_an_address_too_long_stops_the_poster(tmp_path: Path) -> None:
    with pytest.raises(AuthorError, match="48 个字节"):
        compose(TINY, replace(WORDING, page_url="https://" + "a" * 40), SOUND, DESIGN, tmp_path / "tiny.png")


def test_a_synthetic_voice_is_declared_and_a_human_one_is_not() -> None:
    assert "本期为合成语音" in letter_episode(WORDING).signature
    assert "合成" not in letter_episode(replace(WORDING, synthetic_voice=False)).signature


@pytest.mark.parametrize(("duration_s", "text"), [(45, "45 秒"), (59.6, "1 分钟"), (164.4, "2 分 44 秒"), (480, "8 分钟")])
def test_a_duration_is_read_in_minutes_and_seconds(duration_s: float, text: str) -> None:
    assert duration_text(duration_s) == text

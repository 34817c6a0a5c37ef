from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import resvg_py
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from PIL import Image

from pipeline.designs import CREAM, rgb
from pipeline.errors import DesignError
from pipeline.poster import SERIES, Design, PosterFormat, load_design, load_formats
from pipeline.poster.art import BARS, drawing, waveform_bars
from pipeline.poster.formats import RING_MM
from pipeline.poster.photo import WINDOW_MM
from tests.posters import art_of

KEYS = ("leisure", "business", "facilities", "culture", "wellbeing", "transport", SERIES)
TINY = load_formats(Path(__file__).parent / "samples" / "poster-tiny")["tiny"]
EVEN = tuple(0.02 + 0.18 * ((frame // 3) % 2) for frame in range(1200))
MAY_BLEED = ("field", "tone", "band", "bank", "hills", "roofs")
SVG = "{http://www.w3.org/2000/svg}"
NOT_DRAWN = (f"{SVG}defs", f"{SVG}clipPath")
HREF = "{http://www.w3.org/1999/xlink}href"
THINNEST_MM = 0.5  # 1.5 px at 75 dpi
MOST_IN_A_RING = 31
CLOUDS_NEED_MM = 50  # how much lower than on A3 the sky may be and still hold the clouds whole
HERO_MM = 73  # its longer side on A3


def contrast(first: tuple[int, int, int], second: tuple[int, int, int]) -> float:
    """Return the contrast of two colours. Source: WCAG 2.2, contrast ratio."""

    def luminance(colour: tuple[int, int, int]) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (channel / 255 for channel in colour)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def at(picture: Image.Image, x_mm: float, y_mm: float) -> tuple[int, int, int]:
    red, green, blue = np.asarray(picture)[int(y_mm * TINY.px_per_mm), int(x_mm * TINY.px_per_mm)]
    return int(red), int(green), int(blue)


def bar_pixels(design: Design, envelope: tuple[float, ...]) -> tuple[int, int]:
    """Return how many pixels bars cover left and right of the ring's middle."""
    with_bars = np.asarray(art_of(TINY, design, envelope), dtype=int)
    without = np.asarray(art_of(TINY, design, (0.0,) * len(envelope)), dtype=int)
    changed = np.abs(with_bars - without).sum(axis=2) > 60
    middle = round(TINY.field.centre_x_mm * TINY.px_per_mm)
    return int(changed[:, :middle].sum()), int(changed[:, middle:].sum())


def at_297_px(form: PosterFormat) -> PosterFormat:
    """Return a format in which one pixel is one millimetre of the sheet that it is laid out on."""
    return replace(form, width_px=297, height_px=round(form.height_mm), print=None)


A3 = at_297_px(load_formats()["a3"])


def opacity_of(root: etree._Element) -> np.ndarray:
    """Return how opaque each pixel of a drawing is, 0 to 255."""
    png = resvg_py.svg_to_bytes(svg_string=etree.tostring(root, encoding="unicode"), skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(png)).getchannel("A"))


def seen_alone(name: str, form: PosterFormat, key: str) -> np.ndarray:
    """Return how opaque each pixel of one part of the art is, with nothing else drawn."""
    root = drawing(form, load_design(key), EVEN)
    art = root.find(".//*[@id='art']")
    assert art is not None
    for element in [*root, *art]:
        if element is not art and element.get("id") != name and element.tag not in NOT_DRAWN:
            element.set("display", "none")
    return opacity_of(root)


def line_widths_mm(
    element: etree._Element, root: etree._Element, scale: float = 1, width: float = 1, ink: str = "none"
) -> list[float]:
    """Return how wide each line is on A3, ``use`` followed and scales multiplied."""
    for factor in re.findall(r"scale\((-?[\d.]+)", element.get("transform", "")):
        scale *= abs(float(factor))
    width = float(element.get("stroke-width", width))
    ink = element.get("stroke", ink)
    link = element.get(HREF)
    if link:
        shown = root.find(f".//*[@id='{link[1:]}']")
        assert shown is not None, link
        return line_widths_mm(shown, root, scale, width, ink)
    here = [width * scale] if ink != "none" and etree.QName(element).localname not in {"g", "svg", "pattern"} else []
    children = [child for child in element if isinstance(child.tag, str) and child.tag != f"{SVG}defs"]
    return here + [found for child in children for found in line_widths_mm(child, root, scale, width, ink)]


@given(st.lists(st.floats(0, 1), max_size=2000))
def test_every_sound_gives_126_bars_between_a_dot_and_full_height(envelope: list[float]) -> None:
    bars = waveform_bars(envelope)

    assert len(bars) == BARS == 126
    assert all(0.05 <= bar <= 1 for bar in bars)


def test_a_bar_is_the_rms_of_its_share_of_the_time() -> None:
    envelope = np.zeros(1260)
    envelope[:630] = 0.2
    envelope[630:1197] = 0.05

    bars = waveform_bars(envelope.tolist())
    assert bars[10] == 1
    assert bars[80] == pytest.approx(0.25**0.7, abs=0.001)
    assert bars[-1] == 0.05


def test_muting_half_the_sound_flattens_half_the_ring() -> None:
    left, right = bar_pixels(load_design("culture"), EVEN)
    assert min(left, right) > 500

    left, right = bar_pixels(load_design("culture"), EVEN[:600] + (0.0,) * 600)
    assert left > 500
    assert right < 20


@pytest.mark.parametrize("key", KEYS)
def test_a_code_in_the_deep_colour_stands_ten_to_one_on_white(key: str) -> None:
    assert contrast(rgb(load_design(key).deep), (255, 255, 255)) >= 10


@pytest.mark.parametrize("key", KEYS)
def test_title_subtitle_and_waveform_stand_out_from_what_lies_behind_them(key: str) -> None:
    design = load_design(key)
    picture = art_of(TINY, design, ())  # dots only: what is sampled is ground
    assert TINY.subtitle

    title = [at(picture, x, y) for x in (22, 36, 50) for y in range(40, 240, 4)]
    subtitle = [at(picture, x, y) for x in (60, 68, 75) for y in range(40, 112, 4)]
    waveform = [
        at(
            picture,
            TINY.field.centre_x_mm + r * math.cos(math.radians(angle)),
            TINY.field.centre_y_mm - r * math.sin(math.radians(angle)),
        )
        for r in (101, 108)
        for angle in range(10, 171, 4)
    ]
    assert min(contrast(rgb(CREAM), ground) for ground in title) >= 3.9
    assert min(contrast(rgb(design.light), ground) for ground in subtitle) >= 3
    assert min(contrast(rgb(design.light), ground) for ground in waveform) >= 3


@pytest.mark.parametrize("key", KEYS)
def test_no_ink_comes_within_five_millimetres_of_the_left_or_right_edge(key: str) -> None:
    for form in load_formats().values():
        root = drawing(at_297_px(form), load_design(key), EVEN)
        for name in MAY_BLEED:
            element = root.find(f".//*[@id='{name}']")
            if element is not None:
                element.set("display", "none")
        opacity = opacity_of(root)

        assert opacity.max() == 255
        assert opacity[:, :5].max() == 0, form.name
        assert opacity[:, -5:].max() == 0, form.name


@pytest.mark.parametrize("key", KEYS)
def test_what_drifts_in_the_sky_keeps_clear_of_type_seal_and_waveform(key: str) -> None:
    for form in load_formats().values():
        field, small = form.field, at_297_px(form)
        sky = seen_alone("above", small, key)
        assert sky.max() > 0, form.name
        for box in (form.header, form.title, form.subtitle, form.seal):
            if box is not None:
                left, top = math.floor(box.x_mm), math.floor(box.y_mm)
                right, bottom = math.ceil(box.x_mm + box.width_mm), math.ceil(box.y_mm + box.height_mm)
                assert sky[top:bottom, left:right].max(initial=0) == 0, (form.name, box)
        y, x = np.mgrid[: sky.shape[0], : sky.shape[1]] + 0.5
        on_ring = np.hypot(x - field.centre_x_mm, y - field.centre_y_mm) < RING_MM * field.scale + 1
        assert sky[on_ring].max() == 0, form.name


@pytest.mark.parametrize("key", KEYS)
def test_a_sky_that_is_high_enough_holds_all_that_drifts_in_it(key: str) -> None:
    whole = seen_alone("above", A3, key)
    for form in load_formats().values():
        if form.field.centre_y_mm >= A3.field.centre_y_mm - CLOUDS_NEED_MM:
            sky = seen_alone("above", at_297_px(form), key)
            assert sky[0].max() == 0, form.name
            assert sky.sum() == pytest.approx(whole.sum() * form.field.scale**2, rel=0.03), form.name


@pytest.mark.parametrize("key", KEYS)
def test_one_hero_is_large_enough_to_be_known_from_afar(key: str) -> None:
    inked = Image.fromarray(seen_alone("hero", A3, key)).getbbox()
    assert inked is not None
    left, top, right, bottom = inked

    assert max(right - left, bottom - top) >= HERO_MM


@pytest.mark.parametrize("key", KEYS)
def test_without_its_hero_a_motif_is_whole_and_leaves_the_window_to_a_photo(key: str) -> None:
    field = A3.field
    horizon, reach = round(field.centre_y_mm), round(WINDOW_MM)
    for name in ("echo", "waveform"):
        assert seen_alone(name, A3, key).max() > 0, name
    echo = seen_alone("echo", A3, key)
    left, right = round(field.centre_x_mm) - reach, round(field.centre_x_mm) + reach
    assert echo[: horizon - 1, left:right].max() == 0
    assert echo[horizon : horizon + 40, left:right].max() > 0


@pytest.mark.parametrize("key", KEYS)
def test_no_line_in_a_drawing_is_too_thin_for_a_low_resolution(key: str) -> None:
    root = etree.parse(load_design(key).art).getroot()
    widths = line_widths_mm(root, root)

    assert len(widths) > 2
    assert min(widths) >= THINNEST_MM


@pytest.mark.parametrize("key", KEYS)
def test_a_drawing_uses_few_colours_and_few_bytes(key: str) -> None:
    drawn = load_design(key).art.read_bytes()
    colours = {colour.upper() for colour in re.findall(rb"#[0-9A-Fa-f]{6}\b", drawn)}

    # The series' own picture shows the colours of all six aspects.
    assert 12 <= len(colours) <= (30 if key == SERIES else 17), sorted(colours)
    assert len(drawn) < 40_000


@pytest.mark.parametrize("key", KEYS)
def test_each_part_of_a_drawing_has_a_name_and_no_ring_has_too_many_parts(key: str) -> None:
    root = etree.parse(load_design(key).art).getroot()
    art = root.find(".//*[@id='art']")
    assert art is not None
    names = [element.get("id") for element in root.iter(etree.Element) if element.get("id")]
    parts = [child for child in art if child.tag not in NOT_DRAWN]

    assert len(names) == len(set(names))
    assert root.findall(".//*[@href]") == []  # SVG 2's plain href is empty in the drawing programs that know xlink:href alone
    assert all(part.get("id") for part in parts)
    assert {"tone", "above", "echo", "hero", "waveform"} <= {part.get("id") for part in parts}
    assert all(len(group.findall(f"{SVG}use")) <= MOST_IN_A_RING for group in root.iter(f"{SVG}g"))


@pytest.mark.parametrize("form", load_formats().values(), ids=lambda form: form.name)
def test_the_field_holds_the_whole_motif(form: PosterFormat) -> None:
    field = form.field

    assert field.height_mm - field.centre_y_mm >= 80 * field.scale
    assert field.centre_y_mm >= 112 * field.scale
    assert 112 * field.scale <= form.width_mm - field.centre_x_mm - 5


def test_horizon_and_band_lie_at_one_height_in_all_aspects() -> None:
    horizon = round(TINY.field.centre_y_mm * TINY.px_per_mm)
    band = round(TINY.field.height_mm * TINY.px_per_mm)

    for key in KEYS:
        right_edge = np.asarray(art_of(TINY, load_design(key), ()), dtype=int)[:, -12:].mean(axis=1)
        steps = np.abs(np.diff(right_edge, axis=0)).sum(axis=1)
        assert steps[horizon - 4 : horizon + 3].max() > 5 * np.median(steps), key
        assert steps[horizon + 12 : band - 3].max() < steps[band - 2 : band + 4].max(), key


def _without(name: str) -> Callable[[str], str]:
    return lambda svg: svg.replace(f'id="{name}"', 'id="renamed"')


def _emptied(name: str) -> Callable[[str], str]:
    return lambda svg: re.sub(rf'(<g id="{name}"[^>]*>).*?</g>', r"\1<!-- 空 --></g>", svg, count=1, flags=re.DOTALL)


@pytest.mark.parametrize(
    "spoil",
    [
        _without("waveform"),
        _without("band"),
        _emptied("field"),
        _emptied("band"),
        lambda svg: svg.replace("data-amp", "data-height"),
        lambda svg: svg.replace('data-amp="', 'data-amp="x'),
        lambda svg: svg[:400],
        lambda svg: svg.replace("<g id", '<image href="photo.png"/><g id', 1),
        lambda svg: svg.replace("<g id", '<use href="other.svg#a"/><g id', 1),
        lambda svg: svg.replace("<g id", '<rect fill="url(other.svg#a)"/><g id', 1),
        lambda svg: svg.replace("<g id", "<text>字</text><g id", 1),
    ],
    ids=[
        *("no-waveform", "no-band", "empty-field", "empty-band", "no-number", "wrong-number", "cut"),
        *("picture", "foreign-link", "foreign-paint", "text"),
    ],
)
def test_a_drawing_that_cannot_be_reflowed_is_named(spoil: Callable[[str], str], tmp_path: Path) -> None:
    design = load_design("leisure")
    spoilt = tmp_path / "leisure.svg"
    whole = design.art.read_text(encoding="utf-8")
    assert spoil(whole) != whole
    spoilt.write_text(spoil(whole), encoding="utf-8")

    with pytest.raises(DesignError) as caught:
        art_of(TINY, replace(design, art=spoilt), EVEN)
    assert (caught.value.problems[0].place, caught.value.problems[0].code) == (spoilt, "JX-D08")

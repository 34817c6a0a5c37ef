"""One poster from one design: the art, the lines, the code, and the file, which is scanned before it is handed on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from pipeline import qr
from pipeline.designs import CREAM, rgb
from pipeline.errors import AuthorError, DesignError, Problem
from pipeline.model import Poster, Sound, Wording
from pipeline.poster import glyphs, paint, typeset
from pipeline.poster.art import draw_art
from pipeline.poster.check import Origins, episode_origins, misfit_problem, series_origins
from pipeline.poster.clearance import layout_problems
from pipeline.poster.contrast import contrast_problems
from pipeline.poster.design import PAPER, SEAL_RED, WHITE, Design
from pipeline.poster.formats import MIME_TYPES, PosterFormat
from pipeline.poster.layout import CARD_RADIUS_MM, Layout, Rectangle, lay_out, panel_inks, route_stops
from pipeline.poster.lettering import Lettering, SeriesWording, letter_episode, letter_series
from pipeline.poster.pdf import write_pdf
from pipeline.poster.photo import fill_window
from pipeline.poster.proof import Proof, prove

_EPISODE = episode_origins(script=Path("script.md"), series_file=Path("series.toml"))
_SERIES = series_origins(Path("series.toml"))
_SEAL_RADIUS_MM = 2.2
_RULE_OPACITY = 0.55
_QUALITIES = (94, 91, 88, 84, 80, 75, 70, 64, 58)
_FULL_COLOUR_QUALITY = 84  # below it, half the colour resolution costs less than a coarser picture


def compose(poster_format: PosterFormat, wording: Wording, sound: Sound, design: Design, to: Path) -> Poster:
    """Return an episode's poster, drawn with its own sound, written to ``to`` and scanned again.

    Raises:
        AuthorError: a text that does not fit, an address too long for a code; ``check_episode`` names all of them sooner.
        DesignError: parts that collide, a file that is too large, a code that does not scan.
    """
    return _make(poster_format, letter_episode(wording), _EPISODE, sound.envelope, design, to)


def compose_series(poster_format: PosterFormat, wording: SeriesWording, design: Design, to: Path) -> Poster:
    """Return the series' own poster, with the waveform as the designer drew it; raises what ``compose`` raises."""
    return _make(poster_format, letter_series(wording), _SERIES, None, design, to)


def _make(
    poster_format: PosterFormat,
    lettering: Lettering,
    origins: Origins,
    envelope: Sequence[float] | None,
    design: Design,
    to: Path,
) -> Poster:
    matrix = qr.encode(lettering.url) if poster_format.code else None
    layout = lay_out(poster_format, design, lettering, matrix)
    if layout.misfits:
        raise AuthorError([misfit_problem(misfit, poster_format, origins) for misfit in layout.misfits])
    if problems := layout_problems(poster_format, layout):
        raise DesignError(problems)
    _write(poster_format, layout, _paint(poster_format, lettering, layout, design, envelope), matrix, design, to)
    return deliver(poster_format, to, lettering.url if matrix else "")


def deliver(poster_format: PosterFormat, file: Path, url: str) -> Poster:
    """Return a finished file as what is handed on: scanned again, where it carries a code for ``url``.

    Raises:
        DesignError: it does not scan.
    """
    proof = prove(file, url) if url else Proof(decodings=0, trials=0)
    return Poster(
        format=poster_format.name,
        label=poster_format.label,
        file=file,
        sha256=_digest(file),
        mime_type=MIME_TYPES[poster_format.suffix],
        width_px=poster_format.width_px,
        height_px=poster_format.height_px,
        decodings=proof.decodings,
        trials=proof.trials,
        reach=proof.reach,
        read_by=proof.read_by,
    )


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _paint(
    poster_format: PosterFormat, lettering: Lettering, layout: Layout, design: Design, envelope: Sequence[float] | None
) -> Image.Image:
    """Return the whole sheet, bleed included; raises DesignError where type is too faint for what is behind it."""
    on_sheet = layout.moved(poster_format.bleed_px)
    sheet = _paint_shapes(poster_format, lettering, on_sheet, design, envelope)
    if problems := contrast_problems(poster_format, sheet, on_sheet):
        raise DesignError(problems)
    for text in (*on_sheet.texts, *on_sheet.seal_texts):
        glyphs.draw(sheet, text.block, (text.rectangle.left, text.rectangle.top), rgb(text.fill))
    return sheet


def _paint_shapes(
    poster_format: PosterFormat, lettering: Lettering, layout: Layout, design: Design, envelope: Sequence[float] | None
) -> Image.Image:
    """Return the sheet with all but the type: art above, paper below, and what stands on them."""
    scale, bleed_px = poster_format.px_per_mm, poster_format.bleed_px
    sheet = Image.new("RGB", (poster_format.width_px + 2 * bleed_px, poster_format.height_px + 2 * bleed_px), rgb(PAPER))
    draw_art(sheet, poster_format, design, envelope)
    if design.photo:
        fill_window(sheet, poster_format, design.photo, design)
    if layout.foot:
        _paint_foot(sheet, poster_format, layout.foot, design)
    if layout.rule:
        paint.tint(sheet, layout.rule, design.accent, _RULE_OPACITY)
    if layout.seal:
        paint.rounded(sheet, layout.seal, _SEAL_RADIUS_MM * scale, SEAL_RED)
    if layout.route:
        _paint_route(sheet, layout.route, lettering, design)
    if layout.code:
        card, border = layout.code.card, layout.code.border_px
        paint.rounded(sheet, card, CARD_RADIUS_MM * scale, design.main)
        inner = Rectangle(
            name="", left=card.left + border, top=card.top + border, right=card.right - border, bottom=card.bottom - border
        )
        paint.rounded(sheet, inner, CARD_RADIUS_MM * scale - border, WHITE)
    return sheet


def _paint_foot(sheet: Image.Image, poster_format: PosterFormat, foot: Rectangle, design: Design) -> None:
    """Draw the strip at the sheet's foot: the same band as under the picture, and the deep colour down to the edge."""
    field, scale, bleed_px = poster_format.field, poster_format.px_per_mm, poster_format.bleed_px
    top, bottom = (round(edge_mm * scale) + bleed_px for edge_mm in (field.height_mm, field.height_mm + field.band_mm))
    sheet.paste(sheet.crop((0, top, sheet.width, bottom)), (0, foot.top))
    below = foot.top + bottom - top
    sheet.paste(rgb(design.deep), (0, below, sheet.width, sheet.height))


def _paint_route(picture: Image.Image, route: Rectangle, lettering: Lettering, design: Design) -> None:
    """Draw the route as a line with its stops; this episode's stop, or on the series' poster each stop, is large and numbered."""
    line_colour = panel_inks(design).line
    middle, radius = (route.top + route.bottom) / 2, route.height / 2
    stops = route_stops(route, lettering.stop_count)
    thickness = max(1, round(route.height * 0.07))
    top = round(middle - thickness / 2)
    line = Rectangle(name="", left=round(stops[0]), top=top, right=round(stops[-1]), bottom=top + thickness)
    if line.width > 0:
        paint.tint(picture, line, line_colour)
    for order, x in enumerate(stops, start=1):
        here = lettering.stop_order in (0, order)
        paint.disc(picture, x, middle, radius if here else radius * 0.36, design.deep if here else line_colour)
        if here:
            number = typeset.set_line(str(order), design.sans_bold, radius * 1.15)
            at = (round(x - number.width_px / 2), round(middle - number.height_px / 2))
            glyphs.draw(picture, number, at, rgb(CREAM))


def _write(
    poster_format: PosterFormat, layout: Layout, picture: Image.Image, matrix: qr.Matrix | None, design: Design, to: Path
) -> None:
    if poster_format.print:
        write_pdf(picture, poster_format.print, layout.code, matrix, design.deep, to)
        return
    if layout.code and matrix:
        paint.code(picture, layout.code, matrix, design.deep)
    if poster_format.suffix == ".png":
        picture.save(to, "PNG")
    else:
        _write_jpeg(picture, poster_format, to)
    size_bytes = to.stat().st_size
    if poster_format.max_bytes and size_bytes > poster_format.max_bytes:
        cause = f"“{poster_format.label}”有 {size_bytes / 1000:.0f} KB，最多 {poster_format.max_bytes / 1000:.0f} KB"
        fix = "请把图案画得简单些，或在版式文件里放宽 max_bytes"
        raise DesignError([Problem(place=to, cause=cause, fix=fix, code="JX-D13")])


def _write_jpeg(picture: Image.Image, poster_format: PosterFormat, to: Path) -> None:
    """Write the best quality that keeps within the format's ``max_bytes``; a page shows it whole before all of it is there."""
    progressive = poster_format.place == "site"  # car radios do not read it, so the picture in the sound is not
    for quality in _QUALITIES:
        subsampling = 0 if quality >= _FULL_COLOUR_QUALITY else 2
        picture.save(to, "JPEG", quality=quality, subsampling=subsampling, optimize=True, progressive=progressive)
        if not poster_format.max_bytes or to.stat().st_size <= poster_format.max_bytes:
            return

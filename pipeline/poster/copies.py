"""A copy of a printed poster for one place: the finished sheet with another code, and what names the place laid over it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pikepdf
from PIL import Image

from pipeline import addresses, qr
from pipeline.designs import rgb
from pipeline.errors import AuthorError, Problem
from pipeline.model import Placement, Poster, Wording
from pipeline.poster import glyphs
from pipeline.poster.check import MISSING_FIX, Origin, misfit_problem
from pipeline.poster.clearance import layout_problems
from pipeline.poster.compose import deliver
from pipeline.poster.design import PAPER, Design
from pipeline.poster.formats import PosterFormat
from pipeline.poster.layout import CodePlace, Layout, Rectangle, Text, lay_out
from pipeline.poster.lettering import letter_episode
from pipeline.poster.pdf import code_path, picture_stream

EASY_BYTES = 32
"""Up to so many bytes a code of the size that copies have is of level Q; more leave less to mend a bad photograph with."""

_CODE = re.compile(rb"q [\d. ]+ rg\n(?:[\d. ]+ re\n)+f Q")  # the code as ``pdf`` draws it: one filled path
_TABLE = Path("placements.csv")
_SHORTER = "把编号改短一些，或换一个短些的域名"


def compose_copy(
    poster_format: PosterFormat, wording: Wording, placement_id: str, design: Design, poster: Path, to: Path
) -> Poster:
    """Return the copy for one place of the printed ``poster`` with that ``wording``, written to ``to`` and scanned again.

    The art is taken over as it lies in the file, so a copy costs a fraction of its poster. The format has a code.

    Raises:
        AuthorError: an address too long for a code, an id too long for its box; ``check_copies`` names all of them sooner.
        DesignError: a code that does not scan.
    """
    placed = _placed(wording, placement_id)
    matrix = qr.encode(placed.page_url)
    before = lay_out(poster_format, design, letter_episode(wording), qr.encode(wording.page_url))
    after = lay_out(poster_format, design, letter_episode(placed), matrix)
    if problems := _unfit(poster_format, after, placement_id, _TABLE, None):
        raise AuthorError(problems)
    if after.code is None:
        raise ValueError(f"the format {poster_format.name} has no code")
    patches = [(text.rectangle, _paper(text.rectangle)) for text in before.texts if text not in after.texts]
    patches += [(text.rectangle, _on_paper(text)) for text in after.texts if text not in before.texts]
    _write(poster_format, patches, after.code, matrix, design.deep, poster, to)
    return deliver(poster_format, to, placed.page_url)


def check_copies(
    wording: Wording, design: Design, formats: Sequence[PosterFormat], placements: Sequence[Placement], file: Path
) -> tuple[Problem, ...]:
    """Return what keeps an episode's printed posters from being copied for ``placements``; nothing is drawn.

    Problems name the lines of ``file``, which is placements.csv: JX-D30 for an address beyond 42 bytes, JX-D32 for characters
    without a glyph, and what ``check_episode`` says of a code or a line that its format has no room for.
    """
    problems: list[Problem] = []
    for placement in placements:
        problems += _missing(placement, design, file)
        placed = _placed(wording, placement.id)
        size_bytes = len(placed.page_url.encode())
        if size_bytes > qr.MAX_BYTES:
            cause = f"点位 {placement.id} 的二维码里，网址连编号有 {size_bytes} 个字节，最多 {qr.MAX_BYTES} 个，再长就不容易扫"
            problems.append(Problem(place=file, line=placement.line, cause=cause, fix=_SHORTER, code="JX-D30"))
            continue
        matrix = qr.encode(placed.page_url)
        for poster_format in map(_around_the_code, formats):
            layout = lay_out(poster_format, design, letter_episode(placed), matrix)
            problems += _unfit(poster_format, layout, placement.id, file, placement.line)
    return tuple(problems)


def hard_to_scan(page_url: str, placement: Placement, file: Path) -> tuple[Problem, ...]:
    """Return JX-D31 where the address of a copy's code is so long that it scans less well: to be known, and not to be mended."""
    size_bytes = len(addresses.placement_url(page_url, placement.id).encode())
    if size_bytes <= EASY_BYTES:
        return ()
    cause = f"点位 {placement.id} 的二维码里，网址连编号有 {size_bytes} 个字节，超过 {EASY_BYTES} 个，远一点、暗一点就难扫一些"
    return (Problem(place=file, line=placement.line, cause=cause, fix=f"能用；想好扫一些，{_SHORTER}", code="JX-D31"),)


def _placed(wording: Wording, placement_id: str) -> Wording:
    return replace(wording, placement_id=placement_id, page_url=addresses.placement_url(wording.page_url, placement_id))


def _around_the_code(poster_format: PosterFormat) -> PosterFormat:
    """Return the format without the boxes that are the same on every copy: laying them out again would take most of the time."""
    return replace(
        poster_format,
        header=None,
        subtitle=None,
        seal=None,
        headline=None,
        summary=None,
        route=None,
        facts=None,
        signature=None,
        call=None,
        brand=None,
    )


def _unfit(poster_format: PosterFormat, layout: Layout, placement_id: str, file: Path, line: int | None) -> list[Problem]:
    """Return what is wrong with a copy's layout as something about its id: the poster that it is made of was right."""
    origins = {"address": Origin(called="网址连点位编号", file=file, line=line)}
    if layout.misfits:
        return [misfit_problem(misfit, poster_format, origins) for misfit in layout.misfits]
    return [
        replace(
            problem,
            place=file,
            line=line,
            cause=f"点位 {placement_id}：{problem.cause}",
            fix=f"把编号改短一些；还不行，{problem.fix}",
        )
        for problem in layout_problems(poster_format, layout)
    ]


def _missing(placement: Placement, design: Design, file: Path) -> list[Problem]:
    problems = []
    for sign in glyphs.missing_characters(placement.name, design.fonts):
        named = unicodedata.name(sign, "没有名称的字符")
        cause = f"地点“{placement.name}”里的 {sign}（U+{ord(sign):04X}，{named}）字体里没有，总览上会是空框"
        problems.append(Problem(place=file, line=placement.line, cause=cause, fix=MISSING_FIX, code="JX-D32"))
    return problems


def _write(
    poster_format: PosterFormat,
    patches: Sequence[tuple[Rectangle, Image.Image]],
    code: CodePlace,
    matrix: qr.Matrix,
    ink: str,
    poster: Path,
    to: Path,
) -> None:
    """Write the page with its code replaced and patches laid on; the picture under them stays byte for byte what it was."""
    with pikepdf.open(poster) as pdf:
        page = pdf.pages[0].obj
        pictures = page.Resources.XObject
        left, _, right, top = (float(edge) for edge in page.BleedBox)
        pt_per_px = (right - left) / int(pictures.Picture.Width)
        drawing = []
        for number, (rectangle, patch) in enumerate(patches):
            place = rectangle.moved(poster_format.bleed_px)
            size = f"{place.width * pt_per_px:.4f} 0 0 {place.height * pt_per_px:.4f}"
            corner = f"{left + place.left * pt_per_px:.4f} {top - place.bottom * pt_per_px:.4f}"
            pictures[f"/Patch{number}"] = pdf.make_indirect(picture_stream(pdf, patch))
            drawing.append(f"q {size} {corner} cm /Patch{number} Do Q")
        trim_left, trim_top = float(page.TrimBox[0]), float(page.TrimBox[3])
        drawing.append(code_path(code, matrix, ink, pt_per_px, trim_left, trim_top))
        content, count = _CODE.subn("\n".join(drawing).encode("ascii"), page.Contents.read_bytes())
        if count != 1:
            raise ValueError(f"{poster} holds {count} codes as the program draws them, and not one")
        page.Contents = pdf.make_stream(content)
        pdf.save(to, deterministic_id=True)


def _paper(rectangle: Rectangle) -> Image.Image:
    """Return plain paper; written as JPEG like the sheet, it has the very tone of what is around it."""
    return Image.new("RGB", (rectangle.width, rectangle.height), rgb(PAPER))


def _on_paper(text: Text) -> Image.Image:
    paper = _paper(text.rectangle)
    glyphs.draw(paper, text.block, (0, 0), rgb(text.fill))
    return paper

"""What is wrong with a poster's texts before anything is drawn, in the words and places of whoever wrote them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import qr
from pipeline.errors import Problem
from pipeline.model import Wording
from pipeline.poster.clearance import layout_problems
from pipeline.poster.design import Design
from pipeline.poster.formats import PosterFormat
from pipeline.poster.glyphs import missing_characters
from pipeline.poster.layout import Misfit, lay_out
from pipeline.poster.lettering import Lettering, SeriesWording, letter_episode, letter_series

_LONGEST_S = 3 * 3600 + 59  # a recording has three hours at most; no shorter duration is read in more characters

MISSING_FIX = "请换一个字或换个说法，或者把有这个字的字体文件放进节目文件夹的 posters/fonts"
_QUOTED = 24  # characters of a text too long, enough to find it


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file that people wrote, and the 1-based line of each key in it; the keys of ``Episode.lines`` and ``Series.lines``."""

    file: Path
    lines: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a line of the lettering was written, and what it is called there."""

    called: str
    file: Path
    line: int | None


Origins = Mapping[str, Origin]
"""By the lettering's fields; what is in none is the program's own."""


def check_episode(
    wording: Wording,
    design: Design,
    formats: Iterable[PosterFormat],
    script: Written,
    series: Written,
) -> tuple[Problem, ...]:
    """Return everything in the wording that a poster cannot show; nothing is drawn, and the longest duration is assumed.

    Problems name the file and line where the text stands: JX-D01 for the address, JX-D11 for characters without a glyph,
    JX-D09 and JX-D20 for texts too long. JX-D10, JX-D12 and JX-D16 name the format.
    """
    lettering = letter_episode(replace(wording, duration_s=_LONGEST_S))
    origins = episode_origins(script.file, series.file)
    series_keys = {
        "header_left": "title",
        "seal": f"aspects.{wording.aspect.key}",
        "headline": f"stops.{wording.stop_name}",
        "brand": "title",
        "signature": "poster_signature",
        "address": "site_url",
    }
    lines = {name: script.lines.get(name) for name in ("title", "subtitle", "summary")}
    lines |= {"facts": script.lines.get("spoken_languages")}
    lines |= {name: series.lines.get(key) for name, key in series_keys.items()}
    return _check(lettering, design, formats, _with_lines(origins, lines))


def check_series(
    wording: SeriesWording,
    design: Design,
    formats: Iterable[PosterFormat],
    series: Written,
) -> tuple[Problem, ...]:
    """Return everything in the series' wording that its own poster cannot show, as ``check_episode`` does."""
    keys = {
        "brand": "title",
        "headline": "author",
        "summary": "description",
        "header_left": "poster_signature",
        "address": "site_url",
    }
    origins = series_origins(series.file)
    lines = {name: series.lines.get(keys.get(name, name)) for name in origins}
    return _check(letter_series(wording), design, formats, _with_lines(origins, lines))


def _with_lines(origins: Origins, lines: Mapping[str, int | None]) -> Origins:
    return {name: replace(origin, line=lines.get(name)) for name, origin in origins.items()}


def episode_origins(script: Path, series_file: Path) -> Origins:
    """Return where the lines of an episode's poster were written."""
    return {
        "title": Origin(called="标题", file=script, line=None),
        "subtitle": Origin(called="副标题", file=script, line=None),
        "summary": Origin(called="简介", file=script, line=None),
        "facts": Origin(called="时长、语言和站次这一行", file=script, line=None),
        "header_left": Origin(called="系列的名称（title）", file=series_file, line=None),
        "brand": Origin(called="系列的名称（title）", file=series_file, line=None),
        "seal": Origin(called="方面的名称（aspects 的 name）", file=series_file, line=None),
        "headline": Origin(called="站名（stops 的 name）", file=series_file, line=None),
        "signature": Origin(called="署名（poster_signature）", file=series_file, line=None),
        "address": Origin(called="网址（site_url）", file=series_file, line=None),
    }


def series_origins(series_file: Path) -> Origins:
    """Return where the lines of the series' own poster were written."""
    called = {
        "title": "系列的名称（title）",
        "brand": "系列的名称（title）",
        "subtitle": "系列的副标题（subtitle）",
        "headline": "作者（author）",
        "summary": "系列的简介（description）",
        "header_left": "署名（poster_signature）",
        "address": "网址（site_url）",
    }
    return {line: Origin(called=name, file=series_file, line=None) for line, name in called.items()}


def misfit_problem(misfit: Misfit, poster_format: PosterFormat, origins: Origins) -> Problem:
    """Return a text that its box cannot hold as what to mend: the text, or the box where it holds nothing at all."""
    origin, label = origins.get(misfit.line), f"“{poster_format.label}”"
    text = misfit.text if len(misfit.text) <= _QUOTED else misfit.text[:_QUOTED] + "……"
    if origin and misfit.word:
        cause = f"{origin.called}里的“{misfit.word}”不能拆成两行，而{label}的一行排不下它"
        return Problem(place=origin.file, line=origin.line, cause=cause, fix="请换一个短些的写法", code="JX-D20")
    if origin and misfit.fitting:
        cause = f"{origin.called}“{text}”有 {len(misfit.text)} 个字（连标点），{label}用最小的字也只排得下 {misfit.fitting} 个"
        over = len(misfit.text) - misfit.fitting
        fix = f"请把{origin.called}至少缩短 {over} 个字" + ("，比如少写一种语言" if misfit.line == "facts" else "")
        return Problem(place=origin.file, line=origin.line, cause=cause, fix=fix, code="JX-D09")
    cause = f"{label}里给“{text}”的地方太小，用最小的字也排不下"
    fix = "请在版式文件里把这一块放大，或者把 min_mm 改小"
    return Problem(place=poster_format.path, cause=cause, fix=fix, code="JX-D16")


def _check(lettering: Lettering, design: Design, formats: Iterable[PosterFormat], origins: Origins) -> tuple[Problem, ...]:
    problems = _missing(lettering, design, origins)
    too_long = len(lettering.url.encode()) > qr.MAX_BYTES
    problems += [replace(qr.too_long(lettering.url, origins["address"].file), line=origins["address"].line)] if too_long else []
    matrix = None if too_long else qr.encode(lettering.url)
    tightest: dict[Origin | str, tuple[Misfit, PosterFormat]] = {}
    for poster_format in formats:
        layout = lay_out(poster_format, design, lettering, matrix)
        for misfit in layout.misfits:
            if too_long and misfit.line == "address":
                continue  # said already
            written = origins.get(misfit.line, misfit.line)  # one text may stand in two places
            known = tightest.get(written)
            if known is None or misfit.fitting < known[0].fitting:
                tightest[written] = misfit, poster_format
        if not layout.misfits:  # without one of its lines a layout shows nothing
            problems += layout_problems(poster_format, layout)
    return (*problems, *(misfit_problem(misfit, poster_format, origins) for misfit, poster_format in tightest.values()))


def _missing(lettering: Lettering, design: Design, origins: Origins) -> list[Problem]:
    problems = []
    for origin, text in dict.fromkeys((origin, getattr(lettering, line)) for line, origin in origins.items()):
        for sign in missing_characters(text, design.fonts):
            name = unicodedata.name(sign, "没有名称的字符")
            cause = f"{origin.called}“{text}”里的 {sign}（U+{ord(sign):04X}，{name}）海报字体里没有"
            problems.append(Problem(place=origin.file, line=origin.line, cause=cause, fix=MISSING_FIX, code="JX-D11"))
    return problems

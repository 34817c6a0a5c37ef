"""The poster stage: wording and sound in, pictures and PDFs out, each scanned again before it is handed on."""

from pipeline.designs import SERIES
from pipeline.poster.check import Written, check_episode, check_series
from pipeline.poster.compose import compose, compose_series
from pipeline.poster.copies import check_copies, compose_copy, hard_to_scan
from pipeline.poster.design import Design, load_design
from pipeline.poster.formats import PosterFormat, load_formats
from pipeline.poster.lettering import SeriesWording
from pipeline.poster.overview import draw_overview
from pipeline.poster.photo import check_photo, coarse_photo
from pipeline.poster.sheets import bind, draw_sheet

__all__ = [
    "SERIES",
    "Design",
    "PosterFormat",
    "SeriesWording",
    "Written",
    "bind",
    "check_copies",
    "check_episode",
    "check_photo",
    "check_series",
    "coarse_photo",
    "compose",
    "compose_copy",
    "compose_series",
    "draw_overview",
    "draw_sheet",
    "hard_to_scan",
    "load_design",
    "load_formats",
]

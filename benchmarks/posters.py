"""The poster stage beside the least that anything could cost, encoding the finished picture: ``make bench-poster``.

Each format is drawn in a process of its own. Its first drawing, which reads the fonts, is not counted; memory is that of the
whole process. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import ParamSpec, TypeVar

from benchmarks import process
from benchmarks.document import markdown, tell, write
from benchmarks.sample_poster import SOUND, WORDING
from pipeline import qr
from pipeline.poster import compose, load_design, load_formats
from pipeline.poster.compose import _paint, _write
from pipeline.poster.layout import lay_out
from pipeline.poster.lettering import letter_episode

DOCUMENT_NAME = "posters"
MOST_RATIO, MOST_MEMORY_MB = 5.0, 400.0
"""Of A3 against its PNG; of every format."""

P = ParamSpec("P")
Made = TypeVar("Made")

_PNG_LEVEL = 1


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds of CPU, medians over the rounds: the picture drawn, the PDF (or file) of it, its PNG, and the whole with proof."""

    drawn_s: float
    written_s: float
    png_s: float
    proven_s: float

    @property
    def ratio(self) -> float:
        """Drawing, PNG and PDF against the PNG alone."""
        return (self.drawn_s + self.png_s + self.written_s) / self.png_s


def time_format(name: str, rounds: int) -> Timing:
    """Return what one format costs in this process."""
    poster_format, design, sound = load_formats()[name], load_design(WORDING.aspect.key), SOUND
    lettering = letter_episode(WORDING)
    matrix = qr.encode(lettering.url) if poster_format.code else None
    measured: list[tuple[float, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        file, png = Path(folder) / f"poster{poster_format.suffix}", Path(folder) / "plain.png"
        for _ in range(rounds + 1):
            layout = lay_out(poster_format, design, lettering, matrix)
            drawn_s, sheet = _timed(_paint, poster_format, lettering, layout, design, sound.envelope)
            png_s, _ = _timed(sheet.save, png, compress_level=_PNG_LEVEL)
            written_s, _ = _timed(_write, poster_format, layout, sheet, matrix, design, file)
            del sheet
            proven_s, _ = _timed(compose, poster_format, WORDING, sound, design, file)
            measured.append((drawn_s, written_s, png_s, proven_s))
    drawn_s, written_s, png_s, proven_s = (statistics.median(each) for each in zip(*measured[1:], strict=True))
    return Timing(drawn_s=drawn_s, written_s=written_s, png_s=png_s, proven_s=proven_s)


def _timed(work: Callable[P, Made], *arguments: P.args, **options: P.kwargs) -> tuple[float, Made]:
    start_s = time.process_time()
    made = work(*arguments, **options)
    return time.process_time() - start_s, made


def main(arguments: Sequence[str]) -> None:
    """Measure the formats and print the table as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.posters", description="What drawing posters costs.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each format is drawn (default: 3)")
    parser.add_argument("--format", action="append", default=[], help="only this one; may be repeated")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="also put the table between the marks of this document")
    chosen = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    rows = []
    for name in chosen.format or load_formats():
        tell(f"drawing {name}")
        with tempfile.NamedTemporaryFile(suffix=".json") as said:
            cost = process.measure([sys.executable, "-c", _IN_ITS_OWN_PROCESS, said.name, name, str(chosen.rounds)])
            timing = Timing(**json.loads(Path(said.name).read_text(encoding="utf-8")))
        rows.append(_row(name, timing, cost.peak_mb))
    headers = ["format", "megapixels", "draw", "file", "PNG alone, s", "all : PNG", "with proof : PNG", "peak memory, MB"]
    conditions = (
        f"`make bench-poster` on {datetime.now(UTC):%Y-%m-%d}: load {load:.1f} at the start, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, pillow {version('pillow')}, resvg-py {version('resvg-py')}."
    )
    measured = "\n\n".join([conditions, markdown(rows, headers)])
    print(measured)
    if chosen.write:
        write(chosen.write, DOCUMENT_NAME, measured)


_IN_ITS_OWN_PROCESS = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from benchmarks.posters import time_format
Path(sys.argv[1]).write_text(json.dumps(asdict(time_format(sys.argv[2], int(sys.argv[3])))), encoding="utf-8")
"""


def _row(name: str, timing: Timing, peak_mb: float) -> list[str]:
    poster_format = load_formats()[name]
    too_slow = name == "a3" and timing.ratio > MOST_RATIO
    return [
        name,
        f"{poster_format.width_px * poster_format.height_px / 1e6:.1f}",
        f"{timing.drawn_s / timing.png_s:.2f}",
        f"{timing.written_s / timing.png_s:.2f}",
        f"{timing.png_s:.2f}",
        f"**{timing.ratio:.2f}**" if too_slow else f"{timing.ratio:.2f}",
        f"{(timing.proven_s + timing.png_s) / timing.png_s:.2f}",
        f"**{peak_mb:.0f}**" if peak_mb > MOST_MEMORY_MB else f"{peak_mb:.0f}",
    ]


if __name__ == "__main__":
    main(sys.argv[1:])

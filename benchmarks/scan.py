"""How well our codes are read beside a plain one: ``make bench-scan``, or ``python -m benchmarks.scan --help``.

Every format with a code, in every aspect, and beside each a black code of the same version, level and size at the same place of a
blank sheet: both are photographed in the same forty ways, and read by four decoders. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.document import markdown, tell, write
from benchmarks.sample_poster import SOUND, WORDING
from pipeline import qr
from pipeline.model import Wording
from pipeline.poster import PosterFormat, compose, load_design, load_formats, paint
from pipeline.poster.decoders import Decoder, decoders, find_codes
from pipeline.poster.finished import open_sheets
from pipeline.poster.layout import lay_out
from pipeline.poster.lettering import letter_episode
from pipeline.poster.pdf import write_pdf
from pipeline.poster.photographs import (
    VIEW_PX,
    add_noise,
    blur,
    compress,
    darken,
    in_perspective,
    photocopy,
    resized,
    surroundings_of,
)

DOCUMENT_NAME = "codes"
LEAST_MEAN, LEAST = 0.97, 0.92
"""What part of the photographs of a plain code that are read ours has to reach: on average, and each poster alone."""

ASPECTS = ("leisure", "business", "facilities", "culture", "wellbeing", "transport")
OPENCV, LIBZBAR = "OpenCV", "zbar"

_WALL = 150
Photograph = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, kw_only=True)
class Survival:
    """Of how many photographs each decoder read the poster and the plain code; ``clean`` are those that read the poster whole."""

    format: str
    aspect: str
    photographs: int
    ours: Mapping[str, int]
    plain: Mapping[str, int]
    clean: tuple[str, ...]
    plain_clean: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """Photographs of the poster that were read for each of the plain code, all decoders together."""
        return sum(self.ours.values()) / max(sum(self.plain.values()), 1)


# The photographs


def _from(times: float, spoil: Photograph = lambda picture: picture) -> Photograph:
    """Return a photograph from that many times the distance at which the sheet fills the viewfinder."""
    return lambda picture: spoil(resized(picture, 1 / times))


def _turned(picture: Image.Image, degrees: float) -> Image.Image:
    return picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=_WALL)


def _shaken(picture: Image.Image, length_px: int, *, upright: bool = False, across: bool = False) -> Image.Image:
    """Return it as a moving hand takes it."""
    kernel = np.zeros((5, 5))
    middle, reach = 2, length_px // 2
    for step in range(-reach, reach + 1):
        row = middle + (step if upright or across else 0)
        column = middle + (0 if upright else step)
        kernel[row, column] = 1
    return picture.filter(ImageFilter.Kernel((5, 5), kernel.flatten().tolist()))


def _seen_from(picture: Image.Image, side: str, inset: float) -> Image.Image:
    """Return it tilted away on one side: that side is smaller by twice ``inset``, and nearer by ``inset``."""
    width, height = picture.size
    left, top, right, bottom = 0.0, 0.0, float(width), float(height)
    x, y = inset * width, inset * height
    seen = {
        "left": ((left, top), (right - x, top + y), (right - x, bottom - y), (left, bottom)),
        "right": ((left + x, top + y), (right, top), (right, bottom), (left + x, bottom - y)),
        "above": ((left, top), (right, top), (right - x, bottom - y), (left + x, bottom - y)),
        "below": ((left + x, top + y), (right - x, top + y), (right, bottom), (left, bottom)),
    }
    return in_perspective(picture, seen[side])


def _with_glare(picture: Image.Image, x: float, y: float) -> Image.Image:
    """Return it with a lamp's reflection beside the code, at those shares of the picture."""
    width, height = picture.size
    spot = Image.new("L", picture.size, 0)
    radius = width * 0.16
    box = (x * width - radius, y * height - radius, x * width + radius, y * height + radius)
    ImageDraw.Draw(spot).ellipse(box, fill=235)
    spot = spot.filter(ImageFilter.GaussianBlur(radius / 3))
    return Image.composite(Image.new("L", picture.size, 255), picture, spot)


def _coarse(picture: Image.Image, factor: float) -> Image.Image:
    """Return it as a screen's or a fax's grid takes it: every so many px one is kept, and the picture is drawn out of those."""
    small = picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.NEAREST)
    return small.resize(picture.size, Image.Resampling.BICUBIC)


def _overexposed(picture: Image.Image) -> Image.Image:
    return add_noise(blur(picture, 0.5).point([min(round(120 + value * 0.6), 255) for value in range(256)]), 4)


def _in_the_dark(picture: Image.Image) -> Image.Image:
    return add_noise(blur(picture, 0.5).point([round(8 + value * 0.14) for value in range(256)]), 3)


PHOTOGRAPHS: tuple[Photograph, ...] = (
    *(_from(times) for times in (2, 4, 5.5, 7.5)),
    *(_from(times, blur) for times in (1.5, 2.5, 3.2, 4.5)),
    *(_from(times, partial(blur, radius_px=1.6)) for times in (1.5, 3)),
    *(_from(times, partial(_shaken, length_px=5)) for times in (1.5, 2.2)),
    _from(2, partial(_shaken, length_px=5, upright=True)),
    _from(2, partial(_shaken, length_px=5, across=True)),
    *(_from(2.6, partial(_seen_from, side=side, inset=0.2)) for side in ("left", "right", "above", "below")),
    *(_from(3.2, partial(_seen_from, side=side, inset=0.28)) for side in ("left", "below")),
    *(_from(4, partial(_turned, degrees=degrees)) for degrees in (14, 45, 101)),
    *(_from(times, darken) for times in (1, 2.5, 3.5, 4.5)),
    *(_from(times, _in_the_dark) for times in (1.5, 3.5)),
    *(_from(times, _overexposed) for times in (1.5, 3.5, 4.5)),
    *(_from(4, partial(_with_glare, x=x, y=y)) for x, y in ((0.04, 0.1), (0.95, 0.9), (0.5, 0.02))),
    *(_from(times, partial(compress, quality=30)) for times in (2, 4.5)),
    *(_from(times, partial(compress, quality=15)) for times in (2, 3.2, 4)),
    *(_from(times, photocopy) for times in (1, 2, 3)),
    *(_from(times, partial(_coarse, factor=0.62)) for times in (2, 3)),
    _from(2.6, lambda picture: compress(darken(_seen_from(picture, "right", 0.12)), 60)),
)
"""What a phone takes of a poster, all in mode L."""


def as_a_messenger_sends_it(view: Image.Image) -> Image.Image:
    """Return the whole picture after WeChat has sent it: the longer side at most 1280 px, JPEG at quality 60."""
    return compress(resized(view, min(1280 / max(view.size), 1)), 60)


# Ours, and the plain code beside it


def draw_plain(poster_format: PosterFormat, wording: Wording, to: Path) -> None:
    """Write a blank sheet of a format with a black code as large as the poster's, where that stands, in the same kind of file."""
    matrix = qr.encode(wording.page_url)
    code = lay_out(poster_format, load_design(wording.aspect.key), letter_episode(wording), matrix).code
    if code is None:
        raise ValueError(f"the format {poster_format.name} has no code")
    size = (poster_format.width_px + 2 * poster_format.bleed_px, poster_format.height_px + 2 * poster_format.bleed_px)
    sheet = Image.new("RGB", size, "white")
    if poster_format.print:
        write_pdf(sheet, poster_format.print, code, matrix, "#000000", to)
    else:
        paint.code(sheet, code, matrix, "#000000")
        sheet.save(to)


def all_decoders() -> dict[str, Decoder]:
    """Return the decoders that a proof uses, zbar's own library in place of the package that holds its decoder, and OpenCV's."""
    import cv2  # noqa: PLC0415  (only in the environment of the benchmarks)
    from pyzbar import pyzbar  # noqa: PLC0415  (needs a library of the system's)

    opencv = cv2.QRCodeDetector()
    libzbar = {
        LIBZBAR: lambda picture, url: any(
            code.data == url.encode() for code in pyzbar.decode(picture, symbols=[pyzbar.ZBarSymbol.QRCODE])
        )
    }
    return decoders() | libzbar | {OPENCV: lambda picture, url: opencv.detectAndDecode(np.asarray(picture))[0] == url}


def survive(ours: Path, plain: Path, url: str, readers: Mapping[str, Decoder], photographs: Sequence[Photograph]) -> Survival:
    """Return how a finished poster survives its photographs beside a plain one; ``format`` and ``aspect`` are left empty."""
    taken = [_photographed(file, url, readers, photographs) for file in (ours, plain)]
    return Survival(
        format="",
        aspect="",
        photographs=len(photographs),
        ours=taken[0][0],
        plain=taken[1][0],
        clean=taken[0][1],
        plain_clean=taken[1][1],
    )


def _photographed(
    file: Path, url: str, readers: Mapping[str, Decoder], photographs: Sequence[Photograph]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return how many photographs each decoder reads, and which read the whole sheet, as it is and as WeChat sends it."""
    sheets = open_sheets(file)
    view = next(sheets)(VIEW_PX)
    code = next(code for code in find_codes(view) if code.text == url)
    near = surroundings_of(view, code)
    read = dict.fromkeys(readers, 0)
    for photograph in photographs:
        picture = photograph(near)
        for name, reads in readers.items():
            read[name] += reads(picture, url)
    sent = as_a_messenger_sends_it(view)
    return read, tuple(name for name, reads in readers.items() if reads(view, url) and reads(sent, url))


def measure(format_names: Sequence[str], aspects: Sequence[str]) -> list[Survival]:
    """Return how each format survives in each aspect."""
    formats = load_formats()
    readers = all_decoders()
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for aspect in aspects:
            for name in format_names:
                tell(f"{name} in {aspect}")
                ours, plain = (Path(folder) / f"{kind}{formats[name].suffix}" for kind in ("ours", "plain"))
                compose(formats[name], WORDING, SOUND, load_design(aspect), ours)
                draw_plain(formats[name], WORDING, plain)
                survival = survive(ours, plain, WORDING.page_url, readers, PHOTOGRAPHS)
                measured.append(replace(survival, format=name, aspect=aspect))
    return measured


# The tables


def ratio_table(measured: Sequence[Survival]) -> str:
    """Return a row for each format and a column for each aspect: ours as a share of the plain code's, too low ones in bold."""
    aspects = list(dict.fromkeys(each.aspect for each in measured))
    rows = []
    for name in dict.fromkeys(each.format for each in measured):
        ratios = [each.ratio for each in measured if each.format == name]
        rows.append([name, *(f"{ratio:.3f}" if ratio >= LEAST else f"**{ratio:.3f}**" for ratio in ratios), _mean(ratios)])
    everything = [each.ratio for each in measured]
    rows.append(
        ["all", *(_mean([each.ratio for each in measured if each.aspect == aspect]) for aspect in aspects), _mean(everything)]
    )
    return markdown(rows, ["", *aspects, "mean"])


def decoder_table(measured: Sequence[Survival]) -> str:
    """Return a row for each decoder: posters read whole, and shares of all photographs that were read."""
    trials = sum(each.photographs for each in measured)
    rows = []
    for name in measured[0].ours:
        clean, plain_clean = (sum(name in each_clean for each_clean in cleans) for cleans in _cleans(measured))
        ours, plain = sum(each.ours[name] for each in measured), sum(each.plain[name] for each in measured)
        rows.append(
            [
                name,
                f"{clean} of {len(measured)}",
                f"{plain_clean} of {len(measured)}",
                f"{ours / trials:.3f}",
                f"{plain / trials:.3f}",
                f"{ours / max(plain, 1):.3f}",
            ]
        )
    return markdown(rows, ["decoder", "whole, ours", "whole, plain", "spoilt, ours", "spoilt, plain", "ratio"])


def _cleans(measured: Sequence[Survival]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    return [each.clean for each in measured], [each.plain_clean for each in measured]


def _mean(ratios: Sequence[float]) -> str:
    mean = sum(ratios) / len(ratios)
    return f"{mean:.3f}" if mean >= LEAST_MEAN else f"**{mean:.3f}**"


def _conditions(command: str, measured: Sequence[Survival]) -> str:
    packages = ("zxing-cpp", "deqr", "pyzbar", "opencv-contrib-python-headless", "pillow", "pypdfium2")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    ratios = [each.ratio for each in measured]
    return (
        f"`{command}` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}. {len(measured)} posters, {len(PHOTOGRAPHS)} photographs of each and of "
        f"the plain code beside it: mean {_mean(ratios)}, lowest {min(ratios):.3f}."
    )


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scan", description="Scan our codes beside plain ones.")
    with_code = [name for name, each in load_formats().items() if each.code]
    parser.add_argument("--formats", default=",".join(with_code), help=f"which formats (default: {','.join(with_code)})")
    parser.add_argument("--aspects", default=",".join(ASPECTS), help=f"which aspects (default: {','.join(ASPECTS)})")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="also put the tables between the marks of this document")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Photograph and read all, and print it as Markdown."""
    chosen = _arguments(arguments)
    measured = measure(chosen.formats.split(","), chosen.aspects.split(","))
    written = list(arguments) == ["--write", "docs/benchmarks.md"]
    command = "make bench-scan" if written else f"python -m benchmarks.scan {' '.join(arguments)}".strip()
    sections = [_conditions(command, measured), ratio_table(measured), decoder_table(measured)]
    text = "\n\n".join(sections)
    print(text)
    if chosen.write:
        write(chosen.write, DOCUMENT_NAME, text)


if __name__ == "__main__":
    main(sys.argv[1:])

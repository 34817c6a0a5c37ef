"""A finished file as people see it: each page of a PDF within its trim, a picture the right way up, both in grey."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pypdfium2
from PIL import Image, ImageOps

from pipeline.errors import DesignError, Problem, telling_what_cannot_be_read

Sheet = Callable[[int], Image.Image]
"""Gives a page in mode L with its shorter side that many px long; a picture has no more than it has."""

_KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
_LARGEST_PX = 60_000_000
_LARGEST_VIEW_PX = 4320
_MOST_PAGES = 50
_LONGEST = 12  # times as long as wide: a sheet beyond that is none, and its raster would not end
_HEIC = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")


def open_sheets(file: Path) -> Iterator[Sheet]:
    """Yield the pages of a PDF or a TIFF, or the one picture that any other file holds; at most 50.

    A sheet can be looked at until the next one is asked for.

    Raises:
        DesignError: JX-D46 for what is no picture, JX-D47 for one of more than 60 million pixels.
    """
    if not file.is_file():
        what = "这是一个文件夹" if file.is_dir() else "没有这个文件"
        raise _unreadable(file, what, "请写明一个图片或 PDF 文件，名字里有空格时用引号括起来")
    with telling_what_cannot_be_read(file), file.open("rb") as stream:
        head = stream.read(1024)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC:
        fix = "请在手机上把照片另存为 JPEG 再试；iPhone 可在“设置 - 相机 - 格式”里选“兼容性最佳”"
        raise _unreadable(file, "这是苹果手机的 HEIC 照片，程序不认识", fix)
    yield from _pdf_pages(file) if b"%PDF" in head else _picture_pages(file)


def _pdf_pages(file: Path) -> Iterator[Sheet]:
    try:
        with pypdfium2.PdfDocument(file) as pdf:
            for number in range(min(len(pdf), _MOST_PAGES)):
                page = pdf[number]
                page.set_cropbox(*page.get_trimbox())  # what is cut off is seen by nobody
                if max(page.get_size()) > _LONGEST * min(page.get_size()):
                    raise _unreadable(file, f"第 {number + 1} 页是一长条，不像海报", "请换成要打印的那个 PDF 再试")
                yield partial(_draw, page)
    except pypdfium2.PdfiumError:
        raise _unreadable(file, "PDF 打不开，没有拷完，或者加了密码", "请重新导出一份不加密码的 PDF 再试") from None


def _draw(page: pypdfium2.PdfPage, shorter_px: int) -> Image.Image:
    drawn: Image.Image = page.render(scale=shorter_px / min(page.get_size()), grayscale=True).to_pil()
    return drawn.convert("L")


def _picture_pages(file: Path) -> Iterator[Sheet]:
    page, pages = 0, 1
    while page < pages:
        picture, pages = _load(file, page)
        yield partial(_shrunk, picture)
        page += 1


def _load(file: Path, page: int) -> tuple[Image.Image, int]:
    """Return a page of a picture file, upright and in mode L, and how many there are."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the limits are ours, and a camera's odd EXIF is no matter
            with Image.open(file, formats=_KINDS) as picture:
                pages = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
                picture.seek(page)
                # A phone's JPEG is decoded at a half or a quarter at once where that is large enough.
                picture.draft("L", (_LARGEST_VIEW_PX, _LARGEST_VIEW_PX))
                if picture.width * picture.height > _LARGEST_PX:
                    raise _too_large(file)
                return _grey(ImageOps.exif_transpose(picture)), min(pages, _MOST_PAGES)
    except Image.DecompressionBombError:
        raise _too_large(file) from None
    except (OSError, SyntaxError, ValueError, EOFError):
        fix = "请用看图软件打开它，另存为 JPEG 或 PNG 再试"
        raise _unreadable(file, "打不开，它不是完整的图片或 PDF", fix) from None


def _grey(picture: Image.Image) -> Image.Image:
    """Return any mode in L, on white paper where it is transparent."""
    if picture.mode.startswith("I;16"):
        return picture.point(lambda value: value / 256).convert("L")
    if picture.has_transparency_data:
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture.convert("RGBA"))
        return paper.convert("L")
    return picture.convert("L")


def _shrunk(picture: Image.Image, shorter_px: int) -> Image.Image:
    factor = shorter_px / min(picture.size)
    if factor >= 1:
        return picture
    return picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.BOX)


def _unreadable(file: Path, cause: str, fix: str) -> DesignError:
    return DesignError([Problem(place=file, cause=cause, fix=fix, code="JX-D46")])


def _too_large(file: Path) -> DesignError:
    cause = f"图片的像素太多，最多 {_LARGEST_PX // 10_000} 万"
    return DesignError([Problem(place=file, cause=cause, fix="请用看图软件把它缩小，长边 6000 像素就够了，再试", code="JX-D47")])

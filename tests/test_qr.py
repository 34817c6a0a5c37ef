from __future__ import annotations

import io

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps
from pyzbar import pyzbar

from pipeline import qr
from pipeline.errors import AuthorError

ADDRESS = "https://jixiang.example/1/"


def picture(matrix: qr.Matrix, module_px: int = 4) -> Image.Image:
    edge = qr.QUIET_ZONE_MODULES * module_px
    image = Image.new("L", (len(matrix) * module_px,) * 2, 255)
    canvas = ImageDraw.Draw(image)
    for x, y, width in qr.dark_runs(matrix):
        canvas.rectangle((x * module_px, y * module_px, (x + width) * module_px - 1, (y + 1) * module_px - 1), fill=0)
    return ImageOps.expand(image, edge, 255)


@pytest.mark.parametrize(
    ("size_bytes", "version", "level"),
    [
        (7, 1, "H"),
        (14, 1, "M"),
        (15, 2, "Q"),
        (20, 2, "Q"),
        (21, 2, "M"),
        (26, 2, "M"),
        (27, 3, "Q"),
        (32, 3, "Q"),
        (33, 3, "M"),
        (42, 3, "M"),
    ],
)
def test_the_smallest_version_that_holds_the_address_at_m_carries_the_highest_level_it_can(
    size_bytes: int, version: int, level: str
) -> None:
    address = "h" * size_bytes

    assert qr.choose_symbol(address) == qr.Symbol(version=version, level=level)
    read = zxingcpp.read_barcode(picture(qr.encode(address)))
    assert read is not None
    assert read.text == address
    assert read.ec_level == level
    assert len(qr.encode(address)) == 17 + 4 * version


def test_an_address_of_43_bytes_is_refused_with_its_length_and_the_limit() -> None:
    with pytest.raises(AuthorError, match="43 个字节，最多 42 个") as caught:
        qr.encode("https://" + "a" * 35)
    assert caught.value.problems[0].code == "JX-D01"


def test_bytes_are_counted_and_not_characters() -> None:
    with pytest.raises(AuthorError):
        qr.encode("https://吉祥社区好生活好吉祥.example/")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=42))
def test_every_address_is_read_back_by_two_decoders(address: str) -> None:
    image = picture(qr.encode(address))

    assert [code.text for code in zxingcpp.read_barcodes(image)] == [address]
    assert [code.data.decode() for code in pyzbar.decode(image)] == [address]


def test_the_runs_cover_the_dark_modules_and_no_others() -> None:
    matrix = qr.encode(ADDRESS)

    drawn = [(x + step, y) for x, y, width in qr.dark_runs(matrix) for step in range(width)]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == {(x, y) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}


def test_the_same_address_gives_the_same_code() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    picture(qr.encode(ADDRESS)).save(first, "PNG")
    picture(qr.encode(ADDRESS)).save(second, "PNG")

    assert first.getvalue() == second.getvalue()


@pytest.mark.parametrize("size_bytes", [20, 43, 90, 300])
def test_a_code_for_the_screen_holds_longer_addresses_too(size_bytes: int) -> None:
    address = ADDRESS + "a" * (size_bytes - len(ADDRESS))
    image = picture(qr.encode_for_screen(address))
    assert [code.data.decode() for code in pyzbar.decode(image)] == [address]
    assert [code.text for code in zxingcpp.read_barcodes(image)] == [address]

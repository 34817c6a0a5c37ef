"""The last look at a finished poster: what is measured, which rule a bad one breaks, and which files can be looked at."""

from __future__ import annotations

import io
import re
import shutil
import struct
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pikepdf
import pytest
import qrcode
from PIL import Image, ImageDraw, ImageFilter
from pyzbar import pyzbar

from benchmarks import sample_poster, scan
from benchmarks.document import write
from pipeline.errors import DesignError
from pipeline.poster import compose, load_design, load_formats
from pipeline.poster.decoders import ZBAR, ZXING, decoders
from pipeline.poster.proof import CONTRAST, MODULE_PX, REACH, Finding, Proof, examine, prove

URL = "https://jixiang.example/6/"
DEEP, MAIN, CREAM = (0x1E, 0x2A, 0x5A), (0x3F, 0x51, 0xB5), (0xFB, 0xF6, 0xEA)
LEVELS = {"L": qrcode.constants.ERROR_CORRECT_L, "M": qrcode.constants.ERROR_CORRECT_M, "H": qrcode.constants.ERROR_CORRECT_H}


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A poster drawn by hand, 1080 px wide: every rule holds until a field says otherwise."""

    url: str = URL
    version: int = 2
    level: str = "M"
    module_px: int = 8
    ink: tuple[int, int, int] = DEEP
    card: tuple[int, int, int] = (255, 255, 255)
    quiet_zone: int = 4

    def code(self) -> Image.Image:
        code = qrcode.QRCode(version=self.version, error_correction=LEVELS[self.level], border=0)
        code.add_data(self.url.encode(), optimize=0)
        code.make(fit=False)
        dark = np.kron(np.pad(np.array(code.modules), self.quiet_zone), np.ones((self.module_px,) * 2, dtype=bool))
        return Image.fromarray(np.where(dark[..., None], self.ink, self.card).astype(np.uint8))

    def picture(self) -> Image.Image:
        """Return a picture above, type below, and the code on a card with a frame close around its quiet zone."""
        sheet = Image.new("RGB", (1080, 1440), CREAM)
        draw = ImageDraw.Draw(sheet)
        draw.rectangle((0, 0, 1080, 940), fill=DEEP)
        for radius in range(60, 460, 25):
            draw.ellipse((640 - radius, 700 - radius, 640 + radius, 700 + radius), outline=MAIN, width=7)
        for line in range(1010, 1380, 36):
            draw.text((70, line), "jixiang " * 7, fill=DEEP, font_size=26)
        code = self.code()
        left, top = 1000 - code.width, 1020
        draw.rectangle((left - 10, top - 10, left + code.width + 9, top + code.height + 9), fill=MAIN)
        sheet.paste(code, (left, top))
        return sheet

    def save(self, folder: Path, name: str = "poster.png") -> Path:
        file = folder / name
        self.picture().save(file)
        return file


GOOD = Drawn()


def only(file: Path, url: str = "") -> Finding:
    (finding,) = examine(file, url)
    return finding


def refused(file: Path, url: str = URL) -> tuple[str, str]:
    """Return code and cause of the one problem for which a poster is not delivered."""
    with pytest.raises(DesignError) as caught:
        prove(file, url)
    (problem,) = caught.value.problems
    assert problem.place == file
    return problem.code, problem.cause


# What is measured


def test_a_good_poster_is_read_by_both_decoders_from_three_times_the_distance(tmp_path: Path) -> None:
    proof = prove(GOOD.save(tmp_path), URL)

    assert set(proof.read_by) == set(decoders()) >= {ZXING, ZBAR}
    assert proof.reach >= 2.8
    assert 0.9 * proof.trials < proof.decodings <= proof.trials


def test_the_same_poster_is_proven_alike_every_time(tmp_path: Path) -> None:
    file = GOOD.save(tmp_path)
    assert prove(file, URL) == prove(file, URL)


def test_the_code_is_measured_to_a_tenth(tmp_path: Path) -> None:
    finding = only(GOOD.save(tmp_path))

    assert finding.text == URL
    assert finding.module_px == pytest.approx(8, abs=0.1)
    assert finding.quiet_zone_modules == 4
    assert finding.contrast == pytest.approx(14.0, abs=0.2)  # (1 + 0.05) / (0.025 + 0.05): the deep colour's grey on white
    assert not finding.inverted


def test_a_poster_near_failing_shows_in_its_reach(tmp_path: Path) -> None:
    by_size = [only(replace(GOOD, module_px=px).save(tmp_path)).proof.reach for px in (8, 6, 5, 4)]
    assert by_size == sorted(by_size, reverse=True)
    assert by_size[0] > 1.5 * by_size[-1]
    by_ink = [only(replace(GOOD, ink=ink).save(tmp_path)).proof.reach for ink in (DEEP, (0x78,) * 3, (0x95,) * 3)]
    assert by_ink == sorted(by_ink, reverse=True)
    assert by_ink[0] > 2 * by_ink[-1]


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270])
def test_a_poster_on_its_side_is_measured_alike(turn: Image.Transpose, tmp_path: Path) -> None:
    upright = only(GOOD.save(tmp_path))
    GOOD.picture().transpose(turn).save(tmp_path / "turned.png")
    turned = only(tmp_path / "turned.png")

    assert turned.quiet_zone_modules == upright.quiet_zone_modules
    assert turned.contrast == pytest.approx(upright.contrast, rel=0.01)
    assert turned.module_px == pytest.approx(upright.module_px, rel=0.01)


# The rules


def test_a_poster_with_another_address_is_refused_with_both(tmp_path: Path) -> None:
    code, cause = refused(GOOD.save(tmp_path), "https://jixiang.example/7/")
    assert code == "JX-D40"
    assert "https://jixiang.example/6/" in cause
    assert "https://jixiang.example/7/" in cause


def test_a_code_light_on_dark_is_refused(tmp_path: Path) -> None:
    code, cause = refused(replace(GOOD, ink=(255, 255, 255), card=DEEP).save(tmp_path))
    assert code == "JX-D41"
    assert "深底浅码" in cause


def test_a_pale_code_is_refused_with_its_contrast(tmp_path: Path) -> None:
    pale = replace(GOOD, ink=(0x90, 0x90, 0x90))
    assert only(pale.save(tmp_path)).contrast < CONTRAST
    code, cause = refused(pale.save(tmp_path))
    assert code == "JX-D42"
    assert "3.19 : 1，至少要 4 : 1" in cause


@pytest.mark.parametrize("quiet_zone", [1, 2, 3])
def test_a_frame_within_the_quiet_zone_is_refused_with_what_is_left(quiet_zone: int, tmp_path: Path) -> None:
    file = replace(GOOD, quiet_zone=quiet_zone).save(tmp_path)
    found = only(file).quiet_zone_modules
    assert found == pytest.approx(quiet_zone, abs=0.25)
    code, cause = refused(file)
    assert code == "JX-D43"
    assert f"是 {found:.3g} 格，应当有 4 格" in cause


@pytest.mark.parametrize("side", ["left", "above", "right", "below"])
def test_type_within_the_quiet_zone_on_one_side_is_enough(side: str, tmp_path: Path) -> None:
    picture = GOOD.picture()
    left, top, right, bottom = 1000 - 33 * 8 + 32, 1020 + 32, 1000 - 32, 1020 + 33 * 8 - 32
    bars = {
        "left": (left - 28, top, left - 16, top + 60),
        "above": (left, top - 28, left + 60, top - 16),
        "right": (right + 16, top, right + 28, top + 60),
        "below": (left, bottom + 16, left + 60, bottom + 28),
    }
    ImageDraw.Draw(picture).rectangle(bars[side], fill=DEEP)
    picture.save(tmp_path / "poster.png")

    assert only(tmp_path / "poster.png").quiet_zone_modules == pytest.approx(2, abs=0.25)
    assert refused(tmp_path / "poster.png")[0] == "JX-D43"


def test_an_address_of_more_than_42_bytes_is_refused_with_its_length(tmp_path: Path) -> None:
    url = f"{URL}{'x' * 24}"
    code, cause = refused(replace(GOOD, url=url, version=4, module_px=7).save(tmp_path), url)
    assert code == "JX-D44"
    assert "有 50 个字节，最多 42 个" in cause


def test_a_small_code_is_refused_with_the_size_of_its_modules(tmp_path: Path) -> None:
    small = replace(GOOD, module_px=4)
    assert only(small.save(tmp_path)).module_px < MODULE_PX
    code, cause = refused(small.save(tmp_path))
    assert code == "JX-D45"
    assert "每一格是 4 像素，至少要 5 像素" in cause


def test_a_tiny_code_is_found_by_looking_closer(tmp_path: Path) -> None:
    GOOD.picture().resize((4320, 5760), Image.Resampling.NEAREST).save(tmp_path / "good.png")
    assert only(tmp_path / "good.png").module_px == pytest.approx(8, abs=0.1)
    tiny = Image.new("RGB", (4320, 5760), CREAM)
    tiny.paste(replace(GOOD, module_px=4).code(), (3000, 4000))
    tiny.save(tmp_path / "tiny.png")

    code, cause = refused(tmp_path / "tiny.png")
    assert code == "JX-D45"
    assert "每一格是 1 像素" in cause


def test_a_spot_that_keeps_one_decoder_from_reading_is_refused_with_its_name(tmp_path: Path) -> None:
    picture = GOOD.picture()
    ImageDraw.Draw(picture).rectangle((880, 1180, 925, 1225), fill=DEEP)
    picture.save(tmp_path / "spot.png")

    finding = only(tmp_path / "spot.png")
    assert finding.contrast >= CONTRAST
    assert finding.quiet_zone_modules >= 3.5
    assert ZBAR not in finding.proof.read_by
    code, cause = refused(tmp_path / "spot.png")
    assert code == "JX-D15"
    assert "zbar没有读出" in cause


def test_a_soft_print_breaks_no_rule_and_still_costs_its_reach(tmp_path: Path) -> None:
    replace(GOOD, module_px=6).picture().filter(ImageFilter.GaussianBlur(2)).save(tmp_path / "soft.png")

    finding = only(tmp_path / "soft.png")
    assert finding.contrast >= CONTRAST
    assert finding.proof.read_by == tuple(decoders())
    assert finding.proof.reach < REACH
    code, cause = refused(tmp_path / "soft.png")
    assert code == "JX-D15"
    assert "至少要 2 倍" in cause


def test_a_second_code_on_a_poster_is_refused_with_what_both_hold(tmp_path: Path) -> None:
    picture = GOOD.picture()
    picture.paste(replace(GOOD, url="https://weixin.example/").code(), (100, 1020))
    picture.save(tmp_path / "two.png")

    code, cause = refused(tmp_path / "two.png")
    assert code == "JX-D49"
    assert "有 2 个二维码" in cause
    assert "https://weixin.example/" in cause


def test_a_poster_without_a_code_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (1080, 1440), CREAM).save(tmp_path / "blank.png")
    assert refused(tmp_path / "blank.png")[0] == "JX-D48"


# Looking at somebody else's files


def test_of_two_codes_in_a_photograph_the_wanted_one_is_judged_and_the_other_told(tmp_path: Path) -> None:
    picture = GOOD.picture()
    picture.paste(replace(GOOD, url="https://weixin.example/", ink=(0xA0,) * 3).code(), (100, 1020))
    picture.save(tmp_path / "two.png")

    finding = only(tmp_path / "two.png", URL)
    assert finding.text == URL
    assert finding.beside == ("https://weixin.example/",)
    assert finding.problems == ()
    assert {each.text for each in examine(tmp_path / "two.png")} == {URL, "https://weixin.example/"}


def test_a_photograph_of_a_good_sheet_is_fit(tmp_path: Path) -> None:
    sheet = GOOD.picture().resize((2160, 2880), Image.Resampling.BICUBIC)
    wall = Image.new("RGB", (2600, 3400), (150, 145, 140))
    wall.paste(sheet, (200, 260))
    corners = (0, 0, 90, 3400, 2600, 3330, 2500, 60)
    photograph = wall.transform((2600, 3400), Image.Transform.QUAD, corners, Image.Resampling.BICUBIC).point(
        [round(20 + value * 0.75) for value in range(256)] * 3
    )
    photograph.save(tmp_path / "photograph.jpg", quality=80)

    assert only(tmp_path / "photograph.jpg", URL).problems == ()


def test_a_photograph_is_seen_the_way_up_that_the_camera_noted(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the top is on the right
    lying = GOOD.picture().resize((540, 1440)).transpose(Image.Transpose.ROTATE_90)
    lying.save(tmp_path / "lying.jpg", exif=exif, quality=95)
    upright = GOOD.picture().resize((540, 1440))
    upright.save(tmp_path / "upright.jpg", quality=95)

    assert only(tmp_path / "lying.jpg").module_px == pytest.approx(only(tmp_path / "upright.jpg").module_px, rel=0.02)


def test_every_kind_of_picture_is_looked_at(tmp_path: Path) -> None:
    picture = GOOD.picture()
    grey = np.asarray(picture.convert("L"), dtype=np.uint16)
    clear = picture.copy()
    clear.putalpha(picture.convert("L").point([255 * (value < 255) for value in range(256)]))  # where it is white
    kinds = {
        "a.jpg": picture,
        "b.webp": picture,
        "c.tiff": picture,
        "d.bmp": picture,
        "e.gif": picture.quantize(64),
        "cmyk.jpg": picture.convert("CMYK"),
        "sixteen.png": Image.fromarray(grey * 257),
        "clear.png": clear,
        "名字 有空格.png": picture,
    }
    for name, kind in kinds.items():
        kind.save(tmp_path / name)
        assert only(tmp_path / name, URL).problems == (), name


def a_pdf(file: Path, pictures: list[Image.Image], *, trim: tuple[int, int, int, int] | None = None, password: str = "") -> Path:
    """Write each picture on a page of its own, 540 pt wide, and bottom left corner at 0."""
    with pikepdf.new() as pdf:
        for picture in pictures:
            width, height = 540, round(540 * picture.height / picture.width)
            page = pdf.add_blank_page(page_size=(width, height))
            data = io.BytesIO()
            picture.save(data, "JPEG", quality=95)
            image = pikepdf.Stream(
                pdf,
                data.getvalue(),
                Type=pikepdf.Name.XObject,
                Subtype=pikepdf.Name.Image,
                Width=picture.width,
                Height=picture.height,
                ColorSpace=pikepdf.Name.DeviceRGB,
                BitsPerComponent=8,
                Filter=pikepdf.Name.DCTDecode,
            )
            page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(P=pdf.make_indirect(image)))
            page.obj.Contents = pdf.make_stream(f"q {width} 0 0 {height} 0 0 cm /P Do Q".encode("ascii"))
            if trim:
                page.obj.TrimBox = pikepdf.Array(trim)
        pdf.save(file, encryption=pikepdf.Encryption(owner=password, user=password) if password else False)
    return file


def test_each_page_of_a_pdf_is_looked_at(tmp_path: Path) -> None:
    other = replace(GOOD, url="https://jixiang.example/7/")
    file = a_pdf(tmp_path / "two.pdf", [GOOD.picture(), Image.new("RGB", (1080, 1440)), other.picture()])

    assert [(each.page, each.text) for each in examine(file)] == [(1, URL), (3, other.url)]
    wrong = examine(file, URL)[1].problems
    assert [problem.code for problem in wrong] == ["JX-D40"]
    assert wrong[0].cause.startswith("第 3 页的二维码")


def test_each_page_of_a_tiff_is_looked_at(tmp_path: Path) -> None:
    other = replace(GOOD, url="https://jixiang.example/7/").picture()
    GOOD.picture().save(tmp_path / "two.tiff", save_all=True, append_images=[other], compression="tiff_lzw")

    assert [(each.page, each.text) for each in examine(tmp_path / "two.tiff")] == [(1, URL), (2, "https://jixiang.example/7/")]


def test_of_a_pdf_only_what_is_left_after_trimming_counts(tmp_path: Path) -> None:
    file = a_pdf(tmp_path / "trimmed.pdf", [GOOD.picture()], trim=(0, 360, 540, 720))  # the code is in the lower half
    assert refused(file)[0] == "JX-D48"


def test_a_module_is_as_large_in_a_pdf_as_in_the_same_picture(tmp_path: Path) -> None:
    file = a_pdf(tmp_path / "poster.pdf", [GOOD.picture()])
    assert only(file).module_px == pytest.approx(only(GOOD.save(tmp_path)).module_px, rel=0.01)


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00" + b"\x00" * 100
HEADER = b"IHDR" + struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)  # of a PNG with 100 million pixels
ENDLESS = b"\x89PNG\r\n\x1a\n\x00\x00\x00\r" + HEADER + struct.pack(">I", zlib.crc32(HEADER))


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("照片.heic", HEIC, "JX-D46", "HEIC"),
        ("照片.jpg", HEIC, "JX-D46", "HEIC"),
        ("文字.png", "您好".encode(), "JX-D46", "不是完整的图片"),
        ("空.png", b"", "JX-D46", "不是完整的图片"),
        ("坏.pdf", b"%PDF-1.7\n", "JX-D46", "PDF 打不开"),
        ("太大.png", ENDLESS + b"\x00\x00\x00\x08IDAT" + b"\x00" * 12, "JX-D47", "最多 6000 万"),
    ],
    ids=["heic", "heic in disguise", "text", "empty", "broken pdf", "huge"],
)
def test_what_is_no_picture_is_told_with_the_way_out(name: str, content: bytes, code: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DesignError) as caught:
        examine(tmp_path / name)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert said in problem.cause
    assert problem.fix.startswith("请")


def test_a_picture_cut_short_a_folder_and_no_file_at_all_are_told(tmp_path: Path) -> None:
    whole = GOOD.save(tmp_path, "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "half.png").write_bytes(GOOD.save(tmp_path).read_bytes()[:9000])
    for name, said in (("half.jpg", "不是完整"), ("half.png", "不是完整"), (".", "文件夹"), ("nowhere.png", "没有这个文件")):
        assert said in refused(tmp_path / name)[1], name


def test_a_pdf_with_a_password_is_told(tmp_path: Path) -> None:
    file = a_pdf(tmp_path / "locked.pdf", [GOOD.picture()], password="secret")  # noqa: S106  (for a file of the test)
    assert "加了密码" in refused(file)[1]


def test_zbar_itself_agrees_with_what_was_proven(tmp_path: Path) -> None:
    file = GOOD.save(tmp_path)
    assert isinstance(prove(file, URL), Proof)
    with Image.open(file) as picture:
        assert [code.data.decode() for code in pyzbar.decode(picture)] == [URL]


# Ours beside a plain code


NEAR_AND_FAR = scan.PHOTOGRAPHS[::3]


@pytest.fixture(scope="module")
def poster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("posters") / "xiaohongshu.png"
    compose(load_formats()["xiaohongshu"], sample_poster.WORDING, sample_poster.SOUND, load_design("facilities"), file)
    return file


def test_a_poster_survives_photographs_like_a_plain_code(poster: Path, tmp_path: Path) -> None:
    scan.draw_plain(load_formats()["xiaohongshu"], sample_poster.WORDING, tmp_path / "plain.png")
    survival = scan.survive(poster, tmp_path / "plain.png", sample_poster.WORDING.page_url, decoders(), NEAR_AND_FAR)

    assert survival.clean == survival.plain_clean == tuple(decoders())
    assert sum(survival.plain.values()) > 0.6 * len(NEAR_AND_FAR) * len(decoders())  # there is something to lose
    assert survival.ratio >= scan.LEAST


def test_a_pale_code_does_not_survive_like_a_plain_one(tmp_path: Path) -> None:
    pale, plain = (replace(GOOD, ink=ink).save(tmp_path, f"{ink[0]}.png") for ink in ((0xA8,) * 3, (0, 0, 0)))
    assert scan.survive(pale, plain, URL, decoders(), NEAR_AND_FAR).ratio < scan.LEAST


def test_a_poster_is_read_after_a_messenger_has_sent_it(poster: Path, tmp_path: Path) -> None:
    with Image.open(poster) as picture:
        picture.resize((960, 1280), Image.Resampling.BILINEAR).save(tmp_path / "sent.jpg", quality=55)
    assert only(tmp_path / "sent.jpg", sample_poster.WORDING.page_url).problems == ()


def test_the_document_has_room_for_the_tables_of_codes(tmp_path: Path) -> None:
    survival = scan.Survival(
        format="page", aspect="culture", photographs=10, ours={ZXING: 9}, plain={ZXING: 10}, clean=(ZXING,), plain_clean=(ZXING,)
    )
    shutil.copy(Path(__file__).parents[1] / "docs" / "benchmarks.md", tmp_path)
    write(tmp_path / "benchmarks.md", scan.DOCUMENT_NAME, f"{scan.ratio_table([survival])}\n\n{scan.decoder_table([survival])}")

    rows = (tmp_path / "benchmarks.md").read_text(encoding="utf-8").split("\n")
    assert "| page | **0.900** | **0.900** |" in [re.sub(" +", " ", row) for row in rows]
    assert "| zxing | 1 of 1 | 1 of 1 | 0.900 | 1.000 | 0.900 |" in [re.sub(" +", " ", row) for row in rows]

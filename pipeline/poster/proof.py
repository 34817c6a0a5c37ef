"""The last look at a poster: the finished file is opened again and scanned, whole and spoilt, before anyone prints it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pipeline.designs import luminance
from pipeline.errors import DesignError, Problem
from pipeline.poster.decoders import WECHAT, Reading, decoders, find_codes
from pipeline.poster.finished import Sheet, open_sheets
from pipeline.poster.photographs import VIEW_PX, endure, projection
from pipeline.qr import MAX_BYTES, QUIET_ZONE_MODULES

REACH = 2.0
"""How many times as far away as where it fills a phone's screen a poster must still be read; ours reach 2.8 and more."""

CONTRAST, MODULE_PX = 4.0, 5.0
"""The least contrast (WCAG's ratio) and side of a module: REACH is lost there, measured on our posters in other inks, sizes."""

_CLEAR_MODULES = 3.5  # of the four: so exactly is an edge found in a picture
_CLEAR_SHARE = 0.95
_CLOSER = (2, 4)  # how many times VIEW_PX a sheet is looked at until a code is found
_SAMPLES = 4  # for each module and direction

_Samples = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What a finished code bears: ``decodings`` of ``trials`` photographs, and all up to ``reach`` times the distance.

    ``read_by`` are the decoders that read it in the whole picture.
    """

    decodings: int
    trials: int
    reach: float = 0.0
    read_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A code in a finished file: what it holds, what was measured on it, and what is to be mended; ``page`` counts from 1.

    ``beside`` is what further codes on the page hold. ``module_px`` is a module's side where the page's shorter side has 1080 px,
    ``contrast`` that of light to dark, 1 to 21, ``quiet_zone_modules`` how far it is light around the code, at most 4.
    """

    page: int
    text: str
    beside: tuple[str, ...]
    module_px: float
    contrast: float
    quiet_zone_modules: float
    inverted: bool
    proof: Proof
    problems: tuple[Problem, ...]


def prove(file: Path, url: str) -> Proof:
    """Return what a finished poster's code bears.

    Raises:
        DesignError: with the first rule that is broken: JX-D40 another address, JX-D41 light on dark, JX-D42 contrast, JX-D43
            quiet zone, JX-D44 length of the address, JX-D45 size; JX-D15 where it is not read although they hold, JX-D48 where
            there is no code, JX-D49 where there are several.
    """
    findings = examine(file, url)
    texts = [text for each in findings for text in (each.text, *each.beside)]
    if len(texts) > 1:
        cause = f"海报上有 {len(texts)} 个二维码，应当只有 1 个：{'、'.join(texts)}"
        raise DesignError([Problem(place=file, cause=cause, fix="请只留下这一期的码，把别的码拿掉", code="JX-D49")])
    if findings[0].problems:
        raise DesignError(findings[0].problems)
    return findings[0].proof


def examine(file: Path, url: str = "") -> tuple[Finding, ...]:
    """Return the codes of each page of a picture or PDF; without ``url`` a code may hold anything.

    Where one of several codes on a page holds ``url``, the others are only told.

    Raises:
        DesignError: JX-D46 and JX-D47 for a file that cannot be looked at, JX-D48 for one without a code.
    """
    findings: list[Finding] = []
    for page, sheet in enumerate(open_sheets(file), start=1):
        picture, codes = _look(sheet)
        wanted = tuple(code for code in codes if code.text == url) or codes
        beside = tuple(code.text for code in codes if code not in wanted)
        findings += [_examine(file, page, picture, code, url, beside) for code in wanted]
    if not findings:
        cause = f"二维码扫不出来：{'、'.join(decoders())}都没有在画面里找到码"
        fix = "请看看码有没有被挡住、裁掉或缩得太小，四周有没有留白；如果是照片，靠近些、端平了再拍一张"
        raise DesignError([Problem(place=file, cause=cause, fix=fix, code="JX-D48")])
    return tuple(findings)


def _look(sheet: Sheet) -> tuple[Image.Image, tuple[Reading, ...]]:
    """Return the page as it was looked at, and the codes found: as a viewfinder shows it, or else closer and closer."""
    picture = sheet(VIEW_PX)
    codes = find_codes(picture)
    for times in _CLOSER:
        closer = picture if codes else sheet(times * VIEW_PX)
        if closer.size == picture.size:
            break  # they are found, or the picture has no more pixels
        picture, codes = closer, find_codes(closer)
    return picture, codes


def _examine(file: Path, page: int, picture: Image.Image, code: Reading, url: str, beside: tuple[str, ...]) -> Finding:
    module_px = code.module_px * VIEW_PX / min(picture.size)
    contrast, quiet_zone_modules = _measure(ImageOps.invert(picture) if code.inverted else picture, code)
    read_by = tuple(name for name, reads in decoders().items() if reads(picture, code.text))
    # The phones that hang on WeChat's decoder read more than these two: it is asked once, for the whole picture.
    patient = [reads for name, reads in decoders().items() if name != WECHAT]
    endurance = endure(picture, code, module_px, lambda photograph: any(reads(photograph, code.text) for reads in patient))
    proof = Proof(decodings=endurance.decodings, trials=endurance.trials, reach=endurance.reach, read_by=read_by)
    problem = _broken_rule(file, page, code, url, proof, module_px, contrast, quiet_zone_modules)
    return Finding(
        page=page,
        text=code.text,
        beside=beside,
        module_px=module_px,
        contrast=contrast,
        quiet_zone_modules=quiet_zone_modules,
        inverted=code.inverted,
        proof=proof,
        problems=(problem,) if problem else (),
    )


def _broken_rule(
    file: Path,
    page: int,
    code: Reading,
    url: str,
    proof: Proof,
    module_px: float,
    contrast: float,
    quiet_zone_modules: float,
) -> Problem | None:
    """Return the first rule that does not hold, in the order in which mending one may mend the next."""
    size_bytes = len(code.text.encode())
    missed_by = [name for name in decoders() if name not in proof.read_by]
    far = f"只能退到占满手机画面时的 {proof.reach:.3g} 倍远" if proof.reach else "占满手机画面时就有照片读不出来"
    print_dark = "请用最深的颜色把码印在纯白的底上；如果是照片，换个亮的地方再拍一张"
    rules = (
        (
            bool(url) and code.text != url,
            "JX-D40",
            f"二维码里写的是 {code.text}，应当是 {url}",
            "请换成这一期的海报，或者重新做一遍",
        ),
        (code.inverted, "JX-D41", "二维码是深底浅码，许多手机扫不出来，应当是浅底深码", print_dark),
        (
            contrast < CONTRAST,
            "JX-D42",
            f"二维码深浅的对比度是 {contrast:.3g} : 1，至少要 {CONTRAST:g} : 1，不然天暗或复印以后就扫不出来",
            print_dark,
        ),
        (
            quiet_zone_modules < _CLEAR_MODULES,
            "JX-D43",
            f"二维码四周的留白，最窄的一边是 {quiet_zone_modules:.3g} 格，应当有 {QUIET_ZONE_MODULES} 格",
            "请把靠得太近的边框、文字或图案挪开",
        ),
        (
            size_bytes > MAX_BYTES,
            "JX-D44",
            f"二维码里的网址有 {size_bytes} 个字节，最多 {MAX_BYTES} 个，再长码就太密，手机扫不出来",
            "请在 series.toml 里把 site_url 换成短一些的域名",
        ),
        (
            module_px < MODULE_PX,
            "JX-D45",
            f"二维码太小：画面宽 {VIEW_PX} 像素时每一格是 {module_px:.3g} 像素，至少要 {MODULE_PX:g} 像素",
            "请在版式文件里把 [code] 放大；如果是照片，靠近些再拍一张",
        ),
        (bool(missed_by), "JX-D15", f"二维码扫不出来：{'、'.join(missed_by)}没有读出整张画面里的码", print_dark),
        (
            proof.reach < REACH,
            "JX-D15",
            f"二维码稍远一点就扫不出来：{far}，至少要 {REACH:g} 倍（试拍 {proof.trials} 张，读出 {proof.decodings} 张）",
            "请把码放大，用最深的颜色印在纯白的底上",
        ),
    )
    where = f"第 {page} 页的" if page > 1 else ""
    for broken, number, cause, fix in rules:
        if broken:
            return Problem(place=file, cause=where + cause, fix=fix, code=number)
    return None


# What is measured


def _measure(picture: Image.Image, code: Reading) -> tuple[float, float]:
    """Return the contrast of the modules (dark on light), and how many modules around the code are light."""
    zone, span = QUIET_ZONE_MODULES * _SAMPLES, code.modules * _SAMPLES
    side = span + 2 * zone
    square = ((zone, zone), (zone + span, zone), (zone + span, zone + span), (zone, zone + span))
    straight = picture.transform(
        (side, side),
        Image.Transform.PERSPECTIVE,
        projection(square, code.corners),
        Image.Resampling.BILINEAR,
        fillcolor=255,
    )
    samples = np.asarray(straight, np.float32)
    # Only the middle of each module: its edges are a mixture.
    modules = samples[zone : zone + span, zone : zone + span].reshape(code.modules, _SAMPLES, code.modules, _SAMPLES)
    middles = modules[:, 1:-1, :, 1:-1].mean(axis=(1, 3))
    threshold = float(np.percentile(middles, 5) + np.percentile(middles, 95)) / 2
    dark, light = middles[middles < threshold], middles[middles >= threshold]
    if not dark.size or not light.size:
        return 1.0, 0.0
    bright, dim = luminance(np.repeat([[np.median(light)], [np.median(dark)]], 3, axis=1)) + 0.05
    contrast = float(bright / dim)
    return contrast, min(_clear_modules(np.rot90(samples, turn), zone, span, threshold) for turn in range(4))


def _clear_modules(samples: _Samples, zone: int, span: int, threshold: float) -> float:
    """Return how far it is light above the code, in modules."""
    above = samples[:zone, zone : zone + span][::-1]  # from the code outward
    light = (above >= threshold).mean(axis=1) >= _CLEAR_SHARE
    light[0] = True  # the code's own edge may lie in it
    return (int(np.argmin(light)) if not light.all() else zone) / _SAMPLES

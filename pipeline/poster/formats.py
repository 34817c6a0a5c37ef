"""Poster formats as data: each TOML file in ``formats/`` is one format, laid out in millimetres.

``like = "a3"`` takes over what another format says; only what differs is written.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

from pipeline.designs import HOUSE
from pipeline.errors import DesignError, Problem

MIME_TYPES = {".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg"}
PLACES = ("print", "social", "site", "tag")
_MAX_TAG_BYTES = 300_000  # what every subscriber downloads with every episode, and what old car radios still show
_MAX_PX = 100_000_000  # A2 at 300 dpi is 35 million; drawing takes about 20 bytes for each
_MM_PER_INCH = 25.4
RING_MM, ECHO_MM = 112.0, 80.0
"""How far a motif's ink reaches from the ring centre at scale 1: the waveform's heads above the horizon, the echo below it."""

_INK_MARGIN_MM = 5.0
_MAY_BE_0 = ("x_mm", "y_mm", "centre_x_mm", "centre_y_mm", "safe_mm", "bleed_mm", "max_bytes")
_FIX = "请照着 posters/formats 里别的版式文件改一改"


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle on the poster in mm from the trim's top left corner."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float


@dataclass(frozen=True, kw_only=True)
class TextBox(Box):
    """A rectangle for text: its em is fitted between ``max_mm`` and ``min_mm``; ``leading`` is in em."""

    max_mm: float
    min_mm: float
    leading: float = 1.2


@dataclass(frozen=True, kw_only=True)
class CodeBox(Box):
    """The white card of the QR code; ``min_module_mm`` is the smallest side of a module, on the printed sheet."""

    min_module_mm: float


@dataclass(frozen=True, kw_only=True)
class Field:
    """The picture: its height, the band under it, the ring centre on the horizon, and the motif's scale (1 on A3)."""

    height_mm: float
    band_mm: float
    centre_x_mm: float
    centre_y_mm: float
    scale: float


@dataclass(frozen=True, kw_only=True)
class Foot:
    """A deep strip at the foot of a tall sheet, from ``y_mm`` down, with a band on top: what stands behind people's legs."""

    y_mm: float


@dataclass(frozen=True, kw_only=True)
class Print:
    """How a format is printed: the trimmed sheet, what is drawn beyond it, and the resolution of the picture.

    ``opens_at_trim``: a viewer and an office printer show the trimmed sheet alone; bleed and marks are there for a print shop.
    """

    trim_width_mm: float
    trim_height_mm: float
    bleed_mm: float
    dpi: int
    crop_marks: bool = False
    opens_at_trim: bool = False


@dataclass(frozen=True, kw_only=True)
class PosterFormat:
    """One format. ``width_mm`` × ``height_mm`` is the sheet all boxes are laid out on; a missing box is not drawn.

    ``place`` says where the poster goes: print, social, site or tag. ``width_px`` × ``height_px`` is the picture without bleed.
    ``max_bytes`` is 0 where the file may have any size.
    """

    name: str
    label: str
    place: str
    suffix: str
    width_mm: float
    height_mm: float
    safe_mm: float
    width_px: int
    height_px: int
    max_bytes: int = 0
    field: Field
    print: Print | None = None
    header: TextBox | None = None
    title: TextBox
    subtitle: TextBox | None = None
    seal: Box | None = None
    headline: TextBox | None = None
    summary: TextBox | None = None
    route: Box | None = None
    facts: TextBox | None = None
    signature: TextBox | None = None
    code: CodeBox | None = None
    call: TextBox | None = None
    address: TextBox | None = None
    foot: Foot | None = None
    brand: TextBox | None = None

    @property
    def path(self) -> Path:
        """Where a workspace keeps this format."""
        return Path("posters") / "formats" / f"{self.name}.toml"

    @property
    def px_per_mm(self) -> float:
        """Pixels for each millimetre of the layout."""
        return self.width_px / self.width_mm

    @property
    def print_scale(self) -> float:
        """How many millimetres of the printed sheet one of the layout is; 1 for what is seen on a screen."""
        return self.print.trim_width_mm / self.width_mm if self.print else 1.0

    @property
    def bleed_px(self) -> int:
        """Pixels drawn beyond the trim on every side."""
        if self.print is None:
            return 0
        return round(self.print.bleed_mm * self.width_px / self.print.trim_width_mm)


def load_formats(*folders: Path) -> dict[str, PosterFormat]:
    """Return all formats by name: the program's own, overridden by the ``formats/`` of each folder in turn.

    Raises:
        DesignError: with the problems of all files at once; JX-D04 too unless exactly one has the place ``tag``, and there are a
            ``cover`` and a ``page``.
    """
    files: dict[str, Path] = {}
    for folder in (HOUSE, *folders):
        files |= {file.stem: file for file in sorted((folder / "formats").glob("*.toml"))}
    formats: dict[str, PosterFormat] = {}
    problems: list[Problem] = []
    for name, file in sorted(files.items()):
        try:
            formats[name] = read_format(file, files)
        except DesignError as error:
            problems += error.problems
    problems = problems or [
        Problem(place=(folders or (HOUSE,))[-1] / "formats", cause=complaint, fix=_FIX, code="JX-D04")
        for complaint in _lacking(formats)
    ]
    if problems:
        raise DesignError(problems)
    return formats


def _lacking(formats: dict[str, PosterFormat]) -> list[str]:
    """Return what the formats do not give together: the pictures that pages, feed and sound files are made with."""
    tags = [f"{each.name}.toml" for each in formats.values() if each.place == "tag"]
    named = "：" + "、".join(tags) if tags else ""
    wrong = [] if len(tags) == 1 else [f'place = "tag" 的版式有 {len(tags)} 个{named}，应当正好有 1 个']
    return wrong + [f"没有名叫 {name}.toml 的版式" for name in ("cover", "page") if name not in formats]


def read_format(file: Path, others: Mapping[str, Path] = MappingProxyType({})) -> PosterFormat:
    """Return the format that ``file`` describes; its name is the file's. ``others`` are the files that it may be like, by name.

    Raises:
        DesignError: JX-D03 when it is no TOML, JX-D04 with everything that is missing, unknown or of the wrong kind.
    """
    complaints: list[str] = []
    values = _size_in_px(_read_table(file, others) | {"name": file.stem})
    poster_format = _record(PosterFormat, values, "", complaints)
    if not complaints and isinstance(poster_format, PosterFormat):
        complaints += _contradictions(poster_format)
    if complaints or not isinstance(poster_format, PosterFormat):
        raise _wrong(file, *complaints)
    return poster_format


def _read_table(file: Path, others: Mapping[str, Path]) -> dict[str, Any]:
    """Return what a file says, over what the format that it is like says."""
    table = _read_toml(file)
    like = table.pop("like", None)
    if like is None:
        return table
    model = _read_toml(others[like]) if like in others else None
    if model is None or "like" in model:
        # One step only: who reads a format should not have to look into a third file.
        raise _wrong(file, f"like 是 {like!r}，应当是一个自己不写 like 的版式，如 a3")
    return model | {
        key: model[key] | value if isinstance(value, dict) and isinstance(model.get(key), dict) else value
        for key, value in table.items()
    }


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        cause = f"版式文件读不懂：{error}"
        raise DesignError([Problem(place=file, cause=cause, fix=_FIX, code="JX-D03")]) from None


def _wrong(file: Path, *complaints: str) -> DesignError:
    return DesignError([Problem(place=file, cause=complaint, fix=_FIX, code="JX-D04") for complaint in complaints])


def _size_in_px(table: dict[str, Any]) -> dict[str, Any]:
    """Return ``table`` with the picture's size: a printed format's follows from its trim and resolution."""
    printed = table.get("print")
    if not isinstance(printed, dict):
        return table
    try:
        px_per_mm = printed["dpi"] / _MM_PER_INCH
        size = {
            "width_px": round(printed["trim_width_mm"] * px_per_mm),
            "height_px": round(printed["trim_height_mm"] * px_per_mm),
        }
    except (KeyError, TypeError, ValueError, OverflowError):
        return table  # the record's own check names what is missing
    return table | size


def _record(record: type, table: dict[str, Any], where: str, complaints: list[str]) -> object | None:
    """Return ``record`` filled from ``table``, or None with the complaints added."""
    hints = get_type_hints(record)
    known = {field.name: field for field in fields(record)}
    before = len(complaints)
    complaints += [f"不认识的项目 {where}{key}" for key in table if key not in known]
    values: dict[str, object] = {}
    for name, field in known.items():
        if name in table:
            values[name] = _value(hints[name], table[name], f"{where}{name}", complaints)
        elif field.default is MISSING:
            complaints.append(f"缺少 {where}{name}")
    return record(**values) if len(complaints) == before else None


def _value(hint: object, value: object, where: str, complaints: list[str]) -> object:
    wanted = next((kind for kind in (*get_args(hint), hint) if isinstance(kind, type) and kind is not type(None)), object)
    if isinstance(value, dict) and wanted not in (str, int, float, bool):
        return _record(wanted, value, f"{where}.", complaints)
    fitting = (int, float) if wanted is float else wanted
    if not isinstance(value, fitting) or isinstance(value, bool) != (wanted is bool) or _is_endless(value):
        complaints.append(f"{where} 的值 {value!r} 不对")
        return value
    return float(value) if wanted is float and isinstance(value, (int, float)) else value


def _is_endless(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)  # TOML has inf and nan


def _contradictions(poster_format: PosterFormat) -> list[str]:
    """Return what is wrong between the values of a complete format."""
    wrong = []
    if poster_format.suffix not in MIME_TYPES:
        wrong.append(f"suffix 是 {poster_format.suffix}，应为 {'、'.join(MIME_TYPES)} 之一")
    if poster_format.place not in PLACES:
        wrong.append(f"place 是 {poster_format.place}，应为 {'、'.join(PLACES)} 之一")
    if (poster_format.suffix == ".pdf") != (poster_format.print is not None):
        wrong.append("PDF 要有 [print] 一节，别的文件不能有")
    if poster_format.place == "tag":
        wrong += _unfit_for_a_tag(poster_format)
    sizes = _wrong_sizes(poster_format, "")
    wrong += sizes
    size_mm, size_px = (poster_format.width_mm, poster_format.height_mm), (poster_format.width_px, poster_format.height_px)
    if not sizes and abs(size_px[1] / poster_format.px_per_mm - size_mm[1]) > 1:
        wrong.append(f"{size_px[0]}×{size_px[1]} 像素与 {size_mm[0]:g}×{size_mm[1]:g} 毫米不成比例")
    wrong += _wrong_geometry(poster_format)
    if size_px[0] * size_px[1] > _MAX_PX:
        wrong.append(f"有 {size_px[0]}×{size_px[1]} 像素，最多 {_MAX_PX // 1_000_000} 百万像素")
    return wrong


def _wrong_geometry(poster_format: PosterFormat) -> list[str]:
    """Return where the picture would lose ink: the rings at the sides and the top, the echo at the band."""
    field, wrong = poster_format.field, []
    reach_mm = RING_MM * field.scale
    sides_mm = min(field.centre_x_mm, poster_format.width_mm - field.centre_x_mm) - reach_mm
    if sides_mm < _INK_MARGIN_MM:
        wrong.append(
            f"声波圆环离左右边只有 {sides_mm:.1f} 毫米，至少要 {_INK_MARGIN_MM:g} 毫米：请挪 field.centre_x_mm 或改小 scale"
        )
    if field.centre_y_mm - reach_mm < _INK_MARGIN_MM:
        wrong.append(f"声波圆环顶到了上边（field.centre_y_mm 至少要 {reach_mm + _INK_MARGIN_MM:.0f}）")
    floor_mm, wanted_mm = field.height_mm - field.centre_y_mm, ECHO_MM * field.scale
    if floor_mm < wanted_mm:
        wrong.append(f"地平线以下只有 {floor_mm:.1f} 毫米，放倒影至少要 {wanted_mm:.1f} 毫米（field.height_mm − centre_y_mm）")
    return wrong


def _unfit_for_a_tag(poster_format: PosterFormat) -> list[str]:
    """Return what keeps a picture out of a sound file: players expect a JPEG there, and it must stay small."""
    wrong = []
    if poster_format.suffix != ".jpg":
        wrong.append(f"放进音频里的封面要是 .jpg，suffix 却是 {poster_format.suffix}")
    if not 0 < poster_format.max_bytes <= _MAX_TAG_BYTES:
        wrong.append(f"放进音频里的封面，max_bytes 应在 1 到 {_MAX_TAG_BYTES} 之间，却是 {poster_format.max_bytes}")
    return wrong


def _wrong_sizes(record: object, where: str) -> list[str]:
    """Return each size in a record and its parts that is not above 0; places, margins and limits may be 0."""
    wrong = [f"{where}min_mm 比 {where}max_mm 大"] if isinstance(record, TextBox) and record.min_mm > record.max_mm else []
    for name, value in vars(record).items():
        if is_dataclass(value):
            wrong += _wrong_sizes(value, f"{where}{name}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if value < 0:
                wrong.append(f"{where}{name} 是 {value:g}，不能小于 0")
            elif value == 0 and name not in _MAY_BE_0:
                wrong.append(f"{where}{name} 是 0，应大于 0")
    return wrong

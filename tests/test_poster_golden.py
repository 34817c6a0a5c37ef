"""Every format in every aspect looks as it did when somebody last looked at it and found it good.

After a change that is meant, look at what ``python -m tests.test_poster_golden`` writes into tests/samples/poster-golden.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.model import Aspect
from pipeline.poster import PosterFormat, compose, load_design, load_formats
from tests.posters import SOUND, WORDING

GOLDEN = Path(__file__).parent / "samples" / "poster-golden"
ASPECTS = {
    "leisure": ("休闲娱乐", "到水边走走", "傍晚的风凉了"),
    "business": ("示范商圈", "老街来一杯", "新招牌，旧街坊"),
    "facilities": ("公共设施", "家门口的书房", "下楼，就有一盏灯"),
    "culture": ("文化底蕴", "老屋慢慢看，听它说", "一圈一圈的回响"),
    "wellbeing": ("民生福祉", "一碗汤的距离", "近一点，暖一点"),
    "transport": ("便捷交通", "15分钟走得到的好路", "不坐车，用脚走"),
}
FORMATS = [name for name, form in load_formats().items() if form.place != "tag"]
HEIGHT_PX, BLOCK_PX = 210, 10
MEAN_DIFFERENCE, BLOCK_DIFFERENCE = 2.0, 24.0  # of 255: the first is a tint, the second a word that moved or is gone


def small(form: PosterFormat) -> PosterFormat:
    """Return a format with few pixels and all its proportions."""
    width_px = {"wechat-head": 900}.get(form.name, 720)
    height_px = round(width_px * form.height_mm / form.width_mm)
    return replace(form, width_px=width_px, height_px=height_px)


def draw(name: str, key: str, folder: Path) -> Image.Image:
    """Return a finished poster, reduced."""
    form = small(load_formats()[name])
    called, title, subtitle = ASPECTS[key]
    number = list(ASPECTS).index(key) + 1
    wording = replace(
        WORDING,
        number=number,
        title=title,
        subtitle=subtitle,
        summary="灯一盏盏亮起来，有人搭帐篷，有人看孩子追水花。这一集跟着晚风走一圈，听听河岸边的说笑和蛙声。",
        aspect=Aspect(key=key, name=called),
        stop_name=title[:5],
        stop_order=number,
        page_url=f"https://jixiang.example/{number}/",
    )
    file = compose(form, wording, SOUND, load_design(key), folder / f"{name}-{key}{form.suffix}").file
    if file.suffix == ".pdf":
        with pypdfium2.PdfDocument(file) as pdf:
            page = pdf[0]
            page.set_cropbox(*page.get_trimbox())
            picture: Image.Image = page.render(scale=3 * HEIGHT_PX / page.get_size()[1]).to_pil().convert("RGB")
    else:
        picture = Image.open(file).convert("RGB")
    size = round(HEIGHT_PX * form.width_mm / form.height_mm), HEIGHT_PX
    return picture.resize(size, Image.Resampling.BOX)


def in_blocks(picture: Image.Image) -> NDArray[np.floating]:
    """Return the mean colours of small blocks: a pixel may move, a word may not."""
    width, height = (side // BLOCK_PX * BLOCK_PX for side in picture.size)
    pixels = np.asarray(picture.crop((0, 0, width, height)), dtype=np.float64)
    return np.asarray(pixels.reshape(height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX, 3).mean(axis=(1, 3)))


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_looks_in_every_aspect_as_it_did(name: str, tmp_path: Path) -> None:
    with Image.open(GOLDEN / f"{name}.webp") as opened:
        golden = opened.convert("RGB")
    left = 0
    for key in ASPECTS:
        drawn = draw(name, key, tmp_path)
        difference = np.abs(in_blocks(drawn) - in_blocks(golden.crop((left, 0, left + drawn.width, HEIGHT_PX))))
        assert difference.mean() < MEAN_DIFFERENCE, key
        assert difference.max() < BLOCK_DIFFERENCE, key
        left += drawn.width


def write_golden() -> None:
    """Write the six aspects of each format side by side."""
    GOLDEN.mkdir(exist_ok=True)
    for name in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            drawn = [draw(name, key, Path(folder)) for key in ASPECTS]
        row = Image.new("RGB", (sum(each.width for each in drawn), HEIGHT_PX))
        left = 0
        for each in drawn:
            row.paste(each, (left, 0))
            left += each.width
        row.save(GOLDEN / f"{name}.webp", quality=90, method=6)


if __name__ == "__main__":
    write_golden()

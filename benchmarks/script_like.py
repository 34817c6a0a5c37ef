"""Scripts that nobody spoke: the workspace of any number of episodes that the site benchmark makes pages of.

Ordinary scripts in form: four chapters, ten paragraphs, about 1,500 characters, two voices, a little markup. The words are put
together by chance, the same on every machine, and tell of no real place.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.model import Cue

ASPECT_KEYS = ("leisure", "business", "facilities", "culture", "wellbeing", "transport")
STOPS = ("旧桥头", "榕树下", "水塔边", "晒谷场", "小码头", "石板坡")
TIMING, PAGE_PICTURE, COVER_PICTURE = "timing.json", "page.jpg", "cover.jpg"
CHARACTERS_PER_S = 4.0

_ASPECT_NAMES = ("休闲娱乐", "示范商圈", "公共设施", "文化底蕴", "民生福祉", "便捷交通")
_FIRST_MOMENT = datetime(2020, 1, 1, tzinfo=UTC)
_EVERY = timedelta(hours=8)
_HEADINGS = ("先把门打开", "沿着墙根走", "坐下来说说", "回家的路上")
_PARAGRAPHS = (2, 3, 3, 2)
_PARAGRAPH_CHARACTERS = 145
_CUE_CHARACTERS = 16
_SPEAKERS = ("", "街坊：", "主持人：")
_TIMES = ("清早", "午后", "傍晚", "周末", "雨后", "入冬", "开春", "饭后")
_DOINGS = ("去看看", "走一圈", "坐一坐", "等朋友", "晒太阳", "听人讲")
_SUBJECTS = ("路边的树", "巷口的灯", "楼下的老人", "放学的孩子", "卖菜的摊子", "门前的台阶", "墙上的花", "新修的长凳")
_VERBS = ("比从前多了", "慢慢热闹起来", "让人想停一停", "一年一个样子", "在雨里亮晶晶的", "总有人记得", "给大家遮着太阳")
_ENDS = (
    "您路过的时候看一眼",
    "说起来话就长了",
    "大家都说这样好",
    "走两步就到了",
    "这件事我们下回再讲",
    "听着听着天就黑了",
    "心里也跟着亮堂",
)


def write_workspace(folder: Path, episodes: int) -> None:
    """Make ``folder`` a workspace of that many episodes, with the timing of each script and stand-ins for sound and pictures.

    A larger workspace holds all of a smaller one; what is there already stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "series.toml").write_text(_series(), encoding="utf-8")
    for number in range(1, episodes + 1):
        if not (folder / f"{number:05}").exists():
            _write_episode(folder / f"{number:05}", number)


def _write_episode(folder: Path, number: int) -> None:
    chance = random.Random(number)  # noqa: S311  # no secret
    folder.mkdir()
    (folder / "recording.mp3").write_bytes(b"sound %d" % number)
    (folder / PAGE_PICTURE).write_bytes(b"page %d" % number)
    (folder / COVER_PICTURE).write_bytes(b"cover %d" % number)
    body: list[str] = []
    cues: list[Cue] = []
    chapters: list[Cue] = []
    for heading, paragraphs in zip(_HEADINGS, _PARAGRAPHS, strict=True):
        body.append(f"## {heading}")
        start_s = _end_s(cues)
        for _ in range(paragraphs):
            sentences = _sentences(chance)
            body.append(chance.choice(_SPEAKERS) + "".join(_marked_up(sentence, chance) for sentence in sentences))
            cues += _cues("".join(sentences), _end_s(cues))
        chapters.append(_cue(heading, start_s, _end_s(cues)))
    (folder / "script.md").write_text("\n\n".join([_front_matter(number, chance), *body]) + "\n", encoding="utf-8")
    timing = {"cues": [asdict(cue) for cue in cues], "chapters": [asdict(cue) for cue in chapters]}
    (folder / TIMING).write_text(json.dumps(timing, ensure_ascii=False), encoding="utf-8")


def _sentences(chance: random.Random) -> list[str]:
    sentences: list[str] = []
    while sum(map(len, sentences)) < _PARAGRAPH_CHARACTERS:
        sentences.append(f"{chance.choice(_TIMES)}{chance.choice(_SUBJECTS)}{chance.choice(_VERBS)}，{chance.choice(_ENDS)}。")
    return sentences


def _marked_up(sentence: str, chance: random.Random) -> str:
    return f"**{sentence[:2]}**{sentence[2:]}" if chance.random() < 0.1 else sentence  # noqa: PLR2004  # one in ten


def _cues(words: str, start_s: float) -> list[Cue]:
    pieces = [words[first : first + _CUE_CHARACTERS] for first in range(0, len(words), _CUE_CHARACTERS)]
    cues: list[Cue] = []
    for piece in pieces:
        at_s = _end_s(cues, start_s)
        cues.append(_cue(piece, at_s, at_s + len(piece) / CHARACTERS_PER_S))
    return cues


def _cue(text: str, start_s: float, end_s: float) -> Cue:
    return Cue(start_s=start_s, end_s=end_s, text=text, speaker="", confidence=1.0)


def _end_s(cues: list[Cue], before_s: float = 0.0) -> float:
    return cues[-1].end_s if cues else before_s


def _front_matter(number: int, chance: random.Random) -> str:
    stop = STOPS[(number - 1) % len(STOPS)]
    # One aspect's episodes lie at all stops, as they do on a real route.
    aspect = _ASPECT_NAMES[(number - 1 + (number - 1) // len(STOPS)) % len(_ASPECT_NAMES)]
    moment = (_FIRST_MOMENT + number * _EVERY).isoformat()
    return "\n".join(
        [
            "---",
            f"number: {number}",
            f"title: {chance.choice(_TIMES)}到{stop}{chance.choice(_DOINGS)}",
            f"subtitle: {chance.choice(_SUBJECTS)}",
            f"aspect: {aspect}",
            f"stop: {stop}",
            f"summary: {''.join(_sentences(chance))[:100]}",
            f"publish_at: {moment}",
            "host: 主持人",
            "people: 街坊",
            "synthetic_voice: true",
            "---",
        ]
    )


def _series() -> str:
    lines = [
        'title = "一千期"',
        'subtitle = "量一量有多快"',
        'description = "没有人念过的稿子，用来量做网页要多久。"',
        'author = "没有人"',
        'owner_email = "nobody@jixiang.example"',
        'site_url = "https://jixiang.example/"',
        'language = "zh-cn"',
        'timezone = "Asia/Shanghai"',
        'category = ["Society & Culture"]',
        "explicit = false",
        'licence = "CC-BY-NC-4.0"',
        'icp_number = "粤ICP备00000000号（示例）"',
        'poster_signature = "没有人"',
        '[contact]\ntelephone = "0755-00000000（示例）"\nhours = "示例"',
        "[sound]\nintegrated_lufs = -16\ntrue_peak_dbtp = -1\nbitrate_kbps = 128",
    ]
    for key, name in zip(ASPECT_KEYS, _ASPECT_NAMES, strict=True):
        lines.append(f'[[aspects]]\nkey = "{key}"\nname = "{name}"')
    for order, name in enumerate(STOPS, start=1):
        place = f"latitude_deg = {22.72 + 0.003 * order:.4f}\nlongitude_deg = {114.24 + 0.002 * (order % 3):.4f}"
        lines.append(
            f'[[stops]]\nname = "{name}"\norder = {order}\naddress = "示例地址"\nhours = "示例"\n{place}\n'
            'coord_system = "GCJ-02"\nsurveyed = false'
        )
    return "\n".join(lines) + "\n"

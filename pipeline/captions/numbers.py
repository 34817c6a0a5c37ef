"""How long words take to say: the syllables of Chinese text, its figures read aloud.

Only counts matter here, so the rules are few: what a figure reads as depends on what stands around it (a quantity, a year,
a time of day, a telephone number), and a Latin word has as many syllables as it has groups of vowels.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from pipeline.captions.lexicon import find_words
from pipeline.model import Reading

_DIGITS = "零一二三四五六七八九"
_LONGEST_QUANTITY = 12  # from the thirteenth figure on, people read figures one by one

# A range of full-width figures and signs that stand for the plain ones, so that one set of rules serves both.
_PLAIN = str.maketrans("０１２３４５６７８９：，．％－", "0123456789:,.%-")

_NUMBER = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SPOKEN = re.compile(
    r"(?P<figures>0\d{2,3}-\d{7,8}|\d{3,4}-\d{3,4}-\d{3,4}|(?<![\d,.])(?:0\d+|\d{7,})(?![\d.])"
    r"|\d{3,6}(?=(?:政务|服务|市民|便民|投诉|举报|咨询)*(?:热线|平台|电话))|(?<=拨打)\d{3,6}|\d{4}(?=年))"
    r"|(?P<hour>\d{1,2}):(?P<minute>\d{2})(?!\d)"
    r"|(?P<numerator>\d{1,3})/(?P<denominator>\d{1,3})(?!\d)"
    rf"|(?P<number>{_NUMBER})(?P<percent>%?)"
    r"|(?P<to>(?<=[\d%])[-–—~～](?=\d))"
    r"|(?P<unit>(?<=\d)(?:km|kg|cm|mm|㎡|m²|m2|℃|°C))"
    r"|(?P<word>[A-Za-zÀ-ɏ]+)",
)
_UNITS = {"km": 2, "kg": 2, "cm": 2, "mm": 2, "㎡": 3, "m²": 3, "m2": 3, "℃": 3, "°C": 3}
_VOWELS = re.compile(r"[aeiouyà-öø-ÿ]+")

# These carry no tone of their own and are said in about two thirds of the time.
_LIGHT = frozenset("的了着们吗呢吧么啊呀")
_LIGHT_SYLLABLE = 0.7

# 儿 behind these only bends the syllable before it, as in 一会儿; 幼儿园 has three syllables.
_BENDING = re.compile("(?<=[会点这那哪事活玩味劲块])儿(?![童子女科歌])")


def weigh(text: str, lexicon: Sequence[Reading] = ()) -> list[float]:
    """Return how many syllables each character of ``text`` stands for; punctuation and spaces stand for none.

    A figure's syllables are spread over its characters: 2000 reads 两千 and gives 0.5 four times; so are those of a word in the
    ``lexicon``.
    """
    plain = text.translate(_PLAIN)
    weights = [_character_syllables(character) for character in plain]
    for match in _SPOKEN.finditer(plain):
        start, end = match.span()
        weights[start:end] = [_token_syllables(match) / (end - start)] * (end - start)
    for match in _BENDING.finditer(plain):
        weights[match.start()] = 0.0
    for start, end, reading in find_words(text, lexicon):
        weights[start:end] = [len(reading.syllables) / (end - start)] * (end - start)
    return weights


def read_quantity(number: int) -> str:
    """Return how a quantity is read in Chinese: 两千, 一百零五, 一万二千."""
    if number < 0 or number >= 10**_LONGEST_QUANTITY:
        return "".join(_DIGITS[int(figure)] for figure in str(abs(number)))
    groups: list[str] = []
    for power, name in ((8, "亿"), (4, "万"), (0, "")):
        group, number = divmod(number, 10**power)
        if group:
            gap = "零" if groups and group < 1000 else ""  # noqa: PLR2004 - the group's first figure is a zero
            groups.append(gap + _read_group(group) + name)
    spoken = "".join(groups) or _DIGITS[0]
    return spoken.removeprefix("一") if spoken.startswith("一十") else spoken


def _read_group(group: int) -> str:
    """Return the reading of 1 to 9999."""
    spoken, skipped = "", False
    for power, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        figure = group // power % 10
        if figure:
            spoken += ("零" if skipped and spoken else "") + _DIGITS[figure] + name
        skipped = not figure
    return "两" + spoken[1:] if spoken.startswith("二千") else spoken


def _character_syllables(character: str) -> float:
    if character in _LIGHT:
        return _LIGHT_SYLLABLE
    return 1.0 if unicodedata.category(character) == "Lo" else 0.0


def _token_syllables(match: re.Match[str]) -> float:
    found = match.groupdict()
    if found["figures"]:
        return float(sum(character.isdigit() for character in found["figures"]))
    if found["hour"]:
        return _time_syllables(int(found["hour"]), found["minute"])
    if found["numerator"]:
        return len(read_quantity(int(found["numerator"])) + "分之" + read_quantity(int(found["denominator"])))
    if found["number"]:
        return _number_syllables(found["number"]) + (len("百分之") if found["percent"] else 0)
    if found["to"]:
        return 1.0
    return float(_UNITS[found["unit"]]) if found["unit"] else _word_syllables(found["word"])


def _time_syllables(hour: int, minute: str) -> float:
    """9:30 reads 九点三十, 9:05 九点零五, 9:00 九点."""
    after = "" if minute == "00" else minute.startswith("0") * "零" + read_quantity(int(minute))
    return float(len(read_quantity(hour) + "点" + after))


def _number_syllables(number: str) -> float:
    whole, point, fraction = number.replace(",", "").partition(".")
    return float(len(read_quantity(int(whole))) + len(point) + len(fraction))


def _word_syllables(word: str) -> float:
    if word.isupper() or len(word) == 1:
        return float(sum(3 if letter == "W" else 1 for letter in word.upper()))  # spelt letter by letter
    return float(max(1, len(_VOWELS.findall(word.lower()))))

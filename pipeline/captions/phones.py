"""Chinese words as phones of hama, whose ears are English: each phone is the set of those it takes the sound for.

The table was made by looking at what hama writes for sentences of two synthetic voices.
"""

from __future__ import annotations

import re

from pipeline.captions.numbers import read_quantity

Phone = tuple[str, ...]
"""The tokens that may be heard in one place."""

BLANK = "<blank>"
"""What stands where a phone may as well be swallowed."""

_INITIALS = {
    "b": "b p v",
    "p": "p pʰ b",
    "m": "m",
    "f": "f v h",
    "d": "d t ð",
    "t": "t tʰ d h k p",
    "n": "n l",
    "l": "l n ɹ",
    "g": "g ɡ k",
    "k": "k kʰ g h",
    "h": "h w",
    "j": "d͡ʒ t͡ʃ d t ð j",
    "q": "t͡ʃ ʃ t s h",
    "x": "ʃ s ɕ h",
    "zh": "d͡ʒ t d t͡ʃ ð",
    "ch": "t͡ʃ t ʃ d͡ʒ",
    "sh": "ʃ s h",
    "r": "ɹ ʒ l z",
    "z": "d z s t ð",
    "c": "t s t͡ʃ",
    "s": "s z θ",
}
_NASAL = f"n ŋ m {BLANK}"
_GLIDE = f"j i ɪ {BLANK}"
_ROUND = f"w u ʊ {BLANK}"
_OPEN = "ɑ a ʌ æ"
_FINALS = {
    "a": (_OPEN,),
    "o": ("ɔ oʊ o",),
    "e": ("ə ʌ ɝ ɛ ʊ i",),
    "ê": ("ɛ eɪ",),
    "er": ("ɝ ɑ ə ɛ", f"ɹ l {BLANK}"),
    "ai": ("aɪ eɪ æ ɛ",),
    "ei": ("eɪ e ɛ i",),
    "ao": ("aʊ ɔ oʊ ɑ",),
    "ou": ("oʊ o ɔ",),
    "an": ("æ ɛ ʌ ɑ aɪ", _NASAL),
    "en": ("ə ɛ ʌ ɪ ɝ", _NASAL),
    "ang": ("ɑ ɔ æ aʊ ʌ", _NASAL),
    "eng": ("ə ʌ ɔ ɑ", _NASAL),
    "ong": ("ʊ ɔ oʊ ʌ o", _NASAL),
    "i": ("i ɪ",),
    "-i": ("ʊ ɝ u ɪ i ə ɹ",),
    "ia": (_GLIDE, _OPEN),
    "ie": (_GLIDE, "ɛ eɪ i ə"),
    "iao": (_GLIDE, "aʊ oʊ ɔ"),
    "iou": (_GLIDE, "oʊ u o ʊ"),
    "ian": (_GLIDE, "ɛ æ ə ɪ e", _NASAL),
    "in": ("ɪ i", _NASAL),
    "iang": (_GLIDE, "ɑ ɔ æ aʊ ʌ", _NASAL),
    "ing": ("ɪ i", _NASAL),
    "iong": (_GLIDE, "ʊ ɔ oʊ", _NASAL),
    "u": ("u ʊ oʊ ɔ",),
    "ua": (_ROUND, _OPEN),
    "uo": (_ROUND, "ɔ oʊ o ʊ"),
    "uai": (_ROUND, "aɪ eɪ"),
    "uei": (_ROUND, "eɪ e i"),
    "uan": (_ROUND, "æ ɑ aɪ ʌ ɛ", _NASAL),
    "uen": (_ROUND, "ə ɛ ʊ ʌ", _NASAL),
    "ueng": (_ROUND, "ə ʌ ɔ", _NASAL),
    "uang": (_ROUND, "ɑ ɔ aʊ ʌ", _NASAL),
    "v": ("u i j ʊ",),
    "ve": (_GLIDE, "ɛ u eɪ"),
    "van": (_GLIDE, "ɛ æ u", _NASAL),
    "vn": ("u i ɪ ʊ", _NASAL),
}
_HISSING = frozenset(("zh", "ch", "sh", "r", "z", "c", "s"))

_NUMBER = re.compile(r"\d+(?:,\d{3})*")
_LONGEST_QUANTITY = 4  # longer figures are mostly read one by one
_FIGURES = "零一二三四五六七八九"


def to_phones(text: str) -> tuple[Phone, ...]:
    """Return the phones of the words in order; what is not Chinese and no figure has none."""
    spoken = "".join(character for character in _NUMBER.sub(_read, text) if "一" <= character <= "鿿")
    if not spoken:
        return ()
    from pypinyin import Style, pinyin  # noqa: PLC0415 - it comes with the extra

    syllables = zip(
        pinyin(spoken, style=Style.INITIALS, strict=True, errors="ignore"),
        pinyin(spoken, style=Style.FINALS, strict=True, errors="ignore"),
        strict=True,
    )
    return tuple(phone for initial, final in syllables for phone in _syllable(initial[0], final[0]))


def _read(match: re.Match[str]) -> str:
    figures = match[0].replace(",", "")
    if len(figures) > _LONGEST_QUANTITY or figures.startswith("0") or match.string[match.end() :].startswith("年"):
        return "".join(_FIGURES[int(figure)] for figure in figures)
    return read_quantity(int(figures))


def _syllable(initial: str, final: str) -> list[Phone]:
    name = "-i" if final in ("i", "-i") and initial in _HISSING else final
    vowels = _FINALS.get(name.replace("ü", "v"), ())
    return [tuple(tokens.split()) for tokens in (*((_INITIALS[initial],) if initial in _INITIALS else ()), *vowels)]

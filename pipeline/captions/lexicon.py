"""Words whose reading somebody wrote down: local names, and what is not Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.markup import plain_text
from pipeline.model import Reading, Script


def lexicon_for(script: Script, lexicon: Sequence[Reading]) -> tuple[Reading, ...]:
    """Return the readings of the words that stand in the script: another word's reading must not time it anew."""
    text = "\n".join(plain_text(each.markdown) for section in script.sections for each in section.paragraphs)
    found = {reading.word for _, _, reading in find_words(text, lexicon)}
    return tuple(reading for reading in lexicon if reading.word in found)


def find_words(text: str, lexicon: Sequence[Reading]) -> Iterator[tuple[int, int, Reading]]:
    """Yield (first character, one past the last, reading) of the words in ``text``, the longest where several fit."""
    readings = {reading.word: reading for reading in lexicon}
    longest_first = sorted(readings, key=len, reverse=True)
    for match in re.finditer("|".join(map(_pattern, longest_first)), text) if readings else ():
        yield *match.span(), readings[match[0]]


def _pattern(word: str) -> str:
    """Return a pattern that finds a Latin word or a figure whole only: no APP in APPLE."""
    before = "(?<![A-Za-z0-9])" if re.match("[A-Za-z0-9]", word) else ""
    after = "(?![A-Za-z0-9])" if re.search("[A-Za-z0-9]$", word) else ""
    return before + re.escape(word) + after

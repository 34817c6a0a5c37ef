"""The script cut where a speaker may pause: into phrases, each with its text, its weights and what follows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from pipeline.captions.numbers import weigh
from pipeline.markup import plain_text
from pipeline.model import Paragraph, Reading, Script

_CLOSERS = "”’」』）》】〉)\"'"
_PAUSE = re.compile(
    rf"(?P<sentence>(?:[。！？!?]|\.(?=\s|$))+[{_CLOSERS}…—]*)"
    rf"|(?P<clause>(?:[，；：…—]|[,;:](?!\d))+[{_CLOSERS}]*)"
    rf"|(?P<list>、[{_CLOSERS}]*)",
)


class Break(IntEnum):
    """What stands after a phrase: the higher, the longer the pause to expect."""

    LIST = 1
    CLAUSE = 2
    SENTENCE = 3
    PARAGRAPH = 4


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """Words said in one go; ``weights`` are syllables by character, ``paragraph`` counts the script's spoken paragraphs."""

    text: str
    weights: tuple[float, ...]
    after: Break
    paragraph: int
    section: int
    speaker: str

    @property
    def syllables(self) -> float:
        """How many syllables the phrase takes; above 0."""
        return sum(self.weights)


def cut_script(script: Script, lexicon: Sequence[Reading] = ()) -> tuple[Phrase, ...]:
    """Return the script's phrases in reading order. Headings are not said; a paragraph without a word is left out."""
    phrases: list[Phrase] = []
    count = 0
    for section_index, section in enumerate(script.sections):
        for paragraph in section.paragraphs:
            cut = _cut_paragraph(paragraph, count, section_index, lexicon)
            phrases.extend(cut)
            count += bool(cut)
    return tuple(phrases)


def _cut_paragraph(paragraph: Paragraph, index: int, section: int, lexicon: Sequence[Reading]) -> list[Phrase]:
    pieces = _cut(plain_text(paragraph.markdown))
    return [
        Phrase(
            text=piece,
            weights=tuple(weigh(piece, lexicon)),
            after=Break.PARAGRAPH if piece_index == len(pieces) - 1 else after,
            paragraph=index,
            section=section,
            speaker=paragraph.speaker,
        )
        for piece_index, (piece, after) in enumerate(pieces)
    ]


def _cut(text: str) -> list[tuple[str, Break]]:
    """Return the pieces of a paragraph, every character once, each piece with something to say. Empty if there is nothing."""
    pieces: list[tuple[str, Break]] = []
    start = 0
    for match in _PAUSE.finditer(text):
        if any(weigh(text[start : match.start()])):
            pieces.append((text[start : match.end()], Break[(match.lastgroup or "clause").upper()]))
        elif pieces:
            last, after = pieces[-1]
            pieces[-1] = (last + text[start : match.end()], max(after, Break[(match.lastgroup or "clause").upper()]))
        else:
            continue  # nothing said yet: these signs go with the words that follow
        start = match.end()
    rest = text[start:]
    if any(weigh(rest)):
        pieces.append((rest, Break.CLAUSE))
    elif pieces and rest:
        pieces[-1] = (pieces[-1][0] + rest, pieces[-1][1])
    return pieces

"""The script in sentences, each with the moment it is said: what lights up while the sound plays."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from pipeline import markup
from pipeline.model import Captions, Cue, Paragraph, Script


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A paragraph as safe HTML and who speaks it; ``speaker`` is empty where the host goes on.

    Each sentence whose time is known is a span with its seconds in ``data-at``. ``start_s`` is when the first one is said, None
    where nobody knows.
    """

    speaker: str
    html: str
    start_s: float | None


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """What stands under one heading; the heading is empty for what comes before the first one."""

    heading: str
    turns: tuple[Turn, ...]


def time_sentences(script: Script, captions: Captions) -> tuple[Chapter, ...]:
    """Return the script with the time of each sentence, from the cues that hold its words.

    Cues hold the words of the paragraphs once and in order. A paragraph whose words are in no cue keeps them, without a time.
    """
    clock = _Clock(captions.cues)
    return tuple(
        Chapter(
            heading=section.heading,
            turns=tuple(_turn(paragraph, clock) for paragraph in section.paragraphs),
        )
        for section in script.sections
    )


class _Clock:
    """The words of all cues, white space aside, as one string with the time at each of its characters."""

    def __init__(self, cues: tuple[Cue, ...]) -> None:
        texts = ["".join(cue.text.split()) for cue in cues]
        self._cues = cues
        self._text = "".join(texts)
        self._firsts = [0, *accumulate(map(len, texts))]
        self._read = 0

    def find(self, words: str) -> int | None:
        """Return where ``words`` begin, at or after what was found before; None if they are in no cue."""
        at = self._text.find(words, self._read) if words else -1
        if at < 0:
            return None
        self._read = at + len(words)
        return at

    def time_s(self, at: int) -> float:
        """Return when the character is said: within a cue, characters take equally long."""
        index = bisect_right(self._firsts, at) - 1
        cue, first, after = self._cues[index], self._firsts[index], self._firsts[index + 1]
        return cue.start_s + (cue.end_s - cue.start_s) * (at - first) / (after - first)


def _turn(paragraph: Paragraph, clock: _Clock) -> Turn:
    sentences = markup.sentences(paragraph.markdown)
    words = ["".join(sentence.words.split()) for sentence in sentences]
    first = clock.find("".join(words))
    if first is None:
        return Turn(speaker=paragraph.speaker, html="".join(sentence.html for sentence in sentences), start_s=None)
    starts_s = [clock.time_s(first + before) for before in accumulate(map(len, words[:-1]), initial=0)]
    spans = (
        f'<span data-at="{start_s:.1f}">{sentence.html}</span>' for sentence, start_s in zip(sentences, starts_s, strict=True)
    )
    return Turn(speaker=paragraph.speaker, html="".join(spans), start_s=starts_s[0])

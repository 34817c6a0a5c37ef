"""An episode's notes: the plain HTML that apps show under it."""

from __future__ import annotations

import html

from pipeline.markup import inline_htmls
from pipeline.model import Episode

SYNTHETIC = "本期为合成语音。"


def description(episode: Episode) -> str:
    """Return the summary and what the ear must know, as HTML without tags: apps read an item's description as HTML."""
    return html.escape(f"{episode.summary}{SYNTHETIC if episode.synthetic_voice else ''}", quote=False)


def shownotes(episode: Episode) -> str:
    """Return the description, then the words chapter by chapter, in paragraphs."""
    paragraphs = [paragraph for section in episode.script.sections for paragraph in section.paragraphs]
    words = iter(inline_htmls([paragraph.markdown for paragraph in paragraphs]))
    parts = [description(episode)]
    for section in episode.script.sections:
        if section.heading:
            parts.append(f"<strong>{_plain(section.heading)}</strong>")
        for paragraph in section.paragraphs:
            speaker = f"{_plain(paragraph.speaker)}：" if paragraph.speaker else ""
            parts.append(f"{speaker}{next(words)}")
    return "".join(f"<p>{part}</p>" for part in parts)


def _plain(words: str) -> str:
    return html.escape(words, quote=False)

"""Captions that somebody corrected by hand: captions.vtt beside the script wins over what was computed, and is checked."""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import webvtt

from pipeline.errors import AuthorError, Problem
from pipeline.markup import plain_text
from pipeline.model import Captions, Cue, Script, WrittenCaptions

_ARROW = "-->"
_NOT_SAID = re.compile(r"[\W_]+")
_LATIN_BREAK = re.compile(r"(?<=[A-Za-z0-9])\s*\n\s*(?=[A-Za-z0-9])")  # stood for the space between two words
_LINE_BREAK = re.compile(r"\s*\n\s*")
_MOST_DIFFERENCES = 5
_LEAST_DIFFERENCE = 2  # one character may be a slip that was mended
_SLACK_S = 0.05  # a cue may end with the sound, as players round it
_OPENING = 12  # characters of a chapter that are looked for


def use_handmade(timing: Captions, written: WrittenCaptions, script: Script, duration_s: float) -> Captions:
    """Return the captions as they stand in ``written``, with the chapters moved to where their words begin there.

    ``timing`` is what was computed; a chapter whose words are not found keeps that time. Where the words are not the script's,
    ``disagreements`` says so: both may be right.

    Raises:
        AuthorError: JX-A80 to A83, everything in the file that players would stumble over.
    """
    cues, problems = _read(written, duration_s)
    if problems:
        raise AuthorError(problems)
    return Captions(
        cues=cues,
        chapters=_chapters(timing, script, cues, duration_s),
        disagreements=tuple(_differences(script, cues)),
        method="hand",
    )


def _read(written: WrittenCaptions, duration_s: float) -> tuple[tuple[Cue, ...], tuple[Problem, ...]]:
    lines = written.text.split("\n")
    if not lines[0].startswith("WEBVTT"):
        cause = "第一行不是 WEBVTT"
        fix = "从 out/report 里复制做好的字幕（期数.vtt）来改；SRT 字幕请先用剪辑软件另存为 WebVTT"
        return (), (Problem(place=written.file, line=1, cause=cause, fix=fix, code="JX-A80"),)
    arrows = [number for number, line in enumerate(lines, start=1) if _ARROW in line]
    unreadable = tuple(
        _wrong(written, number, f"看不懂时间“{lines[number - 1].strip()}”", "写成 00:01:02.500 --> 00:01:05.000 这样", "JX-A81")
        for number in arrows
        if not webvtt.vtt.WebVTTCueBlock.STRICT_CUE_TIMINGS_PATTERN.match(lines[number - 1])
    )
    if unreadable:
        return (), unreadable
    captions = webvtt.from_string(written.text).captions
    if len(captions) != len(arrows) or not captions:
        cause, fix = "有的字幕读不出来，或者一条也没有", "每条字幕前面空一行，先写时间，下一行写字"
        return (), (_wrong(written, arrows[0] if arrows else 1, cause, fix, "JX-A83"),)
    cues = tuple(_cue(caption) for caption in captions)
    return cues, tuple(_check(written, cues, arrows, duration_s))


def _cue(caption: webvtt.Caption) -> Cue:
    return Cue(
        start_s=caption.start_in_seconds + caption.start_time.milliseconds / 1000,
        end_s=caption.end_in_seconds + caption.end_time.milliseconds / 1000,
        text=html.unescape(_LINE_BREAK.sub("", _LATIN_BREAK.sub(" ", caption.text)).strip()),
        speaker=html.unescape(caption.voice or ""),
        confidence=1.0,
    )


def _check(written: WrittenCaptions, cues: Sequence[Cue], lines: Sequence[int], duration_s: float) -> Iterator[Problem]:
    before_s = 0.0
    for cue, line in zip(cues, lines, strict=True):
        if not _said(cue.text):
            yield _wrong(written, line, "这一条字幕没有字", "补上字，或者连时间一起删掉", "JX-A83")
        if cue.end_s <= cue.start_s:
            yield _wrong(written, line, "结束的时间不在开始的后面", "改对这一行的时间", "JX-A82")
        elif cue.start_s < before_s:
            yield _wrong(written, line, f"和上一条字幕重叠了 {before_s - cue.start_s:.2f} 秒", "把上一条的结束时间提前", "JX-A82")
        elif cue.end_s > duration_s + _SLACK_S:
            cause = f"结束的时间 {cue.end_s:.2f} 秒超过了声音的长度 {duration_s:.2f} 秒"
            yield _wrong(written, line, cause, "改对这一行的时间；声音换过，就从 out/report 里重新复制字幕来改", "JX-A82")
        before_s = max(before_s, cue.end_s)


def _wrong(written: WrittenCaptions, line: int, cause: str, fix: str, code: str) -> Problem:
    return Problem(place=written.file, line=line, cause=cause, fix=fix, code=code)


def _said(text: str) -> str:
    """Return the words alone: signs are set differently by everybody."""
    return _NOT_SAID.sub("", text)


def _words_of(script: Script) -> str:
    return "".join(_said(plain_text(each.markdown)) for section in script.sections for each in section.paragraphs)


def _differences(script: Script, cues: Sequence[Cue]) -> Iterator[str]:
    """Yield in Chinese where captions and script have other words, the first few of them."""
    words, owners = [], []
    for cue in cues:
        said = _said(cue.text)
        words.append(said)
        owners += [cue] * len(said)
    ours, theirs = _words_of(script), "".join(words)
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    changes = (each[1:] for each in matcher.get_opcodes() if each[0] != "equal")
    unlike = [each for each in changes if max(each[1] - each[0], each[3] - each[2]) >= _LEAST_DIFFERENCE]
    for first, last, from_, to in unlike[:_MOST_DIFFERENCES]:
        cue = owners[min(from_, len(owners) - 1)]
        minutes, seconds = divmod(int(cue.start_s), 60)
        yield f"手改的字幕在 {minutes:02}:{seconds:02} 处和文稿不一样：字幕“{theirs[from_:to]}”，文稿“{ours[first:last]}”"
    if len(unlike) > _MOST_DIFFERENCES:
        yield f"手改的字幕还有 {len(unlike) - _MOST_DIFFERENCES} 处和文稿不一样"


def _chapters(timing: Captions, script: Script, cues: Sequence[Cue], duration_s: float) -> tuple[Cue, ...]:
    """Return the chapters, each from the cue that its first words stand in."""
    openings = [
        (section.heading, "".join(_said(plain_text(each.markdown)) for each in section.paragraphs)[:_OPENING])
        for section in script.sections
        if section.heading.strip()
    ]
    text, owners = "", []
    for cue in cues:
        owners += [cue] * len(_said(cue.text))
        text += _said(cue.text)
    at = 0
    starts_s: list[float] = []
    for chapter in timing.chapters:
        opening = next((words for heading, words in openings if heading == chapter.text), "")
        found = text.find(opening, at) if opening else -1
        start_s = owners[found].start_s if found >= 0 else chapter.start_s
        starts_s.append(max(start_s, *starts_s[-1:], 0.0))
        at = max(at, found + 1)
    ends_s = [*starts_s[1:], duration_s]
    return tuple(
        replace(chapter, start_s=start_s, end_s=max(end_s, start_s))
        for chapter, start_s, end_s in zip(timing.chapters, starts_s, ends_s, strict=True)
    )

"""The script timed to the recording: cues and chapters. Nothing is transcribed; only the times of known words are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from pipeline.captions.agreement import disagreements, plausibility, resembles
from pipeline.captions.alignment import Alignment, align
from pipeline.captions.cues import TimedText, cut_cues, schedule
from pipeline.captions.formats import chapters_json, to_json, to_srt, to_webvtt
from pipeline.captions.handmade import use_handmade
from pipeline.captions.lexicon import lexicon_for
from pipeline.captions.likelihood import available
from pipeline.captions.listening import Listening, differences, listen
from pipeline.captions.phrases import Phrase, cut_script
from pipeline.model import Captions, Cue, Reading, Script, Sound, Span

__all__ = [
    "available",
    "chapters_json",
    "closest_script",
    "doubtful",
    "lexicon_for",
    "time_by_ear",
    "time_script",
    "to_json",
    "to_srt",
    "to_webvtt",
    "use_handmade",
]

_DOUBTFUL = 0.5


def time_script(script: Script, sound: Sound, lexicon: tuple[Reading, ...] = (), listening: Listening | None = None) -> Captions:
    """Return the script in time with the published sound.

    Cues hold every word of the paragraphs once and in order: at most two lines of 16 characters and, where the sound has
    room for it, 1 to 7 s; they never overlap and lie inside the sound. Headings are not said; each with words below it makes
    a chapter. ``confidence`` tells how well the pauses bear the times out; without any speech it is 0 and the words are spread
    evenly. Words of the ``lexicon`` take as long as their reading and stay whole. Where the words were listened to, with the
    same script, sound and lexicon, ``listening`` gives the times. ``disagreements`` are sentences for the staff
    about a script and a recording that do not fit.
    """
    phrases = cut_script(script, lexicon)
    if not phrases:
        return Captions(cues=(), chapters=(), disagreements=("文稿里没有可以读出来的文字，所以没有字幕",))
    heard = _inside(sound.speech, sound.duration_s)
    speech = heard or (Span(start_s=0.0, end_s=sound.duration_s),)
    alignment = listening.alignment if listening else align(phrases, speech)
    drafts = _drafts(phrases, alignment, lexicon)
    trust = plausibility(phrases, alignment) if heard else 0.0
    times_ms = schedule([(_ms(draft.start_s), _ms(draft.end_s)) for draft, _ in drafts], int(sound.duration_s * 1000))
    cues = tuple(
        Cue(
            start_s=start_ms / 1000,
            end_s=end_ms / 1000,
            text=draft.text,
            speaker=draft.speaker,
            confidence=round(draft.confidence * trust, 3),
        )
        for (draft, _), (start_ms, end_ms) in zip(drafts, times_ms, strict=True)
    )
    sections = [section for _, section in drafts]
    return Captions(
        cues=cues,
        chapters=_chapters(script, cues, sections, sound.duration_s),
        disagreements=(
            *disagreements(phrases, heard, alignment, sound.duration_s),
            *(differences(listening) if listening else ()),
        ),
    )


def time_by_ear(script: Script, sound: Sound, lexicon: tuple[Reading, ...] = ()) -> Captions:
    """Return the script in time with the sound as ``time_script`` does, and by what is heard of its words.

    Needs the extra ``[align]``: see ``available``.

    Raises:
        MachineError: ffmpeg cannot be started, failed or took too long.
    """
    listening = listen(script, sound, lexicon)
    timed = time_script(script, sound, lexicon, listening)
    return replace(timed, method="phones") if listening else timed


def closest_script(sound: Sound, own: Script, others: Mapping[int, Script]) -> int | None:
    """Return the number of the script that a recording seems to be of, by its pauses, where it does not seem to be of its own."""
    heard = _inside(sound.speech, sound.duration_s)
    return resembles(cut_script(own), {number: cut_script(script) for number, script in others.items()}, heard)


def doubtful(captions: Captions) -> tuple[Cue, ...]:
    """Return the cues whose time is as likely off as right."""
    return tuple(cue for cue in captions.cues if cue.confidence < _DOUBTFUL)


def _inside(speech: tuple[Span, ...], duration_s: float) -> tuple[Span, ...]:
    """Return the spans cut to the sound, without empty ones."""
    cut = (Span(start_s=max(span.start_s, 0.0), end_s=min(span.end_s, duration_s)) for span in speech)
    return tuple(span for span in cut if span.end_s > span.start_s)


def _drafts(phrases: tuple[Phrase, ...], alignment: Alignment, lexicon: tuple[Reading, ...]) -> list[tuple[Cue, int]]:
    """Return the cues at the times of their words, before the rules about length, each with the index of its section."""
    after = np.cumsum(np.concatenate([phrase.weights for phrase in phrases]))
    before = np.concatenate(([0.0], after[:-1]))
    starts_s = alignment.heard_s(alignment.voiced_s(before), starting=True)
    ends_s = np.maximum(alignment.heard_s(alignment.voiced_s(after), starting=False), 0.0)
    trust = np.minimum(alignment.trust(before), 1.0), np.minimum(alignment.trust(after), 1.0)
    drafts: list[tuple[Cue, int]] = []
    offset = 0
    for _, group in groupby(phrases, key=lambda phrase: phrase.paragraph):
        members = list(group)
        text = "".join(phrase.text for phrase in members)
        timed = replace(_timed(text, offset, starts_s, ends_s), lexicon=lexicon)
        for first, last in cut_cues(timed):
            cue = Cue(
                start_s=timed.starts_s[first],
                end_s=timed.ends_s[last - 1],
                text=text[first:last].strip(),
                speaker=members[0].speaker,
                confidence=float(trust[0][offset + first] + trust[1][offset + last - 1]) / 2,
            )
            drafts.append((cue, members[0].section))
        offset += len(text)
    return [draft for draft in drafts if draft[0].text]


def _timed(text: str, offset: int, starts_s: NDArray[np.float64], ends_s: NDArray[np.float64]) -> TimedText:
    until = offset + len(text)
    return TimedText(
        text=text,
        starts_s=tuple(starts_s[offset:until].tolist()),
        ends_s=tuple(ends_s[offset:until].tolist()),
        next_start_s=float(starts_s[until] if until < len(starts_s) else ends_s[until - 1] + 1.0),
    )


def _chapters(script: Script, cues: tuple[Cue, ...], sections: list[int], duration_s: float) -> tuple[Cue, ...]:
    """Return one cue for each heading with words below it: from its first words to the next section's."""
    firsts = [(section, next(group)) for section, group in groupby(range(len(cues)), key=lambda index: sections[index])]
    ends_s = [cues[index].start_s for _, index in firsts[1:]] + [int(duration_s * 1000) / 1000]
    return tuple(
        Cue(
            start_s=cues[index].start_s,
            end_s=end_s,
            text=script.sections[section].heading,
            speaker="",
            confidence=cues[index].confidence,
        )
        for (section, index), end_s in zip(firsts, ends_s, strict=True)
        if script.sections[section].heading.strip()
    )


def _ms(time_s: float) -> int:
    return round(time_s * 1000)

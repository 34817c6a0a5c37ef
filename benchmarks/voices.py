"""Readings with exact onsets: the sample recordings cut into sentences and put together anew.

Sentences of the same recording are joined with other pauses, with audible breaths or with none at all, over noise or the theme's
bed, and with words that the script lacks, or without words that it has.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import media
from pipeline.model import Paragraph, Script, Section
from pipeline.speech import SPEECH_RATE_HZ

_ROOT = Path(__file__).parent.parent
_PEAK = 0.5
_IN_PARAGRAPH = 4
_HEAD_S, _TAIL_S = 0.7, 0.9
_APART = 2
_KEPT_S = 0.03  # of the recording before and after each sentence, so that nothing is cut off

Sound = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Saying:
    """A sentence as written and as recorded, 16 kHz; the first ``_KEPT_S`` come before its onset."""

    text: str
    sound: Sound


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A script and a sound: ``onsets_s`` by sentence of the script, None where it is not said; ``voice_s`` from and to."""

    sentences: tuple[str, ...]
    sound: Sound
    onsets_s: tuple[float | None, ...]
    voice_s: tuple[float, float]
    paragraphs: tuple[int, ...]

    @property
    def script(self) -> Script:
        """The sentences as an episode's script."""
        texts: dict[int, str] = {}
        for paragraph, sentence in zip(self.paragraphs, self.sentences, strict=True):
            texts[paragraph] = texts.get(paragraph, "") + sentence
        paragraphs = tuple(Paragraph(markdown=text, speaker="", line=1) for text in texts.values())
        return Script(sections=(Section(heading="", paragraphs=paragraphs),))


@dataclass(frozen=True, kw_only=True)
class Joining:
    """How sentences are put together: pauses in seconds from and to; shares of breaths and of joins without a pause."""

    pauses_s: tuple[float, float] = (0.35, 0.9)
    breaths: float = 0.0
    joins: float = 0.0


def sayings(number: int) -> tuple[Saying, ...]:
    """Return the sentences of a sample episode."""
    [folder] = (_ROOT / "episodes").glob(f"{number:02}-*")
    [recording] = folder.glob("recording.*")
    truth = json.loads((_ROOT / "tests" / "samples" / "captions" / folder.name / "truth.json").read_text(encoding="utf-8"))
    whole = decode(recording)
    cut = [
        Saying(text=sentence["text"], sound=_cut(whole, sentence["start_s"] - _KEPT_S, sentence["end_s"] + _KEPT_S))
        for sentence in truth["sentences"]
    ]
    peak = float(np.median([np.max(np.abs(saying.sound)) for saying in cut]))
    return tuple(replace(saying, sound=np.clip(saying.sound * (_PEAK / peak), -1, 1).astype(np.float32)) for saying in cut)


def decode(file: Path) -> Sound:
    """Return a sound file, mono at ``SPEECH_RATE_HZ``."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "sound.f32"
        wanted = ["-ac", "1", "-ar", str(SPEECH_RATE_HZ), "-f", "f32le"]
        media.make_with_ffmpeg([*media.handed_in(file), *wanted], raw, time_limit_s=60)
        return np.fromfile(raw, dtype="<f4")


def _cut(whole: Sound, start_s: float, end_s: float) -> Sound:
    piece = whole[max(round(start_s * SPEECH_RATE_HZ), 0) : round(end_s * SPEECH_RATE_HZ)].copy()
    fade = np.linspace(0, 1, round(_KEPT_S * SPEECH_RATE_HZ / 2), dtype=np.float32)
    piece[: len(fade)] *= fade
    piece[-len(fade) :] *= fade[::-1]
    return piece


def read_out(script: Sequence[Saying], said: Sequence[int | Saying], joining: Joining, seed: int) -> Reading:
    """Return ``script`` as somebody reads it who says ``said``: sentences of the script by index, or others."""
    random = np.random.default_rng(seed)
    pieces: list[Sound] = [_quiet(_HEAD_S)]
    onsets_s: list[float | None] = [None] * len(script)
    for position, each in enumerate(said):
        saying = script[each] if isinstance(each, int) else each
        if position:
            pieces.append(_between(joining, random, starts_paragraph=position % _IN_PARAGRAPH == 0))
        if isinstance(each, int):
            onsets_s[each] = sum(map(len, pieces)) / SPEECH_RATE_HZ + _KEPT_S
        pieces.append(saying.sound)
    pieces.append(_quiet(_TAIL_S))
    sound = np.concatenate(pieces)
    room = random.normal(0, 10 ** (-70 / 20), len(sound)).astype(np.float32)
    return Reading(
        sentences=tuple(saying.text for saying in script),
        sound=sound + room,
        onsets_s=tuple(onsets_s),
        voice_s=(_HEAD_S + _KEPT_S, len(sound) / SPEECH_RATE_HZ - _TAIL_S - _KEPT_S),
        paragraphs=tuple(index // _IN_PARAGRAPH for index in range(len(script))),
    )


def _between(joining: Joining, random: np.random.Generator, *, starts_paragraph: bool) -> Sound:
    if not starts_paragraph and random.random() < joining.joins:
        return _quiet(0.0)
    pause_s = float(random.uniform(*joining.pauses_s)) * (1.3 if starts_paragraph else 1.0)
    pause = _quiet(pause_s)
    if random.random() < joining.breaths:
        breath = _breath(float(random.uniform(0.25, 0.5)), random)
        pause = np.concatenate((_quiet(0.1), breath, pause[: round(0.15 * SPEECH_RATE_HZ)]))
    return pause


def _quiet(length_s: float) -> Sound:
    return np.zeros(round(length_s * SPEECH_RATE_HZ), dtype=np.float32)


def _breath(length_s: float, random: np.random.Generator) -> Sound:
    """Return an audible breath: noise from 500 to 3500 Hz that swells and falls."""
    count = round(length_s * SPEECH_RATE_HZ)
    spectrum = np.fft.rfft(random.normal(size=count))
    hertz = np.fft.rfftfreq(count, 1 / SPEECH_RATE_HZ)
    spectrum[(hertz < 500) | (hertz > 3500)] = 0  # noqa: PLR2004 - said above
    noise = np.fft.irfft(spectrum, count) * np.hanning(count)
    return np.asarray(noise / np.max(np.abs(noise)) * _PEAK * 10 ** (-26 / 20), dtype=np.float32)


def over(reading: Reading, background: Sound, below_db: float) -> Reading:
    """Return the reading with a background so far below the voice, by their powers."""
    under = np.resize(background, len(reading.sound)).astype(np.float32)
    voice = np.square(reading.sound)
    loud = float(np.mean(voice[voice > np.max(voice) * 1e-4]))
    gain = np.sqrt(loud / float(np.mean(np.square(under)))) * 10 ** (-below_db / 20)
    return replace(reading, sound=np.clip(reading.sound + under * np.float32(gain), -1, 1).astype(np.float32))


def bed() -> Sound:
    """Return the theme's bed."""
    return decode(_ROOT / "episodes" / "theme" / "bed.flac")


def noise(seconds: float, seed: int) -> Sound:
    """Return pink noise."""
    count = round(seconds * SPEECH_RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    pink = np.fft.irfft(spectrum, count)
    return np.asarray(pink / np.max(np.abs(pink)) * _PEAK, dtype=np.float32)


def places(count: int, seed: int) -> tuple[int, ...]:
    """Return three places for mistakes among ``count`` sentences, away from the ends and from each other."""
    random = np.random.default_rng(seed)
    while True:
        chosen = sorted(int(place) for place in random.choice(np.arange(2, count - 3), size=3, replace=False))
        if all(after - before > _APART for before, after in pairwise(chosen)):
            return tuple(chosen)


def next_said_s(reading: Reading, place: int) -> float:
    """Return when the sentence at ``place`` is said or, where it is not, the next one that is."""
    return next(onset_s for onset_s in reading.onsets_s[place:] if onset_s is not None)

"""The script timed to readings whose onsets are known, and mistakes in them found: ``make bench-captions``.

Thresholds were set on episodes 1, 3 and 5; the tables are of 2, 4 and 6, which are other voices. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks import voices
from benchmarks.document import markdown, tell, write
from benchmarks.voices import Joining, Reading, Saying
from pipeline.captions.alignment import align
from pipeline.captions.listening import Listening, available, differences, listen_to
from pipeline.captions.phrases import cut_script
from pipeline.speech import SPEECH_RATE_HZ, find_speech

DOCUMENT_NAME = "captions"
Made = TypeVar("Made")
_TUNED, _REPORTED = (1, 3, 5), (2, 4, 6)
_LENDERS = {1: 5, 3: 1, 5: 1, 2: 6, 4: 2, 6: 2}
"""Whose sentences are put into an episode that are not its own."""

_BED_BELOW_DB = 10.0
_NOISE_BELOW_DB = 20.0
_FOUND_WITHIN_S = 10.0
_NEAR_MS = 300.0

_JOININGS = {
    "clean": Joining(),
    "long breaths": Joining(breaths=0.6),
    "some sentences joined": Joining(joins=0.4),
    "noise −20 dB": Joining(),
    "bed −10 dB and long breaths": Joining(breaths=0.6),
    "bed −10 dB, some sentences joined": Joining(joins=0.4),
}
_MISTAKES = ("replaced", "skipped", "swapped", "extra")


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What came of a reading: how far off each sentence begins, in ms, by the base and with listening; CPU seconds a minute."""

    base_ms: tuple[float, ...]
    both_ms: tuple[float, ...]
    base_cpu_s: float
    both_cpu_s: float
    voice_edges_ms: tuple[float, float]
    listening: Listening


def hear(reading: Reading) -> Heard:
    """Return what the base and listening make of a reading."""
    sound, phrases = reading.sound, cut_script(reading.script)

    def read(start: int, count: int) -> voices.Sound:
        return sound[start : start + count]

    minutes = len(sound) / SPEECH_RATE_HZ / 60
    speech, vad_s = _timed(lambda: find_speech(read, len(sound)))
    base, align_s = _timed(lambda: align(phrases, speech))
    listening, listen_s = _timed(lambda: listen_to(phrases, speech, read, len(sound)))
    syllables = np.concatenate(([0.0], np.cumsum([phrase.syllables for phrase in phrases])))[:-1]
    base_s = base.heard_s(base.voiced_s(syllables), starting=True)
    firsts = _first_phrases([len(phrase.text) for phrase in phrases], [len(sentence) for sentence in reading.sentences])
    known = [(phrase, onset) for phrase, onset in zip(firsts, reading.onsets_s, strict=True) if onset is not None]
    return Heard(
        base_ms=tuple(abs(float(base_s[phrase]) - onset) * 1000 for phrase, onset in known),
        both_ms=tuple(abs(listening.onsets_s[phrase] - onset) * 1000 for phrase, onset in known),
        base_cpu_s=(vad_s + align_s) / minutes,
        both_cpu_s=(vad_s + listen_s) / minutes,
        voice_edges_ms=(abs(speech[0].start_s - reading.voice_s[0]) * 1000, abs(speech[-1].end_s - reading.voice_s[1]) * 1000),
        listening=listening,
    )


def _timed(make: Callable[[], Made]) -> tuple[Made, float]:
    start_s = time.process_time()
    made = make()
    return made, time.process_time() - start_s


def _first_phrases(phrases: Sequence[int], sentences: Sequence[int]) -> list[int]:
    """Return the index of the phrase with which each sentence begins; both are lengths in characters."""
    begins = np.concatenate(([0], np.cumsum(phrases)[:-1]))
    return [int(np.argmin(np.abs(begins - at))) for at in np.concatenate(([0], np.cumsum(sentences)[:-1]))]


def matching(sayings: Sequence[Saying], case: str, seed: int) -> Reading:
    """Return a reading of the whole script, as the case wants it."""
    reading = voices.read_out(sayings, range(len(sayings)), _JOININGS[case], seed)
    if "bed" in case:
        return voices.over(reading, voices.bed(), _BED_BELOW_DB)
    return voices.over(reading, voices.noise(30, seed), _NOISE_BELOW_DB) if "noise" in case else reading


def mistaken(sayings: Sequence[Saying], others: Sequence[Saying], mistake: str, seed: int) -> tuple[Reading, tuple[float, ...]]:
    """Return a reading with three mistakes of a kind, and when each is made, in seconds."""
    said: list[int | Saying] = list(range(len(sayings)))
    places = voices.places(len(sayings), seed)
    foreign = np.random.default_rng(seed).choice(np.arange(2, len(others) - 1), size=len(places), replace=False)
    for place, other in zip(reversed(places), foreign, strict=True):
        if mistake == "replaced":
            said[place] = others[other]
        elif mistake == "skipped":
            del said[place]
        elif mistake == "swapped":
            said[place], said[place + 1] = said[place + 1], said[place]
        else:
            said.insert(place + 1, others[other])
    reading = voices.read_out(sayings, said, Joining(joins=0.2), seed)
    return reading, tuple(voices.next_said_s(reading, place) for place in places)


def found(listening: Listening, mistakes_s: Sequence[float]) -> int:
    """Return how many of the mistakes something was said about, at most ten seconds away."""
    clocks = [re.search(r"(\d\d):(\d\d) 处", said) for said in differences(listening)]
    told_s = [int(clock[1]) * 60 + int(clock[2]) for clock in clocks if clock]
    return sum(any(abs(at_s - told) <= _FOUND_WITHIN_S for told in told_s) for at_s in mistakes_s)


def onset_tables(episodes: Sequence[int], rounds: int) -> tuple[str, str]:
    """Return the table of onsets, and what is told about matching readings besides."""
    rows, costs, edges = [], [], []
    alarms = readings = 0
    for case in _JOININGS:
        heard = []
        for episode in episodes:
            sayings = voices.sayings(episode)
            for seed in range(rounds):
                tell(f"{case}, episode {episode}, round {seed + 1}")
                heard.append(hear(matching(sayings, case, 100 * episode + seed)))
        rows += [
            [case, "base", *_figures([off for each in heard for off in each.base_ms])],
            ["", "with [align]", *_figures([off for each in heard for off in each.both_ms])],
        ]
        alarms += sum(bool(differences(each.listening)) for each in heard)
        readings += len(heard)
        costs += [(each.base_cpu_s, each.both_cpu_s) for each in heard]
        edges += [edge for each in heard if case == "clean" for edge in each.voice_edges_ms]
    base_s, both_s = np.median(costs, axis=0)
    said = (
        f"False alarms: {alarms} of {readings} matching readings. CPU seconds a minute, finding the voice included: "
        f"base {base_s:.1f}, with [align] {both_s:.1f}. Head and tail of the voice, clean: at most {max(edges):.0f} ms off."
    )
    return markdown(rows, ["case", "method", "median, ms", "p90, ms", "within 300 ms", "sentences"]), said


def _figures(off_ms: Sequence[float]) -> list[str]:
    near = np.mean(np.array(off_ms) <= _NEAR_MS) * 100
    return [f"{np.median(off_ms):.0f}", f"{np.percentile(off_ms, 90):.0f}", f"{near:.1f} %", str(len(off_ms))]


def mistake_table(episodes: Sequence[int], rounds: int) -> str:
    """Return how many mistakes of each kind were found."""
    rows = []
    for mistake in _MISTAKES:
        hits = made = 0
        for episode in episodes:
            sayings, others = voices.sayings(episode), voices.sayings(_LENDERS[episode])
            for seed in range(rounds):
                tell(f"{mistake}, episode {episode}, round {seed + 1}")
                reading, mistakes_s = mistaken(sayings, others, mistake, 100 * episode + seed)
                hits += found(hear(reading).listening, mistakes_s)
                made += len(mistakes_s)
        rows.append([mistake, f"{hits} of {made}", f"{hits / made * 100:.0f} %"])
    return markdown(rows, ["sentences", "found within 10 s", "share"])


def other_episodes(episodes: Sequence[int]) -> str:
    """Return how the recording of another episode is taken."""
    told = []
    for episode in episodes:
        tell(f"script {episode} with the recording of {_LENDERS[episode]}")
        script = voices.sayings(episode)
        reading = voices.read_out(script, voices.sayings(_LENDERS[episode]), Joining(), episode)
        told.append(hear(reading).listening)
    known = sum(len(differences(each)) == 1 and " 处" not in differences(each)[0] for each in told)
    gains = ", ".join(f"{each.gain:.2f}" for each in told)
    return f"Another episode's recording: {known} of {len(told)} told as such (gains {gains})."


def speech_shares() -> str:
    """Return how much of music and of noise is taken for a voice."""
    shares = []
    for name, sound in (("music", voices.bed()), ("noise", voices.noise(60, 1))):
        speech = find_speech(lambda start, count, sound=sound: sound[start : start + count], len(sound))  # type: ignore[misc]
        share = sum(span.end_s - span.start_s for span in speech) / (len(sound) / SPEECH_RATE_HZ)
        shares.append(f"{name} {share * 100:.1f} %")
    return f"Taken for a voice: {', '.join(shares)}."


def main() -> None:
    """Measure and print, or write into the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="the document to write into")
    parser.add_argument("--rounds", type=int, default=2, help="readings of each episode and case")
    parser.add_argument("--tuned", action="store_true", help="the episodes that thresholds were set on, in place of the others")
    options = parser.parse_args()
    if not available():
        sys.exit("bench: this needs the extra: pip install 'jixiang[align]'")
    episodes = _TUNED if options.tuned else _REPORTED
    onsets, said = onset_tables(episodes, options.rounds)
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    versions = f"hama {version('hama')}, numpy {version('numpy')}"
    command = f"`python -m benchmarks.captions {' '.join(sys.argv[1:])}` on {datetime.now(UTC):%Y-%m-%d}"
    measured = "\n\n".join(
        [
            f"{command}: episodes {', '.join(map(str, episodes))}, {machine}, {versions}.",
            onsets,
            said,
            mistake_table(episodes, options.rounds),
            other_episodes(episodes),
            speech_shares(),
        ],
    )
    if options.write:
        write(options.write, DOCUMENT_NAME, measured)
    else:
        print(measured)


if __name__ == "__main__":
    main()

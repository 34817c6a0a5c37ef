from __future__ import annotations

import dataclasses
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.voices import Joining, Reading, Saying, over, read_out, sayings
from pipeline.captions import listening, time_script
from pipeline.captions.likelihood import available
from pipeline.captions.listening import Listening, differences, listen, listen_to
from pipeline.captions.phones import BLANK, to_phones
from pipeline.captions.phrases import cut_script
from pipeline.media import make_with_ffmpeg
from pipeline.speech import SPEECH_RATE_HZ, find_speech
from tests.test_captions import sound as make_sound

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Where CI is set they run without it as well, and fail.
pytestmark = pytest.mark.skipif(not available() and "CI" not in os.environ, reason="the extra [align] is not installed")

SCRIPT: tuple[Saying, ...] = sayings(4)[:9]
OTHER: tuple[Saying, ...] = sayings(2)
PAUSES, JOINED = Joining(), Joining(joins=0.6)


def hear(reading: Reading) -> Listening:
    def read(start: int, count: int) -> NDArray[np.float32]:
        return reading.sound[start : start + count]

    return listen_to(cut_script(reading.script), find_speech(read, len(reading.sound)), read, len(reading.sound))


def sentence_onsets_s(reading: Reading, heard: Listening) -> list[float]:
    phrases = [phrase.text for phrase in cut_script(reading.script)]
    begins = np.cumsum([0, *map(len, phrases)])[:-1].tolist()
    return [heard.onsets_s[begins.index(at)] for at in np.cumsum([0, *map(len, reading.sentences)])[:-1].tolist()]


@cache
def as_written() -> Reading:
    return read_out(SCRIPT, range(len(SCRIPT)), JOINED, 5)


@cache
def heard_as_written() -> Listening:
    return hear(as_written())


def test_a_hissing_syllable_has_no_bright_i() -> None:
    assert "i" not in to_phones("是")[0]
    assert to_phones("是") != to_phones("西")


def test_a_nasal_may_be_swallowed() -> None:
    assert BLANK in to_phones("安")[-1]


def test_figures_are_said_as_people_read_them() -> None:
    assert to_phones("300本") == to_phones("三百本")
    assert to_phones("2026年") == to_phones("二零二六年")
    assert to_phones("12345") == to_phones("一二三四五")


def test_signs_have_no_phones() -> None:
    assert to_phones("“，。…”") == ()


def test_a_sentence_that_follows_without_a_pause_begins_where_it_is_said() -> None:
    off_s = [
        abs(found - onset_s)
        for found, onset_s in zip(sentence_onsets_s(as_written(), heard_as_written()), as_written().onsets_s, strict=True)
        if onset_s is not None
    ]
    assert len(off_s) == len(SCRIPT)
    assert max(off_s) < 0.3


def test_nothing_is_told_where_the_words_are_the_same() -> None:
    assert differences(heard_as_written()) == ()


def test_cues_take_the_times_of_what_was_heard() -> None:
    duration_s = len(as_written().sound) / SPEECH_RATE_HZ
    spans = ((span.start_s, span.end_s) for span in heard_as_written().alignment.speech)
    timed = time_script(as_written().script, make_sound(duration_s, *spans), (), heard_as_written())
    starts_s = np.array([cue.start_s for cue in timed.cues])
    assert all(np.min(np.abs(starts_s - onset_s)) < 0.05 for onset_s in sentence_onsets_s(as_written(), heard_as_written()))
    assert timed.disagreements == ()


def test_a_quiet_recording_is_heard_as_well() -> None:
    quiet = dataclasses.replace(as_written(), sound=as_written().sound * np.float32(0.05))
    assert differences(hear(quiet)) == ()


def test_noise_makes_no_false_alarm() -> None:
    hiss = np.random.default_rng(1).normal(0, 0.1, SPEECH_RATE_HZ).astype(np.float32)
    assert differences(hear(over(as_written(), hiss, 20))) == ()


def test_a_sentence_with_other_words_is_told_with_its_time() -> None:
    said: list[int | Saying] = [*range(4), OTHER[9], *range(5, 9)]
    reading = read_out(SCRIPT, said, PAUSES, 5)
    [told] = differences(hear(reading))
    assert SCRIPT[4].text in told
    before_s, after_s = reading.onsets_s[3], reading.onsets_s[5]
    assert before_s is not None
    assert after_s is not None
    clock = told.removeprefix("录音与文稿在 ").split(" ")[0]
    assert before_s < int(clock[:2]) * 60 + int(clock[3:]) < after_s


def test_a_sentence_left_out_is_told() -> None:
    told = differences(hear(read_out(SCRIPT, [0, 1, 2, 3, 5, 6, 7, 8], PAUSES, 5)))
    assert any(SCRIPT[4].text in each for each in told)


def test_sentences_in_another_order_are_told() -> None:
    told = differences(hear(read_out(SCRIPT, [0, 1, 2, 4, 3, 5, 6, 7, 8], PAUSES, 5)))
    assert any(SCRIPT[3].text in each or SCRIPT[4].text in each or "没有写" in each for each in told)


def test_words_that_the_script_lacks_are_told() -> None:
    said: list[int | Saying] = [*range(5), OTHER[9], *range(5, 9)]
    [told] = differences(hear(read_out(SCRIPT, said, PAUSES, 5)))
    assert "文稿里没有写" in told


def test_the_recording_of_another_episode_is_told_once() -> None:
    [told] = differences(hear(read_out(SCRIPT, OTHER[:9], PAUSES, 5)))
    assert "可能配错了录音" in told


def test_the_published_file_is_listened_to(tmp_path: Path) -> None:
    raw, file = tmp_path / "sound.f32", tmp_path / "sound.mp3"
    as_written().sound.tofile(raw)
    make_with_ffmpeg(["-f", "f32le", "-ar", "16000", "-ac", "1", "-i", f"file:{raw}", "-f", "mp3"], file, time_limit_s=60)
    speech = find_speech(lambda start, count: as_written().sound[start : start + count], len(as_written().sound))
    published = dataclasses.replace(
        make_sound(len(as_written().sound) / SPEECH_RATE_HZ, *((span.start_s, span.end_s) for span in speech)),
        file=file,
    )
    heard = listen(as_written().script, published)
    assert heard is not None
    assert heard.onsets_s == pytest.approx(heard_as_written().onsets_s, abs=0.1)
    assert listen(as_written().script, published) == heard


def test_without_the_extra_nothing_is_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "available", lambda: False)
    assert listen(as_written().script, make_sound(10.0, (0.0, 10.0))) is None


def test_without_a_voice_nothing_is_listened_to() -> None:
    assert listen(as_written().script, make_sound(10.0)) is None


@pytest.mark.parametrize("text", ["OK, bye.", "好的。", ""])
def test_too_few_phones_say_nothing_for_or_against_a_sentence(text: str) -> None:
    own = [*to_phones(text)]
    heard = np.zeros((50, 191), dtype=np.float32)
    assert listening._gain(heard, own, np.random.default_rng(0)) is None  # noqa: SLF001  (what a verdict rests on)

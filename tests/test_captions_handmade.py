"""Captions that somebody corrected by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import webvtt

from pipeline import captions
from pipeline.errors import AuthorError
from pipeline.model import Captions, Cue, Paragraph, Script, Section, WrittenCaptions

FILE = Path("01/captions.vtt")
SCRIPT = Script(
    sections=(
        Section(heading="", paragraphs=(Paragraph(markdown="您好，这里是**好生活**。", speaker="", line=3),)),
        Section(heading="去老街", paragraphs=(Paragraph(markdown="老街在桥头，走两步就到。", speaker="阿姨", line=7),)),
    )
)


def _cue(text: str, start_s: float, end_s: float, speaker: str = "") -> Cue:
    return Cue(start_s=start_s, end_s=end_s, text=text, speaker=speaker, confidence=0.4)


COMPUTED = Captions(
    cues=(_cue("您好，这里是好生活。", 1.0, 4.0), _cue("老街在桥头，走两步就到。", 5.0, 9.0, "阿姨")),
    chapters=(_cue("去老街", 5.0, 12.0),),
    disagreements=("录音里的停顿和文稿的标点对不上",),
)
GOOD = """WEBVTT

1
00:00:01.200 --> 00:00:03.900
您好，
这里是好生活。

NOTE 改过

2
00:00:05.500 --> 00:00:08.000
<v 阿姨>老街在桥头，

00:00:08.000 --> 00:00:10.000 align:start
<v 阿姨>走两步就到。
"""
LATE = (
    "WEBVTT\n\n00:00:01.200 --> 00:00:03.900\n您好，这里是好生活。\n\n00:00:09.000 --> 00:00:11.000\n老街在桥头，走两步就到。\n"
)


def _use(text: str, duration_s: float = 12.0) -> Captions:
    return captions.use_handmade(COMPUTED, WrittenCaptions(file=FILE, text=text), SCRIPT, duration_s)


def test_corrected_captions_win_with_their_times_words_and_speakers() -> None:
    used = _use(GOOD)
    assert [(cue.start_s, cue.end_s, cue.text, cue.speaker, cue.confidence) for cue in used.cues] == [
        (1.2, 3.9, "您好，这里是好生活。", "", 1.0),
        (5.5, 8.0, "老街在桥头，", "阿姨", 1.0),
        (8.0, 10.0, "走两步就到。", "阿姨", 1.0),
    ]
    assert used.disagreements == ()


def test_a_chapter_begins_with_the_corrected_caption_that_its_words_stand_in() -> None:
    (chapter,) = _use(GOOD).chapters
    assert (chapter.text, chapter.start_s, chapter.end_s) == ("去老街", 5.5, 12.0)


def test_a_chapter_whose_words_are_gone_keeps_its_computed_time() -> None:
    (chapter,) = _use(GOOD.replace("老街在桥头", "别的地方")).chapters
    assert chapter.start_s == 5.0


def test_chapters_keep_their_order_where_one_moves_behind_the_next() -> None:
    both = Captions(cues=(), chapters=(_cue("去老街", 5.0, 7.0), _cue("桥头", 7.0, 12.0)), disagreements=())
    used = captions.use_handmade(both, WrittenCaptions(file=FILE, text=LATE), SCRIPT, 12.0)
    assert [(chapter.start_s, chapter.end_s) for chapter in used.chapters] == [(9.0, 9.0), (9.0, 12.0)]


def test_words_in_latin_letters_keep_their_space_over_two_lines() -> None:
    used = _use(GOOD.replace("您好，\n这里是", "Good\nmorning，\n这里是"))
    assert used.cues[0].text == "Good morning，这里是好生活。"


def test_corrected_captions_are_known_as_such() -> None:
    assert (COMPUTED.method, _use(GOOD).method) == ("pauses", "hand")


def test_other_words_than_the_scripts_are_told_with_their_time() -> None:
    (said,) = _use(GOOD.replace("走两步就到", "走十分钟才到")).disagreements
    assert "00:08" in said
    assert "十分钟才" in said
    assert "两步就" in said


def test_other_punctuation_is_no_difference() -> None:
    assert _use(GOOD.replace("好生活。", "“好生活”！")).disagreements == ()


def test_what_a_program_of_captions_escapes_is_read_back() -> None:
    assert _use(GOOD.replace("好生活。", "好生活 &amp; 好吉祥&lt;。")).cues[0].text == "您好，这里是好生活 & 好吉祥<。"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("WEBVTT", "1", [(1, "JX-A80")]),
        ("00:00:05.500 -->", "00:00:05,500 -->", [(11, "JX-A81")]),
        ("00:00:08.000 --> 00:00:10.000", "8 --> 10", [(14, "JX-A81")]),
        ("00:00:05.500 -->", "00:00:03.500 -->", [(11, "JX-A82")]),
        ("--> 00:00:08.000", "--> 00:00:05.500", [(11, "JX-A82")]),
        ("--> 00:00:10.000", "--> 00:00:12.500", [(14, "JX-A82")]),
        ("走两步就到。", "……", [(14, "JX-A83")]),
    ],
    ids=["no head", "comma", "seconds alone", "overlap", "ends where it starts", "beyond the sound", "no words"],
)
def test_what_players_stumble_over_is_told_with_its_line(before: str, after: str, found: list[tuple[int, str]]) -> None:
    with pytest.raises(AuthorError) as raised:
        _use(GOOD.replace(before, after))
    assert [(problem.line, problem.code) for problem in raised.value.problems] == found
    assert all(problem.place == FILE for problem in raised.value.problems)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(AuthorError) as raised:
        _use(GOOD.replace("00:00:05.500 -->", "00:00:03.500 -->").replace("--> 00:00:10.000", "--> 00:00:13.000"))
    assert [problem.line for problem in raised.value.problems] == [11, 14]


@pytest.mark.parametrize(
    "text",
    [
        "WEBVTT\n",
        "WEBVTT\n\nNOTE nothing\n",
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n00:00:02.000 --> 00:00:03.000\n",
    ],
    ids=["empty", "only a note", "no words between the times"],
)
def test_a_file_without_captions_is_refused(text: str) -> None:
    with pytest.raises(AuthorError) as raised:
        _use(text)
    assert {problem.code for problem in raised.value.problems} == {"JX-A83"}


def test_what_we_write_somebody_elses_parser_reads_and_we_read_back() -> None:
    written = captions.to_webvtt(COMPUTED, "zh-cn")
    read = webvtt.from_string(written).captions
    assert [(each.start, each.end, each.voice) for each in read] == [
        ("00:00:01.000", "00:00:04.000", None),
        ("00:00:05.000", "00:00:09.000", "阿姨"),
    ]
    again = _use(written)
    assert [(cue.start_s, cue.text, cue.speaker) for cue in again.cues] == [
        (cue.start_s, cue.text, cue.speaker) for cue in COMPUTED.cues
    ]


def test_captions_below_even_odds_are_doubtful() -> None:
    assert captions.doubtful(COMPUTED) == COMPUTED.cues
    assert captions.doubtful(_use(GOOD)) == ()

"""Words whose reading is written down in series.toml."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import source
from pipeline.captions import lexicon_for, time_script, to_srt, to_webvtt
from pipeline.captions.cues import lines_of
from pipeline.captions.numbers import weigh
from pipeline.errors import AuthorError
from pipeline.model import Paragraph, Reading, Script, Section
from tests.test_captions import sound

SERIES_FILE = Path(__file__).parent.parent / "episodes" / "series.toml"


def script(text: str, heading: str = "") -> Script:
    return Script(sections=(Section(heading=heading, paragraphs=(Paragraph(markdown=text, speaker="", line=1),)),))


def read_lexicon(tmp_path: Path, lines: str) -> tuple[Reading, ...]:
    (tmp_path / "series.toml").write_text(f"{SERIES_FILE.read_text(encoding='utf-8')}\n[lexicon]\n{lines}", encoding="utf-8")
    return source.read_series(tmp_path / "series.toml").lexicon


def test_series_toml_says_how_words_are_read(tmp_path: Path) -> None:
    assert read_lexicon(tmp_path, '"金翅膀" = "jin1 chi4 bang3"\nAPP = "ei1 pi1 pi1"\n"绿" = "lü4"\n') == (
        Reading(word="APP", syllables=("ei1", "pi1", "pi1")),
        Reading(word="绿", syllables=("lü4",)),
        Reading(word="金翅膀", syllables=("jin1", "chi4", "bang3")),
    )


def test_without_the_table_no_reading_is_known() -> None:
    assert source.read_series(SERIES_FILE).lexicon == ()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('"西埔" = "xi pu"', "“xi”"),
        ('"西埔" = "xi1 pu6"', "“pu6”"),
        ('"西埔" = "xī pǔ"', "“xī”"),
        ('"西埔" = "xi1"', "有 2 个字，拼音却有 1 个音节"),
        ('"西埔" = "xi1 pu3 cun1"', "有 2 个字，拼音却有 3 个音节"),
        ('"西埔" = ""', "是空的"),
        ('"西埔" = 3', "西埔 应当是"),
        ('"" = "xi1"', "没有写是哪个词"),
    ],
)
def test_a_reading_that_is_no_pinyin_is_named_with_its_line(tmp_path: Path, line: str, named: str) -> None:
    with pytest.raises(AuthorError) as raised:
        read_lexicon(tmp_path, f'APP = "ei1 pi1 pi1"\n{line}\n')
    (problem,) = raised.value.problems
    assert named in problem.cause
    assert (tmp_path / "series.toml").read_text(encoding="utf-8").split("\n")[(problem.line or 0) - 1] == line


WINGS = Reading(word="金翅膀", syllables=("jin1", "chi4", "bang3"))
LETTERS_READ = Reading(word="V助", syllables=("da4", "xie3", "wei1", "zhu4"))


def test_a_word_of_the_lexicon_takes_the_syllables_of_its_reading() -> None:
    assert weigh("有V助。") == [1.0, 1.0, 1.0, 0.0]
    assert weigh("有V助。", (LETTERS_READ,)) == [1.0, 2.0, 2.0, 0.0]


def test_a_latin_word_of_the_lexicon_is_not_found_inside_another() -> None:
    reading = Reading(word="AP", syllables=("ei1", "pi1", "pi1", "pi1"))
    assert weigh("APP", (reading,)) == weigh("APP")
    assert sum(weigh("用AP吧", (reading,))) > sum(weigh("用AP吧"))


def test_the_longest_of_several_words_counts() -> None:
    longer = Reading(word="金翅膀城", syllables=("jin1", "chi4", "bang3", "er4", "cheng2"))
    assert sum(weigh("金翅膀城", (WINGS, longer))) == 5


def test_a_word_of_the_lexicon_stays_on_one_line() -> None:
    text = "它叫龙岗图书馆金翅膀教育城服务点。"
    assert [line for line in lines_of(text) if "金翅膀" in line] == []
    assert any("金翅膀" in line for line in lines_of(text, (WINGS,)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["金翅膀", "好", "看书，", "在这里", "。"]), max_size=40).map("".join))
def test_no_cue_or_line_of_any_text_ends_inside_a_word_of_the_lexicon(text: str) -> None:
    length_s = len(text) / 4 + 1
    captions = time_script(script(text), sound(length_s + 1, (0.5, length_s)), (WINGS,))
    for written in (to_srt(captions, (WINGS,)), to_webvtt(captions, "zh-cn", (WINGS,))):
        assert sum(line.count("金翅膀") for line in written.splitlines()) == (text.count("金翅膀") if captions.cues else 0)


def test_a_reading_of_a_word_that_is_not_said_concerns_no_script() -> None:
    said = script("去**金翅膀**看书。", heading="V助")
    assert lexicon_for(said, (LETTERS_READ, WINGS)) == (WINGS,)
    assert lexicon_for(said, ()) == ()


def test_what_follows_a_word_of_the_lexicon_is_heard_when_its_reading_has_been_said() -> None:
    paragraphs = tuple(Paragraph(markdown=text, speaker="", line=1) for text in ("有V助", "大家好啊"))
    words = Script(sections=(Section(heading="", paragraphs=paragraphs),))
    plain, known = (time_script(words, sound(12.0, (1.0, 9.0)), lexicon) for lexicon in ((), (LETTERS_READ,)))
    assert known.cues[1].start_s == pytest.approx(1.0 + 8.0 * 5 / 8.7, abs=0.01)
    assert plain.cues[1].start_s == pytest.approx(1.0 + 8.0 * 3 / 6.7, abs=0.01)


def test_no_cue_ends_inside_a_word_of_the_lexicon_though_nothing_else_says_where_to_end() -> None:
    words, heard = script("金翅膀" * 11 + "。"), sound(20.0, (0.5, 12.5))
    plain, known = (time_script(words, heard, lexicon) for lexicon in ((), (WINGS,)))
    assert [cue.text.count("金翅膀") for cue in plain.cues] == [4, 6]
    assert sum(cue.text.count("金翅膀") for cue in known.cues) == 11

from __future__ import annotations

import html
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.captions import chapters_json, closest_script, time_script, to_json, to_srt, to_webvtt
from pipeline.captions.cues import lines_of
from pipeline.captions.numbers import read_quantity, weigh
from pipeline.coordinates import locate
from pipeline.markup import parse_script, plain_text
from pipeline.media import handed_in, make_with_ffmpeg
from pipeline.model import Captions, Cue, Paragraph, Script, Section, Sound, Span
from pipeline.speech import SPEECH_RATE_HZ, find_speech, read_raw
from tests.episodes import make_cue, make_stop

ROOT = Path(__file__).parent.parent
CASES = sorted((ROOT / "tests" / "samples" / "captions").iterdir())


def sound(duration_s: float, *speech: tuple[float, float]) -> Sound:
    return Sound(
        file=Path("sound.mp3"),
        duration_s=duration_s,
        voice_start_s=speech[0][0] if speech else 0.0,
        speech=tuple(Span(start_s=start_s, end_s=end_s) for start_s, end_s in speech),
        integrated_lufs=-16.0,
        loudness_range_lu=4.0,
        true_peak_dbtp=-1.0,
        envelope=(),
        recorded_lufs=-20.0,
        recorded_range_lu=9.0,
        recorded_true_peak_dbtp=-2.0,
        recorded_envelope=(),
        trimmed_head_s=0.0,
        trimmed_tail_s=0.0,
        most_limiting_db=2.0,
        renders=1,
        ffmpeg="9.0",
        warnings=(),
    )


def section(heading: str, *paragraphs: str, speaker: str = "") -> Section:
    return Section(heading=heading, paragraphs=tuple(Paragraph(markdown=text, speaker=speaker, line=1) for text in paragraphs))


def script(*sections: Section) -> Script:
    return Script(sections=sections)


def script_of(case: Path) -> Script:
    _, front, body = (ROOT / "episodes" / case.name / "script.md").read_text(encoding="utf-8").split("---\n", 2)
    return parse_script(body, front.count("\n") + 3)


def truth_of(case: Path) -> dict[str, list[dict[str, str | float]]]:
    truth: dict[str, list[dict[str, str | float]]] = json.loads((case / "truth.json").read_text(encoding="utf-8"))
    return truth


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sound]:
    """Return what is heard in the sample recordings, by the sample's name."""
    heard: dict[str, Sound] = {}
    for case in CASES:
        raw = tmp_path_factory.mktemp("recorded") / "voice.s16"
        recording = next((ROOT / "episodes" / case.name).glob("recording.*"))
        as_voice = ["-ac", "1", "-ar", str(SPEECH_RATE_HZ), "-f", "s16le"]
        make_with_ffmpeg([*handed_in(recording), *as_voice], raw, time_limit_s=60)
        read, samples = read_raw(raw)
        spans = ((span.start_s, span.end_s) for span in find_speech(read, samples))
        heard[case.name] = sound(samples / SPEECH_RATE_HZ, *spans)
    return heard


def starts_of_sentences(captions: Captions, sentences: list[dict[str, str | float]]) -> dict[str, float]:
    """Return when each sentence starts that begins a cue."""
    starts: dict[str, float] = {}
    waiting = [str(sentence["text"]) for sentence in sentences]
    for cue in captions.cues:
        if waiting and waiting[0].startswith(cue.text[:4]):
            starts[waiting.pop(0)] = cue.start_s
    return starts


# Against the exact truth


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_sentences_start_when_they_are_heard(case: Path, recorded: dict[str, Sound]) -> None:
    sentences = truth_of(case)["sentences"]
    starts = starts_of_sentences(time_script(script_of(case), recorded[case.name]), sentences)
    assert len(starts) == len(sentences)
    errors_s = [abs(starts[str(sentence["text"])] - float(sentence["start_s"])) for sentence in sentences]
    assert np.median(errors_s) <= 0.02
    assert np.percentile(errors_s, 90) <= 0.05


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_chapters_start_with_their_first_sentence(case: Path, recorded: dict[str, Sound]) -> None:
    truth = truth_of(case)["chapters"]
    captions = time_script(script_of(case), recorded[case.name])
    assert [chapter.text for chapter in captions.chapters] == [chapter["title"] for chapter in truth]
    for chapter, true in zip(captions.chapters, truth, strict=True):
        assert chapter.start_s == pytest.approx(float(true["start_s"]), abs=0.06)
    assert all(before.end_s == after.start_s for before, after in pairwise(captions.chapters))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_right_script_is_trusted_and_another_episodes_is_not(case: Path, recorded: dict[str, Sound]) -> None:
    right = time_script(script_of(case), recorded[case.name])
    other = CASES[(CASES.index(case) + 1) % len(CASES)]
    wrong = time_script(script_of(other), recorded[case.name])
    assert right.disagreements == ()
    assert len(wrong.disagreements) == 1
    assert "可能配错了录音" in wrong.disagreements[0]
    assert np.mean([cue.confidence for cue in right.cues]) > 0.8
    assert np.mean([cue.confidence for cue in wrong.cues]) < 0.65


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recording_under_another_episode_is_told_whose_it_is(case: Path, recorded: dict[str, Sound]) -> None:
    scripts = {number: script_of(each) for number, each in enumerate(CASES)}
    right = CASES.index(case)
    for wrong in set(scripts) - {right}:
        others = {number: script for number, script in scripts.items() if number != wrong}
        assert closest_script(recorded[case.name], scripts[wrong], others) == right


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recording_under_its_own_episode_resembles_no_other(case: Path, recorded: dict[str, Sound]) -> None:
    scripts = {number: script_of(each) for number, each in enumerate(CASES)}
    own = scripts.pop(CASES.index(case))
    assert closest_script(recorded[case.name], own, scripts) is None


def test_a_recording_of_no_known_script_is_given_to_none(recorded: dict[str, Sound]) -> None:
    own, *others = (script_of(each) for each in CASES[:3])
    assert closest_script(recorded[CASES[5].name], own, dict(enumerate(others))) is None


def test_a_reader_who_joins_sentences_keeps_the_others_in_place(recorded: dict[str, Sound]) -> None:
    case = CASES[3]
    sentences = truth_of(case)["sentences"]
    heard = recorded[case.name]
    # The pause before the sixth sentence is closed as if the reader had drawn no breath.
    start_s = float(sentences[5]["start_s"])
    index = min(range(len(heard.speech)), key=lambda index: abs(heard.speech[index].start_s - start_s))
    before, after = heard.speech[index - 1], heard.speech[index]
    missing_s = after.start_s - before.end_s
    moved = [(span.start_s - missing_s, span.end_s - missing_s) for span in heard.speech[index + 1 :]]
    joined = [(before.start_s, after.end_s - missing_s)]
    speech = [(span.start_s, span.end_s) for span in heard.speech[: index - 1]] + joined + moved
    starts = starts_of_sentences(time_script(script_of(case), sound(heard.duration_s - missing_s, *speech)), sentences)
    expected = {str(each["text"]): float(each["start_s"]) - missing_s * (number >= 5) for number, each in enumerate(sentences)}
    errors_s = [abs(starts[text] - expected[text]) for text in expected]
    assert np.sort(errors_s)[-2] <= 0.06
    assert np.max(errors_s) <= 0.6


# What holds for every script and recording

LETTERS = "吉祥社区的朋友们，。！？；：、“”《》…— 3:5,A-b好了的x"
TEXTS = st.lists(
    st.one_of(
        st.text(alphabet=LETTERS, max_size=60),
        st.sampled_from(
            ["今天我们去看看。", "300多平方米", "12345平台", "https://example.org/a/very/long/address/indeed", "好。"]
        ),
    ),
    max_size=6,
).map("".join)
SCRIPTS = st.lists(
    st.builds(lambda heading, texts: section(heading, *texts), st.sampled_from(["", "标题"]), st.lists(TEXTS, max_size=3)),
    max_size=4,
).map(lambda sections: script(*sections))


@st.composite
def sounds(draw: st.DrawFn) -> Sound:
    edges = sorted(draw(st.lists(st.integers(0, 120_000), max_size=40, unique=True)))
    spans = [(start / 1000, end / 1000) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    last_s = spans[-1][1] if spans else 0.0
    return sound(last_s + draw(st.floats(0.5, 60)), *spans)


def without_spaces(text: str) -> str:
    return re.sub(r"\s", "", text)


@settings(max_examples=120, deadline=None)
@given(SCRIPTS, sounds())
def test_cues_hold_every_word_once_and_in_order(words: Script, heard: Sound) -> None:
    captions = time_script(words, heard)
    spoken = [
        plain for each in words.sections for paragraph in each.paragraphs if sum(weigh(plain := plain_text(paragraph.markdown)))
    ]
    assert without_spaces("".join(cue.text for cue in captions.cues)) == without_spaces("".join(spoken))


@settings(max_examples=120, deadline=None)
@given(SCRIPTS, sounds())
def test_cues_keep_apart_inside_the_sound_and_within_the_limits(words: Script, heard: Sound) -> None:
    cues = time_script(words, heard).cues
    shortest_s = min(1.0, int(heard.duration_s * 1000) // max(len(cues), 1) / 1000)
    assert all(before.end_s <= after.start_s for before, after in pairwise(cues))
    for cue in cues:
        assert 0 <= cue.start_s < cue.end_s <= heard.duration_s
        assert shortest_s - 1e-9 <= cue.end_s - cue.start_s <= 7.0 + 1e-9
        assert 0 <= cue.confidence <= 1
        assert len(lines_of(cue.text)) <= 2
        assert all(0 < len(line) <= 16 for line in lines_of(cue.text))


@settings(max_examples=60, deadline=None)
@given(SCRIPTS, sounds())
def test_chapters_follow_each_other_inside_the_sound(words: Script, heard: Sound) -> None:
    captions = time_script(words, heard)
    assert all(before.end_s <= after.start_s for before, after in pairwise(captions.chapters))
    assert all(0 <= chapter.start_s < chapter.end_s <= heard.duration_s for chapter in captions.chapters)
    assert {chapter.start_s for chapter in captions.chapters} <= {cue.start_s for cue in captions.cues}


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=LETTERS, max_size=80))
def test_every_character_has_a_weight_of_nothing_or_more(text: str) -> None:
    weights = weigh(text)
    assert len(weights) == len(text)
    assert all(weight >= 0 for weight in weights)


# Cues


def test_a_cue_breaks_after_punctuation() -> None:
    text = "社区新添的、修好的健身器材，有二十余处，还装了朗读亭，您可以去念一段喜欢的文字。"
    cues = time_script(script(section("", text)), sound(12.0, (0.5, 11.5))).cues
    assert len(cues) == 2
    assert all(cue.text[-1] in "，。" for cue in cues)
    assert [line[-1] for cue in cues for line in lines_of(cue.text)] == ["，"] * 3 + ["。"]


def test_a_line_never_starts_with_a_closing_sign_or_ends_with_an_opening_one() -> None:
    first, second = lines_of("年轻人在这里有一个小小的团支部，“河边”就是它的名字")
    assert second[0] not in "，。”》"
    assert first[-1] not in "“《"


def test_a_figure_or_a_latin_word_stays_on_one_line() -> None:
    assert any("12:30" in line for line in lines_of("今天下午的活动从时间12:30开始一直到晚上才结束"))
    assert any("Jixiang" in line for line in lines_of("欢迎大家今天都来到我们Jixiang社区里走一走看一看"))


def test_a_word_of_half_a_second_is_shown_for_a_second() -> None:
    cues = time_script(script(section("", "好。")), sound(5.0, (1.0, 1.4))).cues
    assert [(cue.start_s, cue.end_s) for cue in cues] == [(1.0, 2.0)]


def test_two_speakers_never_share_a_cue() -> None:
    turns = (section("", "您好。", speaker="小吉"), section("", "您好呀。", speaker="阿祥"))
    cues = time_script(script(*turns), sound(4.0, (0.5, 1.2), (1.6, 2.4))).cues
    assert [(cue.speaker, cue.text) for cue in cues] == [("小吉", "您好。"), ("阿祥", "您好呀。")]
    assert [cue.start_s for cue in cues] == [0.5, 1.6]


# Chapters


def test_a_section_without_a_heading_or_without_words_makes_no_chapter() -> None:
    sections = (section("", "开场白。"), section("空的"), section("正文", "今天去公园。"))
    captions = time_script(script(*sections), sound(10.0, (1.0, 2.0), (3.0, 5.0)))
    assert [(chapter.text, chapter.start_s, chapter.end_s) for chapter in captions.chapters] == [("正文", 3.0, 10.0)]


def test_the_heading_is_not_among_the_cues() -> None:
    captions = time_script(script(section("去公园", "今天天气好。")), sound(5.0, (1.0, 3.0)))
    assert [cue.text for cue in captions.cues] == ["今天天气好。"]


# When script and recording disagree


def test_without_speech_the_words_are_spread_evenly_and_not_trusted() -> None:
    text = "今天天气好，我们去公园走走看看。" * 4
    captions = time_script(script(section("", text)), sound(40.0))
    assert {cue.confidence for cue in captions.cues} == {0.0}
    assert captions.cues[0].start_s == 0
    assert captions.cues[-1].end_s >= 33
    assert captions.disagreements == ("录音里没有找到人声，约 56 字的字幕只能平均铺在 40 秒里，时间不可信：请先听一听录音",)


def test_a_script_too_long_for_the_recording_is_named_with_numbers() -> None:
    captions = time_script(script(section("", "今天天气真正好，我们一起去公园。" * 23)), sound(20.0, (1.0, 13.0)))
    assert captions.disagreements == (
        "文稿约 322 字，录音里只有 12 秒人声，合每秒 26.3 个音节（平常 3 到 7 个）：可能配错了录音，或者录音没有录全",
    )
    assert max(cue.confidence for cue in captions.cues) == 0
    assert captions.cues[-1].end_s <= 20


def test_a_script_too_short_for_the_recording_is_named_with_numbers() -> None:
    speech = [(float(start), start + 8.0) for start in range(0, 300, 10)]
    captions = time_script(script(section("", "今天天气好。我们去公园。")), sound(300.0, *speech))
    assert "文稿约 10 字，录音里却有 240 秒人声" in captions.disagreements[0]


def test_an_empty_script_gives_no_cues_and_says_so() -> None:
    captions = time_script(script(section("标题", "——")), sound(10.0, (1.0, 9.0)))
    assert (captions.cues, captions.chapters) == ((), ())
    assert captions.disagreements == ("文稿里没有可以读出来的文字，所以没有字幕",)


def test_half_an_hour_is_timed_as_exactly_as_a_minute(recorded: dict[str, Sound]) -> None:
    case, repeats = CASES[0], 30
    heard, sections = recorded[case.name], script_of(case).sections
    speech = [
        (span.start_s + heard.duration_s * turn, span.end_s + heard.duration_s * turn)
        for turn in range(repeats)
        for span in heard.speech
    ]
    once = time_script(Script(sections=sections), heard)
    often = time_script(Script(sections=sections * repeats), sound(heard.duration_s * repeats, *speech))
    last = often.cues[-len(once.cues) :]
    offset_s = heard.duration_s * (repeats - 1)
    errors_s = [abs(late.start_s - offset_s - early.start_s) for late, early in zip(last, once.cues, strict=True)]
    assert max(errors_s) < 0.05


# How figures are read


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("坐一会儿", "坐一会"),
        ("幼儿园里有女儿", "幼儿园里有女儿"),
        ("这儿童真多", "这儿童真多"),
        ("2000余册", "两千余册"),
        ("300多平方米", "三百多平方米"),
        ("9:30", "九点三十"),
        ("9：05", "九点零五"),
        ("14:00-16:00", "十四点到十六点"),
        ("3-5岁", "三到五岁"),
        ("1-8巷", "一到八巷"),
        ("1,200人", "一千二百人"),
        ("12345平台", "一二三四五平台"),
        ("拨打110", "拨打一一零"),
        ("0755-28951234", "零七五五二八九五一二三四"),
        ("13800138000", "一三八零零一三八零零零"),
        ("400-123-4567", "四零零一二三四五六七"),
        ("2026年10月1日", "二零二六年十月一日"),
        ("3.5公里", "三点五公里"),
        ("50%", "百分之五十"),
        ("1/3", "三分之一"),
        ("105路", "一百零五路"),
        ("10500人", "一万零五百人"),
        ("100㎡", "一百平方米"),
        ("１２３４５热线", "一二三四五热线"),
        ("V助银龄", "微助银龄"),
        ("APP", "诶批批"),
    ],
)
def test_figures_have_as_many_syllables_as_their_reading(text: str, reading: str) -> None:
    assert sum(weigh(text)) == pytest.approx(len(reading))


@pytest.mark.parametrize(
    ("number", "reading"),
    [(0, "零"), (10, "十"), (12, "十二"), (110, "一百一十"), (2000, "两千"), (20_003, "二万零三"), (100_000_000, "一亿")],
)
def test_quantities_are_read_in_chinese(number: int, reading: str) -> None:
    assert read_quantity(number) == reading


def test_punctuation_and_emoji_take_no_time() -> None:
    assert sum(weigh("，。《》“”……—— 🎧\n")) == 0


# Files for players


@pytest.fixture
def conversation() -> Captions:
    cues = (
        Cue(start_s=0.5, end_s=2.0, text="您好，A&B<c>", speaker="小吉", confidence=1.0),
        Cue(start_s=3661.25, end_s=3664.0, text="一条二十多年的老街，怎样变得年轻又好玩？", speaker="", confidence=0.5),
    )
    chapter = Cue(start_s=0.5, end_s=3664.0, text="开“场”", speaker="", confidence=1.0)
    return Captions(cues=cues, chapters=(chapter,), disagreements=())


def test_webvtt_is_written_to_the_letter(conversation: Captions) -> None:
    assert to_webvtt(conversation, "zh-cn") == (
        "WEBVTT\nKind: captions\nLanguage: zh-cn\n\n"
        "1\n00:00:00.500 --> 00:00:02.000\n<v 小吉>您好，A&amp;B&lt;c&gt;\n\n"
        "2\n01:01:01.250 --> 01:01:04.000\n一条二十多年的老街，\n怎样变得年轻又好玩？\n"
    )


def test_srt_is_written_to_the_letter(conversation: Captions) -> None:
    assert to_srt(conversation) == (
        "1\n00:00:00,500 --> 00:00:02,000\n您好，A&B<c>\n\n"
        "2\n01:01:01,250 --> 01:01:04,000\n一条二十多年的老街，\n怎样变得年轻又好玩？\n"
    )


def test_json_follows_the_podcast_namespace(conversation: Captions) -> None:
    assert json.loads(to_json(conversation)) == {
        "version": "1.0.0",
        "segments": [
            {"speaker": "小吉", "startTime": 0.5, "endTime": 2.0, "body": "您好，A&B<c>"},
            {"startTime": 3661.25, "endTime": 3664.0, "body": "一条二十多年的老街，怎样变得年轻又好玩？"},
        ],
    }


ROUTE = tuple(make_stop(order, name=name) for order, name in enumerate(("珍珠滩", "老街", "老街公园"), start=1))


def _chapters(*headings: str) -> dict[str, Any]:
    cues = tuple(make_cue(heading, 10.0 * index, 10.0 * index + 9) for index, heading in enumerate(headings))
    timing = Captions(cues=(), chapters=cues, disagreements=())
    content = json.loads(chapters_json(timing, title="去老街", podcast_name="好生活", stop=ROUTE[0], route=ROUTE))
    assert isinstance(content, dict)
    return content


def test_chapters_follow_the_podcast_namespace() -> None:
    point = locate(ROUTE[0]).wgs84
    geo = f"geo:{point.latitude_deg:.6f},{point.longitude_deg:.6f}"
    assert _chapters("开“场”") == {
        "version": "1.2.0",
        "title": "去老街",
        "podcastName": "好生活",
        "waypoints": True,
        "chapters": [{"startTime": 0.0, "title": "开“场”", "endTime": 9.0, "location": {"name": "珍珠滩", "geo": geo}}],
    }


def test_a_chapter_lies_at_the_stop_that_its_heading_names() -> None:
    chapters = _chapters("换双鞋", "拐进老街", "到老街公园坐坐")["chapters"]
    assert [chapter["location"]["name"] for chapter in chapters] == ["珍珠滩", "老街", "老街公园"]
    assert len({chapter["location"]["geo"] for chapter in chapters}) == 3


def test_no_cues_still_make_valid_files() -> None:
    nothing = Captions(cues=(), chapters=(), disagreements=())
    assert to_webvtt(nothing, "zh-cn").startswith("WEBVTT\n")
    assert to_srt(nothing) == ""
    assert json.loads(to_json(nothing))["segments"] == []


def test_a_sign_that_looks_like_an_arrow_ends_no_cue() -> None:
    cue = Cue(start_s=0.0, end_s=2.0, text="从东 --> 到西", speaker="", confidence=1.0)
    text = to_webvtt(Captions(cues=(cue,), chapters=(), disagreements=()), "zh-cn")
    assert text.count("-->") == 1
    assert "从东 --> 到西" in html.unescape(text)

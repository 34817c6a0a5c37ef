"""Markdown becomes chapters, plain words and harmless HTML."""

from __future__ import annotations

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipeline.markup import parse_script, plain_text, sentences, web_address
from pipeline.model import Script


def _turns(script: Script) -> list[tuple[str, str]]:
    return [(paragraph.speaker, paragraph.markdown) for section in script.sections for paragraph in section.paragraphs]


def _headings(script: Script) -> list[str]:
    return [section.heading for section in script.sections]


def inline_html(markdown: str) -> str:
    return "".join(sentence.html for sentence in sentences(markdown)).strip()


def test_headings_of_three_levels_are_chapters() -> None:
    script = parse_script("# 一\n\n甲\n\n## 二\n\n乙\n\n### 三\n\n丙\n", 1)
    assert _headings(script) == ["一", "二", "三"]


def test_words_before_the_first_heading_stand_in_a_section_without_one() -> None:
    assert _headings(parse_script("您好。\n\n## 一\n\n甲\n", 1)) == ["", "一"]


@pytest.mark.parametrize("heading", ["##换双鞋", "＃＃ 换双鞋", "＃＃换双鞋", "## **换双鞋** ##"])
def test_a_heading_counts_however_it_was_typed(heading: str) -> None:
    assert _headings(parse_script(f"{heading}\n\n甲\n", 1)) == ["换双鞋"]


def test_a_hashtag_is_a_word_and_no_heading() -> None:
    assert _turns(parse_script("#吉祥 很好\n", 1)) == [("", "#吉祥 很好")]


def test_a_dashed_line_makes_no_heading_of_the_sentence_above_it() -> None:
    script = parse_script("您好。\n---\n再见。\n", 1)
    assert _headings(script) == [""]
    assert _turns(script) == [("", "您好。"), ("", "再见。")]


def test_an_indented_paragraph_is_spoken_like_any_other() -> None:
    assert _turns(parse_script("    四个空格\n\n　　全角空格\n", 1)) == [("", "四个空格"), ("", "全角空格")]


def test_lines_are_counted_in_the_file_that_the_author_edits() -> None:
    script = parse_script("\n## 一\n\n甲\n\n- 乙\n- 丙\n\n主播：丁\n张阿姨：戊\n", 11)
    assert [paragraph.line for section in script.sections for paragraph in section.paragraphs] == [14, 16, 17, 19, 20]


def test_windows_line_ends_count_the_same_lines() -> None:
    text = "## 一\n\n甲\n\n主播：乙\n张阿姨：丙\n"
    assert parse_script(text.replace("\n", "\r\n"), 5) == parse_script(text, 5)


@pytest.mark.parametrize(
    ("text", "speaker", "words"),
    [
        ("主播：您好。", "主播", "您好。"),
        ("张阿姨:您好。", "张阿姨", "您好。"),
        ("**主播：** 您好。", "主播", "您好。"),
        ("**主播**：您好。", "主播", "您好。"),
        ("嘉宾2：您好。", "嘉宾2", "您好。"),
        ("阿依古丽·买买提：您好。", "阿依古丽·买买提", "您好。"),
        ("一二三四五六七八九十甲乙：您好。", "一二三四五六七八九十甲乙", "您好。"),
        ("问：几点开门？", "问", "几点开门？"),
    ],
)
def test_a_name_before_a_colon_is_the_speaker(text: str, speaker: str, words: str) -> None:
    assert _turns(parse_script(text, 1)) == [(speaker, words)]


@pytest.mark.parametrize(
    "text",
    [
        "我来说一句，主播：您好。",
        "社区里有三样好东西，第一样：公园。",
        "他笑着说：走吧。",
        "地址：吉祥路。",
        "咨询电话：12345。",
        "12:30 开门。",
        "比分3:2。",
        "https://jixiang.example/ 是网址。",
        "https：//jixiang.example/",
        "主 播：您好。",
        "“主播”：您好。",
        "一二三四五六七八九十甲乙丙：您好。",
    ],
)
def test_an_ordinary_sentence_with_a_colon_names_no_speaker(text: str) -> None:
    assert _turns(parse_script(text, 1)) == [("", text)]


def test_a_new_speaker_on_a_new_line_starts_a_new_paragraph() -> None:
    script = parse_script("主播：您来啦？\n坐。\n张阿姨：来了！\n", 1)
    assert _turns(script) == [("主播", "您来啦？\n坐。"), ("张阿姨", "来了！")]


def test_a_name_alone_on_its_line_speaks_what_follows() -> None:
    assert _turns(parse_script("主播：\n\n您好。\n\n再见。\n", 1)) == [("主播", "您好。"), ("", "再见。")]


def test_an_empty_script_has_no_sections() -> None:
    assert parse_script("\n\n", 1).sections == ()


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("**很***好*，`真`的", "很好，真的"),
        ("[书城](https://a.example/)有书", "书城有书"),
        ("![老街](x.jpg)", "老街"),
        ("老的还在，\n新的也来了", "老的还在，新的也来了"),
        ("one\ntwo", "one two"),
        ("　　您好 \u200b  吗\ufeff", "您好 吗"),
        ("是**“吉祥”**的意思", "是“吉祥”的意思"),
        ("<b>真</b> &amp; 好", "<b>真</b> & 好"),
        ("1. 不是列表", "1. 不是列表"),
    ],
)
def test_plain_text_keeps_the_words_alone(markdown: str, words: str) -> None:
    assert plain_text(markdown) == words


def test_links_to_the_web_come_through_and_pass_on_no_credit() -> None:
    html = inline_html("去[书城](https://a.example/?a=1&b=2)")
    assert html == '去<a href="https://a.example/?a=1&amp;b=2" rel="noopener nofollow">书城</a>'


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil.example", "x.html"]
)
def test_of_a_foreign_link_only_the_words_stay(address: str) -> None:
    assert inline_html(f"看[这里]({address})吧") == "看这里吧"


def test_emphasis_works_next_to_chinese_punctuation() -> None:
    assert inline_html("有**“吉祥”**二字，*好。*是") == "有<strong>“吉祥”</strong>二字，<em>好。</em>是"


def test_a_hard_break_stays_a_break() -> None:
    assert "<br>" in inline_html("床前明月光  \n疑是地上霜")


@given(st.text(alphabet=st.sampled_from("甲a<>&\"'`*_[]()!\\ \n:/.=#") | st.characters(codec="utf-8"), max_size=80))
def test_no_text_at_all_gets_a_foreign_tag_or_link_into_the_page(markdown: str) -> None:
    fragment = lxml.html.fragment_fromstring(inline_html(markdown), create_parent="div")
    for element in fragment.iterdescendants():
        assert element.tag in {"em", "strong", "code", "br", "a"}
        assert set(element.attrib) <= ({"href", "rel"} if element.tag == "a" else set())
        assert web_address(element.get("href", "https://a.example/"))


@given(st.text(alphabet=st.sampled_from("甲主播：:#- *>\n\r1.\\") | st.characters(codec="utf-8"), max_size=120))
def test_lines_of_any_script_go_upwards_and_stay_inside_the_file(text: str) -> None:
    paragraphs = [paragraph for section in parse_script(text, 7).sections for paragraph in section.paragraphs]
    lines = [paragraph.line for paragraph in paragraphs]
    assert lines == sorted(lines)
    assert all(7 <= line <= 7 + text.count("\n") + text.count("\r") for line in lines)
    assert all(paragraph.markdown.strip() for paragraph in paragraphs)


@pytest.mark.parametrize(
    ("url", "kept"),
    [("https://a.example/x", True), (" http://a.example ", True), ("javascript:alert(1)", False), ("https:", False), ("", False)],
)
def test_only_http_and_https_count_as_addresses_of_the_web(url: str, kept: bool) -> None:  # noqa: FBT001  # a table's column
    assert bool(web_address(url)) is kept


# Sentences


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("您好。今天好吗？好！", ["您好。", "今天好吗？", "好！"]),
        ("他说：“走吧。”我们就走了……", ["他说：“走吧。”", "我们就走了……"]),
        ("有 3.5 公里。走", ["有 3.5 公里。", "走"]),
        ("没有句号", ["没有句号"]),
        ("", []),
    ],
)
def test_a_paragraph_is_cut_behind_what_ends_a_sentence(markdown: str, words: list[str]) -> None:
    assert [sentence.words for sentence in sentences(markdown)] == words


def test_markup_across_two_sentences_is_closed_and_opened_again() -> None:
    assert [sentence.html for sentence in sentences("看**这里。还有**那里。")] == [
        "看<strong>这里。</strong>",
        "<strong>还有</strong>那里。",
    ]
    assert [sentence.html for sentence in sentences("**走吧！**”他说。")] == ["<strong>走吧！</strong>”", "他说。"]


@given(st.text(alphabet='好。！*_[]()<>&h:/."”\\`\n\x1e ', max_size=60))
def test_sentences_hold_all_the_words_and_nothing_that_harms(markdown: str) -> None:
    cut = sentences(markdown)
    assert "".join("".join(sentence.words for sentence in cut).split()) == "".join(plain_text(markdown).split())
    for sentence in cut:
        fragment = lxml.html.fragment_fromstring(sentence.html, create_parent="p")
        assert {element.tag for element in fragment.iter()} <= {"p", "em", "strong", "code", "br", "a"}
        assert "".join(fragment.text_content().split()) == "".join(sentence.words.split())


@given(
    st.text(
        alphabet=st.characters(exclude_characters="\\`*_[]<&\n", exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), max_size=40
    )
)
def test_words_without_markup_come_out_as_the_parser_would_have_them(words: str) -> None:
    (parsed,) = MarkdownIt("commonmark").parseInline(words)
    assert [token.type for token in parsed.children or ()] in ([], ["text"])
    assert "".join(token.content for token in parsed.children or ()) == words
    assert lxml.html.fragment_fromstring(inline_html(words), create_parent="p").text_content().strip() == words.strip()

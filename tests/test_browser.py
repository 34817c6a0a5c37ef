"""The pages in a real Chromium: with a thumb, with keys, without JavaScript, offline, in large letters, on a small phone."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pipeline import source
from pipeline.model import Series
from tests.sites import LONG, LONG_S, PAGES, RELEASED, Server, make_site, served

PHONE = {"width": 390, "height": 844}
EPISODE = f"{RELEASED}/"
Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def site(series: Series, tmp_path_factory: pytest.TempPathFactory) -> Path:
    episodes = source.read_episodes(series.file.parent, series).episodes
    return make_site(series, episodes, tmp_path_factory.mktemp("browser"))


@pytest.fixture
def server(site: Path) -> Iterator[Server]:
    with served(site) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """Return a function that opens a page on a phone; what the browser complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    foreign: list[str] = []

    def open_page(path: str, *, context: BrowserContext | None = None, text: str = "", **how: Any) -> Page:  # noqa: ANN401  # playwright's own
        if context is None:
            options: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "locale": "zh-CN"}
            context = browser.new_context(**(options | how))
            contexts.append(context)
            context.on("request", lambda request: foreign.append(request.url) if not _is_ours(request.url) else None)
            context.on("weberror", lambda error: complaints.append(str(error.error)))
            context.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
            if text:
                context.add_init_script(f"if (location.protocol === 'http:') {{ localStorage.setItem('text-size', '{text}'); }}")
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(server.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    expected = re.compile("ERR_INTERNET_DISCONNECTED|ERR_FAILED|404")
    assert not [each for each in complaints if not expected.search(each)]
    assert not foreign


def _is_ours(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", None}


def _until(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression holds; asked from outside, because the page's own policy forbids eval."""
    end_s = time.monotonic() + 10
    while not page.evaluate(condition):
        assert time.monotonic() < end_s, condition
        page.wait_for_timeout(50)


def _now_s(page: Page) -> float:
    return float(page.evaluate("document.querySelector('audio').currentTime"))


def _play(page: Page) -> None:
    page.get_by_role("button", name="播放", exact=True).tap()
    _until(page, "document.querySelector('audio').currentTime > 0 && !document.querySelector('audio').paused")


# Playing


def test_a_tap_plays_and_another_pauses(visit: Visit) -> None:
    page = visit(EPISODE)
    _play(page)
    before_s = _now_s(page)
    _until(page, f"document.querySelector('audio').currentTime > {before_s + 0.5}")
    page.get_by_role("button", name="暂停", exact=True).tap()
    expect(page.get_by_role("button", name="播放", exact=True)).to_be_visible()
    assert page.evaluate("document.querySelector('audio').paused")


def test_before_the_tap_no_sound_is_fetched_and_little_else(visit: Visit, server: Server) -> None:
    page = visit(EPISODE)
    page.wait_for_load_state("networkidle")
    assert not server.asked_for(".mp3")
    assert len(server.asked) <= 5


@pytest.mark.parametrize("path", PAGES[:-1])
def test_no_page_weighs_more_than_twelve_kilobytes(visit: Visit, server: Server, site: Path, path: str) -> None:
    visit(path).wait_for_load_state("networkidle")
    assert len(server.asked) <= 5
    assets = [site / each.path.lstrip("/") for each in server.asked if each.path.startswith("/assets/")]
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in [site / path / "index.html", *assets]) <= 12_000


def test_seeking_fetches_the_part_that_is_wanted(visit: Visit, server: Server) -> None:
    page = visit(f"{LONG}/")
    _play(page)
    page.get_by_role("slider", name="播放位置").fill("300")
    _until(page, "document.querySelector('audio').currentTime > 299.5")
    _until(page, "document.querySelector('audio').readyState > 2")
    parts = [each for each in server.asked_for(".mp3") if not each.range.startswith("bytes=0-")]
    assert parts
    assert {each.status for each in parts} == {206}


def test_fifteen_seconds_back_and_forth(visit: Visit) -> None:
    page = visit(EPISODE)
    _play(page)
    page.get_by_role("button", name="前进15秒", exact=True).tap()
    _until(page, "document.querySelector('audio').currentTime > 15")
    page.get_by_role("button", name="后退15秒", exact=True).tap()
    _until(page, "document.querySelector('audio').currentTime < 10")


def test_the_speed_is_kept_for_the_next_page(visit: Visit) -> None:
    page = visit(EPISODE)
    page.get_by_label("语速").select_option("0.75")
    _play(page)
    assert page.evaluate("document.querySelector('audio').playbackRate") == 0.75
    other = visit(f"{LONG}/", context=page.context)
    assert other.get_by_label("语速").input_value() == "0.75"


def test_the_sound_stops_when_its_time_is_up(visit: Visit) -> None:
    page = visit("about/")
    page.clock.install()
    page.goto(page.url.replace("about/", EPISODE))
    page.get_by_role("button", name="播放", exact=True).tap()
    page.get_by_label("定时关闭").select_option("5")
    expect(page.get_by_text("5 分钟后停")).to_be_visible()
    page.evaluate("document.querySelector('audio').loop = true")
    page.clock.fast_forward("04:50")
    assert not page.evaluate("document.querySelector('audio').paused")
    page.clock.fast_forward("00:20")
    _until(page, "document.querySelector('audio').paused")
    assert page.get_by_label("定时关闭").input_value() == "0"


def test_large_letters_come_in_steps_and_are_remembered_everywhere(visit: Visit) -> None:
    page = visit(EPISODE)
    size = "parseFloat(getComputedStyle(document.querySelector('.transcript p')).fontSize)"
    button = page.get_by_role("button", name="大字", exact=True)
    assert page.evaluate(size) == 19
    button.tap()
    assert page.evaluate(size) == 25
    expect(button).to_have_attribute("aria-pressed", "true")
    page.reload()
    assert page.evaluate(size) == 25
    other = visit("route/", context=page.context)
    assert other.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") == 25
    button.tap()
    assert page.evaluate(size) >= 30
    button.tap()
    assert page.evaluate(size) == 19


def test_the_position_is_remembered_right_after_a_pause(visit: Visit) -> None:
    page = visit(EPISODE)
    _play(page)
    page.get_by_role("button", name="前进15秒").tap()
    _until(page, "document.querySelector('audio').currentTime > 15.3")
    page.get_by_role("button", name="暂停", exact=True).tap()
    stopped_s = _now_s(page)
    # WeChat may end a page without telling it.
    _until(page, "Math.abs(localStorage.getItem('position-1') - document.querySelector('audio').currentTime) < 0.15")
    page.reload()
    expect(page.get_by_text("上次听到这里")).to_be_visible()
    _play(page)
    _until(page, "document.querySelector('audio').currentTime > 15")
    assert abs(_now_s(page) - stopped_s) < 3


@pytest.mark.parametrize("asked", ["t=25", "A1&t=0:25"])
def test_a_link_may_lead_into_the_sound(visit: Visit, asked: str) -> None:
    page = visit(f"{EPISODE}?{asked}")
    expect(page.get_by_role("slider", name="播放位置")).to_have_value("25")
    _play(page)
    _until(page, "document.querySelector('audio').currentTime >= 25")


def test_one_sound_at_a_time_across_windows(visit: Visit) -> None:
    first = visit(EPISODE)
    _play(first)
    second = visit(f"{LONG}/", context=first.context)
    _play(second)
    _until(first, "document.querySelector('audio').paused")
    assert not second.evaluate("document.querySelector('audio').paused")


def test_the_lock_screen_knows_what_plays(visit: Visit) -> None:
    page = visit(EPISODE)
    title = page.get_by_role("heading", level=1).inner_text()
    assert page.evaluate("navigator.mediaSession.metadata.title") == title
    assert page.evaluate("navigator.mediaSession.metadata.artwork.length") == 1


# Reading along


def test_the_sentence_that_is_said_lights_up(visit: Visit) -> None:
    page = visit(EPISODE)
    assert page.locator(".transcript [aria-current]").count() == 0
    _play(page)
    lit = page.locator(".transcript span[aria-current=true]")
    expect(lit).to_have_count(1)
    first = lit.inner_text()
    page.get_by_role("button", name="前进15秒").tap()
    expect(lit).not_to_have_text(first)
    expect(lit).to_have_count(1)
    at_s = float(lit.get_attribute("data-at") or "nan")
    assert at_s <= _now_s(page) + 0.1


def test_a_tap_on_a_sentence_plays_from_there(visit: Visit) -> None:
    page = visit(EPISODE)
    sentence = page.locator(".transcript span[data-at]").nth(5)
    at_s = float(sentence.get_attribute("data-at") or "nan")
    sentence.tap()
    _until(page, f"document.querySelector('audio').currentTime > {at_s}")
    expect(sentence).to_have_attribute("aria-current", "true")


def test_a_long_sound_has_chapters_that_light_up(visit: Visit) -> None:
    assert visit(EPISODE).get_by_role("navigation", name="分段听").count() == 0
    chapter = visit(f"{LONG}/").get_by_role("navigation", name="分段听").get_by_role("link").nth(1)
    chapter.tap()
    expect(chapter).to_have_attribute("aria-current", "true")
    assert _now_s(chapter.page) < LONG_S


# Keys, no script, no network


_FOCUSED = "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || ''"


def test_everything_can_be_done_with_keys(visit: Visit) -> None:
    page = visit(EPISODE, is_mobile=False, has_touch=False, viewport={"width": 1280, "height": 900})
    reached: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "(document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || '').trim()"
        )
        reached.append(str(name))
        on_body = page.evaluate("document.activeElement === document.body")
        assert on_body or page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", name
        if name == "播放":
            page.keyboard.press("Enter")
            _until(page, "!document.querySelector('audio').paused")
        elif name == "前进15秒":
            page.keyboard.press("Space")
            _until(page, "document.querySelector('audio').currentTime > 15")
        elif name == "播放位置":
            page.keyboard.press("Home")
            _until(page, "document.querySelector('audio').currentTime < 5")
        elif re.fullmatch(r"\d+:\d\d", name):
            page.keyboard.press("Enter")
    for name in ("跳到正文", "大字", "后退15秒", "播放", "前进15秒", "播放位置"):
        assert name in reached, name
    for words in ("下一站", "高德地图", "订阅", "下载"):
        assert any(words in name for name in reached), words


def test_without_javascript_the_native_player_plays(visit: Visit) -> None:
    page = visit(EPISODE, java_script_enabled=False)
    expect(page.locator("audio[controls]")).to_be_visible()
    for name in ("播放", "后退15秒", "大字"):
        assert page.get_by_role("button", name=name, exact=True).count() == 0
    assert page.get_by_role("combobox").count() == 0
    expect(page.locator(".transcript")).to_be_visible()


def test_offline_it_says_so_and_goes_on_afterwards(visit: Visit) -> None:
    page = visit(EPISODE)
    page.context.set_offline(offline=True)
    page.get_by_role("button", name="播放", exact=True).tap()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("没有连上网")
    page.context.set_offline(offline=False)
    page.get_by_role("button", name="再试一次").tap()
    _until(page, "document.querySelector('audio').currentTime > 0")
    expect(alert).to_be_hidden()


def test_a_sound_that_is_not_there_is_said_in_words(visit: Visit) -> None:
    page = visit(EPISODE)
    page.route("**/*.mp3", lambda route: route.abort())
    page.get_by_role("button", name="播放", exact=True).tap()
    expect(page.get_by_role("alert")).to_contain_text("声音没有取到")
    expect(page.get_by_role("button", name="播放", exact=True)).to_be_visible()
    page.unroute("**/*.mp3")
    page.get_by_role("button", name="再试一次").tap()
    _until(page, "document.querySelector('audio').currentTime > 0")


def test_the_feed_address_is_copied(visit: Visit) -> None:
    page = visit("subscribe/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="复制地址").tap()
    expect(page.get_by_text("已复制")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "https://jixiang.example/feed.xml"


def test_what_is_passed_on_has_neither_place_nor_time(visit: Visit) -> None:
    page = visit(f"{EPISODE}?A1&t=20", permissions=["clipboard-read", "clipboard-write"])
    page.evaluate("delete Navigator.prototype.share")
    page.get_by_role("button", name="转给家人朋友").tap()
    expect(page.get_by_text("网址已复制")).to_be_visible()
    assert str(page.evaluate("navigator.clipboard.readText()")).endswith(f"/{EPISODE}")


# Looks


@pytest.mark.parametrize("path", PAGES)
def test_nothing_runs_over_the_side(visit: Visit, path: str) -> None:
    page = visit(path)
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        for text in ("standard", "large", "largest"):
            page.evaluate(f"document.documentElement.setAttribute('data-text', '{text}')")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, text)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("scheme", "text"), [("light", "standard"), ("dark", "standard"), ("light", "largest")])
def test_axe_finds_no_violation(visit: Visit, path: str, scheme: str, text: str) -> None:
    page = visit(path, color_scheme=scheme, text=text)
    for details in page.locator("details").all():
        details.evaluate("each => { each.open = true; }")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


_SMALL = """() => Array.from(document.querySelectorAll("a, button, select, summary, textarea, input")).map((element) => {
  const box = element.getBoundingClientRect();
  const main = element.matches(".play, .skip-button, .action, select, .text-size, .next-link, .seek input");
  const least = main ? 60 : 48;
  return box.width && element.className !== "skip" && (box.height < least - 0.5 || (main && box.width < 59.5) || box.width < 20)
    ? `${element.outerHTML.slice(0, 90)} ${box.width}x${box.height}` : "";
}).filter(Boolean)"""

_TINY = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const tiny = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, svg = element.closest("svg");
    const scale = svg && svg.viewBox.baseVal.width ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const size_px = parseFloat(getComputedStyle(element).fontSize) * scale;
    if (node.data.trim() && element.getClientRects().length && size_px < 18) { tiny.push(node.data + size_px); }
  }
  return tiny;
}"""


@pytest.mark.parametrize("path", PAGES)
def test_everything_is_large_enough_for_a_thumb_and_for_old_eyes(visit: Visit, path: str) -> None:
    page = visit(path)
    for details in page.locator("details").all():
        details.evaluate("each => { each.open = true; }")
    assert page.evaluate(_SMALL) == []
    assert page.evaluate(_TINY) == []


def test_play_stays_in_reach_of_the_thumb(visit: Visit) -> None:
    page = visit(EPISODE)
    play = page.get_by_role("button", name="播放", exact=True)
    for share in (0, 0.5, 1):
        page.evaluate(f"scrollTo({{ top: document.body.scrollHeight * {share}, behavior: 'instant' }})")
        box = play.bounding_box()
        assert box is not None
        assert PHONE["height"] / 2 < box["y"] < PHONE["height"] - box["height"] + 1
    last = page.locator("footer p").last.bounding_box()
    dock = page.locator(".dock").bounding_box()
    assert last is not None
    assert dock is not None
    assert last["y"] + last["height"] <= dock["y"]


_SHIFT = """() => new Promise((done) => {
  let shift = 0;
  const add = (list) => list.getEntries().forEach((entry) => { shift += entry.value; });
  new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(shift), 200);
})"""


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("text", ["standard", "largest"])
def test_nothing_moves_while_a_page_loads(visit: Visit, path: str, text: str) -> None:
    page = visit(path, text=text)
    page.wait_for_load_state("networkidle")
    assert page.evaluate(_SHIFT) <= 0.02


def test_who_wants_no_motion_gets_none(visit: Visit) -> None:
    moving = """() => Array.from(document.querySelectorAll("*")).filter((element) => {
      const style = getComputedStyle(element);
      return style.transitionDuration !== "0s" || style.animationName !== "none" || style.scrollBehavior === "smooth";
    }).length"""
    assert visit("", reduced_motion="reduce").evaluate(moving) == 0
    assert visit("", reduced_motion="no-preference").evaluate(moving) > 0


def test_on_paper_stand_the_words_and_no_player(visit: Visit) -> None:
    page = visit(EPISODE)
    page.emulate_media(media="print")
    expect(page.locator(".transcript p").first).to_be_visible()
    expect(page.locator(".dock")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_page_that_is_not_there_looks_like_ours(visit: Visit) -> None:
    page = visit("no/such/page")
    expect(page.get_by_role("heading", level=1)).to_have_text("没有找到这一页")
    page.get_by_role("link", name="看看全部节目").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("好生活·好吉祥")

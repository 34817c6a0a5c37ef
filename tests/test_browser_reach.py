"""Pages full of long names and long lists, in a real Chromium: what is reached, read, and in nobody's way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pipeline import artefacts
from pipeline.markup import parse_script
from pipeline.model import Aspect, BuiltEpisode, Identity, Stop
from pipeline.page import render_pages
from tests.episodes import SITE, build_episode, make_cue, make_series, make_stop
from tests.sites import Server, served
from tests.sounds import ffmpeg

SHORT, LONG, UPCOMING, DEPARTED = 1, 2, 27, 40
SHORT_S, LONG_S = 60.0, 360.0
PAGES = {
    "首页": "",
    "较早的节目": "episodes/1/",
    "短的一期": f"{SHORT}/",
    "长的一期": f"{LONG}/",
    "还没上线的一期": f"{UPCOMING}/",
    "收起来的一期": f"{DEPARTED}/",
    "一个方面": "aspects/leisure/",
    "空着的一个方面": "aspects/transport/",
    "路线": "route/",
    "订阅": "subscribe/",
    "关于": "about/",
    "没有这一页": "nix/da/",
}
SIZES = ("standard", "large", "largest")
PARAGRAPHS = (
    ("您好，街坊。", "今天我们一起出门走一走。", "天气正好。"),
    ("我在这里住了很久，每天早上都来。", "树荫底下有几张石凳，坐下来歇一歇，听听鸟叫，再慢慢往前走也不迟。"),
    ("再往前就是下一站。", "不赶时间的话，停下来看一看。", "下回见！"),
)
SENTENCE_S = 4.0
EVERY_PAGE = pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
Visit = Callable[..., Page]


# The site


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve pages with what makes them overflow: long names and titles, long lists, many episodes at a stop, and empty ones."""
    folder = tmp_path_factory.mktemp("site")
    stops = (
        make_stop(1, hours="每天 8:00—21:00，下雨天也开"),
        make_stop(2, name="一个名字很长很长的地方（要换行）", surveyed=False),
        *map(make_stop, range(3, 7)),
    )
    series = replace(make_series(folder), stops=stops, description="沿着路线，一站听一段。" * 3)
    sounds = {duration_s: _make_sound(folder / f"{duration_s:.0f}.mp3", duration_s) for duration_s in (SHORT_S, LONG_S)}
    # Neither the last stop nor the last aspect has anything to hear.
    built = [
        replace(_build(folder, number, series.aspects[number % 5], stops[number % 5], sounds), public=number != UPCOMING)
        for number in range(1, UPCOMING + 1)
    ]
    pages = render_pages(series, built, [Identity(number=DEPARTED, guid="guid", page_url=f"{SITE}{DEPARTED}/")])
    artefacts.lay_out(folder / "site", pages)
    with served(folder / "site") as running:
        yield running


def _make_sound(file: Path, duration_s: float) -> Path:
    """Write a sound so large that, where it is long, no browser holds all of it."""
    ffmpeg("-f", "lavfi", "-i", f"sine=frequency=330:duration={duration_s}", "-b:a", "320k", f"file:{file}")
    return file


def _build(folder: Path, number: int, aspect: Aspect, stop: Stop, sounds: dict[float, Path]) -> BuiltEpisode:
    duration_s = LONG_S if number == LONG else SHORT_S
    first, *others = map("".join, PARAGRAPHS)
    script = parse_script(f"## 出门\n\n{first}\n\n## 坐下来\n\n" + "\n\n".join(others), 1)
    sentences = [sentence for paragraph in PARAGRAPHS for sentence in paragraph]
    cues = tuple(make_cue(words, SENTENCE_S * index, SENTENCE_S * (index + 1)) for index, words in enumerate(sentences, start=1))
    title = "题目很长的一期：从家门口出发，一直走到看得见山的地方" if number == SHORT else f"到{number}处走走"
    episode = build_episode(folder, number, cues=cues, script=script, title=title, aspect=aspect, stop=stop)
    sound = sounds[duration_s]
    enclosure = replace(episode.enclosure, file=sound, size_bytes=sound.stat().st_size, duration_s=duration_s)
    return replace(episode, enclosure=enclosure, posters=())


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """Return a function that opens a page in a window of its own: ``visit(path, text="large", width=320, **context)``."""
    contexts: list[BrowserContext] = []

    def open_page(path: str, *, text: str = "standard", width: int = 390, **options: Any) -> Page:  # noqa: ANN401  # playwright's own
        context = browser.new_context(viewport={"width": width, "height": 844}, locale="zh-CN", **options)
        contexts.append(context)
        context.add_init_script(f"localStorage.getItem('text-size') || localStorage.setItem('text-size', '{text}')")
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(server.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def _wait_for(page: Page, condition: str) -> None:
    """Wait until a condition holds of ``sound``, the page's audio element."""
    page.wait_for_function(f"() => {{ const sound = document.querySelector('audio'); return {condition}; }}")


# Room: nothing sticks out, is cut off, or lies on something else

STICKING_OUT = """() => [...document.querySelectorAll("body *")].filter((element) => {
  const box = element.getBoundingClientRect();
  const hidden = !box.width || !box.height || element.closest(".skip, .visually-hidden");
  return !hidden && (box.right > innerWidth + 0.5 || box.left < -0.5);
}).map((element) => element.outerHTML.slice(0, 80))"""

# The white half of a closing bracket may hang over.
CUT_OFF = """() => [...document.querySelectorAll("button, .action, .badge, .door, .card, h1, h2, h3")].filter((element) => {
  const wide = element.scrollWidth - element.clientWidth, high = element.scrollHeight - element.clientHeight;
  return element.clientWidth > 0 && (wide > parseFloat(getComputedStyle(element).fontSize) / 2 + 1 || high > 6);
}).map((element) => element.outerHTML.slice(0, 80))"""


@EVERY_PAGE
def test_on_a_small_phone_nothing_sticks_out_or_is_cut_off_in_any_size_of_letters(visit: Visit, path: str) -> None:
    page = visit(path, width=320)
    for size in SIZES:
        assert page.evaluate("document.documentElement.dataset.text") == size
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, size
        assert page.evaluate(STICKING_OUT) == [], size
        assert page.evaluate(CUT_OFF) == [], size
        page.get_by_role("button", name="大字", exact=True).click()


SMALL_LETTERS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) { continue; }
    const letter = element.ownerSVGElement ? element.getScreenCTM().a : 1;
    const size_px = parseFloat(getComputedStyle(element).fontSize) * letter;
    if (size_px < 17.99) { found.push(`${walker.currentNode.data.trim().slice(0, 12)} ${size_px.toFixed(1)} px`); }
  }
  return found;
}"""


@EVERY_PAGE
@pytest.mark.parametrize("width", [320, 390])
def test_no_letter_is_smaller_than_eighteen_pixels(visit: Visit, path: str, width: int) -> None:
    page = visit(path, width=width)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate(SMALL_LETTERS) == []


SMALL_TARGETS = """(main) => [...document.querySelectorAll("a, button, select, summary, textarea, input")].map((element) => {
  const box = element.getBoundingClientRect();
  const label = element.labels && element.labels[0] && element.labels[0].innerText;
  const name = element.getAttribute("aria-label") || label || element.innerText;
  const least_px = new RegExp(main).test(name) ? { height: 60, width: 60 } : { height: 48, width: 0 };
  const small = box.height < least_px.height - 0.5 || box.width < least_px.width - 0.5;
  return box.width && small && !element.matches(".skip") ? `${name}: ${box.width.toFixed()}×${box.height.toFixed()}` : "";
}).filter(Boolean)"""
MAIN_TARGETS = (
    "播放$|后退15秒|前进15秒|播放位置|语速|定时关闭|^大字$|下一站|地图|转给家人|^订阅，|下载声音|复制地址|在喜马拉雅打开|再试一次"
)


@EVERY_PAGE
def test_every_target_is_large_enough_for_a_thumb(visit: Visit, path: str) -> None:
    page = visit(path, width=320)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate("document.querySelectorAll('[data-trouble]').forEach((each) => { each.hidden = false; })")
    assert page.evaluate(SMALL_TARGETS, MAIN_TARGETS) == []


# Keys


CONTROLS = "a[href], button, select, summary, textarea, input"
ACTIVE = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  const label = element.labels && element.labels[0] && element.labels[0].innerText;
  const seen = [...element.getClientRects()].some((box) => {
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return top && (element.contains(top) || top.contains(element));
  });
  return {
    name: (element.getAttribute("aria-label") || label || element.innerText || "").split("\\n")[0].trim(),
    inside: element !== document.body,
    outline_px: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    seen,
  };
}"""


@pytest.mark.parametrize(("width", "text"), [(320, "largest"), (1280, "standard")])
@EVERY_PAGE
def test_with_the_tab_key_every_control_is_reached_seen_and_covered_by_nothing(
    visit: Visit, path: str, width: int, text: str
) -> None:
    page = visit(path, width=width, text=text, reduced_motion="reduce")
    wanted = page.locator(CONTROLS).filter(visible=True).count()
    reached = 0
    page.keyboard.press("Tab")
    while (active := page.evaluate(ACTIVE))["inside"]:
        reached += 1
        assert active["outline_px"] >= 2, active
        assert active["seen"], active
        page.keyboard.press("Tab")
    assert reached == wanted


def test_the_player_is_worked_by_keys_alone(visit: Visit) -> None:
    page = visit(f"{SHORT}/")

    def focus(name: str) -> None:
        page.evaluate("document.activeElement.blur()")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate(ACTIVE)["name"] == name:
                return
        pytest.fail(f"the Tab key never came to {name}")

    focus("播放")
    page.keyboard.press("Enter")
    _wait_for(page, "!sound.paused && sound.currentTime > 0")
    page.keyboard.press("Space")
    _wait_for(page, "sound.paused")
    focus("前进15秒")
    page.keyboard.press("Enter")
    _wait_for(page, "sound.currentTime > 14")
    focus("后退15秒")
    page.keyboard.press("Space")
    _wait_for(page, "sound.currentTime < 10")
    focus("语速")
    page.keyboard.press("ArrowDown")
    _wait_for(page, "sound.playbackRate === 1.25")
    focus("定时关闭")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("定时关闭")).to_have_value("5")


def test_an_arrow_key_moves_the_sound_by_seconds_one_can_hear(visit: Visit) -> None:
    page = visit(f"{SHORT}/?t=20")
    slider = page.get_by_role("slider", name="播放位置")
    slider.press("ArrowRight")
    assert 21 <= float(slider.input_value()) <= 35
    slider.press("ArrowLeft")
    assert float(slider.input_value()) == pytest.approx(20)


def test_the_time_before_a_paragraph_plays_it_by_key(visit: Visit) -> None:
    page = visit(f"{SHORT}/")
    transcript = page.get_by_role("region", name="文字稿")
    link = transcript.get_by_role("link", name="0:16")
    link.press("Enter")
    _wait_for(page, "!sound.paused && sound.currentTime >= 16")
    expect(transcript.locator("span[aria-current=true]")).to_have_text("我在这里住了很久，每天早上都来。")


# The lock screen

HANDLERS = """window.handlers = {};
const set = navigator.mediaSession.setActionHandler.bind(navigator.mediaSession);
navigator.mediaSession.setActionHandler = (action, handler) => { window.handlers[action] = handler; set(action, handler); };"""


def test_the_lock_screen_plays_pauses_and_seeks(visit: Visit) -> None:
    page = visit("about/")
    page.add_init_script(HANDLERS)
    page.goto(page.url.replace("about/", f"{SHORT}/"))
    page.get_by_role("button", name="播放", exact=True).click()
    _wait_for(page, "sound.currentTime > 0")
    for action, details, condition in (
        ("pause", "", "sound.paused"),
        ("play", "", "!sound.paused"),
        ("seekforward", "", "sound.currentTime > 15"),
        ("seekbackward", "", "sound.currentTime < 10"),
        ("seekto", "{ seekTime: 40 }", "sound.currentTime >= 40"),
    ):
        page.evaluate(f"window.handlers['{action}']({details or '{}'})")
        _wait_for(page, condition)


# No script, no network


def test_without_javascript_the_native_player_plays_by_key(visit: Visit) -> None:
    page = visit(f"{SHORT}/", java_script_enabled=False)
    expect(page.locator("audio")).to_be_visible()
    while page.evaluate("document.activeElement.localName") != "audio":
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement !== document.body"), "the Tab key never came to the player"
    with page.expect_response("**/*.mp3") as answer:
        page.keyboard.press("Space")
    assert answer.value.status == 206
    assert page.evaluate("document.querySelector('audio').paused") is False


@pytest.mark.parametrize("path", [f"{SHORT}/", "subscribe/", "route/"])
def test_without_javascript_nothing_stands_there_that_does_nothing(visit: Visit, path: str) -> None:
    page = visit(path, java_script_enabled=False)
    assert page.locator("button:visible, select:visible, input:visible").count() == 0
    expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.parametrize("status", [404, 503])
def test_when_the_server_has_no_sound_it_says_so_and_goes_on_afterwards(visit: Visit, status: int) -> None:
    page = visit(f"{SHORT}/?t=30")
    page.route("**/*.mp3", lambda route: route.fulfill(status=status))
    page.get_by_role("button", name="播放", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("声音没有取到")
    page.unroute("**/*.mp3")
    page.get_by_role("button", name="再试一次").click()
    _wait_for(page, "!sound.paused && sound.currentTime >= 30")
    expect(alert).to_be_hidden()


def test_the_line_going_dead_in_the_middle_is_said_and_the_place_is_kept(visit: Visit) -> None:
    page = visit(f"{LONG}/")
    page.get_by_role("button", name="播放", exact=True).click()
    _wait_for(page, "sound.currentTime > 0")
    page.context.set_offline(offline=True)
    page.get_by_role("slider", name="播放位置").fill("330")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("没有连上网", timeout=15_000)  # a pause of four seconds is not worth a word
    page.context.set_offline(offline=False)
    page.get_by_role("button", name="再试一次").dispatch_event("click")  # hidden already if the browser went on by itself
    _wait_for(page, "!sound.paused && sound.currentTime >= 329 && sound.readyState > 2")

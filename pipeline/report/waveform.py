"""The recording above, the published sound below: what was done to it, for people who would rather look than read figures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

from pipeline.model import Sound

WIDTH_PX, HEIGHT_PX = 1600, 900

PAPER, SHADE, HAIRLINE, RULE = "#F9F3E7", "#ECE0CB", "#E2D7C3", "#B9AD9B"
RECORDED = "#B3A794"
_INK, _SOFT_INK = "#2B2420", "#6F6558"

_LEFT_PX, _RIGHT_PX = 80, 1520
_TITLE_BASELINE_PX = 102
_CAPTION_BASELINE_PX = 856
_FIGURES_RIGHT_PX = 290
PLOT_LEFT_PX, PLOT_RIGHT_PX = 350, 1438
RECORDED_CENTRE_PX, PUBLISHED_CENTRE_PX = 322, 648
_RECORDED_AXIS_PX, _PUBLISHED_AXIS_PX = 192, 778
_HALF_HEIGHT_PX = 120
_BAR_PX, _BAR_PITCH_PX = 3, 4

_FRAME_S = 0.1  # of an envelope
# An RMS of -6 dBFS over 0.1 s is louder than speech gets. The exponent is between a straight scale, on which a quiet recording
# and the noise in its pauses are a thread, and decibels, on which they look as big as the rest.
_TALLEST_RMS = 0.5
_EXPONENT = 0.6
_GATE = 0.1  # as in BS.1770: what lies 10 dB below the mean is a pause and does not count
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_TICK_AT_LEAST_PX = 90
_GAP_PX = 10
_SHORTEST_CUT_S = 0.05  # shown as 0.1 s

# Painted bigger and reduced: Pillow places glyphs and the ends of bars on whole pixels.
_OVERSAMPLING = 2


@dataclass(frozen=True, kw_only=True)
class Look:
    """The colour of the published sound, ``#RRGGBB``, and the fonts of the posters."""

    colour: str
    serif_black: Path
    sans_bold: Path
    sans_regular: Path


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawn picture."""

    file: Path


@dataclass(frozen=True, kw_only=True)
class _Timeline:
    """What the two panels share: seconds of the published sound, and the voice of both under each other.

    The recording's second 0 stands at ``recorded_start_s``, which is below 0 where more was cut than the intro is long.
    """

    start_s: float
    px_per_s: float
    recorded_start_s: float
    recorded_end_s: float
    voice_start_s: float
    voice_end_s: float

    def x(self, moment_s: float) -> float:
        """Where a moment stands, in pixels."""
        return PLOT_LEFT_PX + (moment_s - self.start_s) * self.px_per_s


@dataclass(frozen=True, kw_only=True)
class _Canvas:
    """Paper on which all lengths are pixels of the finished picture."""

    image: Image.Image
    draw: ImageDraw.ImageDraw

    def fill(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        """Fill a box. What has a width keeps at least a hair of it."""
        x0, y0, x1, y1 = (round(_OVERSAMPLING * edge) for edge in (left, top, right, bottom))
        self.draw.rectangle((x0, y0, max(x1, x0 + 1) - 1, max(y1, y0 + 1) - 1), fill=colour)

    def bar(self, left: float, centre: float, reach: float, colour: str) -> None:
        """Draw an upright stroke with round ends."""
        x, y, half = (round(_OVERSAMPLING * length) for length in (left, centre, reach))
        box = (x, y - half, x + _OVERSAMPLING * _BAR_PX - 1, y + half - 1)
        self.draw.rounded_rectangle(box, radius=min(half, _OVERSAMPLING * _BAR_PX // 2), fill=colour)

    def write(self, x: float, baseline: float, words: str, font: ImageFont.FreeTypeFont, colour: str, side: str = "l") -> None:
        """Write one line from ``x`` on; to the left of it where ``side`` is ``r``, around it where it is ``m``."""
        self.draw.text((_OVERSAMPLING * x, _OVERSAMPLING * baseline), words, font=font, fill=colour, anchor=f"{side}s")


def draw_waveforms(number: int, title: str, sound: Sound, target_lufs: float, look: Look, to: Path) -> Picture:
    """Return the picture of an episode's sound before and after, written to ``to`` as PNG of 1600 by 900 pixels.

    Both panels have the same scales of time and level, and the voice stands under the voice. ``target_lufs`` is a line in both.
    The same arguments give the same bytes.
    """
    image = Image.new("RGB", (_OVERSAMPLING * WIDTH_PX, _OVERSAMPLING * HEIGHT_PX), PAPER)
    canvas = _Canvas(image=image, draw=ImageDraw.Draw(image))
    line, small = _font(look.sans_regular, 18), _font(look.sans_regular, 16)
    _draw_header(canvas, number, title, look, line)
    _draw_figures(canvas, sound, look, line)
    timeline = _timeline(sound)
    _draw_cuts(canvas, timeline)
    for centre in (RECORDED_CENTRE_PX, PUBLISHED_CENTRE_PX):
        _draw_target(canvas, centre, sound, target_lufs, small)
    _draw_recorded(canvas, timeline, sound, small)
    _draw_published(canvas, timeline, sound, look, small)
    _draw_voice_bounds(canvas, timeline)
    _draw_labels(canvas, timeline, sound, look, small)
    caption = "两图的时间和音量用同一把尺，人声上下对齐；竖条越长，声音越大"
    canvas.write(_RIGHT_PX, _CAPTION_BASELINE_PX, caption, small, _SOFT_INK, "r")
    image.reduce(_OVERSAMPLING).save(to, format="PNG")
    return Picture(file=to)


# What is written


def _draw_header(canvas: _Canvas, number: int, title: str, look: Look, line: ImageFont.FreeTypeFont) -> None:
    subject = "声音前后对比"
    issue, words = f"第 {number} 期", " ".join(title.split())
    size_px, gap_px = 44, 24
    room_px = _RIGHT_PX - _LEFT_PX - _width_px(line, subject) - 2 * gap_px
    serif = _font(look.serif_black, size_px)
    needed_px = _width_px(serif, issue) + gap_px + _width_px(serif, words)
    if needed_px > room_px:
        serif = _font(look.serif_black, math.floor(size_px * room_px / needed_px))
    canvas.write(_LEFT_PX, _TITLE_BASELINE_PX, issue, serif, look.colour)
    canvas.write(_LEFT_PX + _width_px(serif, issue) + gap_px, _TITLE_BASELINE_PX, words, serif, _INK)
    canvas.write(_RIGHT_PX, _TITLE_BASELINE_PX, subject, line, _SOFT_INK, "r")
    canvas.fill(_LEFT_PX, 136, _RIGHT_PX, 137, HAIRLINE)


def _draw_figures(canvas: _Canvas, sound: Sound, look: Look, line: ImageFont.FreeTypeFont) -> None:
    bold, big = _font(look.sans_bold, 22), _font(look.sans_bold, 52)
    recorded = (
        ("真峰值", f"{_figure(sound.recorded_true_peak_dbtp)} dBTP"),
        ("响度范围", f"{_figure(sound.recorded_range_lu)} LU"),
        ("时长", _clock(len(sound.recorded_envelope) * _FRAME_S)),
        ("剪去静音", f"{_figure(sound.trimmed_head_s + sound.trimmed_tail_s)} 秒"),
    )
    published = (
        ("真峰值", f"{_figure(sound.true_peak_dbtp)} dBTP"),
        ("响度范围", f"{_figure(sound.loudness_range_lu)} LU"),
        ("时长", _clock(sound.duration_s)),
        ("最大限幅", f"{_figure(abs(sound.most_limiting_db))} dB"),
    )
    for centre, name, lufs, rows, colours in (
        (RECORDED_CENTRE_PX, "录音", sound.recorded_lufs, recorded, (_SOFT_INK, _INK)),
        (PUBLISHED_CENTRE_PX, "成品", sound.integrated_lufs, published, (look.colour, look.colour)),
    ):
        top = centre - _HALF_HEIGHT_PX
        canvas.write(_LEFT_PX, top + 20, name, bold, colours[0])
        canvas.write(_LEFT_PX, top + 84, _figure(lufs), big, colours[1])
        canvas.write(_LEFT_PX + _width_px(big, _figure(lufs)) + _GAP_PX, top + 84, "LUFS", line, _SOFT_INK)
        for row, (what, figure) in enumerate(rows):
            baseline = top + 132 + 34 * row
            canvas.write(_LEFT_PX, baseline, what, line, _SOFT_INK)
            canvas.write(_FIGURES_RIGHT_PX, baseline, figure, line, _INK, "r")


def _draw_labels(canvas: _Canvas, timeline: _Timeline, sound: Sound, look: Look, small: ImageFont.FreeTypeFont) -> None:
    """Say between the panels what was cut, what was added, and how long the voice is."""
    outro_s = sound.duration_s - timeline.voice_end_s
    cut = _pointing_out("剪去", sound.trimmed_head_s, "剪去", sound.trimmed_tail_s)
    added = _pointing_out("片头", timeline.voice_start_s, "片尾", outro_s)
    start, end = timeline.x(timeline.voice_start_s), timeline.x(timeline.voice_end_s)
    middle = (RECORDED_CENTRE_PX + PUBLISHED_CENTRE_PX) / 2
    widest = 0.0
    for baseline, (head, tail), colour in ((middle - 9, cut, _SOFT_INK), (middle + 23, added, look.colour)):
        head_px, tail_px = _width_px(small, head), _width_px(small, tail)
        widest = max(widest, head_px, tail_px)
        if head_px + tail_px + 3 * _GAP_PX <= end - start:
            left, right = start + _GAP_PX, end - _GAP_PX
        else:  # no room within the voice: side by side, as near to it as the plot allows
            pair_px = head_px + 2 * _GAP_PX + tail_px
            left = min(max((start + end - pair_px) / 2, PLOT_LEFT_PX), PLOT_RIGHT_PX - pair_px)
            right = left + pair_px
            canvas.fill(left - 2, baseline - 18, right + 2, baseline + 6, PAPER)
        canvas.write(left, baseline, head, small, colour)
        canvas.write(right, baseline, tail, small, colour, "r")
    voice = f"人声 {_clock(timeline.voice_end_s - timeline.voice_start_s)}"
    if 2 * widest + _width_px(small, voice) + 6 * _GAP_PX <= end - start:
        canvas.write((start + end) / 2, middle + 7, voice, small, _SOFT_INK, "m")


def _pointing_out(head: str, head_s: float, tail: str, tail_s: float) -> tuple[str, str]:
    """Return what is said of the parts before and after the voice; empty for a part that is not there."""
    return (
        f"← {head} {_figure(head_s)} 秒" if head_s >= _SHORTEST_CUT_S else "",
        f"{tail} {_figure(tail_s)} 秒 →" if tail_s >= _SHORTEST_CUT_S else "",
    )


# What is drawn


def _draw_cuts(canvas: _Canvas, timeline: _Timeline) -> None:
    """Shade what was cut from the recording."""
    top, bottom = RECORDED_CENTRE_PX - _HALF_HEIGHT_PX, RECORDED_CENTRE_PX + _HALF_HEIGHT_PX
    for start_s, end_s in (
        (timeline.recorded_start_s, timeline.voice_start_s),
        (timeline.voice_end_s, timeline.recorded_end_s),
    ):
        if end_s - start_s >= _SHORTEST_CUT_S:
            canvas.fill(timeline.x(start_s), top, timeline.x(end_s), bottom, SHADE)


def _draw_target(canvas: _Canvas, centre: float, sound: Sound, target_lufs: float, small: ImageFont.FreeTypeFont) -> None:
    """Draw how far sound of the target loudness reaches, above and below the middle."""
    level = _level_at(sound, target_lufs)
    if level is None:
        return
    reach = round(_reach_px(level))
    for y in (centre - reach, centre + reach):
        canvas.fill(PLOT_LEFT_PX, y, PLOT_RIGHT_PX, y + 1, HAIRLINE)
    canvas.write(_RIGHT_PX, centre - reach + 6, f"目标 {_minus(f'{target_lufs:g}')}", small, _SOFT_INK, "r")


def _draw_recorded(canvas: _Canvas, timeline: _Timeline, sound: Sound, small: ImageFont.FreeTypeFont) -> None:
    start_s = timeline.recorded_start_s
    _draw_bars(canvas, timeline, RECORDED_CENTRE_PX, sound.recorded_envelope, start_s, lambda _moment_s: RECORDED)
    span = start_s, timeline.recorded_end_s
    _draw_axis(canvas, timeline, _RECORDED_AXIS_PX, span, small, upwards=True)


def _draw_published(canvas: _Canvas, timeline: _Timeline, sound: Sound, look: Look, small: ImageFont.FreeTypeFont) -> None:
    music = _mixed(look.colour, PAPER, 0.5)

    def colour_at(moment_s: float) -> str:
        return look.colour if timeline.voice_start_s <= moment_s <= timeline.voice_end_s else music

    _draw_bars(canvas, timeline, PUBLISHED_CENTRE_PX, sound.envelope, 0.0, colour_at)
    _draw_axis(canvas, timeline, _PUBLISHED_AXIS_PX, (0.0, sound.duration_s), small, upwards=False)


def _draw_bars(
    canvas: _Canvas,
    timeline: _Timeline,
    centre: float,
    envelope: Sequence[float],
    offset_s: float,
    colour_at: Callable[[float], str],
) -> None:
    """Draw an envelope whose first frame is at ``offset_s``, over a thin line: silence has no bar."""
    end_s = offset_s + len(envelope) * _FRAME_S
    canvas.fill(timeline.x(offset_s), centre - 0.5, timeline.x(end_s), centre + 0.5, HAIRLINE)
    bar_s = _BAR_PITCH_PX / timeline.px_per_s
    for x in range(PLOT_LEFT_PX, PLOT_RIGHT_PX, _BAR_PITCH_PX):
        start_s = timeline.start_s + (x - PLOT_LEFT_PX) / timeline.px_per_s
        reach = _reach_px(_root_mean_square(envelope, start_s - offset_s, start_s - offset_s + bar_s))
        if reach >= 1 / _OVERSAMPLING:
            canvas.bar(x, centre, reach, colour_at(start_s + bar_s / 2))


def _draw_axis(
    canvas: _Canvas,
    timeline: _Timeline,
    y: float,
    span: tuple[float, float],
    small: ImageFont.FreeTypeFont,
    *,
    upwards: bool,
) -> None:
    """Draw a sound's own time, from its own beginning on; ``upwards`` has the times above the line."""
    start_s, end_s = span
    canvas.fill(timeline.x(start_s), y, timeline.x(end_s), y + 0.5, RULE)
    every_s = next((step for step in _TICKS_S if step * timeline.px_per_s >= _TICK_AT_LEAST_PX), _TICKS_S[-1])
    for moment_s in itertools.takewhile(lambda moment_s: start_s + moment_s <= end_s, itertools.count(0, every_s)):
        x = timeline.x(start_s + moment_s)
        canvas.fill(x, y - 5 if upwards else y, x + 0.5, y if upwards else y + 5, RULE)
        canvas.write(x, y - 12 if upwards else y + 25, _clock(moment_s), small, _SOFT_INK, "m")


def _draw_voice_bounds(canvas: _Canvas, timeline: _Timeline) -> None:
    """Draw dashes through both panels where the voice begins and ends."""
    top, bottom = RECORDED_CENTRE_PX - _HALF_HEIGHT_PX, PUBLISHED_CENTRE_PX + _HALF_HEIGHT_PX
    for moment_s in (timeline.voice_start_s, timeline.voice_end_s):
        x = round(timeline.x(moment_s))
        for y in range(top, bottom, 8):
            canvas.fill(x, y, x + 0.5, y + 4, _SOFT_INK)


# How long, how loud


def _timeline(sound: Sound) -> _Timeline:
    recorded_s = len(sound.recorded_envelope) * _FRAME_S
    recorded_start_s = sound.voice_start_s - sound.trimmed_head_s
    recorded_end_s = recorded_start_s + recorded_s
    voice_end_s = min(recorded_end_s - sound.trimmed_tail_s, sound.duration_s)
    start_s, end_s = min(0.0, recorded_start_s), max(sound.duration_s, recorded_end_s)
    return _Timeline(
        start_s=start_s,
        px_per_s=(PLOT_RIGHT_PX - PLOT_LEFT_PX) / max(end_s - start_s, _FRAME_S),
        recorded_start_s=recorded_start_s,
        recorded_end_s=recorded_end_s,
        voice_start_s=sound.voice_start_s,
        voice_end_s=max(voice_end_s, sound.voice_start_s),
    )


def _root_mean_square(envelope: Sequence[float], start_s: float, end_s: float) -> float:
    """Return the RMS of the frames from ``start_s`` on, at least one; 0 outside the envelope."""
    start = math.floor(start_s / _FRAME_S)
    stop = max(start + 1, math.floor(end_s / _FRAME_S))
    frames = envelope[max(start, 0) : max(stop, 0)]
    return math.sqrt(_mean_square(frames))


def _level_at(sound: Sound, target_lufs: float) -> float | None:
    """Return the RMS that the published sound would have at ``target_lufs``; None for silence.

    The two measures weigh frequencies and channels differently, so the line is put by what this very sound has in both.
    """
    if not math.isfinite(sound.integrated_lufs):
        return None
    gate = _GATE * _mean_square([frame for frame in sound.envelope if frame > 0])
    heard = _mean_square([frame for frame in sound.envelope if frame * frame > gate])
    return math.sqrt(heard) * 10 ** ((target_lufs - sound.integrated_lufs) / 20) if heard else None


def _mean_square(frames: Sequence[float]) -> float:
    return sum(frame * frame for frame in frames) / max(len(frames), 1)


def _reach_px(level: float) -> float:
    """Return how far a bar of that RMS reaches from the middle."""
    return _HALF_HEIGHT_PX * math.pow(min(1.0, level / _TALLEST_RMS), _EXPONENT)


# Small matters of setting


def _font(path: Path, size_px: int) -> ImageFont.FreeTypeFont:
    # As for the posters, never raqm: it needs a library of the system's.
    return ImageFont.truetype(path, _OVERSAMPLING * size_px, layout_engine=ImageFont.Layout.BASIC)


def _width_px(font: ImageFont.FreeTypeFont, words: str) -> float:
    return float(font.getlength(words)) / _OVERSAMPLING


def _figure(value: float) -> str:
    """Return ``value`` with one decimal; a dash for what has no measure, as silence."""
    return _minus(f"{value:.1f}") if math.isfinite(value) else "—"


def _minus(figure: str) -> str:
    # The fonts have no U+2212; the dash U+2013 looks like it.
    return figure.replace("-", "–")


def _clock(duration_s: float) -> str:
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes}:{seconds:02}"


def _mixed(first: str, second: str, share: float) -> str:
    pairs: Iterator[tuple[int, int]] = zip(ImageColor.getrgb(first)[:3], ImageColor.getrgb(second)[:3], strict=True)
    return "#" + "".join(f"{round(one + (other - one) * share):02X}" for one, other in pairs)

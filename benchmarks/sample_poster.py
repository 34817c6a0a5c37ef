"""The wording and the sound that posters are measured with: no place's and nobody's."""

from __future__ import annotations

from pathlib import Path

from pipeline.model import Aspect, Sound, Wording

WORDING = Wording(
    series_title="好生活·好吉祥",
    signature="龙岗区吉祥社区 新时代文明实践站",
    number=4,
    title="老屋慢慢看",
    subtitle="一圈一圈的回响",
    summary="半圆的围屋一圈圈铺开，像声音的涟漪。这一集坐在门槛上，听一听天井里的过年、祠堂前的禾坪，也听一听它怎样变成大家的客厅。",
    aspect=Aspect(key="culture", name="文化底蕴"),
    stop_name="老屋",
    stop_order=4,
    stop_count=6,
    duration_s=510.0,
    spoken_languages=("普通话", "客家话"),
    synthetic_voice=False,
    page_url="https://jixiang.example/4/",
)
SOUND = Sound(
    file=Path("sound.mp3"),
    duration_s=510.0,
    voice_start_s=0,
    speech=(),
    integrated_lufs=-16,
    loudness_range_lu=4,
    true_peak_dbtp=-1.5,
    envelope=tuple(0.1 * (frame % 40 < 33) * (1 + frame % 7) / 7 for frame in range(5100)),  # noqa: PLR2004 - a breath every 4 s
    recorded_lufs=-20,
    recorded_range_lu=9,
    recorded_true_peak_dbtp=-3,
    recorded_envelope=(),
    trimmed_head_s=0,
    trimmed_tail_s=0,
    most_limiting_db=2,
    renders=1,
    ffmpeg="",
    warnings=(),
)

"""A series and built episodes as pages are made from them, with small stand-ins for their files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.markup import parse_script
from pipeline.model import (
    Aspect,
    BuiltEpisode,
    Captions,
    Contact,
    Cue,
    Enclosure,
    Episode,
    Identity,
    Link,
    LoudnessTarget,
    Poster,
    Series,
    Sound,
    SoundSettings,
    Stop,
    Theme,
)

SITE = "https://jixiang.example/"
SCRIPT = "## 换双鞋\n\n您好，**街坊**。\n\n## 再坐坐\n\n张阿姨：来啦！\n"
ASPECTS = tuple(
    Aspect(key=key, name=name)
    for key, name in {
        "leisure": "休闲娱乐",
        "business": "示范商圈",
        "facilities": "公共设施",
        "culture": "文化底蕴",
        "wellbeing": "民生福祉",
        "transport": "便捷交通",
    }.items()
)
SOUND_SETTINGS = SoundSettings(
    target=LoudnessTarget(integrated_lufs=-16, true_peak_dbtp=-1),
    bitrate_kbps=128,
    denoise="off",
    leveler="gentle",
    highpass_hz=75,
    bed=False,
    container="mp3",
)


def make_stop(order: int, *, surveyed: bool = True, name: str = "", hours: str = "") -> Stop:
    return Stop(
        name=name or f"第{order}处",
        order=order,
        address=f"吉祥路 {order} 号",
        latitude_deg=22.72 + 0.003 * order,
        longitude_deg=114.24 + 0.002 * order,
        coord_system="GCJ-02",
        surveyed=surveyed,
        hours=hours,
    )


STOPS = tuple(make_stop(order) for order in range(1, 5))


def make_cue(text: str, start_s: float, end_s: float) -> Cue:
    return Cue(start_s=start_s, end_s=end_s, text=text, speaker="", confidence=1.0)


CHAPTERS = (make_cue("换双鞋", 5.25, 40), make_cue("再坐坐", 40, 79))


def make_series(folder: Path) -> Series:
    return Series(
        file=folder / "series.toml",
        title="好生活·好吉祥",
        subtitle="新时代文明实践路线",
        description="沿着路线，一站听一段。",
        author="吉祥社区",
        owner_email="podcast@jixiang.example",
        contact=Contact(telephone="0755-00000000（示例）", hours="周一至周五 9:00—18:00"),
        language="zh-cn",
        timezone="Asia/Shanghai",
        site_url=SITE,
        category=("Society & Culture",),
        explicit=False,
        licence="CC-BY-NC-4.0",
        icp_number="粤ICP备00000000号（示例）",
        poster_signature="吉祥社区",
        aspects=ASPECTS,
        stops=STOPS,
        sound=SOUND_SETTINGS,
        also=(),
        theme=Theme(intro=None, outro=None, bed=None),
        platforms=(Link(name="喜马拉雅", url="https://ximalaya.example/jixiang"),),
        destinations=(),
    )


def build_episode(
    folder: Path,
    number: int,
    *,
    public: bool = True,
    synthetic_voice: bool = True,
    duration_s: float = 79.6,
    cues: tuple[Cue, ...] = (),
    chapters: tuple[Cue, ...] = CHAPTERS,
    **changes: object,
) -> BuiltEpisode:
    """Return a built episode; the stand-ins for its sound and pictures lie in ``folder``."""
    sound_file = folder / f"{number}.mp3"
    sound_file.write_bytes(b"sound %d" % number)
    pictures = {name: folder / f"{number}-{name}.jpg" for name in ("page", "cover", "a3")}
    for name, file in pictures.items():
        file.write_bytes(f"{name} {number}".encode())
    moment = datetime(2026, 10, 1, 0, 0, tzinfo=UTC) + timedelta(days=number - 1)
    episode = Episode(
        slug=f"{number:02}",
        folder=folder,
        number=number,
        title=f"到{number}处走走",
        subtitle="周末的好去处",
        summary="跟着走一走。",
        aspect=ASPECTS[(number - 1) % 6],
        stop=STOPS[(number - 1) % 4],
        publish_at=moment,
        host="吉祥之声",
        people=("张阿姨",),
        links=(Link(name="书城", url="https://books.example/"),),
        spoken_languages=("普通话",),
        synthetic_voice=synthetic_voice,
        season=None,
        explicit=False,
        script=parse_script(SCRIPT, 12),
        recording=sound_file,
        sound=SOUND_SETTINGS,
        also=(),
        photo=None,
        photo_credit="",
        notes=(),
    )
    return BuiltEpisode(
        episode=replace(episode, **changes),  # type: ignore[arg-type]  # each test names the fields it changes
        identity=Identity(number=number, guid=f"guid-{number}", page_url=f"{SITE}{number}/"),
        public=public,
        published_at=moment,
        sound=Sound(
            file=sound_file,
            duration_s=79.6,
            voice_start_s=5.0,
            speech=(),
            integrated_lufs=-16.0,
            loudness_range_lu=4.0,
            true_peak_dbtp=-1.2,
            envelope=tuple(0.01 * (frame % 20) for frame in range(796)),
            recorded_lufs=-20.0,
            recorded_range_lu=9.0,
            recorded_true_peak_dbtp=-3.0,
            recorded_envelope=(),
            trimmed_head_s=0.0,
            trimmed_tail_s=0.0,
            most_limiting_db=2.0,
            renders=1,
            ffmpeg="9.0",
            warnings=(),
        ),
        captions=Captions(cues=cues, chapters=chapters, disagreements=()),
        posters=tuple(
            Poster(
                format=name,
                label=name,
                file=file,
                sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
                mime_type="image/jpeg",
                width_px=1080,
                height_px=1440,
                decodings=9,
                trials=9,
            )
            for name, file in pictures.items()
        ),
        enclosure=Enclosure(
            file=sound_file,
            mime_type="audio/mpeg",
            size_bytes=1_272_000,
            sha256=hashlib.sha256(sound_file.read_bytes()).hexdigest(),
            duration_s=duration_s,
        ),
        alternates=(),
        transcripts=(),
        chapters=None,
    )

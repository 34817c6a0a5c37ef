"""How a recording is rendered: what series.toml says for all episodes, and an author for one."""

from __future__ import annotations

from pipeline.model import LoudnessTarget, Series, SoundSettings, Theme
from pipeline.source.frontmatter import Fields
from pipeline.source.tables import Tables

# What can be written → what it means.
_DENOISE = {"off": "off", "light": "light", "strong": "strong", "关": "off", "轻": "light", "强": "strong"}
_LEVELER = {"off": "off", "gentle": "gentle", "strong": "strong", "关": "off", "轻": "gentle", "强": "strong"}

# Below 20 Hz there is nothing to hear; above 300 Hz begins what makes a voice.
_HIGHPASS_HZ = (0, *range(20, 301))
_HIGHPASS_WORDS = "0（不切）或 20 到 300 的整数"
_BITRATES_KBPS = (64, 96, 128, 160, 192)
_BITRATE_WORDS = "64、96、128、160、192 之一"
_CONTAINERS = ("m4a",)

_NO_BED = "要放垫乐（bed），可是 theme 文件夹里没有名叫 bed 的音乐"
_ADD_BED = "把垫乐放进 theme 文件夹，取名 bed 加原来的后缀（flac、wav、mp3、m4a 或 ogg）"


def read_series_sound(tables: Tables, theme: Theme) -> tuple[SoundSettings, tuple[str, ...]]:
    """Return the settings in ``[sound]`` of series.toml, and the further containers that every episode is offered in."""
    sound = tables.table("sound")
    target = LoudnessTarget(
        integrated_lufs=tables.number(sound, "integrated_lufs", -31, -9, default=-16.0),
        true_peak_dbtp=tables.number(sound, "true_peak_dbtp", -9, 0, default=-1.0),
    )
    settings = SoundSettings(
        target=target,
        bitrate_kbps=tables.whole(sound, "bitrate_kbps", _BITRATES_KBPS, _BITRATE_WORDS, default=128),
        denoise=tables.choice(sound, "denoise", _DENOISE, default="off"),
        leveler=tables.choice(sound, "leveler", _LEVELER, default="gentle"),
        highpass_hz=tables.whole(sound, "highpass_hz", _HIGHPASS_HZ, _HIGHPASS_WORDS, default=75),
        bed=tables.flag(sound, "bed", default=False),
        container="mp3",
    )
    if settings.bed and theme.bed is None:
        tables.wrong(sound, "bed", _NO_BED, f"{_ADD_BED}；不要垫乐就改成 bed = false", "JX-A45")
    return settings, tables.choices(sound, "also", _CONTAINERS)


def read_episode_sound(fields: Fields, series: Series) -> tuple[SoundSettings, tuple[str, ...]]:
    """Return the series' settings with what an episode's front matter says otherwise, and its further containers."""
    common = series.sound
    settings = SoundSettings(
        target=common.target,
        bitrate_kbps=fields.whole("bitrate_kbps", "码率", _BITRATES_KBPS, _BITRATE_WORDS, default=common.bitrate_kbps),
        denoise=fields.choice("denoise", "降噪", _DENOISE, default=common.denoise),
        leveler=fields.choice("leveler", "音量均衡", _LEVELER, default=common.leveler),
        highpass_hz=fields.whole("highpass_hz", "低切", _HIGHPASS_HZ, _HIGHPASS_WORDS, default=common.highpass_hz),
        bed=fields.flag("bed", "垫乐", default=common.bed),
        container="mp3",
    )
    if settings.bed and series.theme.bed is None:
        fields.wrong("bed", _NO_BED, f"{_ADD_BED}；不要垫乐就写 否", "JX-A45")
    return settings, fields.choices("also", "另存", _CONTAINERS, default=series.also)

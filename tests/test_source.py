"""Reading what people wrote: every sample folder in samples/scripts holds a folder as it came and what is to be said of it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import source
from pipeline.errors import AuthorError, Problem
from pipeline.model import Episode, LoudnessTarget, Series, SoundSettings

SCRIPTS = Path(__file__).parent / "samples" / "scripts"
CASES = sorted(folder for folder in SCRIPTS.iterdir() if folder.is_dir())
SERIES_FILE = Path(__file__).parents[1] / "episodes" / "series.toml"


def _short(problem: Problem, folder: Path) -> str:
    where = "folder" if problem.place == folder else problem.place.name
    return f"{where}:{problem.line} {problem.code}" if problem.line else f"{where} {problem.code}"


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_folder_is_read_or_all_its_problems_are_told_with_their_lines(folder: Path, series: Series) -> None:
    expected = (folder / "expected.txt").read_text(encoding="utf-8").split("\n")[:-1]
    try:
        found = ["ok", *(_short(note, folder) for note in source.read_episode(folder, series).notes)]
    except AuthorError as error:
        found = [_short(problem, folder) for problem in error.problems]
    assert found == expected


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_every_problem_says_what_was_found_and_what_to_do_in_chinese(folder: Path, series: Series) -> None:
    try:
        problems = source.read_episode(folder, series).notes
    except AuthorError as error:
        problems = error.problems
    for problem in problems:
        assert any("\u4e00" <= char <= "\u9fff" for char in problem.cause)
        assert any("\u4e00" <= char <= "\u9fff" for char in problem.fix)
        assert not problem.fix.endswith("。")


def test_scripts_in_gbk_and_utf_8_say_the_same(series: Series) -> None:
    plain, gbk = (source.read_episode(SCRIPTS / name, series) for name in ("good", "gbk"))
    assert (plain.title, plain.script) == (gbk.title, gbk.script)


def test_chinese_keys_mean_the_same_as_the_canonical_ones(series: Series) -> None:
    plain, chinese = (source.read_episode(SCRIPTS / name, series) for name in ("good", "chinese-keys"))
    assert (plain.title, plain.aspect, plain.publish_at) == (chinese.title, chinese.aspect, chinese.publish_at)
    assert chinese.synthetic_voice


def test_a_misspelt_aspect_gets_the_nearest_one_offered(series: Series) -> None:
    with pytest.raises(AuthorError) as raised:
        source.read_episode(SCRIPTS / "unknown-aspect", series)
    assert "示范商圈" in raised.value.problems[0].fix


def test_a_date_without_a_zone_is_the_series_own_time(tmp_path: Path, series: Series) -> None:
    folder = _copy("good", tmp_path / "a")
    _replace(folder / "script.md", "2026-10-19T08:00:00+08:00", "2026-10-19 08:00")
    moment = source.read_episode(folder, series).publish_at
    assert moment.isoformat() == "2026-10-19T08:00:00+08:00"


def test_two_folders_with_one_number_are_both_named_and_neither_is_read(tmp_path: Path, series: Series) -> None:
    _copy("good", tmp_path / "a")
    _copy("good", tmp_path / "b")
    reading = source.read_episodes(tmp_path, series)
    assert reading.episodes == ()
    assert [broken.error.problems[0].code for broken in reading.broken] == ["JX-A31", "JX-A31"]
    assert {broken.error.problems[0].place.parent.name for broken in reading.broken} == {"a", "b"}


def test_one_broken_folder_does_not_hide_the_others(tmp_path: Path, series: Series) -> None:
    _copy("good", tmp_path / "good")
    _copy("bad-date", tmp_path / "bad")
    reading = source.read_episodes(tmp_path, series)
    assert [episode.slug for episode in reading.episodes] == ["good"]
    assert [broken.number for broken in reading.broken] == [7]


def test_what_turns_the_writing_direction_round_is_taken_out(tmp_path: Path, series: Series) -> None:
    folder = _copy("good", tmp_path / "a")
    _replace(folder / "script.md", "老街来一杯咖啡", "老街\u202e来\u0007一杯\u200b咖啡")
    assert source.read_episode(folder, series).title == "老街来一杯咖啡"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(codec="utf-8"), max_size=200))
def test_whatever_stands_in_a_script_is_read_or_named(tmp_path: Path, series: Series, text: str) -> None:
    folder = tmp_path / "any"
    folder.mkdir(exist_ok=True)
    (folder / "script.md").write_text(f"---\n{text}\n---\n正文", encoding="utf-8", newline="")
    try:
        source.read_episode(folder, series)
    except AuthorError as error:
        assert error.problems  # noqa: PT017  (either outcome is right; only a traceback is not)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=200))
def test_whatever_bytes_a_script_has_are_read_or_named(tmp_path: Path, series: Series, content: bytes) -> None:
    folder = tmp_path / "any"
    folder.mkdir(exist_ok=True)
    (folder / "script.md").write_bytes(content)
    with pytest.raises(AuthorError):
        source.read_episode(folder, series)


def test_the_sample_series_is_right(series: Series) -> None:
    assert [aspect.key for aspect in series.aspects] == [
        "leisure",
        "business",
        "facilities",
        "culture",
        "wellbeing",
        "transport",
    ]
    assert [stop.order for stop in series.stops] == [1, 2, 3, 4, 5, 6]
    assert not any(stop.surveyed for stop in series.stops)
    assert {stop.hours for stop in series.stops} == {"示例，待核实"}


@pytest.mark.parametrize(
    ("before", "after", "code", "line_holds"),
    [
        ('site_url = "https://jixiang.example/"', 'site_url = "jixiang.example"', "JX-A53", "site_url"),
        ('owner_email = "podcast@jixiang.example"', "", "JX-A52", None),
        ('"Society & Culture"', '"Community"', "JX-A56", "category"),
        ('key = "business"', 'key = "leisure"', "JX-A57", 'key = "leisure"'),
        ("order = 6", "order = 0", "JX-A54", "order = 0"),
        ("integrated_lufs = -16", "integrated_lufs = 16", "JX-A54", "integrated_lufs"),
        ('timezone = "Asia/Shanghai"', 'timezone = "Shenzhen"', "JX-A53", "timezone"),
        ("telephone = ", 'telefon = "1"\ntelephone = ', "JX-A58", "telefon"),
        ('address = "深圳', 'adress = "1"\naddress = "深圳', "JX-A58", "adress"),
        ("bitrate_kbps = 128", "bitrate_kbps = 100", "JX-A54", "bitrate_kbps"),
        ("bitrate_kbps = 128", 'bitrate_kbps = "128"', "JX-A54", "bitrate_kbps"),
        ("bitrate_kbps = 128", 'denoise = "medium"', "JX-A53", "denoise"),
        ("bitrate_kbps = 128", "denoise = true", "JX-A53", "denoise"),
        ("bitrate_kbps = 128", 'leveler = ""', "JX-A53", "leveler"),
        ("bitrate_kbps = 128", "highpass_hz = 10", "JX-A54", "highpass_hz"),
        ("bitrate_kbps = 128", "highpass_hz = 301", "JX-A54", "highpass_hz"),
        ("bitrate_kbps = 128", "highpass_hz = 75.5", "JX-A54", "highpass_hz"),
        ("bitrate_kbps = 128", "highpass_hz = false", "JX-A54", "highpass_hz"),
        ("bitrate_kbps = 128", 'bed = "有"', "JX-A53", "bed"),
        ("bitrate_kbps = 128", "bed = true", "JX-A45", "bed"),
        ("bitrate_kbps = 128", 'also = ["wav"]', "JX-A53", "also"),
        ("bitrate_kbps = 128", 'also = "m4a"', "JX-A53", "also"),
        ("bitrate_kbps = 128", 'also = [{ m4a = "x" }]', "JX-A53", "also"),
        ('title = "好生活·好吉祥"', 'title = "好生活·好吉祥', "JX-A51", "title"),
    ],
)
def test_a_mistake_in_series_toml_is_named_with_its_line(
    tmp_path: Path, before: str, after: str, code: str, line_holds: str | None
) -> None:
    file = tmp_path / "series.toml"
    shutil.copy(SERIES_FILE, file)
    _replace(file, before, after)
    with pytest.raises(AuthorError) as raised:
        source.read_series(file)
    (problem,) = raised.value.problems
    assert problem.code == code
    if line_holds is not None:
        assert problem.line is not None
        assert line_holds in file.read_text(encoding="utf-8").split("\n")[problem.line - 1]


def _with_sound(tmp_path: Path, lines: str, *, bed: bool = False) -> Series:
    """Return the sample series with more lines under [sound], and a bed in its theme folder if asked for."""
    (tmp_path / "theme").mkdir(parents=True)
    if bed:
        (tmp_path / "theme" / "bed.flac").write_bytes(b"music")
    file = tmp_path / "series.toml"
    shutil.copy(SERIES_FILE, file)
    _replace(file, "bitrate_kbps = 128", lines)
    return source.read_series(file)


def _read_with(tmp_path: Path, series: Series, lines: str) -> Episode:
    folder = _copy("good", tmp_path / "episode")
    _replace(folder / "script.md", "publish_at:", f"{lines}\npublish_at:")
    return source.read_episode(folder, series)


SOUND = SoundSettings(
    target=LoudnessTarget(integrated_lufs=-16.0, true_peak_dbtp=-1.0),
    bitrate_kbps=128,
    denoise="off",
    leveler="gentle",
    highpass_hz=75,
    bed=False,
    container="mp3",
)
ALL_OTHERWISE = dataclasses.replace(SOUND, bitrate_kbps=64, denoise="light", leveler="off", highpass_hz=0, bed=True)


def test_what_nobody_says_about_the_sound_is_the_default(tmp_path: Path, series: Series) -> None:
    assert (series.sound, series.also) == (SOUND, ())
    episode = _read_with(tmp_path, series, "")
    assert (episode.sound, episode.also) == (SOUND, ())


def test_series_toml_says_how_all_episodes_sound(tmp_path: Path) -> None:
    lines = 'bitrate_kbps = 64\ndenoise = "light"\nleveler = "关"\nhighpass_hz = 0\nbed = true\nalso = ["m4a", "m4a"]'
    series = _with_sound(tmp_path, lines, bed=True)
    assert (series.sound, series.also) == (ALL_OTHERWISE, ("m4a",))
    episode = _read_with(tmp_path, series, "")
    assert (episode.sound, episode.also) == (ALL_OTHERWISE, ("m4a",))


@pytest.mark.parametrize(
    "lines",
    [
        "码率: 64\n降噪: 轻\n音量均衡: 关\n低切: 0\n垫乐: 有\n另存: m4a",
        "bitrate_kbps: 64\ndenoise: LIGHT\nleveler: off\nhighpass_hz: 0\nbed: true\nalso: [M4A]",
    ],
    ids=["Chinese", "English"],
)
def test_an_episode_says_otherwise_in_chinese_or_english(tmp_path: Path, lines: str) -> None:
    episode = _read_with(tmp_path, _with_sound(tmp_path, "", bed=True), lines)
    assert (episode.sound, episode.also) == (ALL_OTHERWISE, ("m4a",))


def test_an_episode_switches_off_what_the_series_has_and_an_empty_line_changes_nothing(tmp_path: Path) -> None:
    series = _with_sound(tmp_path, 'denoise = "strong"\nleveler = "strong"\nbed = true\nalso = ["m4a"]', bed=True)
    episode = _read_with(tmp_path, series, "降噪: 关\n音量均衡:\n垫乐: 关\n另存: 无")
    assert (episode.sound, episode.also) == (dataclasses.replace(SOUND, leveler="strong"), ())


def test_a_bed_that_is_not_there_is_missed_where_it_was_asked_for(tmp_path: Path) -> None:
    series = _with_sound(tmp_path, "")
    with pytest.raises(AuthorError) as raised:
        _read_with(tmp_path, series, "垫乐: 是")
    (problem,) = raised.value.problems
    assert (problem.place.name, problem.code) == ("script.md", "JX-A45")
    assert problem.line is not None
    assert "垫乐" in problem.place.read_text(encoding="utf-8").split("\n")[problem.line - 1]


def test_a_stop_without_a_coordinate_system_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "series.toml"
    text = SERIES_FILE.read_text(encoding="utf-8")
    file.write_text(text.replace('coord_system = "GCJ-02"\n', "", 1), encoding="utf-8")
    with pytest.raises(AuthorError) as raised:
        source.read_series(file)
    assert "coord_system" in raised.value.problems[0].cause


def _copy(name: str, to: Path) -> Path:
    shutil.copytree(SCRIPTS / name, to)
    return to


def _replace(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")

"""One episode's folder: the script with its front matter, and the files beside it."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline import addresses
from pipeline.errors import AuthorError, JixiangError, MachineError, Problem, telling_what_cannot_be_read
from pipeline.markup import parse_script, plain_text
from pipeline.model import Aspect, Episode, Link, Photo, Script, Series, Span, Stop, WrittenCaptions
from pipeline.source.frontmatter import Fields, read_front_matter
from pipeline.source.sound import read_episode_sound
from pipeline.source.text import clean_lines, read_text

SCRIPT, CAPTIONS = "script.md", "captions.vtt"
_AUDIO_SUFFIXES = frozenset(
    {".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".opus", ".oga", ".aif", ".aiff", ".amr", ".caf", ".wma"}
)
_VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".webm", ".m4v", ".3gp", ".avi", ".ts"})
_PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".tif", ".tiff", ".bmp"})
# PSP-1: a title holds no number of its own; apps print it from itunes:episode.
_NUMBERED_TITLE = re.compile(r"第\s*[0-9一二三四五六七八九十百]+\s*[期集回季]|(?<![a-z])EP\.?\s*\d+", re.IGNORECASE)
_MAX_TITLE, _MAX_SUBTITLE, _MAX_SUMMARY = 24, 20, 120  # what a poster can carry at a size that people read
_WRITTEN_NUMBER = re.compile(r"^[ \t]*(?:number|期数|期号)[ \t]*[:：][ \t\"']*第?[ \t]*(\d{1,5})(?!\d)", re.MULTILINE)
_MAX_WORDS = 60_000  # about three hours of speech: what a recording may have
_YEARS = range(2000, 2100)
_FOCUS = re.compile(r"(\d{1,3})\s*%?\s*[,，、\s]\s*(\d{1,3})\s*%?")
_PHOTO_MIDDLE, _ALL_PERCENT = (0.5, 0.4), 100
_MAX_NAME = 128  # Source: podcast namespace, person: longer ones may be cut off by apps and directories
_SOUNDBITE = re.compile(
    r"(?:(\d{1,2})[:：])?(\d{1,3})[:：]([0-5]\d)\s*(?:-|–|—|~|～|到|至)\s*(?:(\d{1,2})[:：])?(\d{1,3})[:：]([0-5]\d)"
)
_SOUNDBITE_S = (15, 120)  # Source: podcast namespace, soundbite
_MOMENT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(:\d{2})?[ ]*(Z|[+-]\d{2}:?\d{2})?)?")


def read_episode(folder: Path, series: Series) -> Episode:
    """Return the episode in ``folder``.

    Raises:
        AuthorError: everything in the folder that is missing or wrong, at once.
        MachineError: a file cannot be read.
    """
    with telling_what_cannot_be_read(folder):
        return _read_episode(folder, series)


def _read_episode(folder: Path, series: Series) -> Episode:
    file = folder / SCRIPT
    if not file.is_file():
        cause, fix = f"这个文件夹里没有 {SCRIPT}", f"把稿件存成 {SCRIPT} 放进来；不要这一期就把整个文件夹挪走"
        raise AuthorError([Problem(place=folder, cause=cause, fix=fix, code="JX-A20")])
    text, notes = read_text(file)
    if any(note.code == "JX-A01" for note in notes):
        raise AuthorError(notes)
    front, problems = read_front_matter(file, text)
    reading = Fields(file=file, front=front, problems=list(problems))
    episode = _episode(reading, folder, series, notes)
    if reading.problems:
        # A guessed encoding may be what is wrong with all the rest.
        reading.problems.extend(note for note in notes if note.code in {"JX-A03", "JX-A04"})
        raise AuthorError(sorted(reading.problems, key=lambda problem: (problem.place != file, problem.line or 0)))
    return episode


@dataclass(frozen=True, kw_only=True)
class BrokenFolder:
    """An episode's folder that is not sound; ``number`` as far as it can be read, None where it cannot."""

    number: int | None
    error: JixiangError


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The folders of a workspace: the sound ones in the order of their numbers, and the others."""

    episodes: tuple[Episode, ...]
    broken: tuple[BrokenFolder, ...]


def read_episodes(workspace: Path, series: Series) -> Reading:
    """Return the episodes of a workspace, and one error for each folder that is not sound.

    Folders that share a number are all left out: nobody but their authors knows which is meant.
    """
    episodes: list[Episode] = []
    broken: list[BrokenFolder] = []
    with telling_what_cannot_be_read(workspace):
        folders = sorted(folder for folder in workspace.iterdir() if _is_episode(folder))
    for folder in folders:
        try:
            episodes.append(read_episode(folder, series))
        except (AuthorError, MachineError) as error:
            broken.append(BrokenFolder(number=_guess_number(folder), error=error))
    numbers = [episode.number for episode in episodes]
    for episode in episodes:
        others = [other for other in episodes if other.number == episode.number and other is not episode]
        if others:
            names = "、".join(other.slug for other in others)
            cause = f"期数 {episode.number} 和“{names}”重复了"
            fix = f"改成没有用过的期数，比如 {max(numbers) + 1}"
            place = episode.folder / SCRIPT
            problem = Problem(place=place, line=_number_line(place), cause=cause, fix=fix, code="JX-A31")
            broken.append(BrokenFolder(number=episode.number, error=AuthorError([problem])))
    alone = [episode for episode in episodes if numbers.count(episode.number) == 1]
    return Reading(episodes=tuple(sorted(alone, key=lambda episode: episode.number)), broken=tuple(broken))


def _is_episode(folder: Path) -> bool:
    try:
        names = [file.name for file in folder.iterdir()] if folder.is_dir() and not folder.name.startswith(".") else []
    except OSError:
        return False  # "System Volume Information" and the like: nobody's episode
    return SCRIPT in names or any(Path(name).stem.lower() == "recording" for name in names)


def _guess_number(folder: Path) -> int | None:
    """Return the number that a broken folder's script says, as far as it can be made out; the folder's name says nothing."""
    try:
        text, _ = read_text(folder / SCRIPT)
    except MachineError:
        return None
    written = _WRITTEN_NUMBER.search(text)
    return int(written[1]) or None if written else None


def _number_line(file: Path) -> int | None:
    front, _ = read_front_matter(file, read_text(file)[0])
    return front.values["number"].line


def _episode(reading: Fields, folder: Path, series: Series, notes: Sequence[Problem]) -> Episode:
    number = reading.count("number", "期数")
    sound, also = read_episode_sound(reading, series)
    if number is None and reading.front.values and not reading.text("number", "期数"):
        reading.text("number", "期数", required=True)
    title = reading.text("title", "标题", required=True, longest=_MAX_TITLE)
    if _NUMBERED_TITLE.search(title):
        fix = "标题里不写第几期、第几季，期数写在 number 一行，播客应用会自己显示"
        reading.wrong("title", f"标题“{title}”里带着期数", fix, "JX-A23")
    return Episode(
        slug=folder.name,
        folder=folder,
        number=number or 0,
        title=title,
        subtitle=reading.text("subtitle", "副标题", longest=_MAX_SUBTITLE),
        summary=reading.text("summary", "简介", required=True, longest=_MAX_SUMMARY),
        aspect=_aspect(reading, series),
        stop=_stop(reading, series),
        publish_at=_publish_at(reading, series),
        host=_host(reading),
        people=_people(reading),
        links=_links(reading),
        spoken_languages=reading.texts("spoken_languages", "语言"),
        synthetic_voice=reading.flag("synthetic_voice", "合成语音"),
        season=reading.count("season", "季"),
        explicit=reading.flag("explicit", "不宜内容"),
        script=_script(reading),
        recording=_recording(reading, folder),
        sound=sound,
        also=also,
        photo=_photo(reading, folder),
        photo_credit=reading.text("photo_credit", "照片来源"),
        notes=tuple(notes),
        soundbite=_soundbite(reading),
        captions=_captions(reading, folder),
        lines={key: value.line for key, value in reading.front.values.items()},
    )


def _aspect(reading: Fields, series: Series) -> Aspect:
    written = reading.text("aspect", "方面", required=True)
    for aspect in series.aspects:
        if written in {aspect.key, aspect.name}:
            return aspect
    names = [aspect.name for aspect in series.aspects]
    if written:
        reading.wrong("aspect", f"没有“{written}”这个方面", _nearest(written, names), "JX-A32")
    return series.aspects[0]


def _stop(reading: Fields, series: Series) -> Stop:
    written = reading.text("stop", "站点", required=True)
    for stop in series.stops:
        if written == stop.name:
            return stop
    if written:
        names = [stop.name for stop in series.stops]
        reading.wrong("stop", f"路线上没有“{written}”这一站", f"{_nearest(written, names)}；新的站先写进 series.toml", "JX-A33")
    return series.stops[0]


def _nearest(written: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(written, names, n=1, cutoff=0.4)
    return f"是不是想写“{near[0]}”" if near else f"可以写的有：{'、'.join(names)}"


def _publish_at(reading: Fields, series: Series) -> datetime:
    written = reading.text("publish_at", "发布时间", required=True)
    moment = _moment(written)
    if moment is None:
        moment = datetime(_YEARS[0], 1, 1)  # noqa: DTZ001  (stands in until the problem below is reported)
        if written:
            fix = "写成 2026-11-30 08:00 这样：年-月-日 时:分，用半角的数字、横线和冒号"
            reading.wrong("publish_at", f"看不懂发布时间“{written}”", fix, "JX-A34")
    return moment if moment.tzinfo else moment.replace(tzinfo=zoneinfo.ZoneInfo(series.timezone))


def _moment(written: str) -> datetime | None:
    """Return a moment as people write it: 2026-11-30, 2026-11-30 8:00 or ISO 8601 with its zone; None if it is none."""
    match = _MOMENT.fullmatch(written)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = (group or "" for group in match.groups())
    try:
        moment = datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{hour or '0':0>2}:{minute or '00'}{second}{zone}")
    except ValueError:
        return None
    return moment if moment.year in _YEARS else None


def _host(reading: Fields) -> str:
    host = reading.text("host", "主播")
    _refuse_long_names(reading, "host", "主播", [host])
    return host


def _people(reading: Fields) -> tuple[str, ...]:
    people = tuple(name for name in reading.texts("people", "嘉宾") if name)
    _refuse_long_names(reading, "people", "嘉宾", people)
    return people


def _refuse_long_names(reading: Fields, key: str, label: str, names: Sequence[str]) -> None:
    for name in names:
        if len(name) > _MAX_NAME:
            cause = f"{label}“{name[:10]}……”有 {len(name)} 个字，播客应用里最多放 {_MAX_NAME} 个"
            reading.wrong(key, cause, "名字之间用顿号隔开；介绍的话写进简介", "JX-A47")


def _captions(reading: Fields, folder: Path) -> WrittenCaptions | None:
    """Return the captions that somebody corrected by hand; None where there are none."""
    file = folder / CAPTIONS
    if not file.is_file():
        return None
    text, notes = read_text(file)
    reading.problems += [note for note in notes if note.code == "JX-A01"]
    return WrittenCaptions(file=file, text=text)


def _soundbite(reading: Fields) -> Span | None:
    """Return the passage that stands for the whole, as it is read from a player's clock; None where none is named."""
    written = reading.text("soundbite", "精彩片段")
    if not written:
        return None
    match = _SOUNDBITE.fullmatch(written)
    fix = "在做好的声音里听准起止时间，写成 0:35-1:05 这样：分:秒-分:秒"
    if match is None:
        reading.wrong("soundbite", f"看不懂精彩片段“{written}”", fix, "JX-A46")
        return None
    hours, minutes, seconds, end_hours, end_minutes, end_seconds = (int(group or 0) for group in match.groups())
    start_s = 3600 * hours + 60 * minutes + seconds
    end_s = 3600 * end_hours + 60 * end_minutes + end_seconds
    shortest_s, longest_s = _SOUNDBITE_S
    if not shortest_s <= end_s - start_s <= longest_s:
        cause = f"精彩片段“{written}”有 {end_s - start_s} 秒，应当是 {shortest_s} 到 {longest_s} 秒"
        reading.wrong("soundbite", cause, fix, "JX-A46")
        return None
    return Span(start_s=start_s, end_s=end_s)


def _links(reading: Fields) -> tuple[Link, ...]:
    links = reading.texts_by_name("links", "链接")
    for name, url in links.items():
        if not addresses.is_web_address(url) or not name:
            reading.wrong("links", f"“{name}”的网址“{url}”不对", "写成 https:// 开头的完整网址", "JX-A35")
    return tuple(Link(name=name, url=url) for name, url in links.items())


def _script(reading: Fields) -> Script:
    if len(reading.front.body) > _MAX_WORDS:
        cause = f"正文有 {len(reading.front.body)} 个字，最多 {_MAX_WORDS} 个（约三小时）"
        problem = Problem(place=reading.file, line=reading.front.body_line, cause=cause, fix="分成几期", code="JX-A37")
        reading.problems.append(problem)
        return Script(sections=())
    script = parse_script(clean_lines(reading.front.body), reading.front.body_line)
    spoken = any(plain_text(paragraph.markdown) for section in script.sections for paragraph in section.paragraphs)
    if not spoken and reading.front.body_line > 1:
        fix = "把念的稿子写在第二行 --- 的下面"
        problem = Problem(place=reading.file, line=reading.front.body_line, cause="没有正文", fix=fix, code="JX-A36")
        reading.problems.append(problem)
    return script


def _recording(reading: Fields, folder: Path) -> Path:
    named = reading.text("recording", "录音")
    if named:
        file = folder / named
        if Path(named).name != named or not file.is_file():
            reading.wrong("recording", f"这个文件夹里没有“{named}”", "写这个文件夹里录音文件的名字，带后缀", "JX-A42")
        return file
    beside = sorted(file for file in folder.iterdir() if file.is_file() and file.stem.lower() == "recording")
    found = [file for file in beside if file.suffix.lower() in _AUDIO_SUFFIXES | _VIDEO_SUFFIXES]
    if not found:
        cause = "没有录音"
        if beside:
            cause += f"：{beside[0].name} 不是能用的声音格式"
        fix = "把录音放进这个文件夹，取名 recording 加原来的后缀（wav、mp3、m4a、flac、ogg 或带声音的视频）"
        reading.problems.append(Problem(place=folder, cause=cause, fix=fix, code="JX-A40"))
        return folder / "recording"
    if len(found) > 1:
        names = "、".join(file.name for file in found)
        cause, fix = f"有 {len(found)} 个录音：{names}", "留下要用的一个，别的改名或挪走；或在稿件里写 recording: 文件名"
        reading.problems.append(Problem(place=folder, cause=cause, fix=fix, code="JX-A41"))
    return found[0]


def _photo(reading: Fields, folder: Path) -> Photo | None:
    focus_x, focus_y = _focus(reading)
    file = _photo_file(reading, folder)
    return Photo(file=file, focus_x=focus_x, focus_y=focus_y) if file else None


def _focus(reading: Fields) -> tuple[float, float]:
    """Return what must stay in the photo, 0 to 1; people write it in per cent, from the left and from the top."""
    written = reading.text("photo_focus", "照片重点")
    if not written:
        return _PHOTO_MIDDLE
    numbers = _FOCUS.fullmatch(written)
    x, y = (int(number) for number in numbers.groups()) if numbers else (-1, -1)
    if not (0 <= x <= _ALL_PERCENT and 0 <= y <= _ALL_PERCENT):
        fix = "写两个 0 到 100 的数：从左数百分之几、从上数百分之几，如 60 30"
        reading.wrong("photo_focus", f"看不懂照片重点“{written}”", fix, "JX-A49")
        return _PHOTO_MIDDLE
    return x / _ALL_PERCENT, y / _ALL_PERCENT


def _photo_file(reading: Fields, folder: Path) -> Path | None:
    named = reading.text("photo", "照片")
    if named:
        file = folder / named
        if Path(named).name != named or not file.is_file():
            reading.wrong(
                "photo", f"这个文件夹里没有“{named}”", "写这个文件夹里照片的名字，带后缀；不用照片就删掉这一行", "JX-A43"
            )
            return None
        return file
    found = sorted(file for file in folder.iterdir() if file.stem.lower() == "photo" and file.suffix.lower() in _PHOTO_SUFFIXES)
    if len(found) > 1:
        names = "、".join(file.name for file in found)
        cause, fix = f"有 {len(found)} 张照片：{names}", "留下要用的一张，或在稿件里写 photo: 文件名"
        reading.problems.append(Problem(place=folder, cause=cause, fix=fix, code="JX-A44"))
    return found[0] if found else None

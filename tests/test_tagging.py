"""The tags of the published sound: read back by others, the same bytes each time, and nothing of what is heard is touched."""

# mutagen annotates some of its functions, but not these.

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen import id3, mp4
from mutagen.mp3 import MP3, BitrateMode
from mutagen.mp4._atom import Atoms

from pipeline import audio, media
from pipeline.audio.tagging import MIME_TYPES
from pipeline.errors import MachineError
from pipeline.model import Cue, Enclosure, Sound, TagFields

FIELDS = TagFields(
    title="西埔新居慢慢看",
    series_title="好生活·好吉祥",
    host="吉祥之声",
    number=4,
    published_on="2026-11-02",
    synthetic_voice=True,
    page_url="https://example.org/4/",
)
DURATION_S = 8.0
FULL = Path("/dev/full")


def cue(start_s: float, end_s: float, text: str) -> Cue:
    return Cue(start_s=start_s, end_s=end_s, text=text, speaker="", confidence=1.0)


CHAPTERS = (cue(0.5, 2.0, "请把脚步放慢"), cue(2.0, 9.0, "两个字的祝福"))

# Longer than a chpl title may be, beyond the first plane, and everything that ffmpeg's own list of chapters gives a meaning to.
AWKWARD = "一半=1; #2 \\ 🎧𠮷 " + "长" * 120


def ffmpeg(*arguments: str) -> str:
    ended = media.run_ffmpeg(arguments, time_limit_s=60)
    assert ended.exit_code == 0, ended.messages
    return ended.messages


def sound_file(to: Path, *encoder: str) -> Path:
    """Write a sound as the sound stage hands it on: without tags, and an M4A with its moov atom in front."""
    tone = f"sine=frequency=440:sample_rate=44100:duration={DURATION_S:g}"
    exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1"]
    ffmpeg("-f", "lavfi", "-i", tone, "-ac", "2", *encoder, *exact, f"file:{to}")
    return to


def as_sound(file: Path) -> Sound:
    return Sound(
        file=file,
        duration_s=DURATION_S,
        voice_start_s=0.0,
        speech=(),
        integrated_lufs=-16.0,
        loudness_range_lu=4.0,
        true_peak_dbtp=-1.5,
        envelope=(),
        recorded_lufs=-30.0,
        recorded_range_lu=9.0,
        recorded_true_peak_dbtp=-9.0,
        recorded_envelope=(),
        trimmed_head_s=0.0,
        trimmed_tail_s=0.0,
        most_limiting_db=0.0,
        renders=1,
        ffmpeg="9.0",
        warnings=(),
    )


@pytest.fixture(scope="module")
def mp3(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    folder = tmp_path_factory.mktemp("mp3")
    encoder = ("-c:a", "libmp3lame", "-b:a", "128k", "-id3v2_version", "0", "-write_xing", "1")
    return as_sound(sound_file(folder / "sound.mp3", *encoder))


@pytest.fixture(scope="module")
def m4a(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    folder = tmp_path_factory.mktemp("m4a")
    encoder = ("-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart", "-f", "ipod")
    return as_sound(sound_file(folder / "sound.m4a", *encoder))


@pytest.fixture(params=["mp3", "m4a"])
def sound(request: pytest.FixtureRequest, mp3: Sound, m4a: Sound) -> Sound:
    return {"mp3": mp3, "m4a": m4a}[request.param]


@pytest.fixture(scope="module")
def cover(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("cover") / "cover.jpg"
    ffmpeg("-f", "lavfi", "-i", "color=red:size=32x32", "-frames:v", "1", f"file:{file}")
    return file


def tagged(
    sound: Sound, cover: Path, folder: Path, fields: TagFields = FIELDS, chapters: tuple[Cue, ...] = CHAPTERS
) -> Enclosure:
    return audio.tag(sound, fields, chapters, cover, folder / f"episode{sound.file.suffix}")


def heard(file: Path, folder: Path) -> bytes:
    """Return every sample of a file, decoded."""
    to = folder / f"{file.stem}.pcm"
    ffmpeg("-i", f"file:{file}", "-map", "0:a:0", "-f", "s16le", "-y", f"file:{to}")
    return to.read_bytes()


# Both containers


def test_tagging_twice_gives_the_same_bytes_and_the_record_is_true(tmp_path: Path, sound: Sound, cover: Path) -> None:
    first, second = (audio.tag(sound, FIELDS, CHAPTERS, cover, tmp_path / f"{name}{sound.file.suffix}") for name in "ab")
    content = first.file.read_bytes()
    assert content == second.file.read_bytes()
    assert (first.size_bytes, first.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert first.mime_type == MIME_TYPES[sound.file.suffix]
    assert sorted(tmp_path.iterdir()) == [first.file, second.file]


def test_not_a_sample_of_what_is_heard_changes(tmp_path: Path, sound: Sound, cover: Path) -> None:
    assert heard(tagged(sound, cover, tmp_path).file, tmp_path) == heard(sound.file, tmp_path)


def test_ffmpeg_reads_the_tags_back(tmp_path: Path, sound: Sound, cover: Path) -> None:
    said = ffmpeg("-i", str(tagged(sound, cover, tmp_path).file), "-f", "null", "-").partition("Output #0")[0]
    for expected in ("西埔新居慢慢看", "好生活·好吉祥", "吉祥之声", "本期为合成语音", "两个字的祝福", "Video: mjpeg"):
        assert expected in said
    assert said.count("Chapter #0:") == 2
    assert "start 2.000000, end 8.000000" in said


def test_a_human_voice_without_chapters_says_nothing_of_either(tmp_path: Path, sound: Sound, cover: Path) -> None:
    fields = dataclasses.replace(FIELDS, synthetic_voice=False)
    said = ffmpeg("-i", str(tagged(sound, cover, tmp_path, fields, ()).file), "-f", "null", "-")
    assert "合成语音" not in said
    assert "Chapter" not in said


def test_more_chapters_than_a_tag_can_list_are_cut_off(tmp_path: Path, sound: Sound, cover: Path) -> None:
    many = tuple(cue(index / 40, (index + 1) / 40, f"第 {index} 章") for index in range(300))
    said = ffmpeg("-i", str(tagged(sound, cover, tmp_path, FIELDS, many).file), "-f", "null", "-").partition("Output #0")[0]
    assert said.count("Chapter #0:") == 255


def test_a_chapter_behind_the_end_of_the_sound_breaks_nothing(tmp_path: Path, sound: Sound, cover: Path) -> None:
    late = (*CHAPTERS, cue(9.0, 9.5, "太晚了"))
    said = ffmpeg("-i", str(tagged(sound, cover, tmp_path, FIELDS, late).file), "-f", "null", "-")
    assert "start 2.000000, end 8.000000" in said


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_the_machines_fault(mp3: Sound, cover: Path) -> None:
    with pytest.raises(MachineError, match="磁盘满了") as caught:
        audio.tag(mp3, FIELDS, CHAPTERS, cover, FULL)
    assert (caught.value.problems[0].code, caught.value.problems[0].place) == ("JX-M16", FULL)


# MP3


def test_mutagen_reads_every_frame_back(tmp_path: Path, mp3: Sound, cover: Path) -> None:
    tags = id3.ID3(tagged(mp3, cover, tmp_path).file, translate=False)
    assert tags.version == (2, 3, 0)
    texts = {key: str(tags[key]) for key in ("TIT2", "TALB", "TPE1", "TRCK", "TYER", "TDAT", "TLEN", "COMM::zho")}
    assert texts == {
        "TIT2": "西埔新居慢慢看",
        "TALB": "好生活·好吉祥",
        "TPE1": "吉祥之声",
        "TRCK": "4",
        "TYER": "2026",
        "TDAT": "0211",
        "TLEN": "8000",
        "COMM::zho": "本期为合成语音",
    }
    assert [tags[key].url for key in ("WOAF", "WXXX:")] == ["https://example.org/4/", "https://example.org/4/"]
    picture = tags["APIC:"]
    assert (picture.mime, picture.type, picture.data) == ("image/jpeg", id3.PictureType.COVER_FRONT, cover.read_bytes())


def test_the_table_of_contents_is_at_the_top_in_order_and_each_chapter_has_its_title(
    tmp_path: Path, mp3: Sound, cover: Path
) -> None:
    tags = id3.ID3(tagged(mp3, cover, tmp_path).file, translate=False)
    (contents,) = tags.getall("CTOC")
    assert contents.flags == id3.CTOCFlags.TOP_LEVEL | id3.CTOCFlags.ORDERED
    chapters = [tags[f"CHAP:{name}"] for name in contents.child_element_ids]
    assert len(chapters) == len(tags.getall("CHAP"))
    assert [str(chapter.sub_frames["TIT2"]) for chapter in chapters] == ["请把脚步放慢", "两个字的祝福"]
    assert [(chapter.start_time, chapter.end_time) for chapter in chapters] == [(500, 2000), (2000, 8000)]


def test_behind_the_tags_the_mp3_is_as_it_was_with_its_info_header(tmp_path: Path, mp3: Sound, cover: Path) -> None:
    enclosure = tagged(mp3, cover, tmp_path)
    tags_end = id3.ID3(enclosure.file).size
    content = enclosure.file.read_bytes()
    assert content[tags_end:] == mp3.file.read_bytes()  # so there is no ID3v1 at the end and no padding between
    assert b"Info" in content[tags_end : tags_end + 200]
    info = MP3(enclosure.file).info
    assert info is not None
    assert info.length == pytest.approx(DURATION_S, abs=0.06)  # and what the encoder needs before and after
    assert (info.bitrate_mode, info.bitrate) == (BitrateMode.CBR, 128_000)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=400))
def test_whatever_a_title_holds_comes_back_as_it_was(tmp_path: Path, mp3: Sound, cover: Path, text: str) -> None:
    fields = dataclasses.replace(FIELDS, title=text, host=text)
    tags = id3.ID3(tagged(mp3, cover, tmp_path, fields, (cue(0.0, 8.0, text),)).file, translate=False)
    assert [tags["TIT2"].text, tags["TPE1"].text, tags["CHAP:chp0"].sub_frames["TIT2"].text] == [[text]] * 3


# M4A


def test_mutagen_reads_every_atom_back(tmp_path: Path, m4a: Sound, cover: Path) -> None:
    tags = mp4.MP4(tagged(m4a, cover, tmp_path).file).tags
    assert tags is not None
    assert {key: value for key, value in tags.items() if key != "covr"} == {
        "©nam": ["西埔新居慢慢看"],
        "©alb": ["好生活·好吉祥"],
        "©ART": ["吉祥之声"],
        "©day": ["2026-11-02"],
        "©url": ["https://example.org/4/"],
        "©cmt": ["本期为合成语音"],
        "trkn": [(4, 0)],
    }
    (picture,) = tags["covr"]
    assert (bytes(picture), picture.imageformat) == (cover.read_bytes(), mp4.MP4Cover.FORMAT_JPEG)


@pytest.mark.parametrize("chapters", [(), CHAPTERS], ids=["without chapters", "with chapters"])
def test_a_player_that_streams_finds_the_index_in_front(
    tmp_path: Path, m4a: Sound, cover: Path, chapters: tuple[Cue, ...]
) -> None:
    enclosure = tagged(m4a, cover, tmp_path, FIELDS, chapters)
    with enclosure.file.open("rb") as stream:
        names = [atom.name for atom in Atoms(stream).atoms]
    assert names.index(b"moov") < names.index(b"mdat")


def test_chapters_are_there_for_players_of_both_kinds(tmp_path: Path, m4a: Sound, cover: Path) -> None:
    file = tagged(m4a, cover, tmp_path).file
    chapters = mp4.MP4(file).chapters
    assert chapters is not None  # the chpl atom
    assert [(chapter.start, chapter.title) for chapter in chapters] == [(0.5, "请把脚步放慢"), (2.0, "两个字的祝福")]
    content = file.read_bytes()
    assert b"tref" in content  # the chapter track
    assert all(chapter.text.encode() in content[content.index(b"mdat") :] for chapter in CHAPTERS)


def test_awkward_texts_come_back_from_an_m4a(tmp_path: Path, m4a: Sound, cover: Path) -> None:
    fields = dataclasses.replace(FIELDS, title=AWKWARD)
    read = mp4.MP4(tagged(m4a, cover, tmp_path, fields, (cue(0.0, 8.0, AWKWARD), cue(8.0, 8.0, "尾\n声"))).file)
    assert read.tags is not None
    assert read.tags["©nam"] == [AWKWARD]
    assert read.chapters is not None
    first, second = read.chapters
    assert AWKWARD.startswith(first.title)
    assert 252 <= len(first.title.encode()) <= 255
    assert second.title == "尾\n声"


def test_a_number_that_an_m4a_cannot_hold_is_left_out(tmp_path: Path, m4a: Sound, cover: Path) -> None:
    tags = mp4.MP4(tagged(m4a, cover, tmp_path, dataclasses.replace(FIELDS, number=70_000)).file).tags
    assert tags is not None
    assert "trkn" not in tags

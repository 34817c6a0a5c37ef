"""The published sound with its tags: what a player, a car radio or a phone's lock screen shows.

An MP3 gets ID3v2.3, because car radios and older players read no newer one; an M4A what iTunes made the custom.
"""

# mutagen annotates some of its functions, but not the frames.

from __future__ import annotations

import hashlib
import io
import math
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mutagen import id3, mp4

from pipeline import media
from pipeline.model import Cue, Enclosure, Sound, TagFields

SYNTHETIC_VOICE_NOTE = "本期为合成语音"

# audio/mp4 is registered (RFC 4337) and what the podcast namespace writes; audio/x-m4a is Apple's, for an enclosure proper.
MIME_TYPES = {".mp3": "audio/mpeg", ".m4a": "audio/mp4"}

_UTF16 = id3.Encoding.UTF16  # ID3v2.3 knows no UTF-8
_FRONT_COVER = id3.PictureType.COVER_FRONT
_NO_OFFSET = 0xFFFFFFFF  # chapters are found by time, not by byte
_MOST_CHAPTERS = 255  # a CTOC, and a chpl atom in an M4A, count them in one byte
_LONGEST_CHPL_TITLE_BYTES = 255
_HIGHEST_TRKN = 0xFFFF


def tag(sound: Sound, fields: TagFields, chapters: tuple[Cue, ...], cover: Path, to: Path) -> Enclosure:
    """Return the file that subscribers fetch, written to ``to``: a copy of the sound with title, cover (JPEG) and chapters.

    The sound's suffix tells its container, MP3 or M4A. Not a bit of what is heard is touched, and the same arguments give the
    same bytes. Of the chapters the first 255 are written. Size and SHA-256 are those of the finished file.

    Raises:
        MachineError: the disk is full or cannot be written, or ffmpeg failed.
    """
    chapters, duration_s = chapters[:_MOST_CHAPTERS], sound.duration_s
    if sound.file.suffix == ".m4a":
        content = _with_atoms(_with_chapter_track(sound, chapters, to), fields, cover)
    else:
        content = _in_bytes(_frames(fields, chapters, cover, duration_s)) + sound.file.read_bytes()
    with media.writing(to):
        to.write_bytes(content)
    return Enclosure(
        file=to,
        mime_type=MIME_TYPES[sound.file.suffix],
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        duration_s=duration_s,
    )


# MP3. Source: ID3v2.3.0; ID3v2 Chapter Frame Addendum 1.0


def _frames(fields: TagFields, chapters: Sequence[Cue], cover: Path, duration_s: float) -> list[id3.Frame]:
    year, month, day = fields.published_on.split("-")
    frames = [
        id3.TIT2(encoding=_UTF16, text=fields.title),
        id3.TALB(encoding=_UTF16, text=fields.series_title),
        id3.TPE1(encoding=_UTF16, text=fields.host),
        id3.TRCK(encoding=_UTF16, text=f"{fields.number}"),
        id3.TYER(encoding=_UTF16, text=year),
        id3.TDAT(encoding=_UTF16, text=f"{day}{month}"),
        id3.TLEN(encoding=_UTF16, text=f"{_ms(duration_s)}"),
        id3.APIC(encoding=_UTF16, mime="image/jpeg", type=_FRONT_COVER, desc="", data=cover.read_bytes()),
        # Players that show a link read one or the other.
        id3.WOAF(url=fields.page_url),
        id3.WXXX(encoding=_UTF16, desc="", url=fields.page_url),
        *_chapter_frames(chapters, duration_s),
    ]
    if fields.synthetic_voice:
        frames.append(id3.COMM(encoding=_UTF16, lang="zho", desc="", text=SYNTHETIC_VOICE_NOTE))
    return frames


def _in_bytes(frames: Sequence[id3.Frame]) -> bytes:
    tags = id3.ID3()
    for frame in frames:
        tags.add(frame)
    stream = io.BytesIO()
    tags.save(stream, v1=id3.ID3v1SaveOptions.REMOVE, v2_version=3, padding=lambda _: 0)
    return stream.getvalue()


def _chapter_frames(chapters: Sequence[Cue], duration_s: float) -> list[id3.Frame]:
    """Return one CHAP for each chapter and the CTOC that lists them in order; nothing without chapters."""
    if not chapters:
        return []
    names = [f"chp{index}" for index in range(len(chapters))]
    contents = id3.CTOC(
        element_id="toc",
        flags=id3.CTOCFlags.TOP_LEVEL | id3.CTOCFlags.ORDERED,
        child_element_ids=names,
        sub_frames=[],
    )
    return [contents, *(_chapter(name, chapter, duration_s) for name, chapter in zip(names, chapters, strict=True))]


def _chapter(name: str, chapter: Cue, duration_s: float) -> id3.CHAP:
    start_ms, end_ms = _span_ms(chapter, duration_s)
    return id3.CHAP(
        element_id=name,
        start_time=start_ms,
        end_time=end_ms,
        start_offset=_NO_OFFSET,
        end_offset=_NO_OFFSET,
        sub_frames=[id3.TIT2(encoding=_UTF16, text=chapter.text)],
    )


# M4A. Source: QuickTime File Format, chapter lists and user data; the atoms of iTunes as mutagen documents them


def _with_atoms(content: bytes, fields: TagFields, cover: Path) -> bytes:
    """Return an M4A with what is to be shown of it.

    The atoms go into the moov atom, which stays in front, and mutagen moves the chunk offsets behind it along.
    """
    stream = io.BytesIO(content)
    tags = mp4.MP4(stream)
    tags["©nam"] = fields.title
    tags["©alb"] = fields.series_title
    tags["©ART"] = fields.host
    tags["©day"] = fields.published_on
    tags["©url"] = fields.page_url  # no player is bound to show it; VLC does
    tags["covr"] = [mp4.MP4Cover(cover.read_bytes(), imageformat=mp4.MP4Cover.FORMAT_JPEG)]
    if fields.number <= _HIGHEST_TRKN:
        tags["trkn"] = [(fields.number, 0)]
    if fields.synthetic_voice:
        tags["©cmt"] = SYNTHETIC_VOICE_NOTE
    tags.save(stream, padding=lambda _: 0)
    return stream.getvalue()


def _with_chapter_track(sound: Sound, chapters: Sequence[Cue], to: Path) -> bytes:
    """Return the sound with its chapters in both forms that players know: a QuickTime chapter track and a chpl atom.

    ffmpeg writes both and copies the encoded sound as it is. In the track the first chapter begins at 0, as it has to.
    """
    if not chapters:
        return sound.file.read_bytes()
    with media.writing(to):
        folder = tempfile.TemporaryDirectory(prefix="tag-", dir=to.parent, ignore_cleanup_errors=True)
    with folder as name:
        listed, timed = Path(name) / "chapters.txt", Path(name) / "timed.m4a"
        with media.writing(listed):
            listed.write_text(_ffmetadata(chapters, sound.duration_s), encoding="utf-8", newline="\n")
        arguments = [
            *("-i", f"file:{sound.file}", "-f", "ffmetadata", "-i", f"file:{listed}"),
            *("-map", "0:a:0", "-map_chapters", "1", "-map_metadata:g", "-1", "-c", "copy"),
            *("-fflags", "+bitexact", "-movflags", "+faststart", "-f", "ipod"),
        ]
        media.make_with_ffmpeg(arguments, timed, time_limit_s=media.time_limit_s(duration_s=sound.duration_s))
        return timed.read_bytes()


def _ffmetadata(chapters: Sequence[Cue], duration_s: float) -> str:
    """Return the chapters as ffmpeg reads them. Source: ffmpeg-formats, metadata."""
    lines = [";FFMETADATA1"]
    for chapter in chapters:
        # ffmpeg cuts a chpl title at 255 bytes, within a character if need be.
        title = chapter.text.encode()[:_LONGEST_CHPL_TITLE_BYTES].decode(errors="ignore")
        escaped = re.sub(r"([=;#\\\n])", r"\\\1", title)
        start_ms, end_ms = _span_ms(chapter, duration_s)
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={start_ms}", f"END={end_ms}", f"title={escaped}"]
    return "\n".join([*lines, ""])


def _span_ms(chapter: Cue, duration_s: float) -> tuple[int, int]:
    """Return when a chapter begins and ends; none reaches beyond the sound."""
    start_ms = min(_ms(chapter.start_s), _ms(duration_s))
    return start_ms, max(start_ms, min(_ms(chapter.end_s), _ms(duration_s)))


def _ms(seconds: float) -> int:
    return math.floor(seconds * 1000 + 0.5)

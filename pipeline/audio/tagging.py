"""The published sound with its tags: what a player, a car radio or a phone's lock screen shows.

ID3v2.3, because car radios and older players read no newer one.
"""

# mutagen annotates some of its functions, but not the frames.

from __future__ import annotations

import hashlib
import io
import math
from pathlib import Path

from mutagen import id3

from pipeline import media
from pipeline.model import Cue, Enclosure, Sound, TagFields

SYNTHETIC_VOICE_NOTE = "本期为合成语音"

_MIME_TYPE = "audio/mpeg"
_UTF16 = id3.Encoding.UTF16  # ID3v2.3 knows no UTF-8
_FRONT_COVER = id3.PictureType.COVER_FRONT
_NO_OFFSET = 0xFFFFFFFF  # chapters are found by time, not by byte


def tag(sound: Sound, fields: TagFields, chapters: tuple[Cue, ...], cover: Path, to: Path) -> Enclosure:
    """Return the file that subscribers fetch, written to ``to``: a copy of the sound with title, cover (JPEG) and chapters.

    The sound itself is not touched, and the same arguments give the same bytes. Size and SHA-256 are those of the finished file.
    Source: ID3v2.3.0; ID3v2 Chapter Frame Addendum 1.0.

    Raises:
        MachineError: the disk is full or cannot be written.
    """
    year, month, day = fields.published_on.split("-")
    frames = [
        id3.TIT2(encoding=_UTF16, text=fields.title),
        id3.TALB(encoding=_UTF16, text=fields.series_title),
        id3.TPE1(encoding=_UTF16, text=fields.host),
        id3.TRCK(encoding=_UTF16, text=f"{fields.number}"),
        id3.TYER(encoding=_UTF16, text=year),
        id3.TDAT(encoding=_UTF16, text=f"{day}{month}"),
        id3.TLEN(encoding=_UTF16, text=f"{_ms(sound.duration_s)}"),
        id3.APIC(encoding=_UTF16, mime="image/jpeg", type=_FRONT_COVER, desc="", data=cover.read_bytes()),
        id3.WOAF(url=fields.page_url),
        *_chapter_frames(chapters, sound.duration_s),
    ]
    if fields.synthetic_voice:
        frames.append(id3.COMM(encoding=_UTF16, lang="zho", desc="", text=SYNTHETIC_VOICE_NOTE))
    content = _in_bytes(frames) + sound.file.read_bytes()
    with media.writing(to):
        to.write_bytes(content)
    return Enclosure(
        file=to,
        mime_type=_MIME_TYPE,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        duration_s=sound.duration_s,
    )


def _in_bytes(frames: list[id3.Frame]) -> bytes:
    tags = id3.ID3()
    for frame in frames:
        tags.add(frame)
    stream = io.BytesIO()
    tags.save(stream, v1=id3.ID3v1SaveOptions.REMOVE, v2_version=3, padding=lambda _: 0)
    return stream.getvalue()


def _chapter_frames(chapters: tuple[Cue, ...], duration_s: float) -> list[id3.Frame]:
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
    return id3.CHAP(
        element_id=name,
        start_time=_ms(chapter.start_s),
        end_time=_ms(min(chapter.end_s, duration_s)),
        start_offset=_NO_OFFSET,
        end_offset=_NO_OFFSET,
        sub_frames=[id3.TIT2(encoding=_UTF16, text=chapter.text)],
    )


def _ms(seconds: float) -> int:
    return math.floor(seconds * 1000 + 0.5)

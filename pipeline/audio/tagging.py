"""The published sound with its tags: what a player, a car radio or a phone's lock screen shows.

ID3v2.3, because car radios and older players read no newer one.
"""

# mutagen annotates some of its functions, but not the frames.

from __future__ import annotations

import hashlib
import math
import shutil
from pathlib import Path

from mutagen import id3

from pipeline.model import Captions, Cue, Enclosure, Episode, Series, Sound

SYNTHETIC_VOICE_NOTE = "本期为合成语音"

_MIME_TYPE = "audio/mpeg"
_UTF16 = id3.Encoding.UTF16  # ID3v2.3 knows no UTF-8
_FRONT_COVER = id3.PictureType.COVER_FRONT
_NO_OFFSET = 0xFFFFFFFF  # chapters are found by time, not by byte


def tag(
    sound: Sound,
    episode: Episode,
    series: Series,
    captions: Captions,
    cover: Path,
    page_url: str,
    to: Path,
) -> Enclosure:
    """Return the file that subscribers fetch, written to ``to``: a copy of the sound with title, cover (JPEG) and chapters.

    The sound itself is not touched, and the same arguments give the same bytes. Size and SHA-256 are those of the finished file.
    Source: ID3v2.3.0; ID3v2 Chapter Frame Addendum 1.0.
    """
    frames = [
        id3.TIT2(encoding=_UTF16, text=episode.title),
        id3.TALB(encoding=_UTF16, text=series.title),
        id3.TPE1(encoding=_UTF16, text=episode.host),
        id3.TRCK(encoding=_UTF16, text=f"{episode.number}"),
        id3.TYER(encoding=_UTF16, text=f"{episode.publish_at:%Y}"),
        id3.TDAT(encoding=_UTF16, text=f"{episode.publish_at:%d%m}"),
        id3.TLEN(encoding=_UTF16, text=f"{_ms(sound.duration_s)}"),
        id3.APIC(encoding=_UTF16, mime="image/jpeg", type=_FRONT_COVER, desc="", data=cover.read_bytes()),
        id3.WOAF(url=page_url),
        *_chapter_frames(captions.chapters, sound.duration_s),
    ]
    if episode.synthetic_voice:
        frames.append(id3.COMM(encoding=_UTF16, lang="zho", desc="", text=SYNTHETIC_VOICE_NOTE))
    part = to.with_name(f"{to.name}.part")
    try:
        shutil.copyfile(sound.file, part)
        tags = id3.ID3()
        for frame in frames:
            tags.add(frame)
        tags.save(part, v1=id3.ID3v1SaveOptions.REMOVE, v2_version=3, padding=lambda _: 0)
        with part.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size_bytes = part.stat().st_size
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return Enclosure(file=to, mime_type=_MIME_TYPE, size_bytes=size_bytes, sha256=sha256, duration_s=sound.duration_s)


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

"""What people hand in: looked at, refused with a reason, or decoded."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from pipeline import media
from pipeline.audio.samples import SAMPLE_RATE_HZ, Block, from_bytes
from pipeline.errors import Problem, RecordingError, telling_what_cannot_be_read

SHORTEST_S = 1.0
LONGEST_S = 3 * 3600.0
LONGEST_THEME_S = 30.0

# Headers round, encoders pad and editors cut between packets: less than this is no missing piece.
_MISSING_S = 0.5
_MISSING_SHARE = 0.01

MOST_BROKEN_PIECES = 5
"""A tag in the wrong place gives a message or two; a damaged file gives dozens."""

STRICT = ("-v", "repeat+error", "-err_detect", "crccheck+bitstream+buffer")
"""Makes ffmpeg say of each piece that it cannot decode."""

_COPY_AGAIN = "多半是没有拷完；请重新拷贝或重新导出"
_PIECE_BYTES = 1 << 18
_LONGEST_PAGES_BYTES = 2 * 65_307
_PAGE_FLAGS_AT, _LAST_PAGE, _PAGE_SEGMENTS_AT = 5, 4, 26
_MISSING_INDEX = re.compile(r"^\[[^\]]*\] moov atom not found", re.MULTILINE)


def examine(file: Path) -> media.Probe:
    """Return what a recording or a piece of music holds.

    Raises:
        RecordingError: it is missing, empty, no sound file, cut short, without a sound track or with several, or too long.
        MachineError: it is there and cannot be read.
    """
    size_bytes = _readable_bytes(file)
    if size_bytes == 0:
        raise _refusal(file, "文件是空的（0 字节）", "重新拷贝一次，等拷贝完再开始制作", "JX-S02")
    probe = media.probe(file)
    if _MISSING_INDEX.search(probe.messages):
        cause = f"文件不完整：只有 {size_bytes / 1e6:.2f} MB，缺少结尾的索引（moov）"
        raise _refusal(file, cause, "录音软件可能没有正常结束，或文件没有拷完；请重新导出或重新拷贝", "JX-S03")
    if not probe.container:
        cause = f"这不是声音文件（{size_bytes} 字节，认不出任何声音格式），只是名字以 {file.suffix or '别的字样'} 结尾"
        raise _refusal(file, cause, "请交来 wav、mp3、m4a、flac、ogg 录音，或带声音的视频", "JX-S04")
    if probe.sound_streams == 0:
        raise _refusal(file, "文件里有 0 条声音轨，需要 1 条", "导出时请勾选声音，再交一次", "JX-S05")
    if probe.sound_streams > 1:
        cause = f"文件里有 {probe.sound_streams} 条声音轨，只能有 1 条，不知道该用哪一条"
        raise _refusal(file, cause, "请在剪辑软件里只导出要播出的那一条", "JX-S06")
    if probe.duration_s is not None and probe.duration_s > LONGEST_S:
        cause = f"录音长 {probe.duration_s / 3600:.1f} 小时，最长 {LONGEST_S / 3600:.0f} 小时"
        raise _refusal(file, cause, "请剪短，或分成几集", "JX-S07")
    return probe


def _readable_bytes(file: Path) -> int:
    with telling_what_cannot_be_read(file):
        if not file.is_file():
            raise _refusal(file, "找不到这个声音文件", "把文件放到这个位置，或在设定里改正文件名", "JX-S01")
        with file.open("rb") as stream:
            stream.read(1)  # a lock, or a file that is still in the cloud, may show itself only here
        return file.stat().st_size


def refuse_what_is_too_long(file: Path, decoded_s: float) -> None:
    """Stop where more sound comes out of a file than anybody listens to.

    Raises:
        RecordingError: it is longer than three hours.
    """
    if decoded_s > LONGEST_S:
        cause = f"录音长过 {LONGEST_S / 3600:.0f} 小时，最长 {LONGEST_S / 3600:.0f} 小时"
        raise _refusal(file, cause, "请剪短，或分成几集", "JX-S07")


def refuse_damage(file: Path, probe: media.Probe, *, decoded_s: float, ended: media.Run) -> None:
    """Stop where what was decoded is not what the file declares.

    Raises:
        RecordingError: the sound is cut short or damaged, or shorter than a second.
    """
    broken = broken_pieces(ended)
    if ended.exit_code or broken > MOST_BROKEN_PIECES:
        cause = f"文件损坏：解码时报错 {broken} 处，最多容许 {MOST_BROKEN_PIECES} 处"
        raise _refusal(file, cause, "请从录音设备重新拷贝，或重新导出", "JX-S09")
    declared_s = probe.duration_s
    missing_s = max(_MISSING_S, _MISSING_SHARE * declared_s) if declared_s is not None else 0.0
    # A video declares its longest stream: the picture may go on when the sound has ended. A hole in the sound is no such thing.
    if declared_s is not None and declared_s - decoded_s > missing_s and declared_s - media.picture_reach_s(file) > missing_s:
        cause = f"文件被截断：写明长 {declared_s:.1f} 秒，能解出的声音只有 {decoded_s:.1f} 秒"
        raise _refusal(file, cause, _COPY_AGAIN, "JX-S08")
    if probe.container == "ogg" and not _has_last_page(file):
        cause = f"文件被截断：能解出的声音有 {decoded_s:.1f} 秒，但 ogg 文件的最后一页不在里面"
        raise _refusal(file, cause, _COPY_AGAIN, "JX-S08")
    if decoded_s < SHORTEST_S:
        cause = f"只有 {decoded_s:.2f} 秒声音，至少要 {SHORTEST_S:.0f} 秒"
        raise _refusal(file, cause, "看看是否选错了文件，或导出没有完成", "JX-S10")


def broken_pieces(ended: media.Run) -> int:
    """Return how often a decoder complained."""
    return ended.messages.count("\n")


def refuse_impossible_numbers(file: Path, count: int) -> None:
    """Stop where a recording in floating point holds what no sound is.

    Raises:
        RecordingError: a sample is infinite or not a number.
    """
    if count:
        cause = f"文件损坏：有 {count} 段声音里的数值不是数（NaN 或无穷大）"
        raise _refusal(file, cause, "请在录音软件里重新导出成 16 位或 24 位的 wav", "JX-S09")


def read_theme(file: Path) -> Block:
    """Return a piece of the theme in stereo.

    Raises:
        RecordingError: see ``examine`` and ``refuse_damage``; also where it is longer than 30 s.
    """
    probe = examine(file)
    arguments = [*STRICT, *media.handed_in(file), "-map", "0:a:0", "-t", f"{LONGEST_THEME_S + 1}"]
    stereo = ["-ac", "2", "-ar", f"{SAMPLE_RATE_HZ}", "-f", "f32le", "pipe:1"]
    limit_s = media.time_limit_s(duration_s=LONGEST_THEME_S)
    if probe.duration_s is not None:
        _refuse_long_theme(file, probe.duration_s)
    with media.streaming([*arguments, *stereo], time_limit_s=limit_s, read=True) as decoder:
        content = bytearray()
        while piece := decoder.read(_PIECE_BYTES):
            content += piece
        ended = decoder.ended()
    sound = from_bytes(memoryview(content), 2)
    refuse_damage(file, probe, decoded_s=len(sound) / SAMPLE_RATE_HZ, ended=ended)
    _refuse_long_theme(file, len(sound) / SAMPLE_RATE_HZ)
    refuse_impossible_numbers(file, int(not np.isfinite(sound).all()))
    return sound


def _refuse_long_theme(file: Path, duration_s: float) -> None:
    if duration_s > LONGEST_THEME_S:
        cause = f"片头、片尾或垫乐长 {duration_s:.2f} 秒，最长 {LONGEST_THEME_S:.0f} 秒"
        raise _refusal(file, cause, "请剪短后再放进来", "JX-S11")


def _has_last_page(ogg: Path) -> bool:
    """Tell whether the last page of an Ogg file is marked as such and whole. Source: RFC 3533, section 6."""
    with ogg.open("rb") as stream:
        stream.seek(max(ogg.stat().st_size - _LONGEST_PAGES_BYTES, 0))
        tail = stream.read()
    page = tail[max(tail.rfind(b"OggS"), 0) :]
    if len(page) <= _PAGE_SEGMENTS_AT or not page[_PAGE_FLAGS_AT] & _LAST_PAGE:
        return False
    segments = page[_PAGE_SEGMENTS_AT + 1 :][: page[_PAGE_SEGMENTS_AT]]
    return len(page) >= _PAGE_SEGMENTS_AT + 1 + page[_PAGE_SEGMENTS_AT] + sum(segments)


def refuse_silence(file: Path, *, integrated_lufs: float, quietest_lufs: float) -> None:
    """Stop where nothing can be heard.

    Raises:
        RecordingError: the loudness lies below ``quietest_lufs``.
    """
    if integrated_lufs < quietest_lufs:
        found = "测不到响度" if integrated_lufs == float("-inf") else f"响度只有 {integrated_lufs:.1f} LUFS"
        cause = f"录音里几乎没有声音：{found}，至少要 {quietest_lufs:.0f} LUFS"
        raise _refusal(file, cause, "看看话筒是否打开、声音轨是否选对，再录一次", "JX-S12")


def refuse_too_little(file: Path, *, trimmed_s: float) -> None:
    """Stop where hardly anything is left once the silence at head and tail is cut.

    Raises:
        RecordingError: less than a second is left.
    """
    if trimmed_s < SHORTEST_S:
        cause = f"去掉开头和结尾的静音后只剩 {trimmed_s:.2f} 秒声音，至少要 {SHORTEST_S:.0f} 秒"
        raise _refusal(file, cause, "听一听录音里是否真有内容，再交一次", "JX-S13")


def _refusal(file: Path, cause: str, fix: str, code: str) -> RecordingError:
    return RecordingError([Problem(place=file, cause=cause, fix=fix, code=code)])

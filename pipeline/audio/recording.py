"""What people hand in: looked at, refused with a reason, or decoded."""

from __future__ import annotations

from pathlib import Path

from pipeline import media
from pipeline.audio.samples import SAMPLE_RATE_HZ, RawSound
from pipeline.errors import Problem, RecordingError, telling_what_cannot_be_read

SHORTEST_S = 1.0
LONGEST_S = 3 * 3600.0
LONGEST_THEME_S = 30.0

# Headers round, encoders pad and editors cut between packets: less than this is no missing piece.
_MISSING_S = 1.0
_MISSING_SHARE = 0.01

_BROKEN_PIECES = 5  # a tag in the wrong place gives a message or two; a damaged file gives dozens

_MISSING_INDEX = "moov atom not found"


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
    if _MISSING_INDEX in probe.messages:
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


def decode(file: Path, to: Path, *, channels: int | None = None) -> RawSound:
    """Return a recording's sound, written to ``to``: mono stays mono, everything else becomes stereo, unless ``channels`` says.

    Raises:
        RecordingError: see ``examine``; also where the sound is damaged, or shorter than the file declares or than a second.
        MachineError: the file cannot be read, or the disk is full.
    """
    probe = examine(file)
    sound = RawSound(file=to, sample_rate_hz=SAMPLE_RATE_HZ, channels=channels or min(probe.channels, 2) or 2)
    declared_s = probe.duration_s
    strict = ["-v", "repeat+error", "-err_detect", "crccheck+bitstream+buffer"]
    arguments = [
        *(*strict, *media.handed_in(file), "-map", "0:a:0", "-t", f"{LONGEST_S}"),
        *("-ac", f"{sound.channels}", "-ar", f"{SAMPLE_RATE_HZ}", "-f", "f32le", "-y", f"file:{to}"),
    ]
    ended = media.run_ffmpeg(arguments, time_limit_s=media.time_limit_s(duration_s=declared_s or LONGEST_S))
    media.refuse_full_disk(ended, to)
    decoded_s = sound.duration_s if to.is_file() else 0.0
    missing_s = max(_MISSING_S, _MISSING_SHARE * declared_s) if declared_s is not None else 0.0
    # A video declares its longest stream: the picture may go on when the sound has ended.
    if declared_s is not None and declared_s - decoded_s > missing_s and declared_s - media.reach_s(file) > missing_s:
        cause = f"文件被截断：写明长 {declared_s:.1f} 秒，能解出的声音只有 {decoded_s:.1f} 秒"
        raise _refusal(file, cause, "多半是没有拷完；请重新拷贝或重新导出", "JX-S08")
    broken = ended.messages.count("\n")
    if ended.exit_code or broken > _BROKEN_PIECES:
        cause = f"文件损坏：解码时报错 {broken} 处，最多容许 {_BROKEN_PIECES} 处"
        raise _refusal(file, cause, "请从录音设备重新拷贝，或重新导出", "JX-S09")
    if decoded_s < SHORTEST_S:
        cause = f"只有 {decoded_s:.2f} 秒声音，至少要 {SHORTEST_S:.0f} 秒"
        raise _refusal(file, cause, "看看是否选错了文件，或导出没有完成", "JX-S10")
    return sound


def decode_theme(file: Path, to: Path) -> RawSound:
    """Return a piece of the theme in stereo, written to ``to``.

    Raises:
        RecordingError: see ``decode``; also where it is longer than 30 s.
    """
    sound = decode(file, to, channels=2)
    if sound.duration_s > LONGEST_THEME_S:
        cause = f"片头或片尾音乐长 {sound.duration_s:.0f} 秒，最长 {LONGEST_THEME_S:.0f} 秒"
        raise _refusal(file, cause, "请剪短后再放进来", "JX-S11")
    return sound


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

"""ffmpeg: find it, name it, run it under a time limit, stream through it, and ask it what is in a file.

Every run goes through ``run_ffmpeg`` or ``streaming``, and every file has the prefix ``file:``, so that no name is an option or
an address. A file that somebody hands in enters through ``handed_in`` alone: ffmpeg follows playlists, and a playlist named
``.mp3`` would otherwise make it read other files or the network.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import io
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from pipeline.errors import MachineError, Problem

FFMPEG_VARIABLE = "JIXIANG_FFMPEG"
"""The environment variable that points to another ffmpeg than the one from the package imageio-ffmpeg."""

_FORMATS = "wav,mp3,aac,mov,flac,ogg,matroska,aiff,w64,amr,caf,mpegts"
_SPEAKERS = {"mono": 1, "stereo": 2, "quad": 4}

_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
_CONTAINER = re.compile(r"^Input #0, (\S+), from ", re.MULTILINE)
_SOUND_STREAM = re.compile(r"^  Stream #0:\d+\S*: Audio: (\w+).*?, (\d+) Hz, ([^,\n]+)", re.MULTILINE)
_VERSION = re.compile(r"^ffmpeg version n?(\S+)", re.MULTILINE)
_PIPE_BYTES = 1 << 20  # fewer turns between the two processes; systems that cannot take their own size
_MOST_MESSAGES = 200_000  # bytes: of a damaged file ffmpeg says the same thing a million times
_UNKNOWN_BYTES = 0x7FFF_0000  # a WAV that was streamed carries the largest size that its program knows, or nearly
_REACHED = re.compile(r"time=(\d+):(\d\d):(\d\d\.\d+)")
_GUESSED = "Estimating duration from bitrate"
_DISK_FULL = "No space left on device"


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a run of ffmpeg ended; ``messages`` is what it wrote to stderr, ``output`` what it wrote to stdout."""

    exit_code: int
    messages: str
    output: str = ""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a file says it holds. ``container`` is empty where ffmpeg knows no such sound or video format.

    ``duration_s`` is None where the file declares none (a live stream, raw AAC) or ffmpeg could only guess it. ``codec``,
    ``sample_rate_hz`` and ``channels`` are those of the first sound stream, empty and 0 if there is none.
    """

    container: str
    duration_s: float | None
    sound_streams: int
    codec: str
    sample_rate_hz: int
    channels: int
    messages: str


def run_ffmpeg(arguments: Sequence[str], *, time_limit_s: float) -> Run:
    """Return how ``ffmpeg <arguments>`` ended, whatever its exit code.

    Raises:
        MachineError: ffmpeg cannot be started, or was stopped after ``time_limit_s``.
    """
    ffmpeg = _ffmpeg()
    try:
        ended = subprocess.run(  # noqa: S603 - a list and no shell; files carry the prefix file:
            [str(ffmpeg), "-nostdin", "-hide_banner", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=time_limit_s,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:  # run() has ended the process
        raise _too_slow(ffmpeg, time_limit_s) from error
    except OSError as error:
        raise _cannot_start(ffmpeg, error) from error
    return Run(exit_code=ended.returncode, messages=ended.stderr, output=ended.stdout)


class Stream:
    """A running ffmpeg that is fed, read, or both, a piece at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._messages = bytearray()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def feed(self, piece: memoryview) -> bool:
        """Hand ffmpeg a piece; False once it takes no more, because it ended."""
        pipe = self._pipe(self._process.stdin)
        try:
            while piece:
                piece = piece[pipe.write(piece) :]
        except OSError:
            return False
        return True

    def end_feed(self) -> None:
        """Tell ffmpeg that nothing more comes."""
        with suppress(OSError):  # it may have ended before
            self._pipe(self._process.stdin).close()

    def read(self, size_bytes: int) -> memoryview:
        """Return the next piece of this size, a shorter one at the end, and nothing after it."""
        piece = memoryview(bytearray(size_bytes))
        filled = 0
        while filled < size_bytes and (count := self._raw(self._process.stdout).readinto(piece[filled:])):
            filled += count
        return piece[:filled]

    @staticmethod
    def _raw(pipe: IO[bytes] | None) -> io.RawIOBase:
        if not isinstance(pipe, io.RawIOBase):
            raise TypeError("this stream was opened without that pipe, or with a buffer")
        return pipe

    def ended(self) -> Run:
        """Wait for the end, and return how it was."""
        exit_code = self._process.wait()
        self._listener.join()
        return Run(exit_code=exit_code, messages=self._messages.decode(errors="replace"))

    def _listen(self) -> None:
        for line in self._pipe(self._process.stderr):
            if len(self._messages) < _MOST_MESSAGES:
                self._messages += line

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise ValueError("this stream was opened without that pipe")
        return pipe


@contextmanager
def streaming(arguments: Sequence[str], *, time_limit_s: float, fed: bool = False, read: bool = False) -> Iterator[Stream]:
    """Yield ``ffmpeg <arguments>`` as it runs, ``fed`` through ``pipe:0``, ``read`` through ``pipe:1``; it ends with the block.

    Raises:
        MachineError: ffmpeg cannot be started, or was stopped after ``time_limit_s``.
    """
    ffmpeg = _ffmpeg()
    try:
        process = subprocess.Popen(  # noqa: S603 - a list and no shell; files carry the prefix file:
            [str(ffmpeg), *([] if fed else ["-nostdin"]), "-hide_banner", *arguments],
            stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
            stdout=subprocess.PIPE if read else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,  # pieces are large: a buffer would only copy them
            pipesize=_PIPE_BYTES,
        )
    except OSError as error:
        raise _cannot_start(ffmpeg, error) from error
    if hasattr(os, "sched_setscheduler"):  # Linux: work in bulk, with fewer turns between programs that hand pieces on
        os.sched_setscheduler(process.pid, os.SCHED_BATCH, os.sched_param(0))
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    watch = threading.Timer(time_limit_s, stop)
    watch.daemon = True
    watch.start()
    stream = Stream(process)
    try:
        yield stream
    finally:
        watch.cancel()
        process.kill()  # nothing to end where all went well
        stream.ended()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with suppress(OSError):
                    pipe.close()
        if late.is_set():
            raise _too_slow(ffmpeg, time_limit_s)


def _too_slow(ffmpeg: Path, time_limit_s: float) -> MachineError:
    cause = f"ffmpeg 做了 {time_limit_s:.0f} 秒还没有做完，已经把它停下"
    return MachineError([Problem(place=ffmpeg, cause=cause, fix="看看电脑是否太忙，再试一次", code="JX-M12")])


def _cannot_start(ffmpeg: Path, error: OSError) -> MachineError:
    return MachineError([_no_ffmpeg(ffmpeg, f"ffmpeg 启动不了：{error.strerror or error}")])


def make_with_ffmpeg(arguments: Sequence[str], to: Path, *, time_limit_s: float) -> None:
    """Write ``to`` from files that we made ourselves, so that a failure is the machine's.

    Raises:
        MachineError: the disk is full, or ffmpeg failed; its last message is in the cause.
    """
    refuse_failure(run_ffmpeg(["-v", "error", *arguments, "-y", f"file:{to}"], time_limit_s=time_limit_s), to)


def refuse_failure(ended: Run, to: Path) -> None:
    """Stop where ffmpeg failed on what we made ourselves.

    Raises:
        MachineError: the disk is full, or ffmpeg failed; its last message is in the cause.
    """
    refuse_full_disk(ended, to)
    if ended.exit_code:
        said = (ended.messages.strip().splitlines() or ["没有说明原因"])[-1]
        cause = f"ffmpeg 没有做成（退出码 {ended.exit_code}）：{said}"
        fix = f"再试一次；如果设过环境变量 {FFMPEG_VARIABLE}，先把它去掉"
        raise MachineError([Problem(place=to, cause=cause, fix=fix, code="JX-M13")])


def refuse_full_disk(ended: Run, to: Path) -> None:
    """Stop where ffmpeg had no room to write ``to``.

    Raises:
        MachineError: the disk is full.
    """
    if ended.exit_code and _DISK_FULL in ended.messages:
        raise _cannot_write(to, "磁盘满了")


def refuse_small_disk(folder: Path, *, needed_bytes: int, free_bytes: int) -> None:
    """Stop before a disk is filled.

    Raises:
        MachineError: less is free than will be needed.
    """
    if free_bytes < needed_bytes:
        raise _cannot_write(folder, f"磁盘快满了，还剩 {free_bytes / 1e9:.1f} GB，做这段录音要 {needed_bytes / 1e9:.1f} GB")


@contextmanager
def writing(to: Path) -> Iterator[None]:
    """Turn an OSError of writing sound to ``to`` into the MachineError that also a run of ffmpeg raises there."""
    try:
        yield
    except OSError as error:
        reason = "磁盘满了" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise _cannot_write(to, reason) from error


def _cannot_write(to: Path, reason: str) -> MachineError:
    fix = "看看磁盘是否还有空间（做一小时的录音，临时要用约 1.3 GB）、有没有写入的权限，或用 --out 换一个磁盘"
    return MachineError([Problem(place=to, cause=f"声音写不进去：{reason}", fix=fix, code="JX-M16")])


def handed_in(file: Path) -> list[str]:
    """Return the input arguments for a file that somebody handed in: sound formats only, no playlist, no network."""
    return ["-format_whitelist", _FORMATS, "-protocol_whitelist", "file", "-i", f"file:{file}"]


LARGE_FRAMES = "asetnsamples=n=23040:p=0"
"""A filter that lets the following ones, and whoever reads, work on half a second at a time: ffmpeg's own frames are tiny."""


def time_limit_s(*, duration_s: float) -> float:
    """Return how long a run over so much sound may take: a slow computer needs a twentieth of this."""
    return 60 + 4 * duration_s


def probe(file: Path) -> Probe:
    """Return what ``file`` says it holds, without decoding it."""
    size_mb = file.stat().st_size / 1e6
    # ffmpeg has no option to describe a file and stop: without an output it describes the input and ends with an error.
    said = run_ffmpeg(handed_in(file), time_limit_s=60 + size_mb).messages
    container = _CONTAINER.search(said)
    streams = _SOUND_STREAM.findall(said)
    codec, rate, layout = streams[0] if streams else ("", "0", "")
    return Probe(
        container=container[1] if container else "",
        duration_s=_declared_s(file, said, is_wav=bool(container and container[1] == "wav")),
        sound_streams=len(streams),
        codec=codec,
        sample_rate_hz=int(rate),
        channels=_channels(layout),
        messages=said,
    )


def picture_reach_s(file: Path) -> float:
    """Return when the last stream that is no sound ends, by the packets that are there, without decoding them; 0 without one."""
    size_mb = file.stat().st_size / 1e6
    arguments = ["-stats", *handed_in(file), "-map", "0", "-map", "-0:a", "-c", "copy", "-f", "null", "-"]
    found = _REACHED.findall(run_ffmpeg(arguments, time_limit_s=60 + size_mb).messages)
    return _seconds(found[-1]) if found else 0.0


def ffmpeg_version() -> str:
    """Return the version that ffmpeg says of itself, such as ``9.0.2``."""
    said = run_ffmpeg(["-version"], time_limit_s=60)
    found = _VERSION.search(said.output)
    return found[1] if found else "?"


def ffmpeg_identity() -> str:
    """Return the name and the SHA-256 of the ffmpeg in use, without running it.

    Results are the same, byte for byte, for one identity, as long as it is a static build such as the package imageio-ffmpeg
    brings. A distribution's ffmpeg is dynamic: its codecs lie in libraries, and an update of those does not show here.
    """
    return _identity(_ffmpeg())


@functools.cache
def _identity(ffmpeg: Path) -> str:
    try:
        with ffmpeg.open("rb") as stream:
            return f"{ffmpeg.name} sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
    except OSError as error:
        raise MachineError([_no_ffmpeg(ffmpeg, f"ffmpeg 读不了：{error.strerror or error}")]) from error


def _ffmpeg() -> Path:
    chosen = os.environ.get(FFMPEG_VARIABLE)
    if chosen:
        return Path(shutil.which(chosen) or chosen)
    # get_ffmpeg_exe() of imageio_ffmpeg runs what it finds; a build with nothing to do runs nothing.
    binaries = Path(imageio_ffmpeg.__file__).parent / "binaries"
    found = sorted(file for file in binaries.glob("ffmpeg*") if file.is_file())
    if not found:
        raise MachineError([_no_ffmpeg(binaries, "找不到 ffmpeg")])
    return found[0]


def _no_ffmpeg(place: Path, cause: str) -> Problem:
    fix = f"重新安装程序，或用环境变量 {FFMPEG_VARIABLE} 指向一个 ffmpeg"
    return Problem(place=place, cause=cause, fix=fix, code="JX-M10")


def _declared_s(file: Path, said: str, *, is_wav: bool) -> float | None:
    """Return how long a file says it is, from ffmpeg's description of it."""
    found = _DURATION.search(said)
    if found is None:
        return None
    duration_s = _seconds(found.groups())
    if is_wav:
        return _declared_wav_s(file, duration_s)
    return None if _GUESSED in said else duration_s


def _seconds(clock: Sequence[str]) -> float:
    hours, minutes, seconds = clock
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _declared_wav_s(wav: Path, told_s: float) -> float | None:
    """Return how long a WAV says it is; None where it says nothing, as recorders that stream do.

    Of most files ffmpeg tells what is there and not what was meant to be; of an impossible size it tells that.
    """
    with wav.open("rb") as stream:
        declared_bytes = int.from_bytes(stream.read(8)[4:], "little") + 8
    size_bytes = wav.stat().st_size
    if declared_bytes >= _UNKNOWN_BYTES > size_bytes:
        return None
    return told_s * max(declared_bytes / size_bytes, 1.0) if declared_bytes < _UNKNOWN_BYTES else told_s


def _channels(layout: str) -> int:
    """Return how many channels a layout such as ``mono``, ``5.1(side)`` or ``3 channels`` has."""
    name = layout.partition("(")[0].strip()
    if name in _SPEAKERS:
        return _SPEAKERS[name]
    numbers = [int(number) for number in re.findall(r"\d+", name)]
    return sum(numbers)

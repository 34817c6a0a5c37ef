"""Where somebody speaks in a raw sound, heard in a process of its own beside other work.

The detector's runtime alone needs as much memory as all the rest of the sound stage.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pipeline import media, speech
from pipeline.audio.samples import FRAME_SAMPLES, RawSound, input_arguments
from pipeline.errors import MachineError, Problem
from pipeline.model import Span


class Listener:
    """Somebody who listens beside other work, and gets ready for it from the start."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._process = subprocess.Popen(  # noqa: S603 - our own program, by the interpreter that runs us
            [sys.executable, "-m", speech.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",  # what it says when it fails comes in the console's own encoding
            cwd=Path(__file__).parents[2],  # where the package is found, also if it is installed nowhere
        )
        self._thread = ThreadPoolExecutor(1)
        self._spans: Future[tuple[Span, ...]] | None = None

    def hear(self, sound: RawSound, channels: tuple[int, ...], first: int, end: int) -> None:
        """Begin to listen to frames ``first`` to ``end`` of these channels."""
        self._spans = self._thread.submit(self._listen, sound, channels, first, end)

    def spans(self) -> tuple[Span, ...]:
        """Wait for the end, and return where somebody speaks, in seconds from the first frame that is heard.

        Raises:
            MachineError: it took too long or failed.
        """
        return self._spans.result() if self._spans else ()

    def stop(self) -> None:
        """Let nothing run on that nobody waits for."""
        self._stopped.set()
        self._process.kill()
        self._thread.shutdown()
        with self._process:
            pass  # closes its pipes and waits for its end

    def _listen(self, sound: RawSound, channels: tuple[int, ...], first: int, end: int) -> tuple[Span, ...]:
        limit_s = media.time_limit_s(duration_s=sound.duration_s)
        mono = "+".join(f"{1 / len(channels)}*c{channel}" for channel in channels)
        stretch = f"atrim=start_sample={first * FRAME_SAMPLES}:end_sample={end * FRAME_SAMPLES}"
        filters = ["-af", f"{stretch},pan=mono|c0={mono},aresample={speech.SPEECH_RATE_HZ}"]
        heard = sound.file.with_suffix(".s16")
        whole = input_arguments(sound.channels, f"file:{sound.file}")
        media.make_with_ffmpeg([*whole, *filters, "-f", "s16le"], heard, time_limit_s=limit_s)
        if self._stopped.is_set():
            return ()
        try:
            said, wrong = self._process.communicate(str(heard.resolve()), timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            raise _failure(f"做了 {limit_s:.0f} 秒还没有做完") from error
        if self._process.returncode:
            raise _failure((wrong.strip().splitlines() or ["没有说明原因"])[-1])
        return tuple(Span(start_s=start_s, end_s=end_s) for start_s, end_s in json.loads(said))


@contextmanager
def listening() -> Iterator[Listener]:
    """Yield somebody who listens, until the block ends."""
    listener = Listener()
    try:
        yield listener
    finally:
        listener.stop()


def _failure(cause: str) -> MachineError:
    fix = "关掉别的程序，再试一次"
    return MachineError([Problem(place=Path(sys.executable), cause=f"听不出哪里有人声：{cause}", fix=fix, code="JX-M17")])

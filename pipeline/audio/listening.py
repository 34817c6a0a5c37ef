"""Where somebody speaks in a raw sound, heard in a process of its own beside other work.

The detector's runtime alone needs as much memory as all the rest of the sound stage.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline import media, speech
from pipeline.audio.samples import FRAME_SAMPLES, RawSound, input_arguments
from pipeline.errors import MachineError, Problem
from pipeline.model import Span


class Listener:
    """Somebody who listens beside other work."""

    def __init__(self, process: subprocess.Popen[str], time_limit_s: float) -> None:
        self._process = process
        self._time_limit_s = time_limit_s

    def spans(self) -> tuple[Span, ...]:
        """Wait for the end, and return where somebody speaks, in seconds from the first frame that was heard.

        Raises:
            MachineError: it took too long or failed.
        """
        try:
            heard, said = self._process.communicate(timeout=self._time_limit_s)
        except subprocess.TimeoutExpired as error:
            raise _failure(f"做了 {self._time_limit_s:.0f} 秒还没有做完") from error
        if self._process.returncode:
            raise _failure((said.strip().splitlines() or ["没有说明原因"])[-1])
        return tuple(Span(start_s=start_s, end_s=end_s) for start_s, end_s in json.loads(heard))


@contextmanager
def listening(sound: RawSound, channels: tuple[int, ...], first: int, end: int) -> Iterator[Listener]:
    """Yield somebody who listens to frames ``first`` to ``end`` of these channels until the block ends."""
    limit_s = media.time_limit_s(duration_s=sound.duration_s)
    mono = "+".join(f"{1 / len(channels)}*c{channel}" for channel in channels)
    stretch = f"atrim=start_sample={first * FRAME_SAMPLES}:end_sample={end * FRAME_SAMPLES}"
    filters = f"{stretch},pan=mono|c0={mono},aresample={speech.SPEECH_RATE_HZ}"
    whole = input_arguments(sound.channels, f"file:{sound.file}")
    arguments = ["-v", "error", *whole, "-af", filters, "-f", "f32le", "pipe:1"]
    # The package as it is found here, also where it is installed nowhere.
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    with media.streaming(arguments, time_limit_s=limit_s, read=True) as resampler:
        process = subprocess.Popen(  # noqa: S603 - our own program, by the interpreter that runs us
            [sys.executable, "-m", speech.__name__],
            stdin=resampler.output,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        resampler.output.close()  # the listener's now
        try:
            yield Listener(process, limit_s)
        finally:
            process.kill()  # nothing to end where all went well
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()


def _failure(cause: str) -> MachineError:
    fix = "关掉别的程序，再试一次"
    return MachineError([Problem(place=Path(sys.executable), cause=f"听不出哪里有人声：{cause}", fix=fix, code="JX-M17")])

"""What a command costs: wall time, CPU time with all its children, and the memory of its largest process.

A command is started by a small process of its own (this module, without numpy). Linux counts to a child what its parent held at
its start, so a runner that had loaded a sound would lend its own size to every contestant.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_SAMPLE_EVERY_S = 0.02
_RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024
_NAME_AND_PEAK = re.compile(r"^Name:\t(\S+).*^VmHWM:\s+(\d+) kB", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """``peak_mb`` is of the largest single process, in 10^6 bytes; ``peak_process`` its name, empty where no /proc tells it."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    peak_process: str


class CommandError(Exception):
    """A contestant did not finish; the message holds what it said."""


def measure(command: Sequence[str]) -> Cost:
    """Run ``command`` to its end and return its cost.

    Raises:
        CommandError: the command failed.
    """
    ended = subprocess.run([sys.executable, "-m", __name__, *command], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise CommandError(f"{' '.join(command)}\nexit code {ended.returncode}\n{ended.stderr[-2000:]}")
    return Cost(**json.loads(ended.stdout))


def _measure_here(command: Sequence[str]) -> Cost:
    largest: dict[str, int] = {}
    ended = threading.Event()
    with tempfile.TemporaryFile() as said:
        start_s = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        watcher = threading.Thread(target=_watch, args=(process.pid, largest, ended))
        watcher.start()
        # wait4 and not wait: it tells the CPU time of the process and of every child that was waited for, and the
        # largest of them, however short its life.
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start_s
        ended.set()
        watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.stderr.buffer.write(said.read())
            sys.exit(1)
    peak_process = max(largest, key=lambda name: largest[name], default="")
    peak_bytes = max(usage.ru_maxrss * _RSS_UNIT_BYTES, largest.get(peak_process, 0))
    return Cost(wall_s=wall_s, cpu_s=usage.ru_utime + usage.ru_stime, peak_mb=peak_bytes / 1e6, peak_process=peak_process)


def _watch(pid: int, largest: dict[str, int], ended: threading.Event) -> None:
    """Keep in ``largest`` the peak memory in bytes by the name of the process, for ``pid`` and all below it, until ``ended``."""
    while not ended.wait(_SAMPLE_EVERY_S):
        for each in _family(pid):
            try:
                found = _NAME_AND_PEAK.search(Path(f"/proc/{each}/status").read_text(encoding="utf-8"))
            except OSError:  # it has just ended
                continue
            if found:
                name = re.match(r"ffmpeg|python", found[1])
                called = name[0] if name else found[1]
                largest[called] = max(largest.get(called, 0), int(found[2]) * 1024)


def _family(pid: int) -> list[int]:
    family = [pid]
    for each in family:  # grows while it is read
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                family += [int(child) for child in children.read_text(encoding="ascii").split()]
            except OSError:
                continue
    return family


if __name__ == "__main__":
    print(json.dumps(asdict(_measure_here(sys.argv[1:]))))

"""Where slow work is done: nowhere if the store has it, else in a process beside this one."""

from __future__ import annotations

import functools
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pipeline.artefacts.store import make, record_path, reuse
from pipeline.errors import MachineError, Problem

R = TypeVar("R")
Progress = Callable[[str, str], None]
"""Called with the name of a piece of work and ``开始``, ``做好``, ``停下`` or ``已有``."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """A store, and the processes that make what it lacks; ``start`` may be called from any thread."""

    store: Path
    pool: Executor
    progress: Progress
    in_work: dict[Path, Future[Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, name: str, function: Callable[..., R], *arguments: object, suffix: str | None = None) -> Future[R]:
        """Return the coming result of a slow call: from the store, from the same call in work, or from a process."""
        path = record_path(self.store, function, *arguments)
        with self.lock:
            if path in self.in_work:
                return self.in_work[path]
            future: Future[R] = Future()
            self.in_work[path] = future
        earlier = reuse(path, function)
        if earlier is not None:
            future.set_result(earlier)
            self.progress(name, "已有")
            return future
        self.progress(name, "开始")
        try:
            work = self.pool.submit(make, path, function, *arguments, suffix=suffix)
        except BaseException as error:  # the pool is broken or closed: whoever waits for the same call must not wait for ever
            future.set_exception(error)
            raise
        work.add_done_callback(functools.partial(self._hand_on, name, future))
        return future

    def _hand_on(self, name: str, future: Future[R], work: Future[R]) -> None:
        if work.cancelled():
            future.set_exception(CancelledError())
            return
        error = work.exception()
        self.progress(name, "停下" if error else "做好")
        if error:
            future.set_exception(error)
        else:
            future.set_result(work.result())


@contextmanager
def workshop(store: Path, progress: Progress) -> Iterator[Workshop]:
    """Yield a workshop; no process is started until there is work. Processes are spawned, as on Windows, so that all agree.

    Whoever leaves by an exception, Ctrl-C above all, leaves at once: the processes are ended, and what they had begun is swept
    up by the next build.
    """
    pool = ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"), initializer=_leave_ctrl_c_to_the_parent)
    try:
        yield Workshop(store=store, pool=pool, progress=progress)
    except BaseException as error:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        if isinstance(error, BrokenProcessPool):
            cause = "一个工作进程突然停了，多半是内存不够"
            fix = "关掉别的程序再做一次；做好的部分都还在"
            raise MachineError([Problem(place=store, cause=cause, fix=fix, code="JX-M04")]) from error
        raise
    pool.shutdown()


def _leave_ctrl_c_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

"""Lay folders out safely: nothing half-written, nothing of a stranger's removed."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby, islice
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.errors import LockedError, MachineError, Problem, telling_what_cannot_be_read

PART = ".part"
"""What the name of a file holds while it is being written."""

_FILES_AT_ONCE = 16
_MARKER = ".jixiang"
_MARKER_TEXT = "这个文件夹由 jixiang 生成，可以整个删除；里面的东西会被下一次制作改写。\n"
_HASHED_NAME = re.compile(r"-[0-9a-f]{12}\.\w+$")

_CAUSES = {
    errno.ENOSPC: "磁盘满了",
    errno.EACCES: "没有写入的权限",
    errno.EPERM: "没有写入的权限",
    errno.EROFS: "这个磁盘是只读的",
    errno.ENOTDIR: "路径中间有一个同名的文件，不是文件夹",
    errno.EEXIST: "已有一个同名的文件，不是文件夹",
    errno.EISDIR: "这里应当是文件，却是一个文件夹",
}


@contextmanager
def claimed(out: Path) -> Iterator[None]:
    """Hold ``out`` for one piece of work, which may claim it again for a part of itself; make it if it is not there.

    Raises:
        MachineError: the folder cannot be written, or holds somebody's files and not an earlier build.
        LockedError: another build is at work in it.
    """
    with telling_where(out):
        out.mkdir(parents=True, exist_ok=True)
        marker = out / _MARKER
        ours = marker.exists()
        if not ours and any(out.iterdir()):
            cause = "这个文件夹里已有别的文件，不是 jixiang 做出来的；制作会删改里面的东西，所以停下"
            raise MachineError([Problem(place=out, cause=cause, fix="用 --out 换一个空文件夹", code="JX-M02")])
        if not ours:
            marker.write_text(_MARKER_TEXT, encoding="utf-8")
    lock = FileLock(out / ".lock", timeout=0, is_singleton=True)
    with telling_where(out):
        try:
            lock.acquire()
        except Timeout:  # an OSError too
            cause = "另一个 jixiang 正在这个文件夹里工作"
            raise LockedError([Problem(place=out, cause=cause, fix="等它做完再试", code="JX-M03")]) from None
    try:
        _sweep(out)
        yield
    finally:
        lock.release()


def _sweep(out: Path) -> None:
    """Remove what a build that was ended in the middle left half-made; whoever holds the lock is alone here."""
    with telling_where(out):
        for part in [*out.glob(f"store/*/*{PART}*"), *out.rglob(f".*{PART}")]:
            part.unlink()
        for folder in out.glob("store/*/*/"):
            shutil.rmtree(folder)


def lay_out(folder: Path, files: Mapping[str, bytes | Path], *, last: str = "") -> tuple[str, ...]:
    """Make ``folder`` hold exactly ``files`` and return the paths that were written or removed.

    File by file and never half: hashed names first, then the pages that refer to them, ``last`` at the end; then what no
    longer belongs is removed. Unchanged files are not touched. A layout that was cut short is finished by the next one.
    """
    for path in files:
        if path.startswith("/") or ".." in path.split("/") or "\\" in path:
            raise ValueError(f"{path!r} leaves the folder")
    wanted = frozenset(files)  # asking the mapping itself might make the file once more
    changed = _write_changed(folder, files, last)
    with telling_where(folder):
        for target in sorted(folder.rglob("*"), reverse=True):
            path = target.relative_to(folder).as_posix()
            if target.is_dir() and not target.is_symlink():
                _remove_if_empty(target)
            elif path not in wanted:
                target.unlink()
                changed.append(path)
        _remove_if_empty(folder)
    return tuple(changed)


def _write_changed(folder: Path, files: Mapping[str, bytes | Path], last: str) -> list[str]:
    """Write what differs and return its paths.

    In batches: the disk confirms many files in little more time than one, and no more pages than a batch are in memory. While
    one is made none is written, because Python does one of the two at a time.
    """

    def rank(path: str) -> int:
        return 2 if path == last else 0 if _HASHED_NAME.search(path) else 1

    changed: list[str] = []
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        for _, paths in groupby(sorted(files, key=lambda path: (rank(path), path)), key=rank):
            differing = ((path, content) for path in paths if not _same(content := files[path], folder / path))
            while batch := list(islice(differing, 4 * _FILES_AT_ONCE)):
                changed += [path for path, _ in batch]
                for written in [pool.submit(write, folder / path, content) for path, content in batch]:
                    written.result()
    return changed


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def write(target: Path, content: bytes | Path) -> None:
    """Put ``content`` (bytes, or a copy of that file) at ``target``: all of it or nothing, and on the disk when this returns."""
    part = target.with_name(f".{target.name}.{os.getpid()}{PART}")
    with telling_where(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, part)
            flush_to_disk(part)
        else:
            with part.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        part.replace(target)


def append_lines(file: Path, lines: Sequence[str], *, drop_torn_line: bool = False) -> None:
    """Add ``lines`` at the end of a text file that is only ever appended to, and wait until they are on the disk.

    ``drop_torn_line`` takes a last line away that has no end: an append was cut short there, and nobody was told of it.
    """
    with telling_where(file), file.open("ab+") as stream:
        stream.seek(0)
        content = stream.read()
        if content and not content.endswith(b"\n"):
            if drop_torn_line:
                stream.truncate(content.rfind(b"\n") + 1)
            else:
                stream.write(b"\n")
        stream.write("".join(f"{line}\n" for line in lines).encode())
        stream.flush()
        os.fsync(stream.fileno())


def _same(content: bytes | Path, target: Path) -> bool:
    if not target.is_file():
        return False
    if isinstance(content, bytes):
        return target.stat().st_size == len(content) and target.read_bytes() == content
    return target.stat().st_size == content.stat().st_size and digest(target) == digest(content)


def flush_to_disk(file: Path) -> None:
    """Wait until a file's bytes are on the disk and no longer in memory alone."""
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


@contextmanager
def telling_where(place: Path) -> Iterator[None]:
    """Turn an OSError of writing into a MachineError that names the file and says what to do."""
    try:
        yield
    except OSError as error:
        cause = f"写不进去：{_CAUSES.get(error.errno or 0, error.strerror or str(error))}"
        fix = "看看磁盘是否还有空间、文件是否被别的程序打开，或用 --out 换一个文件夹"
        raise MachineError([Problem(place=Path(error.filename or place), cause=cause, fix=fix, code="JX-M01")]) from error


def digest(file: Path) -> str:
    """Return the SHA-256 of a file's content, in hex."""
    with telling_what_cannot_be_read(file), file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

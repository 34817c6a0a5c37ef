"""A folder as a destination: a web server's root on this computer, or a drive that the office shares."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from pipeline.errors import Problem, PublishError, telling_what_cannot_be_read
from pipeline.model import Destination
from pipeline.publish.place import Upload

_WINDOWS_PATH = re.compile(r"[A-Za-z]:[\\/]|\\\\|//")
_MARKER = ".jixiang"  # what a build leaves in the folder that it works in
_PART = ".part"  # how the name of a file ends while it is being written


def open_folder(destination: Destination, workspace: Path, write: Callable[[Path, bytes | Path], None]) -> FolderPlace:
    """Return the folder that ``destination`` names.

    Raises:
        PublishError: JX-U11, a path of another system, or a folder that publishing would do harm in.
    """
    written = _local_path(destination.url)
    if _WINDOWS_PATH.match(written) and os.name != "nt":
        fault = f"“{written}”是 Windows 的路径，这台电脑不是 Windows"
        raise _unusable(destination, workspace, fault, "写成这台电脑上的文件夹，比如 file:///srv/www")
    folder = (workspace / written).resolve()
    fault = _harm(folder, workspace.resolve())
    if fault:
        raise _unusable(destination, workspace, f"“{folder}”{fault}", "换一个专门放网站的文件夹")
    return FolderPlace(folder, write)


def _local_path(url: str) -> str:
    """Return the path in ``url``: as it stands, or that of a file address (RFC 8089, with drive letter or server on Windows)."""
    if not url.lower().startswith("file:"):
        return url
    path = unquote(url[len("file:") :])
    if path.startswith("//"):
        server, slash, rest = path[2:].partition("/")
        path = slash + rest if server in {"", "localhost"} else path
    return path[1:] if re.match(r"/[A-Za-z]:", path) else path


def _harm(folder: Path, workspace: Path) -> str:
    """Return why nothing may be published into ``folder``; empty if it may."""
    if workspace.is_relative_to(folder):
        return "就是放节目的文件夹，或者把它包在里面；网站会和稿件混在一起"
    for each in (folder, *folder.parents):
        if (each / _MARKER).exists():
            return "在程序自己的 out 文件夹里；那里的东西会被下一次制作删改"
        if (each / "script.md").exists():
            return "在一期节目的文件夹里；网站会和稿件混在一起"
    return ""


def _unusable(destination: Destination, workspace: Path, fault: str, fix: str) -> PublishError:
    cause = f"destinations.{destination.name} 的 url：{fault}"
    return PublishError([Problem(place=workspace / "series.toml", cause=cause, fix=fix, code="JX-U11")])


class FolderPlace:
    """A folder; ``write`` puts a file in place whole and on the disk."""

    def __init__(self, folder: Path, write: Callable[[Path, bytes | Path], None]) -> None:
        self._folder = folder
        self._write = write

    def __str__(self) -> str:
        return str(self._folder)

    def sizes(self) -> Mapping[str, int]:
        """Return every file that is whole, with its bytes; nothing if there is no such folder yet."""
        with telling_what_cannot_be_read(self._folder):
            files = [file for file in self._folder.rglob("*") if not file.name.endswith(_PART) and file.is_file()]
            return {file.relative_to(self._folder).as_posix(): file.stat().st_size for file in files}

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        file = self._folder / path
        with telling_what_cannot_be_read(file):
            return file.read_bytes() if file.is_file() else None

    def sha256(self, path: str) -> str | None:
        """Return the SHA-256 of what the file holds now, None if there is none."""
        file = self._folder / path
        if not file.is_file():
            return None
        with telling_what_cannot_be_read(file), file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def put(self, upload: Upload, tell: Callable[[int], None]) -> None:
        """Write a file, whole or not at all.

        Raises:
            PublishError: JX-U12, it cannot be written; JX-U13, it lies in this very folder already.
        """
        if isinstance(upload.file, Path) and upload.file.resolve().is_relative_to(self._folder):
            cause = f"要发布的文件就在目的地 {self._folder} 里面"
            raise PublishError([Problem(place=upload.file, cause=cause, fix="给目的地换一个专门放网站的文件夹", code="JX-U13")])
        with self._telling(upload.path):
            self._write(self._folder / upload.path, upload.file)
        tell(upload.size_bytes)

    def remove(self, path: str) -> None:
        """Delete a file, and the folders that it leaves empty."""
        with self._telling(path):
            file = self._folder / path
            file.unlink(missing_ok=True)
            for parent in file.parents:
                if parent == self._folder or any(parent.iterdir()):
                    break
                parent.rmdir()

    @contextmanager
    def _telling(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            cause = f"目的地的文件夹写不进去：{error.strerror or error}"
            fix = "看看磁盘是否还有空间、有没有写入的权限、网络盘是否连着，再发布一次"
            raise PublishError([Problem(place=self._folder / path, cause=cause, fix=fix, code="JX-U12")]) from error

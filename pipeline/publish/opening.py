"""From what series.toml says of a destination to the place itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import Problem, PublishError
from pipeline.model import Destination
from pipeline.publish.folder import open_folder
from pipeline.publish.place import Place


def open_place(destination: Destination, workspace: Path, write: Callable[[Path, bytes | Path], None]) -> Place:
    """Return the folder or bucket that ``destination`` names; a folder may be relative to ``workspace``.

    ``write`` puts a file in place whole and on the disk.

    Raises:
        PublishError: an address of another kind (JX-U01), a bucket without the extra ``s3`` (JX-U02), and what is wrong with
            the folder (JX-U11) or the bucket (JX-U03, U08, U14, U15) itself.
    """
    series_file = workspace / "series.toml"
    kind, separator, _ = destination.url.partition("://")
    kind = kind.lower() if separator else ""
    if kind == "s3":
        if find_spec("boto3") is None:
            cause = "发布到存储桶要用 boto3，这台电脑上没有装"
            fix = r"运行 .venv\Scripts\pip install boto3（Linux、macOS 上是 .venv/bin/pip install boto3），再发布一次"
            raise PublishError([Problem(place=series_file, cause=cause, fix=fix, code="JX-U02")])
        from pipeline.publish.bucket import open_bucket  # noqa: PLC0415  (boto3 takes a third of a second to load)

        return open_bucket(destination, series_file)
    if kind in {"", "file"} and destination.url.strip():
        return open_folder(destination, workspace, write)
    fix = "写成文件夹（file:///srv/www），或 s3://桶名/目录"
    if kind in {"oss", "cos"}:
        fix = f'写成 s3://桶名/目录，再加一行 service = "{kind}"'
    cause = f"destinations.{destination.name} 的 url 以 {kind}:// 开头，不知道怎么放到那里" if kind else "url 是空的"
    raise PublishError([Problem(place=series_file, cause=cause, fix=fix, code="JX-U01")])

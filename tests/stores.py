"""Stores and web servers on loopback, for publishing: moto's S3, gates before it that fail or refuse, and nginx."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import random
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import urllib3
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from pipeline.publish.headers import mime_type

REPOSITORY = Path(__file__).parents[1]
BUCKET = "jixiang"
_ACCOUNT = "123456789012"  # the one that moto makes up
WHY_NO_NGINX = "这台机器上没有 nginx，docs/nginx.conf 没有试过。装一个（Debian：apt install nginx-light），再运行 make test。"

_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "server", "date", "content-length"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a gate was asked; ``path`` with its query, header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a gate answers."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Store:
    """moto's S3 with one bucket, empty, that everybody may read."""

    url: str
    client: Any

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """Return every object under ``prefix``, its key without it; from moto's memory, without a request."""
        keys = s3_backends[_ACCOUNT]["aws"].buckets[BUCKET].keys
        return {key.removeprefix(prefix): keys[key].value for key in [*keys] if key.startswith(prefix)}


@contextmanager
def moto_store() -> Iterator[Store]:
    """Run moto's S3, its signatures unchecked."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        keys = {"aws_access_key_id": "check", "aws_secret_access_key": "check", "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=url, **keys)
        client.create_bucket(Bucket=BUCKET)
        statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
        client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        yield Store(url=url, client=client)
    finally:
        server.stop()


# Gates


Gate = Callable[[Request, Callable[[Request], Answer]], Answer | None]
"""Takes a request and the way onwards; returns the answer, or None to close the connection without one."""


@contextmanager
def gate(store_url: str, decide: Gate) -> Iterator[str]:
    """Run a server on loopback that lets ``decide`` answer each request, or ask the store at ``store_url``."""
    onwards = urllib3.PoolManager(maxsize=16)

    def ask(request: Request) -> Answer:
        headers = {name: value for name, value in request.headers.items() if name not in {"connection", "expect"}}
        answer = onwards.request(
            request.method,
            store_url + request.path,
            headers=headers,
            body=request.body,
            redirect=False,
            retries=False,
            decode_content=False,
        )
        return Answer(status=answer.status, body=answer.data, headers=answer.headers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body in one go

        def handle_expect_100(self) -> bool:
            expected = super().handle_expect_100()
            self.wfile.flush()
            return expected

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = decide(Request(method=self.command, path=self.path, headers=headers, body=body), ask)
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            length = answer.headers.get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815  (the names that the base class looks for)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing: that connections break is what a gate is for."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@dataclass(kw_only=True)
class Faults:
    """A gate that fails once, at the ``at``-th request (from 0) of the ``methods``, in the way of ``kind``; -1: never.

    Counts those in ``asked``.

    ``refused``: answers 503 and does nothing. ``cut``: the store gets ``cut_bytes`` of the body and then nothing more; a
    request without a body gets half an answer. ``lost``: the store does what it is asked, and the answer is lost.
    """

    store_url: str
    at: int = -1
    kind: str = "refused"
    cut_bytes: int = 1
    methods: frozenset[str] = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request, onwards: Callable[[Request], Answer]) -> Answer | None:
        """Answer one request, or fail."""
        if request.method not in self.methods:
            return onwards(request)
        with self.lock:
            number = len(self.asked)
            self.asked.append(f"{request.method} {request.path}")
        if number != self.at:
            return onwards(request)
        if self.kind == "refused":
            return Answer(status=503, body=b"<Error><Code>ServiceUnavailable</Code></Error>")
        if self.kind == "cut" and request.body:
            _send_a_part(self.store_url, request, min(self.cut_bytes, len(request.body) - 1))
        else:
            onwards(request)
        return None


def _send_a_part(store_url: str, request: Request, cut_bytes: int) -> None:
    address = urlsplit(store_url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        lines = [f"{request.method} {request.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.items() if name != "expect"]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + request.body[:cut_bytes])
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):  # until the store has made up its mind
            pass


def strict(request: Request, onwards: Callable[[Request], Answer]) -> Answer:
    """Behave as Alibaba OSS does where it differs from S3, and pass on to a store what it lets through.

    Its own host for each bucket, none of the newer checksums, no chunks of AWS's own, an MD5 where many are deleted at once,
    and a body that is what its MD5 says. Asked through it as a proxy, so that the host can be any.
    """
    address = urlsplit(request.path)
    bucket, _, rest = address.netloc.partition(".")
    if not rest.startswith("oss-"):
        return _error(403, "SecondLevelDomainForbidden")
    newer = [name for name in request.headers if re.match(r"x-amz-(checksum-|sdk-checksum|trailer)", name)]
    if newer or "aws-chunked" in request.headers.get("content-encoding", ""):
        return _error(400, "InvalidArgument")
    md5 = request.headers.get("content-md5")
    if "delete" in address.query.split("&") and md5 is None:
        return _error(400, "MissingArgument")
    if md5 is not None and md5 != base64.b64encode(hashlib.md5(request.body, usedforsecurity=False).digest()).decode():
        return _error(400, "InvalidDigest")
    query = f"?{address.query}" if address.query else ""
    headers = {name: value for name, value in request.headers.items() if name != "host"}
    path = f"/{bucket}{address.path}{query}"
    return onwards(Request(method=request.method, path=path, headers=headers, body=request.body))


def _error(status: int, code: str) -> Answer:
    return Answer(status=status, body=f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())


Change = Callable[[Request, Answer], Answer | None]
"""Takes a request and the right answer, and returns what is answered instead."""


def _unchanged(_: Request, answer: Answer) -> Answer:
    return answer


def bucket_website(prefix: str = "", change: Change = _unchanged) -> Gate:
    """Return a gate that serves what lies under ``prefix`` in the bucket as a website, ``index.html`` for a folder."""

    def serve(request: Request, onwards: Callable[[Request], Answer]) -> Answer | None:
        path = urlsplit(request.path).path
        path = f"{path}index.html" if path.endswith("/") else path
        headers = {name: value for name, value in request.headers.items() if name in {"range", "accept-encoding"}}
        return change(request, onwards(Request(method="GET", path=f"/{BUCKET}/{prefix}{path[1:]}", headers=headers, body=b"")))

    return serve


def folder_website(root: Path, change: Change = _unchanged) -> Gate:
    """Return a gate that serves a folder as a website, with the right types and byte ranges."""

    def serve(request: Request, _: Callable[[Request], Answer]) -> Answer | None:
        path = urlsplit(request.path).path[1:]
        path = f"{path}index.html" if path.endswith("/") or not path else path
        if not (root / path).is_file():
            return change(request, Answer(status=404, body=b"nothing here"))
        content, headers = (root / path).read_bytes(), {"Content-Type": mime_type(path)}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
        if wanted:
            first, last = int(wanted[1]), int(wanted[2])
            headers |= {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
            return change(request, Answer(status=206, body=content[first : last + 1], headers=headers))
        return change(request, Answer(status=200, body=content, headers=headers))

    return serve


# nginx


def find_nginx() -> str | None:
    """Return the program; Debian keeps it where only root looks."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


def shipped_nginx(root: Path) -> str:
    """Return the server block that we ship, for ``root``."""
    shipped = (REPOSITORY / "docs" / "nginx.conf").read_text(encoding="utf-8")
    return shipped.replace("root /srv/jixiang;", f"root {root};")


@contextmanager
def nginx(program: str, server: str, folder: Path) -> Iterator[str]:
    """Run nginx with a ``server`` block, on loopback instead of port 80, its files in ``folder``; yield the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    edited = server.replace("listen 80;", f"listen 127.0.0.1:{port};")
    paths = "".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""  # pytest's folders are for their owner alone
    main = f"{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}"
    (folder / "nginx.conf").write_text(f"{main}\nhttp {{ access_log off; {paths}\n{edited}\n}}\n", encoding="utf-8")
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < until_s:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nginx did not start: {process.communicate(timeout=10)[1].decode(errors='replace')}")


# A site to publish


SITE_URL = "https://jixiang.example/"


def write_site(folder: Path, episodes: int = 2, edition: str = "", *, whole: bool = True) -> dict[str, Path]:
    """Write a small finished site into ``folder`` and return its files by path; pages and feed say which ``edition`` they are.

    Two editions of a file have the same length, so that length alone tells nothing. Only a ``whole`` site has a file of each
    kind.
    """
    files = {"index.html": f"<h1>home{edition}</h1>".encode()}
    if whole:
        files |= {
            "404.html": b"<h1>lost</h1>",
            "robots.txt": b"Sitemap:\n",
            "sitemap.xml": b"<urlset/>",
            "favicon.svg": b"<svg/>",
        }
        files |= {"manifest.webmanifest": b"{}", "a/b.json": b"{}"}
        files |= dict([_hashed("assets/site", b"body {}", ".css"), _hashed("assets/site", b"let a", ".js")])
        files |= dict([_hashed("images/1", b"\xff\xd8", ".jpg"), _hashed("images/series", b"\x89PNG", ".png")])
        files |= dict([_hashed("transcripts/1", b"1\n", ".srt"), _hashed("transcripts/1", b"[]", ".json")])
        files |= dict([_hashed("chapters/1", b"{}", ".json"), _hashed("audio/1", bytes(900), ".m4a")])
    items = []
    for number in range(1, episodes + 1):
        sound = _hashed(f"audio/{number}", random.Random(number).randbytes(900), ".mp3")  # noqa: S311  (no secret)
        words = _hashed(f"transcripts/{number}", f"WEBVTT\n\n{number}".encode(), ".vtt")
        files |= dict([sound, words]) | {f"{number}/index.html": f"<h1>{number}{edition}</h1>".encode()}
        enclosure = f'<enclosure url="{SITE_URL}{sound[0]}" length="900" type="audio/mpeg"/>'
        items.append(f"<item>{enclosure}<link>{SITE_URL}{number}/</link><transcript url='{SITE_URL}{words[0]}'/></item>")
    files["feed.xml"] = f"<rss><channel><title>{edition}</title>{''.join(items)}</channel></rss>".encode()
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return {path: folder / path for path in files}


def _hashed(name: str, content: bytes, suffix: str) -> tuple[str, bytes]:
    return f"{name}-{hashlib.sha256(content).hexdigest()[:12]}{suffix}", content


def missing_of_feed(objects: Mapping[str, bytes]) -> list[str]:
    """Return what a published feed names and is not there with the bytes that its name goes with; nothing without a feed."""
    feed = objects.get("feed.xml", b"").decode()
    named = [address.removeprefix(SITE_URL) for address in re.findall(rf"{re.escape(SITE_URL)}[^'\"<]*", feed)]
    paths = [f"{path}index.html" if path.endswith("/") or not path else path for path in named]
    return [path for path in paths if not _is_whole(path, objects.get(path))]


def _is_whole(path: str, content: bytes | None) -> bool:
    found = re.search(r"-([0-9a-f]{12})\.\w+$", path)
    return content is not None and (found is None or hashlib.sha256(content).hexdigest().startswith(found[1]))

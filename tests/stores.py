"""Stores and web servers on loopback, for publishing: moto's S3, gates before it that fail or refuse, and nginx."""

from __future__ import annotations

import base64
import hashlib
import json
import os
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
from moto.server import ThreadedMotoServer

REPOSITORY = Path(__file__).parents[1]
BUCKET = "jixiang"
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
        """Return every object under ``prefix``, its key without it."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return {key.removeprefix(prefix): self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


@contextmanager
def moto_store() -> Iterator[Store]:
    """Run moto's S3, its signatures unchecked."""
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
    """A gate that fails once, at the ``at``-th request (from 0), in the way of ``kind``; -1: never. Counts in ``asked``.

    ``refused``: answers 503 and does nothing. ``cut``: the store gets ``cut_bytes`` of the body and then nothing more; a
    request without a body gets half an answer. ``lost``: the store does what it is asked, and the answer is lost.
    """

    store_url: str
    at: int = -1
    kind: str = "refused"
    cut_bytes: int = 1
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request, onwards: Callable[[Request], Answer]) -> Answer | None:
        """Answer one request, or fail."""
        with self.lock:
            number = len(self.asked)
            self.asked.append(f"{request.method} {request.path}")
        if number != self.at:
            return onwards(request)
        if self.kind == "refused":
            return Answer(status=503, body=b"<Error><Code>ServiceUnavailable</Code></Error>")
        if self.kind == "cut" and request.body:
            _send_a_part(self.store_url, request, self.cut_bytes)
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


def website(prefix: str = "", **changes: Callable[[Request, Answer], Answer]) -> Gate:
    """Return a gate that serves the bucket as a website, ``index.html`` for a folder.

    ``changes`` may hold ``answer``, which gets each request and the right answer, and gives another.
    """

    def serve(request: Request, onwards: Callable[[Request], Answer]) -> Answer:
        path = urlsplit(request.path).path
        path = f"{path}index.html" if path.endswith("/") else path
        headers = {name: value for name, value in request.headers.items() if name in {"range", "accept-encoding"}}
        answer = onwards(Request(method=request.method, path=f"/{BUCKET}/{prefix}{path[1:]}", headers=headers, body=b""))
        return changes["answer"](request, answer) if "answer" in changes else answer

    return serve


# nginx


def find_nginx() -> str | None:
    """Return the program; Debian keeps it where only root looks."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


@contextmanager
def nginx(program: str, root: Path, folder: Path) -> Iterator[str]:
    """Serve ``root`` with the configuration that we ship, its logs and temporary files in ``folder``; yield the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shipped = (REPOSITORY / "docs" / "nginx.conf").read_text(encoding="utf-8")
    edited = shipped.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("root /srv/jixiang;", f"root {root};")
    paths = "".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""  # pytest's folders are for their owner alone
    main = f"{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}"
    (folder / "nginx.conf").write_text(f"{main}\nhttp {{ access_log off; {paths}\n{edited}\n}}\n", encoding="utf-8")
    command = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
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

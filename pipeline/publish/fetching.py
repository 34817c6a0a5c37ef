"""Read back over HTTP what was put up, as listeners' apps and printed codes will: address, bytes, type, byte ranges."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)
from urllib3.exceptions import SSLError as CertificateError

from pipeline.errors import Problem, PublishError
from pipeline.publish.headers import is_as_good, page_address

_AT_ONCE = 8
_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S = 10, 20
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 8.0
_HICCUP_S = 8.0  # how long a store may be out of order before it counts
_CHUNK_BYTES = 2**16
_SLOWEST_BYTES_A_SECOND = 10_000
_RANGE_BYTES = 1024
_MOST_FAULTS = 20
_DIRECTORY_FIX = (
    "在存储的静态网站设置里打开子目录首页。阿里云 OSS：静态页面，默认首页写 index.html，“子目录首页”选开通，规则选 Index；"
    "腾讯云 COS：静态网站，索引文档写 index.html；nginx：index index.html（见 docs/nginx.conf）；"
    "R2、MinIO 等自己不认子目录的，前面加一台会认的网页服务器或 CDN 规则。改好再发布一次"
)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What an address must answer; ``path`` is the file behind it, ``before_sha256`` what it held before, if that is known."""

    url: str
    path: str
    file: Path
    sha256: str
    size_bytes: int
    mime_type: str
    before_sha256: str | None


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An address that does not answer as it must; ``other_bytes`` if what lies behind it seems to be another file's content."""

    path: str
    problem: Problem
    other_bytes: bool = False


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    sha256: str
    content: bytes


class _NoAnswerError(Exception):
    """The connection was refused, timed out or ended early; says so in Chinese."""


def fetch(fetch_url: str, path: str) -> bytes:
    """Return one published file's content. ``fetch_url`` ends in ``/``.

    Raises:
        PublishError: it does not answer (JX-U20), or not with the file (JX-U21).
    """
    url = file_url(fetch_url, path)
    http = _pool(url)
    give_up_s = time.monotonic() + _HICCUP_S
    for wait_s in _growing_waits():
        try:
            answer = _get(http, url, keep=True)
        except _NoAnswerError as error:
            fault = _silent(url, path, str(error))
        else:
            if answer.status == HTTPStatus.OK:
                return answer.content
            fault = _refused(url, path, answer.status)
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                break
        if time.monotonic() + wait_s > give_up_s:
            break
        time.sleep(wait_s)
    raise PublishError([fault.problem])


def file_url(fetch_url: str, path: str) -> str:
    """Return the address that a file is read back from: its own, or its folder's for an ``index.html``."""
    return fetch_url + quote(page_address(path))


def fetch_back(
    expected: Sequence[Expected], *, home_sha256: frozenset[str], patience_s: float, tell: Callable[[int], None]
) -> list[Fault]:
    """Return what is wrong with ``expected``, all of it, in its order.

    A server that stumbles gets some seconds; an old copy in a cache on the way gets ``patience_s``, for all files together.
    ``home_sha256`` are those of the home page and the page for lost visitors, which some stores give for what they do not
    find. ``tell`` takes the bytes of each file that is done.
    """
    if not expected:
        return []
    reader = _Reader(
        http=_pool(expected[0].url),
        home_sha256=home_sha256,
        stale_until_s=time.monotonic() + patience_s,
        hiccup_s=min(_HICCUP_S, patience_s),
    )
    with ThreadPoolExecutor(_AT_ONCE) as pool:

        def check(each: Expected) -> list[Fault]:
            faults = reader.check(each)
            tell(each.size_bytes)
            return faults

        try:
            return [fault for faults in pool.map(check, expected) for fault in faults]
        except BaseException:
            reader.stopped.set()  # Ctrl-C: whoever waits for another try gives up
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def refuse(faults: Sequence[Fault]) -> PublishError:
    """Return ``faults`` as one error: the first twenty, and how many more there are."""
    problems = [fault.problem for fault in faults[:_MOST_FAULTS]]
    if len(faults) > _MOST_FAULTS:
        cause = f"一共有 {len(faults)} 处，上面是前 {_MOST_FAULTS} 处，另外 {len(faults) - _MOST_FAULTS} 处没有列出"
        fix = "先照上面改，再发布一次；多半是同一个原因"
        problems.append(Problem(place=problems[0].place, cause=cause, fix=fix, code="JX-U29"))
    return PublishError(problems)


@dataclass(kw_only=True)
class _Reader:
    http: urllib3.PoolManager
    home_sha256: frozenset[str]
    stale_until_s: float
    hiccup_s: float
    faulty: int = 0
    silent: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, each: Expected) -> list[Fault]:
        """Return what is wrong with one address, after as many tries as it deserves.

        Once many are wrong, the rest is tried once, and not at all if the server is down: nobody waits hours for a thousand.
        """
        if self.silent >= _MOST_FAULTS:
            return [_silent(each.url, each.path, f"前面已有 {_MOST_FAULTS} 个网址没有答，这个没有再试")]
        hiccup_until_s = time.monotonic() + self.hiccup_s
        faults: list[Fault] = []
        for wait_s in _growing_waits():
            try:
                faults = self._look(each)
            except _NoAnswerError as error:
                faults = [_silent(each.url, each.path, str(error))]
            codes = {fault.problem.code for fault in faults}
            until_s = max(hiccup_until_s, self.stale_until_s) if _STALE in codes else hiccup_until_s
            if not codes & _MAY_HEAL or self.faulty >= _MOST_FAULTS or time.monotonic() + wait_s > until_s:
                break
            if self.stopped.wait(wait_s):
                break
        with self.lock:
            self.faulty += bool(faults)
            self.silent += any(fault.problem.code == _SILENT for fault in faults)
        return faults

    def _look(self, each: Expected) -> list[Fault]:
        answer = _get(self.http, each.url)
        if answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND} and self._is_there_by_name(each):
            return [_no_directory(each, f"答的是 {answer.status}，可是 {each.path} 明明在")]
        if answer.status != HTTPStatus.OK:
            return [_refused(each.url, each.path, answer.status)]
        if answer.sha256 != each.sha256:
            return [self._other_bytes(each, answer)]
        return [*_header_faults(each, answer), *self._range_faults(each)]

    def _is_there_by_name(self, each: Expected) -> bool:
        if page_address(each.path) == each.path:
            return False
        address = urlsplit(each.url)
        by_name = address._replace(path=f"{address.path.rstrip('/')}/index.html", query="").geturl()
        return _get(self.http, by_name).sha256 == each.sha256

    def _other_bytes(self, each: Expected, answer: _Answer) -> Fault:
        is_home = answer.sha256 in self.home_sha256
        is_before = answer.sha256 == each.before_sha256
        if is_home and not is_before and page_address(each.path) != each.path:
            return _no_directory(each, "答的是首页或 404 页，不是这一页")
        if is_before or _from_a_cache(answer):
            cause = f"{each.url} 答的还是旧的内容，等了一阵也没有变；多半是 CDN 的缓存"
            fix = "在 CDN 控制台刷新这个网址，或等 5 分钟，再发布一次"
            return Fault(path=each.path, problem=Problem(place=Path(each.path), cause=cause, fix=fix, code=_STALE))
        if self._is_there_by_name(each):
            return _no_directory(each, f"答的是别的内容，可是 {each.path} 是对的")
        what = "首页的内容" if is_home else f"别的内容（SHA-256 {answer.sha256[:12]}…）"
        cause = f"{each.url} 答的是{what}，应当是刚传上去的（{each.sha256[:12]}…）"
        fix = "核对 fetch_url 和 url 说的是不是同一个地方、网站会不会改写内容（插广告、压缩网页），再发布一次，会重传它"
        problem = Problem(place=Path(each.path), cause=cause, fix=fix, code="JX-U23")
        return Fault(path=each.path, problem=problem, other_bytes=True)

    def _range_faults(self, each: Expected) -> list[Fault]:
        """Ask for a stretch in the middle of a sound: apps do when somebody jumps ahead. Source: RFC 9110, 14."""
        if not each.mime_type.startswith("audio/"):
            return []
        first = each.size_bytes // 2
        last = min(first + _RANGE_BYTES, each.size_bytes) - 1
        answer = _get(self.http, each.url, byte_range=f"bytes={first}-{last}")
        with each.file.open("rb") as stream:
            stream.seek(first)
            stretch = stream.read(last - first + 1)
        said = answer.headers.get("Content-Range", "").strip().lower()
        if (answer.status, said, answer.content) == (
            HTTPStatus.PARTIAL_CONTENT,
            f"bytes {first}-{last}/{each.size_bytes}",
            stretch,
        ):
            return []
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return [_refused(each.url, each.path, answer.status)]
        found = "内容不对" if said else "没有 Content-Range"
        cause = f"{each.url} 不会只给中间一段：要 {first}–{last} 字节应答 206，它答 {answer.status}，{found}；听众不能快进"
        fix = "在网页服务器或 CDN 里打开 Range 请求（CDN 叫“Range 回源”），再发布一次"
        return [Fault(path=each.path, problem=Problem(place=Path(each.path), cause=cause, fix=fix, code="JX-U26"))]


_SILENT, _REFUSED, _STALE = "JX-U20", "JX-U21", "JX-U24"
_MAY_HEAL = {_SILENT, _REFUSED, _STALE, "JX-U23"}


def _silent(url: str, path: str, reason: str) -> Fault:
    fix = "看看 series.toml 里的 fetch_url 对不对、网站开着没有、网络通不通，再发布一次"
    return Fault(path=path, problem=Problem(place=Path(path), cause=f"{url} 没有答完：{reason}", fix=fix, code=_SILENT))


def _refused(url: str, path: str, status: int) -> Fault:
    fix = "看看 fetch_url 是不是 url 的那个地方、文件有没有公开读取的权限，再发布一次"
    return Fault(path=path, problem=Problem(place=Path(path), cause=f"{url} 答的是 {status}，应当是 200", fix=fix, code=_REFUSED))


def _no_directory(each: Expected, found: str) -> Fault:
    cause = f"{each.url} {found}；海报上的码会打不开"
    return Fault(path=each.path, problem=Problem(place=Path(each.path), cause=cause, fix=_DIRECTORY_FIX, code="JX-U22"))


def _header_faults(each: Expected, answer: _Answer) -> list[Fault]:
    faults = []
    said = answer.headers.get("Content-Type", "")
    wanted_type, _, wanted_charset = each.mime_type.partition("; charset=")
    found_type, _, parameters = said.partition(";")
    name, _, found_charset = parameters.strip().partition("=")
    charset_is_other = bool(wanted_charset) and name.lower() == "charset" and found_charset.strip('"').lower() != wanted_charset
    if not is_as_good(wanted_type, found_type.strip().lower()) or charset_is_other:
        cause = f"{each.url} 的类型（Content-Type）是 {said or '空的'}，应当是 {each.mime_type}"
        fix = "在网页服务器或 CDN 里改对类型（nginx 见 docs/nginx.conf；存储桶里的由程序写，看看 CDN 有没有改写），再发布一次"
        faults.append(Fault(path=each.path, problem=Problem(place=Path(each.path), cause=cause, fix=fix, code="JX-U25")))
    disposition = answer.headers.get("Content-Disposition", "").strip().lower()
    if disposition.startswith("attachment") and wanted_type.startswith(("text/html", "audio/")):
        cause = f"{each.url} 一打开就变成下载（Content-Disposition: attachment），看不了也听不了"
        fix = "OSS、COS 的默认域名都这样：给桶绑定自己的域名，把 fetch_url 和 site_url 写成它，再发布一次"
        faults.append(Fault(path=each.path, problem=Problem(place=Path(each.path), cause=cause, fix=fix, code="JX-U27")))
    return faults


def _from_a_cache(answer: _Answer) -> bool:
    age = answer.headers.get("Age", "").strip()
    return (age.isdigit() and int(age) > 0) or "hit" in answer.headers.get("X-Cache", "").lower()


def _pool(url: str) -> urllib3.PoolManager:
    """Return connections to ``url``'s host, through the proxy that the system names, if any."""
    address = urlsplit(url)
    proxy = getproxies().get(address.scheme)
    if proxy and not proxy_bypass(address.netloc):
        return urllib3.ProxyManager(proxy, maxsize=_AT_ONCE)
    return urllib3.PoolManager(maxsize=_AT_ONCE)


def _get(http: urllib3.PoolManager, url: str, *, byte_range: str = "", keep: bool = False) -> _Answer:
    """Return an answer, its body summed up; the body itself if ``keep`` says so, or for the stretch that was asked for."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": byte_range} if byte_range else {})
    timeout = urllib3.Timeout(connect=_CONNECT_TIMEOUT_S, read=_READ_TIMEOUT_S)
    retries = urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=5)
    digest, kept = hashlib.sha256(), bytearray()
    try:
        response = http.request("GET", url, headers=headers, timeout=timeout, retries=retries, preload_content=False)
        try:
            if not byte_range or response.status == HTTPStatus.PARTIAL_CONTENT:
                for chunk in _chunks(response):
                    digest.update(chunk)
                    if keep or byte_range:
                        kept += chunk
            else:
                response.close()  # the whole sound once more is of no use
        finally:
            response.release_conn()
    except HTTPError as error:
        raise _NoAnswerError(_reason(error)) from error
    return _Answer(status=response.status, headers=response.headers, sha256=digest.hexdigest(), content=bytes(kept))


def _chunks(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Yield the body as it comes, for as long as a slow line may take and no longer.

    Raises:
        _NoAnswerError: it drips.
    """
    length = response.headers.get("Content-Length", "")
    patience_s = _READ_TIMEOUT_S + (int(length) if length.isdecimal() else 0) / _SLOWEST_BYTES_A_SECOND
    began_s = time.monotonic()
    while chunk := response.read1(_CHUNK_BYTES, decode_content=True):
        yield chunk
        if time.monotonic() - began_s > patience_s:
            response.close()
            raise _NoAnswerError(f"太慢了：{patience_s:.0f} 秒还没有传完")


def _reason(error: HTTPError) -> str:
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    match cause:
        case NameResolutionError():
            return "找不到这个域名"
        case CertificateError():
            return "证书不对或过期了"
        case ConnectTimeoutError():
            return f"等了 {_CONNECT_TIMEOUT_S} 秒还没有连上"
        case NewConnectionError():
            return "连不上"
        case ReadTimeoutError():
            return f"等了 {_READ_TIMEOUT_S} 秒没有下文"
    return f"半路断了（{type(cause).__name__}）"


def _growing_waits() -> Iterator[float]:
    wait_s = _FIRST_WAIT_S
    while True:
        yield wait_s
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

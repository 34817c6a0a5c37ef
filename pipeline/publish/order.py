"""Publishing in the one order that never breaks a promise: what a feed names is there and was fetched back before the feed is."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Container, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import JixiangError, Problem, PublishError
from pipeline.publish.fetching import Expected, Fault, fetch_back, file_url, refuse
from pipeline.publish.headers import FEED, FEED_STEP, LEDGER, MANIFEST, cache_control, mime_type
from pipeline.publish.manifest import UNKNOWN, Entry, Manifest, check_enclosures, manifest_bytes, named_paths
from pipeline.publish.place import Place, Upload
from pipeline.publish.planning import Plan, Planned

_AT_ONCE = 8
_CODES_LOOKED_AT_AGAIN = 3
_PATIENCE_S = 60.0
_LOST_PAGE, _HOME_PAGE = "404.html", "index.html"


@dataclass(frozen=True, kw_only=True)
class Code:
    """A printed code: the episode's number, the address that it holds, and the file that must answer, as ``7/index.html``."""

    number: int
    url: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was done. ``fetched`` counts addresses read back; ``left_over`` are the files that the site has no more."""

    uploaded: int
    uploaded_bytes: int
    fetched: int
    removed: tuple[str, ...]
    left_over: tuple[str, ...]


def publish(
    plan: Plan,
    place: Place,
    fetch_url: str,
    *,
    codes: Sequence[Code],
    release: Callable[[], bytes],
    kept: Container[str],
    prune: int | None,
    progress: Callable[[str, int, int], None],
    patience_s: float = _PATIENCE_S,
) -> Published:
    """Carry out ``plan``: sound and pictures, what belongs to them, pages, all fetched back, then the feed, then the ledger.

    ``release`` is called when everything but the feed and the ledger is up and was fetched back; it writes the release lines
    and returns the ledger's content. ``kept`` are the paths that the ledger names; ``prune`` is the most files that may be
    removed, None for none at all. ``progress`` takes what is being done, the bytes done and all bytes, from one thread at a
    time. An old copy in a cache on the way is waited for ``patience_s``. Cut short anywhere and run again, it finishes.

    Raises:
        PublishError: the feed names a sound that the site has not (JX-U30), more to remove than ``prune`` (JX-U33), an upload
            that did not come through (JX-U32 besides its cause), an address that does not answer as it must (JX-U20 to U29),
            somebody else who publishes there at the same time (JX-U34).
    """
    check_enclosures(plan.site[FEED], plan.site)
    removable = tuple(entry.path for entry in plan.entries if entry.action == "left over" and entry.path not in kept)
    _check_cap(removable, prune)
    run = _Run(plan, place, fetch_url, progress, patience_s)
    run.forget(entry.path for entry in plan.entries if entry.action == "changed")
    run.upload([entry for entry in plan.entries if entry.step < FEED_STEP])
    run.save()
    run.confirm([path for path in plan.site if path != FEED], codes)
    run.names |= named_paths(plan.site[FEED].read_bytes(), plan.site)
    run.save()  # before the feed is up, so that no feed was ever up whose names are not on record
    run.refuse_company()
    ledger = release()
    run.refuse_company()
    run.upload([entry for entry in plan.entries if entry.step == FEED_STEP])
    run.put_ledger(ledger)
    run.confirm([FEED], [], always=True)
    removed = removable if prune is not None else ()
    run.remove(removed)
    run.save()
    return Published(
        uploaded=run.uploaded,
        uploaded_bytes=run.uploaded_bytes,
        fetched=run.fetched,
        removed=removed,
        left_over=() if removed else removable,
    )


def _check_cap(removable: Sequence[str], prune: int | None) -> None:
    if prune is not None and len(removable) > prune:
        shown = "、".join(removable[:3])
        cause = f"要清理的文件有 {len(removable)} 个（{shown} 等），超过了上限 {prune} 个；一个也没有删，也没有上传"
        fix = f"先用 --dry-run 看看是哪些；确实都不要了，把上限提高到 --prune {len(removable)}"
        raise PublishError([Problem(place=Path(removable[0]), cause=cause, fix=fix, code="JX-U33")])


class _Run:
    """One publishing: what is known of the destination so far, and the figures of what was done."""

    def __init__(
        self, plan: Plan, place: Place, fetch_url: str, progress: Callable[[str, int, int], None], patience_s: float
    ) -> None:
        self._plan, self._place, self._fetch_url = plan, place, fetch_url
        self._progress, self._patience_s = progress, patience_s
        self._files = dict(plan.manifest.files)
        self._saved = manifest_bytes(plan.manifest) if plan.manifest.files else b""
        self._content = plan.manifest.content
        self.names, self._codes = plan.manifest.named, plan.manifest.codes
        self.uploaded = self.uploaded_bytes = self.fetched = 0

    def forget(self, paths: Iterable[str]) -> None:
        """Note on record that these files are about to be overwritten: cut short, nobody knows which bytes they hold."""
        known = [path for path in paths if path in self._files]
        self._files |= {path: Entry(sha256=UNKNOWN, size_bytes=0, confirmed=False) for path in known}
        if known:
            self.save()

    def upload(self, entries: Sequence[Planned]) -> None:
        """Put up what is new or changed, one step after the other, and record it with what is adopted."""
        going = [entry for entry in entries if entry.action in {"new", "changed"}]
        meter = _Meter("上传", sum(entry.size_bytes for entry in going), self._progress)
        for step in sorted({entry.step for entry in going}):
            try:
                _put_all(self._place, [self._as_upload(entry) for entry in going if entry.step == step], meter)
            except JixiangError as error:
                cause = f"没有传完：一共 {len(going)} 个文件，已经传上去 {meter.files} 个；订阅源还是原来的，听众不受影响"
                fix = "照上面改好，再发布一次，会接着传"
                note = Problem(place=error.problems[0].place, cause=cause, fix=fix, code="JX-U32")
                raise type(error)([*error.problems, note]) from error
        for entry in entries:
            if entry.action != "same":
                sha256 = self._plan.sha256[entry.path]
                self._files[entry.path] = Entry(sha256=sha256, size_bytes=entry.size_bytes, confirmed=False)
        self.uploaded += len(going)
        self.uploaded_bytes += sum(entry.size_bytes for entry in going)

    def confirm(self, paths: Sequence[str], codes: Sequence[Code], *, always: bool = False) -> None:
        """Fetch back what was not yet, files and codes, and a few codes once more; record what answers as it must."""
        new = [path for path in paths if always or not self._files[path].confirmed]
        due = [code for code in codes if code.path in new or code.url not in self._codes]
        others = sorted((code for code in codes if code not in due), key=lambda code: code.number)
        looked_at = due + others[-_CODES_LOOKED_AT_AGAIN:]
        addresses = {file_url(self._fetch_url, path): path for path in new} | {code.url: code.path for code in looked_at}
        expected = [self._expected(url, path) for url, path in addresses.items()]
        meter = _Meter("读回", sum(each.size_bytes for each in expected), self._progress)
        faults = fetch_back(expected, home_sha256=self._home(), patience_s=self._patience_s, tell=meter.add)
        self.fetched += len(expected)
        self._record(new, looked_at, faults)
        if faults:
            self.save()
            raise refuse(faults)

    def _record(self, new: Sequence[str], codes: Sequence[Code], faults: Sequence[Fault]) -> None:
        faulty = {fault.path for fault in faults}
        self._codes |= {code.url for code in codes if code.path not in faulty}
        for path in {*new} - faulty:
            self._files[path] = replace(self._files[path], confirmed=True)
        for path in faulty:
            self._files[path] = replace(self._files[path], confirmed=False)
        for path in {fault.path for fault in faults if fault.other_bytes}:
            self._files[path] = Entry(sha256=UNKNOWN, size_bytes=0, confirmed=False)  # the next run puts it up again

    def put_ledger(self, content: bytes) -> None:
        """Put the ledger's copy up if it is another."""
        sha256 = hashlib.sha256(content).hexdigest()
        entry = self._files.get(LEDGER)
        if entry is None or entry.sha256 != sha256:
            self._place.put(_upload(LEDGER, content, sha256, len(content)), _tell_nobody)
            self._files[LEDGER] = Entry(sha256=sha256, size_bytes=len(content), confirmed=True)
            self.uploaded += 1
            self.uploaded_bytes += len(content)

    def remove(self, paths: Sequence[str]) -> None:
        """Take files away and off the record."""
        for path in paths:
            self._place.remove(path)
            del self._files[path]

    def save(self) -> None:
        """Put the manifest up if it is another than the one that is there."""
        content = manifest_bytes(Manifest(files=self._files, named=self.names, codes=self._codes))
        if content != self._saved:
            self.refuse_company()
            sha256 = hashlib.sha256(content).hexdigest()
            self._place.put(_upload(MANIFEST, content, sha256, len(content)), _tell_nobody)
            self._saved = self._content = content

    def refuse_company(self) -> None:
        """Stop where somebody else has put his manifest up since ours was read: his feed and ours would undo each other."""
        if (self._place.read(MANIFEST) or b"") != self._content:
            cause = "另一个人正在往同一个地方发布，两边会互相盖掉"
            fix = "等他发布完，先运行 jixiang restore，再发布一次"
            raise PublishError([Problem(place=Path(MANIFEST), cause=cause, fix=fix, code="JX-U34")])

    def _as_upload(self, entry: Planned) -> Upload:
        return _upload(entry.path, self._plan.site[entry.path], self._plan.sha256[entry.path], entry.size_bytes)

    def _expected(self, url: str, path: str) -> Expected:
        file, before = self._plan.site[path], self._plan.manifest.files.get(path)
        return Expected(
            url=url,
            path=path,
            file=file,
            sha256=self._plan.sha256[path],
            size_bytes=file.stat().st_size,
            mime_type=mime_type(path),
            before_sha256=before.sha256 if before else None,
        )

    def _home(self) -> frozenset[str]:
        now = {self._plan.sha256[path] for path in (_HOME_PAGE, _LOST_PAGE) if path in self._plan.sha256}
        before = {
            self._plan.manifest.files[path].sha256 for path in (_HOME_PAGE, _LOST_PAGE) if path in self._plan.manifest.files
        }
        return frozenset(now | before)


class _Meter:
    """Counts bytes from many threads and tells them one at a time."""

    def __init__(self, what: str, all_bytes: int, progress: Callable[[str, int, int], None]) -> None:
        self._what, self._all_bytes, self._progress = what, all_bytes, progress
        self._lock = threading.Lock()
        self._done_bytes = 0
        self.files = 0

    def add(self, size_bytes: int) -> None:
        with self._lock:
            self._done_bytes += size_bytes
            self._progress(self._what, self._done_bytes, self._all_bytes)

    def count(self) -> None:
        with self._lock:
            self.files += 1


def _put_all(place: Place, uploads: Sequence[Upload], meter: _Meter) -> None:
    """Put files up, several at once. After a failure nothing new is begun; what has begun is finished."""
    stopped = threading.Event()

    def tell(size_bytes: int) -> None:
        if stopped.is_set():
            raise CancelledError
        meter.add(size_bytes)

    def put(upload: Upload) -> None:
        place.put(upload, tell)
        meter.count()

    pool = ThreadPoolExecutor(_AT_ONCE)
    running = [pool.submit(put, upload) for upload in uploads]
    try:
        wait(running, return_when=FIRST_EXCEPTION)
    except BaseException:
        stopped.set()  # Ctrl-C: a large file ends with the part that it is at
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    for each in running:
        if not each.cancelled():
            each.result()


def _upload(path: str, file: Path | bytes, sha256: str, size_bytes: int) -> Upload:
    return Upload(
        path=path,
        file=file,
        sha256=sha256,
        size_bytes=size_bytes,
        mime_type=mime_type(path),
        cache_control=cache_control(path),
    )


def _tell_nobody(_: int) -> None:
    """Of files that are too small for a bar."""

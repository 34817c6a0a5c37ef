"""Whatever fails, wherever: the public feed names nothing that is missing, and the next run completes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import moto.s3.models
import pytest

from pipeline import artefacts, publish
from pipeline.errors import PublishError
from pipeline.model import Destination
from pipeline.publish import bucket
from pipeline.publish.folder import FolderPlace
from pipeline.publish.headers import mime_type
from tests import stores
from tests.stores import Faults, Store

OLD_LEDGER, NEW_LEDGER = b'{"line": 1}\n', b'{"line": 1}\n{"line": 2}\n'


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with stores.moto_store() as running:
        yield running


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give keys that no store checks, tell boto3 to try once, and let small files go in parts."""
    for name, value in {
        "ACCESS_KEY_ID": "k",
        "SECRET_ACCESS_KEY": "s",
        "MAX_ATTEMPTS": "1",
        "EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr(bucket, "_MULTIPART_FROM_BYTES", 800)
    monkeypatch.setattr(bucket, "_PART_BYTES", 500)
    monkeypatch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 256)


def open_bucket(endpoint: str, prefix: str, workspace: Path) -> publish.Place:
    url = f"s3://{stores.BUCKET}/{prefix}"
    destination = Destination(name="website", url=url, fetch_url="", public=True, region="us-east-1", endpoint=endpoint)
    return publish.open_place(destination, workspace, artefacts.write)


def put_out(
    site: dict[str, Path],
    place: publish.Place,
    fetch_url: str,
    ledger: Callable[[], bytes] = lambda: NEW_LEDGER,
    progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None,
) -> publish.Published:
    plan = publish.plan(site, place)
    codes = [
        publish.Code(number=n, url=f"{fetch_url}{n}/?A{n}", path=f"{n}/index.html") for n in (1, 2) if f"{n}/index.html" in site
    ]
    return publish.publish(
        plan, place, fetch_url, codes=codes, release=ledger, kept=(), prune=None, progress=progress, patience_s=0
    )


def copy_objects(store: Store, old: str, new: str) -> None:
    for each in store.client.list_objects_v2(Bucket=stores.BUCKET, Prefix=old)["Contents"]:
        source = {"Bucket": stores.BUCKET, "Key": each["Key"]}
        store.client.copy_object(Bucket=stores.BUCKET, Key=each["Key"].replace(old, new, 1), CopySource=source)


@pytest.fixture(scope="module")
def editions(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return a site and its next edition: another episode, and pages and feed that changed without changing their length."""
    folder = tmp_path_factory.mktemp("editions")
    return stores.write_site(folder / "old", 1, "A", whole=False), stores.write_site(folder / "new", 2, "B", whole=False)


def assert_the_new_edition_is_out(objects: dict[str, bytes], site: dict[str, Path]) -> None:
    assert {path: objects[path] for path in site} == {path: file.read_bytes() for path, file in site.items()}
    assert objects["ledger.jsonl"] == NEW_LEDGER
    manifest = json.loads(objects["publish-manifest.json"])["files"]
    assert {path for path, entry in manifest.items() if not entry["confirmed"]} == set()


WRITING, ANY = frozenset({"PUT", "POST", "DELETE"}), frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})


# Each request that changes something is tried where a store commits and its answer is lost, which is the worst; the milder
# faults at some of all.
@pytest.mark.parametrize(
    ("kind", "cut_bytes", "methods", "every"), [("lost", 0, WRITING, 1), ("cut", 450, ANY, 6), ("refused", 0, ANY, 8)]
)
def test_a_store_that_fails_at_any_request_never_leaves_a_feed_that_names_what_is_missing(
    kind: str,
    cut_bytes: int,
    methods: frozenset[str],
    every: int,
    store: Store,
    editions: tuple[dict[str, Path], dict[str, Path]],
    tmp_path: Path,
) -> None:
    old, new = editions
    base = f"{kind}{cut_bytes}/"
    with stores.gate(store.url, stores.bucket_website(f"{base}base/")) as web:
        put_out(old, open_bucket(store.url, f"{base}base", tmp_path), f"{web}/", lambda: OLD_LEDGER)
    failed = 0
    for at in range(0, 200, every):
        prefix = f"{base}{at}/"
        copy_objects(store, f"{base}base/", prefix)
        faults = Faults(store_url=store.url, at=at, kind=kind, cut_bytes=cut_bytes, methods=methods)

        def ledger(prefix: str = prefix) -> bytes:
            up = store.objects(prefix)
            assert [path for path, file in new.items() if path != "feed.xml" and up.get(path) != file.read_bytes()] == []
            assert up["feed.xml"] == old["feed.xml"].read_bytes()
            return NEW_LEDGER

        with (
            stores.gate(store.url, faults) as faulty,
            stores.gate(store.url, stores.bucket_website(prefix)) as web,
        ):
            try:
                put_out(new, open_bucket(faulty, prefix, tmp_path), f"{web}/", ledger)
            except PublishError:
                failed += 1
            assert stores.missing_of_feed(store.objects(prefix)) == [], faults.asked[at]
            again = open_bucket(store.url, prefix, tmp_path)
            put_out(new, again, f"{web}/")
            assert_the_new_edition_is_out(store.objects(prefix), new)
        if len(faults.asked) <= at:
            break
    else:
        pytest.fail("the requests have no end")
    assert failed >= at // every - 3  # a multipart upload whose listing is refused is begun anew, and that is no failure
    prefix = f"{base}0/"
    heads = {path: store.client.head_object(Bucket=stores.BUCKET, Key=f"{prefix}{path}") for path in new}
    assert {path: head["ContentType"] for path, head in heads.items()} == {path: mime_type(path) for path in new}


def test_ctrl_c_at_any_moment_leaves_a_feed_that_is_whole_and_the_next_run_completes(
    store: Store, editions: tuple[dict[str, Path], dict[str, Path]], tmp_path: Path
) -> None:
    old, new = editions
    with stores.gate(store.url, stores.bucket_website("stop/base/")) as web:
        put_out(old, open_bucket(store.url, "stop/base", tmp_path), f"{web}/", lambda: OLD_LEDGER)
    for last in (0, 2, 5, 8, 12):
        prefix = f"stop/{last}/"
        copy_objects(store, "stop/base/", prefix)
        told: list[str] = []

        def stop(what: str, _done: int, _all: int, told: list[str] = told, last: int = last) -> None:
            told.append(what)
            if len(told) > last:
                raise KeyboardInterrupt

        place = open_bucket(store.url, prefix, tmp_path)
        with stores.gate(store.url, stores.bucket_website(prefix)) as web:
            with pytest.raises(KeyboardInterrupt):
                put_out(new, place, f"{web}/", progress=stop)
            assert stores.missing_of_feed(store.objects(prefix)) == []
            put_out(new, place, f"{web}/")
        assert_the_new_edition_is_out(store.objects(prefix), new)


def test_a_disk_that_fails_at_any_file_never_leaves_a_feed_that_names_what_is_missing(
    editions: tuple[dict[str, Path], dict[str, Path]], tmp_path: Path
) -> None:
    old, new = editions
    for at in range(100):
        root = tmp_path / str(at)
        written: list[Path] = []

        def write(target: Path, content: bytes | Path, written: list[Path] = written, at: int = at, root: Path = root) -> None:
            written.append(target)
            if len(written) == at + 1:
                raise OSError(28, "No space left on device", str(root))
            artefacts.write(target, content)

        with stores.gate("", stores.folder_website(root)) as web:
            put_out(old, FolderPlace(root, artefacts.write), f"{web}/", lambda: OLD_LEDGER)
            try:
                put_out(new, FolderPlace(root, write), f"{web}/")
                codes = set()
            except PublishError as error:
                codes = {problem.code for problem in error.problems}
            assert stores.missing_of_feed(contents(root)) == []
            put_out(new, FolderPlace(root, artefacts.write), f"{web}/")
        assert_the_new_edition_is_out(contents(root), new)
        if len(written) <= at:
            return
        assert "JX-U12" in codes
    pytest.fail("the files have no end")


def contents(root: Path) -> dict[str, bytes]:
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def test_an_upload_in_parts_goes_on_where_it_was_cut(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "_PART_BYTES", 300)
    sound = next(file for path, file in stores.write_site(tmp_path / "site", 1, whole=False).items() if path.startswith("audio/"))
    content = sound.read_bytes()
    path = f"audio/1-{hashlib.sha256(content).hexdigest()[:12]}.mp3"
    upload = publish.Upload(
        path=path,
        file=sound,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        mime_type="audio/mpeg",
        cache_control="",
    )
    for cut_at, sent_again in ((2, ["1", "2", "3"]), (3, ["2", "3"]), (4, ["3"]), (5, [])):
        prefix = f"parts{cut_at}/"
        faults = Faults(store_url=store.url, at=cut_at, kind="refused")
        with stores.gate(store.url, faults) as faulty, pytest.raises(PublishError):
            open_bucket(faulty, prefix, tmp_path).put(upload, lambda _: None)
        assert store.objects(prefix) == {}
        arrived: list[int] = []
        faults = Faults(store_url=store.url)
        with stores.gate(store.url, faults) as faulty:
            open_bucket(faulty, prefix, tmp_path).put(upload, arrived.append)
        assert re.findall(r"partNumber=(\d)", " ".join(faults.asked)) == sent_again
        assert (store.objects(prefix), sum(arrived)) == ({path: content}, len(content))

"""A bucket as a destination: headers, few requests, parts, what stores refuse, and keys that are never told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from moto.s3.models import s3_backends

from pipeline import artefacts, publish
from pipeline.errors import PublishError
from pipeline.model import Destination
from pipeline.publish.headers import cache_control, mime_type
from pipeline.publish.manifest import Entry, Manifest, manifest_bytes
from tests import stores
from tests.stores import Answer, Request, Store

SECRET = "a-secret-that-nobody-may-read"  # noqa: S105  (it opens nothing)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with stores.moto_store() as running:
        yield running


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give keys that no store checks, and keep what this computer has for others out of it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def destination(
    endpoint: str = "", *, url: str = f"s3://{stores.BUCKET}/site", service: str = "s3", region: str = ""
) -> Destination:
    where = Destination(name="website", url=url, fetch_url="https://jixiang.example/", public=True)
    return replace(where, service=service, region=region, endpoint=endpoint)


def open_bucket(where: Destination) -> publish.Place:
    return publish.open_place(where, Path("episodes"), artefacts.write)


def put_out(site: dict[str, Path], place: publish.Place, fetch_url: str, prune: int | None = None) -> publish.Published:
    return publish.publish(
        publish.plan(site, place),
        place,
        fetch_url,
        codes=[publish.Code(number=1, url=f"{fetch_url}1/", path="1/index.html")],
        release=lambda: b"{}\n",
        kept=(),
        prune=prune,
        progress=lambda _what, _done, _all: None,
        patience_s=0,
    )


def test_each_object_has_its_type_its_age_and_its_checksum(store: Store, tmp_path: Path) -> None:
    site = stores.write_site(tmp_path)
    place = open_bucket(destination(store.url, url=f"s3://{stores.BUCKET}/headers/"))
    with stores.gate(store.url, stores.bucket_website("headers/")) as web:
        put_out(site, place, f"{web}/")
    for path in site:
        head = store.client.head_object(Bucket=stores.BUCKET, Key=f"headers/{path}")
        assert (head["ContentType"], head["CacheControl"]) == (mime_type(path), cache_control(path))
        assert (head["Metadata"]["sha256"], place.sha256(path)) == (artefacts.digest(site[path]),) * 2


def test_a_thousand_unchanged_files_go_with_no_upload_and_ten_requests_at_most(store: Store, tmp_path: Path) -> None:
    site = stores.write_site(tmp_path, 500)
    assert len(site) > 1000
    contents = {path: file.read_bytes() for path, file in site.items()} | {"ledger.jsonl": b"{}\n"}
    files = {
        path: Entry(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), confirmed=True)
        for path, content in contents.items()
    }
    backend = s3_backends["123456789012"]["aws"]
    for path, content in contents.items():
        backend.put_object(stores.BUCKET, f"thousand/{path}", content).metadata.update({"Content-Type": mime_type(path)})
    asked: list[str] = []
    website = stores.bucket_website("thousand/")

    def count(request: Request, onwards: Callable[[Request], Answer]) -> Answer:
        asked.append(f"{request.method} {request.path}")
        return onwards(request)

    def count_fetched(request: Request, onwards: Callable[[Request], Answer]) -> Answer | None:
        asked.append(request.path)
        return website(request, onwards)

    with stores.gate(store.url, count) as counted, stores.gate(store.url, count_fetched) as web:
        manifest = manifest_bytes(Manifest(files=files, named=frozenset(site), codes=frozenset({f"{web}/1/"})))
        backend.put_object(stores.BUCKET, "thousand/publish-manifest.json", manifest)
        place = open_bucket(destination(counted, url=f"s3://{stores.BUCKET}/thousand"))
        published = put_out(site, place, f"{web}/")
    assert (published.uploaded, published.fetched) == (0, 2)
    besides = [each for each in asked if "publish-manifest.json" not in each]
    assert len(besides) <= 10
    assert [each for each in asked if each.startswith(("PUT", "POST"))] == []


def test_an_upload_whose_completion_was_done_and_its_answer_lost_is_no_failure(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.publish.bucket._MULTIPART_FROM_BYTES", 800)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    site = stores.write_site(tmp_path, 1)
    lost: list[str] = []

    def lose_completion(request: Request, onwards: Callable[[Request], Answer]) -> Answer | None:
        if request.method != "POST" or "uploadId" not in request.path:
            return onwards(request)
        if request.path in lost:  # S3 forgets an upload that it has completed
            return Answer(status=404, body=b"<Error><Code>NoSuchUpload</Code></Error>")
        lost.append(request.path)
        onwards(request)
        return None

    with stores.gate(store.url, lose_completion) as faulty, stores.gate(store.url, stores.bucket_website("late/")) as web:
        put_out(site, open_bucket(destination(faulty, url=f"s3://{stores.BUCKET}/late")), f"{web}/")
    assert sum("/audio/" in path for path in lost) == 2
    assert stores.missing_of_feed(store.objects("late/")) == []


def test_a_store_that_does_not_let_us_look_for_unfinished_uploads_begins_anew(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.publish.bucket._MULTIPART_FROM_BYTES", 800)

    def secretive(request: Request, onwards: Callable[[Request], Answer]) -> Answer:
        if request.method == "GET" and "uploads" in request.path:
            return Answer(status=403, body=b"<Error><Code>AccessDenied</Code></Error>")
        return onwards(request)

    with stores.gate(store.url, secretive) as shy, stores.gate(store.url, stores.bucket_website("shy/")) as web:
        put_out(stores.write_site(tmp_path, 1), open_bucket(destination(shy, url=f"s3://{stores.BUCKET}/shy")), f"{web}/")
    assert stores.missing_of_feed(store.objects("shy/")) == []


def test_pruning_takes_left_over_objects_one_by_one_and_leaves_those_of_others(store: Store, tmp_path: Path) -> None:
    site = stores.write_site(tmp_path)
    store.client.put_object(Bucket=stores.BUCKET, Key="prune/theirs.txt", Body=b"theirs")
    place = open_bucket(destination(store.url, url=f"s3://{stores.BUCKET}/prune"))
    with stores.gate(store.url, stores.bucket_website("prune/")) as web:
        put_out(site, place, f"{web}/")
        del site["robots.txt"]
        assert put_out(site, place, f"{web}/", prune=5).removed == ("robots.txt",)
    assert {"robots.txt", "theirs.txt"} & {*store.objects("prune/")} == {"theirs.txt"}


def test_a_store_as_strict_as_oss_takes_all_of_it(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.publish.bucket._MULTIPART_FROM_BYTES", 800)
    monkeypatch.setattr("pipeline.publish.bucket._PRESETS", {"oss": "http://oss-{region}.aliyuncs.com"})  # a proxy sees no https
    site = stores.write_site(tmp_path)
    hosts: set[str] = set()

    def oss(request: Request, onwards: Callable[[Request], Answer]) -> Answer:
        hosts.add(request.headers["host"])
        return stores.strict(request, onwards)

    with stores.gate(store.url, oss) as proxy, stores.gate(store.url, stores.bucket_website("strict/")) as web:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        place = open_bucket(destination(url=f"s3://{stores.BUCKET}/strict", service="oss", region="oss-cn-shenzhen"))
        put_out(site, place, f"{web}/")
        del site["robots.txt"]
        put_out(site, place, f"{web}/", prune=1)
    assert hosts == {f"{stores.BUCKET}.oss-cn-shenzhen.aliyuncs.com"}
    objects = store.objects("strict/")
    assert {path: objects[path] for path in site} == {path: file.read_bytes() for path, file in site.items()}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (destination(service="oss", region="cn-shenzhen"), "https://oss-cn-shenzhen.aliyuncs.com"),
        (destination(service="cos", region="ap-guangzhou"), "https://cos.ap-guangzhou.myqcloud.com"),
        (destination("https://r2.example", region="auto"), "https://r2.example"),
        (destination(region="cn-north-1"), "https://s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_service_and_its_region_say_where_the_store_is(where: Destination, expected: str) -> None:
    assert open_bucket(where)._client.meta.endpoint_url == expected  # type: ignore[attr-defined]  # noqa: SLF001


def test_the_environment_may_say_where_the_store_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for where in (destination(), destination(service="oss", region="cn-shenzhen")):
        assert open_bucket(where)._client.meta.endpoint_url == "http://127.0.0.1:9"  # type: ignore[attr-defined]  # noqa: SLF001


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (403, "InvalidAccessKeyId", "JX-U04"),
        (403, "SignatureDoesNotMatch", "JX-U04"),
        (404, "NoSuchBucket", "JX-U05"),
        (403, "AccessDenied", "JX-U06"),
        (403, "RequestTimeTooSkewed", "JX-U07"),
        (400, "AuthorizationHeaderMalformed", "JX-U08"),
        (503, "SlowDown", "JX-U09"),
        (500, "InternalError", "JX-U09"),
        (400, "SomethingNew", "JX-U16"),
    ],
)
def test_what_a_store_refuses_is_told_in_words_and_without_keys(status: int, said: str, code: str) -> None:
    told = f"<Error><Code>{said}</Code><Message>{SECRET} AKIDEXAMPLE</Message></Error>".encode()
    with stores.gate("", lambda _request, _onwards: Answer(status=status, body=told)) as refusing:
        place = open_bucket(destination(refusing))
        with pytest.raises(PublishError) as caught:
            place.sizes()
    assert [problem.code for problem in caught.value.problems] == [code]
    assert not any(key in f"{caught.value}{caught.value.__cause__}" for key in (SECRET, "AKIDEXAMPLE", "Signature="))


def test_a_store_that_does_not_answer_is_told_with_its_host() -> None:
    with pytest.raises(PublishError, match=r"127\.0\.0\.1:9 [\s\S]*JX-U10"):
        open_bucket(destination("http://127.0.0.1:9")).sizes()


def test_without_keys_the_message_names_the_variables_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(PublishError, match=r"AWS_ACCESS_KEY_ID.*JX-U03"):
        open_bucket(destination())


@pytest.mark.parametrize(
    ("where", "code"),
    [
        (destination(service="oss"), "JX-U15"),
        (destination(url="s3:///prefix"), "JX-U14"),
        (destination(url=f"s3://AKIDEXAMPLE:{SECRET}@bucket/prefix"), "JX-U14"),
        (destination("not an address"), "JX-U14"),
        (destination(region="nowhere at all"), "JX-U14"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_before_anything_is_asked(where: Destination, code: str) -> None:
    with pytest.raises(PublishError) as caught:
        open_bucket(where)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert SECRET not in str(caught.value)


def test_a_failed_upload_tells_how_much_is_up_and_that_it_goes_on(store: Store, tmp_path: Path) -> None:
    site = stores.write_site(tmp_path)

    def full(request: Request, onwards: Callable[[Request], Answer]) -> Answer:
        if request.method == "PUT" and request.path.endswith(".html"):
            return Answer(status=403, body=b"<Error><Code>AccessDenied</Code></Error>")
        return onwards(request)

    with stores.gate(store.url, full) as refusing:
        place = open_bucket(destination(refusing, url=f"s3://{stores.BUCKET}/full"))
        with pytest.raises(PublishError) as caught:
            put_out(site, place, "http://127.0.0.1:9/")
    up = len(store.objects("full/"))
    assert [problem.code for problem in caught.value.problems] == ["JX-U06", "JX-U32"]
    assert f"已经传上去 {up} 个" in caught.value.problems[1].cause

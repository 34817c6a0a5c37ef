"""A bucket as a destination, in any store that speaks S3: AWS, Alibaba OSS, Tencent COS, R2, MinIO. Needs the extra ``s3``."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
)
from botocore.exceptions import ConnectionError as NoConnectionError

from pipeline import addresses
from pipeline.errors import Problem, PublishError, telling_what_cannot_be_read
from pipeline.model import Destination
from pipeline.publish.headers import is_hashed
from pipeline.publish.place import Upload

_MULTIPART_FROM_BYTES = 16 * 2**20
_PART_BYTES = 8 * 2**20  # S3 takes parts of 5 MiB and more
_CONNECTIONS = 8
_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S = 10, 20
_ATTEMPTS = 5
_PRESETS = {"oss": "https://oss-{region}.aliyuncs.com", "cos": "https://cos.{region}.myqcloud.com"}
_STORE_IN_TROUBLE = 500
_ABSENT = {"NoSuchKey", "NotFound", "404"}
_KEYS_FIX = (
    "把钥匙放进环境变量 AWS_ACCESS_KEY_ID 和 AWS_SECRET_ACCESS_KEY（OSS、COS 的 AccessKey 也放这里），"
    "或放进 ~/.aws/credentials；不要写在 series.toml 里"
)

# What stores answer; OSS and COS have words of their own beside those of S3.
_REFUSALS = (
    ({"NoSuchBucket"}, "没有这个桶", "核对 series.toml 里的桶名和 region；桶要先在控制台建好", "JX-U05"),
    (
        {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "InvalidSecurity"},
        "钥匙不对或过期了",
        f"换上对的钥匙：{_KEYS_FIX}",
        "JX-U04",
    ),
    ({"RequestTimeTooSkewed", "RequestExpired"}, "这台电脑的时间不准", "把系统时间改成自动对时，再发布", "JX-U07"),
    (
        {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"},
        "桶不在这个地域",
        "把 series.toml 里的 region 和 endpoint 改成桶所在的地域",
        "JX-U08",
    ),
    (
        {"AccessDenied", "AllAccessDisabled", "Forbidden", "403"},
        "这把钥匙没有权限",
        "请管存储的同事给这把钥匙读、写、列出这个桶的权限（要用 --prune 还要删除的权限）",
        "JX-U06",
    ),
)


def open_bucket(destination: Destination, series_file: Path) -> BucketPlace:
    """Return the bucket that ``destination`` names: ``s3://bucket/prefix``. Asks the network for nothing.

    An endpoint in series.toml wins over the environment's, and that over the one that the service's region gives.

    Raises:
        PublishError: no keys (JX-U03), no region (JX-U08), an address or a setting of AWS that is none (JX-U14).
    """
    parts = urlsplit(destination.url)
    if not parts.netloc or "@" in parts.netloc or ":" in parts.netloc:
        cause = f"destinations.{destination.name} 的 url 里没有写对存储桶的名字"  # what is there may be a key
        raise PublishError([Problem(place=series_file, cause=cause, fix="写成 s3://桶名/目录；钥匙不写在这里", code="JX-U14")])
    prefix = f"{key}/" if (key := parts.path.strip("/")) else ""
    with _telling(f"s3://{parts.netloc}/{prefix}", series_file, series_file):
        return BucketPlace(_client(destination, series_file), parts.netloc, prefix, series_file)


def _client(destination: Destination, series_file: Path) -> Any:  # noqa: ANN401  (boto3 has no types)
    core = botocore.session.get_session()
    if core.get_credentials() is None:
        raise NoCredentialsError
    region = destination.region.removeprefix("oss-") or core.get_config_variable("region")
    preset = _PRESETS.get(destination.service)
    configured = ConfiguredEndpointProvider(core.full_config, core.get_scoped_config(), "s3").provide()
    endpoint = destination.endpoint or configured
    if endpoint and not addresses.is_web_address(endpoint):
        cause = f"destinations.{destination.name} 的 endpoint“{endpoint}”不是网址"
        fix = "写成 https:// 开头的网址；没有写过的，看看环境变量 AWS_ENDPOINT_URL"
        raise PublishError([Problem(place=series_file, cause=cause, fix=fix, code="JX-U14")])
    if preset and not endpoint:
        if not region:
            cause = f"destinations.{destination.name} 没有写 region，不知道桶在哪个地域"
            fix = '加一行 region = "cn-shenzhen" 这样的地域代码（COS 写 ap-guangzhou 这样的）'
            raise PublishError([Problem(place=series_file, cause=cause, fix=fix, code="JX-U15")])
        endpoint = preset.format(region=region)
    attempts = {} if core.get_config_variable("max_attempts") else {"total_max_attempts": _ATTEMPTS}
    config = Config(
        signature_version="s3v4",
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        max_pool_connections=_CONNECTIONS,
        retries={"mode": "standard", **attempts},
        # OSS and COS serve a bucket at its own host only.
        s3={"addressing_style": "virtual"} if preset else None,
        # OSS refuses the checksums that boto3 adds by itself ("aws-chunked encoding is not supported"); COS stumbles over them.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.Session(botocore_session=core).client("s3", region_name=region, endpoint_url=endpoint, config=config)


class BucketPlace:
    """A bucket, or what lies under a prefix in it."""

    def __init__(self, client: Any, bucket: str, prefix: str, series_file: Path) -> None:  # noqa: ANN401  (boto3 has no types)
        self._client = client
        self._bucket = bucket
        self._prefix = prefix  # empty, or ends in a slash
        self._series_file = series_file

    def __str__(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}"

    def sizes(self) -> Mapping[str, int]:
        """Return every object under the prefix, with its bytes: one request for each thousand."""
        with _telling(str(self), self._series_file, self._series_file):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            objects = [each for page in pages for each in page.get("Contents", ()) if not each["Key"].endswith("/")]
        return {each["Key"].removeprefix(self._prefix): each["Size"] for each in objects}

    def read(self, path: str) -> bytes | None:
        """Return an object's content, None if there is none."""
        with self._telling(path):
            try:
                content: bytes = self._client.get_object(**self._at(path))["Body"].read()
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
        return content

    def sha256(self, path: str) -> str | None:
        """Return the SHA-256 that we put up with the object; None if there is none, or if somebody else put it up."""
        head = self._head(path)
        return None if head is None else head["Metadata"].get("sha256")

    def put(self, upload: Upload, tell: Callable[[int], None]) -> None:
        """Put an object up: at once, or from 16 MiB on in parts, going on where an earlier run was cut short.

        Each body goes with its MD5, which S3, OSS, COS, R2 and MinIO all check: what was cut or garbled is never kept.
        """
        if upload.size_bytes < _MULTIPART_FROM_BYTES:
            content = _stretch(upload, 0, upload.size_bytes)
            with self._telling(upload.path):
                self._client.put_object(**self._at(upload.path), **_headers(upload), Body=content, ContentMD5=_md5(content))
            tell(len(content))
        else:
            self._put_in_parts(upload, tell)

    def remove(self, path: str) -> None:
        """Take an object away. One at a time: taking many at once needs a checksum that OSS does not know."""
        with self._telling(path):
            self._client.delete_object(**self._at(path))

    def _put_in_parts(self, upload: Upload, tell: Callable[[int], None]) -> None:
        upload_id, there = self._unfinished(upload)
        if not upload_id:
            with self._telling(upload.path):
                upload_id = self._client.create_multipart_upload(**self._at(upload.path), **_headers(upload))["UploadId"]
        parts = []
        for number, first_byte in enumerate(range(0, upload.size_bytes, _PART_BYTES), start=1):
            content = _stretch(upload, first_byte, _PART_BYTES)
            etag = there.get(number, "")
            if etag.strip('"').lower() != _md5_hex(content):
                with self._telling(upload.path):
                    part = self._client.upload_part(
                        **self._at(upload.path), UploadId=upload_id, PartNumber=number, Body=content, ContentMD5=_md5(content)
                    )
                etag = part["ETag"]
            parts.append({"PartNumber": number, "ETag": etag})
            tell(len(content))
        with self._telling(upload.path):
            self._complete(upload, upload_id, parts)

    def _complete(self, upload: Upload, upload_id: str, parts: list[dict[str, Any]]) -> None:
        try:
            self._client.complete_multipart_upload(**self._at(upload.path), UploadId=upload_id, MultipartUpload={"Parts": parts})
        except ClientError as error:
            # Asked once more because the answer was lost, the store no longer knows an upload that it has completed.
            if _code(error) != "NoSuchUpload" or self.sha256(upload.path) != upload.sha256:
                raise

    def _unfinished(self, upload: Upload) -> tuple[str, dict[int, str]]:
        """Return the upload of this very file that an earlier run began, and the ETags of the parts that have arrived.

        Only a name that goes with the bytes tells that it is the same file. A store that does not let us look begins anew.
        """
        if not is_hashed(upload.path):
            return "", {}
        at = self._at(upload.path)
        with self._telling(upload.path):
            try:
                listing = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=at["Key"])
                ids = [each["UploadId"] for each in listing.get("Uploads", ()) if each["Key"] == at["Key"]]
                if not ids:
                    return "", {}
                pages = self._client.get_paginator("list_parts").paginate(**at, UploadId=ids[-1])
                there = {part["PartNumber"]: part["ETag"] for page in pages for part in page.get("Parts", ())}
            except ClientError as error:
                if _status(error) >= _STORE_IN_TROUBLE:
                    raise
                return "", {}
        return ids[-1], there

    def _head(self, path: str) -> dict[str, Any] | None:
        with self._telling(path):
            try:
                head: dict[str, Any] = self._client.head_object(**self._at(path))
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
        return head

    def _at(self, path: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}{path}"}

    def _telling(self, path: str) -> AbstractContextManager[None]:
        return _telling(str(self), self._series_file, Path(path))


@contextmanager
def _telling(bucket: str, series_file: Path, place: Path) -> Iterator[None]:
    """Turn what boto3 raises into a PublishError. Nothing that a store writes is repeated: it may hold a key."""
    try:
        yield
    except ClientError as error:
        raise PublishError([_refused(bucket, series_file, place, error)]) from None
    except BotoCoreError as error:
        raise PublishError([_failed(bucket, series_file, place, error)]) from None


def _refused(bucket: str, series_file: Path, place: Path, error: ClientError) -> Problem:
    said, status = _code(error), _status(error)
    words = f"{bucket} 不肯：{said}（HTTP {status}）"
    for answers, cause, fix, code in _REFUSALS:
        if said in answers:
            return Problem(place=series_file, cause=f"{words}，{cause}", fix=fix, code=code)
    if status >= _STORE_IN_TROUBLE or said in {"SlowDown", "RequestTimeout", "TooManyRequests"}:
        return Problem(place=place, cause=f"{words}，它现在忙或出了毛病", fix="过几分钟再发布一次，会接着传", code="JX-U09")
    return Problem(place=place, cause=words, fix="再发布一次；还不行，把这段话发给管存储的同事", code="JX-U16")


def _failed(bucket: str, series_file: Path, place: Path, error: BotoCoreError) -> Problem:
    kind, host = type(error).__name__, urlsplit(str(error.kwargs.get("endpoint_url", ""))).netloc or bucket
    match error:
        case NoCredentialsError() | PartialCredentialsError() | ProfileNotFound():
            return Problem(place=series_file, cause=f"没有找到 {bucket} 的钥匙", fix=_KEYS_FIX, code="JX-U03")
        case SSLError():
            cause, fix = f"{host} 的证书对不上", "看看电脑的时间，关掉会拦截网络的软件，再发布一次"
            return Problem(place=place, cause=cause, fix=fix, code="JX-U17")
        case NoConnectionError() | HTTPClientError() | IncompleteReadError():
            fix = "看看网络，再发布一次，会接着传"
            return Problem(place=place, cause=f"和 {host} 的连接没有成，或中途断了（{kind}）", fix=fix, code="JX-U10")
    fix = "核对 series.toml 里的桶名、region、endpoint 和 ~/.aws 里的设置"
    return Problem(place=series_file, cause=f"{bucket} 的设置不能用（{kind}）", fix=fix, code="JX-U14")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _headers(upload: Upload) -> dict[str, Any]:
    return {
        "ContentType": upload.mime_type,
        "CacheControl": upload.cache_control,
        "Metadata": {"sha256": upload.sha256},
    }


def _stretch(upload: Upload, first_byte: int, size_bytes: int) -> bytes:
    if isinstance(upload.file, bytes):
        return upload.file[first_byte : first_byte + size_bytes]
    with telling_what_cannot_be_read(upload.file), upload.file.open("rb") as stream:
        stream.seek(first_byte)
        return stream.read(size_bytes)


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def _md5_hex(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()

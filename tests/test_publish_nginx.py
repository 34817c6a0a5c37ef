"""The configuration that we ship, in the real nginx: ranges, types, how long to keep, folders, lost visitors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import urllib3
from lxml import etree

from pipeline import artefacts, publish
from pipeline.publish.folder import FolderPlace
from pipeline.publish.headers import cache_control, mime_type
from pipeline.publish.redirects import redirect_rules
from tests import stores


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return stores.write_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("www")


@pytest.fixture(scope="module")
def program() -> str:
    """Return nginx; without it, skip, and fail where CI is set."""
    found = stores.find_nginx()
    if found is None:
        if "CI" in os.environ:
            pytest.fail(stores.WHY_NO_NGINX)
        pytest.skip(stores.WHY_NO_NGINX)
    return found


@pytest.fixture(scope="module")
def web(program: str, site: dict[str, Path], root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Publish the site to a folder that nginx serves, and return its address."""
    with stores.nginx(program, stores.shipped_nginx(root), tmp_path_factory.mktemp("nginx")) as url:
        place = FolderPlace(root, artefacts.write)
        publish.publish(
            publish.plan(site, place),
            place,
            url,
            codes=[publish.Code(number=1, url=f"{url}1/{query}", path="1/index.html") for query in ("", "?A1")],
            release=lambda: b"{}\n",
            kept=(),
            prune=None,
            progress=lambda _what, _done, _all: None,
            patience_s=0,
        )
        yield url


def ask(url: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> urllib3.BaseHTTPResponse:
    return urllib3.request(method, url, headers=headers, redirect=False)


def test_every_file_has_its_bytes_its_type_and_its_age(web: str, site: dict[str, Path]) -> None:
    for path, file in site.items():
        answer = ask(web + path)
        found = (answer.status, answer.data, answer.headers["Content-Type"], answer.headers["Cache-Control"])
        assert found == (200, file.read_bytes(), mime_type(path), cache_control(path)), path


def test_an_app_may_jump_into_a_sound(web: str, site: dict[str, Path]) -> None:
    sound = next(path for path in site if path.endswith(".mp3"))
    answer = ask(web + sound, headers={"Range": "bytes=100-199"})
    assert (answer.status, answer.headers["Content-Range"]) == (206, "bytes 100-199/900")
    assert answer.data == site[sound].read_bytes()[100:200]


@pytest.mark.parametrize("address", ["1/", "1/?A1"])
def test_the_address_in_a_code_answers_with_the_page(address: str, web: str, site: dict[str, Path]) -> None:
    assert ask(web + address).data == site["1/index.html"].read_bytes()


def test_an_address_without_its_last_slash_is_led_to_the_page(web: str) -> None:
    answer = ask(f"{web}1")
    assert (answer.status, answer.headers["Location"]) == (301, "/1/")


def test_lost_visitors_get_our_page_and_404(web: str, site: dict[str, Path]) -> None:
    answer = ask(f"{web}no/such/page")
    assert (answer.status, answer.data) == (404, site["404.html"].read_bytes())
    assert "Cache-Control" not in answer.headers


def test_an_app_that_has_the_feed_gets_it_only_when_it_changed(web: str) -> None:
    first = ask(f"{web}feed.xml")
    assert ask(f"{web}feed.xml", headers={"If-None-Match": first.headers["ETag"]}).status == 304
    assert ask(f"{web}feed.xml", headers={"If-Modified-Since": first.headers["Last-Modified"]}).status == 304


def test_players_on_other_websites_may_read_transcripts_and_chapters_and_no_pages(web: str, site: dict[str, Path]) -> None:
    for path in site:
        allowed = ask(web + path).headers.get("Access-Control-Allow-Origin")
        assert allowed == ("*" if path.startswith(("transcripts/", "chapters/")) else None), path


def test_directories_may_ask_for_the_head_alone(web: str, site: dict[str, Path]) -> None:
    sound = next(path for path in site if path.endswith(".mp3"))
    answer = ask(web + sound, "HEAD")
    assert (answer.status, answer.headers["Content-Length"], answer.headers["Accept-Ranges"]) == (200, "900", "bytes")


def test_text_goes_compressed_and_sound_as_it_is(web: str, site: dict[str, Path]) -> None:
    headers = {"Accept-Encoding": "gzip"}
    assert ask(f"{web}feed.xml", headers=headers).headers.get("Content-Encoding") == "gzip"
    sound = next(path for path in site if path.endswith(".mp3"))
    assert "Content-Encoding" not in ask(web + sound, headers=headers).headers


def test_a_file_that_is_still_being_written_is_shown_to_nobody(web: str, root: Path) -> None:
    (root / ".feed.xml.99.part").write_bytes(b"<rss")
    (root / ".well-known").mkdir()
    (root / ".well-known" / "proof").write_bytes(b"for the certificate")
    assert ask(f"{web}.feed.xml.99.part").status == 404
    assert ask(f"{web}.well-known/proof").status == 200


# After a move


@pytest.mark.parametrize(
    ("old_site", "new_site", "asked", "answered"),
    [
        ("https://old.example/", "https://new.example/radio/", "7/?A1", "https://new.example/radio/7/?A1"),
        ("https://old.example/", "https://new.example/", "feed.xml", "https://new.example/feed.xml"),
        ("https://old.example/a.b/", "https://new.example/", "a.b/audio/7-0a.mp3", "https://new.example/audio/7-0a.mp3"),
        ("https://old.example/a.b/", "https://new.example/", "a.b/", "https://new.example/"),
    ],
)
def test_after_a_move_the_old_address_leads_to_the_same_path_at_the_new_one(
    program: str, tmp_path: Path, old_site: str, new_site: str, asked: str, answered: str
) -> None:
    (rules,) = (text for name, text in redirect_rules(old_site, new_site).items() if name.endswith("nginx.conf"))
    assert isinstance(rules, bytes)
    with stores.nginx(program, f"server {{\nlisten 80;\n{rules.decode()}}}\n", tmp_path) as url:
        answer = ask(url + asked)
    assert (answer.status, answer.headers["Location"]) == (301, answered)


def test_the_rules_of_a_bucket_name_both_addresses() -> None:
    files = redirect_rules("https://old.example/a/", "https://new.example/b/")
    (rules,) = (text for name, text in files.items() if "oss" in name)
    rule = etree.fromstring(rules).find("RoutingRules/RoutingRule")  # type: ignore[arg-type]
    assert rule is not None
    assert rule.findtext("Condition/KeyPrefixEquals") == "a/"
    told = {each.tag: each.text for each in rule.iterfind("Redirect/*")}
    assert (told["HostName"], told["ReplaceKeyPrefixWith"], told["HttpRedirectCode"]) == ("new.example", "b/", "301")

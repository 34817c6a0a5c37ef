"""What is planned, in which order it goes out, what is fetched back, and what is never removed."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline import artefacts, publish
from pipeline.errors import PublishError
from pipeline.model import Destination
from pipeline.publish import fetching
from pipeline.publish.folder import FolderPlace
from pipeline.publish.headers import cache_control, is_as_good, mime_type
from tests import stores
from tests.stores import Answer, Change, Request

RIGHT: Change = lambda _, answer: answer  # noqa: E731  (a plain name for a plain rule)


@dataclass
class Desk:
    """A site, the folder that it is published to, that folder on the web, and what was written and asked, in order."""

    site: dict[str, Path]
    root: Path
    url: str
    written: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    asked_ranges: list[str] = field(default_factory=list)
    ledger: bytes = b"{}\n"

    @property
    def place(self) -> FolderPlace:
        def write(target: Path, content: bytes | Path) -> None:
            self.written.append(target.relative_to(self.root).as_posix())
            artefacts.write(target, content)

        return FolderPlace(self.root, write)

    def plan(self) -> publish.Plan:
        return publish.plan(self.site, self.place)

    def actions(self) -> dict[str, str]:
        return {entry.path: entry.action for entry in self.plan().entries if entry.action != "same"}

    def put_out(
        self,
        *,
        codes: Sequence[publish.Code] = (),
        kept: tuple[str, ...] = (),
        prune: int | None = None,
        patience_s: float = 0,
        release: Callable[[], bytes] | None = None,
    ) -> publish.Published:
        return publish.publish(
            self.plan(),
            self.place,
            self.url,
            codes=codes,
            release=release or (lambda: self.ledger),
            kept=kept,
            prune=prune,
            progress=lambda _what, _done, _all: None,
            patience_s=patience_s,
        )

    def problems(self, **options: object) -> list[str]:
        with pytest.raises(PublishError) as caught:
            self.put_out(**options)  # type: ignore[arg-type]  # handed on
        return [problem.code for problem in caught.value.problems]

    def code(self, number: int, placement: str = "") -> publish.Code:
        query = f"?{placement}" if placement else ""
        return publish.Code(number=number, url=f"{self.url}{number}/{query}", path=f"{number}/index.html")

    def path(self, start: str, suffix: str = "") -> str:
        return next(path for path in self.site if path.startswith(start) and path.endswith(suffix))


@contextmanager
def desk(folder: Path, change: Change = RIGHT, episodes: int = 2) -> Iterator[Desk]:
    made = Desk(site=stores.write_site(folder / "site", episodes), root=folder / "www", url="")

    def note(request: Request, answer: Answer) -> Answer | None:
        made.asked.append(request.path)
        made.asked_ranges += [request.path] if "range" in request.headers else []
        return change(request, answer)

    with stores.gate("", stores.folder_website(made.root, note)) as web:
        made.url = f"{web}/"
        yield made


# Planning


def test_everything_is_new_at_an_empty_place_and_planning_writes_nothing(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        assert made.actions() == dict.fromkeys(made.site, "new")
        assert (made.written, made.root.exists()) == ([], False)


def test_a_published_site_is_the_same_all_over(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out()
        assert made.actions() == {}


def test_a_file_that_changed_without_changing_its_length_is_changed(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out()
        made.site["index.html"].write_bytes(b"<h1>HOME</h1>")
        assert made.actions() == {"index.html": "changed"}


def test_a_file_that_was_cut_at_the_place_is_put_up_again(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out()
        sound = made.path("audio/1")
        (made.root / sound).write_bytes(b"cut")
        assert made.actions() == {sound: "changed"}
        made.put_out()
        assert (made.root / sound).read_bytes() == made.site[sound].read_bytes()


def test_what_an_interrupted_run_put_up_is_adopted_if_its_bytes_are_right(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        whole, other = made.path("audio/1", ".mp3"), made.path("audio/2")
        artefacts.write(made.root / whole, made.site[whole])
        artefacts.write(made.root / other, bytes(900))
        assert {path: made.actions()[path] for path in (whole, other)} == {whole: "adopted", other: "changed"}
        made.put_out()
        assert whole not in made.written


def test_files_that_nobody_published_are_never_left_over(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        artefacts.write(made.root / "theirs.html", b"theirs")
        made.put_out(prune=100)
        assert (made.root / "theirs.html").read_bytes() == b"theirs"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"files": {"index.html": {"sha256": 1}}, "named": [], "codes": []}'])
def test_with_a_damaged_manifest_everything_is_looked_at_anew_and_published_again(damage: bytes, tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out()
        artefacts.write(made.root / "publish-manifest.json", damage)
        sound = made.path("audio/1")
        assert made.actions()[sound] == "adopted"
        made.put_out()
        assert made.actions() == {}


def test_a_page_whose_upload_was_cut_short_is_put_up_again_even_if_it_changes_back(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out()
        before = made.site["1/index.html"].read_bytes()
        made.site["1/index.html"].write_bytes(before.swapcase())

        def write(target: Path, content: bytes | Path) -> None:
            artefacts.write(target, content)
            if target.name == "index.html":
                raise OSError(5, "gone")

        with pytest.raises(PublishError):
            publish.publish(
                made.plan(),
                FolderPlace(made.root, write),
                made.url,
                codes=(),
                release=lambda: b"",
                kept=(),
                prune=None,
                progress=lambda _what, _done, _all: None,
            )
        made.site["1/index.html"].write_bytes(before)
        made.put_out()
        assert (made.root / "1/index.html").read_bytes() == before


# Order


def test_sound_goes_before_what_names_it_pages_before_the_feed_and_the_ledger_last(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        steps = {entry.path: entry.step for entry in made.plan().entries}
        made.put_out()
        order = [path for path in made.written if path != "publish-manifest.json"]
        assert [steps.get(path, 5) for path in order] == sorted(steps.get(path, 5) for path in order)
        assert order[-2:] == ["feed.xml", "ledger.jsonl"]
        assert steps[made.path("audio/")] < steps[made.path("transcripts/")] < steps["1/index.html"] < steps["feed.xml"]


def test_the_release_is_written_when_all_is_up_and_fetched_back_and_the_feed_is_not(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        seen: list[set[str]] = []

        def release() -> bytes:
            seen.append({*made.written} & {*made.site})
            assert {path.removeprefix("/") for path in made.asked} >= {made.path("audio/1"), "1/", ""}
            return b"released\n"

        made.put_out(release=release)
        assert seen == [{*made.site} - {"feed.xml"}]
        assert (made.root / "ledger.jsonl").read_bytes() == b"released\n"


def test_a_feed_that_names_a_sound_which_the_site_has_not_is_refused_before_anything_is_put_up(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        del made.site[made.path("audio/2")]
        assert (made.problems(), made.written) == (["JX-U30"], [])


def test_an_unchanged_site_is_put_up_nowhere_and_looked_at_in_few_places(tmp_path: Path) -> None:
    with desk(tmp_path, episodes=9) as made:
        codes = [made.code(number, "A1") for number in range(1, 10)]
        made.put_out(codes=codes)
        made.asked.clear()
        made.written.clear()
        published = made.put_out(codes=codes)
        assert (published.uploaded, published.fetched, made.written) == (0, 4, [])
        assert sorted(made.asked) == ["/7/?A1", "/8/?A1", "/9/?A1", "/feed.xml"]


# Fetching back


def test_every_new_file_is_fetched_by_the_address_that_people_use_and_each_code_by_its_own(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out(codes=[made.code(1), made.code(1, "A1"), made.code(2)])
        addresses = {f"/{path.removesuffix('index.html')}" for path in made.site} | {"/1/?A1"}
        assert {*made.asked} == addresses
        assert {*made.asked_ranges} == {f"/{path}" for path in made.site if path.startswith("audio/")}


def test_only_what_is_new_is_fetched_back_the_next_time(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out(codes=[made.code(1), made.code(2, "A1")])
        made.site |= stores.write_site(tmp_path / "site", 3)
        made.asked.clear()
        made.put_out(codes=[made.code(1), made.code(2, "A1"), made.code(3, "B1")])
        new = {f"/{path}" for path in made.site if path.startswith(("audio/3", "transcripts/3"))}
        assert {*made.asked} == new | {"/3/", "/3/?B1", "/feed.xml", "/1/", "/2/?A1"}


def test_the_code_of_a_poster_for_a_new_place_is_fetched_though_its_page_is_old(tmp_path: Path) -> None:
    with desk(tmp_path, episodes=9) as made:
        codes = [made.code(number) for number in range(1, 10)]
        made.put_out(codes=codes)
        made.asked.clear()
        made.put_out(codes=[*codes, made.code(1, "B7")])
        assert sorted(made.asked) == ["/1/?B7", "/7/", "/8/", "/9/", "/feed.xml"]


def spoilt(path: str, **headers: str) -> Change:
    """Return a change that gives one address other headers."""

    def change(request: Request, answer: Answer) -> Answer:
        if request.path.startswith(path):
            return Answer(status=answer.status, body=answer.body, headers={**answer.headers, **headers})
        return answer

    return change


def instead(path: str, status: int, body: bytes = b"") -> Change:
    def change(request: Request, answer: Answer) -> Answer:
        return Answer(status=status, body=body, headers=answer.headers) if request.path.startswith(path) else answer

    return change


HOME = b"<h1>home</h1>"
NO_RANGES: Change = lambda request, answer: (  # noqa: E731  (as above)
    Answer(status=200, body=bytes(900), headers={"Content-Type": "audio/mpeg"}) if "range" in request.headers else answer
)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (instead("/1/", 200, HOME), "JX-U22"),
        (instead("/1/?A1", 200, HOME), "JX-U22"),
        (instead("/1/", 200, b"<h1>lost</h1>"), "JX-U22"),
        (instead("/1/?A1", 200, b"<h1>all files</h1>"), "JX-U22"),
        (instead("/audio/1", 404), "JX-U21"),
        (instead("/audio/1", 403), "JX-U21"),
        (instead("/audio/1", 500), "JX-U21"),
        (instead("/audio/1", 200, b"other bytes"), "JX-U23"),
        (instead("/audio/1", 200, HOME), "JX-U23"),
        (spoilt("/audio/1", **{"Content-Type": "application/octet-stream"}), "JX-U25"),
        (spoilt("/1/", **{"Content-Type": "text/html; charset=gbk"}), "JX-U25"),
        (spoilt("/transcripts/1", **{"Content-Type": ""}), "JX-U25"),
        (spoilt("/audio/1", **{"Content-Disposition": "attachment"}), "JX-U27"),
        (spoilt("/1/", **{"Content-Disposition": "attachment; filename=index.html"}), "JX-U27"),
        (spoilt("/audio/1", **{"Content-Range": "bytes 0-9/900"}), "JX-U26"),
        (NO_RANGES, "JX-U26"),
        (lambda request, answer: None if request.path.startswith("/audio/1") else answer, "JX-U20"),
    ],
)
def test_an_answer_that_is_not_as_it_must_be_is_refused_and_no_feed_is_put_up(change: Change, code: str, tmp_path: Path) -> None:
    with desk(tmp_path, change) as made:
        assert {*made.problems(codes=[made.code(1, "A1")])} == {code}
        assert not (made.root / "feed.xml").exists()
        assert not (made.root / "ledger.jsonl").exists()


@pytest.mark.parametrize("status", [403, 404])
def test_a_store_that_knows_no_folders_is_told_apart_from_one_where_the_page_is_missing(status: int, tmp_path: Path) -> None:
    def no_folders(request: Request, answer: Answer) -> Answer:
        return Answer(status=status) if request.path.partition("?")[0].endswith("/") else answer

    with desk(tmp_path, no_folders) as made:
        assert {*made.problems()} == {"JX-U22"}
    with desk(tmp_path, instead("/1/", status)) as made:
        assert made.problems() == ["JX-U21"]


def test_the_refusal_of_a_home_page_names_the_address_and_the_setting(tmp_path: Path) -> None:
    with desk(tmp_path, instead("/1/", 200, HOME)) as made, pytest.raises(PublishError) as caught:
        made.put_out()
    problem = caught.value.problems[0]
    assert f"{made.url}1/" in problem.cause
    assert all(word in problem.fix for word in ("子目录首页", "OSS", "COS", "nginx"))


def test_all_that_is_wrong_is_told_at_once_up_to_twenty_and_the_rest_counted(tmp_path: Path) -> None:
    with desk(tmp_path, spoilt("/", **{"Content-Type": "text/plain"}), episodes=9) as made, pytest.raises(PublishError) as caught:
        made.put_out()
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["JX-U25"] * 20 + ["JX-U29"]
    types = [mime_type(path).partition(";")[0] for path in made.site if path != "feed.xml"]
    wrong = sum(not is_as_good(each, "text/plain") for each in types)
    assert f"一共有 {wrong} 处" in caught.value.problems[-1].cause


def flaky(path: str, times: int, *answers: Answer | None) -> Change:
    """Return a change that answers the addresses under ``path`` wrongly at first."""
    counts: dict[str, int] = {}
    lock = threading.Lock()

    def change(request: Request, answer: Answer) -> Answer | None:
        if not request.path.startswith(path):
            return answer
        with lock:
            counts[request.path] = counts.get(request.path, 0) + 1
            count = counts[request.path]
        return answers[count % len(answers)] if count <= times else answer

    return change


def test_a_server_that_stumbles_is_asked_again(tmp_path: Path) -> None:
    with desk(tmp_path, flaky("/audio/", 2, None, Answer(status=503))) as made:
        assert made.put_out(patience_s=10).fetched == len(made.site)


@pytest.mark.parametrize("headers", [{"Age": "30"}, {"X-Cache": "HIT from edge"}])
def test_an_old_copy_in_a_cache_is_waited_for_and_told_as_one(headers: dict[str, str], tmp_path: Path) -> None:
    old = Answer(status=200, body=b"<h1>yesterday</h1>", headers={"Content-Type": "text/html", **headers})
    with desk(tmp_path / "short", flaky("/1/", 2, old)) as made:
        made.put_out(patience_s=10)
    with desk(tmp_path / "long", flaky("/1/", 99, old)) as made:
        assert {*made.problems()} == {"JX-U24"}


@pytest.mark.parametrize("path", ["index.html", "1/index.html"])
def test_what_a_page_held_before_is_known_for_an_old_copy(path: str, tmp_path: Path) -> None:
    old: list[Answer] = []

    def stale(request: Request, answer: Answer) -> Answer:
        if request.path == f"/{path.removesuffix('index.html')}":
            old.append(answer)
            return old[0]
        return answer

    with desk(tmp_path, stale) as made:
        made.put_out()
        made.site[path].write_bytes(b"<h1>I</h1>")
        assert made.problems() == ["JX-U24"]


def test_a_file_that_holds_other_bytes_at_the_place_is_put_up_again_by_the_next_run(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out(codes=[made.code(1)])
        artefacts.write(made.root / "1/index.html", bytes(len(made.site["1/index.html"].read_bytes())))
        assert made.problems(codes=[made.code(1)]) == ["JX-U23"]
        made.put_out(codes=[made.code(1)])
        assert (made.root / "1/index.html").read_bytes() == made.site["1/index.html"].read_bytes()


def test_what_was_not_fetched_back_is_fetched_back_the_next_time(tmp_path: Path) -> None:
    with desk(tmp_path, flaky("/", 1, Answer(status=404))) as made:
        made.problems()
        made.written.clear()
        made.put_out(patience_s=5)
        assert {*made.written} == {"publish-manifest.json", "feed.xml", "ledger.jsonl"}


# Removing


def test_nothing_is_removed_unless_asked_and_what_is_left_over_is_told(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out()
        del made.site["robots.txt"]
        assert made.actions() == {"robots.txt": "left over"}
        assert made.put_out().left_over == ("robots.txt",)
        assert made.put_out(prune=1).removed == ("robots.txt",)
        assert not (made.root / "robots.txt").exists()
        assert made.put_out(prune=0).removed == ()


def test_more_to_remove_than_the_cap_removes_and_uploads_nothing(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out()
        del made.site["robots.txt"], made.site["a/b.json"]
        made.written.clear()
        assert (made.problems(prune=1), made.written) == (["JX-U33"], [])
        assert made.put_out(prune=2).removed == ("a/b.json", "robots.txt")
        assert not (made.root / "a").exists()


def test_what_the_ledger_or_any_feed_ever_named_is_never_removed(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out()
        old = {path: file for path, file in made.site.items() if "/1-" in path or path == "1/index.html"}
        made.site = stores.write_site(tmp_path / "site", 2)
        for path in old:
            del made.site[path]
        feed = made.site["feed.xml"].read_text(encoding="utf-8").partition("<item>")
        made.site["feed.xml"].write_text(feed[0] + feed[2].partition("<item>")[2], encoding="utf-8")
        kept = made.path("images/") if any(path.startswith("images/") for path in made.site) else ""
        promised = next(path for path in old if path.endswith(".m4a"))
        published = made.put_out(prune=100, kept=(promised, kept))
        named = [path for path in old if path.endswith((".mp3", ".vtt")) or path == "1/index.html"]
        assert {*published.removed} == {*old} - {*named, promised}
        assert [path for path in (*named, promised) if not (made.root / path).exists()] == []


def test_with_a_lost_manifest_what_the_feed_named_until_now_is_still_never_removed(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.put_out()
        (made.root / "publish-manifest.json").unlink()
        sound, other = made.path("audio/1", ".mp3"), made.path("audio/2", ".mp3")
        feed = made.site["feed.xml"].read_text(encoding="utf-8").replace(sound, other)
        made.site["feed.xml"].write_text(feed, encoding="utf-8")
        made.put_out()
        del made.site[sound]
        assert (made.actions(), made.put_out(prune=9).removed) == ({}, ())


# Places


def open_folder(url: str, workspace: Path) -> publish.Place:
    destination = Destination(name="website", url=url, fetch_url="https://jixiang.example/", public=True)
    return publish.open_place(destination, workspace, artefacts.write)


@pytest.mark.parametrize("url", ["../www", "{tmp}/www", "file://{tmp}/www", "file://localhost{tmp}/www", "file:{tmp}/www"])
def test_a_folder_may_be_written_in_many_ways(url: str, tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "here.txt").write_bytes(b"1")
    assert open_folder(url.format(tmp=tmp_path), tmp_path / "episodes").sizes() == {"here.txt": 1}


def test_a_folder_with_spaces_and_chinese_in_its_address_is_found(tmp_path: Path) -> None:
    (tmp_path / "网 站").mkdir()
    (tmp_path / "网 站" / "here.txt").write_bytes(b"1")
    assert open_folder((tmp_path / "网 站").as_uri(), tmp_path).sizes() == {"here.txt": 1}


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (".", "JX-U11"),
        ("..", "JX-U11"),
        ("out/site", "JX-U11"),
        ("out", "JX-U11"),
        ("01-lao/www", "JX-U11"),
        ("", "JX-U01"),
        ("ftp://host/www", "JX-U01"),
        ("oss://bucket/www", "JX-U01"),
        *([] if os.name == "nt" else [("C:\\www", "JX-U11"), ("file:///C:/www", "JX-U11"), (r"\\server\share", "JX-U11")]),
    ],
)
def test_a_destination_that_cannot_be_or_would_do_harm_is_refused(url: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "work" / "out").mkdir(parents=True)
    (tmp_path / "work" / "out" / ".jixiang").touch()
    (tmp_path / "work" / "01-lao").mkdir()
    (tmp_path / "work" / "01-lao" / "script.md").touch()
    with pytest.raises(PublishError) as caught:
        open_folder(url, tmp_path / "work")
    assert [problem.code for problem in caught.value.problems] == [code]


def test_publishing_a_site_into_itself_is_refused(tmp_path: Path) -> None:
    site = stores.write_site(tmp_path / "site")
    place = FolderPlace(tmp_path, artefacts.write)
    with pytest.raises(PublishError) as caught:
        publish.publish(
            publish.plan(site, place),
            place,
            "http://127.0.0.1:9/",
            codes=(),
            release=lambda: b"",
            kept=(),
            prune=None,
            progress=lambda _what, _done, _all: None,
        )
    assert {problem.code for problem in caught.value.problems} == {"JX-U13", "JX-U32"}


def test_without_boto3_a_bucket_is_refused_with_the_command_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pipeline.publish.opening.find_spec", lambda _: None)
    with pytest.raises(PublishError, match=r"pip install boto3.*JX-U02"):
        open_folder("s3://bucket/prefix", tmp_path)


def test_one_file_is_fetched_for_restoring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_HICCUP_S", 0.5)
    with desk(tmp_path, flaky("/", 1, None)) as made:
        made.root.mkdir()
        (made.root / "ledger.jsonl").write_bytes(b"{}\n")
        assert publish.fetch(made.url, "ledger.jsonl") == b"{}\n"
        with pytest.raises(PublishError, match="JX-U21"):
            publish.fetch(made.url, "nothing.mp3")
    with pytest.raises(PublishError, match="JX-U20"):
        publish.fetch(made.url, "ledger.jsonl")


# Headers


@pytest.mark.parametrize(
    ("path", "kept_for"),
    [
        ("audio/7-0123456789ab.mp3", "public, max-age=31536000, immutable"),
        ("assets/site-0123456789ab.css", "public, max-age=31536000, immutable"),
        ("index.html", "max-age=300"),
        ("feed.xml", "max-age=300"),
        ("audio/7-0123456789.mp3", "max-age=300"),
    ],
)
def test_only_a_file_that_is_named_for_its_bytes_is_kept_for_ever(path: str, kept_for: str) -> None:
    assert cache_control(path) == kept_for


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("audio/7-0123456789ab.mp3", "audio/mpeg"),
        ("audio/7-0123456789ab.m4a", "audio/mp4"),
        ("feed.xml", "application/rss+xml; charset=utf-8"),
        ("sitemap.xml", "application/xml"),
        ("transcripts/7-0123456789ab.vtt", "text/vtt; charset=utf-8"),
        ("transcripts/7-0123456789ab.srt", "application/x-subrip"),
        ("transcripts/7-0123456789ab.json", "application/json"),
        ("chapters/7-0123456789ab.json", "application/json+chapters"),
        ("7/index.html", "text/html; charset=utf-8"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("ledger.jsonl", "text/plain; charset=utf-8"),
        ("unknown.thing", "application/octet-stream"),
    ],
)
def test_each_file_has_the_type_that_apps_expect(path: str, expected: str) -> None:
    assert mime_type(path) == expected


@pytest.mark.parametrize(
    ("wanted", "found", "good"),
    [
        ("application/rss+xml", "application/rss+xml", True),
        ("application/rss+xml", "text/xml", True),
        ("application/rss+xml", "text/html", False),
        ("application/json+chapters", "application/json", True),
        ("application/x-subrip", "text/plain", True),
        ("text/vtt", "text/plain", False),
        ("text/html", "application/xhtml+xml", False),
        ("audio/mpeg", "application/octet-stream", False),
        ("audio/mp4", "audio/x-m4a", True),
    ],
)
def test_another_name_for_a_type_is_as_good_and_another_type_is_not(wanted: str, found: str, good: bool) -> None:  # noqa: FBT001
    assert is_as_good(wanted, found) is good


def test_a_server_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_SLOWEST_BYTES_A_SECOND", 1_000_000)
    monkeypatch.setattr(fetching, "_READ_TIMEOUT_S", 0.2)
    monkeypatch.setattr(fetching, "_HICCUP_S", 0.1)
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        dripping = threading.Thread(target=_drip, args=(listening, stopped))
        dripping.start()
        try:
            with pytest.raises(PublishError, match="太慢了") as caught:
                publish.fetch(f"http://127.0.0.1:{listening.getsockname()[1]}/", "audio/1-0123456789ab.mp3")
        finally:
            stopped.set()
            dripping.join(timeout=10)
    assert [problem.code for problem in caught.value.problems] == ["JX-U20"]


def _drip(listening: socket.socket, stopped: threading.Event) -> None:
    """Answer whoever comes with a byte each twentieth of a second."""
    while not stopped.is_set():
        try:
            visitor, _ = listening.accept()
        except TimeoutError:
            continue
        with visitor, contextlib.suppress(OSError):
            visitor.recv(4096)
            visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not stopped.wait(0.05):
                visitor.sendall(b"x")

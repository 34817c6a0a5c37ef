"""The whole way: built for now, put out, fetched back, promised, corrected, retired, moved and restored."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import podcastparser
import pytest
from filelock import FileLock, Timeout

from pipeline import amending, ledger, publishing
from pipeline.errors import AuthorError, PromiseError, PublishError
from pipeline.ledger import Ledger
from tests import stores
from tests.desks import NOW, Desk
from tests.stores import Answer, Request

LATER = NOW + timedelta(days=2)


@dataclass(frozen=True)
class Station:
    """A desk, the folder that its series is published to, and that folder on the web."""

    desk: Desk
    www: Path
    url: str

    @property
    def ledger_file(self) -> Path:
        return self.desk.workspace / "ledger.jsonl"

    def publish(self, name: str | None = None, *, now: datetime = NOW, dry_run: bool = False) -> publishing.Publication:
        return publishing.publish_series(self.desk.workspace, self.desk.out, name, now=now, dry_run=dry_run)

    def restore(self) -> publishing.Restored:
        return publishing.restore(self.desk.workspace, self.desk.out, None)

    def promises(self) -> Ledger:
        return ledger.read_ledger(self.ledger_file)

    def feed(self) -> feedparser.FeedParserDict:
        parsed = feedparser.parse((self.www / "feed.xml").read_bytes())
        assert not parsed.bozo
        return parsed

    def entry(self, number: int) -> feedparser.FeedParserDict:
        (entry,) = (entry for entry in self.feed().entries if entry.itunes_episode == str(number))
        return entry

    def record_again(self, number: int) -> None:
        """Lay another recording under an episode: the other one's."""
        folders = {1: "01-laowu", 2: "02-laojie"}
        (recording,) = (self.desk.workspace / folders[number]).glob("recording.*")
        (other,) = (self.desk.workspace / folders[3 - number]).glob("recording.*")
        recording.unlink()
        shutil.copyfile(other, recording.with_suffix(other.suffix))


def _destination(name: str, url: str, fetch_url: str, *, public: bool) -> str:
    word = "true" if public else "false"
    return f'\n[destinations.{name}]\nurl = "{url}"\nfetch_url = "{fetch_url}"\npublic = {word}\n'


@pytest.fixture
def station(desk: Desk, tmp_path: Path) -> Iterator[Station]:
    www = tmp_path / "www"
    www.mkdir()
    with stores.gate("", stores.folder_website(www)) as url:
        series = desk.workspace / "series.toml"
        written = series.read_text(encoding="utf-8") + _destination("website", www.as_uri(), f"{url}/", public=True)
        series.write_text(written, encoding="utf-8")
        yield Station(desk, www, f"{url}/")


@pytest.fixture
def published(station: Station) -> Station:
    station.publish()
    return station


# The first publishing


def test_what_is_due_is_put_out_promised_and_read_by_other_peoples_parsers(station: Station) -> None:
    publication = station.publish()
    assert publication.released == (1,)
    (entry,) = station.feed().entries
    release = station.promises().releases[1]
    assert entry.id == station.promises().identities[1].guid
    assert entry.enclosures[0].href.endswith(release.path)
    assert int(entry.enclosures[0].length) == (station.www / release.path).stat().st_size == release.size_bytes
    parsed = podcastparser.parse("https://jixiang.example/feed.xml", io.BytesIO((station.www / "feed.xml").read_bytes()))
    assert [each["guid"] for each in parsed["episodes"]] == [entry.id]
    assert (station.www / "ledger.jsonl").read_bytes() == station.ledger_file.read_bytes()


def test_from_the_build_to_the_end_nobody_else_can_build(station: Station) -> None:
    free: list[bool] = []

    def look() -> None:
        lock = FileLock(station.desk.out / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            free.append(False)
        else:
            lock.release()
            free.append(True)

    publishing.publish_series(
        station.desk.workspace,
        station.desk.out,
        None,
        now=NOW,
        progress=lambda _name, _state: look(),
        transfer=lambda _what, _done, _all: look(),
    )
    assert free
    assert not any(free)
    look()
    assert free[-1]


def test_a_dry_run_builds_and_says_what_would_go_out_and_promises_nothing(station: Station) -> None:
    publication = station.publish(dry_run=True)
    assert publication.plan is not None
    assert {"feed.xml", "1/index.html"} <= {entry.path for entry in publication.plan.entries if entry.action == "new"}
    assert publication.published is None
    assert [*station.www.iterdir()] == []
    assert station.promises().releases == {}


def test_a_rehearsal_promises_nothing(station: Station) -> None:
    station.desk.edit("series.toml", "public = true", "public = false")
    assert station.publish().released == ()
    assert (station.www / "feed.xml").is_file()
    assert station.promises().releases == {}


def test_a_rehearsal_may_look_ahead_and_the_real_thing_may_not(station: Station) -> None:
    ahead = datetime.now(UTC) + timedelta(days=400)
    with pytest.raises(PromiseError) as raised:
        station.publish(now=ahead)
    assert [problem.code for problem in raised.value.problems] == ["JX-P13"]
    station.desk.edit("series.toml", "public = true", "public = false")
    station.publish(now=ahead)
    assert len(station.feed().entries) == 2


def test_publishing_again_sends_nothing_and_promises_nothing_new(published: Station) -> None:
    before = published.ledger_file.read_bytes()
    again = published.publish()
    assert again.published is not None
    assert (again.published.uploaded, again.released) == (0, ())
    assert published.ledger_file.read_bytes() == before


def test_an_episode_that_falls_due_is_the_next_to_be_promised(published: Station) -> None:
    published.desk.edit("02-laojie/script.md", "2026-12-01", "2026-11-20")
    due = datetime(2026, 11, 24, tzinfo=UTC)
    assert published.publish(now=due).released == (2,)
    assert len(published.feed().entries) == 2


def test_a_site_that_cannot_be_laid_out_is_not_published(published: Station) -> None:
    before = {file: file.read_bytes() for file in published.www.rglob("*") if file.is_file()}
    published.desk.edit("01-laowu/script.md", "aspect:", "aspekt:")
    publication = published.publish()
    assert (publication.plan, publication.published) == (None, None)
    assert publication.outcome.failures
    assert {file: file.read_bytes() for file in published.www.rglob("*") if file.is_file()} == before


# Where to


def test_a_destination_must_be_named_where_there_are_several(station: Station) -> None:
    series = station.desk.workspace / "series.toml"
    second = _destination("mirror", (station.www / "mirror").as_uri(), f"{station.url}mirror/", public=True)
    series.write_text(series.read_text(encoding="utf-8") + second, encoding="utf-8")
    with pytest.raises(AuthorError) as raised:
        station.publish()
    assert [problem.code for problem in raised.value.problems] == ["JX-A63"]
    assert "website、mirror" in raised.value.problems[0].fix
    assert station.publish("mirror", dry_run=True).destination.name == "mirror"


def test_the_one_public_destination_needs_no_name(station: Station) -> None:
    series = station.desk.workspace / "series.toml"
    second = _destination("trial", (station.www / "trial").as_uri(), f"{station.url}trial/", public=False)
    series.write_text(series.read_text(encoding="utf-8") + second, encoding="utf-8")
    assert station.publish().destination.name == "website"


@pytest.mark.parametrize("name", ["nowhere", None])
def test_a_destination_that_does_not_exist_is_said(desk: Desk, name: str | None) -> None:
    with pytest.raises(AuthorError) as raised:
        publishing.publish_series(desk.workspace, desk.out, name, now=NOW)
    assert [problem.code for problem in raised.value.problems] == ["JX-A63"]


def test_a_server_that_answers_a_code_with_its_home_page_is_refused_before_anything_is_promised(
    desk: Desk, tmp_path: Path
) -> None:
    www = tmp_path / "www"

    def home_everywhere(request: Request, answer: Answer) -> Answer:
        if request.path.split("?")[0].endswith("/"):
            return Answer(status=200, body=(www / "index.html").read_bytes(), headers={"Content-Type": "text/html"})
        return answer

    with stores.gate("", stores.folder_website(www, home_everywhere)) as url:
        series = desk.workspace / "series.toml"
        text = series.read_text(encoding="utf-8") + _destination("website", www.as_uri(), f"{url}/", public=True)
        series.write_text(text, encoding="utf-8")
        with pytest.raises(PublishError) as raised:
            publishing.publish_series(desk.workspace, desk.out, None, now=NOW)
    assert any("子目录首页" in problem.fix for problem in raised.value.problems)
    assert not (www / "feed.xml").exists()
    assert ledger.read_ledger(desk.workspace / "ledger.jsonl").releases == {}


# Two people


def test_lines_that_only_the_published_ledger_has_stop_with_the_remedy_and_restore_brings_them(published: Station) -> None:
    *lines, last = published.ledger_file.read_text(encoding="utf-8").splitlines()
    published.ledger_file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with pytest.raises(PromiseError) as raised:
        published.publish()
    assert [problem.code for problem in raised.value.problems] == ["JX-P12"]
    assert "jixiang restore" in raised.value.problems[0].fix
    assert published.restore().lines == 1
    assert published.ledger_file.read_text(encoding="utf-8").splitlines() == [*lines, last]
    published.publish()


def test_who_publishes_while_somebody_else_does_is_stopped_before_the_feed(published: Station) -> None:
    manifest, feed = published.www / "publish-manifest.json", (published.www / "feed.xml").read_bytes()
    published.desk.edit("01-laowu/script.md", "title: 慢慢看", "title: 再慢一点")
    theirs = manifest.read_bytes() + b" "

    def meanwhile(step: str, _done: int, _all: int) -> None:
        if step == "读回":
            manifest.write_bytes(theirs)

    with pytest.raises(PublishError) as raised:
        publishing.publish_series(published.desk.workspace, published.desk.out, None, now=NOW, transfer=meanwhile)
    assert [problem.code for problem in raised.value.problems] == ["JX-U34"]
    assert (published.www / "feed.xml").read_bytes() == feed
    assert manifest.read_bytes() == theirs


def test_who_published_while_we_were_building_is_noticed(published: Station) -> None:
    copy = published.www / "ledger.jsonl"
    text = copy.read_text(encoding="utf-8")

    def meanwhile(_name: str, _state: str) -> None:
        copy.write_text(text + ledger.retirement_line(1, "别人撤下的", LATER) + "\n", encoding="utf-8")

    published.desk.edit("02-laojie/script.md", "title: ", "title: 新")  # so that there is something to build
    with pytest.raises(PromiseError) as raised:
        publishing.publish_series(published.desk.workspace, published.desk.out, None, now=NOW, progress=meanwhile)
    assert [problem.code for problem in raised.value.problems] == ["JX-P12"]


def test_a_ledger_that_is_gone_comes_back_whole(published: Station) -> None:
    before = published.ledger_file.read_text(encoding="utf-8")
    published.ledger_file.unlink()
    assert published.restore().lines == len(before.splitlines())
    assert published.ledger_file.read_text(encoding="utf-8") == before


# What was lost here


def test_a_released_sound_that_is_gone_is_fetched_back_and_never_encoded_again(published: Station) -> None:
    release = published.promises().releases[1]
    original = (published.www / release.path).read_bytes()
    shutil.rmtree(published.desk.out / "site")
    shutil.rmtree(published.desk.out / "store" / "tag")
    published.desk.edit("01-laowu/script.md", "title: 慢慢看", "title: 再慢一点")  # so that tagging would give other bytes
    (problem,) = (problem for failure in published.desk.build().failures for problem in failure.problems)
    assert problem.code == "JX-P07"
    assert "jixiang restore" in problem.fix
    assert published.restore().files == (release.path,)
    assert (published.desk.out / "site" / release.path).read_bytes() == original
    published.publish()
    assert published.entry(1).title == "再慢一点"
    assert (published.www / release.path).read_bytes() == original


def test_a_sound_that_is_not_what_was_released_is_not_restored(published: Station) -> None:
    release = published.promises().releases[1]
    shutil.rmtree(published.desk.out / "site")
    shutil.rmtree(published.desk.out / "store" / "tag")
    (published.www / release.path).write_bytes(b"another sound")
    with pytest.raises(PublishError) as raised:
        published.restore()
    assert [problem.code for problem in raised.value.problems] == ["JX-U41"]
    assert not (published.desk.out / "site" / release.path).exists()


def test_restoring_what_is_all_here_changes_nothing(published: Station) -> None:
    before = published.ledger_file.read_bytes()
    restored = published.restore()
    assert (restored.lines, restored.files) == (0, ())
    assert published.ledger_file.read_bytes() == before


# Decisions


def _decide(station: Station, amendment: amending.Amendment) -> None:
    amending.record(amendment, station.desk.out, reason="为了测试", now=LATER)


def test_a_corrected_episode_gets_a_new_file_under_the_same_guid_and_the_old_file_stays(published: Station) -> None:
    before, old = published.entry(1), published.promises().releases[1]
    published.record_again(1)
    assert [failure.exit_code for failure in _failures(published)] == [5]
    _decide(published, amending.propose_correction(published.desk.workspace, 1))
    assert published.publish().released == (1,)
    after = published.entry(1)
    assert (after.id, after.link, after.published) == (before.id, before.link, before.published)
    assert after.enclosures[0].href != before.enclosures[0].href
    assert (published.www / old.path).stat().st_size == old.size_bytes
    assert (published.desk.out / "site" / old.path).is_file()
    again = published.publish()
    assert again.published is not None
    assert (again.published.uploaded, again.released) == (0, ())


def _failures(station: Station) -> list[PromiseError]:
    try:
        station.desk.build()
    except PromiseError as error:
        return [error]
    return []


def test_a_retired_episode_leaves_feed_and_lists_and_keeps_its_page_and_sound(published: Station) -> None:
    release = published.promises().releases[1]
    _decide(published, amending.propose_retirement(published.desk.workspace, 1))
    published.publish()
    assert published.feed().entries == []
    page = (published.www / "1" / "index.html").read_text(encoding="utf-8")
    assert "已从节目单里撤下" in page
    assert release.path in page
    assert (published.www / release.path).is_file()
    assert 'href="1/"' not in (published.www / "index.html").read_text(encoding="utf-8")
    assert "/1/" not in (published.www / "sitemap.xml").read_text(encoding="utf-8")


def test_a_retired_episode_may_lose_its_folder_and_its_code_still_leads_somewhere(published: Station) -> None:
    release = published.promises().releases[1]
    _decide(published, amending.propose_retirement(published.desk.workspace, 1))
    shutil.rmtree(published.desk.workspace / "01-laowu")
    published.publish()
    assert (published.www / "1" / "index.html").is_file()
    assert (published.www / release.path).is_file()


def test_after_a_move_the_feed_says_where_it_is_and_every_guid_stays(published: Station) -> None:
    before = published.entry(1)
    shutil.rmtree(published.desk.workspace / "02-laojie")  # so that fewer posters are drawn with the new address
    published.desk.edit("series.toml", "https://a.example/", "https://new.example/radio/")
    _decide(published, amending.propose_move(published.desk.workspace))
    published.publish()
    feed, after = published.feed().feed, published.entry(1)
    assert feed["itunes_new-feed-url"] == "https://new.example/radio/feed.xml"
    assert (after.id, after.link) == (before.id, "https://new.example/radio/1/")
    assert feed["podcast_guid"] == published.promises().series.podcast_guid  # type: ignore[union-attr]
    rules = (published.desk.out / "move" / "a.example" / "nginx.conf").read_text(encoding="utf-8")
    assert "https://new.example/radio/" in rules


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda station: amending.propose_correction(station.desk.workspace, 2), "JX-P20"),
        (lambda station: amending.propose_retirement(station.desk.workspace, 9), "JX-P20"),
        (lambda station: amending.propose_move(station.desk.workspace), "JX-P23"),
    ],
    ids=["correct what is not out", "retire what does not exist", "move nowhere"],
)
def test_a_decision_about_nothing_is_refused(published: Station, prepare: object, code: str) -> None:
    with pytest.raises(PromiseError) as raised:
        prepare(published)  # type: ignore[operator]
    assert [problem.code for problem in raised.value.problems] == [code]


def test_a_move_below_the_old_address_is_refused_because_redirects_would_never_end(published: Station) -> None:
    published.desk.edit("series.toml", "https://a.example/", "https://a.example/new/")
    with pytest.raises(PromiseError) as raised:
        amending.propose_move(published.desk.workspace)
    assert [problem.code for problem in raised.value.problems] == ["JX-P24"]


def test_nothing_can_be_moved_before_anything_is_out(station: Station) -> None:
    with pytest.raises(PromiseError) as raised:
        amending.propose_move(station.desk.workspace)
    assert [problem.code for problem in raised.value.problems] == ["JX-P22"]


def test_the_same_correction_is_not_recorded_twice(published: Station) -> None:
    published.record_again(1)
    _decide(published, amending.propose_correction(published.desk.workspace, 1))
    with pytest.raises(PromiseError) as raised:
        amending.propose_correction(published.desk.workspace, 1)
    assert [problem.code for problem in raised.value.problems] == ["JX-P21"]


@pytest.mark.parametrize("reason", [" \u200b", "好" * 201])
def test_a_decision_without_a_reason_or_with_an_endless_one_is_not_recorded(published: Station, reason: str) -> None:
    before = published.ledger_file.read_bytes()
    with pytest.raises(AuthorError) as raised:
        amending.record(amending.propose_retirement(published.desk.workspace, 1), published.desk.out, reason=reason, now=LATER)
    assert [problem.code for problem in raised.value.problems] == ["JX-A62"]
    assert published.ledger_file.read_bytes() == before


def test_proposing_writes_nothing_and_says_who_would_notice(published: Station) -> None:
    before = published.ledger_file.read_bytes()
    amendment = amending.propose_retirement(published.desk.workspace, 1)
    assert published.ledger_file.read_bytes() == before
    assert "https://a.example/1/" in "".join(amendment.affected)

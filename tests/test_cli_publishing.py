"""The terminal, where something is published, decided or checked: what staff type and what they read."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli
from pipeline import ledger
from tests import stores
from tests.desks import Desk


@dataclass(frozen=True)
class Terminal:
    """A workspace with a destination, and somebody who types commands there."""

    desk: Desk
    www: Path

    def type(self, *arguments: str, answers: str = "", out: bool = True) -> Result:
        where = ["-C", str(self.desk.workspace), *(["--out", str(self.desk.out)] if out else [])]
        return CliRunner().invoke(cli.jixiang, [*arguments, *where], input=answers)

    def promises(self) -> ledger.Ledger:
        return ledger.read_ledger(self.desk.workspace / "ledger.jsonl")


@pytest.fixture(scope="module")
def published(first: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Return a terminal where everything was published, for looking only."""
    folder = tmp_path_factory.mktemp("terminal")
    shutil.copytree(first.workspace.parent, folder / "desk")
    www = folder / "www"
    www.mkdir()
    with stores.gate("", stores.folder_website(www)) as url:
        desk = Desk(folder / "desk" / "episodes", folder / "desk" / "out")
        series = desk.workspace / "series.toml"
        destination = f'\n[destinations.website]\nurl = "{www.as_uri()}"\nfetch_url = "{url}/"\npublic = true\n'
        series.write_text(series.read_text(encoding="utf-8") + destination, encoding="utf-8")
        terminal = Terminal(desk, www)
        result = terminal.type("publish", "--now", "2026-11-01")
        assert result.exit_code == 0, result.output
        yield terminal


def test_publishing_ends_with_what_was_promised_and_where_it_is(published: Terminal) -> None:
    again = published.type("publish", "--now", "2026-11-01")
    assert again.exit_code == 0
    assert "√ 发布到 website（正式）：传了 0 个文件" in again.output
    assert "不是海报上的 https://a.example/" in again.output
    assert published.promises().releases.keys() == {1}


def test_a_dry_run_shows_a_table_and_sends_nothing(published: Terminal) -> None:
    published.desk.edit("01-laowu/script.md", "title: 慢慢看", "title: 再慢一点")
    shown = published.type("publish", "--dry-run", "--now", "2026-11-01")
    assert shown.exit_code == 0
    assert "改动        feed.xml" in shown.output
    assert "这一次没有传" in shown.output
    assert "再慢一点" not in (published.www / "feed.xml").read_text(encoding="utf-8")
    published.desk.edit("01-laowu/script.md", "title: 再慢一点", "title: 慢慢看")


def test_a_dry_run_in_json_holds_the_plan(published: Terminal) -> None:
    told = json.loads(published.type("publish", "--dry-run", "--json", "--now", "2026-11-01").stdout)
    assert (told["destination"], told["public"], told["published"]) == ("website", True, None)
    assert {"feed.xml", "1/index.html"} <= {entry["path"] for entry in told["plan"]}


def test_the_ledger_is_shown_as_a_table(published: Terminal) -> None:
    shown = published.type("ledger", out=False)
    assert shown.exit_code == 0
    assert "订阅 https://a.example/feed.xml" in shown.output
    assert "已发布" in shown.output
    assert "没有发布" in shown.output
    assert published.promises().releases[1].path in shown.output


def test_the_ledger_in_json_holds_every_promise(published: Terminal) -> None:
    told = json.loads(published.type("ledger", "--json", out=False).stdout)
    assert [release["number"] for release in told["releases"]] == [1]
    assert [identity["number"] for identity in told["identities"]] == [1, 2]


def test_a_check_says_that_all_is_well_or_what_is_not(published: Terminal) -> None:
    well = published.type("check")
    assert (well.exit_code, "√ 2 期的稿件和资料都没有问题" in well.output) == (0, True)
    published.desk.edit("02-laojie/script.md", "aspect:", "aspekt:")
    ill = published.type("check", "--json")
    published.desk.edit("02-laojie/script.md", "aspekt:", "aspect:")
    assert ill.exit_code == 1
    assert {problem["code"] for problem in json.loads(ill.stdout)["problems"]} >= {"JX-A15"}


def test_a_feed_that_somebody_edited_is_told_without_building(published: Terminal) -> None:
    feed = published.desk.out / "site" / "feed.xml"
    content = feed.read_bytes()
    feed.write_bytes(content.replace(b"<itunes:explicit>false", b"<itunes:explicit>no", 1))
    ill = published.type("check")
    feed.write_bytes(content)
    assert ill.exit_code == 1
    assert "itunes:explicit 是“no”" in ill.output
    assert "[JX-F01]" in ill.output


def test_where_nobody_can_answer_the_options_to_write_are_named(
    published: Terminal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    where = ["-C", str(published.desk.workspace), "--out", str(published.desk.out)]
    assert cli._run(["retire", "1", "--yes", *where]) == 2  # noqa: SLF001  (what the terminal hands back)
    assert "--reason" in capsys.readouterr().err


def test_a_decision_is_shown_asked_for_and_recorded(published: Terminal) -> None:
    before = published.promises()
    shown = published.type("retire", "1", answers="嘉宾要求\nn\n")
    assert shown.exit_code == 130
    assert "没有记" in shown.output
    assert "扫海报的居民" in shown.output
    assert published.promises() == before
    agreed = published.type("retire", "1", answers="嘉宾要求\ny\n")
    assert agreed.exit_code == 0
    assert "√ 已记入台账" in agreed.output
    assert published.promises().retirements[1].reason == "嘉宾要求"


def test_what_cannot_be_decided_leaves_with_the_promises_exit_code(
    published: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["-C", str(published.desk.workspace), "--out", str(published.desk.out)]
    assert cli._run(["correct", "2", "--reason", "重录", "--yes", *where]) == 5  # noqa: SLF001  (what the terminal hands back)
    assert "[JX-P20]" in capsys.readouterr().err


def test_restoring_tells_what_came_back(published: Terminal) -> None:
    file = published.desk.workspace / "ledger.jsonl"
    text = file.read_text(encoding="utf-8")
    file.write_text("".join(line for line in text.splitlines(keepends=True) if '"release"' not in line), encoding="utf-8")
    restored = published.type("restore")
    assert restored.exit_code == 0, restored.output
    assert "取回台账 1 行、声音 0 个" in restored.output
    assert published.promises().releases.keys() == {1}


def test_a_destination_that_does_not_exist_leaves_with_a_place_a_cause_and_a_fix(
    published: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["-C", str(published.desk.workspace), "--out", str(published.desk.out)]
    assert cli._run(["publish", "mars", *where]) == 1  # noqa: SLF001  (what the terminal hands back)
    said = capsys.readouterr().err
    assert "没有叫“mars”的发布地点" in said
    assert "怎么改：写成 website 之一" in said

"""Made once, laid out safely: the store and the folders."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from pipeline import artefacts
from pipeline.artefacts import store as artefact_store
from pipeline.errors import LockedError, MachineError
from pipeline.model import Cue, Files
from pipeline.page import Site

CALLS: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Copy:
    file: Path
    words: tuple[Cue, ...]


def copy_upper(source: Path, words: str, to: Path) -> Copy:
    """Stand in for a slow stage: it reads a file, writes one, and returns a record."""
    CALLS.append(words)
    to.write_text(source.read_text(encoding="utf-8").upper() + words, encoding="utf-8")
    return Copy(file=to, words=(Cue(start_s=0.5, end_s=1.25, text=words, speaker="", confidence=1.0),))


def fail(source: Path, to: Path) -> Copy:
    to.write_text(source.name, encoding="utf-8")
    raise ValueError("half-way")


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source.txt"
    file.write_text("abc", encoding="utf-8")
    return file


def _make(store: Path, source: Path, words: str = "x") -> Copy:
    return artefacts.reuse_or_make(store, copy_upper, source, words, suffix=".txt")


def test_the_same_call_is_made_once_and_gives_the_same_record(tmp_path: Path, source: Path) -> None:
    first = _make(tmp_path / "store", source)
    assert _make(tmp_path / "store", source) == first
    assert CALLS == ["x"]
    assert first.file.read_text(encoding="utf-8") == "ABCx"


def test_files_count_by_content_and_not_by_name_or_date(tmp_path: Path, source: Path) -> None:
    first = _make(tmp_path / "store", source)
    other = tmp_path / "other-name.txt"
    other.write_text("abc", encoding="utf-8")
    assert _make(tmp_path / "store", other) == first
    other.write_text("abd", encoding="utf-8")
    assert _make(tmp_path / "store", other) != first


def test_other_arguments_are_another_call(tmp_path: Path, source: Path) -> None:
    _make(tmp_path / "store", source, "x")
    _make(tmp_path / "store", source, "y")
    assert CALLS == ["x", "y"]


@pytest.mark.parametrize("damage", ["file cut", "file gone", "file edited", "record cut", "record gone", "record edited"])
def test_damage_is_noticed_and_made_again(tmp_path: Path, source: Path, damage: str) -> None:
    first = _make(tmp_path / "store", source)
    record = first.file.with_suffix(".json")
    match damage:
        case "file cut":
            first.file.write_text("AB", encoding="utf-8")
        case "file gone":
            first.file.unlink()
        case "file edited":
            first.file.write_text("ABDx", encoding="utf-8")
        case "record cut":
            record.write_bytes(record.read_bytes()[:40])
        case "record gone":
            record.unlink()
        case "record edited":
            record.write_text(record.read_text(encoding="utf-8").replace("0.5", "0.6"), encoding="utf-8")
    assert _make(tmp_path / "store", source) == first
    assert CALLS == ["x", "x"]
    assert first.file.read_text(encoding="utf-8") == "ABCx"


def test_a_call_that_fails_leaves_nothing_behind(tmp_path: Path, source: Path) -> None:
    with pytest.raises(ValueError, match="half-way"):
        artefacts.reuse_or_make(tmp_path / "store", fail, source, suffix=".txt")
    assert [file for file in (tmp_path / "store").rglob("*") if file.is_file()] == []


def test_a_moved_store_is_still_good(tmp_path: Path, source: Path) -> None:
    _make(tmp_path / "store", source)
    shutil.move(tmp_path / "store", tmp_path / "moved")
    assert _make(tmp_path / "moved", source).file.is_relative_to(tmp_path / "moved")
    assert CALLS == ["x"]


def test_a_stage_depends_on_its_modules_their_packages_and_ffmpeg() -> None:
    recipe = artefact_store._recipe("pipeline.audio.mastering")  # noqa: SLF001  (what the key is made of is what is promised)
    assert {
        "pipeline.audio.mastering",
        "pipeline.media",
        "pipeline.model",
        "ffmpeg",
        "numpy==",
        "pydub==",
        "onnxruntime==",
        "machine",
    } <= recipe.keys()
    assert "pipeline.feed" not in recipe
    # What tests alone need is not there: installing it must not make everything again.
    assert recipe.keys().isdisjoint({"pytest==", "hypothesis==", "mypy==", "ruff=="})
    assert "pillow==" in artefact_store._recipe("pipeline.poster.compose")  # noqa: SLF001  (see above)


def test_the_same_call_twice_at_once_is_made_once(tmp_path: Path, source: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        shop = artefacts.Workshop(store=tmp_path / "store", pool=pool, progress=lambda _name, _state: None)
        futures = [shop.start("x", copy_upper, source, "x", suffix=".txt") for _ in range(8)]
        assert {future.result().file for future in futures} == {futures[0].result().file}
    assert CALLS == ["x"]


def test_what_a_killed_build_left_half_made_is_swept_up(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "out"
    with artefacts.claimed(out):
        made = _make(out / "store", source).file
        artefacts.lay_out(out / "site", {"index.html": b"i"})
    left = [made.with_name(f"{made.stem}.77.part.txt"), out / "site" / ".index.html.77.part", made.parent / "tmp7" / "mix.f32"]
    for file in left:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"half")
    with artefacts.claimed(out):
        assert not any(file.exists() for file in left)
        assert made.exists()
        assert (out / "site" / "index.html").exists()


FILES = st.dictionaries(
    st.sampled_from(["index.html", "feed.xml", "7/index.html", "audio/7-0123456789ab.mp3", "a/b/c.txt", "a/d.txt"]),
    st.binary(max_size=4),
)


@given(before=FILES, after=FILES)
def test_a_folder_laid_out_again_equals_one_laid_out_fresh(
    tmp_path_factory: pytest.TempPathFactory, before: Files, after: Files
) -> None:
    again, fresh = tmp_path_factory.mktemp("again"), tmp_path_factory.mktemp("fresh")
    artefacts.lay_out(again, before)
    artefacts.lay_out(again, after)
    artefacts.lay_out(fresh, after)
    assert _content(again) == _content(fresh) == after
    assert sorted(path.name for path in again.rglob("*")) == sorted(path.name for path in fresh.rglob("*"))


def test_unchanged_files_are_not_touched(tmp_path: Path) -> None:
    artefacts.lay_out(tmp_path, {"a.html": b"1", "b.html": b"1"})
    before = (tmp_path / "a.html").stat()
    assert artefacts.lay_out(tmp_path, {"a.html": b"1", "b.html": b"2"}) == ("b.html",)
    after = (tmp_path / "a.html").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_a_page_that_is_made_when_asked_for_is_made_once(tmp_path: Path) -> None:
    for _ in ("written", "left alone"):
        made: list[int] = []

        def make(made: list[int] = made) -> bytes:
            made.append(1)
            return b"page"

        artefacts.lay_out(tmp_path / "site", Site({"7/index.html": make}))
        assert len(made) == 1


def test_hashed_files_come_first_and_the_feed_last(tmp_path: Path) -> None:
    files: Files = {"feed.xml": b"f", "index.html": b"i", "zz/7-0123456789ab.mp3": b"s"}
    assert artefacts.lay_out(tmp_path, files, last="feed.xml") == ("zz/7-0123456789ab.mp3", "index.html", "feed.xml")


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "a\\x"])
def test_nothing_is_laid_out_beside_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="leaves the folder"):
        artefacts.lay_out(tmp_path / "site", {path: b""})


def test_a_strangers_folder_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "照片.jpg").write_bytes(b"precious")
    with pytest.raises(MachineError) as raised, artefacts.claimed(tmp_path):
        pass
    assert raised.value.problems[0].code == "JX-M02"


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(MachineError) as raised, artefacts.claimed(tmp_path / "out"):
        pass
    assert raised.value.problems[0].code == "JX-M01"
    assert raised.value.exit_code == 3


def test_a_lock_that_cannot_be_taken_is_the_machines_fault(tmp_path: Path) -> None:
    with artefacts.claimed(tmp_path / "out"):
        pass
    (tmp_path / "out" / ".lock").unlink(missing_ok=True)
    (tmp_path / "out" / ".lock").mkdir()
    with pytest.raises(MachineError) as raised, artefacts.claimed(tmp_path / "out"):
        pass
    assert raised.value.problems[0].code == "JX-M01"


def test_a_second_build_in_the_same_folder_is_told_to_wait(tmp_path: Path) -> None:
    with artefacts.claimed(tmp_path / "out"):
        pass
    with FileLock(tmp_path / "out" / ".lock"), pytest.raises(LockedError) as raised, artefacts.claimed(tmp_path / "out"):
        pass
    assert raised.value.exit_code == 75


@pytest.mark.parametrize(("drop", "left"), [(True, ["一", "二", "三", ""]), (False, ["一", "二", "没有行尾", "三", ""])])
def test_a_line_without_an_end_swallows_no_other(tmp_path: Path, *, drop: bool, left: list[str]) -> None:
    file = tmp_path / "ledger.jsonl"
    artefacts.append_lines(file, ["一", "二"])
    with file.open("ab") as stream:
        stream.write("没有行尾".encode())
    artefacts.append_lines(file, ["三"], drop_torn_line=drop)
    assert file.read_text(encoding="utf-8").split("\n") == left


def _content(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

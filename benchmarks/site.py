"""The site's pages beside Hugo, which prints a site like it from the same scripts: ``make bench-site``.

In turns within one run. Each contestant is a process of its own, its start included, on scripts that this repository makes up.
See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import platform
import shlex
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import hugo_site, our_pages, process, script_like
from benchmarks.document import markdown, tell, write
from benchmarks.our_pages import Course
from benchmarks.process import Cost

DOCUMENT_NAME = "site"
OURS, HUGO = "ours", "Hugo"
COLD, UNCHANGED = "cold", "unchanged"
MOST_RATIO = 2.0
"""What ours may take for each second of Hugo's, on the clock."""

_REPOSITORY = Path(__file__).parents[1]
_FOLDER = _REPOSITORY / ".bench"
_MADE_BY = ("script_like.py", "our_pages.py", "hugo_site.py")
_SYNCED_FILES = 50


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the scripts of one size lie, and what Hugo reads of them."""

    workspace: Path
    hugo_source: Path
    episodes: int


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a contestant; ``course`` is None where the program does not tell how its time went."""

    cost: Cost
    course: Course | None


Runs = Mapping[tuple[str, str], Sequence[Run]]
"""By contestant and state of the folder, one for each round."""

Holdings = Mapping[str, tuple[int, str]]
"""The files of a folder by path: when each was written, in ns, and the digest of its content."""


@dataclass(frozen=True, kw_only=True)
class Touched:
    """How many files a build wrote, and the pages whose content became another (or that are new or gone)."""

    written: int
    pages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Printed:
    """What a contestant left in its folder, and what it did there when nothing or one episode was new; weights with gzip."""

    pages: int
    files: int
    home_bytes: int
    heaviest: str
    heaviest_bytes: int
    unchanged: Touched
    one_more: Touched


# Running


def prepare(episodes: int) -> Place:
    """Return the scripts of so many episodes; kept between runs, under a name that changes with what makes them."""
    here = Path(__file__).parent
    makers = [*(here / name for name in _MADE_BY), *sorted((here / "hugo").rglob("*.*"))]
    made_by = hashlib.sha256(b"".join(file.read_bytes() for file in makers))
    folder = _FOLDER / f"site-{episodes}-{made_by.hexdigest()[:8]}"
    if not folder.exists():
        tell(f"making the scripts of {episodes} episodes")
        unfinished = folder.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        script_like.write_workspace(unfinished / "workspace", episodes)
        hugo_site.write_source(unfinished / "workspace", unfinished / "hugo")
        unfinished.replace(folder)
    return Place(workspace=folder / "workspace", hugo_source=folder / "hugo", episodes=episodes)


def run_ours(place: Place, to: Path) -> Run:
    """Return what our pages in the folder ``to`` cost."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "course.json"
        cost = process.measure([sys.executable, "-m", our_pages.__name__, f"{place.workspace}", f"{to}", f"{said}"])
        return Run(cost=cost, course=Course(**json.loads(said.read_text(encoding="utf-8"))))


def run_hugo(place: Place, to: Path) -> Run:
    """Return what Hugo's pages in the folder ``to`` cost."""
    return Run(cost=process.measure(hugo_site.command(place.hugo_source, to)), course=None)


CONTESTANTS: Mapping[str, Callable[[Place, Path], Run]] = {OURS: run_ours, HUGO: run_hugo}


def compare(place: Place, *, rounds: int) -> Runs:
    """Return the costs of a cold and an unchanged build; the contestants take turns, and another one goes first each round."""
    runs: dict[tuple[str, str], list[Run]] = {(name, state): [] for state in (COLD, UNCHANGED) for name in CONTESTANTS}
    names = list(CONTESTANTS)
    for number in range(rounds):
        first = number % len(names)
        for name in names:
            shutil.rmtree(_result_of(name, place), ignore_errors=True)
        for state in (COLD, UNCHANGED):
            for name in names[first:] + names[:first]:
                tell(f"round {number + 1} of {rounds}: {name}, {state}")
                # What one leaves unwritten in memory the other would otherwise wait for: only ours waits for the disk.
                os.sync()
                runs[name, state].append(CONTESTANTS[name](place, _result_of(name, place)))
    return runs


def _result_of(contestant: str, place: Place) -> Path:
    return place.workspace.with_name(f"result-{contestant.lower()}")


def look(contestant: str, place: Place) -> Printed:
    """Return what the folder of a finished build holds, and what two further builds do to it."""
    folder = _result_of(contestant, place)
    before = holdings(folder)
    CONTESTANTS[contestant](place, folder)
    again = holdings(folder)
    grown = prepare(place.episodes + 1)
    CONTESTANTS[contestant](grown, folder)
    after = holdings(folder)
    pages = [path for path in again if path.endswith(".html")]
    weights = {path: _weight(folder / path) for path in pages if path in after}
    shutil.rmtree(folder)
    heaviest = max(weights, key=lambda path: weights[path])
    return Printed(
        pages=len(pages),
        files=len(again),
        home_bytes=weights["index.html"],
        heaviest=heaviest,
        heaviest_bytes=weights[heaviest],
        unchanged=touched(before, again),
        one_more=touched(again, after),
    )


def holdings(folder: Path) -> Holdings:
    """Return what a folder holds."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {
        file.relative_to(folder).as_posix(): (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest())
        for file in files
    }


def touched(before: Holdings, after: Holdings) -> Touched:
    """Return what happened to a folder in between."""
    pages = [path for path in {*before, *after} if path.endswith(".html")]
    return Touched(
        written=sum(before.get(path) != held for path, held in after.items()),
        pages=tuple(sorted(path for path in pages if _content(before, path) != _content(after, path))),
    )


def _content(files: Holdings, path: str) -> str:
    return files[path][1] if path in files else ""


def _weight(file: Path) -> int:
    return len(gzip.compress(file.read_bytes(), 9))


def measure_memory(episodes: Sequence[int]) -> dict[int, dict[str, Run]]:
    """Return one cold run of each contestant by the number of episodes."""
    measured: dict[int, dict[str, Run]] = {}
    for count in episodes:
        place = prepare(count)
        for name, run in CONTESTANTS.items():
            tell(f"memory: {count} episodes, {name}")
            shutil.rmtree(_result_of(name, place), ignore_errors=True)
            measured.setdefault(count, {})[name] = run(place, _result_of(name, place))
            shutil.rmtree(_result_of(name, place))
    return measured


def _seconds_a_synced_file() -> float:
    """Return the median time to write a small file and wait until the disk has it."""
    taken_s = []
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        for number in range(_SYNCED_FILES):
            start_s = time.perf_counter()
            with (Path(folder) / str(number)).open("wb") as stream:
                stream.write(bytes(20_000))
                stream.flush()
                os.fsync(stream.fileno())
            taken_s.append(time.perf_counter() - start_s)
    return statistics.median(taken_s)


# The tables


def speed_table(runs: Runs, pages: int) -> str:
    """Return as Markdown what each state costs; ratios of medians to Hugo's, with the least and greatest of one round."""
    rows = []
    for state in (COLD, UNCHANGED):
        hugo_s = [run.cost.wall_s for run in runs[HUGO, state]]
        parts = {f"{HUGO}, {state}": hugo_s, **_parts(runs[OURS, state], state)}
        rows += [
            [part, f"{statistics.median(taken_s):.2f}", _ratio(taken_s, hugo_s), f"{pages / statistics.median(taken_s):.0f}"]
            for part, taken_s in parts.items()
        ]
    return markdown(rows, ["", "seconds", "in units of Hugo", "pages a second"])


def _parts(runs: Sequence[Run], state: str) -> dict[str, list[float]]:
    courses = [run.course for run in runs if run.course]
    return {
        f"{OURS}, {state}": [run.cost.wall_s for run in runs],
        "– of it: render and lay out": [course.rendered_s + course.laid_out_s for course in courses],
        "– of it: render": [course.rendered_s for course in courses],
        "– of it: read the scripts": [course.read_s for course in courses],
    }


def _ratio(ours_s: Sequence[float], hugo_s: Sequence[float]) -> str:
    """Return the ratio of medians and its range over the rounds; what is too much stands out."""
    ratios = [own / hugo for own, hugo in zip(ours_s, hugo_s, strict=True)]
    median = statistics.median(ours_s) / statistics.median(hugo_s)
    shown = f"**{median:.2f}**" if median > MOST_RATIO else f"{median:.2f}"
    return f"{shown} ({min(ratios):.2f}–{max(ratios):.2f})" if max(ratios) != min(ratios) else shown


def processor_table(runs: Runs) -> str:
    """Return as Markdown the processor time of the whole process, medians over the rounds."""
    rows = []
    for state in (COLD, UNCHANGED):
        ours_s, hugo_s = ([run.cost.cpu_s for run in runs[name, state]] for name in (OURS, HUGO))
        medians = (statistics.median(ours_s), statistics.median(hugo_s))
        rows.append([state, *(f"{each:.2f}" for each in medians), f"{medians[0] / medians[1]:.2f}"])
    return markdown(rows, ["", "ours, CPU s", "Hugo, CPU s", "ours : Hugo"])


def memory_table(measured: Mapping[int, Mapping[str, Run]]) -> str:
    """Return as Markdown the peak memory by the number of episodes."""
    rows = []
    for episodes, runs in sorted(measured.items()):
        peak_mb, course = runs[OURS].cost.peak_mb, runs[OURS].course
        records_mb = course.records_mb if course else peak_mb
        pages_mb = max(0.0, peak_mb - records_mb)
        hugo_mb = runs[HUGO].cost.peak_mb
        rows.append([f"{episodes:,}", f"{peak_mb:.0f}", f"{records_mb:.0f}", f"{pages_mb:.0f}", f"{hugo_mb:.0f}"])
    return markdown(rows, ["episodes", "ours, MB", "before the first page", "the pages add", "Hugo, MB"])


def printed_table(printed: Mapping[str, Printed]) -> str:
    """Return as Markdown what lies in the folders, what a build without news rewrites, and what one new episode changes."""
    rows = [
        [
            name,
            f"{one.files:,}",
            f"{one.pages:,}",
            f"{one.home_bytes / 1000:.1f}",
            f"{one.heaviest_bytes / 1000:.1f} ({one.heaviest})",
            _expected_none(one.unchanged.written) if name == OURS else f"{one.unchanged.written:,}",
            f"{len(one.one_more.pages):,}",
            f"{one.one_more.written:,}",
        ]
        for name, one in printed.items()
    ]
    headers = [
        "",
        "files",
        "pages",
        "home, KB gz",
        "heaviest page, KB gz",
        "rewritten when nothing is new",
        "pages changed by one more",
        "files rewritten by one more",
    ]
    return markdown(rows, headers)


def _expected_none(count: int) -> str:
    return f"**{count:,}**" if count else "0"


# The command


def _conditions(command: str, *, load: float, synced_s: float) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("hugo", "jinja2", "markdown-it-py", "nh3"))
    return (
        f"`{command}` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, load {load:.1f} at the start, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {packages}. "
        f"To write a small file and wait for the disk takes {1000 * synced_s:.1f} ms here; ours waits for every file, Hugo never."
    )


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site", description="Make the site's pages beside Hugo.")
    parser.add_argument("--episodes", type=int, default=1000, help="how many episodes the sites have (default: 1000)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contestant runs (default: 5)")
    parser.add_argument(
        "--memory",
        default="100,1000,3000",
        help="numbers of episodes whose memory is measured; may be empty (default: 100,1000,3000)",
    )
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="also put the tables between the marks of this document")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Run the comparison and print it as Markdown."""
    chosen = _arguments(arguments)
    _FOLDER.mkdir(exist_ok=True)
    load = os.getloadavg()[0]  # before we are the load ourselves
    if load > (os.cpu_count() or 1) / 4:
        tell(f"the machine is busy (load {load:.1f} on {os.cpu_count()} cores): ratios on the clock will be worth little")
    synced_s = _seconds_a_synced_file()
    place = prepare(chosen.episodes)
    # The first start of a program reads it from disk and compiles it; that is no part of the comparison.
    tell("warming up")
    compare(prepare(12), rounds=1)

    written = list(arguments) == ["--write", "docs/benchmarks.md"]
    command = "make bench-site" if written else f"python -m benchmarks.site {shlex.join(arguments)}".strip()
    runs = compare(place, rounds=chosen.rounds)
    printed = {}
    for name in CONTESTANTS:
        tell(f"looking at the pages: {name}")
        printed[name] = look(name, place)
    sections = [
        _conditions(command, load=load, synced_s=synced_s),
        f"### {chosen.episodes:,} episodes",
        speed_table(runs, printed[OURS].pages),
        processor_table(runs),
        printed_table(printed),
    ]
    if chosen.memory:
        sections += ["### Peak memory", memory_table(measure_memory([int(each) for each in chosen.memory.split(",")]))]
    measured = "\n\n".join(sections)
    print(measured)
    if chosen.write:
        write(chosen.write, DOCUMENT_NAME, measured)


if __name__ == "__main__":
    main(sys.argv[1:])

"""The feed beside plain lxml that writes the same bytes from the same records: ``make bench-feed``.

In turns within one run and one process. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from lxml import etree

from benchmarks import our_pages, plain_feed, script_like
from benchmarks.document import markdown, tell, write
from pipeline import feed
from pipeline.feed.notes import shownotes
from pipeline.model import Attachment, BuiltEpisode, Poster, Series

DOCUMENT_NAME = "feed"
OURS, PLAIN, NOTES, TREE = "ours", "plain lxml", "– of both: the notes", "lxml, with all words ready"
MOST_RATIO = 1.3
"""What ours may take for each second of plain lxml's."""

PODCAST_GUID = "917393e3-1b1e-5cef-ace4-edaa54e1f810"
_FOLDER = Path(__file__).parents[1] / ".bench"
Times = Mapping[str, Sequence[float]]
"""Seconds by what was done, one for each round."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """What a feed is made of."""

    series: Series
    built: Sequence[BuiltEpisode]
    cover: Poster


def read_records(workspace: Path) -> Records:
    """Return the records of a workspace, each episode with two transcripts and chapters."""
    series, built = our_pages.read_built(workspace)
    complete = [_with_attachments(each) for each in built]
    cover = next(poster for poster in complete[0].posters if poster.format == "cover")
    return Records(series=series, built=complete, cover=cover)


def _with_attachments(built: BuiltEpisode) -> BuiltEpisode:
    number = built.identity.number
    kinds = (("text/vtt", "vtt"), ("application/x-subrip", "srt"))
    return replace(
        built,
        transcripts=tuple(
            Attachment(path=f"transcripts/{number}-0123456789ab.{suffix}", mime_type=mime_type, content=b"")
            for mime_type, suffix in kinds
        ),
        chapters=Attachment(path=f"chapters/{number}-0123456789ab.json", mime_type="application/json+chapters", content=b""),
    )


def write_ours(records: Records) -> bytes:
    """Return our feed."""
    content = feed.render_feed(records.series, records.built, records.cover, podcast_guid=PODCAST_GUID)["feed.xml"]
    if not isinstance(content, bytes):
        raise TypeError(content)
    return content


def write_plain(records: Records) -> bytes:
    """Return the same feed by plain lxml."""
    files = feed.render_feed(records.series, [], records.cover, podcast_guid=PODCAST_GUID)
    stylesheet = next(path for path in files if path.endswith(".css"))
    return plain_feed.write_feed(records.series, records.built, records.cover, PODCAST_GUID, stylesheet)


Words = tuple[str, str | etree.CDATA | None, dict[str, str], list["Words"]]
"""An element with all its words: tag, text, attributes, what stands in it."""


def words_of(element: etree._Element) -> Words:
    """Return an element as plain values; the notes, which stand in CDATA, stay so."""
    text = etree.CDATA(element.text or "") if element.tag == f"{plain_feed.CONTENT}encoded" else element.text
    return str(element.tag), text, {str(k): str(v) for k, v in element.attrib.items()}, [words_of(each) for each in element]


def write_tree(root: etree._Element, words: Words) -> bytes:
    """Return the bytes of a tree whose words all stand ready."""
    tag, _, attributes, inside = words
    rss = etree.Element(tag, attributes, nsmap={prefix or "": uri for prefix, uri in root.nsmap.items()})
    before = root.getprevious()
    if before is not None:
        rss.addprevious(etree.ProcessingInstruction("xml-stylesheet", before.text or ""))
    _write_inside(rss, inside)
    return etree.tostring(rss.getroottree(), pretty_print=True, encoding="UTF-8", xml_declaration=True)


def _write_inside(parent: etree._Element, words: Sequence[Words]) -> None:
    for tag, text, attributes, inside in words:
        element = etree.SubElement(parent, tag, attributes)
        element.text = text
        _write_inside(element, inside)


def compare(records: Records, *, rounds: int) -> tuple[Times, int]:
    """Return the times of each contestant and of the parts, and the feed's size in bytes; another one goes first each round.

    Raises:
        ValueError: the contestants did not write the same bytes.
    """
    content = write_ours(records)
    root = etree.fromstring(content, etree.XMLParser(huge_tree=True, remove_blank_text=True))
    words = words_of(root)
    doings: dict[str, Callable[[], object]] = {
        OURS: lambda: write_ours(records),
        PLAIN: lambda: write_plain(records),
        NOTES: lambda: [shownotes(each) for each in records.built],
        TREE: lambda: write_tree(root, words),
    }
    for name in (PLAIN, TREE):
        if doings[name]() != content:
            raise ValueError(f"{name} wrote other bytes than {OURS}")
    times: dict[str, list[float]] = {name: [] for name in doings}
    names = list(doings)
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        first = number % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            start_s = time.perf_counter()
            doings[name]()
            times[name].append(time.perf_counter() - start_s)
    return times, len(content)


def speed_table(times: Times) -> str:
    """Return as Markdown what each took; ratios of medians to plain lxml's, with the least and greatest of one round."""
    rows = []
    for name in (PLAIN, OURS, NOTES, TREE):
        median_s, ratio = statistics.median(times[name]), ratios(times[name], times[PLAIN])
        rows.append([name, f"{median_s:.2f} ({min(times[name]):.2f}–{max(times[name]):.2f})", ratio])
    return markdown(rows, ["", "seconds", "in units of plain lxml"])


def ratios(own_s: Sequence[float], plain_s: Sequence[float]) -> str:
    """Return the ratio of medians and its range over the rounds; what is too much stands out."""
    each = [own / plain for own, plain in zip(own_s, plain_s, strict=True)]
    median = statistics.median(own_s) / statistics.median(plain_s)
    shown = f"**{median:.2f}**" if median > MOST_RATIO else f"{median:.2f}"
    return f"{shown} ({min(each):.2f}–{max(each):.2f})" if max(each) != min(each) else shown


def prepare(episodes: int) -> Path:
    """Return a workspace of so many episodes; kept between runs, under a name that changes with what makes it."""
    made_by = hashlib.sha256(Path(script_like.__file__).read_bytes()).hexdigest()
    folder = _FOLDER / f"feed-{episodes}-{made_by[:8]}"
    if not folder.exists():
        tell(f"making the scripts of {episodes} episodes")
        unfinished = folder.with_suffix(".part")
        script_like.write_workspace(unfinished, episodes)
        unfinished.replace(folder)
    return folder


def _conditions(command: str, *, load: float, size_bytes: int) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("feedgen", "lxml", "markdown-it-py", "nh3"))
    return (
        f"`{command}` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, load {load:.1f} at the start, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {packages}. "
        f"The feed has {size_bytes / 1e6:.1f} MB, the same to the last byte from each."
    )


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.feed", description="Write the feed beside plain lxml.")
    parser.add_argument("--episodes", type=int, default=10_000, help="how many episodes the feed has (default: 10000)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contestant runs (default: 5)")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="also put the table between the marks of this document")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Run the comparison and print it as Markdown."""
    chosen = _arguments(arguments)
    load = os.getloadavg()[0]  # before we are the load ourselves
    workspace = prepare(chosen.episodes)
    tell("reading the scripts")
    times, size_bytes = compare(read_records(workspace), rounds=chosen.rounds)
    written = list(arguments) == ["--write", "docs/benchmarks.md"]
    command = "make bench-feed" if written else f"python -m benchmarks.feed {shlex.join(arguments)}".strip()
    conditions = _conditions(command, load=load, size_bytes=size_bytes)
    measured = "\n\n".join([conditions, f"### {chosen.episodes:,} episodes", speed_table(times)])
    print(measured)
    if chosen.write:
        write(chosen.write, DOCUMENT_NAME, measured)


if __name__ == "__main__":
    main(sys.argv[1:])

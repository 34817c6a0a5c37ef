"""The contestant ``ours``: the scripts of a workspace become pages in a folder, in one process; tells where its time went.

The sound and the timing of each episode, which other stages make, are stand-ins.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.script_like import COVER_PICTURE, PAGE_PICTURE, TIMING
from pipeline import addresses, artefacts
from pipeline.model import BuiltEpisode, Captions, Cue, Enclosure, Episode, Identity, Poster, Series, Sound
from pipeline.page import render_pages
from pipeline.source import read_episode, read_series

FRAMES_PER_S = 10
# An array, so that each episode holds floats of its own, as it does when its record is read from a file.
_LEVELS = array("d", (0.1 * (1 + frame % 7) / 7 for frame in range(10_000)))
_RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, kw_only=True)
class Course:
    """Seconds on the clock, and the process' peak memory in 10^6 bytes with the episodes' records alone, before any page."""

    read_s: float
    rendered_s: float
    laid_out_s: float
    records_mb: float


class _Timed(Mapping[str, bytes | Path]):
    """The site's files, and how long it took to make those that were asked for."""

    def __init__(self, files: Mapping[str, bytes | Path]) -> None:
        self._files = files
        self.made_s = 0.0

    def __getitem__(self, path: str) -> bytes | Path:
        start_s = time.perf_counter()
        content = self._files[path]
        self.made_s += time.perf_counter() - start_s
        return content

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def read_built(workspace: Path) -> tuple[Series, list[BuiltEpisode]]:
    """Return the series of a workspace and its episodes, each as if everything had been made for it."""
    series = read_series(workspace / "series.toml")
    folders = sorted(file.parent for file in workspace.glob("*/script.md"))
    return series, [_build(read_episode(folder, series), series) for folder in folders]


def make_pages(workspace: Path, to: Path) -> Course:
    """Make the pages of ``workspace`` in the folder ``to``."""
    start_s = time.perf_counter()
    series, built = read_built(workspace)
    records_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT_BYTES / 1e6
    read_s = time.perf_counter() - start_s
    files = _Timed(render_pages(series, built, []))
    arranged_s = time.perf_counter() - start_s - read_s
    artefacts.lay_out(to, files)
    whole_s = time.perf_counter() - start_s
    rendered_s = arranged_s + files.made_s
    return Course(read_s=read_s, rendered_s=rendered_s, laid_out_s=whole_s - read_s - rendered_s, records_mb=records_mb)


def _build(episode: Episode, series: Series) -> BuiltEpisode:
    timing = json.loads((episode.folder / TIMING).read_text(encoding="utf-8"))
    cues, chapters = (tuple(Cue(**cue) for cue in timing[name]) for name in ("cues", "chapters"))
    content = episode.recording.read_bytes()
    duration_s = cues[-1].end_s
    return BuiltEpisode(
        episode=episode,
        identity=Identity(
            number=episode.number, guid=str(episode.number), page_url=addresses.page_url(series.site_url, episode.number)
        ),
        public=True,
        published_at=episode.publish_at,
        sound=_sound(episode.recording, episode.number, duration_s),
        captions=Captions(cues=cues, chapters=chapters, disagreements=()),
        posters=tuple(_poster(name, episode.folder / file) for name, file in (("page", PAGE_PICTURE), ("cover", COVER_PICTURE))),
        enclosure=Enclosure(
            file=episode.recording,
            mime_type="audio/mpeg",
            size_bytes=round(duration_s * 16_000),
            sha256=hashlib.sha256(content).hexdigest(),
            duration_s=duration_s,
        ),
        alternates=(),
        transcripts=(),
        chapters=None,
    )


def _sound(file: Path, number: int, duration_s: float) -> Sound:
    frames = round(duration_s * FRAMES_PER_S)
    return Sound(
        file=file,
        duration_s=duration_s,
        voice_start_s=0.0,
        speech=(),
        integrated_lufs=-16.0,
        loudness_range_lu=4.0,
        true_peak_dbtp=-1.2,
        envelope=tuple(_LEVELS[number % 7 : number % 7 + frames]),
        recorded_lufs=-20.0,
        recorded_range_lu=9.0,
        recorded_true_peak_dbtp=-3.0,
        recorded_envelope=(),
        trimmed_head_s=0.0,
        trimmed_tail_s=0.0,
        most_limiting_db=2.0,
        renders=1,
        ffmpeg="",
        warnings=(),
    )


def _poster(name: str, file: Path) -> Poster:
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return Poster(
        format=name,
        label=name,
        file=file,
        sha256=sha256,
        mime_type="image/jpeg",
        width_px=1080,
        height_px=1440,
        decodings=0,
        trials=0,
    )


if __name__ == "__main__":
    course = make_pages(Path(sys.argv[1]), Path(sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps(asdict(course)), encoding="utf-8")

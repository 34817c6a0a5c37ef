"""The sound stage beside the ways people do the same today: ``make bench-audio``, or ``python -m benchmarks.audio --help``.

In one run and in turns, so that a slow minute of the machine hits all alike. Each contestant is a process of its own, its start
included, on files that this repository makes or holds. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import imageio_ffmpeg

from benchmarks import meters, ours, process, speech_like
from benchmarks.document import markdown, tell, write
from benchmarks.meters import Reading
from benchmarks.process import Cost

REPOSITORY = Path(__file__).parents[1]
MOST_MEMORY_MB = 100
"""What no process of ours may need, however long the recording."""

DOCUMENT_NAME = "sound"
"""What the tables are called in a document's marks."""

PLAIN = "plain encode"
OURS = "ours, verified"
CHECK = "a check alone"
FFMPEG_NORMALIZE = "ffmpeg-normalize"
PYDUB = "pydub + pyloudnorm"

_FOLDER = REPOSITORY / ".bench"
_FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
_QUIET = (_FFMPEG, "-nostdin", "-hide_banner", "-v", "error")
_SKIPS = {
    "ours": OURS,
    "check": CHECK,
    "ffmpeg-normalize": FFMPEG_NORMALIZE,
    "pydub": PYDUB,
    "samples": "samples",
    "memory": "memory",
}
_WARM_UP_S = 10
_SAMPLES_NAME = "The six sample recordings, joined"

Command = Callable[[Path, Path], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One contestant on one file: a cost for each round, and what its result measures (None where it makes no file)."""

    contestant: str
    costs: tuple[Cost, ...]
    reading: Reading | None


def _contestants() -> dict[str, Command]:
    """Return the command of each contestant, made of the recording and the file to write.

    All write MP3 at 128 kbit/s, constant, 44.1 kHz, joint stereo, with the same ffmpeg.
    """
    mp3 = ("-c:a", "libmp3lame", "-b:a", "128k", "-ar", "44100", "-ac", "2", "-joint_stereo", "1", "-y")
    # The preset: EBU R 128 in two passes, -16 LUFS, -2 dBTP.
    podcast = ("--preset", "podcast", "-c:a", "libmp3lame", "-b:a", "128k", "-ar", "44100", "--force", "--quiet")
    own_python = Path(sys.executable).parent
    return {
        PLAIN: lambda recording, to: [*_QUIET, "-i", f"{recording}", *mp3, f"{to}"],
        OURS: lambda recording, to: [sys.executable, "-m", ours.__name__, f"{recording}", f"{to}"],
        CHECK: lambda _, to: meters.meter_command(_result_of(OURS, beside=to)),
        FFMPEG_NORMALIZE: lambda recording, to: [f"{own_python / 'ffmpeg-normalize'}", f"{recording}", *podcast, "-o", f"{to}"],
        # By name, because importing it here would load pydub into every test of this module.
        PYDUB: lambda recording, to: [sys.executable, "-m", "benchmarks.pydub_pyloudnorm", f"{recording}", f"{to}"],
    }


def _result_of(contestant: str, *, beside: Path) -> Path:
    return beside.with_name(f"{re.sub(r'[^a-z]+', '-', contestant)}.mp3")


def compare(recording: Path, contestants: Mapping[str, Command], *, rounds: int) -> list[Row]:
    """Return a row for each contestant. Each round runs them all, and another one goes first."""
    results = recording.with_suffix("")
    results.mkdir(exist_ok=True)
    files = {name: _result_of(name, beside=results / "result") for name in contestants}
    names = list(contestants)
    costs = defaultdict[str, list[Cost]](list)
    for number in range(rounds):
        first = number % len(names)
        # In the first round the order is as written: the check needs a result of ours.
        for name in names[first:] + names[:first]:
            tell(f"{recording.stem}: round {number + 1} of {rounds}: {name}")
            costs[name].append(process.measure(contestants[name](recording, files[name])))
    tell(f"{recording.stem}: metering the results")
    rows = [
        Row(
            contestant=name,
            costs=tuple(costs[name]),
            reading=meters.read_in_own_process(files[name]) if files[name].exists() else None,
        )
        for name in names
    ]
    shutil.rmtree(results)
    return rows


def table(rows: Sequence[Row]) -> str:
    """Return the comparison as Markdown. Ratios are medians over the rounds, each round against its own plain encode."""
    plain = next(row for row in rows if row.contestant == PLAIN)
    cells = []
    for row in rows:
        largest = _largest(row)
        cells.append(
            [
                row.contestant,
                _ratio([cost.wall_s for cost in row.costs], [cost.wall_s for cost in plain.costs]),
                _ratio([cost.cpu_s for cost in row.costs], [cost.cpu_s for cost in plain.costs]),
                f"{largest.peak_mb:.0f} ({largest.peak_process})" if largest.peak_process else f"{largest.peak_mb:.0f}",
                *_measured(row.reading),
            ]
        )
    headers = [
        "",
        "wall",
        "CPU",
        "peak memory, MB",
        "LU off, ffmpeg",
        "LU off, pyloudnorm",
        "dBTP, ffmpeg",
        "dBTP, libebur128",
    ]
    return markdown(cells, headers)


def _measured(reading: Reading | None) -> list[str]:
    if reading is None:
        return ["–"] * 4
    wanted_lufs = ours.SETTINGS.target.integrated_lufs
    libebur128_dbtp = reading.libebur128_dbtp
    return [
        f"{reading.ffmpeg_lufs - wanted_lufs:+.1f}",
        f"{reading.pyloudnorm_lufs - wanted_lufs:+.2f}",
        f"{reading.ffmpeg_dbtp:+.1f}",
        "–" if libebur128_dbtp is None else f"{libebur128_dbtp:+.2f}",
    ]


def _ratio(ours_s: Sequence[float], plain_s: Sequence[float]) -> str:
    ratios = [own / plain for own, plain in zip(ours_s, plain_s, strict=True)]
    median = f"{statistics.median(ratios):.2f}"
    differs = max(ratios) - min(ratios) >= 0.005  # noqa: PLR2004 - what two decimals show
    return f"{median} ({min(ratios):.2f}–{max(ratios):.2f})" if differs else median


def _largest(row: Row) -> Cost:
    return max(row.costs, key=lambda cost: cost.peak_mb)


def memory_table(peaks: Mapping[float, Cost]) -> str:
    """Return as Markdown what our largest process needed, by the recording's length in minutes, and whether that was too much."""
    cells = [
        [f"{minutes:g} min", f"{cost.peak_mb:.0f}", cost.peak_process, "yes" if cost.peak_mb <= MOST_MEMORY_MB else "**no**"]
        for minutes, cost in sorted(peaks.items())
    ]
    return markdown(cells, ["stereo recording", "peak, MB", "largest process", f"≤ {MOST_MEMORY_MB} MB"])


def _seconds(rows: Sequence[Row]) -> str:
    plain = next(row for row in rows if row.contestant == PLAIN)
    wall_s = statistics.median(cost.wall_s for cost in plain.costs)
    cpu_s = statistics.median(cost.cpu_s for cost in plain.costs)
    return f"1.00 is {wall_s:.1f} s on the clock and {cpu_s:.1f} s of CPU here."


def _conditions(command: str, *, load: float) -> str:
    said = subprocess.run([_FFMPEG, "-version"], capture_output=True, text=True, check=True).stdout
    versions = ", ".join(f"{name} {version(name)}" for name in ("ffmpeg-normalize", "pydub", "pyloudnorm", "numpy"))
    return (
        f"`{command}` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, load {load:.1f} at the start, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, ffmpeg {said.split()[2]}, {versions}."
    )


def _speech(minutes: float) -> Path:
    """Return a speech-like recording; kept between runs, under a name that changes with its generator."""
    made_by = hashlib.sha256(Path(speech_like.__file__).read_bytes()).hexdigest()[:8]
    file = _FOLDER / f"speech-{minutes:g}min-{made_by}.wav"
    if not file.exists():
        tell(f"making {file.name}")
        unfinished = file.with_suffix(".part")
        speech_like.write_speech_like(unfinished, duration_s=minutes * 60)
        unfinished.replace(file)
    return file


def _in_one_channel(recording: Path) -> Path:
    """Return the same recording as a phone makes it."""
    to = recording.with_stem(f"{recording.stem}-mono")
    if not to.exists():
        subprocess.run([*_QUIET, "-i", f"file:{recording}", "-ac", "1", "-y", f"file:{to}"], check=True)
    return to


def _joined_samples() -> Path:
    recordings = sorted((REPOSITORY / "episodes").glob("*/recording.*"))
    to = _FOLDER / "samples.wav"
    inputs = [argument for file in recordings for argument in ("-i", f"file:{file}")]
    # As stereo: a mono MP3 reads 3 LU less, and the comparison would be about that.
    alike = "".join(f"[{n}:a]aformat=sample_rates=44100:channel_layouts=stereo[a{n}];" for n in range(len(recordings)))
    joined = "".join(f"[a{n}]" for n in range(len(recordings)))
    graph = f"{alike}{joined}concat=n={len(recordings)}:v=0:a=1"
    subprocess.run([*_QUIET, *inputs, "-filter_complex", graph, "-c:a", "pcm_s16le", "-y", f"file:{to}"], check=True)
    return to


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audio", description="Compare the sound stage with what others do."
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each contestant runs (default: 3)")
    parser.add_argument("--minutes", default="5,30", help="lengths of the speech-like recordings (default: 5,30)")
    parser.add_argument(
        "--memory-minutes", type=float, default=60, help="a longer one for the memory of ours alone (default: 60)"
    )
    parser.add_argument("--skip", action="append", choices=list(_SKIPS), default=[], help="leave this out; may be repeated")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="also put the tables between the marks of this document")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Run the comparison and print it as Markdown."""
    chosen = _arguments(arguments)
    skipped = {_SKIPS[name] for name in chosen.skip}
    if OURS in skipped:
        skipped |= {CHECK, "memory"}
    contestants = {name: command for name, command in _contestants().items() if name not in skipped}
    # ffmpeg-normalize takes its ffmpeg from the first variable, the sound stage from the second.
    os.environ.update(FFMPEG_PATH=_FFMPEG, JIXIANG_FFMPEG=_FFMPEG)
    _FOLDER.mkdir(exist_ok=True)

    load = os.getloadavg()[0]  # before we are the load ourselves
    if load > (os.cpu_count() or 1) / 4:
        tell(f"the machine is busy (load {load:.1f} on {os.cpu_count()} cores): ratios on the clock will be worth little")
    # The first start of a program reads it from disk and compiles it; that is no part of the comparison.
    tell("warming up")
    compare(_speech(_WARM_UP_S / 60), contestants, rounds=1)

    written = list(arguments) == ["--write", "docs/benchmarks.md"]
    command = "make bench-audio" if written else f"python -m benchmarks.audio {' '.join(arguments)}".strip()
    sections = [_conditions(command, load=load)]
    peaks: dict[float, Cost] = {}
    for minutes in (float(each) for each in chosen.minutes.split(",")):
        # The others make one channel of one, which is less work and 3 LU off: they are compared in stereo.
        alone = {name: command for name, command in contestants.items() if name in {PLAIN, OURS, CHECK}}
        rows = compare(_in_one_channel(_speech(minutes)), alone, rounds=chosen.rounds)
        sections += [f"### {minutes:g} min, speech-like, one channel", _seconds(rows), table(rows)]
        rows = compare(_speech(minutes), contestants, rounds=chosen.rounds)
        sections += [f"### {minutes:g} min, speech-like, stereo", _seconds(rows), table(rows)]
        peaks.update((minutes, _largest(row)) for row in rows if row.contestant == OURS)
    if "samples" not in skipped:
        rows = compare(_joined_samples(), contestants, rounds=chosen.rounds)
        sections += [f"### {_SAMPLES_NAME}", _seconds(rows), table(rows)]
    if "memory" not in skipped:
        rows = compare(_speech(chosen.memory_minutes), {OURS: contestants[OURS]}, rounds=1)
        peaks[chosen.memory_minutes] = _largest(rows[0])
        sections += ["### Memory of ours by length", memory_table(peaks)]

    measured = "\n\n".join(sections)
    print(measured)
    if chosen.write:
        write(chosen.write, DOCUMENT_NAME, measured)


if __name__ == "__main__":
    main(sys.argv[1:])

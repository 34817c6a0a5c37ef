"""One pass over a recording: what it was like as it came, its levels after the repairs, and the repaired sound in a raw file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import islice, repeat, takewhile
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline import media
from pipeline.audio import faults, levels, loudness
from pipeline.audio.levels import Curve, Levels
from pipeline.audio.recording import (
    LONGEST_S,
    STRICT,
    broken_pieces,
    refuse_damage,
    refuse_impossible_numbers,
    refuse_what_is_too_long,
)
from pipeline.audio.samples import BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ, Block, RawSound, as_bytes, from_bytes

A = TypeVar("A")
B = TypeVar("B")

_AHEAD = 3
# In digital silence a filter's output decays to numbers that processors are fifty times slower with: this is 300 dB below full
# scale.
_NO_SUBNORMALS = np.float32(1e-15)
_ALIKE = 1e-6  # filters still remember for a moment that two channels were not equal
_NEAR_HIGHEST = 0.7  # a true peak hides at most 3 dB above its samples


@dataclass(frozen=True, kw_only=True)
class AsItCame:
    """What the recording measures before anything was done to it; ``envelope`` is the RMS of each 0.1 s."""

    integrated_lufs: float
    loudness_range_lu: float
    true_peak_dbtp: float
    envelope: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """What one pass over a recording found. Curves are (channels, frames), of the ``clean`` sound: after the repairs.

    ``alike`` tells in which frames all channels are equal; ``broken_pieces`` is how often the decoder complained, too seldom to
    refuse the recording.
    """

    as_it_came: AsItCame
    broken_pieces: int
    faults: faults.Faults
    clean: RawSound
    energies: Curve
    powers: Curve
    peaks: Curve
    alike: NDArray[np.bool_]

    def levels(self, channels: tuple[int, ...]) -> Levels:
        """Return the levels of the sound that these channels make."""
        chosen = list(channels)
        return levels.combine(self.energies[chosen], self.powers[chosen], self.peaks[chosen])


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """A block's share of the analysis."""

    clean: Block
    raw_energies: Curve
    raw_powers: Curve
    raw_peak: float
    energies: Curve
    powers: Curve
    peaks: Curve
    alike: Curve
    faults: faults.Seen


def analyse(recording: Path, probe: media.Probe, repairs: faults.Repairs, to: Path) -> Analysis:
    """Return what ``recording`` is like; the repaired sound is written to ``to``. Nothing but a few seconds is ever in memory.

    Raises:
        RecordingError: the sound is damaged, shorter than the file declares or than a second, or too long.
        MachineError: the file cannot be read, the disk is full, or ffmpeg took too long.
    """
    channels = 1 if probe.channels == 1 else 2
    arguments = [*STRICT, *media.handed_in(recording), "-t", f"{LONGEST_S + 1}", "-filter_complex", _graph(channels, repairs)]
    limit_s = media.time_limit_s(duration_s=probe.duration_s or LONGEST_S)
    gathered = _Gathered(channels)
    samples = 0
    with (
        media.writing(to),
        to.open("wb") as clean,
        media.streaming([*arguments, "-flush_packets", "0", "-f", "f32le", "pipe:1"], time_limit_s=limit_s, read=True) as decoder,
        ThreadPoolExecutor(1) as reader,
        ThreadPoolExecutor(2) as pool,
    ):
        for each in in_order(pool, lambda block: _measure(block, channels, repairs), _blocks(decoder, channels, reader)):
            clean.write(as_bytes(each.clean))
            samples += len(each.clean)
            gathered.add(each)
            refuse_what_is_too_long(recording, samples / SAMPLE_RATE_HZ)
        ended = decoder.ended()
    refuse_damage(recording, probe, decoded_s=samples / SAMPLE_RATE_HZ, ended=ended)
    refuse_impossible_numbers(recording, gathered.impossible)
    return gathered.analysis(RawSound(file=to, channels=channels, samples=samples), broken_pieces(ended))


def in_order(pool: ThreadPoolExecutor, work: Callable[[A], B], pieces: Iterable[A]) -> Iterator[B]:
    """Yield what ``work`` makes of each piece, in order, a few pieces ahead; ``map`` would take them all at once."""
    coming = iter(pieces)
    begun: list[Future[B]] = [pool.submit(work, piece) for piece in islice(coming, _AHEAD)]
    while begun:
        done = begun.pop(0).result()
        begun.extend(pool.submit(work, piece) for piece in islice(coming, 1))
        yield done


def _graph(channels: int, repairs: faults.Repairs) -> str:
    """Return ffmpeg's filters: the sound as it came and the repaired one, side by side, so that one decoding serves both."""
    layout = "mono" if channels == 1 else "stereo"
    same_form = f"aformat=sample_fmts=fltp:sample_rates={SAMPLE_RATE_HZ}:channel_layouts={layout}"
    filters = ",".join(repairs.filters())
    decoded = f"[0:a:0]aresample={SAMPLE_RATE_HZ},{same_form},{media.LARGE_FRAMES},asplit[raw][in]"
    return f"{decoded};[in]{filters},{same_form}[clean];[raw][clean]amerge=inputs=2"


def _blocks(decoder: media.Stream, channels: int, reader: ThreadPoolExecutor) -> Iterator[Block]:
    """Yield the sound as it comes; read ahead, so that the decoder need not wait for us."""
    size_bytes = levels.BLOCK_SAMPLES * 2 * channels * BYTES
    for content in takewhile(len, in_order(reader, decoder.read, repeat(size_bytes))):
        yield from_bytes(content, 2 * channels)


def _measure(block: Block, channels: int, repairs: faults.Repairs) -> _Measured:
    clean_block = block[:, channels:] + _NO_SUBNORMALS
    raw, clean = levels.in_channels(block[:, :channels]), levels.in_channels(clean_block)
    seen = faults.see(raw, clean)
    alike = channels == 1 or (np.array_equal(raw[0], raw[1]) and bool(np.abs(clean[0] - clean[1]).max() <= _ALIKE))
    if alike:
        raw, clean = raw[:1], clean[:1]  # what one of them measures, all do
    if repairs.are_linear:
        raw_energies, energies = levels.energies(raw, levels.k_weights(), levels.k_weights(repairs.lowest_hz))
    else:
        raw_energies, energies = (levels.energies(each, levels.k_weights()) for each in (raw, clean))
    stands_for = channels // len(raw)
    return _Measured(
        clean=clean_block,
        raw_energies=raw_energies.sum(axis=0) * np.float32(stands_for),
        raw_powers=np.einsum("cfs,cfs->f", raw, raw) / np.float32(len(raw) * FRAME_SAMPLES),
        raw_peak=_highest(raw),
        energies=np.repeat(energies, stands_for, axis=0),
        powers=np.repeat(levels.powers(clean), stands_for, axis=0),
        peaks=np.repeat(levels.peaks(clean), stands_for, axis=0),
        alike=np.full(energies.shape[1], alike, dtype=np.float32),
        faults=seen,
    )


def _highest(channels: NDArray[np.float32]) -> float:
    highest_sample = max(float(channels.max()), -float(channels.min()))
    return float(levels.peaks(channels, at_least=_NEAR_HIGHEST * highest_sample).max())


class _Gathered:
    """The curves of the blocks so far, end to end: an hour of small arrays would leave holes all over the memory."""

    def __init__(self, channels: int) -> None:
        self.impossible = 0  # blocks with numbers that no sound has
        self._channels = channels
        self._curves = {each.name: bytearray() for each in fields(_Measured) if each.type == "Curve"}
        self._raw_peak = 0.0
        self._faults: list[faults.Seen] = []

    def add(self, measured: _Measured) -> None:
        for name, curve in self._curves.items():
            curve.extend(np.ascontiguousarray(getattr(measured, name).T, dtype=np.float32).tobytes())
        self.impossible += not np.isfinite(measured.raw_powers).all()
        self._raw_peak = max(self._raw_peak, measured.raw_peak)
        self._faults.append(measured.faults)

    def analysis(self, clean: RawSound, broken: int) -> Analysis:
        raw_energies = self._curve("raw_energies")[: clean.samples // FRAME_SAMPLES]  # meters count whole frames alone
        raw_energies = raw_energies * np.float32(2 if self._channels == 1 else 1)
        envelope = np.sqrt(self._curve("raw_powers"))
        energies, powers, peaks = (self._curve(name).reshape(-1, self._channels).T for name in ("energies", "powers", "peaks"))
        return Analysis(
            as_it_came=AsItCame(
                integrated_lufs=round(loudness.integrated_lufs(raw_energies), 2),
                loudness_range_lu=round(loudness.loudness_range_lu(raw_energies), 2),
                true_peak_dbtp=decibels(self._raw_peak),
                envelope=tuple(round(float(value), 4) for value in envelope),
            ),
            broken_pieces=broken,
            faults=faults.find(self._faults),
            clean=clean,
            energies=energies,
            powers=powers,
            peaks=peaks,
            alike=self._curve("alike") > 0,
        )

    def _curve(self, name: str) -> NDArray[np.float32]:
        return np.frombuffer(self._curves[name], dtype=np.float32)


def decibels(amplitude: float) -> float:
    """Return an amplitude in dB of full scale, -inf for none."""
    return round(float(20 * np.log10(amplitude)), 2) if amplitude > 0 else float("-inf")

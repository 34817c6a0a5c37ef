"""The mix with its last gain, encoded in parts side by side, each decoded again and measured before it counts as made.

Where a peak comes out too high, the sound is limited a little more, and the few seconds around it are encoded again. So a long
sound costs hardly more than one encoding, however many of its peaks encoding raises.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import media
from pipeline.audio import levels, mp3
from pipeline.audio.dynamics import LIMITER_REACH, Solution, limit_db
from pipeline.audio.levels import PEAK_SAMPLES, PEAKS_PER_FRAME, POWERS_PER_FRAME, Curve, linear
from pipeline.audio.mix import Mix, times
from pipeline.audio.samples import BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ, as_bytes, from_bytes, input_arguments
from pipeline.model import SoundSettings

PART_S = 75.0
"""How long a part is. Shorter ones share the work better between cores, longer ones spend less on their leads."""

# LAME scales what it is fed at these bit rates: by 0.95, and by 0.97 from 192 kbit/s on. Measured, and the same for every sound.
_LAME_LOSS_DB, _LAME_LOSS_FROM_192_DB, _LAME_BETTER_KBPS = 0.445, 0.264, 192

_MOST_TRIES = 6
_OVERSHOT_FRAMES = 6  # of 3.3 ms around a peak that came out too high
_FURTHER_DOWN_DB = 0.3  # what is encoded again comes out a little different everywhere
# What is encoded again begins and ends at the quietest moment so long before and after. The first encoding may go on for a lead.
_AGAIN_FROM_S, _AGAIN_TO_S = (-3.0, -1.5), (0.5, 2.0)
_LOOKED_AT = 0.5  # a frame whose samples stay below half of full scale has no true peak near it

_POWER_SAMPLES = FRAME_SAMPLES // POWERS_PER_FRAME
_QUIET_WITHIN_S = 3.0  # around an even division, parts meet at the quietest moment
_TAKES_OVER_FRAMES = 50  # half a second in which one part takes over from the other
_MOST_AT_ONCE = 4  # each needs some ten megabytes
_SAME_BYTES = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact")
_LARGE_PIECES = ("-flush_packets", "0")


@dataclass(frozen=True, kw_only=True)
class Master:
    """A mix with the gain that was solved for it, and the highest true peak that the encoded file may have."""

    mix: Mix
    solution: Solution
    settings: SoundSettings
    highest_dbtp: float


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """What an encoded stretch measures when it is decoded again, in frames of the whole sound.

    ``energies`` (K-weighted) and ``powers`` of 0.1 s, the highest true peak (linear), how many times it was encoded.
    """

    energies: Curve
    powers: Curve
    true_peak: float
    tries: int


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of the whole, in samples: it stands for ``wanted`` up to ``end``, and is encoded from ``first`` to ``last``.

    ``channels`` is 1 where all channels are equal.
    """

    first: int
    wanted: int
    end: int
    last: int
    channels: int


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A stretch of the encoded sound, and the file that holds it."""

    stretch: Stretch
    file: Path


def encode(master: Master, to: Path, folder: Path) -> Encoded:
    """Write the whole sound to ``to``, and return what it measures. Parts lie in ``folder`` on the way.

    Raises:
        MachineError: ffmpeg failed or the disk is full.
    """
    if master.settings.container != "mp3":
        samples = master.mix.samples
        whole = Stretch(first=0, wanted=0, end=samples, last=samples, channels=master.mix.channels)
        return _encode_stretch(master, whole, to)[0]
    try:
        return _encode_mp3(master, stretches(master.mix), to, folder)
    except mp3.CannotJoin:
        return _encode_mp3(master, stretches(master.mix, part_s=float("inf")), to, folder)


def _encode_mp3(master: Master, parts: Sequence[Stretch], to: Path, folder: Path) -> Encoded:
    files = [folder / f"{index}.mp3" for index in range(len(parts))]
    heard: list[Encoded] = []

    def pieces() -> Iterator[_Piece]:
        for encoded, of_part in made:
            heard.append(encoded)
            yield from of_part

    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_AT_ONCE)) as side_by_side:
        try:
            made = side_by_side.map(lambda part, file: _encode_stretch(master, part, file), parts, files)
            _join(pieces(), master, to)
        finally:
            side_by_side.shutdown(cancel_futures=True)
    return Encoded(
        energies=np.concatenate([each.energies for each in heard]),
        powers=np.concatenate([each.powers for each in heard]),
        true_peak=max(each.true_peak for each in heard),
        tries=max(each.tries for each in heard),
    )


def stretches(mix: Mix, *, part_s: float = PART_S) -> tuple[Stretch, ...]:
    """Return the parts that a sound is encoded in: about equal, the same on every machine, meeting where it is quiet.

    A voice that is equal in both channels is encoded as one also where music or another recording around it is in stereo.
    """
    whole = mix.samples
    in_one = mix.in_one if np.isfinite(part_s) else ()
    ends = [(_on_grid(end), channels) for each in in_one for end, channels in ((each.start, mix.channels), (each.stop, 1))]
    lead = mp3.LEAD_FRAMES * mp3.FRAME_SAMPLES
    parts: list[Stretch] = []
    start = 0
    for region_end, channels in [*ends, (whole, mix.channels)]:
        for wanted, end in pairwise([start, *_evenly(mix, start, region_end, part_s), region_end]):
            first, last = max(wanted - lead, 0), min(end + lead, whole)
            parts.append(Stretch(first=first, wanted=wanted, end=end, last=last, channels=channels))
        start = region_end
    return tuple(parts)


def _evenly(mix: Mix, begin: int, end: int, part_s: float) -> list[int]:
    """Return where to divide a stretch of samples."""
    count = max(round((end - begin) / SAMPLE_RATE_HZ / part_s), 1)
    even = (begin + (end - begin) * index // count for index in range(1, count))
    return [_quiet_moment(mix, each, (-_QUIET_WITHIN_S, _QUIET_WITHIN_S)) for each in even]


def _quiet_moment(mix: Mix, sample: int, within_s: tuple[float, float]) -> int:
    """Return the quietest sample so many seconds around ``sample``, on the grid of MP3 frames."""
    first, last = (max(sample + round(each * SAMPLE_RATE_HZ), 0) // _POWER_SAMPLES for each in within_s)
    powers = mix.levels.powers[first:last]
    if len(powers) < _TAKES_OVER_FRAMES:
        return _on_grid(min(first * _POWER_SAMPLES, mix.samples))
    quiet = np.convolve(powers, np.ones(_TAKES_OVER_FRAMES), mode="valid")
    return _on_grid((first + int(np.argmin(quiet))) * _POWER_SAMPLES)


def _on_grid(sample: int) -> int:
    return sample // mp3.FRAME_SAMPLES * mp3.FRAME_SAMPLES


def _encode_stretch(master: Master, stretch: Stretch, to: Path) -> tuple[Encoded, list[_Piece]]:
    """Encode a stretch until none of its peaks is too high, and return what it measures and the pieces that it is made of."""
    begin = max(stretch.first // PEAK_SAMPLES - LIMITER_REACH, 0)
    limiting_db = master.solution.limiting_db(master.mix.levels.peaks[begin : -(-stretch.last // PEAK_SAMPLES) + LIMITER_REACH])
    heard, pieces = _encode_once(master, stretch, limiting_db, begin, to), [_Piece(stretch=stretch, file=to)]
    tries = 1
    while tries < _MOST_TRIES:
        over_db = 20 * np.log10(np.maximum(heard.peaks, 1e-9)) - master.highest_dbtp
        too_high = np.flatnonzero(over_db > 0)
        if not too_high.size:
            break
        tries += 1
        for frame in too_high:
            at = heard.first_frame * PEAKS_PER_FRAME - begin + frame
            around = slice(max(at - _OVERSHOT_FRAMES, 0), at + _OVERSHOT_FRAMES + 1)
            limiting_db[around] = np.maximum(limiting_db[around], 0) + np.float32(over_db[frame] + _FURTHER_DOWN_DB)
        for again in _around(master, stretch, (heard.first_frame * PEAKS_PER_FRAME + too_high) * PEAK_SAMPLES):
            file = to if again == stretch else to.with_name(f"{to.stem}-{again.wanted}-{tries}.mp3")
            heard.replace(again, _encode_once(master, again, limiting_db, begin, file))
            pieces = _replaced(pieces, _Piece(stretch=again, file=file))
    own = heard.frames(stretch)
    return (
        Encoded(energies=heard.energies[own], powers=heard.powers[own], true_peak=float(heard.peaks.max(initial=0)), tries=tries),
        pieces,
    )


def _encode_once(master: Master, stretch: Stretch, limiting_db: Curve, begin: int, to: Path) -> _Heard:
    """Encode a stretch and return what it measures. ``limiting_db`` is wanted of each 1/300 s from frame ``begin`` on."""
    encoder_loss_db = np.float32(master.solution.gain_db + _encoder_loss_db(master.settings, stretch.channels))
    _write(master, stretch, linear(limit_db(limiting_db) + encoder_loss_db), begin * PEAK_SAMPLES, to)
    return _measure(master, stretch, to)


def _around(master: Master, stretch: Stretch, peaks: NDArray[np.signedinteger]) -> list[Stretch]:
    """Return what to encode again of a stretch so that the ``peaks`` at these samples come out different."""
    if master.settings.container != "mp3":
        return [stretch]
    again: list[Stretch] = []
    lead = mp3.LEAD_FRAMES * mp3.FRAME_SAMPLES
    for peak in peaks.tolist():
        wanted = max(_quiet_moment(master.mix, peak, _AGAIN_FROM_S), stretch.wanted)
        end = min(_quiet_moment(master.mix, peak, _AGAIN_TO_S), stretch.end)
        if again and wanted - again[-1].end < 2 * lead:
            wanted = again.pop().wanted
        first, last = max(wanted - lead, stretch.first), min(end + lead, stretch.last)
        again.append(Stretch(first=first, wanted=wanted, end=end, last=last, channels=stretch.channels))
    return again


def _replaced(pieces: Sequence[_Piece], by: _Piece) -> list[_Piece]:
    """Return the pieces with one of them taking over for a while."""
    lead = mp3.LEAD_FRAMES * mp3.FRAME_SAMPLES
    begin, end = by.stretch.wanted, by.stretch.end
    before = [
        replace(each, stretch=replace(each.stretch, end=min(each.stretch.end, begin), last=min(each.stretch.last, begin + lead)))
        for each in pieces
        if each.stretch.wanted < begin
    ]
    after = [
        replace(each, stretch=replace(each.stretch, wanted=max(each.stretch.wanted, end)))
        for each in pieces
        if each.stretch.end > end
    ]
    return [*before, by, *after]


def _encoder_loss_db(settings: SoundSettings, channels: int) -> float:
    """Return how much quieter an encoder's sound is than what it was fed."""
    if settings.container != "mp3":
        return 0.0
    return _LAME_LOSS_FROM_192_DB if _lame_kbps(settings.bitrate_kbps, channels) >= _LAME_BETTER_KBPS else _LAME_LOSS_DB


def _lame_kbps(bitrate_kbps: int, channels: int) -> int:
    return mp3.mono_bitrate_kbps(bitrate_kbps) if channels == 1 else bitrate_kbps


def _write(master: Master, stretch: Stretch, gain: Curve, gain_start: int, to: Path) -> None:
    """Write a stretch to ``to``, encoded. ``gain`` has a value for each 1/300 s from sample ``gain_start`` on."""
    channels, settings = stretch.channels, master.settings
    if settings.container == "mp3":
        rate = ["-c:a", "libmp3lame", "-b:a", f"{_lame_kbps(settings.bitrate_kbps, channels)}k", "-joint_stereo", "1"]
        form = [*rate, "-id3v2_version", "0", "-write_id3v1", "0", "-write_xing", "0", "-f", "mp3"]
    else:
        # Two equal channels, as in the MP3: every meter and player agrees how loud it is. The index stands in front, so that the
        # file plays before it is all there.
        stereo = ["-af", "pan=stereo|c0=c0|c1=c0"] if channels == 1 else []
        form = [*stereo, "-c:a", "aac", "-b:a", f"{settings.bitrate_kbps}k", "-movflags", "+faststart", "-f", "mp4"]
    arguments = ["-v", "error", *input_arguments(channels, "pipe:0"), *form, *_SAME_BYTES, "-y", f"file:{to}"]
    limit_s = media.time_limit_s(duration_s=(stretch.last - stretch.first) / SAMPLE_RATE_HZ)
    with media.streaming(arguments, time_limit_s=limit_s, fed=True) as encoder:
        for start in range(stretch.first, stretch.last, levels.BLOCK_SAMPLES):
            block = master.mix.read(start, min(levels.BLOCK_SAMPLES, stretch.last - start))
            if not encoder.feed(as_bytes(times(block[:, :channels], gain, start - gain_start, PEAK_SAMPLES))):
                break
        encoder.end_feed()
        ended = encoder.ended()
    media.refuse_failure(ended, to)


@dataclass(frozen=True, kw_only=True)
class _Heard:
    """What a decoded stretch measures, from the whole sound's frame ``first_frame`` on."""

    first_frame: int
    energies: Curve
    powers: Curve
    peaks: Curve

    def frames(self, stretch: Stretch) -> slice:
        """Return where the frames lie that a stretch stands for."""
        return slice(*(-(-sample // FRAME_SAMPLES) - self.first_frame for sample in (stretch.wanted, stretch.end)))

    def replace(self, stretch: Stretch, heard: _Heard) -> None:
        """Take over what a stretch of it measures now."""
        own, new = self.frames(stretch), heard.frames(stretch)
        self.energies[own], self.powers[own] = heard.energies[new], heard.powers[new]
        own, new = (slice(each.start * PEAKS_PER_FRAME, each.stop * PEAKS_PER_FRAME) for each in (own, new))
        self.peaks[own] = heard.peaks[new]


def _measure(master: Master, stretch: Stretch, file: Path) -> _Heard:
    """Return what an encoded stretch measures. Where all channels are equal one of them is, as two loudspeakers play it."""
    channels = stretch.channels
    # Frames of MP3 without a header are later by these; where there is a header, or an edit list, decoders take that away.
    late = mp3.ENCODER_DELAY_SAMPLES + mp3.DECODER_DELAY_SAMPLES if master.settings.container == "mp3" else 0
    first_frame = -(-stretch.first // FRAME_SAMPLES)
    skipped = late + first_frame * FRAME_SAMPLES - stretch.first
    left = stretch.last - first_frame * FRAME_SAMPLES
    one = ["pan=mono|c0=c0"] if channels == 1 and master.settings.container != "mp3" else []  # parts are mono themselves
    filters = ["-af", ",".join([*one, media.LARGE_FRAMES])]
    arguments = ["-v", "error", "-xerror", "-i", f"file:{file}", *filters, *_LARGE_PIECES, "-f", "f32le", "pipe:1"]
    limit_s = media.time_limit_s(duration_s=left / SAMPLE_RATE_HZ)
    heard: list[tuple[Curve, Curve, Curve]] = []
    with media.streaming(arguments, time_limit_s=limit_s, read=True) as decoder:
        decoder.read(skipped * channels * BYTES)
        while content := decoder.read(min(levels.BLOCK_SAMPLES, left) * channels * BYTES):
            block = from_bytes(content, channels)
            left -= len(block)
            frames = levels.in_channels(block)
            powers = np.einsum("cfs,cfs->f", frames, frames) / np.float32(channels * FRAME_SAMPLES)
            twice = np.float32(2.0 if channels == 1 else 1.0)
            energies = twice * levels.energies(frames, levels.k_weights()).sum(axis=0)
            heard.append((energies, powers, levels.peaks(frames, at_least=_LOOKED_AT).max(axis=0)))
        while decoder.read(levels.BLOCK_SAMPLES):
            pass  # the encoder's padding: whoever is not read to the end does not end
        media.refuse_failure(decoder.ended(), file)
    energies, powers, peaks = (np.concatenate(curves) for curves in zip(*heard, strict=True))
    return _Heard(first_frame=first_frame, energies=energies, powers=powers, peaks=peaks)


def _join(pieces: Iterable[_Piece], master: Master, to: Path) -> None:
    """Write encoded pieces as one MP3 file, each as soon as it is there.

    Raises:
        CannotJoin: see ``mp3.join``.
        MachineError: the disk is full or cannot be written.
    """
    bitrate_kbps, samples = master.settings.bitrate_kbps, master.mix.samples

    def taken_apart() -> Iterator[tuple[int, int, list[mp3.Frame]]]:
        for piece in pieces:
            frames = mp3.take_apart(piece.file.read_bytes())
            first, wanted, last = (
                at // mp3.FRAME_SAMPLES for at in (piece.stretch.first, piece.stretch.wanted, piece.stretch.last)
            )
            yield first, wanted, frames[: None if piece.stretch.last == samples else last - first]

    def header() -> bytes:
        written = {"frames": frames, "content_bytes": size_bytes, "content_crc": crc, "samples": samples}
        return mp3.info_frame(bitrate_kbps=bitrate_kbps, **written)

    frames, size_bytes, crc = 0, 0, 0
    with media.writing(to), to.open("wb") as stream:
        stream.write(bytes(len(header())))
        for piece in mp3.join(taken_apart(), bitrate_kbps):
            frames, size_bytes, crc = frames + mp3.count_frames(piece), size_bytes + len(piece), mp3.crc(piece, crc)
            stream.write(piece)
        stream.seek(0)
        stream.write(header())

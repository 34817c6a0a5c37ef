"""The mix with its last gain, encoded in parts side by side, each decoded again and measured before it counts as made.

A part whose peaks come out too high is limited a little more there and encoded again, alone. So a long sound costs hardly more
than one encoding, however many of its peaks encoding raises.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

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
_FURTHER_DOWN_DB = 0.1
_LOOKED_AT = 0.5  # a frame whose samples stay below half of full scale has no true peak near it

_POWER_SAMPLES = FRAME_SAMPLES // POWERS_PER_FRAME
_QUIET_WITHIN_FRAMES = 300  # three seconds around an even division, parts meet at the quietest moment
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


def encode(master: Master, to: Path, folder: Path) -> Encoded:
    """Write the whole sound to ``to``, and return what it measures. Parts lie in ``folder`` on the way.

    Raises:
        MachineError: ffmpeg failed or the disk is full.
    """
    if master.settings.container != "mp3":
        samples = master.mix.samples
        whole = Stretch(first=0, wanted=0, end=samples, last=samples, channels=master.mix.channels)
        return _encode_stretch(master, whole, to)
    try:
        return _encode_mp3(master, stretches(master.mix), to, folder)
    except mp3.CannotJoin:
        return _encode_mp3(master, stretches(master.mix, part_s=float("inf")), to, folder)


def _encode_mp3(master: Master, parts: Sequence[Stretch], to: Path, folder: Path) -> Encoded:
    files = [folder / f"{index}.mp3" for index in range(len(parts))]
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_AT_ONCE)) as side_by_side:
        try:
            made = list(side_by_side.map(lambda part, file: _encode_stretch(master, part, file), parts, files))
        finally:
            side_by_side.shutdown(cancel_futures=True)
    _join(parts, files, master, to)
    return Encoded(
        energies=np.concatenate([each.energies for each in made]),
        powers=np.concatenate([each.powers for each in made]),
        true_peak=max(each.true_peak for each in made),
        tries=max(each.tries for each in made),
    )


def stretches(mix: Mix, *, part_s: float = PART_S) -> tuple[Stretch, ...]:
    """Return the parts that a sound is encoded in: about equal, the same on every machine, meeting where it is quiet.

    A voice in one channel is encoded as such also where the music around it is in stereo.
    """
    whole = mix.samples
    alone = mix.voice_alone if np.isfinite(part_s) else range(0)
    regions = [(whole, mix.channels)]
    if alone:
        regions = [(_on_grid(alone.start), mix.channels), (_on_grid(alone.stop), 1), *regions]
    lead = mp3.LEAD_FRAMES * mp3.FRAME_SAMPLES
    parts: list[Stretch] = []
    start = 0
    for region_end, channels in regions:
        for wanted, end in pairwise([start, *_evenly(mix, start, region_end, part_s), region_end]):
            first, last = max(wanted - lead, 0), min(end + lead, whole)
            parts.append(Stretch(first=first, wanted=wanted, end=end, last=last, channels=channels))
        start = region_end
    return tuple(parts)


def _evenly(mix: Mix, begin: int, end: int, part_s: float) -> list[int]:
    """Return where to divide a stretch of samples, on the grid of MP3 frames."""
    count = max(round((end - begin) / SAMPLE_RATE_HZ / part_s), 1)
    divisions = []
    for index in range(1, count):
        middle = (begin + (end - begin) * index // count) // _POWER_SAMPLES
        start = middle - _QUIET_WITHIN_FRAMES
        # Half a second in which one part takes over from the other.
        quiet = np.convolve(mix.levels.powers[start : middle + _QUIET_WITHIN_FRAMES], np.ones(50), mode="valid")
        divisions.append(_on_grid((start + int(np.argmin(quiet))) * _POWER_SAMPLES))
    return divisions


def _on_grid(sample: int) -> int:
    return sample // mp3.FRAME_SAMPLES * mp3.FRAME_SAMPLES


def _encode_stretch(master: Master, stretch: Stretch, to: Path) -> Encoded:
    """Encode a stretch until none of its peaks is too high, and return what it measures."""
    first, last = stretch.first // PEAK_SAMPLES, -(-stretch.last // PEAK_SAMPLES)
    begin = max(first - LIMITER_REACH, 0)
    peaks = master.mix.levels.peaks[begin : last + LIMITER_REACH]
    limiting_db = master.solution.limiting_db(peaks)
    for tries in range(1, _MOST_TRIES + 1):
        limiter_db = limit_db(limiting_db)
        gain = linear(limiter_db + np.float32(master.solution.gain_db + _encoder_loss_db(master.settings, stretch.channels)))
        _write(master, stretch, gain, begin * PEAK_SAMPLES, to)
        heard = _measure(master, stretch, to)
        over_db = 20 * np.log10(np.maximum(heard.peaks, 1e-9)) - master.highest_dbtp
        if over_db.max(initial=-1.0) <= 0 or tries == _MOST_TRIES:
            break
        offset = heard.first_frame * PEAKS_PER_FRAME - begin
        for frame in np.flatnonzero(over_db > 0):
            around = slice(max(frame + offset - _OVERSHOT_FRAMES, 0), frame + offset + _OVERSHOT_FRAMES + 1)
            limiting_db[around] = np.maximum(limiting_db[around], 0) + np.float32(over_db[frame] + _FURTHER_DOWN_DB)
    own = slice(-(-stretch.wanted // FRAME_SAMPLES) - heard.first_frame, -(-stretch.end // FRAME_SAMPLES) - heard.first_frame)
    return Encoded(
        energies=heard.energies[own],
        powers=heard.powers[own],
        true_peak=float(heard.peaks.max(initial=0.0)),
        tries=tries,
    )


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


def _join(parts: Sequence[Stretch], files: Sequence[Path], master: Master, to: Path) -> None:
    """Write encoded parts as one MP3 file.

    Raises:
        CannotJoin: see ``mp3.join``.
        MachineError: the disk is full or cannot be written.
    """
    bitrate_kbps, samples = master.settings.bitrate_kbps, master.mix.samples

    def taken_apart() -> Iterator[tuple[int, int, list[mp3.Frame]]]:
        for part, file in zip(parts, files, strict=True):
            frames = mp3.take_apart(file.read_bytes())
            yield part.first // mp3.FRAME_SAMPLES, part.wanted // mp3.FRAME_SAMPLES, frames

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

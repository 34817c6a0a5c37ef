"""From a recording to the published sound: repaired, levelled, joined to the theme, at the target loudness, as MP3."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline import media, speech
from pipeline.audio import loudness, samples, seams, trimming
from pipeline.audio.faults import Faults, describe, find_faults, repair_filters
from pipeline.audio.recording import decode, decode_theme, examine, refuse_silence, refuse_too_little
from pipeline.audio.samples import SAMPLE_RATE_HZ, Block, RawSound
from pipeline.errors import telling_what_cannot_be_read
from pipeline.model import LoudnessTarget, Sound, SoundSettings, Span, Theme

TRUE_PEAK_RESERVE_DB = 0.3
"""We aim so far below the permitted true peak, because two good meters differ by as much."""

LOUDNESS_TOLERANCE_LU = 0.5
"""How far the published loudness may lie from the target before we say so."""

_CLOSE_ENOUGH_LU = 0.15  # the meter shows tenths: 0.1 will do, 0.2 will not
_MOST_RENDERS = 4
_QUIETEST_LUFS = -55.0  # at 16 bit, a voice below this would be half noise after amplification
_VOICE_LUFS = -23.0  # before the final gain; leaves the peaks room
_EDGE_FADE_S = 0.01
_SPEECH_EXPECTED_S = 3.0

# Where the search starts; measuring ends it. LAME at a constant bit rate comes out lower than it was fed (0.4 to 0.6 LU on six
# voices at 128 kbit/s), and peaks may come out higher. A good start saves an encoding, which is most of the time spent.
_ENCODER_LOSS_LU = 0.47
_ENCODER_OVERSHOOT_DB = 0.3


def normalize(recording: Path, theme: Theme, settings: SoundSettings, to: Path) -> Sound:
    """Return the published sound of ``recording``, written to ``to`` as constant-bit-rate MP3 without tags.

    The encoded file is at ``settings.target`` (0.5 LU, true peak never above); a warning tells where that cannot be. The same
    arguments and the same ffmpeg give the same bytes. Of the theme, intro and outro are used. What is written on the way, about
    3 GB for an hour, lies in a folder beside ``to``, and not in the system's, which may be memory.

    Raises:
        RecordingError: the recording or the theme cannot be used, and why.
        MachineError: ffmpeg or the disk failed, or a file cannot be read.
    """
    with media.writing(to):
        folder = tempfile.TemporaryDirectory(prefix="sound-", dir=to.parent, ignore_cleanup_errors=True)
    with telling_what_cannot_be_read(to), folder as name:
        return _normalize(recording, theme, settings, to, Path(name))


def _normalize(recording: Path, theme: Theme, settings: SoundSettings, to: Path, folder: Path) -> Sound:
    probe = examine(recording)
    intro, outro = (
        decode_theme(file, folder / f"{name}.f32") if file else None
        for name, file in (("intro", theme.intro), ("outro", theme.outro))
    )
    raw = decode(recording, folder / "raw.f32")
    recorded_lufs, recorded_true_peak_dbtp = media.measure_loudness(recording)
    faults = find_faults(raw)
    clean = _repair(raw, faults, folder / "clean.f32")
    recorded_s = raw.duration_s
    samples.discard(raw)
    first, end = trimming.find_voice(clean)
    refuse_too_little(recording, trimmed_s=(end - first) / SAMPLE_RATE_HZ)
    trimmed = _trim(clean, first, end, folder / "trimmed.f32")
    samples.discard(clean)
    energies = loudness.measure(trimmed).energies
    # After the repair: a hum alone is no sound either.
    refuse_silence(recording, integrated_lufs=loudness.integrated_lufs(energies), quietest_lufs=_QUIETEST_LUFS)
    voice = _level(trimmed, energies, folder / "voice.f32")
    samples.discard(trimmed)
    spans = _speech(voice, folder / "speech.f32")
    mix, voice_start = seams.join(intro, voice, outro, folder / "mix.f32", voice_lufs=_VOICE_LUFS)
    samples.discard(voice)
    render = _meet_target(mix, settings, to, folder / "master.f32")
    samples.discard(mix)
    envelope, duration_s = _envelope(to, folder / "published.f32")
    voice_start_s = voice_start / SAMPLE_RATE_HZ
    return Sound(
        file=to,
        duration_s=round(duration_s, 3),
        voice_start_s=round(voice_start_s, 3),
        speech=tuple(_moved(span, voice_start_s, duration_s) for span in spans),
        integrated_lufs=render.integrated_lufs,
        true_peak_dbtp=render.true_peak_dbtp,
        envelope=envelope,
        loudness_range_lu=0.0,
        recorded_range_lu=0.0,
        recorded_envelope=envelope,
        most_limiting_db=0.0,
        renders=1,
        ffmpeg="",
        recorded_lufs=recorded_lufs,
        recorded_true_peak_dbtp=recorded_true_peak_dbtp,
        trimmed_head_s=round(first / SAMPLE_RATE_HZ, 3),
        trimmed_tail_s=round(recorded_s - end / SAMPLE_RATE_HZ, 3),
        warnings=(
            *describe(faults, recorded_lufs=recorded_lufs, recorded_rate_hz=probe.sample_rate_hz),
            *_no_speech(spans, recorded_s),
            *_missed(render, settings.target),
        ),
    )


def _repair(raw: RawSound, faults: Faults, to: Path) -> RawSound:
    channels = 1 if faults.voice_channel is not None else raw.channels
    clean = RawSound(file=to, sample_rate_hz=raw.sample_rate_hz, channels=channels)
    arguments = [*raw.input_arguments, "-af", ",".join(repair_filters(faults)), "-f", "f32le"]
    media.make_with_ffmpeg(arguments, to, time_limit_s=media.time_limit_s(duration_s=raw.duration_s))
    return clean


def _trim(clean: RawSound, first: int, end: int, to: Path) -> RawSound:
    def kept() -> Iterator[Block]:
        position = 0
        for block in samples.blocks(clean):
            yield block[max(first - position, 0) : max(end - position, 0)]
            position += len(block)

    return samples.write(kept(), to, sample_rate_hz=clean.sample_rate_hz, channels=clean.channels)


def _level(trimmed: RawSound, energies: loudness.Curve, to: Path) -> RawSound:
    """Return the voice with its sentences brought together, the whole at ``_VOICE_LUFS``."""
    gain_db = loudness.levelling_db(energies)
    levelled_lufs = loudness.integrated_lufs(energies * 10 ** (gain_db / 10))
    gain = 10 ** ((gain_db + _VOICE_LUFS - levelled_lufs) / 20)
    return _with_gain(trimmed, gain, trimmed.frame_samples, to, fade_s=_EDGE_FADE_S)


def _with_gain(sound: RawSound, curve: loudness.Curve, frame_samples: int, to: Path, *, fade_s: float = 0.0) -> RawSound:
    """Return ``sound`` times ``curve``, which has a value for the middle of each frame and runs straight between them."""
    middles = (np.arange(len(curve)) + 0.5) * frame_samples
    fade = max(round(fade_s * sound.sample_rate_hz), 1)

    def changed() -> Iterator[Block]:
        position = 0
        for block in samples.blocks(sound):
            at = np.arange(position, position + len(block)) + 0.5
            edge = np.clip(np.minimum(at, sound.samples - at) / fade, 0, 1) if fade_s else 1.0
            yield _times(block, np.interp(at, middles, curve) * edge)
            position += len(block)

    return samples.write(changed(), to, sample_rate_hz=sound.sample_rate_hz, channels=sound.channels)


def _times(block: Block, gain: loudness.Curve) -> Block:
    return np.asarray(block * gain[:, None], dtype="<f4")


def _speech(voice: RawSound, to: Path) -> tuple[Span, ...]:
    heard = samples.as_mono(voice, to, sample_rate_hz=speech.SPEECH_RATE_HZ)
    # Mapped, not loaded: an hour would be 230 MB.
    mapped = np.memmap(heard.file, dtype="<f4", mode="r")
    spans = speech.find_speech(mapped)
    del mapped  # Windows removes no file that is mapped
    samples.discard(heard)
    return spans


@dataclass(frozen=True, kw_only=True)
class Render:
    """What an encoded file measures."""

    integrated_lufs: float
    true_peak_dbtp: float


def _meet_target(mix: RawSound, settings: SoundSettings, to: Path, master_file: Path) -> Render:
    """Encode ``mix`` until the encoded file meets the target, at most four times, and return the last one's measure."""
    levels = loudness.measure(mix)
    wanted_dbtp = settings.target.true_peak_dbtp - TRUE_PEAK_RESERVE_DB
    aim_lufs = settings.target.integrated_lufs + _ENCODER_LOSS_LU
    aim_dbtp = wanted_dbtp - _ENCODER_OVERSHOOT_DB
    for _ in range(_MOST_RENDERS):
        solution = loudness.solve(levels, integrated_lufs_wanted=aim_lufs, true_peak_dbtp=aim_dbtp)
        frame_samples = mix.frame_samples // loudness.PEAKS_PER_FRAME
        master = _with_gain(mix, solution.gain * solution.limiter, frame_samples, master_file)
        _encode(master, settings, to)
        measured_lufs, measured_dbtp = media.measure_loudness(to)
        missing_lu = settings.target.integrated_lufs - measured_lufs
        over_db = measured_dbtp - wanted_dbtp
        at_the_bound = missing_lu > 0 and solution.expected_lufs < aim_lufs - _CLOSE_ENOUGH_LU
        if over_db <= 0 and (abs(missing_lu) <= _CLOSE_ENOUGH_LU or at_the_bound):
            break
        aim_lufs += missing_lu
        aim_dbtp -= max(over_db, 0.0)
    samples.discard(master)
    return Render(integrated_lufs=measured_lufs, true_peak_dbtp=measured_dbtp)


def _encode(master: RawSound, settings: SoundSettings, to: Path) -> None:
    arguments = [
        *(*master.input_arguments, "-c:a", "libmp3lame", "-b:a", f"{settings.bitrate_kbps}k", "-joint_stereo", "1"),
        # Nothing that names the encoder or the day, so that the same sound is the same file; but the length header, without
        # which players guess.
        *("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"),
        *("-id3v2_version", "0", "-write_id3v1", "0", "-write_xing", "1", "-f", "mp3"),
    ]
    media.make_with_ffmpeg(arguments, to, time_limit_s=media.time_limit_s(duration_s=master.duration_s))


def _envelope(published: Path, to: Path) -> tuple[tuple[float, ...], float]:
    """Return the RMS of each 0.1 s of the published file (full scale = 1) and its duration in seconds."""
    sound = decode(published, to)
    frames = (samples.in_frames(block, sound.frame_samples) for block in samples.blocks(sound))
    rms = [np.sqrt(np.mean(np.square(each), axis=(1, 2))) for each in frames]
    return tuple(round(float(value), 4) for value in np.concatenate(rms)), sound.duration_s


def _moved(span: Span, by_s: float, end_s: float) -> Span:
    return Span(start_s=round(span.start_s + by_s, 3), end_s=round(min(span.end_s + by_s, end_s), 3))


def _no_speech(spans: tuple[Span, ...], recorded_s: float) -> list[str]:
    if spans or recorded_s < _SPEECH_EXPECTED_S:
        return []
    return [f"录音长 {recorded_s:.1f} 秒，里面没有听到人声；请确认交来的是这一集的录音。"]


def _missed(render: Render, target: LoudnessTarget) -> list[str]:
    said = []
    if abs(render.integrated_lufs - target.integrated_lufs) > LOUDNESS_TOLERANCE_LU:
        said.append(
            f"响度只做到 {render.integrated_lufs:.1f} LUFS，目标是 {target.integrated_lufs:.1f}：录音里有些声音比人声响得太多，"
            f"压低超过 {loudness.MOST_LIMITING_DB:.0f} dB 会失真；请先剪掉那些声音，或重录。"
        )
    if render.true_peak_dbtp > target.true_peak_dbtp:
        said.append(f"真峰值 {render.true_peak_dbtp:.1f} dBTP 高于上限 {target.true_peak_dbtp:.1f} dBTP，有些手机上可能破音。")
    return said

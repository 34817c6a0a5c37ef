"""From a recording to the published sound: analysed once, solved on its levels, encoded once, measured as it is written."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline import media
from pipeline.audio.analysis import Analysis, analyse, decibels
from pipeline.audio.dynamics import LEVELERS, MOST_LIMITING_DB, leveling_db, solve
from pipeline.audio.encoding import Encoded, Master, encode
from pipeline.audio.faults import Repairs, describe, describe_noise, noise_dbfs
from pipeline.audio.levels import linear
from pipeline.audio.listening import listening
from pipeline.audio.loudness import integrated_lufs, loudness_range_lu
from pipeline.audio.mix import VOICE_LUFS, Mix, Voice, put_together
from pipeline.audio.recording import examine, read_theme, refuse_silence, refuse_too_little
from pipeline.audio.samples import BYTES, FRAME_S, SAMPLE_RATE_HZ
from pipeline.audio.trimming import find_voice
from pipeline.errors import telling_what_cannot_be_read
from pipeline.model import LoudnessTarget, Sound, SoundSettings, Span, Theme

TRUE_PEAK_RESERVE_DB = 0.2
"""We aim so far below the permitted true peak, because two good meters differ by as much."""

LOUDNESS_TOLERANCE_LU = 0.2
"""How far the published loudness may lie from the target before we say so."""

_CLOSE_ENOUGH_LU = 0.12
_MOST_RENDERS = 5
_QUIETEST_LUFS = -55.0  # at 16 bit, a voice below this would be half noise after amplification
_SPEECH_EXPECTED_S = 3.0


def normalize(recording: Path, theme: Theme, settings: SoundSettings, to: Path) -> Sound:
    """Return the published sound of ``recording``, written to ``to`` without tags: constant-bit-rate MP3, or AAC in MP4.

    The encoded file is at ``settings.target`` within 0.2 LU, and its true peak is never above; a warning tells where more than
    12 dB of limiting would be needed for that. The same arguments and the same ffmpeg give the same bytes. On the way the
    repaired sound lies in a folder beside ``to``, and not in the system's, which may be memory: 1.3 GB for an hour in stereo.

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
    bed = theme.bed if settings.bed else None
    intro, outro, under = (read_theme(file) if file else None for file in (theme.intro, theme.outro, bed))
    _refuse_small_disk(probe, folder)
    with listening() as listener:
        analysis, repairs = _analyse(recording, probe, settings, folder / "clean.f32")
        voice = _cut_voice(recording, analysis, settings)
        came, faults, clean, broken = analysis.as_it_came, analysis.faults, analysis.clean, analysis.broken_pieces
        del analysis  # its curves are the largest thing in memory
        listener.hear(clean, voice.channels, voice.first, voice.end)
        mix = put_together(voice, intro=intro, outro=outro, bed=under)
        render = _meet_target(mix, settings, to, folder)
        heard = listener.spans()
    voice_start_s, duration_s = mix.voice_start / SAMPLE_RATE_HZ, mix.samples / SAMPLE_RATE_HZ
    encoded = render.encoded
    true_peak_dbtp, loudness_lufs = decibels(encoded.true_peak), round(render.integrated_lufs, 2)
    return Sound(
        file=to,
        duration_s=round(duration_s, 3),
        voice_start_s=round(voice_start_s, 3),
        speech=tuple(_moved(span, voice_start_s, duration_s) for span in heard),
        integrated_lufs=loudness_lufs,
        loudness_range_lu=round(loudness_range_lu(encoded.energies), 2),
        true_peak_dbtp=true_peak_dbtp,
        envelope=tuple(round(float(value), 4) for value in np.sqrt(encoded.powers)),
        recorded_lufs=came.integrated_lufs,
        recorded_range_lu=came.loudness_range_lu,
        recorded_true_peak_dbtp=came.true_peak_dbtp,
        recorded_envelope=came.envelope,
        trimmed_head_s=round(voice.first * FRAME_S, 3),
        trimmed_tail_s=round(max(clean.duration_s - voice.end * FRAME_S, 0.0), 3),
        most_limiting_db=round(render.most_limiting_db, 2),
        renders=render.renders,
        ffmpeg=media.ffmpeg_version(),
        warnings=(
            *describe(faults, recorded_lufs=came.integrated_lufs, recorded_rate_hz=probe.sample_rate_hz),
            *describe_noise(voice.levels.powers, heard, denoise=repairs.denoise),
            *_broken(broken),
            *_no_speech(heard, clean.duration_s),
            *_missed(loudness_lufs, true_peak_dbtp, settings.target),
        ),
    )


def _cut_voice(recording: Path, analysis: Analysis, settings: SoundSettings) -> Voice:
    """Return the part of a recording that is published, levelled.

    Raises:
        RecordingError: hardly anything is left without the silence at head and tail, or nothing can be heard.
    """
    channels = analysis.faults.voice_channels
    whole = analysis.levels(channels)
    first, end = find_voice(whole.powers)
    refuse_too_little(recording, trimmed_s=min(end * FRAME_S, analysis.clean.duration_s) - first * FRAME_S)
    kept = whole[first:end]
    # After the repairs: a hum alone is no sound either.
    refuse_silence(recording, integrated_lufs=integrated_lufs(kept.energies), quietest_lufs=_QUIETEST_LUFS)
    leveled_db = leveling_db(kept.energies, LEVELERS[settings.leveler])
    gain_db = leveled_db + np.float32(VOICE_LUFS - integrated_lufs(kept.energies * linear(leveled_db) ** 2))
    return Voice(
        clean=analysis.clean,
        channels=channels,
        first=first,
        end=end,
        levels=kept,
        gain_db=gain_db,
        alike=analysis.alike[first:end] | (len(channels) == 1),
    )


def _refuse_small_disk(probe: media.Probe, folder: Path) -> None:
    """Stop before a disk is filled that cannot hold the repaired sound.

    Raises:
        MachineError: there is too little room.
    """
    channels = 1 if probe.channels == 1 else 2
    needed = round((probe.duration_s or 0.0) * SAMPLE_RATE_HZ * channels * BYTES * 1.1)
    media.refuse_small_disk(folder, needed_bytes=needed, free_bytes=shutil.disk_usage(folder).free)


def _analyse(recording: Path, probe: media.Probe, settings: SoundSettings, clean: Path) -> tuple[Analysis, Repairs]:
    """Return the analysis of the repaired sound. A hum or noise is found in a first pass and taken out in a second."""
    repairs = Repairs(highpass_hz=settings.highpass_hz)
    analysis = analyse(recording, probe, repairs, clean)
    noise = noise_dbfs(analysis.levels(analysis.faults.voice_channels).powers) if settings.denoise != "off" else 0.0
    wanted = replace(repairs, hum_hz=analysis.faults.hum_hz, denoise=settings.denoise, noise_dbfs=noise)
    if wanted.are_linear:
        return analysis, repairs
    again = analyse(recording, probe, wanted, clean)
    # The faults are those that were there before the repairs.
    return replace(again, faults=replace(analysis.faults, voice_channels=again.faults.voice_channels)), wanted


@dataclass(frozen=True, kw_only=True)
class Render:
    """An encoded sound, its loudness, how far its highest peak was brought down, and how often a stretch of it was encoded."""

    encoded: Encoded
    most_limiting_db: float
    integrated_lufs: float
    renders: int


def _meet_target(mix: Mix, settings: SoundSettings, to: Path, folder: Path) -> Render:
    """Encode ``mix`` until the encoded file meets the target, nearly always once, and return what it measures."""
    target = settings.target
    aim_lufs = target.integrated_lufs
    renders = 0
    for _ in range(_MOST_RENDERS):
        solution = solve(
            mix.levels, highest_peak=mix.highest_peak, integrated_lufs_wanted=aim_lufs, true_peak_dbtp=target.true_peak_dbtp
        )
        master = Master(mix=mix, solution=solution, settings=settings, highest_dbtp=target.true_peak_dbtp - TRUE_PEAK_RESERVE_DB)
        encoded = encode(master, to, folder)
        renders += encoded.tries
        reached_lufs = integrated_lufs(encoded.energies)
        missing_lu = target.integrated_lufs - reached_lufs
        at_the_bound = missing_lu > 0 and solution.integrated_lufs < aim_lufs - _CLOSE_ENOUGH_LU
        if abs(missing_lu) <= _CLOSE_ENOUGH_LU or at_the_bound or not np.isfinite(missing_lu):
            break
        aim_lufs += missing_lu
    return Render(encoded=encoded, most_limiting_db=solution.most_limiting_db, integrated_lufs=reached_lufs, renders=renders)


def _moved(span: Span, by_s: float, end_s: float) -> Span:
    return Span(start_s=round(span.start_s + by_s, 3), end_s=round(min(span.end_s + by_s, end_s), 3))


def _broken(pieces: int) -> list[str]:
    return [f"录音文件里有 {pieces} 处坏的数据，可能有短促的杂音或缺字；请听一听，必要时重新拷贝。"] if pieces else []


def _no_speech(spans: tuple[Span, ...], recorded_s: float) -> list[str]:
    if spans or recorded_s < _SPEECH_EXPECTED_S:
        return []
    return [f"录音长 {recorded_s:.1f} 秒，里面没有听到人声；请确认交来的是这一集的录音。"]


def _missed(integrated: float, true_peak_dbtp: float, target: LoudnessTarget) -> list[str]:
    said = []
    if abs(integrated - target.integrated_lufs) > LOUDNESS_TOLERANCE_LU:
        said.append(
            f"响度只做到 {integrated:.1f} LUFS，目标是 {target.integrated_lufs:.1f}：录音里有些声音比人声响得太多，"
            f"压低超过 {MOST_LIMITING_DB:.0f} dB 会失真；请先剪掉那些声音，或重录。"
        )
    if true_peak_dbtp > target.true_peak_dbtp:
        said.append(f"真峰值 {true_peak_dbtp:.1f} dBTP 高于上限 {target.true_peak_dbtp:.1f} dBTP，有些手机上可能破音。")
    return said

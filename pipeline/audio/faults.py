"""What is wrong with a recording, measured in one pass over its raw sound, and said so that somebody can record better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.samples import FRAME_S, Block, RawSound, blocks, in_frames

_FULL_SCALE = 0.985  # codecs bend a flat top a little
_CLIPPED_SAMPLES = 3  # in 10 ms; a peak that was merely brought to full scale touches it once or twice
_CLIPPED_WORTH_A_WORD_S = 0.02

_DEAD_DB = 40.0
_ANTIPHASE = -0.8

_MAINS_HZ = (50, 60)
_HARMONICS = 4
_HUM_DB = 15.0  # above its neighbours, at the fundamental
_HARMONIC_DB = 10.0
_HUM_AUDIBLE_DBFS = -70.0

_LOW_RATE_HZ = 22_050
_QUIET_LUFS = -27.0


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What one pass found. ``hum_hz``: mains frequency and harmonics; ``voice_channel``: the one to use, None for all."""

    clipped_s: float
    hum_hz: tuple[int, ...]
    hum_dbfs: float
    voice_channel: int | None
    channel_difference_db: float
    correlation: float


def find_faults(sound: RawSound) -> Faults:
    """Return the faults of a decoded recording (before any filter, which would hide clipping and hum)."""
    clipped, products, spectra = 0, np.zeros((sound.channels, sound.channels)), []
    for block in blocks(sound):
        frames = in_frames(block, sound.frame_samples // 10)
        clipped += int(np.count_nonzero((np.abs(frames) >= _FULL_SCALE).sum(axis=1).max(axis=1) >= _CLIPPED_SAMPLES))
        products += block.T.astype(np.float64) @ block
        spectra.append(_low_spectra(block, sound.sample_rate_hz))
    hum_hz, hum_dbfs = _hum(np.concatenate(spectra))
    voice_channel, difference_db, correlation = _compare_channels(products)
    return Faults(
        clipped_s=clipped * FRAME_S / 10,
        hum_hz=hum_hz,
        hum_dbfs=hum_dbfs,
        voice_channel=voice_channel,
        channel_difference_db=difference_db,
        correlation=correlation,
    )


def repair_filters(faults: Faults) -> list[str]:
    """Return the ffmpeg filters that take out rumble, a measured hum and a bad channel."""
    channel = [f"pan=mono|c0=c{faults.voice_channel}"] if faults.voice_channel is not None else []
    # The lowest voices start at about 85 Hz; two of ffmpeg's second-order filters fall by 24 dB an octave.
    rumble = ["highpass=f=75", "highpass=f=75"]
    return [*channel, *rumble, *(f"bandreject=f={frequency_hz}:width_type=h:w=4" for frequency_hz in faults.hum_hz)]


def describe(faults: Faults, *, recorded_lufs: float, recorded_rate_hz: int) -> list[str]:
    """Return one Chinese sentence with its numbers for each fault that is worth a better recording."""
    said = []
    if faults.clipped_s >= _CLIPPED_WORTH_A_WORD_S:
        said.append(f"录音有约 {faults.clipped_s:.2f} 秒爆音（电平顶到满刻度），已经失真，无法修复；重录时请把录音电平调低。")
    if faults.hum_hz:
        frequencies = "、".join(f"{frequency_hz}" for frequency_hz in faults.hum_hz)
        said.append(f"录音里有电流交流声（{frequencies} Hz，约 {faults.hum_dbfs:.0f} dBFS），已经滤除；请让话筒线远离电源。")
    if recorded_lufs < _QUIET_LUFS:
        said.append(f"录音音量很小（{recorded_lufs:.1f} LUFS，最好高于 {_QUIET_LUFS:.0f}），放大后底噪也变大；请靠近话筒录。")
    if faults.voice_channel is not None and faults.channel_difference_db >= _DEAD_DB:
        side = "左" if faults.voice_channel == 0 else "右"
        lower_db = min(faults.channel_difference_db, 99.0)
        said.append(f"只有{side}声道有声音（另一边低 {lower_db:.0f} dB），已经把它放到两边。")
    elif faults.voice_channel is not None:
        said.append(f"左右声道反相（相关系数 {faults.correlation:.2f}，手机外放会互相抵消），已经只用左声道；请检查话筒接线。")
    if recorded_rate_hz < _LOW_RATE_HZ:
        said.append(f"录音的采样率只有 {recorded_rate_hz} Hz（最好 44100 Hz 以上），声音会像打电话一样闷。")
    return said


def _compare_channels(products: NDArray[np.float64]) -> tuple[int | None, float, float]:
    """Return which channel alone to use (None: all), how far apart the channels are in dB, and their correlation."""
    if len(products) == 1:
        return None, 0.0, 1.0
    left, right = (max(float(products[channel, channel]), 1e-12) for channel in (0, 1))
    difference_db = abs(10 * np.log10(left / right))
    correlation = float(products[0, 1]) / np.sqrt(left * right)
    if difference_db >= _DEAD_DB:
        return int(right > left), float(difference_db), float(correlation)
    return (0 if correlation < _ANTIPHASE else None), float(difference_db), float(correlation)


def _low_spectra(block: Block, sample_rate_hz: int) -> NDArray[np.float64]:
    """Return the power at each whole Hz below 300 Hz for every full second: (seconds, 300), a full-scale sine has 0.5."""
    seconds = len(block) // sample_rate_hz
    mono = block[: seconds * sample_rate_hz].mean(axis=1).reshape(seconds, sample_rate_hz)
    window = np.hanning(sample_rate_hz)
    spectrum = np.fft.rfft(mono * window, axis=1)[:, :300]
    return np.asarray(2 * np.square(np.abs(spectrum) / window.sum()))


def _hum(spectra: NDArray[np.float64]) -> tuple[tuple[int, ...], float]:
    """Return the frequencies that hum, and how loud the fundamental is in dBFS.

    The median over time tells a hum, which never stops, from a low voice that passes the same frequency.
    """
    if len(spectra) == 0:
        return (), float("-inf")
    usual_db = 10 * np.log10(np.median(spectra, axis=0) + 1e-20)
    for mains_hz in _MAINS_HZ:
        level_db, above_db = _line(usual_db, mains_hz)
        if above_db >= _HUM_DB and level_db >= _HUM_AUDIBLE_DBFS:
            harmonics = range(2 * mains_hz, _HARMONICS * mains_hz + 1, mains_hz)
            found = [frequency_hz for frequency_hz in harmonics if _line(usual_db, frequency_hz)[1] >= _HARMONIC_DB]
            return (mains_hz, *found), level_db
    return (), float("-inf")


def _line(spectrum_db: NDArray[np.float64], frequency_hz: int) -> tuple[float, float]:
    """Return the level of a spectral line, and how far it stands above what is 4 to 12 Hz away."""
    level_db = float(np.max(spectrum_db[frequency_hz - 1 : frequency_hz + 2]))
    beside = np.r_[spectrum_db[frequency_hz - 12 : frequency_hz - 4], spectrum_db[frequency_hz + 5 : frequency_hz + 13]]
    return level_db, level_db - float(np.median(beside))

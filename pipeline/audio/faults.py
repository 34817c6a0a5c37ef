"""What is wrong with a recording, what is done about it, and how it is said so that somebody can record better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.audio.levels import Curve
from pipeline.audio.samples import SAMPLE_RATE_HZ
from pipeline.model import Span

# High samples are the rarer the higher they are. A clipped sound has more of them at its bound than below it: at full scale, or
# after a lossy codec, which scales and bends the tops, somewhere under it. Levels are counted in hundredths of full scale.
_COUNTED_FROM = 0.4
_LEVELS = 140
_FULL_SCALE, _BELOW_FULL_SCALE = slice(98, 108), slice(90, 98)
_PILED_UP_AT_FULL_SCALE = 0.4
_BOUNDS = range(60, 106)
_PILED_UP = 1.1
_CLIPPED_WORTH_A_WORD_S = 0.002

_DEAD_DB = 20.0  # one side of an interview is never so far below the other; the hiss of a second microphone is
_ANTIPHASE = -0.8
_SAME_DB = -33.0  # what is left of the difference when one voice in two channels went through AAC: -37

_MAINS_HZ = (50, 60)
_HARMONICS = 4
_HUM_DB = 15.0  # above its neighbours, at the fundamental
_HARMONIC_DB = 10.0
_HUM_AUDIBLE_DBFS = -70.0
_HUM_BINS = 300
_SLOWER = 21

_LOW_RATE_HZ = 22_050
_QUIET_LUFS = -27.0
_NOISY_DB = 18.0  # of a voice above its pauses; a quiet room gives 40, a street 20
_PAUSE_EDGE_S = 0.15  # a voice rings on in the room
_NOISE_WORTH_MEASURING_S = 1.0

_HEARD_FROM_HZ = 15
_DENOISE_DB = {"off": 0, "light": 8, "strong": 20}
_LOWEST_NOISE_DB, _HIGHEST_NOISE_DB = -80, -20


@dataclass(frozen=True, kw_only=True)
class Repairs:
    """What is done to a recording before anything is measured for the solve. ``noise_dbfs`` is where its noise lies."""

    highpass_hz: int
    hum_hz: tuple[int, ...] = ()
    denoise: str = "off"
    noise_dbfs: float = 0.0

    @property
    def lowest_hz(self) -> int:
        """From where on the bass is left: an offset and what nobody hears would only take room from the voice."""
        return self.highpass_hz or _HEARD_FROM_HZ

    @property
    def are_linear(self) -> bool:
        """Whether the high-pass is all, which the levels can be computed through."""
        return not self.hum_hz and self.denoise == "off"

    def filters(self) -> list[str]:
        """Return them as ffmpeg's filters."""
        # Two second-order filters fall by 24 dB an octave; in double precision, because what is left of their memory in digital
        # silence has no normal number in single precision, and that is slow.
        rumble = ["aformat=sample_fmts=dblp", *[f"highpass=f={self.lowest_hz}"] * 2, "aformat=sample_fmts=fltp"]
        hum = [f"bandreject=f={frequency_hz}:width_type=h:w=4" for frequency_hz in self.hum_hz]
        floor_db = min(max(self.noise_dbfs, _LOWEST_NOISE_DB), _HIGHEST_NOISE_DB)
        noise = [f"afftdn=nr={_DENOISE_DB[self.denoise]}:nf={floor_db:.1f}"] if self.denoise != "off" else []
        return [*rumble, *hum, *noise]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one block shows: how many samples stand at each hundredth of full scale, products of channels, the bass' spectrum."""

    heights: NDArray[np.int32]
    products: NDArray[np.float64]
    low_spectrum: NDArray[np.float32] | None


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What one pass found. ``hum_hz``: mains frequency and harmonics; ``voice_channels``: those to use."""

    clipped_s: float
    hum_hz: tuple[int, ...]
    hum_dbfs: float
    voice_channels: tuple[int, ...]
    channel_difference_db: float
    correlation: float


def see(raw: NDArray[np.float32], clean: NDArray[np.float32]) -> Seen:
    """Return what a block shows before and after the repairs, which hide clipping; (channels, frames, samples in 0.1 s)."""
    channels = clean.reshape(len(clean), -1)
    return Seen(
        heights=_heights(raw),
        products=np.einsum("cs,ds->cd", channels, channels).astype(np.float64),
        low_spectrum=_low_spectrum(raw.reshape(len(raw), -1)),
    )


def find(seen: Sequence[Seen]) -> Faults:
    """Return what all blocks of a recording say together."""
    hum_hz, hum_dbfs = _hum([each.low_spectrum for each in seen if each.low_spectrum is not None])
    products = np.asarray(sum(each.products for each in seen))
    voice_channels, difference_db, correlation = _compare_channels(products)
    return Faults(
        clipped_s=_clipped_samples(np.asarray(sum(each.heights.astype(np.int64) for each in seen)))
        / len(products)
        / SAMPLE_RATE_HZ,
        hum_hz=hum_hz,
        hum_dbfs=hum_dbfs,
        voice_channels=voice_channels,
        channel_difference_db=difference_db,
        correlation=correlation,
    )


def _heights(raw: NDArray[np.float32]) -> NDArray[np.int32]:
    if max(float(raw.max()), -float(raw.min())) < _BOUNDS.start / 100:
        return np.zeros(_LEVELS, dtype=np.int32)
    whole = np.abs(raw)
    hundredths = (whole[whole >= _COUNTED_FROM] * 100).astype(np.int64)
    return np.bincount(np.minimum(hundredths, _LEVELS - 1), minlength=_LEVELS).astype(np.int32)


def _clipped_samples(heights: NDArray[np.int64]) -> int:
    """Return how many samples stand at a bound that the sound should have gone beyond."""
    clipped = 0
    at_full_scale, beyond = int(heights[_FULL_SCALE].sum()), int(heights[_FULL_SCALE.stop :].sum())
    # A recording in floating point may go beyond full scale unharmed.
    if at_full_scale >= _PILED_UP_AT_FULL_SCALE * heights[_BELOW_FULL_SCALE].sum() and beyond < at_full_scale / 10:
        clipped = at_full_scale
    for bound in _BOUNDS:
        at_bound, below = int(heights[bound - 2 : bound + 4].sum()), int(heights[bound - 12 : bound - 6].sum())
        if at_bound >= _PILED_UP * below:
            clipped = max(clipped, at_bound)
    return clipped


def describe(faults: Faults, *, recorded_lufs: float, recorded_rate_hz: int) -> list[str]:
    """Return one Chinese sentence with its numbers for each fault that is worth a better recording."""
    said = []
    if faults.clipped_s >= _CLIPPED_WORTH_A_WORD_S:
        said.append(
            f"录音里的爆音一共约 {faults.clipped_s:.3f} 秒（波形的顶被削平），已经失真，无法修复；重录时请把录音电平调低。"
        )
    if faults.hum_hz:
        frequencies = "、".join(f"{frequency_hz}" for frequency_hz in faults.hum_hz)
        said.append(f"录音里有电流交流声（{frequencies} Hz，约 {faults.hum_dbfs:.0f} dBFS），已经滤除；请让话筒线远离电源。")
    if recorded_lufs < _QUIET_LUFS:
        said.append(f"录音音量很小（{recorded_lufs:.1f} LUFS，最好高于 {_QUIET_LUFS:.0f}），放大后底噪也变大；请靠近话筒录。")
    if faults.channel_difference_db >= _DEAD_DB:
        side = "左" if faults.voice_channels == (0,) else "右"
        lower_db = min(faults.channel_difference_db, 99.0)
        said.append(f"只有{side}声道有声音（另一边低 {lower_db:.0f} dB），已经把它放到两边。")
    elif faults.correlation < _ANTIPHASE:
        said.append(f"左右声道反相（相关系数 {faults.correlation:.2f}，手机外放会互相抵消），已经只用左声道；请检查话筒接线。")
    if recorded_rate_hz < _LOW_RATE_HZ:
        said.append(f"录音的采样率只有 {recorded_rate_hz} Hz（最好 44100 Hz 以上），声音会像打电话一样闷。")
    return said


def describe_noise(powers: Curve, speech: Sequence[Span], *, denoise: str) -> list[str]:
    """Return a sentence where the pauses are nearly as loud as the voice.

    ``powers`` are mean squares of 10 ms, on the same clock as the spans of speech.
    """
    voiced = np.zeros(len(powers), dtype=bool)
    near_voice = np.zeros(len(powers), dtype=bool)
    for span in speech:
        voiced[round(span.start_s * 100) : round(span.end_s * 100)] = True
        near_voice[max(round((span.start_s - _PAUSE_EDGE_S) * 100), 0) : round((span.end_s + _PAUSE_EDGE_S) * 100)] = True
    pauses = powers[~near_voice]
    if not voiced.any() or len(pauses) < _NOISE_WORTH_MEASURING_S * 100:
        return []
    above_db = 10 * np.log10(float(np.mean(powers[voiced])) / max(float(np.median(pauses)), 1e-12))
    if above_db >= _NOISY_DB:
        return []
    remedy = {"off": "可以在稿件里写 降噪: 轻 再做一次", "light": "可以在稿件里写 降噪: 强 再做一次"}.get(denoise, "请重录")
    found = f"录音很嘈杂：人声只比停顿时的噪声高 {above_db:.0f} dB（最好 {_NOISY_DB:.0f} 以上）"
    return [f"{found}；请换安静的地方、靠近话筒录，{remedy}。"]


def noise_dbfs(powers: Curve) -> float:
    """Return where a recording's noise lies: the level that a tenth of its 10 ms frames stay below."""
    return float(10 * np.log10(max(float(np.percentile(powers, 10)), 1e-12)))


def _compare_channels(products: NDArray[np.float64]) -> tuple[tuple[int, ...], float, float]:
    """Return which channels to use, how far apart they are in dB, and their correlation."""
    if len(products) == 1:
        return (0,), 0.0, 1.0
    left, right = (max(float(products[channel, channel]), 1e-12) for channel in (0, 1))
    difference_db = float(abs(10 * np.log10(left / right)))
    correlation = float(products[0, 1] / np.sqrt(left * right))
    if difference_db >= _DEAD_DB:
        return (int(right > left),), difference_db, correlation
    middle, side = left + right + 2 * products[0, 1], left + right - 2 * products[0, 1]
    one_will_do = correlation < _ANTIPHASE or side <= middle * 10 ** (_SAME_DB / 10)
    return ((0,) if one_will_do else (0, 1)), difference_db, correlation


def _low_spectrum(channels: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return the power at each whole Hz below 300 Hz in the first second, 0.5 for a full-scale sine; None below a second."""
    if channels.shape[1] < SAMPLE_RATE_HZ:
        return None
    mono = channels[:, :SAMPLE_RATE_HZ].mean(axis=0)
    slow = mono.reshape(-1, _SLOWER).mean(axis=1)  # what this folds down from above a kilohertz is 30 dB lower
    spectrum = np.fft.rfft(slow * np.hanning(len(slow)))[:_HUM_BINS]
    return np.asarray(2 * np.square(np.abs(spectrum) / np.hanning(len(slow)).sum()), dtype=np.float32)


def _hum(spectra: Sequence[NDArray[np.float32]]) -> tuple[tuple[int, ...], float]:
    """Return the frequencies that hum, and how loud the fundamental is in dBFS.

    The median over time tells a hum, which never stops, from a low voice that passes the same frequency.
    """
    if not spectra:
        return (), float("-inf")
    usual_db = 10 * np.log10(np.median(np.stack(spectra), axis=0) + 1e-20)
    for mains_hz in _MAINS_HZ:
        level_db, above_db = _line(usual_db, mains_hz)
        if above_db >= _HUM_DB and level_db >= _HUM_AUDIBLE_DBFS:
            harmonics = range(2 * mains_hz, _HARMONICS * mains_hz + 1, mains_hz)
            found = [frequency_hz for frequency_hz in harmonics if _line(usual_db, frequency_hz)[1] >= _HARMONIC_DB]
            return (mains_hz, *found), level_db
    return (), float("-inf")


def _line(spectrum_db: NDArray[np.floating], frequency_hz: int) -> tuple[float, float]:
    """Return the level of a spectral line, and how far it stands above what is 4 to 12 Hz away."""
    level_db = float(np.max(spectrum_db[frequency_hz - 1 : frequency_hz + 2]))
    beside = np.r_[spectrum_db[frequency_hz - 12 : frequency_hz - 4], spectrum_db[frequency_hz + 5 : frequency_hz + 13]]
    return level_db, level_db - float(np.median(beside))

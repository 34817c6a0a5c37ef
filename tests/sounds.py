"""Sounds that tests hand in, and other people's meters to measure what comes out."""

from __future__ import annotations

import re
import wave
from pathlib import Path

import numpy as np
import pyloudnorm
from numpy.typing import NDArray

from pipeline import media
from pipeline.model import LoudnessTarget, SoundSettings, Theme

EPISODES = Path(__file__).parent.parent / "episodes"
RATE_HZ = 44_100
SETTINGS = SoundSettings(
    target=LoudnessTarget(integrated_lufs=-16.0, true_peak_dbtp=-1.0),
    bitrate_kbps=128,
    denoise="off",
    leveler="gentle",
    highpass_hz=75,
    bed=False,
    container="mp3",
)
NO_THEME = Theme(intro=None, outro=None, bed=None)
THEME = Theme(
    intro=EPISODES / "theme" / "intro.flac", outro=EPISODES / "theme" / "outro.flac", bed=EPISODES / "theme" / "bed.flac"
)

Samples = NDArray[np.float64]


def babble(duration_s: float, *, level_dbfs: float = -20.0, seed: int = 1) -> Samples:
    """Return noise in bursts like syllables, with a pause every two seconds."""
    random = np.random.default_rng(seed)
    count = round(duration_s * RATE_HZ)
    noise = np.convolve(random.standard_normal(count), np.hanning(24), mode="same")
    time_s = np.arange(count) / RATE_HZ
    syllables = np.abs(np.sin(2 * np.pi * 2 * time_s)) * (time_s % 2 < 1.7)
    sound = noise * syllables
    return np.asarray(sound * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(sound**2)))


def voice(number: int, duration_s: float) -> Samples:
    """Return the first seconds of a sample episode's recording, in one channel."""
    (recording,) = EPISODES.glob(f"{number:02}-*/recording.*")
    wanted = [*media.handed_in(recording), "-t", f"{duration_s}", "-ac", "1", "-ar", f"{RATE_HZ}", "-f", "f32le", "pipe:1"]
    with media.streaming(wanted, time_limit_s=60, read=True) as decoder:
        content = decoder.read(round(duration_s * RATE_HZ) * 4)
    return np.frombuffer(content, dtype="<f4").astype(np.float64)


def silence(duration_s: float) -> Samples:
    return np.zeros(round(duration_s * RATE_HZ))


def sine(duration_s: float, frequency_hz: float, amplitude: float) -> Samples:
    return np.asarray(amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(round(duration_s * RATE_HZ)) / RATE_HZ))


def write_wav(file: Path, *channels: Samples, rate_hz: int = RATE_HZ) -> Path:
    whole = (np.clip(np.stack(channels, axis=1), -1, 1) * 32767).round().astype("<i2")
    with wave.open(str(file), "wb") as stream:
        stream.setnchannels(len(channels))
        stream.setsampwidth(2)
        stream.setframerate(rate_hz)
        stream.writeframes(whole.tobytes())
    return file


def ffmpeg(*arguments: str) -> str:
    ended = media.run_ffmpeg(arguments, time_limit_s=120)
    assert ended.exit_code == 0, ended.messages
    return ended.messages


def decoded(file: Path, folder: Path) -> Samples:
    """Return a file as (samples, 2)."""
    raw = folder / "decoded.f32"
    ffmpeg("-i", str(file), "-ac", "2", "-ar", f"{RATE_HZ}", "-f", "f32le", "-y", str(raw))
    return np.fromfile(raw, dtype="<f4").reshape(-1, 2).astype(np.float64)


def read_ebur128(file: Path) -> tuple[float, float, float]:
    """Return what ffmpeg's meter reads: LUFS, dBTP and LU of loudness range."""
    said = ffmpeg("-i", str(file), "-af", "ebur128=peak=true", "-f", "null", "-")
    lufs, dbtp, lu = (re.findall(unit, said)[-1] for unit in (r"I: +(\S+) LUFS", r"Peak: +(\S+) dBFS", r"LRA: +(\S+) LU"))
    return float(lufs), float(dbtp), float(lu)


def read_pyloudnorm(file: Path, folder: Path) -> float:
    """Return the LUFS that pyloudnorm reads."""
    return float(pyloudnorm.Meter(RATE_HZ).integrated_loudness(decoded(file, folder)))


def delay_s(early: Samples, late: Samples) -> float:
    """Return by how much ``late`` comes after ``early``, from their cross-correlation."""
    size = len(early) + len(late)
    product = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(early, size)), size)
    lag = int(np.argmax(product))
    return (lag if lag < size // 2 else lag - size) / RATE_HZ

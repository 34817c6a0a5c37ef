"""A conversation that nobody spoke: what the benchmark listens to, made anew on every machine instead of fetched.

It has what makes recordings hard: syllables and pauses, a guest much quieter than the host, sudden loud phrases, plosives that
pop on the microphone, a room with two different ears, its noise, and claps near the top.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

RATE_HZ = 44_100

Samples = NDArray[np.float64]

_SEED = 20
_SPOKEN_PEAK = 0.2  # of a host's vowel; leaves the whole near -25 LUFS, as recordings come that nobody levelled
_NOISE = 10 ** (-62 / 20)
_CLAP_PEAK = 0.7
_LOUD_DB = 7.0
_LOUDEST = 0.98

_VOWELS_HZ = ((270, 2290, 3010), (530, 1840, 2480), (730, 1090, 2440), (570, 840, 2410), (300, 870, 2240))
"""The first three formants of five vowels. Source: Peterson and Barney 1952, men."""

_FOURTH_FORMANT_HZ = 3500  # of every vowel, nearly
_BANDWIDTHS_HZ = (80, 100, 140, 200)
_BREATH = 0.02
_GLOTTIS_HZ = 400  # a voice falls by 6 dB an octave above it, once it has left the lips
_TONES = ((1.15, 1.15, 1.15), (0.9, 1.0, 1.2), (0.95, 0.75, 0.95), (1.25, 1.0, 0.75))
"""Mandarin's four tones: the pitch at a syllable's start, middle and end, over the speaker's own."""

# How often: a change of speaker and a loud phrase by the phrase, a clap too (one a minute); the others by the syllable.
_TURN = 0.2
_LOUD = 0.1
_CLAP = 0.04
_NO_CONSONANT = 0.3
_HISS = 0.5
_PUFF = 0.15

_RINGING_S = 0.05
_ROOM_S = 0.3
_REVERBERATION_S = 0.4  # until 60 dB lower: a furnished room


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """Who is heard: pitch, length of the vocal tract as a factor on formants, level and the two ears' shares."""

    pitch_hz: float
    formant_factor: float
    level_db: float
    ears: tuple[float, float]


HOST = Speaker(pitch_hz=118, formant_factor=1.0, level_db=0, ears=(1.0, 0.8))
GUEST = Speaker(pitch_hz=205, formant_factor=1.17, level_db=-8, ears=(0.55, 1.0))


def write_speech_like(to: Path, *, duration_s: float) -> None:
    """Write a stereo WAV of 16 bit at 44.1 kHz. The same bytes every time; a shorter one is the beginning of a longer one."""
    missing = round(duration_s * RATE_HZ)
    with wave.open(str(to), "wb") as stream:
        stream.setnchannels(2)
        stream.setsampwidth(2)
        stream.setframerate(RATE_HZ)
        for sound in _conversation():
            piece = sound[:missing]
            stream.writeframes((np.clip(piece, -_LOUDEST, _LOUDEST) * 32767).round().astype("<i2").tobytes())
            missing -= len(piece)
            if missing == 0:
                return


def _conversation() -> Iterator[Samples]:
    """Return, without end, one phrase after the other with the pause behind it, as (samples, 2)."""
    random = np.random.default_rng(_SEED)
    room = _room(random)
    ringing = np.zeros((len(room) - 1, 2))
    speaker, other = HOST, GUEST
    while True:
        if _happens(random, _TURN):
            speaker, other = other, speaker
        dry = _phrase(random, speaker)
        clap = _clap(random) if _happens(random, _CLAP) else np.zeros(0)
        pause = np.zeros(_samples(random.uniform(0.25, 1.2)) + len(clap))
        pause[len(pause) - len(clap) :] = clap
        voice = np.concatenate([dry, np.zeros(len(pause))])[:, None] * speaker.ears
        hands = np.concatenate([np.zeros(len(dry)), pause])[:, None] * (1.0, 1.0)
        sound = _convolved(voice + hands, room)
        sound[: len(ringing)] += ringing
        whole = len(voice)
        ringing = sound[whole:]
        yield sound[:whole] + _NOISE * random.standard_normal((whole, 2))


def _phrase(random: Generator, speaker: Speaker) -> Samples:
    loud_db = _LOUD_DB if _happens(random, _LOUD) else 0.0
    level_db = speaker.level_db + random.normal(0, 2.5) + loud_db
    parts: list[Samples] = []
    for _ in range(random.integers(4, 15)):
        parts += [_consonant(random), _vowel(random, speaker)]
    return np.concatenate(parts) * _SPOKEN_PEAK * 10 ** (level_db / 20)


def _vowel(random: Generator, speaker: Speaker) -> Samples:
    count = _samples(random.uniform(0.12, 0.26))
    tone = _TONES[random.integers(len(_TONES))]
    pitch_hz = speaker.pitch_hz * np.interp(np.linspace(0, 2, count), (0, 1, 2), tone) * random.uniform(0.94, 1.06)
    pulses = np.diff(np.floor(np.cumsum(pitch_hz) / RATE_HZ), prepend=0.0) * random.uniform(0.85, 1.15, count)
    pulses += _BREATH * random.standard_normal(count)
    swell = np.minimum(1, np.minimum(np.arange(count) / _samples(0.02), np.arange(count, 0, -1) / _samples(0.06)))

    size = _fft_size(count + _samples(_RINGING_S))
    frequency_hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    throat = 1 / (1 + 1j * frequency_hz / _GLOTTIS_HZ)
    formants_hz = (*_VOWELS_HZ[random.integers(len(_VOWELS_HZ))], _FOURTH_FORMANT_HZ)
    for formant_hz, bandwidth_hz in zip(formants_hz, _BANDWIDTHS_HZ, strict=True):
        centre_hz = formant_hz * speaker.formant_factor
        throat *= centre_hz**2 / (centre_hz**2 - frequency_hz**2 + 1j * frequency_hz * bandwidth_hz)
    sound = np.fft.irfft(np.fft.rfft(pulses * swell, size) * throat, size)[:count]
    return np.asarray(sound / np.max(np.abs(sound)))


def _consonant(random: Generator) -> Samples:
    if _happens(random, _NO_CONSONANT):
        return np.zeros(_samples(0.02))
    if _happens(random, _HISS):
        return _hiss(random)
    closure = np.zeros(_samples(random.uniform(0.03, 0.06)))
    burst = random.standard_normal(_samples(0.012)) * np.exp(-np.arange(_samples(0.012)) / _samples(0.003)) * 0.35
    if _happens(random, _PUFF):
        puff = np.sin(2 * np.pi * 65 * np.arange(_samples(0.03)) / RATE_HZ) * np.hanning(_samples(0.03)) * 1.6
        puff[: len(burst)] += burst
        burst = puff
    return np.concatenate([closure, burst])


def _hiss(random: Generator) -> Samples:
    count = _samples(random.uniform(0.05, 0.11))
    size = _fft_size(count)
    frequency_hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    centre_hz = random.uniform(3500, 7500)
    band = np.exp(-(((frequency_hz - centre_hz) / 1500) ** 2))
    noise = np.fft.irfft(np.fft.rfft(random.standard_normal(count), size) * band, size)[:count]
    return np.asarray(noise * np.hanning(count) * 0.3)


def _clap(random: Generator) -> Samples:
    count = _samples(0.03)
    sound = random.standard_normal(count) * np.exp(-np.arange(count) / _samples(0.004))
    return np.asarray(sound * _CLAP_PEAK / np.max(np.abs(sound)))


def _room(random: Generator) -> Samples:
    """Return what each ear hears of an impulse, as (samples, 2): the impulse, and 10 dB lower its echoes."""
    time_s = np.arange(_samples(_ROOM_S)) / RATE_HZ
    echoes = random.standard_normal((len(time_s), 2)) * (10 ** (-3 * time_s / _REVERBERATION_S))[:, None]
    echoes[: _samples(0.004)] = 0  # the nearest wall
    echoes *= 10 ** (-10 / 20) / np.sqrt(np.sum(echoes**2, axis=0))
    echoes[0] = 1
    return np.asarray(echoes)


def _convolved(sound: Samples, response: Samples) -> Samples:
    count = len(sound) + len(response) - 1
    size = _fft_size(count)
    product = np.fft.rfft(sound, size, axis=0) * np.fft.rfft(response, size, axis=0)
    return np.asarray(np.fft.irfft(product, size, axis=0)[:count])


def _happens(random: Generator, probability: float) -> bool:
    return bool(random.random() < probability)


def _fft_size(count: int) -> int:
    return 1 << (count - 1).bit_length()


def _samples(duration_s: float) -> int:
    return round(duration_s * RATE_HZ)

"""How likely each phone is at each moment of a sound: hama's ears, which come with the extra ``[align]``."""

from __future__ import annotations

import functools
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.captions.phones import BLANK, Phone
from pipeline.speech import SPEECH_RATE_HZ, Read

FRAME_S = 0.02
"""One row of likelihoods covers so much sound."""

Likelihoods = NDArray[np.float32]
"""(frames, tokens): natural logarithms of probabilities."""

# The network hears at most 30 s at once and needs some sound around a frame to judge it.
_PIECE_FRAMES, _AROUND_FRAMES = 1300, 75
_FRAME_SAMPLES = round(FRAME_S * SPEECH_RATE_HZ)
_USUAL_RMS = 0.08
_SMALLEST_RMS = 1e-5

# A phone that the table lacks is not impossible.
_FLOOR = 1e-3


def available() -> bool:
    """Return whether the extra ``[align]`` is installed."""
    return all(find_spec(package) for package in ("hama", "pypinyin"))


def likelihoods(read: Read, samples: int) -> Likelihoods:
    """Return the likelihood of every token in each frame of 20 ms. ``read`` gives mono sound at ``SPEECH_RATE_HZ``."""
    frames = -(-samples // _FRAME_SAMPLES)
    heard = [_piece(read, at, min(_PIECE_FRAMES, frames - at)) for at in range(0, frames, _PIECE_FRAMES)]
    return np.concatenate(heard)


def of_phone(heard: Likelihoods, phone: Phone) -> Likelihoods:
    """Return how likely any of the tokens of ``phone`` is, by frame."""
    columns = [_tokens()[token] for token in phone]
    return np.asarray(np.log(np.exp(heard[:, columns]).sum(axis=1) + np.float32(_FLOOR)))


def of_blank(heard: Likelihoods) -> Likelihoods:
    """Return how likely nothing new is, by frame."""
    return heard[:, _tokens()[BLANK]]


def _piece(read: Read, first: int, count: int) -> Likelihoods:
    before = min(first, _AROUND_FRAMES)
    wanted = (before + count + _AROUND_FRAMES) * _FRAME_SAMPLES
    sound = read((first - before) * _FRAME_SAMPLES, wanted)
    sound = np.pad(sound, (0, wanted - len(sound)))
    rms = max(float(np.sqrt(np.mean(np.square(sound)))), _SMALLEST_RMS)
    feeds = {"waveform": np.clip(sound * (_USUAL_RMS / rms), -1, 1)[None], "waveform_lengths": np.array([len(sound)])}
    heard: Likelihoods = _model().session.run(["log_probs", "out_lengths"], feeds)[0][0]
    return heard[before : before + count]


@functools.cache
def _model() -> Any:  # noqa: ANN401  (the package has no types)
    """Return the network."""
    from hama.asr import ASRModel  # noqa: PLC0415 - it is an extra

    return ASRModel()


@functools.cache
def _tokens() -> dict[str, int]:
    return {token: index for index, token in enumerate(_model().decoder_tokens)}

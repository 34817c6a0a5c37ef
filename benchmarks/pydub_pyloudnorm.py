"""The contestant ``pydub + pyloudnorm``: what tutorials show. Load the file, measure it, apply one gain, export."""

from __future__ import annotations

import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pyloudnorm
from pydub import AudioSegment

_WANTED_LUFS = -16.0


def publish(recording: Path, to: Path) -> None:
    """Write ``recording``, a WAV file of 16 bit, to ``to`` at the wanted loudness."""
    AudioSegment.converter = imageio_ffmpeg.get_ffmpeg_exe()
    segment = AudioSegment.from_file(recording, format="wav")  # read without ffprobe, which imageio-ffmpeg does not bring
    samples = np.array(segment.get_array_of_samples()).reshape(-1, segment.channels) / 32768
    measured_lufs = pyloudnorm.Meter(segment.frame_rate).integrated_loudness(samples)
    segment.apply_gain(_WANTED_LUFS - measured_lufs).export(to, format="mp3", bitrate="128k").close()


if __name__ == "__main__":
    publish(Path(sys.argv[1]), Path(sys.argv[2]))

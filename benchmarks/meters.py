"""What a finished file measures, by three meters that are not ours: ffmpeg's, pyloudnorm and libebur128."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pyloudnorm
from numpy.typing import NDArray

_RATE_HZ = 44_100
_CHANNELS = 2
_INTEGRATED = re.compile(r"^    I: +(\S+) LUFS", re.MULTILINE)
_PEAK = re.compile(r"^    Peak: +(\S+) dBFS", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Integrated loudness in LUFS and true peak in dBTP; the last is None where libebur128 has no wheel (Python 3.13 on)."""

    ffmpeg_lufs: float
    pyloudnorm_lufs: float
    ffmpeg_dbtp: float
    libebur128_dbtp: float | None


def read_in_own_process(file: Path) -> Reading:
    """Return what ``file`` measures. pyloudnorm holds it several times in memory, so a process does this and ends."""
    said = subprocess.run([sys.executable, "-m", __name__, str(file)], stdout=subprocess.PIPE, text=True, check=True).stdout
    return Reading(**json.loads(said))


def meter_command(file: Path) -> list[str]:
    """Return the command that decodes ``file`` and measures loudness and true peak of what comes out."""
    # The true peak's meter costs three times the loudness', and is what a check has to do.
    meter = "ebur128=peak=true:dualmono=true:framelog=quiet"
    return [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-i", f"file:{file}", "-af", meter, "-f", "null", "-"]


def _read(file: Path) -> Reading:
    said = subprocess.run(meter_command(file), capture_output=True, text=True, check=True).stderr
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        raw = Path(folder) / "decoded.f32"
        decode = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", f"file:{file}", "-ac", f"{_CHANNELS}"]
        subprocess.run([*decode, "-ar", f"{_RATE_HZ}", "-f", "f32le", f"file:{raw}"], check=True)
        sound = np.fromfile(raw, dtype="<f4")
    return Reading(
        ffmpeg_lufs=float(_INTEGRATED.findall(said)[-1]),
        pyloudnorm_lufs=float(pyloudnorm.Meter(_RATE_HZ).integrated_loudness(sound.reshape(-1, _CHANNELS))),
        ffmpeg_dbtp=float(_PEAK.findall(said)[-1]),
        libebur128_dbtp=_libebur128_dbtp(sound),
    )


def _libebur128_dbtp(interleaved: NDArray[np.float32]) -> float | None:
    try:
        import pyebur128  # noqa: PLC0415 - there is no wheel of it from Python 3.13 on
    except ImportError:
        return None
    state = pyebur128.R128State(_CHANNELS, _RATE_HZ, pyebur128.MeasurementMode.MODE_TRUE_PEAK)
    state.add_frames(interleaved, len(interleaved) // _CHANNELS)
    return float(20 * np.log10(max(pyebur128.get_true_peak(state, channel) for channel in range(_CHANNELS))))


if __name__ == "__main__":
    print(json.dumps(asdict(_read(Path(sys.argv[1])))))

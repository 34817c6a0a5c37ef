"""The contestant ``ours``: one recording through the sound stage, with the settings of the sample series and no theme."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline import audio
from pipeline.model import LoudnessTarget, SoundSettings, Theme

SETTINGS = SoundSettings(
    target=LoudnessTarget(integrated_lufs=-16.0, true_peak_dbtp=-1.0),
    bitrate_kbps=128,
    denoise="off",
    leveler="gentle",
    highpass_hz=75,
    bed=False,
    container="mp3",
)
# No theme: the others join nothing on.
NO_THEME = Theme(intro=None, outro=None, bed=None)

if __name__ == "__main__":
    audio.normalize(Path(sys.argv[1]), NO_THEME, SETTINGS, Path(sys.argv[2]))

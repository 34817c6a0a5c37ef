"""ffmpeg is found, named, bounded in time, and never follows what a file tells it to open."""

from __future__ import annotations

import hashlib
import subprocess
import wave
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from pipeline import media
from pipeline.errors import MachineError

RATE_HZ = 48_000


def write_sine(file: Path, *, level_dbfs: float, duration_s: float, channels: int) -> Path:
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    sine = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * 1000 * time_s)
    with wave.open(str(file), "wb") as stream:
        stream.setnchannels(channels)
        stream.setsampwidth(2)
        stream.setframerate(RATE_HZ)
        stream.writeframes(np.repeat((sine * 32767).astype("<i2")[:, None], channels, axis=1).tobytes())
    return file


def test_the_identity_is_the_hash_of_the_binary() -> None:
    binary = Path(imageio_ffmpeg.get_ffmpeg_exe())
    assert media.ffmpeg_identity() == f"{binary.name} sha256:{hashlib.sha256(binary.read_bytes()).hexdigest()}"


def test_asking_for_the_identity_starts_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_program(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(subprocess, "Popen", no_program)
    media._identity.cache_clear()  # noqa: SLF001  (so that nothing is known from an earlier test)
    assert media.ffmpeg_identity()


def test_an_ffmpeg_that_is_not_there_is_the_machines_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "no-ffmpeg"
    monkeypatch.setenv(media.FFMPEG_VARIABLE, str(missing))
    with pytest.raises(MachineError) as caught:
        media.run_ffmpeg(["-version"], time_limit_s=10)
    assert caught.value.problems[0].code == "JX-M10"
    assert caught.value.problems[0].place == missing


def test_a_run_over_its_time_limit_is_stopped() -> None:
    endless = ["-re", "-f", "lavfi", "-i", "anullsrc", "-f", "null", "-"]
    with pytest.raises(MachineError) as caught:
        media.run_ffmpeg(endless, time_limit_s=0.5)
    assert caught.value.problems[0].code == "JX-M12"


def test_a_failed_run_on_our_own_files_tells_what_ffmpeg_said(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="No such file"):
        media.make_with_ffmpeg(["-i", f"file:{tmp_path / 'gone.wav'}"], tmp_path / "made.wav", time_limit_s=10)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_meter_reads_a_standard_sine_as_the_standard_says(tmp_path: Path, channels: int) -> None:
    # EBU Tech 3341, case 1: a stereo sine of 1 kHz at -23 dBFS reads -23.0 LUFS; mono counts as it is heard, from two sides.
    file = write_sine(tmp_path / "sine.wav", level_dbfs=-23, duration_s=5, channels=channels)
    integrated_lufs, true_peak_dbtp = media.measure_loudness(file)
    assert integrated_lufs == pytest.approx(-23.0, abs=0.1)
    assert true_peak_dbtp == pytest.approx(-23.0, abs=0.1)


def test_the_meter_reads_silence_as_nothing(tmp_path: Path) -> None:
    file = write_sine(tmp_path / "silence.wav", level_dbfs=-200, duration_s=2, channels=1)
    assert media.measure_loudness(file) == (float("-inf"), float("-inf"))


def test_a_probe_tells_what_a_file_holds(tmp_path: Path) -> None:
    probe = media.probe(write_sine(tmp_path / "声音 1.wav", level_dbfs=-20, duration_s=2, channels=2))
    assert (probe.container, probe.codec, probe.sample_rate_hz, probe.channels) == ("wav", "pcm_s16le", RATE_HZ, 2)
    assert probe.duration_s == pytest.approx(2.0)
    assert probe.sound_streams == 1


def test_a_probe_counts_the_sound_tracks(tmp_path: Path) -> None:
    sine = write_sine(tmp_path / "sine.wav", level_dbfs=-20, duration_s=1, channels=1)
    both = tmp_path / "both.mka"
    media.make_with_ffmpeg(["-i", f"file:{sine}", "-map", "0", "-map", "0"], both, time_limit_s=30)
    assert media.probe(both).sound_streams == 2


def playlists(target: Path) -> dict[str, str]:
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\n{target.name}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile '{target.name}'\n",
        "m3u": f"{target}\n",
        "network": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\nhttp://127.0.0.1:9/a.mp3\n#EXT-X-ENDLIST\n",
    }


@pytest.mark.parametrize("kind", ["hls", "concat", "m3u", "network"])
def test_a_playlist_named_mp3_is_not_followed(tmp_path: Path, kind: str) -> None:
    secret = write_sine(tmp_path / "secret.wav", level_dbfs=-20, duration_s=1, channels=1)
    disguised = tmp_path / "recording.mp3"
    disguised.write_text(playlists(secret)[kind], encoding="utf-8")
    copied = tmp_path / "copied.wav"
    ended = media.run_ffmpeg([*media.handed_in(disguised), "-y", f"file:{copied}"], time_limit_s=30)
    assert ended.exit_code != 0
    assert not copied.exists()
    assert media.probe(disguised).container == ""


def test_without_the_list_of_formats_a_playlist_would_be_followed(tmp_path: Path) -> None:
    """Keep the test above honest: the disguise works on an ffmpeg that is not held back."""
    secret = write_sine(tmp_path / "secret.wav", level_dbfs=-20, duration_s=1, channels=1)
    disguised = tmp_path / "recording.mp3"
    disguised.write_text(playlists(secret)["concat"], encoding="utf-8")
    copied = tmp_path / "copied.wav"
    media.run_ffmpeg(["-i", f"file:{disguised}", "-y", f"file:{copied}"], time_limit_s=30)
    assert copied.stat().st_size > RATE_HZ

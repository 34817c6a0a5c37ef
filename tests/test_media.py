"""ffmpeg is found, named, bounded in time, and never follows what a file tells it to open."""

from __future__ import annotations

import hashlib
import re
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


def test_the_version_is_what_ffmpeg_says_of_itself() -> None:
    binary = Path(imageio_ffmpeg.get_ffmpeg_exe())
    said = subprocess.run([binary, "-version"], capture_output=True, check=True, text=True).stdout
    assert media.ffmpeg_version() in said.splitlines()[0]
    assert re.match(r"\d+\.", media.ffmpeg_version())


def test_a_stream_is_read_in_the_pieces_that_are_asked_for() -> None:
    tone = ["-f", "lavfi", "-i", "sine=duration=2:sample_rate=8000", "-f", "s16le", "pipe:1"]
    with media.streaming(tone, time_limit_s=30, read=True) as stream:
        sizes = [len(piece) for piece in iter(lambda: stream.read(10_000), b"")]
        assert stream.ended().exit_code == 0
    assert sizes == [10_000, 10_000, 10_000, 2_000]


def test_what_is_fed_arrives(tmp_path: Path) -> None:
    to = tmp_path / "fed.raw"
    arguments = ["-v", "error", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "pipe:0", "-f", "s16le", f"file:{to}"]
    content = np.arange(50_000, dtype="<i2").tobytes()
    with media.streaming(arguments, time_limit_s=30, fed=True) as stream:
        assert stream.feed(memoryview(content))
        stream.end_feed()
        assert stream.ended().exit_code == 0
    assert to.read_bytes() == content


def test_feeding_a_program_that_has_ended_is_no_error_of_its_own() -> None:
    wrong = ["-v", "error", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "pipe:0", "-f", "no-such-format", "pipe:1"]
    with media.streaming(wrong, time_limit_s=30, fed=True) as stream:
        while stream.feed(memoryview(bytes(1 << 20))):
            pass
        ended = stream.ended()
    assert ended.exit_code != 0
    assert "no-such-format" in ended.messages


def test_a_stream_over_its_time_limit_is_stopped() -> None:
    endless = ["-v", "error", "-re", "-f", "lavfi", "-i", "anullsrc", "-f", "s16le", "pipe:1"]

    def read_all() -> None:
        with media.streaming(endless, time_limit_s=0.5, read=True) as stream:
            while stream.read(1 << 20):
                pass

    with pytest.raises(MachineError) as caught:
        read_all()
    assert caught.value.problems[0].code == "JX-M12"


def test_nothing_runs_on_behind_a_block_that_was_left() -> None:
    endless = ["-v", "error", "-re", "-f", "lavfi", "-i", "anullsrc", "-f", "s16le", "pipe:1"]
    with pytest.raises(KeyboardInterrupt), media.streaming(endless, time_limit_s=60, read=True) as stream:
        raise KeyboardInterrupt
    assert stream.ended().exit_code != 0


def test_a_million_complaints_are_not_kept() -> None:
    noisy = ["-v", "trace", "-f", "lavfi", "-i", "sine=duration=60", "-f", "null", "-"]
    with media.streaming(noisy, time_limit_s=60) as stream:
        assert len(stream.ended().messages) < 300_000


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

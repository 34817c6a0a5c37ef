"""The published sound is at its target, says where the voice is, and refuses what is no recording."""

# mutagen annotates some of its functions, but not these.

from __future__ import annotations

import dataclasses
import errno
import io
import os
import re
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.mp3 import MP3, BitrateMode, MPEGInfo
from numpy.typing import NDArray

from pipeline import audio, media
from pipeline.audio import loudness, samples
from pipeline.audio import recording as recording_stage
from pipeline.audio.samples import RawSound
from pipeline.errors import MachineError, RecordingError
from pipeline.model import LoudnessTarget, Sound, SoundSettings, Theme

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
THEME = Theme(intro=EPISODES / "theme" / "intro.flac", outro=EPISODES / "theme" / "outro.flac", bed=None)

POSIX_NAMES = pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")

Samples = NDArray[np.float64]


# Sounds to hand in


def babble(duration_s: float, *, level_dbfs: float = -20.0, seed: int = 1) -> Samples:
    """Return noise in bursts like syllables, with a pause every two seconds."""
    random = np.random.default_rng(seed)
    count = round(duration_s * RATE_HZ)
    noise = np.convolve(random.standard_normal(count), np.hanning(24), mode="same")
    time_s = np.arange(count) / RATE_HZ
    syllables = np.abs(np.sin(2 * np.pi * 2 * time_s)) * (time_s % 2 < 1.7)
    sound = noise * syllables
    return np.asarray(sound * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(sound**2)))


def silence(duration_s: float) -> Samples:
    return np.zeros(round(duration_s * RATE_HZ))


def write_wav(file: Path, *channels: Samples, rate_hz: int = RATE_HZ) -> Path:
    whole = (np.clip(np.stack(channels, axis=1), -1, 1) * 32767).round().astype("<i2")
    with wave.open(str(file), "wb") as stream:
        stream.setnchannels(len(channels))
        stream.setsampwidth(2)
        stream.setframerate(rate_hz)
        stream.writeframes(whole.tobytes())
    return file


def published(folder: Path, *channels: Samples, theme: Theme = NO_THEME) -> Sound:
    return audio.normalize(write_wav(folder / "recording.wav", *channels), theme, SETTINGS, folder / "published.mp3")


def ffmpeg(*arguments: str) -> str:
    ended = media.run_ffmpeg(arguments, time_limit_s=120)
    assert ended.exit_code == 0, ended.messages
    return ended.messages


def meter(file: Path) -> tuple[float, float]:
    """Return what ffmpeg's own meter reads, in LUFS and dBTP."""
    said = ffmpeg("-i", str(file), "-af", "ebur128=peak=true", "-f", "null", "-")
    return float(re.findall(r"I: +(\S+) LUFS", said)[-1]), float(re.findall(r"Peak: +(\S+) dBFS", said)[-1])


def decoded(file: Path, folder: Path) -> Samples:
    """Return a file as (samples, 2)."""
    raw = folder / "decoded.f32"
    ffmpeg("-i", str(file), "-ac", "2", "-ar", f"{RATE_HZ}", "-f", "f32le", "-y", str(raw))
    return np.fromfile(raw, dtype="<f4").reshape(-1, 2).astype(np.float64)


def delay_s(early: Samples, late: Samples) -> float:
    """Return by how much ``late`` comes after ``early``, from their cross-correlation."""
    size = len(early) + len(late)
    product = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(early, size)), size)
    lag = int(np.argmax(product))
    return (lag if lag < size // 2 else lag - size) / RATE_HZ


# Loudness


@pytest.mark.parametrize("level_dbfs", [-40.0, -20.0, -8.0])
def test_the_encoded_file_is_at_the_target(tmp_path: Path, level_dbfs: float) -> None:
    sound = published(tmp_path, babble(5, level_dbfs=level_dbfs))
    integrated_lufs, true_peak_dbtp = meter(sound.file)
    assert integrated_lufs == pytest.approx(-16.0, abs=0.2)
    assert true_peak_dbtp <= -1.0
    assert (sound.integrated_lufs, sound.true_peak_dbtp) == pytest.approx((integrated_lufs, true_peak_dbtp), abs=0.05)


def test_the_theme_is_inside_the_loudness(tmp_path: Path) -> None:
    sound = published(tmp_path, babble(3), theme=THEME)
    integrated_lufs, true_peak_dbtp = meter(sound.file)
    assert integrated_lufs == pytest.approx(-16.0, abs=0.2)
    assert true_peak_dbtp <= -1.0


def test_claps_do_not_keep_a_voice_from_the_target(tmp_path: Path) -> None:
    voice = babble(8, level_dbfs=-26)
    voice[2 * RATE_HZ : 2 * RATE_HZ + 200] = 0.9
    sound = published(tmp_path, voice)
    integrated_lufs, true_peak_dbtp = meter(sound.file)
    assert integrated_lufs == pytest.approx(-16.0, abs=0.5)
    assert true_peak_dbtp <= -1.0


def test_a_target_that_needs_too_much_limiting_is_missed_and_said(tmp_path: Path) -> None:
    voice = babble(8, level_dbfs=-48)
    voice[5 * RATE_HZ : 5 * RATE_HZ + 60] = 0.95
    sound = published(tmp_path, voice)
    assert sound.integrated_lufs < -16.5
    assert sound.true_peak_dbtp <= -1.0
    assert any(f"{sound.integrated_lufs:.1f} LUFS" in warning and "12 dB" in warning for warning in sound.warnings)


def test_loud_and_quiet_sentences_come_together(tmp_path: Path) -> None:
    sentence = babble(5)
    voice = np.concatenate([sentence * 10 ** (gain_db / 20) for gain_db in (4, -4, 4)])
    sound = published(tmp_path, voice)
    mono = decoded(sound.file, tmp_path).mean(axis=1)
    loud, quiet = (np.sqrt(np.mean(mono[round(at * RATE_HZ) : round((at + 4) * RATE_HZ)] ** 2)) for at in (0.5, 5.5))
    assert abs(20 * np.log10(loud / quiet)) < 2


def test_our_meter_agrees_with_ffmpegs(tmp_path: Path) -> None:
    raw = tmp_path / "raw.f32"
    write_wav(tmp_path / "a.wav", babble(12, level_dbfs=-12), babble(12, level_dbfs=-18, seed=2))
    ffmpeg("-i", str(tmp_path / "a.wav"), "-f", "f32le", str(raw))
    levels = loudness.measure(RawSound(file=raw, sample_rate_hz=RATE_HZ, channels=2))
    integrated_lufs, true_peak_dbtp = meter(tmp_path / "a.wav")
    assert loudness.integrated_lufs(levels.energies) == pytest.approx(integrated_lufs, abs=0.1)
    assert 20 * np.log10(levels.peaks.max()) == pytest.approx(true_peak_dbtp, abs=0.2)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), wanted_lufs=st.floats(-30, -10), ceiling_dbtp=st.floats(-9, -0.5))
def test_no_solution_lets_a_peak_through_or_limits_too_much(seed: int, wanted_lufs: float, ceiling_dbtp: float) -> None:
    random = np.random.default_rng(seed)
    peaks = np.abs(random.standard_normal(1500)) ** 3 * 0.1 + 1e-6
    levels = loudness.Levels(energies=np.mean((peaks**2).reshape(-1, 30), axis=1) / 5, peaks=peaks)
    solution = loudness.solve(levels, integrated_lufs_wanted=wanted_lufs, true_peak_dbtp=ceiling_dbtp)
    assert np.all(peaks * solution.gain * solution.limiter <= 10 ** (ceiling_dbtp / 20) * (1 + 1e-9))
    assert 20 * np.log10(solution.limiter.min()) >= -loudness.MOST_LIMITING_DB - 1e-6
    assert np.all(solution.limiter <= 1 + 1e-9)


# The file


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    recording = write_wav(tmp_path / "recording.wav", babble(2))
    made = [tmp_path / "first.mp3", tmp_path / "elsewhere" / "second.mp3"]
    made[1].parent.mkdir()
    sounds = [audio.normalize(recording, THEME, SETTINGS, to) for to in made]
    assert made[0].read_bytes() == made[1].read_bytes()
    assert dataclasses.replace(sounds[0], file=made[1]) == sounds[1]


def test_only_the_published_file_is_written(tmp_path: Path) -> None:
    sound = published(tmp_path, babble(2))
    assert sorted(tmp_path.iterdir()) == [sound.file, tmp_path / "recording.wav"]


def test_the_file_is_constant_bit_rate_joint_stereo_with_a_length_and_no_tags(tmp_path: Path) -> None:
    sound = published(tmp_path, babble(4))
    published_file = MP3(sound.file)
    info = published_file.info
    assert isinstance(info, MPEGInfo)
    assert (round(info.bitrate, -3), info.sample_rate, info.channels) == (128_000, RATE_HZ, 2)
    assert info.bitrate_mode == BitrateMode.CBR
    assert info.length == pytest.approx(sound.duration_s, abs=0.06)
    assert published_file.tags is None
    content = sound.file.read_bytes()
    assert b"Info" in content[:200]
    second_frame = content.index(b"\xff\xfb", 400)
    assert content[second_frame + 3] >> 6 == 1  # joint stereo


def test_a_mono_recording_is_published_in_two_equal_channels(tmp_path: Path) -> None:
    left, right = decoded(published(tmp_path, babble(2)).file, tmp_path).T
    assert np.array_equal(left, right)
    assert np.abs(left).max() > 0.1


@pytest.mark.parametrize("options", ["rec.flac", "rec.ogg", "rec.m4a", "rec.mp3", "film.mp4"])
def test_every_usual_kind_of_recording_is_taken(tmp_path: Path, options: str) -> None:
    wav, recording = write_wav(tmp_path / "a.wav", babble(3)), tmp_path / options
    # The picture goes on when the sound has ended, as in most edited videos.
    picture = ["-f", "lavfi", "-i", "color=size=64x64:rate=5:duration=8", "-map", "0:a", "-map", "1:v"]
    ffmpeg("-i", str(wav), *(picture if recording.suffix == ".mp4" else []), str(recording))
    sound = audio.normalize(recording, NO_THEME, SETTINGS, tmp_path / "published.mp3")
    assert sound.duration_s == pytest.approx(3.0, abs=0.3)
    assert sound.integrated_lufs == pytest.approx(-16.0, abs=0.2)


# Where things are


def test_silence_is_cut_at_both_ends_and_never_inside(tmp_path: Path) -> None:
    voice = np.concatenate([silence(2.5), babble(3.7), silence(2), babble(3.7, seed=2), silence(3)])
    sound = published(tmp_path, voice)
    assert sound.trimmed_head_s == pytest.approx(2.2, abs=0.1)
    assert sound.trimmed_tail_s == pytest.approx(2.7, abs=0.1)
    assert sound.duration_s == pytest.approx(len(voice) / RATE_HZ - sound.trimmed_head_s - sound.trimmed_tail_s, abs=0.01)


@pytest.mark.parametrize("theme", [NO_THEME, THEME])
def test_the_voice_begins_where_the_record_says(tmp_path: Path, theme: Theme) -> None:
    voice = np.concatenate([silence(1.5), babble(4)])
    sound = published(tmp_path, voice, theme=theme)
    found_s = delay_s(voice, decoded(sound.file, tmp_path).mean(axis=1))
    assert sound.voice_start_s - sound.trimmed_head_s == pytest.approx(found_s, abs=0.003)
    assert (sound.voice_start_s > 4) == (theme is THEME)


def test_the_envelope_is_the_published_sounds(tmp_path: Path) -> None:
    sound = published(tmp_path, babble(4.05), theme=THEME)
    samples = decoded(sound.file, tmp_path)
    assert len(sound.envelope) == -(-len(samples) // 4410)
    assert sound.duration_s == pytest.approx(len(samples) / RATE_HZ, abs=0.001)
    assert sound.envelope[20] == pytest.approx(np.sqrt(np.mean(samples[20 * 4410 : 21 * 4410] ** 2)), abs=1e-4)


def test_a_real_voice_is_found_in_the_published_sound(tmp_path: Path) -> None:
    recording = tmp_path / "recording.flac"
    ffmpeg("-i", str(EPISODES / "02-shifan-shangquan" / "recording.m4a"), "-t", "20", str(recording))
    sound = audio.normalize(recording, THEME, SETTINGS, tmp_path / "published.mp3")
    assert meter(sound.file) == pytest.approx((-16.0, -1.5), abs=0.5)
    assert sound.speech[0].start_s == pytest.approx(sound.voice_start_s + 0.3, abs=0.1)
    assert all(span.start_s < span.end_s for span in sound.speech)
    assert sound.speech[-1].end_s < sound.duration_s - 6  # the outro is no voice
    voiced_s = sum(span.end_s - span.start_s for span in sound.speech)
    assert 0.6 * 20 < voiced_s < 20
    assert sound.recorded_lufs == pytest.approx(meter(recording)[0], abs=0.1)


# What is said about a recording


def warnings_about(folder: Path, *channels: Samples) -> str:
    return "\n".join(published(folder, *channels).warnings)


def test_a_good_recording_without_a_voice_gets_that_one_warning(tmp_path: Path) -> None:
    assert [warning[:7] for warning in published(tmp_path, babble(4), babble(4, seed=2)).warnings] == ["录音长 4.0"]


def test_a_hum_is_taken_out_and_said(tmp_path: Path) -> None:
    time_s = np.arange(6 * RATE_HZ) / RATE_HZ
    sound = published(tmp_path, babble(6, level_dbfs=-24) + 0.02 * np.sin(2 * np.pi * 50 * time_s))
    spectrum = np.abs(np.fft.rfft(decoded(sound.file, tmp_path).mean(axis=1)[: 5 * RATE_HZ] * np.hanning(5 * RATE_HZ)))
    assert any("50 Hz" in warning for warning in sound.warnings)
    assert spectrum[250] / (5 * RATE_HZ / 4) < 0.002  # a tenth of what it was, though the voice is 8 dB louder


def test_clipping_is_said(tmp_path: Path) -> None:
    assert "爆音" in warnings_about(tmp_path, babble(4, level_dbfs=-3))


def test_a_very_quiet_recording_is_said(tmp_path: Path) -> None:
    assert "音量很小" in warnings_about(tmp_path, babble(4, level_dbfs=-38))


@pytest.mark.parametrize(("dead", "side"), [("left", "右"), ("right", "左")])
def test_a_dead_channel_is_replaced_by_the_other(tmp_path: Path, dead: str, side: str) -> None:
    channels = [silence(4), babble(4)] if dead == "left" else [babble(4), silence(4)]
    sound = published(tmp_path, *channels)
    left, right = decoded(sound.file, tmp_path).T
    assert np.array_equal(left, right)
    assert any(warning.startswith(f"只有{side}声道") for warning in sound.warnings)


def test_channels_in_antiphase_do_not_cancel(tmp_path: Path) -> None:
    sound = published(tmp_path, babble(4), -babble(4))
    assert np.abs(decoded(sound.file, tmp_path).mean(axis=1)).max() > 0.1
    assert any("反相" in warning for warning in sound.warnings)


# Refusals


def encoded(folder: Path, name: str, *options: str) -> Path:
    ffmpeg("-i", str(write_wav(folder / "a.wav", babble(12))), *options, str(folder / name))
    return folder / name


def cut(file: Path, share: float) -> Path:
    content = file.read_bytes()
    file.write_bytes(content[: round(len(content) * share)])
    return file


def written(file: Path, content: str) -> Path:
    file.write_text(content, encoding="utf-8")
    return file


def scrambled(file: Path) -> Path:
    content = bytearray(file.read_bytes())
    random = np.random.default_rng(3)
    for at in random.integers(2000, len(content) - 2000, 60):
        content[at : at + 40] = random.bytes(40)
    file.write_bytes(content)
    return file


def without_sound(folder: Path) -> Path:
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64:rate=5:duration=3", str(folder / "film.mp4"))
    return folder / "film.mp4"


def film_cut_short(folder: Path) -> Path:
    picture = ["-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=12", "-map", "0:a", "-map", "1:v"]
    ffmpeg("-i", str(write_wav(folder / "a.wav", babble(12))), *picture, "-movflags", "faststart", str(folder / "a.mp4"))
    return cut(folder / "a.mp4", 0.5)


def hum_alone(folder: Path) -> Path:
    return write_wav(folder / "hum.wav", 0.3 * np.sin(2 * np.pi * 50 * np.arange(4 * RATE_HZ) / RATE_HZ))


REFUSED: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "missing": ("JX-S01", lambda folder: folder / "recording.mp3"),
    "a folder": ("JX-S01", lambda folder: folder),
    "zero bytes": ("JX-S02", lambda folder: written(folder / "recording.mp3", "")),
    "m4a cut short, index at the end": ("JX-S03", lambda folder: cut(encoded(folder, "a.m4a"), 0.5)),
    "text": ("JX-S04", lambda folder: written(folder / "recording.mp3", "今天天气很好。\n" * 500)),
    "playlist": ("JX-S04", lambda folder: written(folder / "recording.mp3", "#EXTM3U\n#EXTINF:9,\n/etc/hostname\n")),
    "film without sound": ("JX-S05", without_sound),
    "two tracks": ("JX-S06", lambda folder: encoded(folder, "a.mka", "-map", "0", "-map", "0")),
    "mp3 cut short": ("JX-S08", lambda folder: cut(encoded(folder, "a.mp3"), 0.3)),
    "flac cut short": ("JX-S08", lambda folder: cut(encoded(folder, "a.flac"), 0.3)),
    "wav cut short": ("JX-S08", lambda folder: cut(write_wav(folder / "b.wav", babble(12)), 0.3)),
    "film cut short, index first": ("JX-S08", film_cut_short),
    "m4a cut short, index first": ("JX-S08", lambda folder: cut(encoded(folder, "a.m4a", "-movflags", "faststart"), 0.5)),
    "scrambled mp3": ("JX-S09", lambda folder: scrambled(encoded(folder, "a.mp3"))),
    "shorter than a second": ("JX-S10", lambda folder: write_wav(folder / "a.wav", babble(0.6))),
    "silence": ("JX-S12", lambda folder: write_wav(folder / "a.wav", silence(3))),
    "nearly silent": ("JX-S12", lambda folder: write_wav(folder / "a.wav", babble(3, level_dbfs=-66))),
    "a hum alone": ("JX-S13", hum_alone),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_recording_is_refused_with_a_reason(tmp_path: Path, kind: str) -> None:
    code, make = REFUSED[kind]
    recording = make(tmp_path)
    to = tmp_path / "published.mp3"
    with pytest.raises(RecordingError) as caught:
        audio.normalize(recording, NO_THEME, SETTINGS, to)
    (problem,) = caught.value.problems
    assert (problem.code, problem.place) == (code, recording)
    assert not to.exists()
    assert not problem.cause.endswith("。")
    assert not problem.fix.endswith("。")


def test_a_theme_of_a_minute_is_refused_at_its_own_place(tmp_path: Path) -> None:
    long = write_wav(tmp_path / "intro.wav", babble(31))
    recording = write_wav(tmp_path / "a.wav", babble(2))
    theme = Theme(intro=long, outro=None, bed=None)
    with pytest.raises(RecordingError) as caught:
        audio.normalize(recording, theme, SETTINGS, tmp_path / "published.mp3")
    assert (caught.value.problems[0].code, caught.value.problems[0].place) == ("JX-S11", long)


def test_a_place_that_cannot_be_written_is_the_machines_fault(tmp_path: Path) -> None:
    recording = write_wav(tmp_path / "recording.wav", babble(1.5))
    with pytest.raises(MachineError) as caught:
        audio.normalize(recording, NO_THEME, SETTINGS, tmp_path / "gone" / "published.mp3")
    assert caught.value.problems[0].code == "JX-M16"


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_one_problem_whoever_writes(tmp_path: Path) -> None:
    recording = write_wav(tmp_path / "recording.wav", babble(1.5))
    raw = recording_stage.decode(recording, tmp_path / "raw.f32")
    writers: list[Callable[[], object]] = [
        lambda: recording_stage.decode(recording, FULL),
        lambda: samples.as_mono(raw, FULL, sample_rate_hz=16_000),
        lambda: samples.write(samples.blocks(raw), FULL, sample_rate_hz=RATE_HZ, channels=1),
    ]
    for write in writers:
        with pytest.raises(MachineError, match="磁盘满了") as caught:
            write()
        assert (caught.value.problems[0].code, caught.value.problems[0].place) == ("JX-M16", FULL)


@pytest.mark.parametrize("unreadable", ["at opening", "at reading"])
def test_a_recording_that_is_there_and_cannot_be_read_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unreadable: str
) -> None:
    recording = write_wav(tmp_path / "recording.wav", babble(1.5))
    opened = Path.open

    class Locked(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise PermissionError(errno.EACCES, "Permission denied")

    def locked(path: Path, *arguments: Any, **options: Any) -> object:  # noqa: ANN401  (as the function in whose place it stands)
        if path != recording:
            return opened(path, *arguments, **options)
        if unreadable == "at opening":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return Locked()

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(MachineError, match="读不了") as caught:
        audio.normalize(recording, NO_THEME, SETTINGS, tmp_path / "published.mp3")
    assert caught.value.problems[0].place == recording
    assert [path.name for path in tmp_path.iterdir()] == ["recording.wav"]


def test_nothing_is_written_to_the_systems_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert published(tmp_path, babble(1.5), theme=THEME).file.is_file()


@pytest.mark.parametrize("name", ["-i 第 1 期, 50%03d %2B 'a' [b] #?", pytest.param('file: "x"|*:y\\z', marks=POSIX_NAMES)])
def test_no_file_name_is_an_option_a_pattern_or_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)  # so that the names are all that ffmpeg is told
    recording, intro = (write_wav(Path(f"{name} {part}.wav"), babble(1.5)) for part in ("a", "b"))
    sound = audio.normalize(recording, Theme(intro=intro, outro=intro, bed=None), SETTINGS, Path(f"{name}.mp3"))
    assert sorted(path.name for path in folder.iterdir()) == sorted([recording.name, intro.name, f"{name}.mp3"])
    assert sound.integrated_lufs == pytest.approx(-16.0, abs=0.2)

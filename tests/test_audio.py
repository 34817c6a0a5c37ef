"""The published sound is at its target, says where the voice is, and refuses what is no recording."""

from __future__ import annotations

import dataclasses
import errno
import io
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutagen.mp3 import MP3, BitrateMode, MPEGInfo

from pipeline import audio, media
from pipeline.audio import analysis, dynamics, encoding, mix, mp3
from pipeline.audio.faults import Repairs
from pipeline.errors import MachineError, RecordingError
from pipeline.model import Sound, Theme
from tests.sounds import (
    EPISODES,
    NO_THEME,
    RATE_HZ,
    SETTINGS,
    THEME,
    Samples,
    babble,
    decoded,
    delay_s,
    ffmpeg,
    read_ebur128,
    read_pyloudnorm,
    silence,
    sine,
    voice,
    write_wav,
)

POSIX_NAMES = pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")


def published(folder: Path, *channels: Samples, theme: Theme = NO_THEME, **changes: object) -> Sound:
    """Return what becomes of a recording; ``changes`` are settings that are not the usual ones."""
    settings = dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]  # each test names the settings it changes
    recording = write_wav(folder / "recording.wav", *channels)
    return audio.normalize(recording, theme, settings, folder / f"published.{settings.container}")


def read_libebur128(file: Path, folder: Path) -> float:
    """Return the true peak that libebur128 reads, in dBTP."""
    pyebur128 = pytest.importorskip("pyebur128", reason="it has no wheel for this Python; ffmpeg's meter is asked all the same")
    meter = pyebur128.R128State(2, RATE_HZ, pyebur128.MeasurementMode.MODE_TRUE_PEAK)
    samples = decoded(file, folder)
    meter.add_frames(samples.reshape(-1), len(samples))
    return float(20 * np.log10(max(pyebur128.get_true_peak(meter, channel) for channel in (0, 1))))


def check_promise(sound: Sound, folder: Path, *, wanted_lufs: float = -16.0) -> None:
    """Check with other people's meters what is promised of every published sound, and what the record says of it."""
    integrated_lufs, true_peak_dbtp, range_lu = read_ebur128(sound.file)
    assert integrated_lufs == pytest.approx(wanted_lufs, abs=0.2)
    assert read_pyloudnorm(sound.file, folder) == pytest.approx(wanted_lufs, abs=0.2)
    check_record(sound, folder, integrated_lufs, true_peak_dbtp, range_lu)


def check_same_sound(heard: Samples, other: Samples) -> None:
    """Check that two encodings hold the same sound at the same time, every two seconds."""
    assert len(heard) == len(other)
    for begin in range(0, len(heard) - 2 * RATE_HZ, 2 * RATE_HZ):
        one, two = (each[begin : begin + 2 * RATE_HZ].reshape(-1) for each in (heard, other))
        assert np.corrcoef(one, two)[0, 1] > 0.98


def check_record(sound: Sound, folder: Path, integrated_lufs: float, true_peak_dbtp: float, range_lu: float) -> None:
    assert true_peak_dbtp <= -1.0
    assert read_libebur128(sound.file, folder) <= -1.0
    assert sound.integrated_lufs == pytest.approx(integrated_lufs, abs=0.1)
    assert sound.true_peak_dbtp == pytest.approx(true_peak_dbtp, abs=0.2)
    assert sound.loudness_range_lu == pytest.approx(range_lu, abs=0.5)


# Loudness and peaks


def claps_over_a_quiet_voice() -> tuple[Samples, ...]:
    sound = voice(4, 15) * 0.6
    for at in (2, 5, 9):
        sound[at * RATE_HZ : at * RATE_HZ + 300] += 0.25 * np.random.default_rng(at).standard_normal(300)
    return (sound,)


def a_clap_among_soft_words() -> tuple[Samples, ...]:
    loud = voice(4, 10) * 0.5
    soft = loud * 0.3
    soft[4 * RATE_HZ : 4 * RATE_HZ + 200] = 0.35 * np.sign(np.random.default_rng(1).standard_normal(200))
    return (np.concatenate([loud, soft]),)


def sentences_20_db_apart() -> tuple[Samples, ...]:
    sentence = voice(4, 6)
    return (np.concatenate([sentence, sentence * 0.1, sentence, sentence * 0.1]),)


def a_voice_with_a_minute_of_nothing_inside() -> tuple[Samples, ...]:
    return (np.concatenate([voice(4, 8), silence(60), voice(2, 8)]),)


HARD: dict[str, Callable[[], tuple[Samples, ...]]] = {
    "a voice": lambda: (voice(4, 20),),
    "two voices, one at each side": lambda: (voice(4, 20), voice(2, 20)),
    "quiet, with claps": claps_over_a_quiet_voice,
    "a clap among soft words": a_clap_among_soft_words,
    "sentences 20 dB apart": sentences_20_db_apart,
    "clipped": lambda: (np.clip(voice(4, 12) * 8, -1, 1),),
    "a long pause": a_voice_with_a_minute_of_nothing_inside,
    "antiphase": lambda: (voice(4, 12), -voice(4, 12)),
    "a dead channel": lambda: (silence(12), voice(4, 12)),
    "three seconds": lambda: (voice(4, 3.5)[RATE_HZ // 2 :],),
    "very quiet": lambda: (voice(4, 12) * 0.025,),
    "noise": lambda: (babble(12, level_dbfs=-9), babble(12, level_dbfs=-9, seed=2)),
    "a square wave": lambda: (0.5 * np.sign(sine(6, 220, 1)),),
    "an offset": lambda: (0.4 + voice(4, 12),),
    "no whole number of frames": lambda: (voice(4, 2.05),),
}


@pytest.mark.parametrize("case", HARD)
def test_the_encoded_file_is_at_the_target_by_every_meter(tmp_path: Path, case: str) -> None:
    check_promise(published(tmp_path, *HARD[case]()), tmp_path)


def test_music_alone_is_at_the_target(tmp_path: Path) -> None:
    sound = audio.normalize(EPISODES / "theme" / "bed.flac", NO_THEME, SETTINGS, tmp_path / "published.mp3")
    check_promise(sound, tmp_path)
    assert any("没有听到人声" in warning for warning in sound.warnings)


def test_a_telephone_at_8_khz_is_at_the_target(tmp_path: Path) -> None:
    ffmpeg("-i", str(write_wav(tmp_path / "a.wav", voice(4, 12))), "-ar", "8000", str(tmp_path / "recording.wav"))
    sound = audio.normalize(tmp_path / "recording.wav", NO_THEME, SETTINGS, tmp_path / "published.mp3")
    check_promise(sound, tmp_path)
    assert any("8000 Hz" in warning for warning in sound.warnings)


@pytest.mark.parametrize("theme", [NO_THEME, THEME])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_theme_is_inside_the_loudness(tmp_path: Path, theme: Theme, channels: int) -> None:
    check_promise(published(tmp_path, *[voice(4, 12), voice(2, 12)][:channels], theme=theme), tmp_path)


@pytest.mark.parametrize("bitrate_kbps", [64, 96, 160, 192])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_bit_rate_is_calibrated(tmp_path: Path, bitrate_kbps: int, channels: int) -> None:
    sound = published(tmp_path, *[voice(4, 12), voice(2, 12)][:channels], bitrate_kbps=bitrate_kbps)
    check_promise(sound, tmp_path)
    assert sound.renders == 1


@pytest.mark.parametrize(("wanted_lufs", "ceiling_dbtp"), [(-14.0, -1.0), (-23.0, -3.0)])
def test_another_target_is_met_as_well(tmp_path: Path, wanted_lufs: float, ceiling_dbtp: float) -> None:
    target = dataclasses.replace(SETTINGS.target, integrated_lufs=wanted_lufs, true_peak_dbtp=ceiling_dbtp)
    sound = published(tmp_path, voice(4, 12), target=target)
    check_promise(sound, tmp_path, wanted_lufs=wanted_lufs)
    assert sound.true_peak_dbtp <= ceiling_dbtp


def test_a_miss_by_a_little_is_said_as_well(tmp_path: Path) -> None:
    quiet = voice(4, 12) * 0.2
    for at in (2, 5, 9):
        quiet[at * RATE_HZ : at * RATE_HZ + 1300] = 0.9 * np.sign(np.random.default_rng(at).standard_normal(1300))
    for louder in (1.0, 1.05, 1.1, 1.15, 1.2):
        sound = published(tmp_path, np.clip(quiet * np.where(np.abs(quiet) > 0.8, 1, louder), -1, 1), leveler="off")
        missed = abs(read_ebur128(sound.file)[0] + 16) > 0.2
        assert any("响度只做到" in warning for warning in sound.warnings) or not missed


def test_a_target_that_needs_too_much_limiting_is_missed_and_said(tmp_path: Path) -> None:
    quiet = babble(8, level_dbfs=-48)
    quiet[5 * RATE_HZ : 5 * RATE_HZ + 60] = 0.95
    sound = published(tmp_path, quiet)
    check_record(sound, tmp_path, *read_ebur128(sound.file))
    assert sound.integrated_lufs < -16.5
    assert sound.most_limiting_db == pytest.approx(12, abs=0.01)
    assert any(f"{sound.integrated_lufs:.1f} LUFS" in warning and "12 dB" in warning for warning in sound.warnings)


def test_a_good_recording_is_encoded_once_and_hardly_limited(tmp_path: Path) -> None:
    sound = published(tmp_path, voice(4, 20))
    assert sound.renders == 1
    assert sound.most_limiting_db < 9
    assert sound.ffmpeg == media.ffmpeg_version()


@pytest.mark.parametrize("gain_db", [-12, 6])
def test_a_louder_recording_comes_out_the_same(tmp_path: Path, gain_db: float) -> None:
    sound = voice(4, 12) * 0.3
    one, other = (
        np.mean(
            np.square(decoded(published(tmp_path, sound * 10 ** (louder_db / 20)).file, tmp_path))[: 11 * RATE_HZ].reshape(
                11, -1
            ),
            axis=1,
        )
        for louder_db in (0, gain_db)
    )
    # The solve is exact to 0.1 dB (its own tests); a block of the gated loudness that falls on the other side of the gate adds a
    # little.
    assert 10 * np.log10(one) == pytest.approx(10 * np.log10(other), abs=0.15)


def rms_db(samples: Samples, start_s: float, end_s: float) -> float:
    return float(10 * np.log10(np.mean(np.square(samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]))))


@pytest.mark.parametrize(("leveler", "apart_db"), [("off", (7.5, 8.5)), ("gentle", (-2, 2)), ("strong", (-1.5, 1.5))])
def test_loud_and_quiet_sentences_come_together(tmp_path: Path, leveler: str, apart_db: tuple[float, float]) -> None:
    sentence = babble(5)
    recorded = np.concatenate([sentence * 10 ** (gain_db / 20) for gain_db in (4, -4, 4)])
    mono = decoded(published(tmp_path, recorded, leveler=leveler).file, tmp_path).mean(axis=1)
    low, high = apart_db
    assert low <= rms_db(mono, 0.5, 4.5) - rms_db(mono, 5.5, 9.5) <= high


def test_an_offset_takes_no_room_from_the_voice_even_where_the_bass_is_left(tmp_path: Path) -> None:
    check_promise(published(tmp_path, 0.4 + voice(4, 12), highpass_hz=0), tmp_path)


def test_a_highpass_can_be_chosen_or_left_out(tmp_path: Path) -> None:
    recorded = babble(4) + sine(4, 30, 0.1)
    rumble = []
    for highpass_hz in (0, 75, 150):
        mono = decoded(published(tmp_path, recorded, highpass_hz=highpass_hz).file, tmp_path).mean(axis=1)
        rumble.append(float(np.abs(np.fft.rfft(mono[: 3 * RATE_HZ]))[90]))
    assert rumble[1] < 0.05 * rumble[0]
    assert rumble[2] < 0.1 * rumble[1]


def test_denoising_makes_pauses_quieter_and_leaves_the_voice(tmp_path: Path) -> None:
    noise = 0.003 * np.random.default_rng(4).standard_normal(15 * RATE_HZ)
    pause_db = []
    for denoise in ("off", "light", "strong"):
        sound = published(tmp_path, np.concatenate([silence(1.5), voice(4, 13.5)]) + noise, denoise=denoise)
        check_promise(sound, tmp_path)
        mono = decoded(sound.file, tmp_path).mean(axis=1)
        gap = next(one.end_s for one, two in zip(sound.speech, sound.speech[1:], strict=False) if two.start_s - one.end_s > 0.4)
        pause_db.append(rms_db(mono, gap + 0.12, gap + 0.35) - rms_db(mono, sound.speech[0].start_s, sound.speech[-1].end_s))
    assert pause_db[1] < pause_db[0] - 3
    assert pause_db[2] < pause_db[1] - 3


def test_the_same_sound_is_offered_as_m4a(tmp_path: Path) -> None:
    sound = published(tmp_path, voice(4, 12), container="m4a", theme=THEME)
    check_promise(sound, tmp_path)
    content = sound.file.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert len(decoded(sound.file, tmp_path)) / RATE_HZ == pytest.approx(sound.duration_s, abs=0.05)


# In parts


def test_a_sound_in_parts_is_the_sound_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = (np.tile(voice(4, 18), 3), np.tile(voice(2, 18), 3))
    whole = decoded(published(tmp_path, *recorded).file, tmp_path)
    monkeypatch.setattr(encoding.stretches, "__kwdefaults__", {"part_s": 12.0})
    sound = published(tmp_path, *recorded)
    check_promise(sound, tmp_path)
    parts = decoded(sound.file, tmp_path)
    assert len(parts) == len(whole)
    assert np.sqrt(np.mean(np.square(parts - whole)) / np.mean(np.square(whole))) < 0.05


@pytest.mark.parametrize("container", ["mp3", "m4a"])
@pytest.mark.parametrize("part", ["intro", "outro"])
def test_music_in_two_channels_stays_so_around_a_voice_in_one(tmp_path: Path, part: str, container: str) -> None:
    left, right = babble(4, seed=5), babble(4, seed=6)
    theme = dataclasses.replace(NO_THEME, **{part: write_wav(tmp_path / f"{part}.wav", left, 0.5 * right)})
    for seconds in (10.0, 10.3, 10.7):  # wherever the frames of MP3 fall
        heard = decoded(published(tmp_path, voice(4, seconds), theme=theme, container=container).file, tmp_path)
        music = heard[RATE_HZ : 2 * RATE_HZ] if part == "intro" else heard[-2 * RATE_HZ : -RATE_HZ]
        spoken = heard[len(heard) // 2 : len(heard) // 2 + RATE_HZ]
        assert 4 < rms_db(music[:, 0], 0, 1) - rms_db(music[:, 1], 0, 1) < 8
        assert abs(np.mean(music[:, 0] * music[:, 1])) < 0.2 * np.mean(music[:, 0] ** 2)
        assert np.abs(spoken[:, 0] - spoken[:, 1]).max() < 1e-3


def test_one_voice_in_two_channels_that_went_through_aac_is_one_voice(tmp_path: Path) -> None:
    mono = write_wav(tmp_path / "mono.wav", voice(4, 12))
    twice = tmp_path / "twice.m4a"
    ffmpeg("-i", str(mono), "-af", "pan=stereo|c0=c0|c1=c0", "-c:a", "aac", "-b:a", "96k", str(twice))
    came = decoded(twice, tmp_path)
    assert np.abs(came[:, 0] - came[:, 1]).max() > 1e-3  # AAC leaves them a little different
    sound = audio.normalize(twice, NO_THEME, SETTINGS, tmp_path / "sound.mp3")
    check_promise(sound, tmp_path)
    heard = decoded(sound.file, tmp_path)
    assert np.array_equal(heard[:, 0], heard[:, 1])


def test_what_is_equal_in_both_channels_for_a_while_is_encoded_as_one_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same, left, right = np.tile(voice(4, 15), 4), babble(20, seed=5), babble(20, seed=6)
    recorded = [np.concatenate([same, between, same]) for between in (left, 0.7 * right)]
    sound = published(tmp_path, *recorded)
    check_promise(sound, tmp_path)
    heard = decoded(sound.file, tmp_path)
    difference = np.abs(heard[:, 0] - heard[:, 1])
    assert difference[5 * RATE_HZ : 55 * RATE_HZ].max() < 1e-3
    assert difference[65 * RATE_HZ : 75 * RATE_HZ].max() > 0.1
    assert difference[85 * RATE_HZ : 130 * RATE_HZ].max() < 1e-3
    monkeypatch.setattr(mix.Mix, "in_one", ())
    in_two = decoded(published(tmp_path, *recorded).file, tmp_path)
    check_same_sound(heard, in_two)


def test_parts_that_cannot_be_joined_are_encoded_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding.stretches, "__kwdefaults__", {"part_s": 5.0})
    joined = mp3.join

    def refuse(parts: Any, bitrate_kbps: int) -> Any:  # noqa: ANN401  (as the function in whose place it stands)
        several = list(parts)
        if len(several) > 1:
            raise mp3.CannotJoin
        return joined(iter(several), bitrate_kbps)

    monkeypatch.setattr(mp3, "join", refuse)
    check_promise(published(tmp_path, voice(4, 15), theme=THEME), tmp_path)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_peak_that_encoding_raises_is_taken_down_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: int
) -> None:
    recorded = [np.tile(voice(number, 15), 3) for number in (4, 2)[:channels]]
    usual = decoded(published(tmp_path, *recorded).file, tmp_path)
    monkeypatch.setattr(dynamics, "ENCODER_OVERSHOOT_DB", 0.3)
    sound = published(tmp_path, *recorded)
    check_promise(sound, tmp_path)
    assert sound.renders > 1
    check_same_sound(decoded(sound.file, tmp_path), usual)


def test_only_the_seconds_around_a_peak_are_encoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written_s: list[float] = []
    write, measure = encoding._write, encoding._measure  # noqa: SLF001  (what is encoded shows nowhere else)

    def counted(master: encoding.Master, stretch: encoding.Stretch, *rest: Any) -> None:  # noqa: ANN401  (passed on)
        written_s.append((stretch.last - stretch.first) / RATE_HZ)
        write(master, stretch, *rest)

    def once_too_high(master: encoding.Master, stretch: encoding.Stretch, file: Path) -> Any:  # noqa: ANN401  (passed on)
        heard = measure(master, stretch, file)
        if len(written_s) == 1:
            heard.peaks[[20 * 300, 40 * 300, 40 * 300 + 3]] = 1.0
        return heard

    monkeypatch.setattr(encoding, "_write", counted)
    monkeypatch.setattr(encoding, "_measure", once_too_high)
    sound = published(tmp_path, np.tile(voice(4, 15), 4))
    check_promise(sound, tmp_path)
    assert sound.renders == 2
    assert len(written_s) == 3
    assert max(written_s[1:]) < 8


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


@pytest.mark.parametrize("size", [0x7FFF_F000, 0xFFFF_FFFF])
def test_a_recorder_that_streams_does_not_know_the_length(tmp_path: Path, size: int) -> None:
    recording = write_wav(tmp_path / "recording.wav", babble(3))
    content = bytearray(recording.read_bytes())
    content[4:8] = content[40:44] = size.to_bytes(4, "little")
    recording.write_bytes(content)
    sound = audio.normalize(recording, NO_THEME, SETTINGS, tmp_path / "published.mp3")
    assert sound.duration_s == pytest.approx(3.0, abs=0.3)


def test_what_a_title_says_is_no_message_of_ffmpegs(tmp_path: Path) -> None:
    titled = tmp_path / "titled.flac"
    title = "title=moov atom not found\nInput #0, wav, from x\n  Duration: 90:00:00.00, start: 0"
    ffmpeg("-i", str(write_wav(tmp_path / "a.wav", babble(3))), "-metadata", title, str(titled))
    sound = audio.normalize(titled, NO_THEME, SETTINGS, tmp_path / "published.mp3")
    assert sound.duration_s == pytest.approx(3.0, abs=0.3)


# Where things are


def test_silence_is_cut_at_both_ends_and_never_inside(tmp_path: Path) -> None:
    voice = np.concatenate([silence(2.5), babble(3.7), silence(2), babble(3.7, seed=2), silence(3)])
    sound = published(tmp_path, voice)
    assert sound.trimmed_head_s == pytest.approx(2.2, abs=0.1)
    assert sound.trimmed_tail_s == pytest.approx(2.65, abs=0.1)
    assert sound.duration_s == pytest.approx(len(voice) / RATE_HZ - sound.trimmed_head_s - sound.trimmed_tail_s, abs=0.1)


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
    sound = published(tmp_path, voice(2, 20), theme=THEME)
    check_promise(sound, tmp_path)
    assert sound.speech[0].start_s == pytest.approx(sound.voice_start_s + 0.3, abs=0.15)
    assert all(span.start_s < span.end_s for span in sound.speech)
    assert sound.speech[-1].end_s < sound.duration_s - 6  # the outro is no voice
    voiced_s = sum(span.end_s - span.start_s for span in sound.speech)
    assert 0.6 * 20 < voiced_s < 20


def test_the_recording_is_measured_as_it_came(tmp_path: Path) -> None:
    recorded = [voice(4, 12) * 0.4, voice(2, 12) * 0.4]
    sound = published(tmp_path, *recorded)
    integrated_lufs, true_peak_dbtp, range_lu = read_ebur128(tmp_path / "recording.wav")
    assert sound.recorded_lufs == pytest.approx(integrated_lufs, abs=0.1)
    assert sound.recorded_true_peak_dbtp == pytest.approx(true_peak_dbtp, abs=0.2)
    assert sound.recorded_range_lu == pytest.approx(range_lu, abs=0.5)
    assert len(sound.recorded_envelope) == 120
    first = np.stack(recorded)[:, : RATE_HZ // 10]
    assert sound.recorded_envelope[0] == pytest.approx(np.sqrt(np.mean(np.square(first))), abs=2e-4)


# What is said about a recording


def warnings_about(folder: Path, *channels: Samples) -> str:
    return "\n".join(published(folder, *channels).warnings)


def test_a_good_recording_without_a_voice_gets_that_one_warning(tmp_path: Path) -> None:
    assert [warning[:7] for warning in published(tmp_path, babble(4), babble(4, seed=2)).warnings] == ["录音长 4.0"]


def test_a_hum_is_taken_out_and_said(tmp_path: Path) -> None:
    sound = published(tmp_path, babble(6, level_dbfs=-24) + sine(6, 50, 0.02))
    spectrum = np.abs(np.fft.rfft(decoded(sound.file, tmp_path).mean(axis=1)[: 5 * RATE_HZ] * np.hanning(5 * RATE_HZ)))
    assert any("50 Hz" in warning for warning in sound.warnings)
    assert spectrum[250] / (5 * RATE_HZ / 4) < 0.002  # a tenth of what it was, though the voice is 8 dB louder


def peak_normalised(sound: Samples) -> Samples:
    return np.asarray(sound / np.abs(sound).max())


@pytest.mark.parametrize(
    ("clipped_db", "options"),
    [
        (3, ["clipped.wav"]),
        (3, ["-ar", "48000", "clipped.wav"]),
        (6, ["-b:a", "96k", "clipped.mp3"]),  # of 3 dB a codec bends the few tops until they look like any others
        (12, ["-b:a", "96k", "clipped.m4a"]),
    ],
)
def test_clipping_is_said_also_behind_a_codec(tmp_path: Path, clipped_db: float, options: list[str]) -> None:
    sound = np.clip(peak_normalised(voice(4, 20)) * 10 ** (clipped_db / 20), -1, 1)
    *how, name = options
    ffmpeg("-i", str(write_wav(tmp_path / "a.wav", sound)), *how, str(tmp_path / name))
    warnings = audio.normalize(tmp_path / name, NO_THEME, SETTINGS, tmp_path / "published.mp3").warnings
    assert any("爆音" in warning for warning in warnings)


def test_a_recording_in_floating_point_may_go_beyond_full_scale(tmp_path: Path) -> None:
    samples = 2 * peak_normalised(voice(4, 15))
    (tmp_path / "raw.f32").write_bytes(samples.astype("<f4").tobytes())
    raw = ["-f", "f32le", "-ar", f"{RATE_HZ}", "-ac", "1", "-i", str(tmp_path / "raw.f32")]
    ffmpeg(*raw, "-c:a", "pcm_f32le", str(tmp_path / "recording.wav"))
    sound = audio.normalize(tmp_path / "recording.wav", NO_THEME, SETTINGS, tmp_path / "published.mp3")
    check_promise(sound, tmp_path)
    assert not any("爆音" in warning for warning in sound.warnings)


@pytest.mark.parametrize("number", range(1, 7))
def test_a_voice_brought_to_full_scale_is_not_called_clipped(tmp_path: Path, number: int) -> None:
    sound = peak_normalised(voice(number, 14))  # the one clipped sentence of the samples comes later
    assert not any("爆音" in warning for warning in published(tmp_path, sound).warnings)


def test_what_we_publish_is_not_called_clipped(tmp_path: Path) -> None:
    sound = published(tmp_path, voice(4, 15))
    again = audio.normalize(sound.file, NO_THEME, SETTINGS, tmp_path / "again.mp3")
    assert not any("爆音" in warning for warning in again.warnings)


def test_a_very_quiet_recording_is_said(tmp_path: Path) -> None:
    assert "音量很小" in warnings_about(tmp_path, babble(4, level_dbfs=-38))


@pytest.mark.parametrize(("dead", "side"), [("left", "右"), ("right", "左")])
def test_a_dead_channel_is_replaced_by_the_other(tmp_path: Path, dead: str, side: str) -> None:
    channels = [silence(4), babble(4)] if dead == "left" else [babble(4), silence(4)]
    sound = published(tmp_path, *channels)
    left, right = decoded(sound.file, tmp_path).T
    assert np.array_equal(left, right)
    assert any(warning.startswith(f"只有{side}声道") for warning in sound.warnings)


def test_a_side_with_nothing_but_hiss_is_dead_too(tmp_path: Path) -> None:
    hiss = 0.003 * np.random.default_rng(8).standard_normal(10 * RATE_HZ)
    sound = published(tmp_path, voice(4, 10), hiss)
    left, right = decoded(sound.file, tmp_path).T
    assert np.array_equal(left, right)
    assert any("只有左声道有声音" in warning for warning in sound.warnings)


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


def ogg_cut_short(folder: Path) -> Path:
    return cut(encoded(folder, "a.ogg", "-c:a", "libopus"), 0.5)


def with_a_number_that_is_none(folder: Path) -> Path:
    ffmpeg("-i", str(write_wav(folder / "a.wav", babble(4))), "-c:a", "pcm_f32le", str(folder / "b.wav"))
    content = bytearray((folder / "b.wav").read_bytes())
    content[80_000:80_004] = np.array([np.nan], dtype="<f4").tobytes()
    (folder / "b.wav").write_bytes(content)
    return folder / "b.wav"


def flac_with_a_hole(folder: Path) -> Path:
    content = encoded(folder, "a.flac").read_bytes()
    (folder / "a.flac").write_bytes(content[: len(content) * 2 // 5] + content[len(content) * 3 // 5 :])
    return folder / "a.flac"


def hum_alone(folder: Path) -> Path:
    return write_wav(folder / "hum.wav", sine(4, 50, 0.3))


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
    "ogg cut short": ("JX-S08", ogg_cut_short),
    "a number that is none": ("JX-S09", with_a_number_that_is_none),
    "ogg cut in its last page": ("JX-S08", lambda folder: cut(encoded(folder, "a.ogg", "-c:a", "libopus"), 0.99)),
    "flac with a hole": ("JX-S08", flac_with_a_hole),
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


def test_a_disk_too_small_for_the_work_is_said_before_it_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(MachineError, match="磁盘快满了") as caught:
        published(tmp_path, babble(3))
    assert caught.value.problems[0].code == "JX-M16"


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_one_problem_whoever_writes(tmp_path: Path) -> None:
    recording = write_wav(tmp_path / "recording.wav", babble(1.5))
    writers: list[Callable[[], object]] = [
        lambda: analysis.analyse(recording, media.probe(recording), Repairs(highpass_hz=75), FULL),
        lambda: media.make_with_ffmpeg(["-i", f"file:{recording}", "-f", "s16le"], FULL, time_limit_s=30),
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

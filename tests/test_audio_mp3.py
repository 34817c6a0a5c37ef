"""Streams encoded in parts are one stream: the same samples, the right length, no message from any decoder."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from mutagen.mp3 import MP3, BitrateMode, MPEGInfo

from pipeline.audio import mp3
from pipeline.audio.mp3 import FRAME_SAMPLES, LEAD_FRAMES, CannotJoin, Frame
from tests.sounds import RATE_HZ, Samples, babble, decoded, ffmpeg, voice, write_wav

BOUNDS = [170, 391]
LOUDER = 10 ** (0.445 / 20)  # LAME scales what it is fed

SOUNDS: dict[str, Callable[[], list[Samples]]] = {
    "a voice in one channel": lambda: [voice(4, 16)],
    "two voices": lambda: [voice(4, 16), voice(2, 16)],
    "noise": lambda: [babble(16, level_dbfs=-12), babble(16, level_dbfs=-12, seed=2)],
}


def encoded(folder: Path, channels: list[Samples], kbps: int) -> bytes:
    options = ["-b:a", f"{kbps}k", "-joint_stereo", "1", "-id3v2_version", "0", "-write_xing", "0"]
    ffmpeg("-i", str(write_wav(folder / "part.wav", *channels)), *options, "-y", str(folder / "part.mp3"))
    return (folder / "part.mp3").read_bytes()


def in_parts(folder: Path, channels: list[Samples], bounds: list[int], kbps: int) -> list[tuple[int, int, list[Frame]]]:
    """Return a sound encoded in parts that meet at these frames."""
    parts = []
    for wanted, end in pairwise([0, *bounds, 10**9]):
        first = max(wanted - LEAD_FRAMES, 0)
        piece = [channel[first * FRAME_SAMPLES : (end + LEAD_FRAMES) * FRAME_SAMPLES] for channel in channels]
        parts.append((first, wanted, mp3.take_apart(encoded(folder, piece, kbps))))
    return parts


def written(file: Path, parts: list[tuple[int, int, list[Frame]]], kbps: int, samples: int) -> Path:
    content = b"".join(mp3.join(iter(parts), kbps))
    header = mp3.info_frame(
        bitrate_kbps=kbps,
        frames=mp3.count_frames(content),
        content_bytes=len(content),
        content_crc=mp3.crc(content),
        samples=samples,
    )
    file.write_bytes(header + content)
    return file


def joined(folder: Path, channels: list[Samples], bounds: list[int], kbps: int) -> Path:
    rate = kbps if len(channels) > 1 else mp3.mono_bitrate_kbps(kbps)
    return written(folder / "joined.mp3", in_parts(folder, channels, bounds, rate), kbps, len(channels[0]))


def in_one_piece(folder: Path, channels: list[Samples], kbps: int) -> Samples:
    rate = kbps if len(channels) > 1 else mp3.mono_bitrate_kbps(kbps)
    options = ["-b:a", f"{rate}k", "-joint_stereo", "1"]
    ffmpeg("-i", str(write_wav(folder / "whole.wav", *channels)), *options, "-y", str(folder / "whole.mp3"))
    # Of one channel ffmpeg makes two that are 3 dB softer each.
    return decoded(folder / "whole.mp3", folder) * (np.sqrt(2) if len(channels) == 1 else 1)


@pytest.mark.parametrize("kbps", [64, 128, 192])
@pytest.mark.parametrize("sound", SOUNDS)
def test_parts_joined_are_as_good_as_one_piece_at_every_moment(tmp_path: Path, sound: str, kbps: int) -> None:
    channels = SOUNDS[sound]()
    wanted = np.stack(channels * (2 // len(channels)), axis=1)
    heard = decoded(joined(tmp_path, channels, BOUNDS, kbps), tmp_path)
    whole = in_one_piece(tmp_path, channels, kbps)
    assert len(heard) == len(wanted)
    frames = len(wanted) // FRAME_SAMPLES * FRAME_SAMPLES
    errors = [
        np.sqrt(np.mean(np.square(each * LOUDER - wanted)[:frames].reshape(-1, 2 * FRAME_SAMPLES), axis=1))
        for each in (heard, whole)
    ]
    assert np.sqrt(np.mean(errors[0] ** 2)) == pytest.approx(np.sqrt(np.mean(errors[1] ** 2)), rel=0.05)
    # Where the parts meet, no frame is further from the sound than those of one piece are around there.
    for bound in BOUNDS:
        around, here = slice(bound - 15, bound + 35), slice(bound - 2, bound + 20)
        assert errors[0][here].max() <= 1.3 * errors[1][around].max()


@pytest.mark.parametrize("sound", SOUNDS)
def test_no_decoder_has_anything_to_say(tmp_path: Path, sound: str) -> None:
    file = joined(tmp_path, SOUNDS[sound](), BOUNDS, 128)
    said = ffmpeg("-v", "warning", "-xerror", "-err_detect", "explode", "-i", str(file), "-f", "null", "-")
    assert said == ""


def test_one_channel_becomes_two_equal_ones_at_the_same_level(tmp_path: Path) -> None:
    sound = voice(4, 8)
    heard = decoded(joined(tmp_path, [sound], [], 128), tmp_path)
    alone = in_one_piece(tmp_path, [sound], 128)
    assert np.array_equal(heard[:, 0], heard[:, 1])
    assert heard[:, 0] == pytest.approx(alone[:, 0], abs=2e-5)


def test_a_part_in_one_channel_stands_between_parts_in_two(tmp_path: Path) -> None:
    sound = voice(4, 12)
    bounds = [120, 300]
    stereo, mono = in_parts(tmp_path, [sound, sound], bounds, 128), in_parts(tmp_path, [sound], bounds, 112)
    file = written(tmp_path / "mixed.mp3", [stereo[0], mono[1], stereo[2]], 128, len(sound))
    heard = decoded(file, tmp_path)
    assert len(heard) == len(sound)
    error = np.abs(heard[:, 0] * LOUDER - sound)
    assert error.max() < 3 * np.abs(in_one_piece(tmp_path, [sound, sound], 128)[:, 0] * LOUDER - sound).max()
    assert ffmpeg("-v", "warning", "-xerror", "-err_detect", "explode", "-i", str(file), "-f", "null", "-") == ""


@pytest.mark.parametrize("samples", [5 * RATE_HZ, 5 * RATE_HZ + 1, 5 * RATE_HZ + 1151, 300_000])
def test_the_header_tells_the_length_to_the_sample(tmp_path: Path, samples: int) -> None:
    file = joined(tmp_path, [babble(7)[:samples]], [80], 128)
    info = MP3(file).info
    assert isinstance(info, MPEGInfo)
    assert len(decoded(file, tmp_path)) == samples
    assert info.length == pytest.approx(samples / RATE_HZ, abs=0.001)
    assert (info.bitrate, info.bitrate_mode, info.channels) == (128_000, BitrateMode.CBR, 2)
    content = file.read_bytes()
    size = content.index(b"\xff\xfb", 4)
    at = content.index(b"Info")
    assert int.from_bytes(content[at + 8 : at + 12], "big") == mp3.count_frames(content[size:])
    assert int.from_bytes(content[at + 12 : at + 16], "big") == len(content)
    assert int.from_bytes(content[at + 152 : at + 154], "big") == mp3.crc(content[size:])
    assert int.from_bytes(content[at + 154 : at + 156], "big") == mp3.crc(content[: at + 154])


def test_ffmpegs_own_header_says_the_same(tmp_path: Path) -> None:
    """Keep the test above honest: the fields are where another program writes them."""
    sound = write_wav(tmp_path / "a.wav", babble(3), babble(3, seed=2))
    bit_exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-id3v2_version", "0"]
    ffmpeg("-i", str(sound), "-b:a", "128k", *bit_exact, "-y", str(tmp_path / "a.mp3"))
    content = (tmp_path / "a.mp3").read_bytes()
    size = content.index(b"\xff\xfb", 4)
    ours = mp3.info_frame(
        bitrate_kbps=128,
        frames=mp3.count_frames(content[size:]),
        content_bytes=len(content) - size,
        content_crc=mp3.crc(content[size:]),
        samples=3 * RATE_HZ,
    )
    theirs = content[:size]
    at = theirs.index(b"Info")
    assert (len(ours), ours.index(b"Info")) == (size, at)
    assert ours[at : at + 16] == theirs[at : at + 16]
    assert ours[at + 141 : at + 144] == theirs[at + 141 : at + 144]
    assert ours[at + 148 : at + 154] == theirs[at + 148 : at + 154]


def test_the_bit_rate_is_met(tmp_path: Path) -> None:
    for kbps in (64, 128, 192):
        content = joined(tmp_path, [babble(16)], [200], kbps).read_bytes()
        assert mp3.count_frames(content) * FRAME_SAMPLES / RATE_HZ * kbps * 125 == pytest.approx(len(content), rel=1e-3)


def test_parts_that_share_no_frame_are_not_joined(tmp_path: Path) -> None:
    sound = voice(4, 8)
    (_, _, frames) = in_parts(tmp_path, [sound], [], 112)[0]
    with pytest.raises(CannotJoin):
        list(mp3.join(iter([(0, 0, frames[:100]), (100, 100, frames[100:])]), 128))

"""What was measured: figures for machines, a picture for people."""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageColor

from pipeline import report
from pipeline.model import BuiltEpisode, Captions, Cue, Enclosure, Episode, Identity, Poster, Sound
from pipeline.report import Look, waveform
from pipeline.report.waveform import PLOT_LEFT_PX, PLOT_RIGHT_PX, PUBLISHED_CENTRE_PX, RECORDED_CENTRE_PX

POSTERS = Path(__file__).parents[1] / "posters"
COLOUR = tomllib.loads((POSTERS / "palette.toml").read_text(encoding="utf-8"))["leisure"]["main"]
LOOK = Look(
    colour=COLOUR,
    serif_black=POSTERS / "fonts/NotoSerifSC-Black.woff2",
    sans_bold=POSTERS / "fonts/NotoSansSC-Bold.woff2",
    sans_regular=POSTERS / "fonts/NotoSansSC-Regular.woff2",
)

# 100 s are published: 10 s of music, 80 s of voice, 10 s of music. The recording has 5 s before the voice and 3 s after it.
SOUND = Sound(
    file=Path("1.mp3"),
    duration_s=100.0,
    voice_start_s=10.0,
    speech=(),
    integrated_lufs=-16.0,
    loudness_range_lu=4.1,
    true_peak_dbtp=-1.4,
    envelope=(0.12,) * 100 + (0.15,) * 800 + (0.12,) * 100,
    recorded_lufs=-32.0,
    recorded_range_lu=11.2,
    recorded_true_peak_dbtp=-9.3,
    recorded_envelope=(0.001,) * 50 + (0.024,) * 800 + (0.001,) * 30,
    trimmed_head_s=5.0,
    trimmed_tail_s=3.0,
    most_limiting_db=2.3,
    renders=2,
    ffmpeg="7.0.2",
    warnings=("录音音量很小。",),
)


# Figures


@pytest.fixture
def built(episode: Episode) -> BuiltEpisode:
    return BuiltEpisode(
        episode=episode,
        identity=Identity(number=1, guid="11111111-2222-5333-8444-555555555555", page_url="https://jixiang.example/1/"),
        public=True,
        published_at=episode.publish_at,
        sound=SOUND,
        captions=Captions(
            cues=(Cue(start_s=10, end_s=12, text="您好", speaker="", confidence=0.9),), chapters=(), disagreements=()
        ),
        posters=(
            Poster(
                format="a3",
                label="A3",
                file=Path("a3.pdf"),
                sha256="ab" * 32,
                mime_type="application/pdf",
                width_px=3508,
                height_px=4961,
                decodings=75,
                trials=78,
                reach=3.1748,
                read_by=("zxing", "zbar"),
            ),
        ),
        enclosure=Enclosure(file=Path("x.mp3"), mime_type="audio/mpeg", size_bytes=1_600_000, sha256="ab" * 32, duration_s=100.1),
        alternates=(
            Enclosure(file=Path("x.m4a"), mime_type="audio/mp4", size_bytes=1_200_000, sha256="cd" * 32, duration_s=100.0),
        ),
        transcripts=(),
        chapters=None,
    )


def _figures(built: BuiltEpisode) -> dict[str, Any]:
    content = report.render_reports([built], {})[f"{built.identity.number}.json"]
    assert isinstance(content, bytes)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    figures: dict[str, Any] = json.loads(content, parse_constant=refuse)
    return figures


def test_figures_and_picture_of_an_episode_stand_side_by_side(built: BuiltEpisode) -> None:
    files = report.render_reports([built], {1: Path("drawn.png")})
    assert set(files) == {"1.json", "1.png"}
    assert files["1.png"] == Path("drawn.png")


def test_the_same_measures_are_given_before_and_after(built: BuiltEpisode) -> None:
    sound = _figures(built)["sound"]
    assert sound["before"] == {"integrated_lufs": -32.0, "loudness_range_lu": 11.2, "true_peak_dbtp": -9.3}
    assert sound["after"] == {"integrated_lufs": -16.0, "loudness_range_lu": 4.1, "true_peak_dbtp": -1.4}


def test_what_was_done_to_the_sound_is_told_with_its_settings(built: BuiltEpisode) -> None:
    sound = _figures(built)["sound"]
    told = {key: sound[key] for key in ("most_limiting_db", "trimmed_head_s", "trimmed_tail_s", "renders", "ffmpeg", "warnings")}
    assert told == {
        "most_limiting_db": 2.3,
        "trimmed_head_s": 5.0,
        "trimmed_tail_s": 3.0,
        "renders": 2,
        "ffmpeg": "7.0.2",
        "warnings": ["录音音量很小。"],
    }
    assert sound["duration_s"] == 100.1
    settings = built.episode.sound
    assert sound["settings"] == {
        "target": {"integrated_lufs": settings.target.integrated_lufs, "true_peak_dbtp": settings.target.true_peak_dbtp},
        "denoise": settings.denoise,
        "leveler": settings.leveler,
        "highpass_hz": settings.highpass_hz,
        "bed": settings.bed,
        "bitrate_kbps": settings.bitrate_kbps,
    }


def test_each_file_of_the_sound_is_named_as_it_lies_in_the_site(built: BuiltEpisode) -> None:
    sound = _figures(built)["sound"]
    assert sound["file"] == "audio/1-abababababab.mp3"
    assert sound["alternates"] == [
        {"file": "audio/1-cdcdcdcdcdcd.m4a", "mime_type": "audio/mp4", "size_bytes": 1_200_000, "sha256": "cd" * 32}
    ]


def test_how_well_a_poster_is_scanned_stands_beside_its_size(built: BuiltEpisode) -> None:
    assert _figures(built)["posters"] == [
        {
            "format": "a3",
            "width_px": 3508,
            "height_px": 4961,
            "decodings": 75,
            "trials": 78,
            "reach": 3.17,
            "read_by": ["zxing", "zbar"],
        }
    ]


def test_silence_has_no_loudness_and_the_json_stays_valid(built: BuiltEpisode) -> None:
    silent = dataclasses.replace(
        SOUND, recorded_lufs=-math.inf, recorded_true_peak_dbtp=-math.inf, integrated_lufs=-math.inf, loudness_range_lu=math.nan
    )
    sound = _figures(dataclasses.replace(built, sound=silent))["sound"]
    assert sound["before"] == {"integrated_lufs": None, "loudness_range_lu": 11.2, "true_peak_dbtp": None}
    assert sound["after"]["integrated_lufs"] is None
    assert sound["after"]["loudness_range_lu"] is None


# The picture


def _draw(folder: Path, sound: Sound = SOUND, *, title: str = "到珍珠滩走走", number: int = 1) -> Image.Image:
    drawn = report.draw_waveforms(number, title, sound, -16.0, LOOK, folder / "picture.png")
    with Image.open(drawn.file) as image:
        return image.convert("RGB")


def _x(published_s: float) -> int:
    """Return the column of a moment of ``SOUND``, which fills the plot from edge to edge."""
    return round(PLOT_LEFT_PX + published_s / 100.0 * (PLOT_RIGHT_PX - PLOT_LEFT_PX))


def _colours(image: Image.Image, start_s: float, end_s: float, y: int) -> set[tuple[int, ...]]:
    """Return the colours of one row between two moments of the published sound."""
    row = [image.getpixel((x, y)) for x in range(_x(start_s), _x(end_s))]
    return {pixel for pixel in row if isinstance(pixel, tuple)}


def _tallest(image: Image.Image, centre: int, colour: str) -> int:
    """Return how many pixels the tallest bar of that colour reaches up from the middle."""
    wanted = ImageColor.getrgb(colour)
    columns = range(PLOT_LEFT_PX, PLOT_RIGHT_PX)
    return max(reach for reach in range(121) if any(image.getpixel((x, centre - reach)) == wanted for x in columns))


RECORDED, PUBLISHED = ImageColor.getrgb(waveform.RECORDED), ImageColor.getrgb(COLOUR)


def test_the_recording_is_above_and_the_published_sound_below(tmp_path: Path) -> None:
    image = _draw(tmp_path)
    assert image.size == (1600, 900)
    assert RECORDED in _colours(image, 20, 80, RECORDED_CENTRE_PX - 5)
    assert PUBLISHED in _colours(image, 20, 80, PUBLISHED_CENTRE_PX - 5)
    assert PUBLISHED not in _colours(image, 0, 100, RECORDED_CENTRE_PX - 5)
    assert RECORDED not in _colours(image, 0, 100, PUBLISHED_CENTRE_PX - 5)


def test_a_loud_stretch_has_bars_and_a_silent_one_has_none(tmp_path: Path) -> None:
    envelope = SOUND.envelope[:400] + (0.0,) * 200 + SOUND.envelope[600:]
    image = _draw(tmp_path, dataclasses.replace(SOUND, envelope=envelope))
    for y in range(PUBLISHED_CENTRE_PX - 120, PUBLISHED_CENTRE_PX + 120):
        assert PUBLISHED not in _colours(image, 40.5, 59.5, y)
    assert PUBLISHED in _colours(image, 20, 40, PUBLISHED_CENTRE_PX - 20)
    assert PUBLISHED in _colours(image, 60, 80, PUBLISHED_CENTRE_PX - 20)


def test_both_panels_have_one_scale_of_level(tmp_path: Path) -> None:
    alike = dataclasses.replace(SOUND, recorded_envelope=(0.15,) * 880)
    image = _draw(tmp_path, alike)
    assert _tallest(image, RECORDED_CENTRE_PX, waveform.RECORDED) == _tallest(image, PUBLISHED_CENTRE_PX, COLOUR)
    assert _tallest(_draw(tmp_path), RECORDED_CENTRE_PX, waveform.RECORDED) < _tallest(image, PUBLISHED_CENTRE_PX, COLOUR) / 2


def test_a_word_stands_under_itself(tmp_path: Path) -> None:
    word_s = 30.0  # after the beginning of the voice
    recorded, published = [0.0] * 880, [0.0] * 1000
    recorded[50 + 300 : 50 + 320] = [0.1] * 20
    published[100 + 300 : 100 + 320] = [0.3] * 20
    image = _draw(tmp_path, dataclasses.replace(SOUND, recorded_envelope=tuple(recorded), envelope=tuple(published)))
    columns = [
        [x for x in range(PLOT_LEFT_PX, PLOT_RIGHT_PX) if image.getpixel((x, y)) == colour]
        for y, colour in ((RECORDED_CENTRE_PX - 5, RECORDED), (PUBLISHED_CENTRE_PX - 5, PUBLISHED))
    ]
    assert columns[0] == columns[1]
    assert columns[0][0] == pytest.approx(_x(10 + word_s), abs=4)
    assert columns[0][-1] == pytest.approx(_x(10 + word_s + 2), abs=4)


def test_what_was_cut_is_shaded_and_nothing_else(tmp_path: Path) -> None:
    image, shade, y = _draw(tmp_path), ImageColor.getrgb(waveform.SHADE), RECORDED_CENTRE_PX - 100
    assert _colours(image, 5.5, 9.5, y) == {shade}
    assert _colours(image, 90.5, 92.5, y) == {shade}
    assert shade not in _colours(image, 11, 89, y)
    assert shade not in _colours(image, 0, 100, PUBLISHED_CENTRE_PX - 100)
    uncut = _draw(tmp_path, dataclasses.replace(SOUND, trimmed_head_s=0.0, trimmed_tail_s=0.0))
    assert shade not in _colours(uncut, 0, 100, y)


def test_music_is_paler_than_the_voice(tmp_path: Path) -> None:
    image, y = _draw(tmp_path), PUBLISHED_CENTRE_PX - 20
    assert PUBLISHED not in _colours(image, 0, 9.5, y)
    assert PUBLISHED not in _colours(image, 90.5, 100, y)
    assert PUBLISHED in _colours(image, 10.5, 89.5, y)


def test_the_same_sound_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        report.draw_waveforms(1, "到珍珠滩走走", SOUND, -16.0, LOOK, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def _changed(**fields: object) -> Sound:
    return dataclasses.replace(SOUND, **fields)  # type: ignore[arg-type]  # the cases below name fields of Sound


ODD_SOUNDS = {
    "of a second": _changed(
        duration_s=1.0,
        voice_start_s=0.0,
        envelope=(0.2,) * 10,
        recorded_envelope=(0.1,) * 10,
        trimmed_head_s=0.0,
        trimmed_tail_s=0.0,
    ),
    "of a second between music": _changed(
        duration_s=21.0, envelope=(0.2,) * 210, recorded_envelope=(0.1,) * 16, trimmed_head_s=0.3, trimmed_tail_s=0.3
    ),
    "of a second before music": _changed(
        duration_s=31.0,
        voice_start_s=0.0,
        envelope=(0.2,) * 310,
        recorded_envelope=(0.1,) * 16,
        trimmed_head_s=0.3,
        trimmed_tail_s=0.3,
    ),
    "of three hours": _changed(duration_s=10_800.0, envelope=(0.2,) * 108_000, recorded_envelope=(0.1,) * 107_880),
    "mostly cut away": _changed(recorded_envelope=(0.1,) * 36_000, trimmed_head_s=2000.0, trimmed_tail_s=1520.0),
    "that is silent": _changed(
        envelope=(0.0,) * 1000,
        recorded_envelope=(0.0,) * 880,
        recorded_lufs=-math.inf,
        recorded_true_peak_dbtp=-math.inf,
        integrated_lufs=-math.inf,
        true_peak_dbtp=-math.inf,
    ),
    "that is not there": _changed(
        duration_s=0.0, voice_start_s=0.0, envelope=(), recorded_envelope=(), trimmed_head_s=0.0, trimmed_tail_s=0.0
    ),
    "at full scale": _changed(envelope=(1.0,) * 1000, recorded_envelope=(1.0,) * 880, recorded_true_peak_dbtp=-100.2),
}


def _border(image: Image.Image, width_px: int) -> set[object]:
    inside = image.copy()
    inside.paste(waveform.PAPER, (width_px, width_px, image.width - width_px, image.height - width_px))
    return {colour for _, colour in inside.getcolors(1 << 16) or ()}


@pytest.mark.parametrize("sound", ODD_SOUNDS.values(), ids=ODD_SOUNDS)
def test_there_is_a_picture_with_whole_margins_of_any_sound(sound: Sound, tmp_path: Path) -> None:
    assert _border(_draw(tmp_path, sound), 39) == {ImageColor.getrgb(waveform.PAPER)}


@pytest.mark.parametrize("title", ["好" * 24, "W" * 24, "听🎧听\n換行\t", ""], ids=["long", "wide", "strange", "empty"])
def test_there_is_a_picture_with_whole_margins_of_any_title(title: str, tmp_path: Path) -> None:
    image = _draw(tmp_path, title=title, number=99_999)
    assert _border(image, 39) == {ImageColor.getrgb(waveform.PAPER)}
    between = [image.getpixel((x, y)) for x in range(1370, 1390) for y in range(50, 130)]  # what was done stands right of it
    assert set(between) == {ImageColor.getrgb(waveform.PAPER)}

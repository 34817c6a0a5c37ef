"""Addresses: what is printed and subscribed to must come out the same for everybody, for ever."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline import addresses
from pipeline.model import Enclosure, Poster


def test_the_podcast_guid_is_the_one_the_namespace_documents() -> None:
    # The namespace's own example: mp3s.nashownotes.com/pc20rss.xml.
    assert addresses.podcast_guid("https://mp3s.nashownotes.com/pc20rss.xml") == "917393e3-1b1e-5cef-ace4-edaa54e1f810"


def test_scheme_and_trailing_slash_do_not_change_the_podcast_guid() -> None:
    assert addresses.podcast_guid("http://a.example/feed/") == addresses.podcast_guid("https://a.example/feed")


@given(st.sets(st.integers(min_value=1, max_value=10**6), min_size=2))
def test_every_number_has_its_own_guid(numbers: set[int]) -> None:
    podcast = addresses.podcast_guid("https://jixiang.example/feed.xml")
    assert len({addresses.episode_guid(podcast, number) for number in numbers}) == len(numbers)


def test_other_bytes_get_another_address(tmp_path: Path) -> None:
    first, second = (_picture(tmp_path / name, digest) for name, digest in (("a.jpg", "a" * 64), ("b.jpg", "b" * 64)))
    assert addresses.image_path(1, first) == "images/1-aaaaaaaaaaaa.jpg"
    assert addresses.image_path(1, second) == "images/1-bbbbbbbbbbbb.jpg"


def test_a_sound_is_named_by_number_and_content() -> None:
    enclosure = Enclosure(file=Path("x.mp3"), mime_type="audio/mpeg", size_bytes=1, sha256="0123456789abcdef" * 4, duration_s=1.0)
    assert addresses.sound_path(7, enclosure) == "audio/7-0123456789ab.mp3"


def test_the_address_of_a_copy_is_the_same_page_with_the_place_behind_it() -> None:
    page = addresses.page_url("https://jixiang.example/", 3)
    assert addresses.placement_url(page, "A1") == "https://jixiang.example/3/?A1"
    assert addresses.is_web_address(addresses.placement_url(page, "A1"))


def _picture(file: Path, sha256: str) -> Poster:
    return Poster(
        format="cover",
        label="封面",
        file=file,
        sha256=sha256,
        mime_type="image/jpeg",
        width_px=1,
        height_px=1,
        decodings=0,
        trials=0,
    )

"""A small site as browsers see it: the sample episodes with stand-ins for sound and poster, served on loopback."""

from __future__ import annotations

import hashlib
import math
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket

import imageio_ffmpeg
import uvicorn
from PIL import Image
from starlette.datastructures import Headers
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from pipeline import artefacts
from pipeline.captions import time_script
from pipeline.model import BuiltEpisode, Enclosure, Episode, Identity, Poster, Series, Sound, Span
from pipeline.page import render_pages

SHORT_S, LONG_S = 40, 320
RELEASED, LONG, UPCOMING, DEPARTED = 1, 2, 6, 9
PAGES = ("", "1/", "2/", "6/", "9/", "aspects/leisure/", "route/", "subscribe/", "about/", "no/such/page")
"""One page of each kind; the last is one that is not there."""


def make_site(series: Series, episodes: tuple[Episode, ...], folder: Path) -> Path:
    """Lay out a site in ``folder`` and return it: one episode longer than five minutes, one to come, one that has gone."""
    picture = folder / "poster.jpg"
    Image.effect_noise((930, 1240), 90).convert("RGB").save(picture, quality=20)
    built = []
    for episode in episodes:
        duration_s = LONG_S if episode.number == LONG else SHORT_S
        built.append(_build(episode, _tone(folder / f"{duration_s}.mp3", duration_s), duration_s, picture))
    gone = Identity(number=DEPARTED, guid="gone", page_url=f"{series.site_url}{DEPARTED}/")
    # The feed has a stage of its own.
    artefacts.lay_out(folder / "site", render_pages(series, built, [gone]) | {"feed.xml": b"<rss version='2.0'/>"})
    return folder / "site"


def _tone(file: Path, seconds: int) -> Path:
    """Write a sound so large that no browser takes it all at once when it is long."""
    if file.exists():
        return file
    tone = f"sine=frequency=220:duration={seconds}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", tone, "-b:a", "320k", str(file)]
    subprocess.run(command, check=True)
    return file


def _build(episode: Episode, sound_file: Path, duration_s: float, picture: Path) -> BuiltEpisode:
    sound = Sound(
        file=sound_file,
        duration_s=duration_s,
        voice_start_s=2.0,
        speech=(Span(start_s=2.0, end_s=duration_s - 2),),
        integrated_lufs=-16.0,
        loudness_range_lu=4.0,
        true_peak_dbtp=-1.2,
        envelope=tuple(abs(math.sin(frame / 7)) for frame in range(round(duration_s * 10))),
        recorded_lufs=-20.0,
        recorded_range_lu=9.0,
        recorded_true_peak_dbtp=-3.0,
        recorded_envelope=(),
        trimmed_head_s=0.0,
        trimmed_tail_s=0.0,
        most_limiting_db=2.0,
        renders=1,
        ffmpeg="9.0",
        warnings=(),
    )
    moment = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(days=episode.number)
    posters = tuple(
        Poster(
            format=name,
            label=name,
            file=picture,
            sha256=hashlib.sha256(picture.read_bytes()).hexdigest(),
            mime_type="image/jpeg",
            width_px=930,
            height_px=1240,
            decodings=1,
            trials=1,
        )
        for name in ("page", "cover")
    )
    return BuiltEpisode(
        episode=replace(episode, publish_at=moment),
        identity=Identity(
            number=episode.number, guid=f"guid-{episode.number}", page_url=f"https://jixiang.example/{episode.number}/"
        ),
        public=episode.number != UPCOMING,
        published_at=moment,
        sound=sound,
        captions=time_script(episode.script, sound),
        posters=posters,
        enclosure=Enclosure(
            file=sound_file,
            mime_type="audio/mpeg",
            size_bytes=sound_file.stat().st_size,
            sha256=hashlib.sha256(sound_file.read_bytes()).hexdigest(),
            duration_s=duration_s,
        ),
        alternates=(),
        transcripts=(),
        chapters=None,
    )


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request and what came of it; ``range`` is the header, empty without one."""

    path: str
    range: str
    status: int


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server of files on loopback, and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    def asked_for(self, suffix: str) -> list[Asked]:
        """Return the requests for paths that end so."""
        return [each for each in self.asked if each.path.endswith(suffix)]


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """Serve a folder as a host of files does: byte ranges, index.html for folders, 404.html for what is not there."""
    files = StaticFiles(directory=folder, html=True)
    with socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = Server(url=f"http://127.0.0.1:{listening.getsockname()[1]}/")

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            async def note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    wanted = Headers(scope=scope).get("range", "")
                    server.asked.append(Asked(path=scope["path"], range=wanted, status=message["status"]))
                await send(message)

            await files(scope, receive, note)

        runner = uvicorn.Server(uvicorn.Config(answer, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=runner.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            runner.should_exit = True
            runner.force_exit = True
            thread.join(timeout=10)

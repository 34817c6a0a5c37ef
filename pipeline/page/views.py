"""What the templates are handed: the series and its episodes with every address already worked out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from pipeline import addresses
from pipeline.model import Aspect, BuiltEpisode, Poster, Section, Series, Stop
from pipeline.page.walk import Leg, leg_between, walking_order
from pipeline.page.waveform import waveform_path

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One chapter of the words: ``start_s`` is None where its time is not known."""

    section: Section
    start_s: float | None


@dataclass(frozen=True, kw_only=True)
class EpisodeView:
    """An episode and the site-relative paths of what belongs to it; a path is empty where there is no such file."""

    built: BuiltEpisode
    poster: Poster | None
    poster_path: str
    cover_path: str
    sound_path: str
    waveform: str
    chapters: tuple[Chapter, ...]

    @property
    def public(self) -> bool:
        """Whether its sound and words may be on the site."""
        return self.built.public

    @property
    def number(self) -> int:
        """The number that its address is made of."""
        return self.built.identity.number

    @property
    def aspect(self) -> Aspect:
        """The aspect it belongs to."""
        return self.built.episode.aspect

    @property
    def stop(self) -> Stop:
        """The stop of the route where it is set."""
        return self.built.episode.stop


@dataclass(frozen=True, kw_only=True)
class NextStop:
    """The next stop that has something to listen to."""

    leg: Leg
    episode: EpisodeView


@dataclass(frozen=True, kw_only=True)
class Station:
    """A stop of the route, what can be heard there, and the way on; ``onward`` is None at the last one."""

    stop: Stop
    episodes: tuple[EpisodeView, ...]
    onward: Leg | None


@dataclass(frozen=True, kw_only=True)
class Library:
    """All episodes of the series, newest first."""

    series: Series
    released: tuple[EpisodeView, ...]
    upcoming: tuple[EpisodeView, ...]

    def of_aspect(self, aspect: Aspect) -> tuple[EpisodeView, ...]:
        """Return the released episodes of one aspect, newest first."""
        return tuple(view for view in self.released if view.aspect.key == aspect.key)

    def stations(self) -> tuple[Station, ...]:
        """Return the stops in walking order."""
        stops = walking_order(self.series.stops)
        return tuple(
            Station(stop=stop, episodes=self._at(stop), onward=leg_between(stop, after) if after else None)
            for stop, after in zip_longest(stops, stops[1:])
        )

    def next_stop(self, view: EpisodeView) -> NextStop | None:
        """Return the next stop on the route with a released episode; None at the last one."""
        for stop in walking_order(self.series.stops):
            episodes = self._at(stop)
            if stop.order > view.stop.order and episodes:
                return NextStop(leg=leg_between(view.stop, stop), episode=episodes[0])
        return None

    def _at(self, stop: Stop) -> tuple[EpisodeView, ...]:
        return tuple(view for view in self.released if view.stop.name == stop.name)


def shelve(series: Series, built: Sequence[BuiltEpisode]) -> Library:
    """Return all episodes as the pages show them; what is not public yet comes without sound, words or waveform."""
    newest_first = sorted(built, key=lambda one: (one.published_at, one.identity.number), reverse=True)
    views = tuple(_view(one) for one in newest_first)
    return Library(
        series=series,
        released=tuple(view for view in views if view.public),
        upcoming=tuple(reversed([view for view in views if not view.public])),
    )


def _view(built: BuiltEpisode) -> EpisodeView:
    number = built.identity.number
    posters = {poster.format: poster for poster in built.posters}
    page, cover = posters.get("page"), posters.get("cover")
    return EpisodeView(
        built=built,
        poster=page,
        poster_path=addresses.image_path(number, page.file) if page else "",
        cover_path=addresses.image_path(number, cover.file) if cover else "",
        sound_path=addresses.sound_path(number, built.enclosure) if built.public else "",
        waveform=waveform_path(built.sound.envelope) if built.public else "",
        chapters=_chapters(built) if built.public else (),
    )


def _chapters(built: BuiltEpisode) -> tuple[Chapter, ...]:
    """Pair the script's sections with their times: same headings, same order, as captions timed them."""
    times = [(cue.text, cue.start_s) for cue in built.captions.chapters]
    chapters = []
    for section in built.episode.script.sections:
        start_s = None
        if times and section.heading == times[0][0]:
            start_s = times.pop(0)[1]
        chapters.append(Chapter(section=section, start_s=start_s))
    return tuple(chapters)

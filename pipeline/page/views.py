"""What the templates are handed: the series and its episodes with every address already worked out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING

from pipeline import addresses
from pipeline.model import Aspect, BuiltEpisode, Poster, Series, Stop
from pipeline.page.shelves import Shelf, shelve_list
from pipeline.page.transcript import Chapter, time_sentences
from pipeline.page.walk import Leg, leg_between, walking_order
from pipeline.page.waveform import waveform_path

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORTH_CHAPTERS_S = 300
"""A shorter sound is found one's way in without a table of contents."""


@dataclass(frozen=True, kw_only=True)
class EpisodeView:
    """An episode and the site-relative paths of what belongs to it; a path is empty where there is no such file.

    What only its own page shows is worked out when that page is made: a thousand of them are never in memory together.
    """

    built: BuiltEpisode
    poster: Poster | None
    poster_path: str
    cover_path: str
    sound_path: str

    @property
    def public(self) -> bool:
        """Whether its sound and words may be on the site."""
        return self.built.public

    @property
    def retired(self) -> bool:
        """Whether it is in no list any more; its page stays."""
        return self.built.retired

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

    def waveform(self) -> str:
        """Return the SVG path of its sound."""
        return waveform_path(self.built.sound.envelope)

    def transcript(self) -> tuple[Chapter, ...]:
        """Return its words in sentences, with the time each is said."""
        return time_sentences(self.built.episode.script, self.built.captions)

    def chapters(self) -> tuple[tuple[str, float], ...]:
        """Return heading and start in seconds of each chapter; none for a sound of up to five minutes."""
        chapters = self.built.captions.chapters
        if self.built.enclosure.duration_s <= _WORTH_CHAPTERS_S or len(chapters) < 2:  # noqa: PLR2004  # one says nothing
            return ()
        return tuple((cue.text, cue.start_s) for cue in chapters)


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
    """All episodes of the series, newest first; ``retired`` ones stand in no list."""

    series: Series
    released: tuple[EpisodeView, ...]
    upcoming: tuple[EpisodeView, ...]
    retired: tuple[EpisodeView, ...]

    @cached_property
    def shelves(self) -> tuple[Shelf, ...]:
        """All released episodes in pages, the newest one first."""
        return shelve_list(self.released, "", "episodes/")

    def shelves_of(self, aspect: Aspect) -> tuple[Shelf, ...]:
        """Return the released episodes of one aspect in pages, the newest one first."""
        path = f"aspects/{aspect.key}/"
        return shelve_list(self._by_aspect.get(aspect.key, ()), path, path)

    def count_of(self, aspect: Aspect) -> int:
        """Return how many episodes of an aspect are released."""
        return len(self._by_aspect.get(aspect.key, ()))

    @cached_property
    def stations(self) -> tuple[Station, ...]:
        """The stops in walking order."""
        stops = walking_order(self.series.stops)
        return tuple(
            Station(stop=stop, episodes=self._by_stop.get(stop.name, ()), onward=leg_between(stop, after) if after else None)
            for stop, after in zip_longest(stops, stops[1:])
        )

    def next_stop(self, view: EpisodeView) -> NextStop | None:
        """Return the next stop on the route with a released episode, and the newest there; None after the last one."""
        for station in self.stations:
            if station.stop.order > view.stop.order and station.episodes:
                return NextStop(leg=leg_between(view.stop, station.stop), episode=station.episodes[0])
        return None

    @cached_property
    def _by_aspect(self) -> dict[str, tuple[EpisodeView, ...]]:
        return {
            key: tuple(view for view in self.released if view.aspect.key == key)
            for key in dict.fromkeys(view.aspect.key for view in self.released)
        }

    @cached_property
    def _by_stop(self) -> dict[str, tuple[EpisodeView, ...]]:
        return {
            name: tuple(view for view in self.released if view.stop.name == name)
            for name in dict.fromkeys(view.stop.name for view in self.released)
        }


def arrange(series: Series, built: Sequence[BuiltEpisode]) -> Library:
    """Return all episodes as the pages show them."""
    newest_first = sorted(built, key=lambda one: (one.published_at, one.identity.number), reverse=True)
    views = tuple(_view(one) for one in newest_first)
    return Library(
        series=series,
        released=tuple(view for view in views if view.public and not view.retired),
        upcoming=tuple(reversed([view for view in views if not view.public])),
        retired=tuple(view for view in views if view.public and view.retired),
    )


def _view(built: BuiltEpisode) -> EpisodeView:
    number = built.identity.number
    posters = {poster.format: poster for poster in built.posters}
    page, cover = posters.get("page"), posters.get("cover")
    return EpisodeView(
        built=built,
        poster=page,
        poster_path=addresses.image_path(number, page) if page else "",
        cover_path=addresses.image_path(number, cover) if cover else "",
        sound_path=addresses.sound_path(number, built.enclosure) if built.public else "",
    )

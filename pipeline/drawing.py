"""All that is drawn for an episode: its posters, a copy of each printed one for every place, and the list of the places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import artefacts, poster
from pipeline.errors import AuthorError, DesignError, Problem
from pipeline.model import BuiltEpisode, Episode, Files, Identity, Placement, Poster, Series, Sound, Wording
from pipeline.poster import PosterFormat


@dataclass(frozen=True, kw_only=True)
class Studio:
    """What all posters of a build are drawn with. ``designs`` is the folder of the workspace's own poster designs.

    ``placements`` are those of ``table``, which is placements.csv.
    """

    series: Series
    formats: Mapping[str, PosterFormat]
    designs: Path
    placements: tuple[Placement, ...]
    table: Path
    shop: artefacts.Workshop

    @property
    def copied(self) -> tuple[PosterFormat, ...]:
        """The formats that each place gets a copy of: printed, with a code."""
        return tuple(each for each in self.formats.values() if each.place == "print" and each.code)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What was drawn for an episode; ``copies`` by the placement's id, ``sheet`` shows all formats side by side."""

    posters: tuple[Poster, ...]
    sheet: Path
    copies: Mapping[str, tuple[Poster, ...]]
    overview: Path | None


def check_posters(studio: Studio, episode: Episode, identity: Identity) -> None:
    """Refuse in a moment what would stop the posters minutes later: a sign no font has, a title that does not fit.

    Raises:
        AuthorError: what stands in the script, series.toml or placements.csv.
        DesignError: the photo, or what a designer has to mend.
    """
    wording, design = _wording(studio.series, episode, identity, duration_s=0.0), _design(studio, episode)
    script = poster.Written(file=episode.folder / "script.md", lines=episode.lines)
    series = poster.Written(file=studio.series.file, lines=studio.series.lines)
    problems = poster.check_episode(wording, design, studio.formats.values(), script, series)
    problems = problems or poster.check_copies(wording, design, studio.copied, _places(studio, episode), studio.table)
    if problems:
        raise AuthorError(problems)
    if episode.photo is not None and (problems := poster.check_photo(episode.photo.file)):
        raise DesignError(problems)


def draw_posters(studio: Studio, episode: Episode, identity: Identity, sound: Sound) -> Drawn:
    """Return an episode's posters in all formats and their copies, each scanned again."""
    name, design = f"第 {episode.number} 期", _design(studio, episode)
    wording = _wording(studio.series, episode, identity, sound.duration_s)
    drawing = [
        studio.shop.start(f"{name} {each.label}", poster.compose, each, wording, sound, design, suffix=each.suffix)
        for each in studio.formats.values()
    ]
    posters = {made.format: made for made in (future.result() for future in drawing)}
    shown = _in_order(studio, posters)
    sheet = studio.shop.start(f"{name} 各版面一览", poster.draw_sheet, f"{name}　{episode.title}", shown, design, suffix=".jpg")
    places = _places(studio, episode) if studio.copied else ()
    if not places:
        return Drawn(posters=tuple(posters.values()), sheet=sheet.result().file, copies={}, overview=None)
    listing = (episode.number, episode.title, identity.page_url, places, design)
    overview = studio.shop.start(f"{name} 点位总览", poster.draw_overview, *listing, suffix=".pdf")
    copying = {
        place.id: [
            studio.shop.start(
                f"{name} {each.label} 点位 {place.id}",
                poster.compose_copy,
                each,
                wording,
                place.id,
                design,
                posters[each.name].file,
                suffix=each.suffix,
            )
            for each in studio.copied
        ]
        for place in places
    }
    copies = {place_id: tuple(future.result() for future in futures) for place_id, futures in copying.items()}
    return Drawn(posters=tuple(posters.values()), sheet=sheet.result().file, copies=copies, overview=overview.result().file)


def draw_series(studio: Studio) -> tuple[Poster, ...]:
    """Return the series' own posters: all that is printed or shared, the cover among them.

    Raises:
        AuthorError: series.toml holds what they cannot show.
    """
    wording = poster.SeriesWording(
        title=studio.series.title,
        subtitle=studio.series.subtitle,
        headline=studio.series.author,
        summary=studio.series.description,
        signature=studio.series.poster_signature,
        stop_count=len(studio.series.stops),
        site_url=studio.series.site_url,
    )
    design = poster.load_design(poster.SERIES, studio.designs)
    formats = [each for each in studio.formats.values() if each.place in ("print", "social") or each.name == "cover"]
    problems = poster.check_series(wording, design, formats, poster.Written(file=studio.series.file, lines=studio.series.lines))
    if problems:
        raise AuthorError(problems)
    drawing = [
        studio.shop.start(f"系列 {each.label}", poster.compose_series, each, wording, design, suffix=each.suffix)
        for each in formats
    ]
    return tuple(future.result() for future in drawing)


def bind_series(studio: Studio, series: Sequence[Poster], built: Sequence[BuiltEpisode], standing: Mapping[int, Path]) -> Path:
    """Return the smallest printed sheet of the series and of each episode, in one PDF.

    ``standing`` are the folders of episodes that are not made anew, by number: their sheets stay in it.
    """
    printed = [each for each in studio.formats.values() if each.print]
    smallest = min(printed, key=lambda each: each.print.trim_width_mm if each.print else 0.0).name
    sheets = {number: folder / f"{smallest}.pdf" for number, folder in standing.items()}
    sheets |= {made.identity.number: _file_of(smallest, made.posters) for made in built}
    pages = [_file_of(smallest, series), *(sheets[number] for number in sorted(sheets) if sheets[number].is_file())]
    return studio.shop.start("系列合订本", poster.bind, tuple(pages), suffix=".pdf").result().file


def _file_of(name: str, posters: Sequence[Poster]) -> Path:
    return next(each.file for each in posters if each.format == name)


def _in_order(studio: Studio, posters: Mapping[str, Poster]) -> tuple[Poster, ...]:
    """Return what people see of an episode: printed sheets by size, then pictures; the one inside the sound left out."""
    shown = [each for each in studio.formats.values() if each.place != "tag"]
    shown.sort(key=lambda each: (not each.print, each.print.trim_width_mm if each.print else each.width_mm / each.height_mm))
    return tuple(posters[each.name] for each in shown)


def shared_files(studio: Studio, built: BuiltEpisode) -> Files:
    """Return all that is shared on screens, and the sheet that shows every format."""
    return files_for("social", studio, built.posters) | ({"sheet.jpg": built.sheet} if built.sheet else {})


def files_for(place: str, studio: Studio, posters: Sequence[Poster]) -> Files:
    """Return the posters whose format belongs to that place, such as ``print``, under the names that staff see."""
    return {f"{made.format}{made.file.suffix}": made.file for made in posters if studio.formats[made.format].place == place}


def printed_files(studio: Studio, built: BuiltEpisode) -> Files:
    """Return all that is printed of an episode: its posters, a folder a place for the copies, and the list of the places."""
    files = files_for("print", studio, built.posters)
    for placement_id, copies in built.copies.items():
        files |= {f"{placement_id}/{name}": file for name, file in files_for("print", studio, copies).items()}
    return files | ({"overview.pdf": built.overview} if built.overview else {})


def hung_placements(studio: Studio, built: Sequence[BuiltEpisode]) -> tuple[Placement, ...]:
    """Return the placements that copies were made for."""
    return tuple(each for each in studio.placements if any(each.id in made.copies for made in built))


def hard_to_scan(studio: Studio, built: Sequence[BuiltEpisode]) -> tuple[Problem, ...]:
    """Return a reminder for the copy with the longest address, if that is one that scans less well."""
    copied = [(made.identity.page_url, place) for made in built for place in studio.placements if place.id in made.copies]
    longest = max(copied, key=lambda copy: len(copy[0]) + len(copy[1].id), default=None)
    return poster.hard_to_scan(*longest, studio.table) if longest else ()


def coarse_photos(studio: Studio, built: Sequence[BuiltEpisode]) -> tuple[Problem, ...]:
    """Return a reminder for each photo that is too small for some printed format."""
    photos = [made.episode.photo for made in built if made.episode.photo]
    return tuple(problem for photo in photos for problem in poster.coarse_photo(photo, studio.formats.values()))


def _places(studio: Studio, episode: Episode) -> tuple[Placement, ...]:
    return tuple(placement for placement in studio.placements if placement.shows(episode.number))


def _design(studio: Studio, episode: Episode) -> poster.Design:
    return replace(poster.load_design(episode.aspect.key, studio.designs), photo=episode.photo)


def _wording(series: Series, episode: Episode, identity: Identity, duration_s: float) -> Wording:
    return Wording(
        series_title=series.title,
        signature=series.poster_signature,
        number=episode.number,
        title=episode.title,
        subtitle=episode.subtitle,
        summary=episode.summary,
        aspect=episode.aspect,
        stop_name=episode.stop.name,
        stop_order=episode.stop.order,
        stop_count=len(series.stops),
        duration_s=duration_s,
        spoken_languages=episode.spoken_languages,
        synthetic_voice=episode.synthetic_voice,
        page_url=identity.page_url,
        photo_credit=episode.photo_credit if episode.photo else "",
    )

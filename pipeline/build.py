"""The order of the stages, and nothing else: read this first.

read → identify → hear → time → compose → tag, for each episode; then pages and feed for all of them, laid out.
"""

from __future__ import annotations

import dataclasses
import zoneinfo
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pipeline import addresses, artefacts, audio, captions, drawing, gate, ledger, poster, report, site, source
from pipeline.errors import AuthorError, JixiangError, Problem, PromiseError
from pipeline.ledger import Ledger
from pipeline.model import (
    Attachment,
    BuiltEpisode,
    Captions,
    Episode,
    Identity,
    Placement,
    Poster,
    Series,
    Sound,
    TagFields,
)

R = TypeVar("R")
_EPISODES_AT_ONCE = 8
SERIES_FILE, LEDGER_FILE, PLACEMENTS_FILE = "series.toml", "ledger.jsonl", "placements.csv"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a build made.

    ``site_laid_out`` is False where the site was left as it was, because an episode in it is not sound any more. ``voided`` are
    the recorded identities that were replaced before release: posters printed with them lead nowhere. ``notes`` are what is to be
    known of placements.csv and need not be mended.
    """

    series: Series
    out: Path
    built: tuple[BuiltEpisode, ...]
    failures: tuple[JixiangError, ...]
    voided: tuple[Identity, ...]
    notes: tuple[Problem, ...]
    site_laid_out: bool


def build(
    workspace: Path,
    out: Path,
    *,
    numbers: Sequence[int] | None,
    now: datetime,
    frozen: bool = False,
    strict: bool = False,
    progress: artefacts.Progress = lambda _name, _state: None,
) -> Outcome:
    """Build the episodes with these ``numbers`` (None: all), lay everything out in ``out``, and return what was made.

    ``now`` without a zone is the series' own time. The episodes that the ledger knows are reused or made as well, because the
    site holds them all. Episodes that are not sound are listed in the outcome; they stop no other. ``strict`` makes binding what
    is only good manners in a feed.

    Raises:
        AuthorError: series.toml or placements.csv is not right, or there is no such number.
        PromiseError: something would break a promise, or ``frozen`` forbids a new line in the ledger.
        MachineError, LockedError: ``out`` cannot be written, or another build is at work in it.
    """
    series = source.read_series(workspace / SERIES_FILE)
    promises = ledger.read_ledger(workspace / LEDGER_FILE)
    reading = source.read_episodes(workspace, series)
    placements = source.read_placements(workspace / PLACEMENTS_FILE)
    chosen = _choose(reading, promises, numbers, workspace)
    _keep_promises(promises, series, reading, placements, out)
    now = now if now.tzinfo else now.replace(tzinfo=zoneinfo.ZoneInfo(series.timezone))
    identities = {episode.number: ledger.identify(promises, series, episode) for episode in chosen}
    if frozen:
        wanted = [each for each in placements if any(each.shows(number) for number in identities)]
        _refuse_new_lines(promises, series, identities, wanted)
    failures: list[JixiangError] = [broken.error for broken in reading.broken if _concerns(broken, reading, promises, numbers)]
    if failures and not chosen:
        return Outcome(series=series, out=out, built=(), failures=tuple(failures), voided=(), notes=(), site_laid_out=False)
    with (
        artefacts.claimed(out),
        ThreadPoolExecutor(_EPISODES_AT_ONCE) as side_by_side,
        artefacts.workshop(out / "store", progress) as shop,
    ):
        studio = drawing.Studio(
            series=series,
            formats=poster.load_formats(workspace / "posters"),
            designs=workspace / "posters",
            placements=placements,
            table=workspace / PLACEMENTS_FILE,
            shop=shop,
        )
        run = _Run(series=series, promises=promises, now=now, studio=studio, shop=shop)
        in_work = {
            episode.number: side_by_side.submit(_make_episode, run, episode, identities[episode.number]) for episode in chosen
        }
        own = _result(side_by_side.submit(drawing.draw_series, studio), failures)
        cover = next((each for each in own or () if each.format == "cover"), None)
        built = [made for future in in_work.values() if (made := _result(future, failures)) is not None]
        built = [_with_twin_named(each, built) for each in built]
        numbers_made = {each.identity.number for each in built}
        unsound = gate.unread_numbers(promises, reading) | (in_work.keys() - numbers_made)
        hung = drawing.hung_placements(studio, built)
        lines = ledger.new_lines(promises, series, [each.identity for each in built], hung) if built else ()
        if lines:
            artefacts.append_lines(promises.file, lines, drop_torn_line=promises.torn)
        earlier = _result(side_by_side.submit(site.earlier_sounds, shop.store, promises, built, unsound), failures)
        verdict = None
        if cover is not None and earlier is not None and not _would_lose(unsound, promises, out):
            departed = [each for number, each in promises.identities.items() if number not in numbers_made | unsound]
            files = site.assemble(series, studio.designs, promises, built, departed, earlier, cover)
            verdict = site.lay_out(files, out / "site", series, promises, strict=strict)
            failures += verdict.errors
        _lay_out_posters(run, out, built, own, kept={*map(str, unsound)})
    return Outcome(
        series=series,
        out=out,
        built=tuple(each for each in built if numbers is None or each.identity.number in numbers),
        failures=tuple(failures),
        voided=ledger.voided_codes(promises, [each.identity for each in built]),
        notes=(
            *ledger.voided_placements(promises, hung, studio.table),
            *drawing.hard_to_scan(studio, built),
            *drawing.coarse_photos(studio, built),
            *(verdict.notes if verdict else ()),
        ),
        site_laid_out=verdict is not None and not verdict.errors,
    )


def _result(future: Future[R], failures: list[JixiangError]) -> R | None:
    """Return what was made, or None with the failure added: one episode stops no other."""
    try:
        return future.result()
    except JixiangError as error:
        failures.append(error)
        return None


# Which episodes


def _choose(reading: source.Reading, promises: Ledger, numbers: Sequence[int] | None, workspace: Path) -> tuple[Episode, ...]:
    """Return the episodes to make: those asked for, and those whose identity is on record."""
    if not reading.episodes and not reading.broken:
        cause, fix = "这里还没有一期节目", "用 -C 指到放节目的文件夹；新的一期先建好文件夹，放进 script.md 和录音"
        raise AuthorError([Problem(place=workspace, cause=cause, fix=fix, code="JX-A61")])
    if numbers is None:
        return reading.episodes
    known = {episode.number for episode in reading.episodes} | {broken.number for broken in reading.broken}
    missing = [number for number in dict.fromkeys(numbers) if number not in known]
    if missing and not any(broken.number is None for broken in reading.broken):
        cause = f"没有第 {'、'.join(map(str, missing))} 期"
        present = "、".join(str(episode.number) for episode in reading.episodes)
        fix = f"现有第 {present} 期；新的一期要先建好文件夹" if present else "先建好这一期的文件夹，放进 script.md 和录音"
        raise AuthorError([Problem(place=workspace, cause=cause, fix=fix, code="JX-A60")])
    return tuple(each for each in reading.episodes if each.number in numbers or each.number in promises.identities)


def _concerns(broken: source.BrokenFolder, reading: source.Reading, promises: Ledger, numbers: Sequence[int] | None) -> bool:
    """Tell whether whoever asked for ``numbers`` must hear of a broken folder: somebody's new draft is none of their business."""
    missing = promises.identities.keys() - {episode.number for episode in reading.episodes}
    return numbers is None or broken.number is None or broken.number in numbers or bool(missing)


def _keep_promises(promises: Ledger, series: Series, reading: source.Reading, placements: Sequence[Placement], out: Path) -> None:
    if not promises.file.exists() and (out / "site" / "feed.xml").exists():
        cause = f"台账不见了，而 {out / 'site'} 里已有做好的网站；没有台账，已发布的期数和网址就没有了凭据"
        fix = "发布过的，运行 jixiang restore 从网站上取回来；没有发布过、要从头开始，先把 out 文件夹挪走"
        raise PromiseError([Problem(place=promises.file, cause=cause, fix=fix, code="JX-P09")])
    problems = gate.broken_promises(promises, series, reading, placements, promises.file.with_name(PLACEMENTS_FILE))
    if problems:
        raise PromiseError(problems)


def _refuse_new_lines(
    promises: Ledger, series: Series, identities: Mapping[int, Identity], placements: Sequence[Placement]
) -> None:
    lines = ledger.new_lines(promises, series, list(identities.values()), placements)
    if lines:
        cause = f"台账里还少 {len(lines)} 行，而 --frozen 不许添加"
        fix = "先在自己的电脑上不带 --frozen 做一次，把 ledger.jsonl 一起提交"
        raise PromiseError([Problem(place=promises.file, cause=cause, fix=fix, code="JX-P06")])


def _would_lose(broken: set[int], promises: Ledger, out: Path) -> bool:
    """Tell whether a new layout would take away a page or a sound that is already out: then the old one stays whole."""
    return any(number in promises.releases or (out / "site" / str(number)).is_dir() for number in broken)


# Making


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One build: what all its episodes need."""

    series: Series
    promises: Ledger
    now: datetime
    studio: drawing.Studio
    shop: artefacts.Workshop


def _make_episode(run: _Run, episode: Episode, identity: Identity) -> BuiltEpisode:
    """Take one episode through its stages."""
    drawing.check_posters(run.studio, episode, identity)
    series, name, release = run.series, f"第 {episode.number} 期", run.promises.releases.get(episode.number)
    # A correction that was decided and is not out yet needs its sound made once more.
    frozen = None if run.promises.pending_correction(episode.number) else release
    rendering = run.shop.start(f"{name} 声音", audio.normalize, episode.recording, series.theme, episode.sound, suffix=".mp3")
    # What subscribers have is all that is offered: a release gets no further container later.
    rendering_also = [] if frozen else _start_alternates(run, episode)
    sound = rendering.result()
    lexicon = captions.lexicon_for(episode.script, series.lexicon)
    # Which of the two it is, is part of what the result is kept under: installing the extra times every script anew.
    time_words = captions.time_by_ear if captions.available() else captions.time_script
    timing = run.shop.start(f"{name} 字幕", time_words, episode.script, sound, lexicon)
    drawn = drawing.draw_posters(run.studio, episode, identity, sound)
    inside = next(each.file for each in drawn.posters if run.studio.formats[each.format].place == "tag")
    fields = _tag_fields(series, episode, identity)
    timed = timing.result()
    if episode.captions:
        timed = captions.use_handmade(timed, episode.captions, episode.script, sound.duration_s)
    tagging = [
        run.shop.start(
            f"{name} 标签 {each.file.suffix}", audio.tag, each, fields, timed.chapters, inside, suffix=each.file.suffix
        )
        for each in (sound, *(future.result() for future in rendering_also))
    ]
    tagged = [future.result() for future in tagging]
    kept = [site.released_sound(run.shop.store, each) for each in (frozen, *frozen.alternates)] if frozen else tagged
    transcripts, chapters = _attachments(series, episode, timed)
    return BuiltEpisode(
        episode=episode,
        identity=identity,
        public=release is not None or episode.publish_at <= run.now,
        published_at=release.published_at if release else episode.publish_at,
        retired=episode.number in run.promises.retirements,
        sound=sound,
        captions=timed,
        posters=drawn.posters,
        copies=drawn.copies,
        overview=drawn.overview,
        sheet=drawn.sheet,
        enclosure=kept[0],
        alternates=tuple(kept[1:]),
        transcripts=transcripts,
        chapters=chapters,
    )


def _with_twin_named(made: BuiltEpisode, built: Sequence[BuiltEpisode]) -> BuiltEpisode:
    """Return the episode, with a word about the other one whose script its recording seems to be of."""
    if made.episode.captions or not made.captions.disagreements:
        return made
    others = {each.identity.number: each.episode.script for each in built if each is not made}
    number = captions.closest_script(made.sound, made.episode.script, others)
    if number is None:
        return made
    said = f"按停顿和语速看，这份录音更像第 {number} 期的稿子：是不是放错了文件夹"
    return dataclasses.replace(
        made, captions=dataclasses.replace(made.captions, disagreements=(*made.captions.disagreements, said))
    )


def _start_alternates(run: _Run, episode: Episode) -> list[Future[Sound]]:
    """Return the coming sounds of an episode in the further containers that it is offered in."""
    return [
        run.shop.start(
            f"第 {episode.number} 期 声音 {container}",
            audio.normalize,
            episode.recording,
            run.series.theme,
            dataclasses.replace(episode.sound, container=container),
            suffix=f".{container}",
        )
        for container in episode.also
    ]


def _tag_fields(series: Series, episode: Episode, identity: Identity) -> TagFields:
    published_at = episode.publish_at.astimezone(zoneinfo.ZoneInfo(series.timezone))
    return TagFields(
        title=episode.title,
        series_title=series.title,
        host=episode.host or series.author,
        number=episode.number,
        published_on=published_at.date().isoformat(),
        synthetic_voice=episode.synthetic_voice,
        page_url=identity.page_url,
    )


def _attachments(series: Series, episode: Episode, timing: Captions) -> tuple[tuple[Attachment, ...], Attachment | None]:
    """Return the transcripts, WebVTT first because Apple reads the first it knows, and the chapters."""
    texts = (
        ("text/vtt", ".vtt", captions.to_webvtt(timing, series.language, series.lexicon)),
        ("application/x-subrip", ".srt", captions.to_srt(timing, series.lexicon)),
        ("application/json", ".json", captions.to_json(timing)),
    )
    transcripts = []
    for mime_type, suffix, text in texts if timing.cues else ():
        content = text.encode()
        path = addresses.transcript_path(episode.number, content, suffix)
        transcripts.append(Attachment(path=path, mime_type=mime_type, content=content))
    if not timing.chapters:
        return tuple(transcripts), None
    content = captions.chapters_json(
        timing, title=episode.title, podcast_name=series.title, stop=episode.stop, route=series.stops
    ).encode()
    path = addresses.chapters_path(episode.number, content)
    return tuple(transcripts), Attachment(path=path, mime_type="application/json+chapters", content=content)


# Laying out


def _lay_out_posters(
    run: _Run, out: Path, built: Sequence[BuiltEpisode], series: Sequence[Poster] | None, *, kept: set[str]
) -> None:
    """Lay out what is printed, shared and reported; ``kept`` names the episodes of which everything stays as it is."""
    studio = run.studio
    standing = {int(name): out / "print" / name for name in kept}
    bound = {"series.pdf": drawing.bind_series(studio, series, built, standing)} if series is not None else {}
    stays = kept if series is not None else kept | {"series", "series.pdf"}
    for place, files_of in (("print", drawing.printed_files), ("social", drawing.shared_files)):
        files: dict[str, bytes | Path] = {
            f"{each.identity.number}/{name}": file for each in built for name, file in files_of(studio, each).items()
        }
        files |= {f"series/{name}": file for name, file in drawing.files_for(place, studio, series or ()).items()}
        files |= bound if place == "print" else {}
        there = [file.relative_to(out / place) for file in (out / place).rglob("*") if file.is_file()]
        files |= {path.as_posix(): out / place / path for path in there if path.parts[0] in stays}
        artefacts.lay_out(out / place, files)
    reports = report.render_reports(built, _draw_waveforms(run, built))
    reports |= {file.name: file.read_bytes() for file in (out / "report").glob("*.*") if file.stem in kept}
    artefacts.lay_out(out / "report", reports)


def _draw_waveforms(run: _Run, built: Sequence[BuiltEpisode]) -> dict[int, Path]:
    """Return the picture of each episode's sound before and after, in the colour and fonts of its poster."""
    drawing = {}
    for each in built:
        episode, number = each.episode, each.identity.number
        design = poster.load_design(episode.aspect.key, run.studio.designs)
        look = report.Look(
            colour=design.main,
            serif_black=design.serif_black.font_for(episode.title).file,  # the title's: it may hold a rare character
            sans_bold=design.sans_bold.file,
            sans_regular=design.sans_regular.file,
        )
        arguments = number, episode.title, each.sound, episode.sound.target.integrated_lufs, look
        drawing[number] = run.shop.start(f"第 {number} 期 声音对比图", report.draw_waveforms, *arguments, suffix=".png")
    return {number: future.result().file for number, future in drawing.items()}

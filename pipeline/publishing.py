"""From the sources to the public and back: build for now, publish, and restore what is missing here."""

from __future__ import annotations

import dataclasses
import hashlib
import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline import addresses, artefacts, ledger, publish, source
from pipeline.build import LEDGER_FILE, SERIES_FILE, Outcome, build
from pipeline.errors import AuthorError, Problem, PromiseError, PublishError, telling_what_cannot_be_read
from pipeline.ledger import Ledger
from pipeline.model import BuiltEpisode, Destination, ReleasedFile, Series
from pipeline.site import find_released

LEDGER_COPY = "ledger.jsonl"
"""Where the ledger's copy lies at a destination."""

Transfer = Callable[[str, int, int], None]
"""Told what is going on, and how many bytes of how many are through."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What was built and where it went; ``published`` is None where only the plan was asked for.

    ``plan`` is None where the build left the site as it was: then nothing goes out. ``released`` are the numbers that this
    publishing promised.
    """

    destination: Destination
    outcome: Outcome
    plan: publish.Plan | None
    published: publish.Published | None
    released: tuple[int, ...]


def publish_series(
    workspace: Path,
    out: Path,
    name: str | None,
    *,
    now: datetime,
    dry_run: bool = False,
    prune: int | None = None,
    progress: artefacts.Progress = lambda _name, _state: None,
    transfer: Transfer = lambda _what, _done, _all: None,
) -> Publication:
    """Build everything for ``now`` and put it out at the destination called ``name`` (None: the only one).

    The feed goes up last, after everything that it names was fetched back and the releases stand in the ledger.

    Raises:
        AuthorError: JX-A63, there is no such destination; or what ``build`` raises.
        PromiseError: JX-P12, the published ledger has lines that ours lacks; JX-P13, ``now`` lies ahead of the clock.
        PublishError: the store or its web server does not do what it must.
    """
    series = source.read_series(workspace / SERIES_FILE)
    destination = choose_destination(series, name)
    now = now if now.tzinfo else now.replace(tzinfo=zoneinfo.ZoneInfo(series.timezone))
    if destination.public and now > datetime.now(UTC):
        cause, fix = "正式发布只能按现在的时间：提前放出去的节目收不回来", "去掉 --now；只想看看，就发到 public = false 的地方"
        raise PromiseError([Problem(place=series.file, cause=cause, fix=fix, code="JX-P13")])
    place = publish.open_place(destination, workspace, artefacts.write)
    _refuse_lost_lines(workspace / LEDGER_FILE, publish.read_published(place, LEDGER_COPY))
    # Held from the build to the end: what goes out is what was built.
    with artefacts.claimed(out):
        outcome = build(workspace, out, numbers=None, now=now, progress=progress)
        built = Publication(destination=destination, outcome=outcome, plan=None, published=None, released=())
        if not outcome.site_laid_out:
            return built
        site = out / "site"
        files = {file.relative_to(site).as_posix(): file for file in sorted(site.rglob("*")) if file.is_file()}
        plan = publish.plan(files, place)
        if dry_run:
            return dataclasses.replace(built, plan=plan)
        # Once more: building takes its time, and somebody else may have published meanwhile.
        _refuse_lost_lines(workspace / LEDGER_FILE, publish.read_published(place, LEDGER_COPY))
        promises = ledger.read_ledger(workspace / LEDGER_FILE)
        due = _due(promises, outcome.built) if destination.public else ()
        published = publish.publish(
            plan,
            place,
            destination.fetch_url,
            codes=tuple(_codes(outcome, promises, destination)),
            release=lambda: _release(promises, due, now),
            kept={file.path for number in promises.files for file in promises.files[number]},
            prune=prune,
            progress=transfer,
        )
        released = tuple(each.identity.number for each in due)
        return dataclasses.replace(built, plan=plan, published=published, released=released)


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was fetched back: lines of the ledger, and paths of sounds in out/site."""

    destination: Destination
    lines: int
    files: tuple[str, ...]


def restore(workspace: Path, out: Path, name: str | None, *, transfer: Transfer = lambda _what, _done, _all: None) -> Restored:
    """Fetch back what the destination called ``name`` (None: the only one) has and is missing here.

    Lines of the ledger first, then each released sound; a sound counts only with the very bytes that were released.

    Raises:
        AuthorError: JX-A63, there is no such destination.
        PublishError: it cannot be fetched; JX-U41, what is there is not what was released.
    """
    series = source.read_series(workspace / SERIES_FILE)
    destination = choose_destination(series, name)
    file = workspace / LEDGER_FILE
    theirs = publish.fetch(destination.fetch_url, LEDGER_COPY).decode(errors="replace")
    with artefacts.claimed(out):
        torn = ledger.read_ledger(file).torn
        lines = ledger.missing_lines(_read(file), theirs)
        if lines:
            artefacts.append_lines(file, lines, drop_torn_line=torn)
        promises = ledger.read_ledger(file)
        promised = [each for files in promises.files.values() for each in files]
        missing = [each for each in promised if find_released(out / "store", each) is None]
        _fetch_sounds(destination, out / "site", missing, transfer)
    return Restored(destination=destination, lines=len(lines), files=tuple(each.path for each in missing))


def choose_destination(series: Series, name: str | None) -> Destination:
    """Return the destination called ``name``; without a name the only one, or the only public one."""
    known = series.destinations
    if name is not None:
        found = [each for each in known if each.name == name]
    else:
        found = [*known] if len(known) == 1 else [each for each in known if each.public]
    if len(found) == 1:
        return found[0]
    names = "、".join(each.name for each in known)
    if not known:
        cause, fix = "series.toml 里没有写发布到哪里", "照 docs/publishing.zh.md 加上 [destinations.website] 这一段"
    elif name is not None:
        cause, fix = f"series.toml 里没有叫“{name}”的发布地点", f"写成 {names} 之一"
    else:
        cause, fix = f"有 {len(known)} 个发布地点，不知道发到哪一个", f"写明一个：{names}"
    place = Problem(place=series.file, line=series.lines.get("destinations"), cause=cause, fix=fix, code="JX-A63")
    raise AuthorError([place])


def _refuse_lost_lines(file: Path, copy: bytes | None) -> None:
    missing = ledger.missing_lines(_read(file), (copy or b"").decode(errors="replace"))
    if missing:
        cause = f"网站上的台账里有 {len(missing)} 行是这里没有的：别人从另一台电脑发布过，或这里的台账是旧的"
        fix = "先运行 jixiang restore 把它们取回来，再发布"
        raise PromiseError([Problem(place=file, cause=cause, fix=fix, code="JX-P12")])


def _read(file: Path) -> str:
    with telling_what_cannot_be_read(file):
        return file.read_bytes().decode("utf-8-sig", errors="replace") if file.is_file() else ""


def _due(promises: Ledger, built: Sequence[BuiltEpisode]) -> tuple[BuiltEpisode, ...]:
    """Return the episodes whose sound nobody has promised yet: new ones, and corrected ones."""

    def unpromised(number: int) -> bool:
        return number not in promises.releases or promises.pending_correction(number) is not None

    return tuple(each for each in built if each.public and not each.retired and unpromised(each.identity.number))


def _release(promises: Ledger, due: Sequence[BuiltEpisode], now: datetime) -> bytes:
    """Write the release lines, synced, and return the ledger as it is then."""
    lines = []
    for each in due:
        correction = promises.pending_correction(each.identity.number)
        lines.append(
            ledger.release_line(
                each.identity,
                each.enclosure,
                each.published_at,
                artefacts.digest(each.episode.recording),
                released_at=now.astimezone(UTC),
                alternates=each.alternates,
                corrects=correction.decided_at.isoformat() if correction else "",
            )
        )
    if lines:
        artefacts.append_lines(promises.file, lines)
    return promises.file.read_bytes()


def _codes(outcome: Outcome, promises: Ledger, destination: Destination) -> Iterator[publish.Code]:
    """Yield what each printed code holds, as it must answer at the destination; also those whose folder is gone."""
    placements = {each.identity.number: tuple(each.copies) for each in outcome.built}
    for number, identity in sorted(promises.identities.items()):
        path = f"{number}/index.html"
        if not (outcome.out / "site" / path).is_file():
            continue
        page_url = destination.fetch_url + identity.page_url.removeprefix(outcome.series.site_url)
        for url in (page_url, *(addresses.placement_url(page_url, each) for each in placements.get(number, ()))):
            yield publish.Code(number=number, url=url, path=path)


def _fetch_sounds(destination: Destination, site: Path, missing: Sequence[ReleasedFile], transfer: Transfer) -> None:
    problems: list[Problem] = []
    total_bytes, done_bytes = sum(each.size_bytes for each in missing), 0
    for each in missing:
        transfer("取回", done_bytes, total_bytes)
        try:
            content = publish.fetch(destination.fetch_url, each.path)
        except PublishError as error:
            problems += error.problems
            continue
        if hashlib.sha256(content).hexdigest() != each.sha256:
            cause = f"网站上的这份声音和发布时的不一样（{len(content)} 字节，应当是 {each.size_bytes} 字节）"
            fix = "从备份里找回当时的那一份，放到 out/site 里同样的位置；没有备份，只好按更正处理：jixiang correct"
            problems.append(Problem(place=site / each.path, cause=cause, fix=fix, code="JX-U41"))
            continue
        artefacts.write(site / each.path, content)
        done_bytes += each.size_bytes
        transfer("取回", done_bytes, total_bytes)
    if problems:
        raise PublishError(problems)

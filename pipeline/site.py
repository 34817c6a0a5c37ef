"""What lies in out/site: pages, feed, sound, and every sound that was ever promised; through the gate before it is laid out."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from pathlib import Path

from pipeline import addresses, artefacts, feed, gate, ledger, page
from pipeline.audio.tagging import MIME_TYPES
from pipeline.errors import Problem, PromiseError
from pipeline.ledger import Ledger
from pipeline.model import BuiltEpisode, Enclosure, Identity, Poster, ReleasedFile, Series

FEED = "feed.xml"


def assemble(
    series: Series,
    designs: Path,
    promises: Ledger,
    built: Sequence[BuiltEpisode],
    departed: Sequence[Identity],
    earlier: Mapping[str, Path],
    cover: Poster,
) -> Mapping[str, bytes | Path]:
    """Return the whole site by path; ``departed`` are those whose folder is gone, ``earlier`` the sounds of before."""
    podcast_guid = ledger.promise_series(promises, series).podcast_guid
    files = feed.render_feed(series, built, cover, podcast_guid=podcast_guid, moved=bool(promises.moves))
    files[addresses.image_path("series", cover)] = cover.file
    files |= earlier
    for each in built:
        if each.public:
            files |= {addresses.sound_path(each.identity.number, alternate): alternate.file for alternate in each.alternates}
            files |= {attachment.path: attachment.content for attachment in each.transcripts}
            if each.chapters:
                files[each.chapters.path] = each.chapters.content
    return page.render_pages(series, built, departed, designs) | files


def lay_out(files: Mapping[str, bytes | Path], folder: Path, series: Series, promises: Ledger, *, strict: bool) -> gate.Verdict:
    """Make ``folder`` hold the site, if nothing speaks against its feed; then nothing is touched."""
    content = files[FEED]
    sizes_bytes = {path: _size_bytes(files[path]) for path in files if not path.endswith(".html")}
    verdict = gate.check_feed(
        content.read_bytes() if isinstance(content, Path) else content,
        folder / FEED,
        series,
        promises,
        sizes_bytes,
        strict=strict,
    )
    if not verdict.errors:
        artefacts.lay_out(folder, files, last=FEED)
    return verdict


def _size_bytes(content: bytes | Path) -> int:
    return content.stat().st_size if isinstance(content, Path) else len(content)


def find_released(store: Path, released: ReleasedFile) -> Path | None:
    """Return where a released sound lies here, byte for byte as subscribers have it; None if it is nowhere."""
    laid_out = store.parent / "site" / released.path
    for file in (laid_out, *sorted((store / "tag").glob(f"*{laid_out.suffix}"))):
        if file.is_file() and file.stat().st_size == released.size_bytes and artefacts.digest(file) == released.sha256:
            return file
    return None


def released_sound(store: Path, released: ReleasedFile) -> Enclosure:
    """Return a released sound: it is never encoded again.

    Raises:
        PromiseError: JX-P07, it is nowhere here.
    """
    file = find_released(store, released)
    if file is None:
        cause = "这份已经发布的声音不在这里了；重新编码会得到另一份声音，听众的应用会认作两期"
        fix = "运行 jixiang restore，从网站上把它取回来；或找回 out 文件夹的备份"
        raise PromiseError([Problem(place=store.parent / "site" / released.path, cause=cause, fix=fix, code="JX-P07")])
    return Enclosure(
        file=file,
        mime_type=MIME_TYPES[file.suffix],
        size_bytes=released.size_bytes,
        sha256=released.sha256,
        duration_s=released.duration_s,
    )


def earlier_sounds(store: Path, promises: Ledger, built: Sequence[BuiltEpisode], unsound: Container[int]) -> dict[str, Path]:
    """Return the released sounds that no episode is offered with any more: same address, same bytes, for ever.

    Those of the episodes in ``unsound`` are left to the layout that stays as it is.

    Raises:
        PromiseError: JX-P07, one of them is nowhere here.
    """
    current = {
        addresses.sound_path(each.identity.number, sound) for each in built for sound in (each.enclosure, *each.alternates)
    }
    promised = [file for number, files in promises.files.items() if number not in unsound for file in files]
    return {each.path: released_sound(store, each).file for each in promised if each.path not in current}

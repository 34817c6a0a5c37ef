"""The records that stages hand on: frozen, keyword-only, units in the names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipeline.errors import Problem

Files = dict[str, bytes | Path]
"""What a stage wants laid out: relative path with ``/`` → the bytes, or the file to copy."""


# What all episodes share


@dataclass(frozen=True, kw_only=True)
class Aspect:
    """One of the route's six aspects: ``key`` stands in addresses and file names, ``name`` is what people read."""

    key: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A stop of the walking route. ``order`` counts from 1; degrees in ``coord_system`` (WGS-84, GCJ-02 or BD-09).

    ``hours`` is when the place is open, in words; empty where nobody needs to know.
    """

    name: str
    order: int
    address: str
    latitude_deg: float
    longitude_deg: float
    coord_system: str
    surveyed: bool
    hours: str = ""


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Whom residents call, and when somebody answers."""

    telephone: str
    hours: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """A named address on somebody else's site."""

    name: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Txt:
    """Words in the feed for machines, such as the code by which a directory knows the owner; ``purpose`` says whose."""

    purpose: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a word is said: its ``syllables`` in pinyin, each with its tone, 1 to 5."""

    word: str
    syllables: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where a site is published: ``url`` is written to, ``fetch_url`` read back and ends in ``/``.

    ``url`` is a folder (file:///…, or a path, which may be relative to the folder of series.toml) or s3://bucket/prefix.
    ``service`` is ``s3``, ``oss`` (Alibaba) or ``cos`` (Tencent); ``region`` and ``endpoint`` are empty where the service or the
    environment says. Only publishing to a ``public`` one is a promise.
    """

    name: str
    url: str
    fetch_url: str
    public: bool
    service: str = "s3"
    region: str = ""
    endpoint: str = ""


@dataclass(frozen=True, kw_only=True)
class LoudnessTarget:
    """Integrated loudness (ITU-R BS.1770, in LUFS) and the highest true peak (dBTP) of the published file."""

    integrated_lufs: float
    true_peak_dbtp: float


@dataclass(frozen=True, kw_only=True)
class Theme:
    """The series' music. Any part may be missing."""

    intro: Path | None
    outro: Path | None
    bed: Path | None


@dataclass(frozen=True, kw_only=True)
class SoundSettings:
    """How a recording is rendered.

    ``denoise`` is ``off``, ``light`` or ``strong``; ``leveler`` is ``off``, ``gentle`` or ``strong``; ``highpass_hz`` of 0 leaves
    the bass alone. ``bed`` asks for the theme's bed under the voice. ``container`` is ``mp3`` or ``m4a``.
    """

    target: LoudnessTarget
    bitrate_kbps: int
    denoise: str
    leveler: str
    highpass_hz: int
    bed: bool
    container: str


@dataclass(frozen=True, kw_only=True)
class Series:
    """What all episodes share, from series.toml. ``site_url`` ends in ``/``; ``language`` is an RSS code such as zh-cn.

    ``sound`` is what an episode starts from, and ``also`` the further containers it is offered in. ``update_frequency`` says in
    words how often an episode appears, ``update_rrule`` as in iCalendar (RFC 5545); each may be empty. ``lines`` tells where in
    the file a key stands, 1-based; a stop's under ``stops.<name>``, an aspect's under ``aspects.<key>``.
    """

    file: Path
    title: str
    subtitle: str
    description: str
    author: str
    owner_email: str
    contact: Contact
    language: str
    timezone: str
    site_url: str
    category: tuple[str, ...]
    explicit: bool
    licence: str
    icp_number: str
    poster_signature: str
    aspects: tuple[Aspect, ...]
    stops: tuple[Stop, ...]
    sound: SoundSettings
    also: tuple[str, ...]
    theme: Theme
    platforms: tuple[Link, ...]
    destinations: tuple[Destination, ...]
    update_frequency: str = ""
    update_rrule: str = ""
    txt: tuple[Txt, ...] = ()
    lexicon: tuple[Reading, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)


# One episode as its author wrote it


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A paragraph of the script in Markdown; ``speaker`` is empty where the host goes on. ``line`` is 1-based in script.md."""

    markdown: str
    speaker: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Section:
    """What stands under one ``##`` heading: a chapter. The heading is empty for what comes before the first one."""

    heading: str
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True, kw_only=True)
class Script:
    """The words of an episode, in reading order."""

    sections: tuple[Section, ...]


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A picture for the poster, and the point that must stay in it: 0 to 1 from the left and from the top."""

    file: Path
    focus_x: float
    focus_y: float


@dataclass(frozen=True, kw_only=True)
class WrittenCaptions:
    """A captions.vtt that somebody corrected by hand, as text with plain line ends."""

    file: Path
    text: str


@dataclass(frozen=True, kw_only=True)
class Episode:
    """An episode as written: front matter, script and the files beside it.

    ``publish_at`` carries its time zone. ``sound`` and ``also`` are the series' with what this episode says otherwise.
    ``soundbite`` is the passage that stands for the whole. ``notes`` is what its author should know and need not mend. ``lines``
    tells where in script.md a key of the front matter stands, 1-based.
    """

    slug: str
    folder: Path
    number: int
    title: str
    subtitle: str
    summary: str
    aspect: Aspect
    stop: Stop
    publish_at: datetime
    host: str
    people: tuple[str, ...]
    links: tuple[Link, ...]
    spoken_languages: tuple[str, ...]
    synthetic_voice: bool
    season: int | None
    explicit: bool
    script: Script
    recording: Path
    sound: SoundSettings
    also: tuple[str, ...]
    photo: Photo | None
    photo_credit: str
    notes: tuple[Problem, ...]
    soundbite: Span | None = None
    captions: WrittenCaptions | None = None
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A place where printed posters hang: ``id`` stands on its copies and in their codes, ``name`` is what staff call it.

    ``numbers`` are the episodes that hang there, ascending; empty for all. ``line`` is 1-based in placements.csv.
    """

    id: str
    name: str
    numbers: tuple[int, ...]
    line: int

    def shows(self, number: int) -> bool:
        """Tell whether the episode of that number hangs there."""
        return not self.numbers or number in self.numbers


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What is promised to the outside: ``guid`` to subscribers' apps, ``page_url`` to printed codes."""

    number: int
    guid: str
    page_url: str


@dataclass(frozen=True, kw_only=True)
class ReleasedFile:
    """A sound that subscribers have: from its release on the file keeps its bytes. ``path`` is relative to the site."""

    path: str
    sha256: str
    size_bytes: int
    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Release(ReleasedFile):
    """An episode's sound as it was published: the enclosure, and beside it the ``alternates`` in other containers.

    ``published_at`` is what the feed says, ``released_at`` when it was put out. ``recording_sha256`` tells when somebody puts
    another recording under the episode. ``corrects`` is when the correction was decided that it carries out, in ISO 8601; empty
    for the first.
    """

    number: int
    published_at: datetime
    released_at: datetime
    recording_sha256: str
    alternates: tuple[ReleasedFile, ...]
    corrects: str


# What the stages make


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of time in seconds from the start of the published sound."""

    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Sound:
    """The published sound before tagging, and what was measured on it.

    ``envelope`` is the RMS of the whole published sound in 0.1 s frames, linear, full scale = 1; ``recorded_envelope`` is that
    of the recording. ``speech`` are the spans with a voice. ``recorded_*`` were measured on the recording as it came, everything
    else on the encoded file. ``loudness_range_lu`` is EBU Tech 3342's. ``most_limiting_db`` is how far the highest peak would
    stand above the permitted one with one gain and no limiter, ``renders`` how often a stretch of sound was encoded until it
    fitted: 1 where the first time was right. ``ffmpeg`` is its version.
    """

    file: Path
    duration_s: float
    voice_start_s: float
    speech: tuple[Span, ...]
    integrated_lufs: float
    loudness_range_lu: float
    true_peak_dbtp: float
    envelope: tuple[float, ...]
    recorded_lufs: float
    recorded_range_lu: float
    recorded_true_peak_dbtp: float
    recorded_envelope: tuple[float, ...]
    trimmed_head_s: float
    trimmed_tail_s: float
    most_limiting_db: float
    renders: int
    ffmpeg: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Cue:
    """Words and when they are heard; ``confidence`` runs from 0 to 1."""

    start_s: float
    end_s: float
    text: str
    speaker: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Captions:
    """The script in time with the published sound. A chapter is a cue whose text is the heading.

    ``method`` is what times and ``disagreements`` rest on: ``pauses`` (speaking rate, length and pauses; the words were not
    listened to), ``phones`` (the words were) or ``hand``.
    """

    cues: tuple[Cue, ...]
    chapters: tuple[Cue, ...]
    disagreements: tuple[str, ...]
    method: str = "pauses"


@dataclass(frozen=True, kw_only=True)
class Wording:
    """All that is written on a poster, and nothing else of the episode: so editing the transcript redraws no poster.

    ``placement_id`` names the place where one printed copy hangs; empty on a poster that may hang anywhere.
    """

    series_title: str
    signature: str
    number: int
    title: str
    subtitle: str
    summary: str
    aspect: Aspect
    stop_name: str
    stop_order: int
    stop_count: int
    duration_s: float
    spoken_languages: tuple[str, ...]
    synthetic_voice: bool
    page_url: str
    photo_credit: str = ""
    placement_id: str = ""


@dataclass(frozen=True, kw_only=True)
class TagFields:
    """What players show of an episode, and nothing else of it: so editing the script or series.toml re-tags no sound.

    ``published_on`` is the day in the series' own time zone, as in ISO 8601.
    """

    title: str
    series_title: str
    host: str
    number: int
    published_on: str
    synthetic_voice: bool
    page_url: str


@dataclass(frozen=True, kw_only=True)
class Poster:
    """A finished poster that has been scanned again; ``label`` is the format's Chinese name.

    Of ``trials`` spoilt photographs of its code ``decodings`` were read, and all of them up to ``reach`` times the distance at
    which the poster fills a phone's screen; ``read_by`` are the decoders that read the whole poster. 0 and empty without a code.
    """

    format: str
    label: str
    file: Path
    sha256: str
    mime_type: str
    width_px: int
    height_px: int
    decodings: int
    trials: int
    reach: float = 0.0
    read_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Enclosure:
    """The sound as subscribers fetch it, with its tags."""

    file: Path
    mime_type: str
    size_bytes: int
    sha256: str
    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A small file that goes with an episode, such as its transcript; ``path`` is relative to the site."""

    path: str
    mime_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class BuiltEpisode:
    """An episode with everything made for it; ``alternates`` are its sound in other containers.

    ``public`` once it is due or released: only then is its sound on the site. ``retired`` ones are in no list and no feed.
    ``copies`` are the printed posters for each place
    where it hangs, by the placement's id, and ``overview`` is their list; None where there are no copies. ``sheet``
    shows all formats side by side.
    """

    episode: Episode
    identity: Identity
    public: bool
    published_at: datetime
    sound: Sound
    captions: Captions
    posters: tuple[Poster, ...]
    enclosure: Enclosure
    alternates: tuple[Enclosure, ...]
    transcripts: tuple[Attachment, ...]
    chapters: Attachment | None
    retired: bool = False
    copies: Mapping[str, tuple[Poster, ...]] = field(default_factory=dict)
    overview: Path | None = None
    sheet: Path | None = None

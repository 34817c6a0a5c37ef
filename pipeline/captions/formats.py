"""Captions and chapters as files that players read."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence

from pipeline.captions.cues import lines_of
from pipeline.coordinates import geo_uri
from pipeline.model import Captions, Cue, Reading, Stop


def to_webvtt(captions: Captions, language: str, lexicon: Sequence[Reading] = ()) -> str:
    """Return the cues as WebVTT with the speakers in voice tags; ``language`` such as zh-cn stands in the header.

    Source: W3C WebVTT; header lines before the first empty one are read over by players that do not know them.
    """
    blocks = [f"WEBVTT\nKind: captions\nLanguage: {language}"]
    for number, cue in enumerate(captions.cues, start=1):
        lines = "\n".join(html.escape(line, quote=False) for line in lines_of(cue.text, lexicon))
        voice = f"<v {html.escape(cue.speaker, quote=False)}>" if cue.speaker else ""
        blocks.append(f"{number}\n{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n{voice}{lines}")
    return "\n\n".join(blocks) + "\n"


def to_srt(captions: Captions, lexicon: Sequence[Reading] = ()) -> str:
    """Return the cues as SubRip, words only: SubRip has no place for a speaker."""
    blocks = [
        f"{number}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n" + "\n".join(lines_of(cue.text, lexicon))
        for number, cue in enumerate(captions.cues, start=1)
    ]
    return "\n\n".join(blocks) + "\n" if blocks else ""


def to_json(captions: Captions) -> str:
    """Return the cues as a JSON transcript. Source: podcast namespace, transcripts, version 1.0.0."""
    return _json({"version": "1.0.0", "segments": [_segment(cue) for cue in captions.cues]})


def chapters_json(captions: Captions, *, title: str, podcast_name: str, stop: Stop, route: Sequence[Stop]) -> str:
    """Return the chapters as JSON, seconds from the sound's start, with the places where they are to be heard.

    A chapter belongs to the stop of the ``route`` that its heading names, else to the episode's own ``stop``.
    Source: podcast namespace, JSON chapters 1.2.0.
    """
    chapters = [
        {
            "startTime": cue.start_s,
            "title": cue.text,
            "endTime": cue.end_s,
            "location": {"name": place.name, "geo": geo_uri(place)},
        }
        for cue in captions.chapters
        for place in [_named_stop(cue.text, route) or stop]
    ]
    names = {"title": title, "podcastName": podcast_name}
    return _json({"version": "1.2.0", **names, "waypoints": True, "chapters": chapters})


def _named_stop(heading: str, route: Sequence[Stop]) -> Stop | None:
    """Return the stop that a heading names, the longest where one name stands in another; None where it names none."""
    return max((stop for stop in route if stop.name in heading), key=lambda stop: len(stop.name), default=None)


def _segment(cue: Cue) -> dict[str, str | float]:
    speaker: dict[str, str | float] = {"speaker": cue.speaker} if cue.speaker else {}
    return speaker | {"startTime": cue.start_s, "endTime": cue.end_s, "body": cue.text}


def _json(content: dict[str, object]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _clock(time_s: float, point: str) -> str:
    """Return hh:mm:ss.mmm; more than 99 hours take more figures."""
    seconds, milliseconds = divmod(round(time_s * 1000), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"

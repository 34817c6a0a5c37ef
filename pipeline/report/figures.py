"""The figures of an episode as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline import addresses
from pipeline.model import BuiltEpisode, Captions, Files, Sound


def render_reports(built: Sequence[BuiltEpisode], pictures: Mapping[int, Path]) -> Files:
    """Return ``<number>.json`` with the figures of each episode's sound, captions and posters; beside it ``<number>.png``.

    And ``<number>.vtt``, its captions to correct by hand.

    ``pictures`` are the drawn waveforms by number.
    """
    drafts = {
        f"{each.identity.number}.vtt": transcript.content
        for each in built
        for transcript in each.transcripts
        if transcript.mime_type == "text/vtt"
    }
    figures = {f"{each.identity.number}.json": _measures(each) for each in built}
    return figures | drafts | {f"{number}.png": picture for number, picture in pictures.items()}


def mean_confidence(timing: Captions) -> float:
    """Return the mean confidence of an episode's cues, 0 to 1."""
    return round(sum(cue.confidence for cue in timing.cues) / max(len(timing.cues), 1), 2)


def _measures(built: BuiltEpisode) -> bytes:
    number, sound, enclosure, settings = built.identity.number, built.sound, built.enclosure, built.episode.sound
    measured = {
        "number": number,
        "title": built.episode.title,
        "page_url": built.identity.page_url,
        "guid": built.identity.guid,
        "public": built.public,
        "sound": {
            "file": addresses.sound_path(number, enclosure),
            "mime_type": enclosure.mime_type,
            "size_bytes": enclosure.size_bytes,
            "sha256": enclosure.sha256,
            "duration_s": enclosure.duration_s,
            "before": {
                "integrated_lufs": _finite(sound.recorded_lufs),
                "loudness_range_lu": _finite(sound.recorded_range_lu),
                "true_peak_dbtp": _finite(sound.recorded_true_peak_dbtp),
            },
            "after": {
                "integrated_lufs": _finite(sound.integrated_lufs),
                "loudness_range_lu": _finite(sound.loudness_range_lu),
                "true_peak_dbtp": _finite(sound.true_peak_dbtp),
            },
            "most_limiting_db": _finite(sound.most_limiting_db),
            "trimmed_head_s": sound.trimmed_head_s,
            "trimmed_tail_s": sound.trimmed_tail_s,
            "speech_share": _speech_share(sound),
            "settings": {
                "target": {
                    "integrated_lufs": settings.target.integrated_lufs,
                    "true_peak_dbtp": settings.target.true_peak_dbtp,
                },
                "denoise": settings.denoise,
                "leveler": settings.leveler,
                "highpass_hz": settings.highpass_hz,
                "bed": settings.bed,
                "bitrate_kbps": settings.bitrate_kbps,
            },
            "renders": sound.renders,
            "ffmpeg": sound.ffmpeg,
            "alternates": [
                {
                    "file": addresses.sound_path(number, alternate),
                    "mime_type": alternate.mime_type,
                    "size_bytes": alternate.size_bytes,
                    "sha256": alternate.sha256,
                }
                for alternate in built.alternates
            ],
            "warnings": sound.warnings,
        },
        "captions": {
            "cues": len(built.captions.cues),
            "chapters": len(built.captions.chapters),
            "mean_confidence": mean_confidence(built.captions),
            "method": built.captions.method,
            "disagreements": built.captions.disagreements,
        },
        "posters": [
            {
                "format": made.format,
                "width_px": made.width_px,
                "height_px": made.height_px,
                "decodings": made.decodings,
                "trials": made.trials,
                "reach": round(made.reach, 2),
                "read_by": made.read_by,
            }
            for made in built.posters
        ],
    }
    return (json.dumps(measured, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def _speech_share(sound: Sound) -> float:
    """Return how much of the published sound is voice, 0 to 1."""
    return round(sum(span.end_s - span.start_s for span in sound.speech) / sound.duration_s, 3)


def _finite(level: float) -> float | None:
    """Return ``level``, or None for one that JSON has no number for: silence lies at minus infinity."""
    return level if math.isfinite(level) else None

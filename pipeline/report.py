"""What was measured on each episode, for staff, reviewers and machines."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipeline import addresses
from pipeline.model import BuiltEpisode, Captions, Files


def render_reports(built: Sequence[BuiltEpisode]) -> Files:
    """Return ``<number>.json`` for each episode: the figures of its sound, captions and posters."""
    return {f"{each.identity.number}.json": _measures(each) for each in built}


def mean_confidence(timing: Captions) -> float:
    """Return the mean confidence of an episode's cues, 0 to 1."""
    return round(sum(cue.confidence for cue in timing.cues) / max(len(timing.cues), 1), 2)


def _measures(built: BuiltEpisode) -> bytes:
    sound, enclosure = built.sound, built.enclosure
    measured = {
        "number": built.identity.number,
        "title": built.episode.title,
        "page_url": built.identity.page_url,
        "guid": built.identity.guid,
        "public": built.public,
        "sound": {
            "file": addresses.sound_path(built.identity.number, enclosure),
            "size_bytes": enclosure.size_bytes,
            "sha256": enclosure.sha256,
            "duration_s": enclosure.duration_s,
            "integrated_lufs": sound.integrated_lufs,
            "true_peak_dbtp": sound.true_peak_dbtp,
            "recorded_lufs": sound.recorded_lufs,
            "recorded_true_peak_dbtp": sound.recorded_true_peak_dbtp,
            "trimmed_head_s": sound.trimmed_head_s,
            "trimmed_tail_s": sound.trimmed_tail_s,
            "warnings": sound.warnings,
        },
        "captions": {
            "cues": len(built.captions.cues),
            "chapters": len(built.captions.chapters),
            "mean_confidence": mean_confidence(built.captions),
            "disagreements": built.captions.disagreements,
        },
        "posters": [
            {
                "format": made.format,
                "width_px": made.width_px,
                "height_px": made.height_px,
                "decodings": made.decodings,
                "trials": made.trials,
            }
            for made in built.posters
        ],
    }
    return (json.dumps(measured, ensure_ascii=False, indent=1) + "\n").encode()

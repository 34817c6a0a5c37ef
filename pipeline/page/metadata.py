"""What search engines and assistants read: the series and its episodes as JSON-LD. Source: schema.org."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline import addresses, markup
from pipeline.model import Series

if TYPE_CHECKING:
    from pipeline.page.views import EpisodeView


def describe_series(series: Series) -> str:
    """Return the series as PodcastSeries."""
    facts = {"@context": "https://schema.org", **_series(series), "description": markup.plain_text(series.description)}
    return _json(facts | {"author": {"@type": "Organization", "name": series.author}, "inLanguage": series.language})


def describe_episode(series: Series, view: EpisodeView) -> str:
    """Return a released episode as PodcastEpisode."""
    episode, enclosure = view.built.episode, view.built.enclosure
    facts = {
        "@context": "https://schema.org",
        "@type": "PodcastEpisode",
        "url": view.built.identity.page_url,
        "name": episode.title,
        "description": markup.plain_text(episode.summary or episode.subtitle or series.description),
        "episodeNumber": view.number,
        "datePublished": view.built.published_at.isoformat(),
        "inLanguage": series.language,
        "associatedMedia": {
            "@type": "AudioObject",
            "contentUrl": f"{series.site_url}{view.sound_path}",
            "encodingFormat": enclosure.mime_type,
            "duration": f"PT{round(enclosure.duration_s)}S",
        },
        "partOfSeries": _series(series),
    }
    if view.cover_path:
        facts["image"] = f"{series.site_url}{view.cover_path}"
    return _json(facts)


def _series(series: Series) -> dict[str, str]:
    return {
        "@type": "PodcastSeries",
        "name": series.title,
        "url": series.site_url,
        "webFeed": addresses.feed_url(series.site_url),
    }


def _json(facts: dict[str, object]) -> str:
    """Return JSON that cannot end the script element it stands in, whatever words are in it."""
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")

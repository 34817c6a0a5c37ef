"""The sound stage: a recording becomes the published sound, and the sound gets its tags."""

from pipeline.audio.mastering import normalize
from pipeline.audio.tagging import tag

__all__ = ["normalize", "tag"]

"""Read and check what people wrote, once: inside the pipeline the records are frozen and right."""

from pipeline.source.episode import BrokenFolder, Reading, read_episode, read_episodes
from pipeline.source.placements import read_placements
from pipeline.source.series import read_series
from pipeline.source.text import clean

__all__ = ["BrokenFolder", "Reading", "clean", "read_episode", "read_episodes", "read_placements", "read_series"]

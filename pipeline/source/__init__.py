"""Read and check what people wrote, once: inside the pipeline the records are frozen and right."""

from pipeline.source.episode import read_episode, read_episodes
from pipeline.source.series import read_series

__all__ = ["read_episode", "read_episodes", "read_series"]

"""The RSS feed: every public episode in one file that every app accepts."""

from pipeline.feed.render import render_feed

__all__ = ["render_feed"]

"""The RSS feed: every public episode in one file that every app accepts, and the gate that it passes before it is laid out."""

from pipeline.feed.check import PromisedItem, check_feed
from pipeline.feed.faults import Fault
from pipeline.feed.render import render_feed

__all__ = ["Fault", "PromisedItem", "check_feed", "render_feed"]

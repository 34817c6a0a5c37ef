"""A finished site goes out: to a folder or a bucket, and is fetched back over HTTP before the feed names anything new."""

from pipeline.publish.fetching import fetch
from pipeline.publish.opening import open_place
from pipeline.publish.order import Code, Published, publish
from pipeline.publish.place import Place, Upload, read_published
from pipeline.publish.planning import Plan, Planned, plan

__all__ = ["Code", "Place", "Plan", "Planned", "Published", "Upload", "fetch", "open_place", "plan", "publish", "read_published"]

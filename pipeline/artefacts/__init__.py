"""Make a costly file once; lay a folder out safely. The only place that writes.

The law that the tests hold it to: an incremental build equals a clean build, byte for byte.
"""

from pipeline.artefacts.folders import append_lines, claimed, digest, lay_out, write
from pipeline.artefacts.store import reuse_or_make
from pipeline.artefacts.workshop import Progress, Workshop, workshop

__all__ = ["Progress", "Workshop", "append_lines", "claimed", "digest", "lay_out", "reuse_or_make", "workshop", "write"]

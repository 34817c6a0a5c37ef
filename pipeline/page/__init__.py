"""The site's pages: what a resident sees after scanning a poster. Home of jinja2."""

from pipeline.page.site import Site, render_pages

__all__ = ["Site", "render_pages"]

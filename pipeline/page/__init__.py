"""The site's pages: what a resident sees after scanning a poster. Home of jinja2."""

from pipeline.page.site import render_pages

__all__ = ["render_pages"]

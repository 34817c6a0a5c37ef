"""The browser that tests open pages in: one that the machine has, else the one that playwright has fetched.

``python -m tests.browser`` tells whether there is one that starts: exit code 0 or 1.
"""

from __future__ import annotations

import shutil
import sys

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
WHY_NONE = (
    "这台机器上没有能启动的 Chromium、Chrome 或 Edge，网页没有在浏览器里试过。"
    "装一个（Debian：apt install chromium；别处：playwright install --only-shell chromium），再运行 make test。"
)


def launch(playwright: Playwright) -> Browser | None:
    """Return the first browser that starts; None if none does."""
    own = [path for name in NAMES if (path := shutil.which(name))]
    for path in (*own, None):  # None is playwright's
        try:
            return playwright.chromium.launch(executable_path=path)
        except Error:
            continue
    return None


def _main() -> int:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser:
            browser.close()
    return 0 if browser else 1


if __name__ == "__main__":
    sys.exit(_main())

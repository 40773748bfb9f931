"""A real browser in tests; skips the module that imports this where it is missing."""

import pytest
from dorn.study.browser import chromium

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
needs_chromium = pytest.mark.skipif(chromium() is None, reason="no Chromium on PATH")


def watch(page):
    """Collect the errors of the page and of its console in `page.errors`."""
    page.errors = []
    page.on("console", lambda message: message.type == "error" and page.errors.append(message.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))

"""The browser in which pages are measured and photographed, and the mouse on the spectrum of the live page."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

# position in the window of an energy in MeV, from the scale of the plot's axis
PLACE = """mev => {
    const plot = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name("spectrum"));
    const box = plot.el.getBoundingClientRect();
    return [box.left + plot.frame.x_scale.compute(mev), box.top + plot.frame.bbox.vcenter];
}"""


def chromium() -> str | None:
    """Path of a Chromium on PATH, None if there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextlib.contextmanager
def opened() -> Iterator:
    """A Chromium browser of playwright; None if there is none or playwright is not installed."""
    path = chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        yield None
        return
    with sync_playwright() as play, play.chromium.launch(executable_path=path) as browser:
        yield browser


def mark(page, low_mev: float, high_mev: float) -> None:
    """Mark a region by dragging across the spectrum of the live page."""
    (low, y), (high, _) = (page.evaluate(PLACE, mev) for mev in (low_mev, high_mev))
    page.mouse.move(low, y)
    page.mouse.down()
    page.mouse.move((low + high) / 2, y)
    page.mouse.move(high, y)
    page.mouse.up()

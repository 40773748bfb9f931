"""Colours and style of all figures, in products, studies and the HIL report; the live page shares the colours."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, FAINT, GREY = "#333333", "#b8bcc4", "#777777"
BLUE, ORANGE, GREEN, RED = "#1f4e9c", "#c2570c", "#2e7d32", "#b00020"
COLORS = {"front": BLUE, "back": ORANGE, "coincidences": GREEN}
PALETTE = (BLUE, ORANGE, GREEN, "#8e24aa", "#00838f", "#ad1457", "#6d4c41", "#827717", "#455a64")

ANALYSED = ("Po-209", "Rn-222", "Rn-220")  # analysed by default, with their progeny


def png(figure: Figure) -> bytes:
    """The picture, in this style. The output is reproducible."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import, and not needed by the live page

    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK)
        for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
            if text.get_color() == "black":
                text.set_color(INK)
    FigureCanvasAgg(figure)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})  # without matplotlib's version
    return picture.getvalue()

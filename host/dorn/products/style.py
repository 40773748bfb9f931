"""Colours and manners of all pictures: of products, studies, the HIL report and the live page."""

from __future__ import annotations

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK, FAINT = "#333333", "#b8bcc4"
BLUE, ORANGE, GREEN, GREY, RED = "#1f4e9c", "#c2570c", "#2e7d32", "#777777", "#b00020"
COLORS = {"front": BLUE, "back": ORANGE, "coincidences": GREEN}
PALETTE = (BLUE, ORANGE, GREEN, "#8e24aa", "#00838f", "#ad1457", "#6d4c41", "#827717", "#455a64")
DPI = 110


def clean(*panels, size: float | None = None) -> None:
    """Take away what says nothing: the frame above and to the right. size: of the labels of ticks, points."""
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK, **({} if size is None else {"labelsize": size}))
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set_color(INK)


def png(figure: Figure, file=None) -> bytes:
    """The picture; also written to a file or path, if given. The same figure gives the same octets."""
    FigureCanvasAgg(figure)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})  # without matplotlib's version
    if file is not None:
        file.write_bytes(picture.getvalue())
    return picture.getvalue()

"""Appearance of the page: Bokeh figures in the common style, and tables as HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
from bokeh.models import BoxZoomTool, ColumnDataSource, Div, PanTool, ResetTool, SaveTool, WheelZoomTool
from bokeh.plotting import figure

from dorn.products.style import FAINT, INK

_FONT = "13px 'Helvetica Neue', Arial, sans-serif"
TABLE = f"""
table {{ border-collapse: collapse; font: {_FONT}; color: {INK}; }}
td, th {{ padding: 1px 10px 1px 0; text-align: left; font-weight: normal; white-space: nowrap; }}
td.n, th.n {{ text-align: right; font-variant-numeric: tabular-nums; }}
th {{ color: #777; }}
td.wide {{ white-space: normal; padding-bottom: 4px; }}
tr.out td, b.out {{ color: #b00020; font-weight: bold; }}
h4 {{ font: bold {_FONT}; margin: 8px 0 2px 0; }}
p {{ font: {_FONT}; color: {INK}; margin: 4px 0; }}
.swatch {{ display: inline-block; width: 12px; height: 12px; margin-right: 6px; vertical-align: -1px; }}
"""


def plot(height: int, tools: Sequence = (), **options):
    """A figure that fills the width of its container."""
    shown = figure(
        height=height,
        sizing_mode="stretch_width",
        tools=[*tools, PanTool(), BoxZoomTool(), WheelZoomTool(dimensions="width"), ResetTool(), SaveTool()],
        toolbar_location="right",
        **options,
    )
    shown.toolbar.logo = None
    shown.grid.grid_line_color = FAINT
    shown.grid.grid_line_alpha = 0.4
    shown.outline_line_color = None
    shown.axis.axis_label_text_font_style = "normal"
    shown.axis.axis_label_text_color = INK
    shown.axis.major_label_text_color = INK
    shown.min_border_left = 66
    return shown


def marked(event: Any) -> tuple[float, float] | None:
    """Low and high end of a box on the horizontal axis; None while it is being drawn. event: SelectionGeometry."""
    box = event.geometry
    if not event.final or not box or box["type"] != "rect":
        return None
    return min(box["x0"], box["x1"]), max(box["x0"], box["x1"])


def legend_above(shown) -> None:
    """Move the legend of a plot above it; a click in it hides or shows a curve."""
    (legend,) = shown.legend
    legend.update(orientation="horizontal", border_line_color=None, padding=0, margin=0, click_policy="hide")
    legend.update(label_text_font_size="11px", label_text_color=INK, glyph_height=14)
    shown.add_layout(legend, "above")


SCROLLED = {"overflow": "auto", "max-height": "calc(100vh - 95px)"}


def html(text: str = "", **options) -> Div:
    return Div(text=text, stylesheets=[TABLE], sizing_mode="stretch_width", **options)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int] = (),
    out: Sequence[int] = (),
    wide: int = -1,
) -> str:
    """HTML of a table; cells must already be HTML. numbers: right-aligned columns. out: rows that stand out. wide:
    column whose text may take several lines."""

    def line(tag: str, cells: Sequence[str]) -> str:
        kinds = [" class=n" if n in numbers else " class=wide" if n == wide else "" for n in range(len(cells))]
        return "".join(f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))

    lines = [f"<tr>{line('th', head)}</tr>"] if head else []
    lines += [f"<tr{' class=out' if n in out else ''}>{line('td', row)}</tr>" for n, row in enumerate(rows)]
    return f"<table>{''.join(lines)}</table>"


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def fill(source: ColumnDataSource, **columns: Any) -> None:
    """Set the columns of a source: as arrays, which take a tenth of the time of lists."""
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    # without values an array has no texts, which a browser requires for colours and labels
    as_list = {n for n, one in arrays.items() if one.dtype.kind == "U" or not one.size}
    source.data = {n: one.tolist() if n in as_list else one for n, one in arrays.items()}


def when(model, name: str, call: Callable[[], object]) -> None:
    """Call whenever a browser changes this property."""
    model.on_change(name, lambda attr, old, new: call())


def change(div: Div, text: str) -> None:
    """Set the text; sent to the browser only if it differs."""
    if div.text != text:
        div.text = text


def clock(time_s: float) -> str:
    """On-board time or a duration: 0:00:00, with days if there are any."""
    days, rest = divmod(int(max(time_s, 0)), 86400)
    text = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days} d {text}" if days else text

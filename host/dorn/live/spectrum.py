"""The spectrum: curves, lines of nuclides, a region, and the table below."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from bokeh.events import SelectionGeometry, Tap
from bokeh.layouts import column, row
from bokeh.models import (
    BoxAnnotation,
    BoxSelectTool,
    ColumnDataSource,
    DataRange1d,
    HoverTool,
    LinearAxis,
    LinearScale,
    MultiChoice,
    RadioButtonGroup,
    Range1d,
)

from dorn import nuclides
from dorn.dictionary import Dictionary
from dorn.live.curves import CURVES, Curve
from dorn.live.style import change, fill, html, marked, plot, table, when
from dorn.products.style import COLORS, FAINT, INK, PALETTE

SCALES = ("log", "linear")
_FLOOR = 0.5  # counts: the lower end of the logarithmic axis
_HEIGHT, _LABELS = 282, 42  # pixels
_LANES, _LABEL_MEV = 3, 0.6  # rows of line labels; width of a label
_OWN = {"front detectors": COLORS["front"], "back detectors": COLORS["back"], "coincidences": COLORS["coincidences"]}


def alpha_nuclides() -> list[Any]:
    """Names of the nuclides with alpha lines."""
    return [name for name in nuclides.names() if nuclides.lines(name)]


class SpectrumPanel:
    """region_kev: low and high end, None if no region is marked. on_change: called if the panel must be redrawn."""

    def __init__(self, dictionary: Dictionary, on_change: Callable[[], None], lines: Iterable[str] = ()):
        i = dictionary.instrument
        self.region_kev: tuple[float, float] | None = None
        self.on_click: Callable[[float], None] | None = None  # called with the energy in keV
        self._on_change = on_change
        self._sources: dict[str, ColumnDataSource] = {}  # by name of the curve
        self._lines: dict[str, list[tuple[str, Any, Any]]] = {}  # scale, renderers of sum and running
        self._line_source = ColumnDataSource({"x": [], "name": [], "y": []})
        high_mev = i["kev_per_code"] * (i["full_scale_code"] - i["zero_code"]) / 1000
        self._plot = self._spectrum(Range1d(start=0, end=round(high_mev, 1)))
        strip = self._labels()
        self.curves = MultiChoice(value=["front detectors", "back detectors"], options=[*CURVES], max_items=8)
        self.lines = MultiChoice(value=list(lines), options=alpha_nuclides(), title="Lines shown")
        self.scale = RadioButtonGroup(labels=list(SCALES), active=0)
        for widget in (self.curves, self.lines):
            widget.sizing_mode = "stretch_width"
            when(widget, "value", self._changed)
        when(self.scale, "active", self._rescale)
        self._table = html()
        self._draw_lines()
        chosen = row(self.curves, self.scale, sizing_mode="stretch_width")
        self.layout = column(chosen, strip, self._plot, self._table, sizing_mode="stretch_width")

    def _spectrum(self, x_range):
        """A plot with two vertical axes, only one of which is visible."""
        select = BoxSelectTool(dimensions="width", renderers=[], description="mark a region")
        log = DataRange1d(start=_FLOOR, only_visible=True)
        shown = plot(_HEIGHT, (select,), x_range=x_range, y_range=log, y_axis_type="log", name="spectrum")
        shown.extra_y_ranges = {"linear": DataRange1d(start=0, only_visible=True)}
        shown.extra_y_scales = {"linear": LinearScale()}
        self._linear = LinearAxis(y_range_name="linear", visible=False, axis_label_text_font_style="normal")
        shown.add_layout(self._linear, "left")
        shown.toolbar.active_drag = select
        shown.xaxis.axis_label = "energy (MeV)"
        shown.yaxis.axis_label = "counts per channel"
        shown.on_event(SelectionGeometry, self._selected)
        shown.on_event(Tap, self._clicked)
        self._box = BoxAnnotation(fill_color=INK, fill_alpha=0.1, line_color=INK, visible=False)
        shown.add_layout(self._box)
        shown.vspan(x="x", source=self._line_source, line_color=FAINT, line_width=1, level="underlay")
        return shown

    def _labels(self):
        """The names of the lines, above the spectrum in which the lines are drawn."""
        strip = plot(_LABELS, x_range=self._plot.x_range, y_range=(0, _LANES))
        strip.toolbar_location, strip.grid.visible, strip.axis.visible = None, False, False
        strip.update(min_border_bottom=0, min_border_top=0, min_border_right=30)
        strip.text(
            "x", "y", "name", source=self._line_source, text_align="center", text_font_size="11px", text_color=INK
        )
        return strip

    def _draw_lines(self) -> None:
        found = sorted((nuclides.main_kev(name) / 1000, name) for name in self.lines.value)
        lanes = [-1.0] * _LANES  # x of the last label of each
        rows: dict[str, Any] = {"x": [], "name": [], "y": []}
        for x, name in found:
            lane = min(range(_LANES), key=lambda n: (lanes[n] > x - _LABEL_MEV, n))
            lanes[lane] = x
            rows["x"].append(x)
            rows["name"].append(name)
            rows["y"].append(0.15 + lane)
        fill(self._line_source, **rows)

    def _changed(self) -> None:
        self._draw_lines()
        self._on_change()

    @property
    def _scale(self) -> str:
        return SCALES[self.scale.active or 0]

    def _rescale(self) -> None:
        self._linear.visible = self._scale == "linear"
        self._plot.yaxis[0].visible = self._plot.ygrid[0].visible = not self._linear.visible
        self._on_change()

    def _selected(self, event: Any) -> None:
        if region := marked(event):
            self.mark(1000 * region[0], 1000 * region[1])

    def _clicked(self, event: Any) -> None:
        if self.on_click and event.x is not None:
            self.on_click(1000 * event.x)

    def mark(self, low_kev: float, high_kev: float) -> None:
        """Mark a region."""
        self.region_kev = low_kev, high_kev
        self._box.update(left=low_kev / 1000, right=high_kev / 1000, visible=True)
        self._on_change()

    def color(self, name: str) -> str:
        return _OWN.get(name) or PALETTE[(3 + list(CURVES).index(name)) % len(PALETTE)]

    def _source(self, name: str) -> ColumnDataSource:
        """The data source of a curve; created, with its renderers, on first use."""
        if name not in self._sources:
            empty: Any = {column: [] for column in ("x", "counts", "error", "drawn", "now", "now_drawn")}
            source = self._sources[name] = ColumnDataSource(empty, name=name)
            look = {"source": source, "mode": "center", "color": self.color(name)}
            self._lines[name] = []
            for scale, y, now, y_range in (
                ("log", "drawn", "now_drawn", "default"),
                ("linear", "counts", "now", "linear"),
            ):
                running = self._plot.step("x", now, y_range_name=y_range, line_alpha=0.45, **look)
                line = self._plot.step("x", y, y_range_name=y_range, line_width=1.3, **look)
                tips = [("energy", "@x{0.000} MeV"), (name, "@counts{0.[00]} ± @error{0.[00]}")]
                self._plot.add_tools(HoverTool(renderers=[line], tooltips=tips, mode="vline", visible=False))
                self._lines[name].append((scale, line, running))
        return self._sources[name]

    def draw(self, curves: list[Curve], running: dict[str, Curve]) -> None:
        """Draw only these curves. running: name -> counts of integrations that continue, drawn in a fainter colour as
        added to the closed ones, with a column of their own in the table."""
        for one in curves:
            now = one.counts + running[one.name].counts if one.name in running else np.full(len(one.counts), np.nan)
            columns = {
                "x": (one.edges_kev[1:] + one.edges_kev[:-1]) / 2000,
                "counts": one.counts,
                "error": np.sqrt(one.counts),
                "drawn": np.maximum(one.counts, _FLOOR),
                "now": now,
                "now_drawn": np.maximum(now, _FLOOR),
            }
            fill(self._source(one.name), **{name: column.astype(np.float32) for name, column in columns.items()})
        shown = {one.name for one in curves}
        for name, lines in self._lines.items():
            for scale, line, now in lines:
                line.visible = name in shown and scale == self._scale
                now.visible = line.visible and name in running
        change(self._table, self._rows(curves, running))

    def _rows(self, curves: list[Curve], running: dict[str, Curve]) -> str:
        head = ["spectrum", "counts", "live time (s)", "counts/s"]
        head += ["running now"] if running else []
        head += ["region (MeV)", "channels", "gross", "net", "net/s"] if self.region_kev else []
        rows = []
        for one in curves:
            rate = f"{one.total / one.live_s:.3f}" if one.live_s else ""
            swatch = f'<span class=swatch style="background:{self.color(one.name)}"></span>'
            cells = [f"{swatch}{one.name}", f"{one.total:.10g}", f"{one.live_s:.2f}", rate]
            if running:
                cells.append(f"+ {running[one.name].total:.10g}" if one.name in running else "")
            if self.region_kev:
                cells += self._region_cells(one, *self.region_kev)
            rows.append(cells)
        return table(head, rows, numbers=range(1, len(head)))

    def _region_cells(self, one: Curve, low_kev: float, high_kev: float) -> list[str]:
        found = one.region(low_kev, high_kev)
        if found is None:
            return ["too few channels", "", "", "", ""]
        first, last, counts = found
        bounds = f"{one.edges_kev[first] / 1000:.3f} to {one.edges_kev[last + 1] / 1000:.3f}"
        net = f"{counts.net:.2f} ± {counts.error:.2f}"
        rate = f"{counts.net / one.live_s:.4f} ± {counts.error / one.live_s:.4f}" if one.live_s else ""
        return [bounds, f"{first} to {last}", f"{counts.gross:.10g}", net, rate]

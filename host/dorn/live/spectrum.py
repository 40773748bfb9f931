"""The spectrum: curves, lines of nuclides, a region, and the table under it."""

from __future__ import annotations

from collections.abc import Callable
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
    MultiChoice,
    RadioButtonGroup,
    Range1d,
)

from dorn import nuclides
from dorn.dictionary import Dictionary
from dorn.live.curves import CURVES, Curve
from dorn.live.style import change, html, marked, plot, table, when
from dorn.nuclides.chains import alpha_emitters
from dorn.products.plot import LABELLED
from dorn.products.running import Running
from dorn.products.style import COLORS, FAINT, INK, PALETTE

SCALES = ("log", "linear")
_FLOOR = 0.5  # counts: the lower end of the logarithmic axis
_HEIGHT, _LABELS = 295, 42  # pixels
_LANES, _LABEL_MEV = 3, 0.6  # of the labels of lines; their width
_OWN = {"front detectors": COLORS["front"], "back detectors": COLORS["back"], "coincidences": COLORS["coincidences"]}


def alpha_nuclides() -> list[Any]:
    """The nuclides with lines."""
    return [name for name in nuclides.names() if nuclides.lines(name)]


class SpectrumPanel:
    """region_kev: low and high end, None without one. on_change: called if what is shown is to be drawn again."""

    def __init__(self, dictionary: Dictionary, on_change: Callable[[], None]):
        i = dictionary.instrument
        self.region_kev: tuple[float, float] | None = None
        self.on_click: Callable[[float], None] | None = None  # with an energy in keV
        self._on_change = on_change
        self._sources: dict[str, ColumnDataSource] = {}  # by name of the curve
        self._lines: dict[str, list] = {}
        self._boxes: list[BoxAnnotation] = []
        high_mev = i["kev_per_code"] * (i["full_scale_code"] - i["zero_code"]) / 1000
        x_range = Range1d(start=0, end=round(high_mev, 1))
        self._plots = [self._plot(scale, x_range) for scale in SCALES]
        self._strip = self._labels(x_range)
        self.curves = MultiChoice(value=["front detectors", "back detectors"], options=[*CURVES], max_items=8)
        self.lines = MultiChoice(
            value=alpha_emitters(LABELLED), options=alpha_nuclides(), title="Nuclides whose lines are shown"
        )
        self.scale = RadioButtonGroup(labels=list(SCALES), active=0)
        for widget in (self.curves, self.lines):
            widget.sizing_mode = "stretch_width"
            when(widget, "value", self._changed)
        when(self.scale, "active", self._rescale)
        self._table = html()
        self._rescale()
        self._draw_lines()
        chosen = row(self.curves, self.scale, sizing_mode="stretch_width")
        self.layout = column(chosen, self._strip, *self._plots, self._table, sizing_mode="stretch_width")

    def _plot(self, scale: str, x_range):
        select = BoxSelectTool(dimensions="width", renderers=[], description="mark a region")
        y_range = DataRange1d(start=_FLOOR if scale == "log" else 0, only_visible=True)
        shown = plot(_HEIGHT, (select,), x_range=x_range, y_range=y_range, y_axis_type=scale)
        shown.toolbar.active_drag = select
        shown.xaxis.axis_label = "energy (MeV)"
        shown.yaxis.axis_label = "counts per channel"
        shown.on_event(SelectionGeometry, self._selected)
        shown.on_event(Tap, self._clicked)
        self._boxes.append(BoxAnnotation(fill_color=INK, fill_alpha=0.1, line_color=INK, visible=False))
        shown.add_layout(self._boxes[-1])
        return shown

    def _labels(self, x_range):
        """The names of the lines, above the spectrum; the lines themselves are in it."""
        self._line_source = ColumnDataSource({"x": [], "name": [], "y": []})
        strip = plot(_LABELS, x_range=x_range, y_range=(0, _LANES))
        strip.toolbar_location, strip.grid.visible, strip.axis.visible = None, False, False
        strip.min_border_bottom = strip.min_border_top = 0
        strip.min_border_right = 30
        strip.text(
            "x", "y", "name", source=self._line_source, text_align="center", text_font_size="11px", text_color=INK
        )
        for shown in self._plots:
            shown.vspan(x="x", source=self._line_source, line_color=FAINT, line_width=1, level="underlay")
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
        self._line_source.data = rows

    def _changed(self) -> None:
        self._draw_lines()
        self._on_change()

    def _rescale(self) -> None:
        for n, shown in enumerate(self._plots):
            shown.visible = n == self.scale.active

    def _selected(self, event: Any) -> None:
        if region := marked(event):
            self.mark(1000 * region[0], 1000 * region[1])

    def _clicked(self, event: Any) -> None:
        if self.on_click and event.x is not None:
            self.on_click(1000 * event.x)

    def mark(self, low_kev: float, high_kev: float) -> None:
        """Mark a region."""
        self.region_kev = low_kev, high_kev
        for box in self._boxes:
            box.update(left=low_kev / 1000, right=high_kev / 1000, visible=True)
        self._on_change()

    def color(self, name: str) -> str:
        return _OWN.get(name) or PALETTE[(3 + list(CURVES).index(name)) % len(PALETTE)]

    def _source(self, name: str) -> ColumnDataSource:
        if name not in self._sources:
            source = self._sources[name] = ColumnDataSource(
                {"x": [], "drawn": [], "counts": [], "error": []}, name=name
            )
            self._lines[name] = []
            for shown, y in zip(self._plots, ("drawn", "counts"), strict=True):
                lines = shown.step("x", y, source=source, mode="center", color=self.color(name), line_width=1.3)
                tips = [("energy", "@x{0.000} MeV"), (name, "@counts{0.[00]} ± @error{0.[00]}")]
                shown.add_tools(HoverTool(renderers=[lines], tooltips=tips, mode="vline", visible=False))
                self._lines[name].append(lines)
        return self._sources[name]

    def draw(self, curves: list[Curve], running: dict[int, Running]) -> None:
        """Draw these curves, and no others. running: by number; shown as `now` in the table, not in the curves."""
        for name, lines in self._lines.items():
            for one in lines:
                one.visible = name in {curve.name for curve in curves}
        for one in curves:
            source = self._source(one.name)
            middles = (one.edges_kev[1:] + one.edges_kev[:-1]) / 2000
            data = {"x": middles, "counts": one.counts, "error": np.sqrt(one.counts)}
            source.data = data | {"drawn": np.maximum(one.counts, _FLOOR)}
        change(self._table, self._rows(curves, running))

    def _rows(self, curves: list[Curve], running: dict[int, Running]) -> str:
        head = ["spectrum", "counts", "live time (s)", "counts/s"]
        now = {one.name: [running[n] for n in CURVES[one.name] if n in running] for one in curves}
        if any(now.values()):
            head.append("running now")
        if self.region_kev:
            head += ["region (MeV)", "channels", "gross", "net", "net/s"]
        rows = []
        for one in curves:
            rate = f"{one.total / one.live_s:.3f}" if one.live_s else ""
            swatch = f'<span class=swatch style="background:{self.color(one.name)}"></span>'
            cells = [f"{swatch}{one.name}", f"{one.total:.10g}", f"{one.live_s:.2f}", rate]
            if any(now.values()):
                cells.append(f"+ {sum(int(copy.counts.sum()) for copy in now[one.name])}")
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

"""What happened over time: rates with phases, storms, resets and gaps; the waterfall; rates of each detector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.events import SelectionGeometry
from bokeh.layouts import column
from bokeh.models import (
    BasicTicker,
    BoxSelectTool,
    ColorBar,
    ColumnDataSource,
    DataRange1d,
    Dodge,
    Image,
    LogColorMapper,
    RadioButtonGroup,
    Range1d,
)

from dorn.dictionary import Dictionary
from dorn.live.measurement import Mark, Measurement
from dorn.live.style import fill, legend_above, marked, plot
from dorn.products.style import BLUE, GREEN, GREY, INK, ORANGE, RED

# counter -> label
RATES = {
    "events": "triggers",
    "front": "front",
    "back": "back",
    "front_back": "coincidences",
    "several_units": "several units",
}
_COLORS = (INK, BLUE, ORANGE, GREEN, "#8e24aa")
_UNITS = ((7200, 3600.0, "h"), (600, 60.0, "min"), (0, 1.0, "s"))  # shortest length, s; seconds per unit; unit
_SIDES = ("front", "back")
_LAST_S = 60.0  # period over which detector rates are averaged
_HEIGHT = 185
_NAMED = 15  # maximum number of groups of marks with text; if there are more, only lines are drawn
_EVENTS = {"reset": RED, "bias": RED, "detector": RED, "mode": GREY}


def unit_of(length_s: float) -> tuple[float, str]:
    """Seconds per unit of a time axis of this length, and the unit's name."""
    return next((seconds, name) for least, seconds, name in _UNITS if length_s >= least)


class RatesPanel:
    """on_period: called with the start and end of a marked period, on-board time in s."""

    def __init__(self, on_period: Callable[[float, float], None]):
        self._on_period = on_period
        self._unit_s = 1.0
        select = BoxSelectTool(dimensions="width", renderers=[], description="spectra of a period")
        self._rates = plot(_HEIGHT, (select,), y_range=DataRange1d(start=0))
        self._rates.toolbar.active_drag = select
        self._rates.yaxis.axis_label = "1/s of live time"
        self._rates.on_event(SelectionGeometry, self._selected)
        self._source = ColumnDataSource({name: [] for name in ("x", "dead", *RATES)})
        for (name, title), color in zip(RATES.items(), _COLORS, strict=True):
            self._rates.line("x", name, source=self._source, color=color, legend_label=title, line_width=1.3)
        legend_above(self._rates)
        self._rates.xaxis.visible = False
        self._dead = plot(92, x_range=self._rates.x_range, y_range=DataRange1d(start=0))
        self._dead.toolbar_location, self._dead.min_border_right = None, 30
        self._dead.yaxis.update(axis_label="dead %", ticker=BasicTicker(desired_num_ticks=2))
        self._dead.line("x", "dead", source=self._source, color=INK)
        self._strips = {name: ColumnDataSource({"x0": [], "x1": []}) for name in ("gap", "storm")}
        self._marks = ColumnDataSource({"x": [], "text": [], "color": []})
        for shown in (self._rates, self._dead):
            for name, color in (("gap", GREY), ("storm", "#f4a300")):
                shown.vstrip("x0", "x1", source=self._strips[name], fill_color=color, fill_alpha=0.25, line_color=None)
            shown.vspan("x", source=self._marks, line_color="color", line_dash="dashed")
        names = {"text_font_size": "10px", "text_color": "color", "angle": 1.5708, "x_offset": -2, "y_offset": -3}
        self._rates.text("x", 0, "text", source=self._marks, **names)
        self.layout = column(self._rates, self._dead, sizing_mode="stretch_width")

    def _selected(self, event: Any) -> None:
        if period := marked(event):
            self._on_period(period[0] * self._unit_s, period[1] * self._unit_s)

    def update(self, measurement: Measurement) -> None:
        history = measurement.history
        if not history.n:
            return
        times_s, length_s = history.time_s, history.end_s - history.time_s[0]
        self._unit_s, name = unit_of(length_s)
        self._dead.xaxis.axis_label = f"on-board time ({name})"
        columns = {"dead": history.dead_percent(), **{name: history.rate_cps(name) for name in RATES}}
        after = np.searchsorted(times_s, [begin_s for begin_s, _ in history.gaps], "right")
        with_breaks = {name: np.insert(values, after, np.nan) for name, values in columns.items()}
        x = np.insert(times_s, after, [begin_s for begin_s, _ in history.gaps]) / self._unit_s
        fill(self._source, x=x, **with_breaks)
        begins, ends = zip(*history.gaps, strict=True) if history.gaps else ((), ())
        self._strip("gap", begins, ends)
        self._strip("storm", *_storms(measurement))
        groups = _together([mark for mark in measurement.marks if mark.kind in _EVENTS], length_s / 50)
        fill(
            self._marks,
            x=[marks[0].time_s / self._unit_s for marks in groups],
            text=[", ".join(dict.fromkeys(map(_short, marks))) if len(groups) <= _NAMED else "" for marks in groups],
            color=[RED if any(_EVENTS[mark.kind] == RED for mark in marks) else GREY for marks in groups],
        )

    def _strip(self, name: str, begins, ends) -> None:
        fill(self._strips[name], x0=np.array(begins) / self._unit_s, x1=np.array(ends) / self._unit_s)


def _storms(measurement: Measurement) -> tuple[list[float], list[float]]:
    """Starts and ends of storms; one that continues ends at the latest packet."""
    begins: list[float] = []
    ends: list[float] = []
    for mark in measurement.marks:
        if mark.text.startswith("storm_begin") and len(begins) == len(ends):
            begins.append(mark.time_s)
        elif mark.text.startswith("storm_end") and len(begins) > len(ends):
            ends.append(mark.time_s)
    return begins, ends + [measurement.time_s] * (len(begins) - len(ends))


def _together(marks: list[Mark], apart_s: float) -> list[list[Mark]]:
    """Groups of marks whose texts would overlap."""
    groups: list[list[Mark]] = []
    for mark in marks:
        if groups and mark.time_s - groups[-1][0].time_s < apart_s:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups


def _short(mark: Mark) -> str:
    return {"mode": mark.text, "reset": "start"}.get(mark.kind, mark.text.split()[0])


class WaterfallPanel:
    """Counts over energy and time, in the slices of the archive."""

    def __init__(self, dictionary: Dictionary):
        i = dictionary.instrument
        low_kev = i["kev_per_code"] * (-0.5 - i["zero_code"])
        high_kev = low_kev + i["kev_per_code"] * i["channels"] * i["codes_per_channel"]
        self._low_mev, self._width_mev = low_kev / 1000, (high_kev - low_kev) / 1000
        self.side = RadioButtonGroup(labels=list(_SIDES), active=0)
        self._drawn: tuple[object, ...] = ()
        self._mapper = LogColorMapper(palette="Viridis256", low=0.7, high=10, nan_color="white", low_color="#f4f4f4")
        self._source = ColumnDataSource({name: [] for name in ("image", "x", "y", "dw", "dh")})
        x_range = Range1d(start=0, end=round(high_kev / 1000, 1))
        self._plot = plot(_HEIGHT + 35, x_range=x_range, y_range=DataRange1d(range_padding=0))
        self._plot.xaxis.axis_label = "energy (MeV), default calibration"
        image = Image(image="image", x="x", y="y", dw="dw", dh="dh", color_mapper=self._mapper)
        self._plot.add_glyph(self._source, image)
        bar = ColorBar(color_mapper=self._mapper, width=8, title="counts", title_text_font_size="11px")
        self._plot.add_layout(bar, "right")
        self.layout = column(self.side, self._plot, sizing_mode="stretch_width")

    def update(self, measurement: Measurement) -> None:
        state = (measurement, measurement.version, self.side.active)
        if state == self._drawn:
            return
        self._drawn = state
        rows, begin_s, length_s = measurement.waterfall()
        if not len(rows):
            return
        image = rows[:, self.side.active]
        unit_s, name = unit_of(len(rows) * length_s)
        self._plot.yaxis.axis_label = f"on-board time ({name})"
        self._mapper.high = max(10.0, float(np.nanmax(image)))
        place = {"x": [self._low_mev], "dw": [self._width_mev]}
        place |= {"y": [begin_s / unit_s], "dh": [len(rows) * length_s / unit_s]}
        self._source.data = {"image": [image.astype(np.float32)], **place}


class DetectorsPanel:
    """Rates of each detector over the last minute."""

    def __init__(self, dictionary: Dictionary):
        n = dictionary.instrument["detectors"]
        self._source = ColumnDataSource({"x": [], "accepted": [], "below": []})
        self._plot = plot(_HEIGHT + 75, x_range=Range1d(start=-0.7, end=n - 0.3), y_range=DataRange1d(start=0))
        self._plot.xaxis.axis_label = "detector (even: front, odd: back)"
        self._plot.yaxis.axis_label = f"1/s of live time, last {_LAST_S:.0f} s"
        self._plot.xaxis.ticker = list(range(n))
        bars = (("accepted", BLUE, -0.2, "accepted"), ("below", GREY, 0.2, "below threshold"))
        for name, color, offset, title in bars:
            self._plot.vbar(
                x={"field": "x", "transform": Dodge(value=offset)},
                top=name,
                width=0.38,
                source=self._source,
                color=color,
                legend_label=title,
            )
        legend_above(self._plot)
        self.layout = self._plot

    def update(self, measurement: Measurement) -> None:
        history = measurement.history
        accepted = history.per_detector_cps("accepted", _LAST_S)
        below = history.per_detector_cps("below_threshold", _LAST_S)
        fill(self._source, x=np.arange(len(accepted)), accepted=accepted, below=below)

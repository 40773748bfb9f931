"""Figures of the report of a mission: timeline, rates, spectra by phase, housekeeping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from dorn.products.accounts import SEVERITIES, Report
from dorn.products.clock import Clock
from dorn.products.packet_columns import PacketColumns
from dorn.products.phases import Phase
from dorn.products.plot import COLORS, FAINT, INK, label_energies_kev
from dorn.products.rates import Rates

_WIDTH = 9.5  # inches
_BINS = 500  # of a time axis: more could not be distinguished
_PALETTE = ("#1f4e9c", "#c2570c", "#2e7d32", "#8e24aa", "#00838f", "#ad1457", "#6d4c41", "#827717")
_SEVERITY_COLORS = {"info": "#8a94a6", "low": "#b58900", "medium": "#d2691e", "high": "#b00020"}
_IDLE = "#dfe3ea"
_CLASSES = {"front": COLORS["front"], "back": COLORS["back"], "front_back": "#2e7d32", "several_units": "#8e24aa"}
_FLOOR = 0.6  # counts: lower end of a logarithmic axis
_ENERGY_MEV = (0.0, 12.0)


def phase_colors(phases: Sequence[Phase]) -> dict[str, str]:
    """Name of a phase -> colour; grey for all phases without acquisition."""
    names = dict.fromkeys(phase.name for phase in phases if phase.acquires)
    colors = {name: _PALETTE[n % len(_PALETTE)] for n, name in enumerate(names)}
    return {phase.name: colors.get(phase.name, _IDLE) for phase in phases}


def timeline(phases: Sequence[Phase], reports: Sequence[Report], storm_h: np.ndarray, clock: Clock) -> Figure:
    """Phases above, event reports by severity below. storm_h: float64[n, 2], start and end of storms."""
    figure = Figure(figsize=(_WIDTH, 2.6), layout="constrained")
    axes = figure.subplots()
    colors = phase_colors(phases)
    for phase in phases:
        begin_h, end_h = clock.hours(phase.origin, np.array([phase.begin_us, phase.end_us - 1])).tolist()
        axes.broken_barh([(begin_h, end_h - begin_h)], (4.1, 0.8), facecolor=colors[phase.name])
    for begin_h, end_h in storm_h.tolist():
        axes.axvspan(begin_h, end_h, color="#b00020", alpha=0.15, linewidth=0)
    for severity in SEVERITIES[1:]:
        of = [one for one in reports if one.severity == severity]
        origins, times_us = np.array([(one.origin, round(one.time_s * 1e6)) for one in of], np.int64).reshape(-1, 2).T
        row = 4 - SEVERITIES.index(severity)
        at_h = _apart(clock.hours(origins, times_us), clock)
        axes.plot(at_h, np.full(len(at_h), row + 0.5), "|", color=_SEVERITY_COLORS[severity], markersize=11)
    patches = [Patch(color=color, label=name) for name, color in colors.items() if color != _IDLE]
    axes.legend(handles=patches, fontsize=8, ncols=6, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    axes.set_ylim(0, 5)
    axes.set_yticks([0.5, 1.5, 2.5, 3.5, 4.5], [*SEVERITIES[:0:-1], "phase"])
    _time_axis(axes, clock)
    return figure


def rates(found: Rates, clock: Clock) -> Figure:
    """Events per second of live time by class; below, the fraction of dead time."""
    figure = Figure(figsize=(_WIDTH, 4.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2, 1]})
    edges_h = np.linspace(0, max(clock.length_h, 1e-9), _bins(len(found)) + 1)
    ends_us = np.rint(found.time_s * 1e6).astype(np.int64)
    middles_h = clock.hours(found.origin, ends_us) - found.real_us / 7.2e9

    def binned(values):
        return np.histogram(middles_h, edges_h, weights=values.astype(float))[0]

    live_s, real_s = binned(found.live_us) / 1e6, binned(found.real_us) / 1e6
    live_s[live_s == 0] = np.nan
    for name, color in _CLASSES.items():
        above.stairs(
            binned(found.count(name)) / live_s, edges_h, color=color, label=name.replace("_", " "), baseline=None
        )
    above.set_yscale("log", nonpositive="mask")
    above.set_ylabel("events per second", color=INK)
    above.legend(fontsize=8, ncols=4, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        below.stairs(100 * (1 - live_s / real_s), edges_h, color=INK, baseline=None)
    below.set_ylim(bottom=0)
    below.set_ylabel("dead time, %", color=INK)
    _time_axis(below, clock)
    _plain(above)
    return figure


def spectra(groups: Mapping[str, tuple[np.ndarray, Mapping[str, np.ndarray]]], lines: Sequence[str] = ()) -> Figure:
    """groups: name of a phase -> (edges in keV, counts of the front and of the back detectors). lines: nuclides to be
    labelled."""
    figure = Figure(figsize=(_WIDTH, 0.6 + 1.9 * len(groups)), layout="constrained")
    panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, (edges_kev, sides)) in zip(panels, groups.items(), strict=True):
        most = max(counts.max() for counts in sides.values())
        for side, counts in sides.items():
            text = f"{side}: {counts.sum():,.0f} counts".replace(",", "\u202f")
            axes.stairs(np.maximum(counts, _FLOOR), edges_kev / 1000, color=COLORS[side], label=text, baseline=_FLOOR)
        axes.set_yscale("log")
        axes.set_ylim(_FLOOR, max(10.0, 4.0 * most))
        axes.set_xlim(*_ENERGY_MEV)
        for energies_kev in label_energies_kev(lines).values():
            for energy_kev in energies_kev:
                axes.axvline(energy_kev / 1000, color=FAINT, linewidth=0.7, zorder=0)
        width_kev = edges_kev[1] - edges_kev[0]
        axes.set_ylabel(f"counts per {width_kev:g} keV", color=INK, fontsize=8)
        axes.text(0.01, 0.93, name, transform=axes.transAxes, va="top", weight="bold", color=INK)
        axes.legend(fontsize=8, frameon=False, loc="upper right")
        _plain(axes)
    for label, energies_kev in label_energies_kev(lines).items():
        at = {"xy": (np.mean(energies_kev) / 1000, 1.0), "xycoords": panels[0].get_xaxis_transform()}
        panels[0].annotate(label, **at, xytext=(-2, 2), textcoords="offset points", rotation=55, fontsize=7, color=INK)
    panels[-1].set_xlabel("energy (MeV)", color=INK)
    return figure


_COUNTED = "counted since boot"
_TRENDS = (  # title, fields, factor, offset
    ("temperature, °C", ("temperature_head", "temperature_board"), 0.01, -273.15),
    ("bias, V", ("bias_mv",), 1e-3, 0.0),
    ("leakage current, nA", ("leakage_na",), 1.0, 0.0),
    ("free memory, kB", ("heap_free", "heap_free_min"), 1e-3, 0.0),
    ("load, %", ("busy_permille",), 0.1, 0.0),
    (_COUNTED, ("ring_overruns", "packets_dropped", "frames_bad", "slow_control_errors"), 1.0, 0.0),
)


def housekeeping(found: PacketColumns, clock: Clock) -> Figure:
    """Trends of readings: means over bins of the time axis. Missing readings are left out."""
    figure = Figure(figsize=(_WIDTH, 5.6), layout="constrained")
    panels = figure.subplots(3, 2, sharex=True).ravel()
    items = {item.name: item for item in found.layout.fields}
    at_h = clock.hours(found.origin, np.rint(found.time_s * 1e6).astype(np.int64))
    edges_h = np.linspace(0, max(clock.length_h, 1e-9), _bins(len(at_h)) + 1)
    for axes, (title, names, factor, offset) in zip(panels, _TRENDS, strict=True):
        for name, color in zip(names, _PALETTE, strict=False):
            values = found.fields[name].astype(float)
            known = np.ones(len(values), bool) if items[name].limits is None else values != items[name].high
            numbers = np.histogram(at_h[known], edges_h)[0]
            sums = np.histogram(at_h[known], edges_h, weights=values[known] * factor + offset)[0]
            filled = numbers > 0
            middles_h = (edges_h[1:] + edges_h[:-1]) / 2
            label = name.replace("_", " ")
            axes.plot(middles_h[filled], sums[filled] / numbers[filled], color=color, linewidth=1, label=label)
        axes.set_title(title, loc="left", fontsize=9, color=INK)
        if title == _COUNTED:
            axes.set_ylim(bottom=0)
        if len(names) > 1:
            axes.legend(fontsize=7, frameon=False)
        _plain(axes)
    for axes in panels[-2:]:
        _time_axis(axes, clock)
    return figure


def _apart(hours: np.ndarray, clock: Clock) -> np.ndarray:
    """The times, without those too close to another one to be distinguished in the plot."""
    step_h = max(clock.length_h, 1e-9) / (4 * _BINS)
    return np.unique(np.rint(hours / step_h)) * step_h


def _bins(readings: int) -> int:
    """Number of bins of a time axis, such that each has several readings."""
    return int(np.clip(readings // 3, 1, _BINS))


def _time_axis(axes, clock: Clock) -> None:
    axes.set_xlim(0, max(clock.length_h, 1e-9))
    axes.set_xlabel("time since the first packet (h)", color=INK)
    _plain(axes)


def _plain(axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)

"""The plot of a run: spectra of front and back detectors and of coincidences, with the known lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.figure import Figure

from dorn import nuclides
from dorn.products.style import COLORS, FAINT, INK, png

_APART_KEV = 60  # nuclides whose main lines are closer share a label: Bi-212 is 48 keV above Po-218
_ABOUT = {"front": "front detectors", "back": "back detectors", "coincidences": "coincidences of front and back"}
_ENERGY = {"back": "energy (MeV)", "coincidences": "sum of both energies (MeV)"}
# inches: heights of the panels, of the space under them, of all above them, and of the title
_PANEL_IN = {"front": 2.6, "back": 2.6, "coincidences": 1.3}
_BELOW_IN = {"front": 0.15, "back": 0.6, "coincidences": 0.55}
_ABOVE_IN, _TITLE_IN = 1.25, 0.28
_LEFT = 0.065  # of the width
_FLOOR = 0.6  # counts: the lower end of the logarithmic scale
Side = tuple[np.ndarray, np.ndarray]  # edges in keV, counts


def label_energies_kev(names: Iterable[str]) -> dict[str, list[float]]:
    """Label -> energies in keV, ascending: the main line of each of its nuclides. Only the nuclides of a scenario or
    of --lines are labelled: a line is not named after what lies near."""
    groups: list[list[tuple[float, str]]] = []
    for energy_kev, name in sorted((nuclides.main_kev(name), name) for name in names):
        if not groups or energy_kev - groups[-1][-1][0] > _APART_KEV:
            groups.append([])
        groups[-1].append((energy_kev, name))
    return {", ".join(name for _, name in group): [energy_kev for energy_kev, _ in group] for group in groups}


def spectrum_png(sides: Mapping[str, Side], summary: dict, rates=None) -> bytes:
    """PNG bytes.

    sides: "front", "back" and, if there are any, "coincidences" -> (edges_kev, counts); summary: as in summary.json,
    whose run has the nuclides to be labelled; rates: totals of Products.
    """
    sides = {name: side for name, side in sides.items() if name != "coincidences" or side[1].any()}
    # fixed margins: a layout computed from the sizes of all texts takes longer than the rest of the picture
    height_in = _ABOVE_IN + sum(_PANEL_IN[name] + _BELOW_IN[name] for name in sides)
    figure = Figure(figsize=(11, height_in), dpi=130)
    highest = max(10, 2 * max(counts.max() for _, counts in sides.values()))
    top_in, panels = _ABOVE_IN, {}
    for name, side in sides.items():
        bottom = 1 - (top_in + _PANEL_IN[name]) / height_in
        axes = panels[name] = figure.add_axes((_LEFT, bottom, 0.99 - _LEFT, _PANEL_IN[name] / height_in))
        top_in += _PANEL_IN[name] + _BELOW_IN[name]
        shown = [side] if name == "coincidences" else [sides["front"], sides["back"]]
        axes.set_xlim(*_range_mev(shown))
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(_FLOOR, highest)
        _spectrum(axes, name, *side)
        if name != "coincidences":
            _lines(axes, (summary.get("run") or {}).get("lines") or [], named=name == "front")
    panels["front"].tick_params(labelbottom=False)
    for name in panels.keys() - {"front"}:
        panels[name].set_xlabel(_ENERGY[name])
    figure.text(_LEFT, 1 - _TITLE_IN / height_in, _title(summary, rates), fontsize=11, color=INK)
    return png(figure)


def _range_mev(sides: list[Side]) -> tuple[float, float]:
    """Range of the channels with counts, or of all channels if there are no counts."""
    edges_mev = sides[0][0] / 1000
    total = sum(counts for _, counts in sides)
    filled = np.flatnonzero(total) if np.any(total) else np.arange(len(edges_mev) - 1)
    return max(0.0, float(edges_mev[filled[0]]) - 0.2), float(edges_mev[filled[-1] + 1]) + 0.2


def _spectrum(axes, name: str, edges_kev: np.ndarray, counts: np.ndarray) -> None:
    """A line of steps, as `stairs` takes ten times as long, in a band of one standard deviation."""
    x = np.repeat(edges_kev / 1000, 2)[1:-1]
    low, high = (np.maximum(np.repeat(counts + sign * np.sqrt(counts), 2), _FLOOR) for sign in (-1, 1))
    y = np.maximum(np.repeat(counts, 2), _FLOOR)
    axes.fill_between(x, y, _FLOOR, color=COLORS[name], alpha=0.22, linewidth=0)
    axes.fill_between(x, high, low, color=COLORS[name], alpha=0.3, linewidth=0)
    axes.plot(x, y, color=COLORS[name], linewidth=0.9)
    text = f"{_ABOUT[name]}: {counts.sum():_.0f} counts".replace("_", " ")
    axes.text(0.01, 0.94, text, transform=axes.transAxes, color=COLORS[name], va="top", weight="bold")
    axes.set_ylabel(f"counts per {np.diff(edges_kev).mean():.4g} keV")


def _lines(axes, names: Iterable[str], named: bool) -> None:
    low, high = axes.get_xlim()
    for label, energies_kev in label_energies_kev(names).items():
        shown = [energy_kev / 1000 for energy_kev in energies_kev if low < energy_kev / 1000 < high]
        for energy_mev in shown:
            axes.axvline(energy_mev, color=FAINT, linewidth=0.8, zorder=0)
        if shown and named:
            at = {"xy": (np.mean(shown), 1.0), "xycoords": axes.get_xaxis_transform()}
            above = {"xytext": (-2, 3), "textcoords": "offset points", "rotation": 45}
            axes.annotate(label, **at, **above, fontsize=9, color=INK, ha="left", va="bottom")


def _title(summary: dict, rates) -> str:
    parts = [f"DORN-FSW on {summary['target'] or 'an unknown target'}"]
    if rates and rates.live_us:
        real_s, live_s = rates.real_us / 1e6, rates.live_us / 1e6
        parts += [
            f"{live_s:.2f} s live of {real_s:.2f} s",
            f"{rates.count('events') / live_s:.1f} events/s",
            "bands: one standard deviation",
        ]
    if summary["incomplete_spectra"]:
        parts.append(f"{summary['incomplete_spectra']} incomplete spectra")
    return "   |   ".join(parts)

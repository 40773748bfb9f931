"""The plot of a run: spectra of the front and of the back detectors, with the known lines."""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dorn import nuclides
from dorn.nuclides.chains import alpha_emitters

LABELLED = ("Po-209", "Rn-222", "Rn-220")  # with their progeny
_APART_KEV = 60  # nuclides whose main lines are closer share a label: Bi-212 is 48 keV above Po-218
COLORS = {"front": "#1f4e9c", "back": "#c2570c"}
# fixed: a layout computed from the sizes of all texts takes longer than the rest of the picture
_MARGINS = {"left": 0.065, "right": 0.99, "bottom": 0.075, "top": 0.83, "hspace": 0.06}
_FLOOR = 0.6  # counts: the lower end of the logarithmic scale
INK, FAINT = "#333333", "#b8bcc4"


def label_energies_kev():
    """Label -> energies in keV, ascending: the main line of each of its nuclides."""
    groups = []
    for name in alpha_emitters(LABELLED):
        energy_kev = nuclides.main_kev(name)
        if not groups or energy_kev - groups[-1][-1][0] > _APART_KEV:
            groups.append([])
        groups[-1].append((energy_kev, name))
    return {", ".join(name for _, name in group): [energy_kev for energy_kev, _ in group] for group in groups}


def spectrum_png(sides, summary, rates=None):
    """PNG bytes.

    sides: "front" and "back" -> (edges_kev, counts); summary: as in summary.json; rates: totals of Products.
    """
    figure = Figure(figsize=(11, 6.6), dpi=130)
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, sharex=True, sharey=True, gridspec_kw=_MARGINS)
    edges_mev = sides["front"][0] / 1000
    total = sides["front"][1] + sides["back"][1]
    filled = np.flatnonzero(total) if total.any() else np.arange(len(total))
    panels[0].set_xlim(max(0.0, edges_mev[filled[0]] - 0.2), edges_mev[filled[-1] + 1] + 0.2)
    panels[0].set_yscale("log", nonpositive="clip")
    panels[0].set_ylim(_FLOOR, max(10, 2 * max(counts.max() for _, counts in sides.values())))
    for axes, (name, (_, counts)) in zip(panels, sides.items(), strict=True):
        # a line of steps: `stairs` takes ten times as long
        x, y = np.repeat(edges_mev, 2)[1:-1], np.maximum(np.repeat(counts, 2), _FLOOR)
        axes.fill_between(x, y, _FLOOR, color=COLORS[name], alpha=0.25, linewidth=0)
        axes.plot(x, y, color=COLORS[name], linewidth=0.9)
        text = f"{name} detectors: {counts.sum():,} counts".replace(",", " ")
        axes.text(0.01, 0.94, text, transform=axes.transAxes, color=COLORS[name], va="top", weight="bold")
        axes.set_ylabel(f"counts per {1000 * (edges_mev[1] - edges_mev[0]):g} keV", color=INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK)
        _lines(axes, named=axes is panels[0])
    panels[-1].set_xlabel("energy (MeV)", color=INK)
    panels[0].set_title(_title(summary, rates), loc="left", fontsize=11, color=INK, pad=62)
    picture = io.BytesIO()
    # without matplotlib's version, so that the same run gives the same file
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def _lines(axes, named):
    low, high = axes.get_xlim()
    for label, energies_kev in label_energies_kev().items():
        shown = [energy_kev / 1000 for energy_kev in energies_kev if low < energy_kev / 1000 < high]
        for energy_mev in shown:
            axes.axvline(energy_mev, color=FAINT, linewidth=0.8, zorder=0)
        if shown and named:
            at = {"xy": (np.mean(shown), 1.0), "xycoords": axes.get_xaxis_transform()}
            above = {"xytext": (-2, 3), "textcoords": "offset points", "rotation": 60}
            axes.annotate(label, **at, **above, fontsize=9, color=INK, ha="left", va="bottom")


def _title(summary, rates):
    parts = [f"DORN-FSW on {summary['target'] or 'an unknown target'}"]
    if rates and rates.live_us:
        real_s, live_s = rates.real_us / 1e6, rates.live_us / 1e6
        parts += [
            f"{live_s:.2f} s live of {real_s:.2f} s",
            f"{rates.count('events') / live_s:.1f} events/s",
        ]
    if summary["incomplete_spectra"]:
        parts.append(f"{summary['incomplete_spectra']} incomplete spectra")
    return "   |   ".join(parts)

"""Plots of the spectra study."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import ksone

from dorn.head.front_end import MV_PER_MEV
from dorn.products.style import BLUE, FAINT, INK, ORANGE
from dorn.study.chi_squared import Run
from dorn.study.gains import Calibration, Gains
from dorn.study.measured import TRIPLE, TRIPLE_KEV
from dorn.study.replay import Replay, channels_of

SOURCE, RECORDED = ORANGE, BLUE


def _clean(axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)


def replays(shown: list[Replay]) -> Figure:
    """Source and recorded spectrum of one file of each set, and their difference."""
    rows = -(-len(shown) // 2)
    figure = Figure(figsize=(12, 3.6 * rows + 0.4), dpi=130, layout="constrained")
    grid = figure.add_gridspec(2 * rows, 2, height_ratios=[3, 1] * rows)
    for at, one in enumerate(shown):
        row, column = 2 * (at // 2), at % 2
        top = figure.add_subplot(grid[row, column])
        bottom = figure.add_subplot(grid[row + 1, column], sharex=top)
        channels = np.arange(len(one.counts))
        source = one.axis.of_instrument(np.arange(len(one.measured.counts)))
        rebinned = np.bincount(np.floor(source + 0.5).astype(int), one.measured.counts, len(channels))[: len(channels)]
        top.stairs(rebinned, np.append(channels, channels[-1] + 1) - 0.5, color=SOURCE, fill=True, alpha=0.35)
        top.plot(channels, np.where(one.counts, one.counts, np.nan), ".", markersize=2.2, color=RECORDED)
        threshold = channels_of(one.comparator_mv * 1000 / MV_PER_MEV)
        top.axvline(threshold, color=INK, linewidth=0.8, linestyle=":")
        top.set_yscale("symlog", linthresh=1)
        top.set_ylim(0, 3 * max(rebinned.max(), one.counts.max()))
        title = f"{one.measured.set}: {one.measured.file.split('/')[-1]}, comparators at {one.comparator_mv} mV"
        top.set_title(title, fontsize=9, color=INK, loc="left")
        top.set_ylabel("counts", fontsize=8, color=INK)
        top.tick_params(labelbottom=False)
        # counts expected below threshold or over range are in the counters, not in the spectrum
        bottom.plot(channels, one.counts - one.expected.counts, ".", markersize=2.2, color=RECORDED)
        far = max(1, int(abs(one.counts - one.expected.counts).max()))
        bottom.set_ylim(-1.3 * far, 1.3 * far)
        bottom.set_ylabel("recorded\n- source", fontsize=8, color=INK)
        bottom.set_xlim(0, max(np.flatnonzero(rebinned)[-1], 50) + 10)
        if at >= len(shown) - 2:
            bottom.set_xlabel("channel of the instrument (12 keV)", fontsize=8, color=INK)
        _clean(top)
        _clean(bottom)
        if at == 0:
            handles = [
                top.stairs([], [0], color=SOURCE, fill=True, alpha=0.35),
                *top.plot([], [], ".", color=RECORDED),
                *top.plot([], [], ":", color=INK, linewidth=0.8),
            ]
            names = ["source, rebinned", "recorded", "comparator threshold"]
            top.legend(handles, names, fontsize=8, frameon=False, loc="upper right")
    figure.suptitle(f"Every count played once, through the instrument on {shown[0].target}", color=INK, fontsize=11)
    return figure


def gains(found: Gains, calibration: Calibration) -> Figure:
    """16 spectra, each on the energy scale of its own calibration."""
    figure = Figure(figsize=(12, 8.5), dpi=130, layout="constrained")
    panels = figure.subplots(4, 4, sharex=True, sharey=True)
    for d, (axes, counts) in enumerate(zip(panels.flat, found.recording.singles, strict=True)):
        gain, offset = calibration.lines[d]
        if np.isfinite(gain):
            edges_mev = (gain * (np.arange(len(counts) + 1) - 0.5) + offset) / 1000
            axes.stairs(counts, edges_mev, color=RECORDED, fill=True, alpha=0.3)
            axes.stairs(counts, edges_mev, color=RECORDED, linewidth=0.9)
        for energy_kev, name in zip(TRIPLE_KEV, TRIPLE, strict=True):
            axes.axvline(energy_kev / 1000, color=SOURCE, linewidth=0.8, alpha=0.6, zorder=0)
            if d < 4:
                axes.annotate(
                    name,
                    (energy_kev / 1000, 1.0),
                    xycoords=axes.get_xaxis_transform(),
                    xytext=(0, 3),
                    textcoords="offset points",
                    fontsize=8,
                    color=SOURCE,
                    ha="center",
                )
        text = f"detector {d}\n{gain:.3f} keV/ch\nwithin {abs(calibration.residuals_kev[d]).max():.1f} keV"
        axes.text(0.02, 0.96, text, transform=axes.transAxes, va="top", fontsize=8, color=INK)
        axes.set_xlim(4.6, 6.1)
        _clean(axes)
    for axes in panels[-1]:
        axes.set_xlabel("energy (MeV)", fontsize=8, color=INK)
    for axes in panels[:, 0]:
        axes.set_ylabel("counts", fontsize=8, color=INK)
    figure.suptitle(f"16 strips of one detector in 16 detectors on {found.target}, calibrated", color=INK, fontsize=11)
    return figure


def p_values(targets: list[list[Run]]) -> Figure:
    """Sorted p-values of every target, with the band that contains 99.9 % of uniform ones."""
    figure = Figure(figsize=(5.2 * len(targets), 4.8), dpi=130, layout="constrained")
    for axes, runs in zip(figure.subplots(1, len(targets), squeeze=False)[0], targets, strict=True):
        ps = np.sort([run.p for run in runs])
        n = len(ps)
        band = ksone.isf(0.0005, n)  # two-sided
        x = np.linspace(0, 1, 101)
        axes.fill_between(x, np.maximum(x - band, 0), np.minimum(x + band, 1), color=FAINT, alpha=0.35, linewidth=0)
        axes.plot((0, 1), (0, 1), color=INK, linewidth=0.8)
        axes.step(np.concatenate(([0], ps, [1])), np.append(np.arange(n + 1) / n, 1), where="post", color=RECORDED)
        axes.plot(ps, np.zeros(n), "|", markersize=12, color=SOURCE, clip_on=False)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_xlabel("p of chi-squared", color=INK, fontsize=9)
        axes.set_ylabel("fraction of seeds with a smaller p", color=INK, fontsize=9)
        events = f"{min(run.recorded for run in runs):,}".replace(",", " ")
        axes.set_title(f"{runs[0].target}: {n} seeds of at least {events} events", fontsize=10, color=INK, loc="left")
        _clean(axes)
    return figure

"""Plots of the ADC study: a flat spectrum, and the edges of channels."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dorn.analysis import code_widths
from dorn.products.style import BLUE, FAINT, INK, ORANGE
from dorn.study.adc_pulses import WIDE_CODE

CHANNELS, CODES_PER_CHANNEL = code_widths.scale()


def edges(boards: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Figure:
    """Errors of channel edges, in codes. boards: name -> (codes of the edges, errors as counted, errors corrected)."""
    figure = Figure(figsize=(10, 6), layout="constrained")
    panels = figure.subplots(len(boards), sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, (board, (codes, before, after)) in zip(panels, boards.items(), strict=True):
        axes.axhline(0, color=FAINT, linewidth=0.8)
        axes.plot(codes, before, color=ORANGE, linewidth=1, label="as counted")
        axes.plot(codes, after, color=BLUE, linewidth=1, label="corrected")
        axes.set_ylabel("edge error, codes")
        axes.set_title(board, loc="left", fontsize=9)
    panels[0].legend(loc="upper center")
    panels[-1].set_xlabel("code")
    return figure


def flat(board: str, raw: np.ndarray, corrected: np.ndarray, comb: np.ndarray, inner: slice) -> Figure:
    """All channels of a flat spectrum, and those around the over-wide code near Po-214."""
    figure = Figure(figsize=(10, 6), layout="constrained")
    panels = figure.subplots(2)
    near = slice(WIDE_CODE // CODES_PER_CHANNEL - 24, WIDE_CODE // CODES_PER_CHANNEL + 25)
    for axes, part in zip(panels, (inner, near), strict=True):
        channels = np.arange(CHANNELS)[part]
        axes.step(channels, raw[part], where="mid", color=ORANGE, linewidth=0.9, label="as counted")
        axes.step(channels, corrected[part], where="mid", color=BLUE, linewidth=0.9, label="over-wide codes corrected")
        axes.step(channels, comb[part], where="mid", color=INK, linewidth=0.9, label="comb corrected as well")
        axes.set_ylabel("counts / median")
        axes.set_xlim(channels[0], channels[-1])
        axes.set_ylim(bottom=0)
    panels[0].set_title(f"a flat spectrum: the held-out half of {board}", loc="left")
    panels[0].legend(loc="lower right", ncols=3)
    panels[1].set_xlabel("channel")
    return figure

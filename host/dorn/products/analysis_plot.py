"""fits.png: the spectra, the fit and its parts, and the residuals."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dorn.analysis.emission import Emissions
from dorn.products.outcome import Outcome
from dorn.products.style import FAINT, INK, PALETTE, RED, png

_MOST = 4  # panels
_SIGMA = 5.0  # range of the residuals
_FLOOR = 0.3  # counts, of the logarithmic scale


def fits_png(outcomes: list[Outcome]) -> bytes:
    """PNG bytes: of the first few directions."""
    shown = outcomes[:_MOST]
    figure = Figure(figsize=(11, 4.2 * len(shown)), dpi=110)
    heights = [3, 1] * len(shown)
    panels = figure.subplots(2 * len(shown), 1, gridspec_kw={"height_ratios": heights}, squeeze=False)[:, 0]
    for one, above, below in zip(shown, panels[::2], panels[1::2], strict=True):
        _panel(one, above, below)
    panels[-1].set_xlabel("energy (MeV)")
    figure.subplots_adjust(left=0.07, right=0.985, top=1 - 0.12 / len(shown), bottom=0.12 / len(shown), hspace=0.28)
    return png(figure)


def _panel(one: Outcome, above, below):
    found = one.emissions
    edges_kev, seen, expected, parts = summed(found)
    x, width_kev = (edges_kev[1:] + edges_kev[:-1]) / 2000, float(np.mean(np.diff(edges_kev)))
    above.errorbar(x, seen, np.sqrt(seen), fmt=".", color=INK, markersize=3, linewidth=0.5, label="counts", zorder=1)
    for color, (name, counts) in zip(PALETTE * 3, parts.items(), strict=False):
        above.fill_between(x, counts, _FLOOR, where=counts > _FLOOR, color=color, alpha=0.35, linewidth=0, label=name)
    above.plot(x, expected, color=RED, linewidth=1.2, label="fit")
    above.set_yscale("log")
    above.set_ylim(_FLOOR, max(10.0, 3 * float(seen.max())))
    above.set_xlim(edges_kev[0] / 1000, edges_kev[-1] / 1000)
    quality = f"chi-squared per degree of freedom {one.emissions.chi2_per_dof():.2f}"
    above.set_title(f"{one.name}: {len(found.counts)} spectra, {quality}", loc="left", fontsize=10)
    above.set_ylabel(f"counts per {width_kev:.3g} keV")
    above.legend(fontsize=7, ncols=6, loc="upper right", frameon=False)
    residuals = (seen - expected) / np.sqrt(np.maximum(expected, 0.5))
    below.axhline(0, color=FAINT, linewidth=0.8)
    below.plot(x, residuals, ".", color=INK, markersize=2.5)
    for beyond, marker in ((residuals > _SIGMA, "^"), (residuals < -_SIGMA, "v")):  # drawn at the edge
        below.plot(
            x[beyond], np.clip(residuals[beyond], -_SIGMA, _SIGMA), marker, color=RED, clip_on=False, markersize=4
        )
    below.set_xlim(*above.get_xlim())
    below.set_ylim(-_SIGMA, _SIGMA)
    below.set_ylabel("residual\n(sigma)")


def summed(found: Emissions) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Of all spectra together, on the fitted energies of the first: edges in keV, counts, fit, and the part of each
    nuclide. Counts of a channel that lies in two others are shared by both."""
    scales = zip(found.fit.values.kev_per_unit, found.fit.values.zero, strict=True)
    energies_kev = [scale * (grid.edges - zero) for grid, (scale, zero) in zip(found.grids, scales, strict=True)]
    edges_kev = energies_kev[0]
    model, values = found.model(), vars(found.fit.values)

    def total(spectra):
        onto = np.zeros(len(edges_kev) - 1)
        for own_kev, counts in zip(energies_kev, spectra, strict=True):
            onto += np.diff(np.interp(edges_kev, own_kev, np.append(0.0, np.cumsum(counts))))
        return onto

    parts = {}
    for k, name in enumerate(found.fit.nuclides):
        alone = values | {"counts": np.zeros(len(found.fit.nuclides)), "background": 0 * values["background"]}
        alone["counts"][k] = values["counts"][k]
        parts[name] = total(model.expected(type(found.fit.values)(**alone)))
    return edges_kev, total(found.counts), total(found.fit.expected), parts

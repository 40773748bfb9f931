"""A drifting gain: followed with one line over slices of time, and removed from the counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dorn.analysis import energy_scale
from dorn.analysis.energy_scale import Scale
from dorn.errors import UserError


def followed(
    counts,
    edges,
    nuclides: Sequence[str],
    nuclide: str,
    kev_per_unit: float,
    zero: float,
    search: float = energy_scale.SEARCH,
    seed: int = 1,
) -> tuple[Scale, np.ndarray, np.ndarray]:
    """(scale at gain 1, gains, errors) of one detector; counts: int[slices, channels], the rest as for `calibrate`.

    In the sum of all slices, the drift widens the lines. The gains are therefore relative to one slice with many
    counts, and all lines are fitted in the sum after the drift is removed. If that slice has too few counts in the line
    of `nuclide`, the sum is the reference. Raises UserError like `energy_scale.calibrate`.
    """
    counts = np.asarray(counts)
    start = kev_per_unit, zero, search
    try:
        scale = energy_scale.calibrate(counts[_middle(counts)], edges, [nuclide], *start)
    except UserError:
        scale = energy_scale.calibrate(counts.sum(axis=0), edges, nuclides, *start)
    gains, errors = energy_scale.gains(counts, edges, scale, nuclide)
    known = np.isfinite(gains)
    if not known.any():
        return energy_scale.calibrate(counts.sum(axis=0), edges, nuclides, *start), gains, errors
    filled = np.interp(np.arange(len(gains)), np.flatnonzero(known), gains[known])
    still = steady(counts, filled, scale.energy_kev(edges), np.random.default_rng(seed))
    return energy_scale.calibrate(still, edges, nuclides, scale.kev_per_unit, scale.zero, search), gains, errors


def _middle(counts: np.ndarray) -> int:
    """The middle one of the slices with at least half of the maximum counts."""
    sums = counts.sum(axis=1)
    many = np.flatnonzero(2 * sums >= sums.max())
    return int(many[len(many) // 2])


def steady(counts: np.ndarray, gains: np.ndarray, edges_kev: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """int64[channels]: the sum of counts[slices, channels], with energies divided by the gain of each slice.

    The energy of a count is drawn uniformly from its channel and divided by the gain. This keeps counts independent and
    Poisson, and widens lines by at most a channel.
    """
    moved = gains != 1
    total = counts[~moved].sum(axis=0, dtype=np.int64)
    for seen, gain in zip(counts[moved], gains[moved].tolist(), strict=True):
        channel = np.repeat(np.arange(len(seen)), seen)
        low, high = edges_kev[channel], edges_kev[channel + 1]
        total += np.histogram((low + (high - low) * generator.random(len(channel))) / gain, edges_kev)[0]
    return total

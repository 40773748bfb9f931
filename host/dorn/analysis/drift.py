"""A drifting gain: followed with one line over slices of time, and removed from the counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_solve_banded, cholesky_banded
from scipy.optimize import fminbound

from dorn.analysis import energy_scale
from dorn.analysis.energy_scale import Scale
from dorn.errors import UserError

_SPAN = 1e-8, 1e2  # range of the variance of a step, in units of the mean variance of a gain


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
    of `nuclide`, the sum is the reference. The gains are smoothed: those of single slices are as uncertain as a line of
    a slice, and dividing by them would widen all other lines, but narrow this one. NaN where the line was not found.
    Raises UserError like `energy_scale.calibrate`.
    """
    counts = np.asarray(counts)
    start = kev_per_unit, zero, search
    try:
        scale = energy_scale.calibrate(counts[_middle(counts)], edges, [nuclide], *start)
    except UserError:
        scale = energy_scale.calibrate(counts.sum(axis=0), edges, nuclides, *start)
    gains, errors = smoothed(*energy_scale.gains(counts, edges, scale, nuclide))
    known = np.isfinite(gains)
    if not known.any():
        return energy_scale.calibrate(counts.sum(axis=0), edges, nuclides, *start), gains, errors
    filled = np.interp(np.arange(len(gains)), np.flatnonzero(known), gains[known])
    still = steady(counts, filled, scale.energy_kev(edges), np.random.default_rng(seed))
    return energy_scale.calibrate(still, edges, nuclides, scale.kev_per_unit, scale.zero, search), gains, errors


def smoothed(gains: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most probable gains, and their errors, float64[slices] each, if the true gain is a random walk whose steps
    have a normal distribution. The variance of a step is that of the largest likelihood (a local level model: Durbin
    and Koopman, Time Series Analysis by State Space Methods, 2nd edition, chapter 2). NaN is not known, and stays so.
    """
    known = np.flatnonzero(np.isfinite(gains) & np.isfinite(errors) & (errors > 0))
    smooth, smooth_errors = np.full((2, len(gains)), np.nan)
    if len(known) < 3:
        smooth[known], smooth_errors[known] = gains[known], errors[known]
        return smooth, smooth_errors
    walk = _Walk(known, gains[known], errors[known] ** 2)
    least, most = np.log(walk.variance.mean() * np.array(_SPAN))
    step = float(np.exp(fminbound(lambda log_step: walk.fit(float(np.exp(log_step)))[1], least, most)))
    smooth[known], smooth_errors[known] = walk.fit(step)[0], walk.errors(step)
    return smooth, smooth_errors


class _Walk:
    """A random walk that is measured with errors at these numbers of steps; step: the variance of its steps."""

    def __init__(self, at: np.ndarray, values: np.ndarray, variance: np.ndarray):
        self.values, self.variance, self._inverse = values, variance, 1 / np.diff(at)

    def _information(self, step: float) -> tuple[np.ndarray, np.ndarray]:
        """The diagonal of the information, and the diagonal above it, which begins with 0."""
        between = np.concatenate([[0.0], self._inverse / step, [0.0]])
        return 1 / self.variance + between[1:] + between[:-1], -between[:-1]

    def fit(self, step: float) -> tuple[np.ndarray, float]:
        """The most probable values, and -2 ln(likelihood) of the step, apart from a constant."""
        diagonal, above = self._information(step)
        factor = cholesky_banded(np.array([above, diagonal]))
        found = cho_solve_banded((factor, False), self.values / self.variance)
        determinant = 2 * np.log(factor[1]).sum() + (len(found) - 1) * np.log(step)
        walked = np.sum(np.diff(found) ** 2 * self._inverse) / step
        return found, float(determinant + walked + np.sum((self.values - found) ** 2 / self.variance))

    def errors(self, step: float) -> np.ndarray:
        """Standard errors of the values, from the diagonal of the inverse of a tridiagonal matrix."""
        diagonal, above = self._information(step)
        before, after = _eliminated(diagonal, above[1:]), _eliminated(diagonal[::-1], above[:0:-1])[::-1]
        return (before + after - diagonal) ** -0.5


def _eliminated(diagonal: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """The diagonal of a symmetric tridiagonal matrix after the elimination of what is before each row."""
    found = [float(diagonal[0])]
    for one, square in zip(diagonal[1:].tolist(), (beside**2).tolist(), strict=True):
        found.append(one - square / found[-1])
    return np.array(found)


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

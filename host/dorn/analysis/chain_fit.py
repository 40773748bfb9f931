"""Activities of a decay chain from counts of its members over time.

    found = chain_fit("Pb-212", begins_s, ends_s, [Counts("Bi-212", counts, live_s, errors), ...])
    found.at_start  # {"Pb-212": (0.31, 0.01), "Bi-212": ...}

The activities of all members follow from those at the start of the first interval by Bateman's equations (`chains`),
and are linear in them. So are the expected counts of an interval, mean activity x live time x alphas per decay. This
assumes that all members are in the same place, so that their alphas are detected with the same probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from dorn.analysis.activity import alphas_per_decay
from dorn.errors import UserError
from dorn.nuclides import nuclide
from dorn.nuclides.chains import decays, members

_STEPS, _CONVERGED = 200, 1e-9
_LEAST = 1e-9  # lower limit of the expected counts of an interval


@dataclass(frozen=True, eq=False)
class Counts:
    """A nuclide in n intervals, float64[n] each: counts of its alphas, live times, and errors of the counts expected
    without it."""

    nuclide: str
    counts: np.ndarray
    live_s: np.ndarray
    errors_without: np.ndarray


@dataclass(frozen=True, eq=False)
class ChainFit:
    """at_start: (decays per second, error) of each member at the start of the first interval, as if all of its alphas
    were detected. Activities that the data cannot separate have large errors."""

    at_start: dict[str, tuple[float, float]]
    covariance: np.ndarray  # float64[members, members]
    deviance: float
    dof: int


def chain_fit(parent: str, begins_s, ends_s, measured: Sequence[Counts]) -> ChainFit:
    """Fit the initial activities of the parent and of the members that live longer than an interval and decay to a
    measured one; those of the others, which reach equilibrium within an interval, are taken as 0. No activity is
    negative. begins_s, ends_s: float64[n], start and end of each interval.

    The likelihood is that of Poisson counts with the background that gives the same error (see `detection`). Raises
    UserError if no measured nuclide belongs to the chain, or there are fewer than three intervals or no counts.
    """
    begins_s, ends_s = np.asarray(begins_s, float), np.asarray(ends_s, float)
    chain = members([parent])
    measured = [one for one in measured if one.nuclide in chain]
    if not measured:
        raise UserError.at("chain", "nuclides", f"none of the chain of {parent} is measured")
    if len(begins_s) < 3:
        raise UserError.at("chain", "intervals", "fewer than three", len(begins_s))
    if not sum(one.counts.sum() for one in measured) > 0:
        raise UserError.at("chain", "counts", "none")
    free = _free(parent, chain, [one.nuclide for one in measured], float(np.min(ends_s - begins_s)))
    design = np.concatenate(_design(free, begins_s, ends_s, measured), axis=0)
    background = np.concatenate([one.errors_without**2 for one in measured])
    seen = np.concatenate([one.counts for one in measured]) + background
    values, information = _fitted(design, seen, background)
    covariance = np.linalg.pinv(information, hermitian=True)
    mean = np.maximum(design @ values + background, _LEAST)
    ratio = np.where(seen > 0, seen, 1.0) / mean
    deviance = float(2 * np.sum(mean - seen + np.maximum(seen, 0.0) * np.log(ratio)))
    at_start = {
        name: (float(value), float(error))
        for name, value, error in zip(free, values, np.sqrt(np.diag(covariance)), strict=True)
    }
    return ChainFit(at_start, covariance, deviance, len(seen) - len(free))


def _free(parent: str, chain, measured: list[str], shortest_s: float) -> list[str]:
    """The parent, and the members whose activity at the start is fitted."""
    feeding = [name for name in chain if set(measured) & set(members([name]))]
    return [parent, *(name for name in feeding if name != parent and nuclide(name).half_life_s > shortest_s)]


def _design(free: list[str], begins_s, ends_s, measured: Sequence[Counts]) -> list[np.ndarray]:
    """float64[n, free] per measured nuclide: expected counts of the intervals for one decay per second at the start."""
    times_s = np.unique(np.concatenate([begins_s, ends_s]))
    at = [np.searchsorted(times_s, ends) for ends in (begins_s, ends_s)]
    columns = []
    for name in free:
        until = decays({name: 1.0}, times_s - times_s[0])
        columns.append([_between(until, one.nuclide, at) for one in measured])
    lengths_s = ends_s - begins_s
    design = []
    for i, one in enumerate(measured):
        alphas, _ = alphas_per_decay(one.nuclide)
        share = alphas * one.live_s / lengths_s
        design.append(np.stack([share * of[i] for of in columns], axis=1))
    return design


def _between(until: dict[str, np.ndarray], name: str, at) -> np.ndarray:
    """Decays of a nuclide within the intervals; 0 if it is not progeny."""
    if name not in until:
        return np.zeros(len(at[0]))
    return until[name][at[1]] - until[name][at[0]]


def _fitted(design: np.ndarray, seen: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(values, Fisher information): iterated least squares with the errors of the model, not of the counts."""
    scale = np.maximum(design.max(axis=0), 1e-300)
    scaled = design / scale
    mean = np.maximum(seen, 1.0)
    values = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        weight = 1 / np.sqrt(mean)
        new, _ = nnls(scaled * weight[:, None], (seen - background) * weight)
        done = np.abs(new - values).max() <= _CONVERGED * max(np.abs(new).max(), _CONVERGED)
        values = new
        mean = np.maximum(scaled @ values + background, _LEAST)
        if done:
            information = design.T @ (design / mean[:, None])
            return values / scale, information
    raise UserError.at("chain", "fit", "does not converge")

"""Activities of a decay chain from counts of its members over time.

    found = chain_fit("Pb-212", begins_s, ends_s, [Counts("Bi-212", counts, live_s, errors), ...])
    found.at_start  # {"Pb-212": (0.31, 0.01), "Bi-212": ...}

The activities of all members follow from those at the start of the first interval by Bateman's equations (`chains`),
and are linear in them. So are the expected counts of an interval, mean activity x live time x alphas per decay. This
assumes that all members are in the same place, so that their alphas are detected with the same probability.

A member that comes into equilibrium with what feeds it within an interval is taken to start in it, in the ratio
T_k / (T_k - T_d) x branching fraction of activities for the half-lives T_d of the member and T_k of the fitted member
before it: that of the terms with exp(-l_k t) in Bateman's equations.
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
_RIDGE = 1e-12  # added to the information, in units in which that of each activity alone is 1
_UNDETERMINED = 1e4  # error relative to that with all other activities known, from which it is called infinite


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
    """at_start: (decays per second, error) of each fitted member at the start of the first interval, as if all of its
    alphas were detected. The error is infinite where the counts do not determine the activity; its covariances with
    others are then 0."""

    at_start: dict[str, tuple[float, float]]
    covariance: np.ndarray  # float64[members, members]
    deviance: float
    dof: int


def chain_fit(parent: str, begins_s, ends_s, measured: Sequence[Counts]) -> ChainFit:
    """Fit the initial activities of the parent and of the members that decay to a measured one and do not reach
    equilibrium within an interval. No activity is negative. begins_s, ends_s: float64[n], start and end of each
    interval.

    The likelihood is that of Poisson counts with the background that gives the same error (see `detection`). Errors are
    from the expected information, for activities of at least one count in all: so, without any count or background, the
    error is one count, as the standard deviation of a mean of which any value is as likely before. Raises UserError if
    no measured nuclide belongs to the chain, or there are fewer than three intervals or no counts.
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
    feeding = [name for name in chain if {one.nuclide for one in measured} & set(members([name]))]
    starts = _starts(parent, feeding, float(np.min(ends_s - begins_s)))
    free = list(starts)
    design = np.concatenate(_design(starts, begins_s, ends_s, measured), axis=0)
    background = np.concatenate([one.errors_without**2 for one in measured])
    seen = np.concatenate([one.counts for one in measured]) + background
    values = _fitted(design, seen, background)
    covariance = _covariance(design, values, background)
    mean = np.maximum(design @ values + background, _LEAST)
    ratio = np.where(seen > 0, seen, 1.0) / mean
    deviance = float(2 * np.sum(mean - seen + np.maximum(seen, 0.0) * np.log(ratio)))
    at_start = {
        name: (float(value), float(error))
        for name, value, error in zip(free, values, np.sqrt(np.diag(covariance)), strict=True)
    }
    return ChainFit(at_start, covariance, deviance, len(seen) - len(free))


def _starts(parent: str, feeding: list[str], shortest_s: float) -> dict[str, dict[str, float]]:
    """Fitted member -> activities at the start for one decay per second of it: its own, and of the members after it
    that are in equilibrium. feeding: parent and members that decay to a measured one, a nuclide before its daughters.
    """
    starts: dict[str, dict[str, float]] = {}
    for name in feeding:
        before = {k: share for k, of in starts.items() if (share := _fed(name, of))}
        own_s = nuclide(name).half_life_s
        # what is missing to equilibrium falls with the difference of the decay constants
        rates = [1 / own_s - 1 / nuclide(k).half_life_s for k in before]
        if name == parent or any(rate * shortest_s < 1 for rate in rates):
            starts[name] = {name: 1.0}
            continue
        for (k, share), rate in zip(before.items(), rates, strict=True):
            starts[k][name] = share / (own_s * rate)
    return starts


def _fed(name: str, activities: dict[str, float]) -> float:
    """Atoms of a nuclide that these activities produce per second."""
    of = ((bq, daughter) for one, bq in activities.items() for daughter in nuclide(one).daughters)
    return sum(bq * daughter.fraction for bq, daughter in of if daughter.name == name)


def _design(starts: dict[str, dict[str, float]], begins_s, ends_s, measured: Sequence[Counts]) -> list[np.ndarray]:
    """float64[n, fitted] per measured nuclide: expected counts of the intervals for one decay per second at first."""
    times_s = np.unique(np.concatenate([begins_s, ends_s]))
    at = [np.searchsorted(times_s, ends) for ends in (begins_s, ends_s)]
    columns = []
    for start in starts.values():
        until = decays(start, times_s - times_s[0])
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


def _fitted(design: np.ndarray, seen: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The most likely activities: iterated least squares with the errors of the model, not of the counts."""
    scale = np.maximum(design.sum(axis=0), 1e-300)
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
            return values / scale
    raise UserError.at("chain", "fit", "does not converge")


def _covariance(design: np.ndarray, values: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Inverse of the information of activities of at least one count; infinite variance where there is none."""
    total = design.sum(axis=0)
    known = np.flatnonzero(total > 0)
    some = design[:, known]
    mean = np.maximum(some @ np.maximum(values[known], 1 / total[known]) + background, 1e-300)
    information = some.T @ (some / mean[:, None])
    unit = 1 / np.sqrt(information.diagonal())
    inverse = np.linalg.inv(information * unit * unit[:, None] + _RIDGE * np.eye(len(known)))
    undetermined = inverse.diagonal() > _UNDETERMINED**2
    inverse[undetermined] = inverse[:, undetermined] = 0.0
    inverse[undetermined, undetermined] = np.inf
    covariance = np.diag(np.full(design.shape[1], np.inf))
    covariance[known[:, None], known] = inverse * unit * unit[:, None]
    return covariance

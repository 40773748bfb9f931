"""The half-life of a nuclide from its counts over time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dorn.analysis.detection import ONE_SIDED
from dorn.errors import UserError

DECREASES, CONSTANT, INCREASES = "decreases", "does not change significantly", "increases"
_STEPS, _CONVERGED = 100, 1e-9
_SMALL = 1e-3  # below this, series are more precise; their next term is below 1e-12
_SINGULAR = 1e-12
_FARTHEST = 3.0  # largest step of the exponents: log of the rate, and decay constant x the whole time


class HalfLife(NamedTuple):
    """The fitted decay; `half_life_s` has a meaning only if the rate decreases significantly, see `rate`."""

    decay_per_s: float  # decay constant; negative if the rate increases
    decay_error_per_s: float
    rate_per_s: float  # at time 0
    deviance: float
    dof: int

    @property
    def rate(self) -> str:
        """What the rate does, at 95 %: one of DECREASES, CONSTANT, INCREASES."""
        if abs(self.decay_per_s) <= ONE_SIDED * self.decay_error_per_s:
            return CONSTANT
        return DECREASES if self.decay_per_s > 0 else INCREASES

    @property
    def least_s(self) -> float:
        """Lower limit of the half-life, at 95 %; infinite if the rate increases."""
        most_per_s = self.decay_per_s + ONE_SIDED * self.decay_error_per_s
        return float(np.log(2) / most_per_s) if most_per_s > 0 else float("inf")

    @property
    def half_life_s(self) -> float:
        return float(np.log(2) / self.decay_per_s)

    @property
    def error_s(self) -> float:
        return abs(self.half_life_s / self.decay_per_s) * self.decay_error_per_s


def half_life(begins_s, ends_s, counts, live_s, errors_without) -> HalfLife:
    """Fit an exponential decay. Arguments, for n intervals: start and end, counts of the nuclide, live times, and
    errors of the counts expected without the nuclide. The expected counts are live time x mean rate of the interval.

    The likelihood is that of Poisson counts with the background that gives the same error (see `detection`): weights
    from the errors of fitted counts, which are too small where counts are low by chance, would bias the half-life.
    Raises UserError for fewer than three intervals, or no counts.
    """
    columns = begins_s, ends_s, counts, live_s, errors_without
    begins_s, ends_s, counts, live_s, errors = (np.asarray(one, float) for one in columns)
    if len(begins_s) < 3:
        raise UserError.at("half-life", "intervals", "fewer than three", len(begins_s))
    if not counts.sum() > 0:
        raise UserError.at("half-life", "counts", "none")
    background = errors**2
    times_s = (begins_s + ends_s) / 2
    seen, middle_s, span_s = counts + background, float(times_s.mean()), float(ends_s.max() - begins_s.min())
    x, half = (times_s - middle_s) / span_s, (ends_s - begins_s) / (2 * span_s)
    log_rate, decay = float(np.log(counts.sum() / live_s.sum())), 0.0  # per span, at its midpoint
    for _ in range(_STEPS):
        u = decay * half
        signal = live_s * np.exp(log_rate - decay * x) * _mean(u)
        mean = np.maximum(signal + background, 1e-12)
        slopes = np.stack([signal, signal * (half * _log_slope(u) - x)])
        information = (slopes / mean) @ slopes.T
        try:
            step = np.linalg.solve(information, slopes @ (seen / mean - 1))
        except np.linalg.LinAlgError:
            raise UserError.at("half-life", "counts", "do not determine it") from None
        step *= min(1.0, _FARTHEST / max(float(np.abs(step).max()), 1e-300))
        log_rate, decay = log_rate + float(step[0]), decay + float(step[1])
        if np.abs(step).max() < _CONVERGED:
            break
    else:
        raise UserError.at("half-life", "fit", "does not converge")
    error = _error(information)
    ratio = np.where(seen > 0, seen, 1.0) / mean
    deviance = float(2 * np.sum(mean - seen + seen * np.log(ratio)))
    at_0 = float(np.exp(log_rate + decay * middle_s / span_s))
    return HalfLife(decay / span_s, error / span_s, at_0, deviance, len(times_s) - 2)


def _error(information: np.ndarray) -> float:
    """Error of the decay constant. Raises UserError if the counts do not determine it."""
    unit = 1 / np.sqrt(information.diagonal())
    correlation = float(information[0, 1] * unit[0] * unit[1])
    if not 1 - correlation**2 > _SINGULAR:
        raise UserError.at("half-life", "counts", "do not determine it")
    return float(unit[1] / np.sqrt(1 - correlation**2))


def _mean(u: np.ndarray) -> np.ndarray:
    """Mean of exp(-decay t) over an interval, over its value at the midpoint: sinh(u) / u, u = decay x half of it."""
    small = np.abs(u) < _SMALL
    safe = np.where(small, 1.0, u)
    return np.where(small, 1 + u**2 / 6, np.sinh(safe) / safe)


def _log_slope(u: np.ndarray) -> np.ndarray:
    """Derivative of ln(_mean)."""
    small = np.abs(u) < _SMALL
    safe = np.where(small, 1.0, u)
    return np.where(small, u / 3, 1 / np.tanh(safe) - 1 / safe)

"""Characteristic limits of ISO 11929-1: decision threshold, detection limit and limits of the coverage interval.

    def activity_bq(gross, background, efficiency):
        return (gross / 3600 - background / 7200) / efficiency

    inputs = {"gross": Input.counts(120), "background": Input.counts(150), "efficiency": Input(0.2, 0.01)}
    result = evaluate(activity_bq, inputs, gross="gross")

The uncertainty of the result y is that of the GUM (JCGM 100:2008, 5.1.2), by numerical derivatives, which include the
correlation of an input that occurs several times in the model. The uncertainty u(t) expected if the true value is t is
found in the same way with the gross input that gives t, and the uncertainty of that input. In these terms

    decision threshold   y* = k_alpha u(0)
    detection limit      y# = y* + k_beta u(y#)

and, with the normal distribution function F and w = F(y / u), the coverage interval and the best estimate are those of
a normal distribution truncated at 0. For low counts the threshold is exceeded by chance more often than alpha (`dorn
study limits`); dorn.analysis.limits has exact limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist

from scipy.optimize import root_scalar

from dorn.analysis.line_fit import Fit, expected_errors
from dorn.analysis.line_model import LineModel
from dorn.errors import UserError

_NORMAL = NormalDist()
K = 1.6448536269514722  # quantile of the normal distribution for errors of 5 %
_FAR = 8  # standard uncertainties below 0 beyond which there is no estimate
_STEP = 1e-5  # step of the derivatives, relative to the input: the error is below 1e-9 for smooth models
_ROUNDING = 1e-12  # relative tolerance of the gross input
# a detection limit is between these, in standard uncertainties of the result
_LEAST, _MOST = 1e-6, 1e6


@dataclass(frozen=True)
class Input:
    """An input of the model; u: standard uncertainty, or a function that gives it for any value."""

    value: float
    u: float | Callable[[float], float] = 0.0

    @classmethod
    def counts(cls, n: float) -> Input:
        """Counts of a Poisson process, with variance n. At 0 counts the variance is 0: use exact limits instead."""
        return cls(float(n), math.sqrt)

    @classmethod
    def fitted(cls, found: Fit, model: LineModel, name: str) -> Input:
        """The counts of a nuclide in a fit; u: as expected for another true value, with all else as fitted."""
        at = found.nuclides.index(name)

        def u(value):
            counts = found.values.counts.copy()
            counts[at] = max(value, 0.0)
            return float(expected_errors(model, replace(found.values, counts=counts)).counts[at])

        return cls(found.of(name)[0], u)

    def error(self, value: float) -> float:
        return float(self.u(value)) if callable(self.u) else self.u


@dataclass(frozen=True)
class Result:
    """In the unit of the model. symmetric: the coverage interval with equal probabilities below and above it; shortest:
    the shortest one; best: the best estimate, not negative, and its standard uncertainty. The detection limit is
    infinite if the relative uncertainty of a calibration factor is too large for one to exist."""

    value: float
    error: float
    decision_threshold: float
    detection_limit: float
    symmetric: tuple[float, float]
    shortest: tuple[float, float]
    best: tuple[float, float]

    @property
    def detected(self) -> bool:
        return self.value > self.decision_threshold


def evaluate(
    model: Callable[..., float],
    inputs: Mapping[str, Input],
    gross: str,
    k_alpha: float = K,
    k_beta: float = K,
    probability: float = 0.95,
) -> Result:
    """Evaluate model(**values of the inputs). gross: the input that depends on the true value, as gross counts do.

    probability: that of the coverage intervals. Raises UserError for inputs that have no finite result.
    """
    if gross not in inputs:
        raise UserError.at("ISO 11929", "gross", f"not one of {', '.join(inputs)}", gross)
    if not 0 < probability < 1:
        raise UserError.at("ISO 11929", "probability", "not between 0 and 1", probability)
    measured = _Measurement(model, inputs, gross)
    value, error = measured.value, measured.error(measured.gross)
    if not (math.isfinite(value) and 0 < error < math.inf):
        raise UserError.at("ISO 11929", "result", "no finite value with an uncertainty", f"{value:.4g} +- {error:.4g}")
    if value < -_FAR * error:
        raise UserError.at("ISO 11929", "result", "too far below 0 for an estimate", f"{value:.4g} +- {error:.4g}")
    threshold = k_alpha * measured.error_at(0.0)
    return Result(
        value,
        error,
        threshold,
        _detection_limit(measured, threshold, error, k_beta),
        *_coverage(value, error, probability),
        _best(value, error),
    )


class _Measurement:
    """The model as a function of the gross input."""

    def __init__(self, model, inputs, gross):
        self._model, self._inputs, self._name = model, inputs, gross
        self._values = {name: one.value for name, one in inputs.items()}
        self.gross = self._values[gross]
        self.value = self._at(self.gross)

    def _at(self, gross: float, **others: float) -> float:
        return float(self._model(**(self._values | others | {self._name: gross})))

    def error(self, gross: float) -> float:
        """Standard uncertainty of the result for this value of the gross input."""
        variance = 0.0
        for name, one in self._inputs.items():
            value = gross if name == self._name else one.value
            try:
                u = one.error(value)
            except ValueError:
                u = math.nan
            if not 0 <= u < math.inf:
                raise UserError.at("ISO 11929", name, f"no uncertainty at {value:g}", u)
            if u:
                step = _STEP * (abs(value) or u)
                above, below = (
                    self._at(moved) if name == self._name else self._at(gross, **{name: moved})
                    for moved in (value + step, value - step)
                )
                variance += ((above - below) / (2 * step) * u) ** 2
        return math.sqrt(variance)

    def error_at(self, true: float) -> float:
        """Standard uncertainty expected for this true value of the result."""
        found = root_scalar(
            lambda gross: self._at(gross) - true,
            method="secant",
            x0=self.gross,
            x1=self.gross * (1 + 1e-3) or 1.0,
        )
        if not found.converged:
            raise UserError.at("ISO 11929", self._name, "no value yields this result", true)
        needed = float(found.root)
        return self.error(0.0 if abs(needed) < _ROUNDING * abs(self.gross) else needed)


def _detection_limit(measured, threshold, error, k_beta):
    def missing(true):
        return threshold + k_beta * measured.error_at(true) - true

    low, high = max(threshold, _LEAST * error), 2 * threshold + error
    while missing(high) > 0:
        high *= 2
        if high > _MOST * error:
            return math.inf
    return float(root_scalar(missing, bracket=(low, high), xtol=1e-9 * high).root)


def _coverage(y, u, probability):
    """The probabilistically symmetric and the shortest coverage interval."""
    w, outside, quantile = _NORMAL.cdf(y / u), 1 - probability, _NORMAL.inv_cdf
    symmetric = y - u * quantile(w * (1 - outside / 2)), y - u * quantile(w * outside / 2)
    half = u * quantile((1 + w * probability) / 2)
    shortest = (y - half, y + half) if y > half else (0.0, y - u * quantile(w * outside))
    return symmetric, shortest


def _best(y, u):
    w = _NORMAL.cdf(y / u)
    best = y + u * math.exp(-((y / u) ** 2) / 2) / (w * math.sqrt(2 * math.pi))
    return best, math.sqrt(u**2 - (best - y) * best)

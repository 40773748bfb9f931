"""Likelihood ratios of trial values of the counts of a nuclide, from measured and simulated spectra.

The ratio is the deviance of the best fit with the trial value minus that of the overall best fit; dorn.analysis.limits
derives intervals from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import poisson

from dorn.analysis.line_fit import Fit, fit
from dorn.analysis.line_model import LineModel, Parameters

TOYS = 200  # simulated spectra for each trial value


def critical_of(signed: np.ndarray, cl: float, upper: bool) -> float:
    """The critical value of ratios from `Ratios.simulated`; for an upper limit, estimates above the trial value are not
    evidence against it."""
    return float(np.quantile(np.maximum(-signed, 0) if upper else abs(signed), cl, method="higher"))


class Ratios:
    """Likelihood ratios for trial values of the counts of a nuclide."""

    def __init__(self, found: Fit, model: LineModel, counts: Sequence, name: str):
        self._found, self._model, self._counts, self._name = found, model, counts, name
        self.value, self.error = found.of(name)

    def at(self, trial: float) -> float:
        return max(0.0, self._fixed(trial).deviance - self._found.deviance)

    def simulated(self, trial: float, seed: int, toys: int = TOYS) -> np.ndarray:
        """float64[toys]: the ratios of spectra for which the trial value is true; negative if the estimate is below it.
        The random numbers are the same for all trial values, so that the ratios vary smoothly."""
        truth, rng = self._fixed(trial).values, np.random.default_rng(seed)
        drawn = [poisson.ppf(rng.random((toys, len(mean))), mean) for mean in self._model.expected(truth)]
        return np.array([self._of_toy(counts, truth, trial) for counts in zip(*drawn, strict=True)])

    def _fixed(self, trial):
        return fit(self._model.with_counts(self._name, trial), self._counts, begin=self._found.values)

    def _of_toy(self, counts, truth: Parameters, trial):
        if not any(seen.any() for seen in counts):
            return -2 * self._inside(truth, trial)  # in spectra without counts, the ratio is twice the expected counts
        best = fit(self._model, counts, begin=truth)
        fixed = fit(self._model.with_counts(self._name, trial), counts, begin=best.values)
        return math.copysign(max(0.0, fixed.deviance - best.deviance), best.of(self._name)[0] - trial)

    def _inside(self, truth, trial):
        """Expected counts of the nuclide, and of those tied to it, within the edges."""
        fixed = self._model.with_counts(self._name, trial)
        alone = replace(truth, counts=fixed.parameters(fixed.start).counts, background=0 * truth.background)
        return sum(float(mean.sum()) for mean in self._model.expected(alone))

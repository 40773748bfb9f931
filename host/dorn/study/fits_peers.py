"""The same maximum of the likelihood with other programs: iminuit, and lmfit on residuals of the deviance."""

from __future__ import annotations

import lmfit
import numpy as np
from iminuit import Minuit
from scipy.special import xlogy

from dorn.analysis.line_fit import Likelihood
from dorn.analysis.line_model import LineModel

EDM = 2e-5  # iminuit's estimated distance to the minimum of the deviance where values are compared: 0.004 sigma


def minuit(
    model: LineModel, counts: np.ndarray, start: np.ndarray, gradient: bool = False, exact: bool = False
) -> np.ndarray:
    """The vector of parameters at the minimum of the deviance. exact: to EDM, instead of iminuit's own default."""
    free = np.flatnonzero(model.is_free)
    vector = start.copy()

    def deviance(values):
        vector[free] = values
        return deviance_of(model, vector, counts)

    def slope(values):
        vector[free] = values
        return -2 * Likelihood(model, [counts], vector).score[free]

    found = Minuit(deviance, start[free], grad=slope if gradient else None)  # pyright: ignore[reportArgumentType]
    found.errordef = 1
    found.limits = list(zip(model.lower[free], model.upper[free], strict=True))
    if exact:
        found.tol = EDM / 0.002
        found.strategy = 2
    found.migrad()
    if exact:  # iminuit can stop at a limit of a parameter when the minimum is only near it
        found.values = [
            max(value, low + 1) if low == 0 else value
            for value, (low, _) in zip(found.values, found.limits, strict=True)
        ]
        found.migrad()
    vector[free] = np.array(found.values)
    return vector


def least_squares(model: LineModel, counts: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The vector of parameters at the minimum, by lmfit's `least_squares`."""
    free = np.flatnonzero(model.is_free)
    parameters = lmfit.Parameters()
    for i in free:
        parameters.add(f"p{i}", start[i], min=model.lower[i], max=model.upper[i])
    vector = start.copy()

    def residuals(values):
        vector[free] = [value.value for value in values.values()]
        mean = model.parts[0].mean(vector)
        return np.sign(counts - mean) * np.sqrt(np.maximum(2 * (mean - counts + xlogy(counts, counts / mean)), 0))

    found = lmfit.minimize(residuals, parameters, method="least_squares")
    vector[free] = [value.value for value in found.params.values()]  # pyright: ignore[reportAttributeAccessIssue]
    return vector


def deviance_of(model: LineModel, vector: np.ndarray, counts: np.ndarray) -> float:
    mean = model.parts[0].mean(vector)
    return float(2 * np.sum(mean - counts + xlogy(counts, counts / mean)))

"""Whether a nuclide of a fit of lines is there, and how much of it there may be.

Without the nuclide, its counts have the error u(0). A Poisson number of counts with the known background b = u(0)^2 has
the same, so for few counts the exact threshold and limit are those of n counts there, n the nearest number to counts
plus b. From many counts on they agree with 1.645 u(0) (ISO 11929-1:2019) and with the profile likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import poisson

from dorn.analysis import limits
from dorn.analysis.line_fit import Fit, expected_errors
from dorn.analysis.line_model import LineModel
from dorn.errors import UserError

ONE_SIDED = 1.645  # 95 % of a Gaussian
_FALSE = 0.05  # probability of a detection without the nuclide
_FEW = 100.0  # counts and background of the exact forms


def error_without(model: LineModel, found: Fit, name: str) -> float:
    """u(0), of the counts of a nuclide if there were none and all else were as fitted."""
    k = found.nuclides.index(name)
    counts = np.where(np.arange(len(found.nuclides)) == k, 0.0, found.values.counts)
    error = float(expected_errors(model, replace(found.values, counts=counts)).counts[k])
    return error if np.isfinite(error) else float(found.errors.counts[k])


def threshold(error: float) -> float:
    """The decision threshold of counts; error: u(0)."""
    gaussian, background = ONE_SIDED * error, error**2
    if background > _FEW:
        return gaussian
    # the least whole number with at most 5 % probability is above it, the one before below; a single count never is
    least = max(float(poisson.isf(_FALSE, background)), 1.0) + 1
    return max(gaussian, least - 0.5 - background)


def upper_limit(found: Fit, model: LineModel, counts: Sequence, name: str, error: float, detected: bool) -> float:
    """Of the counts of a nuclide, at 95 %; error: u(0)."""
    (value, own_error), background = found.of(name), error**2
    gaussian = value + ONE_SIDED * own_error
    if value + background <= _FEW:
        return max(gaussian, limits.upper_limit(round(value + background), background))
    if detected:
        return gaussian
    try:
        return max(gaussian, limits.profile(found, model, counts, name, upper=True).high)
    except UserError:  # the spectra do not limit it
        return float("inf")

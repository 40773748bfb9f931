"""Whether a nuclide is detected in a fit of lines, and limits of its counts.

Without the nuclide, its counts have the error u(0). Poisson counts of a known background b = u(0)^2 have the same
error, so for few counts the thresholds and limits are the exact ones for n counts over this background, n being the
integer nearest to counts + b, and the interval is that of Feldman and Cousins. For many counts these agree with
1.645 u(0) (ISO 11929-1:2019) and with the profile likelihood.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import chi2, poisson

from dorn.analysis import limits
from dorn.analysis.line_fit import Fit, expected_errors
from dorn.analysis.line_model import LineModel
from dorn.errors import UserError

ONE_SIDED, TWO_SIDED = 1.645, 1.960  # 95 % of a Gaussian
_FALSE = 0.05  # probability of a false detection, and of a missed one at the detection limit
_FEW = 100.0  # up to this sum of counts and background, the exact forms are used
_MANY = 30.0  # counts over their error from which an interval is Gaussian: its ends are then right within 0.04 errors


def error_without(model: LineModel, found: Fit, name: str) -> float:
    """u(0): the error of the counts of a nuclide if there were none and all else were as fitted."""
    k = found.nuclides.index(name)
    counts = np.where(np.arange(len(found.nuclides)) == k, 0.0, found.values.counts)
    error = float(expected_errors(model, replace(found.values, counts=counts)).counts[k])
    return error if np.isfinite(error) else float(found.errors.counts[k])


def threshold(error: float) -> float:
    """The decision threshold for counts; error: u(0)."""
    gaussian, background = ONE_SIDED * error, error**2
    if background > _FEW:
        return gaussian
    # half a count below the least number that background reaches with at most 5 % probability; one count never suffices
    least = max(float(poisson.isf(_FALSE, background)), 1.0) + 1
    return max(gaussian, least - 0.5 - background)


def net_threshold(error: float, blank_error: float, tau: float) -> float:
    """The decision threshold for counts less those of a blank; error: that of the counts if there are only those of the
    blank; blank_error: that of the subtracted counts; tau: live time of the blank relative to that of the counts.

    For few counts, as for error^2 Poisson counts, and tau times as many in the blank (`limits.decision_threshold`).
    """
    return max(_net_thresholds(error, blank_error, tau))


def _net_thresholds(error: float, blank_error: float, tau: float) -> tuple[float, float]:
    """(that of the Gaussian, the exact one); -inf for the latter where it is not used."""
    gaussian, background = ONE_SIDED * float(np.hypot(error, blank_error)), error**2
    if background > _FEW:
        return gaussian, -math.inf
    return gaussian, limits.decision_threshold(round(tau * background), tau, _FALSE) - 0.5 - background


def detection_limit(error: float) -> float:
    """The least true counts that exceed the threshold in 95 % of measurements; error: u(0)."""
    background = error**2
    if background > _FEW:
        return _limit(threshold(error), background)
    least = math.floor(threshold(error) + background) + 1
    return float(chi2.isf(_FALSE, 2 * least)) / 2 - background


def net_detection_limit(error: float, blank_error: float, tau: float) -> float:
    """The same for counts less those of a blank, with the arguments of `net_threshold`."""
    gaussian, exact = _net_thresholds(error, blank_error, tau)
    if gaussian > exact:
        return _limit(gaussian, error**2 + blank_error**2)
    return limits.detection_limit(round(tau * error**2), tau, _FALSE, _FALSE)


def _limit(least: float, variance: float) -> float:
    """The solution x of x = least + 1.645 sqrt(variance + x): true counts x have the variance x."""
    return least + ONE_SIDED**2 / 2 + ONE_SIDED * math.sqrt(ONE_SIDED**2 / 4 + least + variance)


def interval(found: Fit, model: LineModel, counts: Sequence, name: str, error: float) -> tuple[float, float]:
    """The ends of the interval of the counts of a nuclide, at 95 %; error: u(0)."""
    (value, own_error), background = found.of(name), error**2
    if value > _MANY * own_error:
        return value - TWO_SIDED * own_error, value + TWO_SIDED * own_error
    try:
        if value + background <= _FEW:
            one = limits.feldman_cousins(round(value + background), background)
        else:
            one = limits.profile(found, model, counts, name)
    except UserError:  # the spectra give none
        return 0.0, float("inf")
    return one.low, one.high


def widened(ends: tuple[float, float], value: float, error: float) -> tuple[float, float]:
    """An interval at 95 % of a value that is not negative, with one more independent error of the value."""
    more = TWO_SIDED * error
    low, high = (float(np.hypot(end - value, more)) for end in ends)
    return max(value - low, 0.0), value + high  # NaN stays NaN


def upper_limit(found: Fit, model: LineModel, counts: Sequence, name: str, error: float, detected: bool) -> float:
    """The upper limit of the counts of a nuclide, at 95 %; error: u(0)."""
    (value, own_error), background = found.of(name), error**2
    gaussian = value + ONE_SIDED * own_error
    if value + background <= _FEW:
        return max(gaussian, limits.upper_limit(round(value + background), background))
    if detected:
        return gaussian
    try:
        return max(gaussian, limits.profile(found, model, counts, name, upper=True).high)
    except UserError:  # the spectra give no limit
        return float("inf")

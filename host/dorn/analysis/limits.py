"""Intervals and limits for counts, exact or by likelihood: of a nuclide in a fit of lines, or in a region.

    interval(found, model, counts, "Po-210")       after found = line_fit.fit(model, counts)
    feldman_cousins(n, background)                 a single count, the background is known
    on_off(n_on, n_off, tau)                       the background is measured, with tau times the exposure
    decision_threshold(n_off, tau)                 counts from which a signal is detected

Counts have a Poisson distribution and no mean is negative. The likelihood ratio used here is twice the logarithm of the
maximum likelihood over its maximum at a trial value; an interval contains the trial values with ratios up to a critical
value. From about 10 counts, this is that of chi-squared (S. S. Wilks, Ann. Math. Stat. 9 (1938) 60). Below, critical
values are from simulated spectra, for 95 % only. The ends of a simulated interval vary by a few per cent with the seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import root_scalar
from scipy.special import betainc, gammaln, pdtr, pdtrc, xlogy
from scipy.stats import chi2, poisson

from dorn.analysis.iso11929 import K
from dorn.analysis.likelihood_ratio import TOYS, Ratios, critical_of
from dorn.analysis.line_fit import Fit
from dorn.analysis.line_model import LineModel
from dorn.errors import UserError

FEW, FEW_CL = 10, 0.95  # below this number of counts, intervals are simulated, at this confidence level only
_TOLERANCE = 1e-3  # of the ends of an interval, in standard errors
_TOY_TOLERANCE = 0.05  # the same where the ratios are compared with simulated ones
_GRID, _ZOOMS = 401, 3  # trial values of Feldman and Cousins, and how often the spacing at the ends is refined
_WIDER = 10  # grid spacings searched beyond the ends: the accepted values may have gaps
_MOST = 100_000  # counts of exact sums over all of them
_REACH = 9  # sums are cut off at this many standard deviations of a Poisson distribution


@dataclass(frozen=True)
class Interval:
    """An interval of expected counts. value: the estimate; an upper limit has low = 0."""

    value: float
    low: float
    high: float
    cl: float  # confidence level
    method: str


# ---- for a fit of lines ----------------------------------------------------------------------------------------------


def interval(
    found: Fit, model: LineModel, counts: Sequence, name: str, cl: float = 0.95, upper: bool = False
) -> Interval:
    """For the counts of a nuclide: simulated below FEW counts, otherwise by profile likelihood.

    found: the fit of the model to these counts; upper: whether to return an upper limit. Raises UserError for a level
    other than FEW_CL below FEW counts.
    """
    if found.of(name)[0] >= FEW:
        return profile(found, model, counts, name, cl, upper)
    if cl != FEW_CL:
        raise UserError.at(name, "confidence level", f"not {FEW_CL}, the only one below {FEW} counts", cl)
    return simulated(found, model, counts, name, cl, upper)


def profile(
    found: Fit, model: LineModel, counts: Sequence, name: str, cl: float = 0.95, upper: bool = False
) -> Interval:
    """By profile likelihood: all else is fitted for each trial value. Starts at 0 if the estimate is at its bound 0."""
    ratios = Ratios(found, model, counts, name)
    critical = _critical(cl, upper)
    low, high = _ends(ratios.value, ratios.error, lambda trial: ratios.at(trial) - critical, _TOLERANCE, upper)
    return Interval(ratios.value, low, high, cl, "profile likelihood")


def simulated(
    found: Fit, model: LineModel, counts: Sequence, name: str, cl: float = 0.95, upper: bool = False, seed: int = 1
) -> Interval:
    """Like `profile`, with critical values from TOYS simulated spectra per trial value (G. J. Feldman and R. D.
    Cousins, Phys. Rev. D 57 (1998) 3873, with the other parameters as fitted for that value). Takes a few seconds."""
    ratios = Ratios(found, model, counts, name)

    def excess(trial):
        return ratios.at(trial) - critical_of(ratios.simulated(trial, seed), cl, upper)

    low, high = _ends(ratios.value, ratios.error, excess, _TOY_TOLERANCE, upper)
    return Interval(ratios.value, low, high, cl, f"profile likelihood, {TOYS} simulated spectra per trial value")


def _critical(cl, upper=False):
    if not (0.5 if upper else 0) < cl < 1:
        raise UserError.at("limits", "confidence level", f"not between {0.5 if upper else 0} and 1", cl)
    return float(chi2.ppf(2 * cl - 1 if upper else cl, 1))


def _ends(value, error, excess: Callable[[float], float], tolerance, upper):
    """The points below `value`, but not below 0, and above it where the excess of a ratio over the critical value
    changes sign."""
    if not 0 < error < math.inf:
        raise UserError.at("interval", "standard error", "not a finite number above 0", error)
    xtol, low, step = tolerance * error, 0.0, 2 * error
    above = value + step
    while excess(above) < 0:
        step *= 2
        above += step
    high = root_scalar(excess, bracket=(above - step, above), xtol=xtol).root
    if not upper and value > 0:
        below, step = max(0.0, value - 2 * error), 2 * error
        while below > 0 and excess(below) < 0:
            step *= 2
            below = max(0.0, below - step)
        if excess(below) > 0:
            low = root_scalar(excess, bracket=(below, min(value, below + step)), xtol=xtol).root
    return float(low), float(high)


# ---- for a single count ----------------------------------------------------------------------------------------------


def feldman_cousins(n: int, background: float = 0.0, cl: float = 0.95) -> Interval:
    """For the signal in n counts, by Feldman and Cousins: exact sums with ordering by likelihood ratio.

    background: the known mean. The interval covers any true signal with probability cl or more.
    """
    _check_counts("counts", n)
    _check_few(n)
    _check_mean("background", background)
    _critical(cl)
    top = n + _REACH * math.sqrt(n + 1) + _REACH
    trials = np.linspace(0, top, _GRID)
    accepted = np.flatnonzero(_accepted(n, trials, background, cl))
    ends = []
    for end, outwards in ((accepted[0], -1), (accepted[-1], 1)):
        inside, spacing = trials[end], _WIDER * trials[1]
        for _ in range(_ZOOMS):
            near = inside + outwards * np.linspace(0, spacing, _GRID)
            near = near[near >= 0]
            kept = np.flatnonzero(_accepted(n, near, background, cl))
            inside, spacing = near[kept[-1]], spacing / (_GRID - 1)
        ends.append(max(0.0, float(inside + outwards * spacing)))
    return Interval(max(0.0, float(n - background)), ends[0], ends[1], cl, "Feldman and Cousins")


def _accepted(n, trials, background, cl):
    """bool[trials]: whether n is among the counts of highest likelihood ratio that together have the probability cl."""
    others = np.arange(int(_most(trials.max(initial=0) + background)) + n + 1)
    means = (trials + background)[:, None]
    with np.errstate(divide="ignore"):
        ratios = xlogy(others, means) - means
        best = np.maximum(others, background)
        ratios -= xlogy(others, best) - best
    before = ratios > ratios[:, n : n + 1] + 1e-12
    return (np.exp(xlogy(others, means) - means - gammaln(others + 1)) * before).sum(axis=1) < cl


def upper_limit(n: int, background: float = 0.0, cl: float = 0.95) -> float:
    """For the signal in n counts, background known: P(n or fewer | signal) = (1 - cl) P(n or fewer | no signal).

    (G. Zech, Nucl. Instrum. Methods A 277 (1989) 608.) It covers the true signal with probability cl or more.
    """
    _check_counts("counts", n)
    _check_mean("background", background)
    none = pdtr(n, background)
    return float(chi2.isf((1 - cl) * none, 2 * n + 2) / 2 - background)


def on_off(n_on: int, n_off: int, tau: float, cl: float = 0.95) -> Interval:
    """By profile likelihood, for the signal in n_on counts; n_off counts of background in tau times the exposure."""
    _check_counts("n_on", n_on)
    _check_counts("n_off", n_off)
    _check_tau(tau)

    def deviance(signal):
        """With the most likely background, a root of the quadratic equation from the derivative."""
        half = (n_on + n_off - (1 + tau) * signal) / (2 * (1 + tau))
        background = half + math.sqrt(half**2 + n_off * signal / (1 + tau))
        on, off = signal + background, tau * background
        ratios = (xlogy(n, n / mean if mean else 1.0) for n, mean in ((n_on, on), (n_off, off)))
        return 2 * (on - n_on + off - n_off + sum(ratios))

    value, critical = max(0.0, n_on - n_off / tau), _critical(cl)
    least = deviance(value)
    error = math.sqrt(n_on + n_off / tau**2) or 1.0
    low, high = _ends(value, error, lambda trial: deviance(trial) - least - critical, 1e-9, False)
    return Interval(value, low, high, cl, "profile likelihood")


# ---- detection -------------------------------------------------------------------------------------------------------


@cache
def decision_threshold(n_off: int, tau: float, alpha: float = 0.05) -> int:
    """The smallest count that detects a signal above n_off counts of background in tau times the exposure.

    If there is no signal, the counts, given the sum of both, have a binomial distribution of probability 1 / (1 + tau),
    so the probability of a false detection is alpha or less at any background. (J. Przyborowski and H. Wilenski,
    Biometrika 31 (1940) 313.)
    """
    _check_counts("n_off", n_off)
    _check_tau(tau)
    low, high = 0, 1  # not detected, detected
    while betainc(high, n_off + 1, 1 / (1 + tau)) > alpha:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        detected = betainc(middle, n_off + 1, 1 / (1 + tau)) <= alpha
        low, high = (low, middle) if detected else (middle, high)
    return high


def iso_threshold(n_off: int, tau: float, k_alpha: float = K) -> int:
    """The smallest count above the decision threshold of ISO 11929-1 for the same background counts."""
    return 1 + math.floor(n_off / tau + k_alpha * math.sqrt(n_off / tau * (1 + 1 / tau)))


def detection_probability(
    signal: float, background: float, tau: float, threshold: Callable[[int, float], int] = decision_threshold
) -> float:
    """Probability that counts with this expected signal and background reach the threshold, a function of n_off and
    tau; without a signal, the probability of a false detection."""
    _check_mean("signal", signal)
    _check_mean("background", background)
    least = max(0, int(tau * background - _REACH * math.sqrt(tau * background)))
    n_off = np.arange(least, int(_most(tau * background)) + 1)
    thresholds = np.array([threshold(int(n), tau) for n in n_off])
    reached = np.where(thresholds > 0, pdtrc(thresholds - 1, signal + background), 1.0)
    return float(poisson.pmf(n_off, tau * background) @ reached)


def detection_limit(n_off: int, tau: float, alpha: float = 0.05, beta: float = 0.05) -> float:
    """The least expected signal that is detected with probability 1 - beta above a background of n_off / tau."""

    def missing(signal):
        found = detection_probability(signal, n_off / tau, tau, lambda n, t: decision_threshold(n, t, alpha))
        return 1 - beta - found

    most = 4.0 * decision_threshold(n_off, tau, alpha)
    while missing(most) > 0:
        most *= 2
    return float(root_scalar(missing, bracket=(0.0, most), xtol=1e-6 * most).root)


def _most(mean):
    """Counts beyond which a Poisson distribution is negligible."""
    return mean + _REACH * math.sqrt(mean) + 2 * _REACH


def _check_counts(field, n):
    if not (0 <= n < 2**53 and n == int(n)):
        raise UserError.at("limits", field, "not a number of counts", n)


def _check_few(n):
    """Check n for the functions that sum over all possible counts."""
    if n > _MOST:
        raise UserError.at("limits", "n", f"above {_MOST}, where a Gaussian interval is exact enough", n)


def _check_mean(field, mean):
    if not 0 <= mean < math.inf:
        raise UserError.at("limits", field, "negative or not finite", mean)


def _check_tau(tau):
    if not 0 < tau < math.inf:
        raise UserError.at("limits", "tau", "not above 0", tau)

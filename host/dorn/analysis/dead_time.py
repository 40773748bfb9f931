"""Dead time from counts and time stamps, and the correction of rates for it.

    dead_time_s, error_s = two_source(Counts(n1, t1), Counts(n2, t2), Counts(n12, t12), Counts(nb, tb))
    found = intervals(times_s, bin_s=0.5e-3)
    true_cps = non_paralyzable(observed_cps, dead_time_s)

Rates are per second, times in seconds; an error is one standard deviation. Source of the models: G. F. Knoll, Radiation
Detection and Measurement, 4th edition, chapter 4 VII: m is the observed rate, n the true one, tau the dead time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import lambertw


def non_paralyzable(observed_cps, dead_time_s):
    """The true rate n = m / (1 - m tau): an event in dead time is lost and has no other effect. Arrays or numbers.

    Raises ValueError if the observed rate is not below 1 / tau.
    """
    live = 1 - np.multiply(observed_cps, dead_time_s)
    if np.any(live <= 0):
        raise ValueError(f"rate: not below 1 / dead time ({np.max(observed_cps):g}, {np.max(dead_time_s):g})")
    return observed_cps / live


def paralyzable(observed_cps, dead_time_s):
    """The two true rates that give m = n exp(-n tau): an event in dead time is lost, and restarts the dead time.

    n tau = -W(-m tau), with the two real branches of Lambert's W, which meet at n = 1 / tau. Returns (lower, higher);
    the higher is infinite without dead time. Raises ValueError if m exceeds its maximum, 1 / (e tau).
    """
    x = np.multiply(observed_cps, dead_time_s)
    if np.any(x * math.e > 1 + 1e-12):
        raise ValueError(f"rate: above 1 / (e dead time) ({np.max(observed_cps):g}, {np.max(dead_time_s):g})")
    x = np.where(x < 1e-290, 0.0, x)  # below this, the higher rate overflows
    top = x * math.e > 1 - 1e-14  # where the branches meet, at -1, rounding makes them complex or NaN
    lower, higher = (np.exp(-np.where(top, -1.0, lambertw(-x, branch).real)) for branch in (0, -1))
    return observed_cps * lower, observed_cps * higher  # n = m exp(-W), which also holds without dead time


def live_time(real_s, counts, dead_time_s):
    """Live time of a non-paralyzable counter: t - N tau. N divided by it is the true rate."""
    return real_s - np.multiply(counts, dead_time_s)


@dataclass(frozen=True)
class Counts:
    """A rate measurement: Poisson counts and their measurement time. Without background: Counts(0, 1)."""

    counts: float
    seconds: float

    @property
    def cps(self) -> float:
        return self.counts / self.seconds

    @property
    def error_cps(self) -> float:
        return math.sqrt(self.counts) / self.seconds


def two_source_dead_time(first_cps, second_cps, both_cps, background_cps=0.0) -> float:
    """The dead time of a non-paralyzable counter that observes these rates, all including background.

    Knoll, two-source method: the exact solution of n12 - nb = (n1 - nb) + (n2 - nb). A negative result is scatter
    around zero. Raises ValueError if there is no solution.
    """
    m1, m2, m12, mb = first_cps, second_cps, both_cps, background_cps
    x = m1 * m2 - mb * m12
    y = m1 * m2 * (m12 + mb) - mb * m12 * (m1 + m2)
    if x <= 0 or y <= 0:
        raise ValueError(f"rates: sources too weak for the background ({m1:g}, {m2:g}, {m12:g}, {mb:g})")
    z = y * (m1 + m2 - m12 - mb) / x**2
    dead_time_s = x * (1 - math.sqrt(max(0.0, 1 - z))) / y
    if z > 1 or dead_time_s * max(m1, m2) > 1 - 1e-9:  # no counter has such rates
        raise ValueError(f"rates: no dead time explains them ({m1:g}, {m2:g}, {m12:g}, {mb:g})")
    return dead_time_s


def two_source(first: Counts, second: Counts, both: Counts, background: Counts = Counts(0, 1)) -> tuple[float, float]:
    """(dead time, its error) by the two-source method: each source alone, both, none.

    The error is propagated from the four counts as if they were Poisson; dead time makes them scatter slightly less.
    """
    measured = (first, second, both, background)
    rates = [m.cps for m in measured]
    variance = 0.0
    for i, m in enumerate(measured):
        # numerical derivative, with a step much smaller than the error and much larger than rounding
        step = 1e-3 * m.error_cps
        if step:
            up, down = ([r + s * step * (i == j) for j, r in enumerate(rates)] for s in (1, -1))
            slope = (two_source_dead_time(*up) - two_source_dead_time(*down)) / (2 * step)
            variance += (slope * m.error_cps) ** 2
    return two_source_dead_time(*rates), math.sqrt(variance)


@dataclass(frozen=True)
class Intervals:
    """Properties of a counter, from the intervals between its events."""

    events: int
    observed_cps: float
    dead_time_s: float  # where the interval histogram has risen to half of the exponential
    dead_time_error_s: float
    true_cps: float  # from the exponential beyond it
    true_error_cps: float
    corrected_cps: float  # the observed rate, corrected as non-paralyzable: a second estimate of the true rate
    corrected_error_cps: float


def interval_slope(intervals_s, beyond_s: float) -> tuple[float, float]:
    """(true rate, its error) from all intervals longer than `beyond_s`, which must exceed the dead time.

    Their excess is exponential with the true rate for either kind of dead time; the reciprocal of its mean is the
    maximum-likelihood estimate and needs no binning. Raises ValueError if there are fewer than ten.
    """
    intervals_s = np.asarray(intervals_s, float)
    excess_s = intervals_s[intervals_s > beyond_s] - beyond_s
    if len(excess_s) < 10:
        raise ValueError(f"intervals: fewer than ten beyond {beyond_s:g} s ({len(excess_s)})")
    rate = 1 / float(excess_s.mean())
    return rate, rate / math.sqrt(len(excess_s))


def half_rise(intervals_s, bin_s: float) -> tuple[float, float]:
    """(dead time, its error): where the interval histogram first rises above half of the exponential.

    The exponential is that of the intervals above the median. Linear interpolation between bin centres; the error
    combines in quadrature that of the counts of the two bins and the bin width / sqrt(12).
    """
    intervals_s = np.asarray(intervals_s, float)
    beyond_s = float(np.median(intervals_s))
    rate, _ = interval_slope(intervals_s, beyond_s)
    edges_s = bin_s * np.arange(math.ceil(beyond_s / bin_s) + 2)
    histogram, _ = np.histogram(intervals_s, edges_s)
    middles_s = (edges_s[1:] + edges_s[:-1]) / 2
    # expected counts of each bin without dead time
    expected = np.sum(intervals_s > beyond_s) * -np.diff(np.exp(-rate * (edges_s - beyond_s)))
    ratio = histogram / expected
    above = int(np.argmax(ratio >= 0.5))
    if above == 0:  # the first bin is already above half
        return 0.0, bin_s / math.sqrt(12)
    low, high = ratio[above - 1], ratio[above]
    error_low, error_high = np.sqrt(np.maximum(histogram[above - 1 : above + 1], 1)) / expected[above - 1 : above + 1]
    part = (0.5 - low) / (high - low)
    statistical = bin_s * np.hypot((1 - part) * error_low, part * error_high) / (high - low)
    return float(middles_s[above - 1] + part * bin_s), math.hypot(statistical, bin_s / math.sqrt(12))


def intervals(times_s, bin_s: float, margin_s: float | None = None) -> Intervals:
    """Analyse time stamps (s, not decreasing): dead time, and two estimates of the true rate.

    Both use the same stamps: their errors are not independent.
    bin_s: bin width of the histogram. margin_s: time between the dead time and the start of the exponential fit; two
    bins by default.
    Raises ValueError if time stamps decrease, or there are too few.
    """
    between_s = np.diff(np.asarray(times_s, float))
    if len(between_s) < 100 or between_s.min() < 0:
        raise ValueError("time stamps: fewer than 100, or they decrease")
    dead_s, dead_error_s = half_rise(between_s, bin_s)
    true, true_error = interval_slope(between_s, dead_s + (2 * bin_s if margin_s is None else margin_s))
    observed = 1 / float(between_s.mean())
    corrected = float(non_paralyzable(observed, dead_s))
    # dn / d tau = n^2; dn / dm = (n / m)^2, and the counts of such a counter scatter only by sqrt(N) (1 - m tau)
    statistical = corrected / math.sqrt(len(between_s))
    error = math.hypot(corrected**2 * dead_error_s, statistical)
    return Intervals(len(between_s) + 1, observed, dead_s, dead_error_s, true, true_error, corrected, error)

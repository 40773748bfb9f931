"""Intervals and limits for counts, by exact sums and against other programs; their coverage: `dorn study limits`."""

import math
from dataclasses import replace

import numpy as np
import pytest
from dorn.analysis import limits
from dorn.analysis.iso11929 import Input, evaluate
from dorn.analysis.likelihood_ratio import Ratios
from dorn.analysis.limits import (
    decision_threshold,
    detection_limit,
    detection_probability,
    feldman_cousins,
    interval,
    iso_threshold,
    on_off,
    profile,
    upper_limit,
)
from dorn.analysis.line_fit import fit
from dorn.analysis.line_model import Grid, LineModel
from dorn.errors import UserError
from hypothesis import given
from hypothesis import strategies as st
from iminuit import Minuit
from scipy.special import xlogy
from scipy.stats import binomtest, chi2, poisson

SIGMA = chi2.cdf(1, 1)
GRID = Grid(np.arange(1500.0, 2350, 4), 3.0, 50.0)
NUCLIDES = ("Po-210", "Rn-222", "Po-218")


def spectrum(rn_222, background=20.0, seed=3, **options):
    """(model, counts) with, on average, 50 counts of each polonium nuclide and the given number of Rn-222."""
    model = LineModel([GRID], NUCLIDES, fwhm_kev=60, tails=[(0.07, 20.0)], **options)
    start = model.parameters(model.start)
    true = replace(start, counts=np.array([50, rn_222, 50.0]), background=np.array([[background]]))
    return model, [np.random.default_rng(seed).poisson(mean) for mean in model.expected(true)]


# ---- for a fit of lines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rn_222", [0.0, 3.0, 100.0])
@pytest.mark.parametrize("cl", [SIGMA, 0.95])
def test_profile_intervals_are_those_of_minos(rn_222, cl):
    model, counts = spectrum(rn_222)
    free = np.flatnonzero(model.is_free)
    found = fit(model, counts)
    best = model.vector(found.values)

    def deviance(*values):
        vector = model.start.copy()
        vector[free] = values
        mean = model.parts[0].mean(vector)
        return 2 * np.sum(mean - counts[0] + xlogy(counts[0], counts[0] / mean))

    other = Minuit(deviance, *np.maximum(best[free], 0.01))
    other.limits = list(zip(model.lower[free], np.minimum(model.upper[free], 1e4), strict=True))
    other.limits[1] = (0, None)
    other.strategy, other.tol = 2, 1e-4
    other.migrad()
    other.minos(1, cl=cl)
    name = other.parameters[1]
    mine = profile(found, model, counts, "Rn-222", cl)
    assert mine.value == pytest.approx(other.values[name], abs=0.01)
    assert mine.high == pytest.approx(other.values[name] + other.merrors[name].upper, abs=0.02)
    if other.merrors[name].at_lower_limit:
        assert mine.low == 0
    else:
        assert mine.low == pytest.approx(other.values[name] + other.merrors[name].lower, abs=0.02)


def test_an_upper_limit_is_one_sided():
    model, counts = spectrum(100)
    found = fit(model, counts)
    limit = profile(found, model, counts, "Rn-222", 0.95, upper=True)
    assert limit.low == 0
    assert limit.high == pytest.approx(profile(found, model, counts, "Rn-222", 0.9).high, abs=0.02)


def lonely(n):
    """A line within one of ten channels, with n counts, without background: equivalent to a single count."""
    model = LineModel([Grid(np.arange(1380.0, 2390, 100), 3.0, 50.0)], ["Rn-222"], fwhm_kev=70, free=())
    counts = np.zeros(10, int)
    counts[5] = n
    return model, [counts]


def test_a_simulated_interval_of_a_line_without_background_is_that_of_feldman_and_cousins():
    model, counts = lonely(3)
    found, exact = interval(fit(model, counts), model, counts, "Rn-222"), feldman_cousins(3)
    assert found.method.endswith("200 simulated spectra per trial value")
    assert found.value == pytest.approx(3, rel=0.01)
    assert found.high == pytest.approx(exact.high, rel=0.15)
    assert found.low == pytest.approx(exact.low, abs=0.25)


def test_a_simulated_upper_limit_is_the_exact_one():
    model, counts = lonely(1)
    limit = interval(fit(model, counts), model, counts, "Rn-222", upper=True)
    assert limit.low == 0 and limit.high == pytest.approx(upper_limit(1), rel=0.1)


def test_the_ratio_of_an_empty_spectrum_is_that_of_no_counts():
    model, counts = lonely(3)
    ratios = Ratios(fit(model, counts), model, counts, "Rn-222").simulated(0.5, seed=1)
    empty = ratios == ratios.min()
    assert np.mean(empty) == pytest.approx(math.exp(-0.5), abs=0.1)
    assert ratios.min() == pytest.approx(-1, rel=0.01)


def test_the_counts_of_tied_nuclides_are_fixed_together():
    ties = [{"Bi-212": 35.94, "Po-212": 64.06}]
    model = LineModel([Grid(np.arange(1700.0, 3200, 4), 3.0, 50.0)], ["Bi-212", "Po-212"], free=(), ties=ties)
    true = replace(model.parameters(model.start), counts=np.array([35.94, 64.06]))
    counts = model.expected(true)
    found = fit(model, counts)
    bi, po = (profile(found, model, counts, name) for name in ("Bi-212", "Po-212"))
    assert (bi.low / 35.94, bi.high / 35.94) == pytest.approx((po.low / 64.06, po.high / 64.06), rel=1e-3)
    assert bi.value == pytest.approx(35.94, rel=1e-3) and bi.low < 30 < 43 < bi.high
    empty = Ratios(found, model, counts, "Bi-212")._inside(found.values, 35.94)
    assert empty == pytest.approx(100, rel=0.01)


def test_below_10_counts_there_are_intervals_of_95_percent_only():
    model, counts = spectrum(3)
    found = fit(model, counts)
    with pytest.raises(UserError, match=r"^Rn-222: confidence level: not 0.95, the only one below 10 counts \(0.68\)$"):
        interval(found, model, counts, "Rn-222", 0.68)
    model, counts = spectrum(100)
    assert interval(fit(model, counts), model, counts, "Rn-222", 0.68).method == "profile likelihood"


# ---- for a single count ----------------------------------------------------------------------------------------------


def test_intervals_of_feldman_and_cousins_are_the_published_ones():
    """Table IV of Phys. Rev. D 57 (1998) 3873, 90 %. With a background and n = 0, the published ones are lengthened."""
    without = [(0, 2.44), (0.11, 4.36), (0.53, 5.91), (1.10, 7.42), (1.47, 8.60), (1.84, 9.99), (2.21, 11.47)]
    without += [(3.56, 12.53), (3.96, 13.99), (4.36, 15.30), (5.50, 16.50)]
    above_3 = [(0, 1.88), (0, 3.04), (0, 4.42), (0, 5.60), (0, 6.99), (0.15, 8.47), (0.89, 9.53), (1.51, 10.99)]
    above_3 += [(1.88, 12.30), (2.63, 13.50)]
    for background, first, published in ((0, 0, without), (3, 1, above_3)):
        for n, ends in enumerate(published, first):
            found = feldman_cousins(n, background, 0.9)
            assert (found.low, found.high) == pytest.approx(ends, abs=0.0051), (n, background)


@pytest.mark.parametrize("background", [0.0, 2.5])
def test_intervals_and_limits_of_counts_cover_the_signal(background):
    signals, n = np.linspace(0.01, 10, 400), np.arange(50)
    found = [feldman_cousins(int(one), background) for one in n]
    low, high = (np.array([getattr(one, end) for one in found])[:, None] for end in ("low", "high"))
    most = np.array([upper_limit(int(one), background) for one in n])[:, None]
    probability = poisson.pmf(n[:, None], signals + background)
    for covers in ((low <= signals) & (signals <= high), signals <= most):
        assert (probability * covers).sum(axis=0).min() >= 0.95


@pytest.mark.parametrize(
    ("n_on", "n_off", "tau", "cl", "value", "below", "above"),
    [
        (13, 11, 4, SIGMA, 10.25, 3.3999372, 4.0228515),
        (40, 12, 1, SIGMA, 28, 7.0596024, 7.4141945),
        (200, 900, 10, SIGMA, 110, 14.1419357, 14.7769422),
        (13, 11, 4, 0.95, 10.25, None, 8.5274018),
        (200, 900, 10, 0.95, 110, None, 29.5737441),
        (5, 1, 0.5, SIGMA, 3, 3, 3.0414701),
        (0, 0, 1, SIGMA, 0, 0, 0.5),
    ],
)
def test_on_off_intervals_are_those_of_gammapy(n_on, n_off, tau, cl, value, below, above):
    """WStatCountsStatistic of gammapy 2.1; an interval ends at 0."""
    found = on_off(n_on, n_off, tau, cl)
    assert found.value == value and found.high == pytest.approx(value + above, abs=1e-3)
    assert below is None or found.low == pytest.approx(value - below, abs=1e-3)


# ---- detection -------------------------------------------------------------------------------------------------------


@given(n_off=st.integers(0, 2000), tau=st.floats(0.1, 50), alpha=st.sampled_from([0.05, 0.01]))
def test_a_decision_threshold_is_the_least_count_of_a_binomial_test(n_off, tau, alpha):
    n = decision_threshold(n_off, tau, alpha)
    for more, detected in ((0, True), (-1, False)):
        test = binomtest(n + more, n + more + n_off, 1 / (1 + tau), "greater") if n + more else None
        assert (test is not None and test.pvalue <= alpha * (1 + 1e-9)) == detected


@pytest.mark.parametrize("tau", [1, 4, 10])
def test_false_detections_are_at_most_5_percent(tau):
    rates = [detection_probability(0, background, tau) for background in (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)]
    assert max(rates) <= 0.05


def test_the_probability_of_a_detection_is_that_of_simulated_measurements():
    rng = np.random.default_rng(1)
    on, off = rng.poisson(3 + 8, 20000), rng.poisson(4 * 3, 20000)
    detected = np.mean([n >= decision_threshold(int(m), 4) for n, m in zip(on, off, strict=True)])
    assert detection_probability(8, 3, 4) == pytest.approx(detected, abs=0.012)
    assert detection_probability(detection_limit(12, 4), 3, 4) == pytest.approx(0.95, abs=1e-6)


@pytest.mark.parametrize(("n_off", "tau"), [(12, 4), (1, 1), (400, 10)])
def test_the_threshold_of_iso_11929_is_that_of_its_general_procedure(n_off, tau):
    inputs = {"on": Input.counts(n_off), "off": Input.counts(n_off)}
    threshold = evaluate(lambda on, off: on - off / tau, inputs, "on").decision_threshold
    n = iso_threshold(n_off, tau)
    assert n - n_off / tau > threshold >= n - 1 - n_off / tau


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: feldman_cousins(-1), "limits: counts: not a number of counts (-1)"),
        (lambda: feldman_cousins(1, math.inf), "limits: background: negative or not finite (inf)"),
        (lambda: feldman_cousins(1, 0, 1.0), "limits: confidence level: not between 0 and 1 (1.0)"),
        (lambda: upper_limit(2, -1), "limits: background: negative or not finite (-1)"),
        (lambda: on_off(1, -2, 1), "limits: n_off: not a number of counts (-2)"),
        (lambda: on_off(1, 2, 0), "limits: tau: not above 0 (0)"),
        (lambda: decision_threshold(2, math.nan), "limits: tau: not above 0 (nan)"),
        (lambda: detection_probability(-1, 2, 1), "limits: signal: negative or not finite (-1)"),
        (lambda: limits._critical(0.4, upper=True), "limits: confidence level: not between 0.5 and 1 (0.4)"),
    ],
)
def test_wrong_arguments_are_reported(call, message):
    with pytest.raises(UserError) as error:
        call()
    assert str(error.value) == message

"""Thresholds and limits of a nuclide: against exact sums for few counts, and against the Gaussian for many."""

import math

import numpy as np
import pytest
from dorn.analysis import detection, limits
from dorn.analysis.line_fit import fit
from dorn.analysis.line_model import Grid, LineModel
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson


@given(st.floats(0.1, 30), st.floats(0, 100), st.floats(0.05, 100))
def test_the_net_detection_limit_is_above_the_threshold(error, blank_error, tau):
    assert detection.net_detection_limit(error, blank_error, tau) > detection.net_threshold(error, blank_error, tau)


@pytest.mark.parametrize("background", [0.01, 0.1, 0.3, 0.8, 1.5, 3.3, 10, 40, 99])
def test_at_most_5_per_cent_are_above_the_threshold_by_chance(background):
    above = math.floor(detection.threshold(background**0.5) + background) + 1  # the least number that is detected
    assert above >= 2, "a single count is not a detection"
    assert poisson.sf(above - 1, background) <= 0.05
    # and at most one count above what is needed
    assert above <= 2 or poisson.sf(above - 3, background) > 0.05


def test_of_many_counts_it_is_gaussian():
    assert detection.threshold(20.0) == pytest.approx(1.645 * 20)
    before, after = detection.threshold(10 - 1e-9), detection.threshold(10 + 1e-9)
    assert before == pytest.approx(after, abs=1.5)


def found(counts, background, seed=1):
    """A fit of a spectrum with this number of counts of Po-210, and this background per channel."""
    edges = np.arange(4600, 5800, 12.0)
    model = LineModel([Grid(edges, 1.0)], ["Po-210"], fwhm_kev=40, free=())
    truth = model.parameters(model.start)
    mean = counts * (model.parts[0].linear(model.start)[0]) + background
    seen = np.random.default_rng(seed).poisson(mean)
    assert truth.counts.shape == (1,)
    return fit(model, [seen]), model, [seen]


def test_few_counts_have_the_limit_of_a_poisson_number():
    one, model, seen = found(0, 0.02)
    error = detection.error_without(model, one, "Po-210")
    assert 0.02 * 2 < error**2 < 0.02 * 12, "some channels of background under the line"
    upper = detection.upper_limit(one, model, seen, "Po-210", error, False)
    n = round(one.of("Po-210")[0] + error**2)
    assert upper == pytest.approx(limits.upper_limit(n, error**2)) and upper > 2.9


def test_many_counts_have_the_limit_of_the_likelihood():
    one, model, seen = found(5, 40.0)
    error = detection.error_without(model, one, "Po-210")
    upper = detection.upper_limit(one, model, seen, "Po-210", error, False)
    value, own_error = one.of("Po-210")
    profile = limits.profile(one, model, seen, "Po-210", upper=True).high
    assert upper == max(profile, value + 1.645 * own_error) and profile == pytest.approx(value + 1.645 * error, rel=0.2)


@pytest.mark.parametrize("background", [0.01, 0.3, 1.5, 10, 40, 99])
def test_the_detection_limit_is_exceeded_in_95_per_cent(background):
    above = math.floor(detection.threshold(background**0.5) + background) + 1
    true = detection.detection_limit(background**0.5)
    assert poisson.sf(above - 1, background + true) == pytest.approx(0.95, abs=1e-6)


def test_detection_limits_are_continuous_and_gaussian_for_many_counts():
    before, after = detection.detection_limit(10 - 1e-9), detection.detection_limit(10 + 1e-9)
    assert before == pytest.approx(after, abs=2.5)
    limit = detection.detection_limit(20.0)
    assert limit == pytest.approx(1.645 * 20 + 1.645 * math.sqrt(400 + limit), rel=1e-3)
    # with a blank that was measured for a long time, as without
    assert detection.net_detection_limit(20.0, 0.01, 1e6) == pytest.approx(limit, rel=1e-4)
    assert detection.net_detection_limit(2.0, 0.0, 50.0) == pytest.approx(detection.detection_limit(2.0), abs=1.5)


@pytest.mark.parametrize(("blank", "tau"), [(1, 1.0), (10, 4.0), (200, 1.0)])
def test_a_nuclide_at_the_net_detection_limit_is_found_in_19_of_20_measurements(blank, tau):
    true = detection.net_detection_limit(blank**0.5, (blank / tau) ** 0.5, tau)
    draw, found = np.random.default_rng(1), 0
    for on, off in zip(draw.poisson(blank + true, 4000), draw.poisson(tau * blank, 4000) / tau, strict=True):
        found += on - off > detection.net_threshold(off**0.5, (off / tau) ** 0.5, tau)
    assert found / 4000 == pytest.approx(0.95, abs=0.03)


def test_intervals_are_exact_for_few_counts_and_of_the_likelihood_for_more():
    one, model, seen = found(6, 0.02)
    error = detection.error_without(model, one, "Po-210")
    exact = limits.feldman_cousins(round(one.of("Po-210")[0] + error**2), error**2)
    assert detection.interval(one, model, seen, "Po-210", error) == (exact.low, exact.high)
    one, model, seen = found(400, 1.0)
    profile = limits.profile(one, model, seen, "Po-210")
    assert detection.interval(one, model, seen, "Po-210", 5.0) == (profile.low, profile.high)


def test_intervals_of_many_counts_are_gaussian_as_those_of_the_likelihood():
    one, model, seen = found(2000, 1.0)
    profile, (_, error) = limits.profile(one, model, seen, "Po-210"), one.of("Po-210")
    for end, expected in zip(
        detection.interval(one, model, seen, "Po-210", 5.0), (profile.low, profile.high), strict=True
    ):
        assert end == pytest.approx(expected, abs=0.04 * error)


def test_an_interval_with_another_error_is_wider_and_not_below_0():
    assert detection.widened((80.0, 125.0), 100.0, 0.0) == (80.0, 125.0)
    low, high = detection.widened((80.0, 125.0), 100.0, 15.0 / 1.96)
    assert (low, high) == pytest.approx((75.0, 100 + math.hypot(25, 15)))
    assert detection.widened((0.0, 5.0), 1.0, 10.0)[0] == 0
    assert all(math.isnan(end) for end in detection.widened((math.nan, math.nan), 1.0, 1.0))

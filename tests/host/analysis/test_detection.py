"""Thresholds and limits of a nuclide: against exact sums for few counts, and against the Gaussian for many."""

import math

import numpy as np
import pytest
from dorn.analysis import detection, limits
from dorn.analysis.line_fit import fit
from dorn.analysis.line_model import Grid, LineModel
from scipy.stats import poisson


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

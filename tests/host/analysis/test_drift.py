"""A gain that drifts by several line widths is followed, and the scale found is that without drift."""

import numpy as np
import pytest
from dorn.analysis.drift import followed, smoothed, steady
from dorn.nuclides import main_kev
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal

EDGES = np.arange(1025) * 4 - 0.5
NAMES = ["Po-209", "Po-210"]


def drifting(gains, counts=400, seed=1):
    generator = np.random.default_rng(seed)
    slices = []
    for gain in gains:
        energies_kev = np.concatenate([generator.normal(main_kev(name), 16, counts) for name in NAMES])
        slices.append(np.histogram(gain * energies_kev / 3.0 + 50, EDGES)[0])
    return np.array(slices)


def test_a_drift_of_several_widths_is_followed():
    true = 1 + 0.015 * np.sin(np.linspace(0, 5, 20))
    counts = drifting(true)
    scale, gains, errors = followed(counts, EDGES, NAMES, "Po-209", 3.0, 50.0)
    # the scale belongs to the reference slice, so only their product is the truth
    found = scale.kev_per_unit / gains
    pulls = (found / (3.0 / true) - 1) / errors
    assert np.std(pulls) < 2 and np.max(np.abs(found / (3.0 / true) - 1)) < 0.004
    assert 34 < scale.fwhm_kev < 45, "as without drift"
    assert scale.nuclides == tuple(NAMES)


def test_counts_move_to_the_energy_at_gain_1():
    edges_kev = 3.0 * (EDGES - 50)
    counts = np.zeros((3, 1024), np.uint32)
    true = np.array([1.0, 1.02, 0.985])
    for n, gain in enumerate(true):
        counts[n, round((5304 * gain / 3 + 50) / 4)] = 1000
    once = steady(counts, true, edges_kev, np.random.default_rng(1))
    assert once.sum() == 3000
    assert np.average((edges_kev[1:] + edges_kev[:-1]) / 2, weights=once) == pytest.approx(5304, abs=6)
    assert np.ptp(np.flatnonzero(once)) <= 3
    np.testing.assert_array_equal(steady(counts, np.ones(3), edges_kev, np.random.default_rng(1)), counts.sum(axis=0))


def test_slices_without_the_line_have_no_gain():
    counts = drifting([1.0] * 6)
    counts[2] = 0
    _, gains, errors = followed(counts, EDGES, NAMES, "Po-209", 3.0, 50.0)
    assert np.isnan(gains).tolist() == [n == 2 for n in range(6)] and np.isnan(errors[2])


def best_prediction(at, gains, errors):
    """The best linear unbiased prediction of a random walk, by dense matrices from the differences of the gains."""
    noise, differences = np.diag(errors**2), np.diff(np.eye(len(gains)), axis=0)
    seen = differences @ gains

    def variance(step):
        return differences @ noise @ differences.T + step * np.diag(np.diff(at))

    def unlikely(log_step):
        return -multivariate_normal.logpdf(seen, cov=variance(np.exp(log_step)))

    log_step = minimize_scalar(unlikely, bounds=np.log([1e-12, 1e-4]), method="bounded").x
    weights = noise @ differences.T @ np.linalg.inv(variance(np.exp(log_step)))
    return gains - weights @ seen, np.sqrt(np.diag(noise - weights @ differences @ noise))


@pytest.mark.parametrize("step", (3e-5, 3e-4, 3e-3))
def test_gains_are_smoothed_as_their_likelihood_demands(step):
    generator = np.random.default_rng(4)
    errors = generator.uniform(3e-4, 9e-4, 120)
    gains = 1 + np.cumsum(generator.normal(0, step, 120)) + generator.normal(0, errors)
    known = generator.random(120) < 0.6  # between the others there are several steps
    found, found_errors = smoothed(np.where(known, gains, np.nan), errors)
    expected, expected_errors = best_prediction(np.flatnonzero(known), gains[known], errors[known])
    np.testing.assert_allclose(found[known], expected, atol=2e-6)
    np.testing.assert_allclose(found_errors[known], expected_errors, rtol=0.02)


def test_a_slow_drift_is_known_better_than_in_a_slice():
    """As in a mission: 2 % in 1056 slices with 30 counts each in the line."""
    true = 1 + 0.02 * np.sin(np.linspace(0, 3, 1056))
    errors = np.full(1056, 6e-4)
    found, found_errors = smoothed(true + np.random.default_rng(5).normal(0, errors), errors)
    assert np.std(found - true) < 2e-4 and (found_errors < 3e-4).all()
    assert np.std((found - true) / found_errors) < 1.1


def test_a_constant_gain_has_the_weighted_mean_and_what_is_not_known_stays_so():
    generator = np.random.default_rng(6)
    errors = generator.uniform(3e-4, 9e-4, 200)
    gains = np.full(200, 1.01) + generator.normal(0, 1e-6, 200)
    gains[[0, 17, 18]] = np.nan
    errors[30] = np.nan
    known = np.isfinite(gains) & np.isfinite(errors)
    found, found_errors = smoothed(gains, errors)
    assert (np.isfinite(found) == known).all() and (np.isfinite(found_errors) == known).all()
    np.testing.assert_allclose(found[known], np.average(gains[known], weights=errors[known] ** -2), atol=1e-7)
    np.testing.assert_allclose(found_errors[known], np.sum(errors[known] ** -2) ** -0.5, rtol=1e-3)
    for few in (0, 1, 2):
        assert smoothed(gains[1 : 1 + few], errors[1 : 1 + few])[0].tolist() == gains[1 : 1 + few].tolist()

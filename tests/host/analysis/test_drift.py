"""A gain that drifts by several line widths is followed, and the scale found is that without drift."""

import numpy as np
import pytest
from dorn.analysis.drift import followed, steady
from dorn.nuclides import main_kev

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

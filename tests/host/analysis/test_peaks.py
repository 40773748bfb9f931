"""Gaussian fits, against scipy's normal distribution and numpy's random numbers."""

import numpy as np
import pytest
from dorn.analysis.peaks import gaussian
from dorn.util.gaussian import FWHM
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

CHANNELS = np.arange(200)


def shares(centroid, fwhm):
    """The share of a normal distribution in every channel."""
    sigma = fwhm / FWHM
    return norm.cdf(CHANNELS + 0.5, centroid, sigma) - norm.cdf(CHANNELS - 0.5, centroid, sigma)


@settings(max_examples=100)
@given(st.floats(60, 140), st.floats(2.0, 50), st.floats(1e4, 1e8))
def test_a_gaussian_is_fitted_exactly_however_few_channels_it_has(centroid, fwhm, area):
    peak = gaussian(area * shares(centroid, fwhm), 0, 199)
    assert peak.centroid == pytest.approx(centroid, abs=1e-3 * fwhm)
    assert peak.fwhm == pytest.approx(fwhm, rel=1e-3)
    assert peak.area == pytest.approx(area, rel=1e-3)


@pytest.mark.parametrize(("fwhm", "counts"), [(2.5, 2000), (12, 2000), (40, 1000)])
def test_the_errors_match_counting_statistics(fwhm, counts):
    generator = np.random.Generator(np.random.PCG64(1))
    pulls = []
    for _ in range(200):
        found = generator.normal(100.3, fwhm / FWHM, counts)
        peak = gaussian(np.histogram(found, np.append(CHANNELS, 200) - 0.5)[0], 20, 180)
        truth = np.array((100.3, fwhm, counts))
        pulls.append((np.array((peak.centroid, peak.fwhm, peak.area)) - truth) / peak.errors)
    pulls = np.array(pulls)
    # the centroid is unbiased, and all scatter by their errors. The channels above half height are selected by the same
    # counts, which biases the others low by some tenths of their errors
    assert abs(pulls[:, 0].mean()) < 3 / np.sqrt(200)
    assert (abs(pulls.mean(axis=0)) < 0.5).all()
    assert (abs(pulls.std(axis=0) - 1) < 0.25).all()


def test_tails_and_weaker_lines_below_half_height_do_not_shift_the_centroid():
    counts = 10_000 * shares(100, 8) + 1_500 * shares(90, 8)
    assert gaussian(counts, 50, 150).centroid == pytest.approx(100, abs=0.1)
    with_all = np.average(CHANNELS, weights=counts)
    assert abs(with_all - 100) > 1


@pytest.mark.parametrize("counts", [np.zeros(200), np.eye(200)[100], -np.ones(200)])
def test_no_peak_is_an_error(counts):
    with pytest.raises(ValueError, match="no peak in channels 10 to 190"):
        gaussian(counts, 10, 190)


@settings(max_examples=200)
@given(st.lists(st.integers(0, 10**6), min_size=20, max_size=60), st.integers(0, 5), st.integers(10, 19))
def test_any_counts_have_a_peak_or_an_error(counts, first, last):
    try:
        peak = gaussian(counts, first, last)
    except ValueError as error:
        assert "no peak" in str(error)
        return
    assert first - 0.5 <= peak.centroid <= last + 0.5 and peak.fwhm > 0 and peak.area > 0

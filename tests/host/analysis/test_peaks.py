"""Single lines, against scipy's normal distribution and numpy's random numbers."""

import numpy as np
import pytest
from dorn.analysis.line_shape import Shape
from dorn.analysis.peaks import line
from dorn.analysis.region import region
from dorn.errors import UserError
from dorn.util.gaussian import FWHM
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

CHANNELS = np.arange(200)
EDGES = np.arange(201) - 0.5


def shares(centroid, fwhm):
    """The share of a normal distribution in every channel."""
    return np.diff(norm.cdf(EDGES, centroid, fwhm / FWHM))


@settings(max_examples=40)
@given(st.floats(60, 140), st.floats(2.0, 30), st.floats(1e4, 1e8))
def test_a_gaussian_is_fitted_exactly_however_few_channels_it_has(centroid, fwhm, area):
    peak = line(area * shares(centroid, fwhm), 0, 199)
    assert peak.centroid == pytest.approx(centroid, abs=1e-3 * fwhm)
    assert peak.fwhm == pytest.approx(fwhm, rel=1e-3)
    assert peak.area == pytest.approx(area, rel=1e-3)


@pytest.mark.parametrize(("fwhm", "counts"), [(2.5, 2000), (12, 2000), (25, 1000)])
def test_the_errors_match_counting_statistics(fwhm, counts):
    generator = np.random.Generator(np.random.PCG64(1))
    pulls = []
    for _ in range(60):
        found = generator.poisson(counts * shares(100.3, fwhm) + 0.5)
        peak = line(found, 20, 180)
        truth = np.array((100.3, fwhm, counts))
        pulls.append((np.array((peak.centroid, peak.fwhm, peak.area)) - truth) / peak.errors)
    # one fit in hundreds has a tail by chance
    assert (abs(np.mean(pulls, axis=0)) < 4 / np.sqrt(60)).all()
    assert (abs(np.std(pulls, axis=0) - 1) < 0.25).all()


@pytest.mark.parametrize("tails", [((0.3, 6.0),), ((0.2, 5.0), (0.1, -8.0))])
def test_top_width_and_area_of_a_line_with_tails_are_those_of_the_whole_line(tails):
    shape = Shape(8, tails)
    fine = np.linspace(-20, 20, 40_001)
    density = np.gradient(shape.cdf(fine), fine)
    half = fine[density >= density.max() / 2]
    top, width = fine[density.argmax()], half[-1] - half[0]
    generator = np.random.Generator(np.random.PCG64(2))
    mean = 20_000 * shape.integrals(EDGES, [100])[0] + 1
    pulls = []
    for _ in range(40):
        peak = line(generator.poisson(mean), 40, 160)
        assert len(peak.tails) == len(tails)
        pulls.append((np.array((peak.centroid - 100, peak.fwhm, peak.area)) - (top, width, 20_000)) / peak.errors)
    assert (abs(np.mean(pulls, axis=0)) < 4 / np.sqrt(40)).all()
    assert (abs(np.std(pulls, axis=0) - 1) < 0.4).all()


def test_other_lines_of_a_pattern_do_not_shift_the_centroid():
    pattern = ((0.0, 0.87), (-6.0, 0.13))
    counts = sum(share * 10_000 * shares(100 + distance, 8) for distance, share in pattern)
    peak = line(counts, 50, 150, pattern)
    assert peak.centroid == pytest.approx(100, abs=1e-3)
    assert (peak.area, peak.fwhm) == (pytest.approx(10_000, rel=1e-3), pytest.approx(8, rel=1e-3))
    assert abs(line(counts, 50, 150).centroid - 100) > 0.1


@pytest.mark.parametrize("counts", [np.zeros(200), -np.ones(200), np.full(200, np.nan), 1e4 * np.eye(200)[100]])
def test_no_peak_is_an_error(counts):
    with pytest.raises(UserError, match="no peak in channels 10 to 190"):
        line(counts, 10, 190)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=20, max_size=60), st.integers(0, 5), st.integers(10, 19))
@example([0] * 5 + [40414, 87756, 12562, 219003, 71] + [0] * 10, 0, 12)  # a tail, and a Gaussian far narrower than it
def test_any_counts_have_a_peak_or_an_error(counts, first, last):
    try:
        peak = line(counts, first, last)
    except UserError as error:
        assert "no peak" in str(error)
        return
    assert first - 0.5 <= peak.centroid <= last + 0.5 and peak.fwhm > 0 and peak.area > 0


# ---- regions ---------------------------------------------------------------------------------------------------------


def test_a_straight_background_is_subtracted_and_the_error_is_that_of_counting():
    background = 50 + 0.5 * CHANNELS
    mean = background + 5000 * shares(100, 8)
    exact = region(mean, 70, 130)
    assert exact.net == pytest.approx(5000) and exact.gross == pytest.approx(mean[70:131].sum())
    generator = np.random.Generator(np.random.PCG64(3))
    nets = [region(generator.poisson(mean), 70, 130).net for _ in range(400)]
    assert np.std(nets) == pytest.approx(exact.error, rel=0.12)


@pytest.mark.parametrize(("first", "last", "what"), [(-1, 20, "not within"), (5, 200, "not within"), (5, 7, "fewer")])
def test_a_region_outside_the_spectrum_is_refused(first, last, what):
    with pytest.raises(UserError, match=rf"region: channels: {what} .* \({first} to {last}\)"):
        region(CHANNELS, first, last)

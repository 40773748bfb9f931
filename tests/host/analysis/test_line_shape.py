"""Line shapes, against scipy's exponentially modified normal distribution and finite differences."""

import numpy as np
import pytest
from dorn.analysis.line_shape import Shape
from dorn.errors import UserError
from dorn.util.gaussian import FWHM
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import exponnorm, norm

ratios = st.floats(-3, 3).map(lambda power: 10**power)  # of tau and standard deviation


@settings(max_examples=200)
@given(ratios, st.floats(-40, 40), st.booleans())
def test_a_tail_is_scipys_exponentially_modified_normal_distribution(ratio, z, right):
    shape = Shape(FWHM, ((1.0, -ratio if right else ratio),))  # standard deviation 1
    other = exponnorm(ratio)
    wanted = other.cdf(z) if right else other.sf(-z)
    assert shape.cdf(np.array(z)) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("tau_kev", [1e-6, 1e-3, 3.0, 1e4])
def test_a_tail_is_the_convolution_of_gaussian_and_exponential(tau_kev):
    sigma = 30 / FWHM
    for x in (-200.0, -25.0, 0.0, 8.0, 60.0):
        wanted, _ = quad(lambda t, x=x: np.exp(-t) * norm.cdf((x + tau_kev * t) / sigma), 0, 50, points=[0.01, 1])
        assert Shape(30, ((1.0, tau_kev),)).cdf(np.array(x)) == pytest.approx(wanted, abs=1e-7)


@settings(max_examples=100)
@given(st.floats(0.1, 300), st.lists(st.tuples(st.floats(0, 0.5), ratios, st.booleans()), max_size=2))
def test_fractions_of_channels_are_not_negative_and_add_up_to_1(fwhm_kev, tails):
    shape = Shape(fwhm_kev, tuple((part, (-1 if right else 1) * ratio * fwhm_kev) for part, ratio, right in tails))
    reach = 50 * fwhm_kev * (1 + max((ratio for _, ratio, _ in tails), default=0))
    edges = np.concatenate([[-reach], np.linspace(-20 * fwhm_kev, 20 * fwhm_kev, 300), [reach]])
    fractions = shape.integrals(edges + 5000, [5000, 5000])
    assert fractions.shape == (2, 301)
    assert fractions.min() > -1e-12
    assert fractions.sum(axis=1) == pytest.approx(1, abs=1e-9)


@settings(max_examples=50)
@given(st.floats(10, 100), st.floats(0.01, 0.4), ratios, st.floats(0.01, 0.4), ratios)
def test_derivatives_are_those_of_finite_differences(fwhm_kev, first, first_ratio, second, second_ratio):
    values = np.array([0.0, fwhm_kev, first, first_ratio * fwhm_kev, second, -second_ratio * fwhm_kev])
    edges = np.linspace(-6 * fwhm_kev, 6 * fwhm_kev, 60)

    def integrals(values):
        energy_kev, fwhm_kev, *tails = values
        return Shape(fwhm_kev, (tuple(tails[:2]), tuple(tails[2:]))).integrals(edges, [energy_kev])

    energy_kev, *_ = values
    by = Shape(fwhm_kev, (tuple(values[2:4]), tuple(values[4:]))).derivatives(edges, [energy_kev])
    found = [by.energy, by.fwhm, by.fraction[0], by.tau[0], by.fraction[1], by.tau[1]]
    for i, derivative in enumerate(found):
        step = np.zeros(6)
        step[i] = 1e-5 * (abs(values[i]) or fwhm_kev)
        wanted = (integrals(values + step) - integrals(values - step)) / (2 * step[i])
        # rounding error of the integrals, 1e-16, over the step
        assert derivative == pytest.approx(wanted, abs=1e-6 * abs(wanted).max() + 1e-15 / step[i])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0,), "line shape: fwhm_kev: not above 0 (0.0)"),
        ((np.nan,), "line shape: fwhm_kev: not above 0 (nan)"),
        ((50.0, ((1.5, 20.0),)), "line shape: tails: fraction not from 0 to 1 (1.5)"),
        ((50.0, ((np.nan, 20.0),)), "line shape: tails: fraction not from 0 to 1 (nan)"),
        ((50.0, ((0.1, 0.0),)), "line shape: tails: tau_kev 0 or not finite (0.0)"),
        ((50.0, ((0.6, 20.0), (0.6, 30.0))), "line shape: tails: fractions add up to more than 1 "),
        ((50.0, ((0.1, 20.0),) * 3), "line shape: tails: more than 2 (3)"),
    ],
)
def test_what_is_not_a_shape_is_refused(arguments, message):
    with pytest.raises(UserError) as error:
        Shape(*arguments)
    assert str(error.value).startswith(message)

"""Decay corrections against published examples and exact decimals, blank subtraction against drawn measurements."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from dorn.analysis.reference import decay_factor, net
from dorn.errors import UserError
from hypothesis import given
from hypothesis import strategies as st

LN_2 = math.log(2)


@pytest.mark.parametrize(
    ("decay", "relative_u", "elapsed_s", "duration_s", "factor", "error"),
    [
        (2.51e-10, 3.4e-3, 63069999.99999999, 0.0, 1.015956537306864, 5.468278606337529e-05),
        (2.51e-10, 3.4e-3, 0.0, 1e6, 1.000125505250183, 4.267639797082122e-07),
        (5.88e-14, 2.9e-3, -189.2e6, 0.0, 0.9999888751018822, 3.226201972197129e-08),
    ],
)
def test_factors_are_those_of_a_published_example(decay, relative_u, elapsed_s, duration_s, factor, error):
    """Alpha-IAEA-1401-Kanisch_EN.txp of UncertRadio (github.com/OpenBfS/UncertRadio), numbers only."""
    half_life_s = LN_2 / decay
    found = decay_factor(half_life_s, relative_u * half_life_s, elapsed_s, duration_s)
    assert found[0] == pytest.approx(factor, rel=1e-12)
    assert found[1] == pytest.approx(error, rel=1e-4)


@given(
    half_life_s=st.floats(1e-3, 1e12),
    elapsed=st.floats(-20, 20),
    duration=st.one_of(st.just(0.0), st.floats(1e-9, 50)),
)
def test_factors_and_their_uncertainties_are_exact(half_life_s, elapsed, duration):
    """Times in half-lives; against 60 decimals, and their difference by a relative change of the half-life of 1e-12."""

    def exact(half_life):
        decay = Decimal(2).ln() / half_life
        x = decay * Decimal(duration * half_life_s)
        return (decay * Decimal(elapsed * half_life_s)).exp() * (x / (1 - (-x).exp()) if x else 1)

    with localcontext(prec=60):
        factor = exact(Decimal(half_life_s))
        change = exact(Decimal(half_life_s) * (1 + Decimal("1e-12"))) - factor
        relative = abs(float(change / factor)) * 1e12
    found, error = decay_factor(half_life_s, 0.01 * half_life_s, elapsed * half_life_s, duration * half_life_s)
    assert found == pytest.approx(float(factor), rel=1e-12)
    assert error / found == pytest.approx(0.01 * relative, rel=1e-6, abs=1e-12)


def test_a_mean_activity_is_that_of_its_integral():
    """0.5 half-lives after the reference date, for 2 half-lives, from an activity of 8."""
    times = np.linspace(0.5, 2.5, 200001)
    mean = np.mean(8 * 0.5 ** ((times[1:] + times[:-1]) / 2))
    factor, error = decay_factor(1.0, None, 0.5, 2.0)
    assert (factor * mean, error) == (pytest.approx(8), 0.0)


def test_net_counts_and_their_covariance_are_those_of_many_measurements():
    rng = np.random.default_rng(1)
    gross_mean, blank_mean, ratio, ratio_u = np.array([120.0, 80]), np.array([40.0, 160]), 0.25, 0.02
    share = np.array([[9.0, -4], [-4, 16]])  # of the fits
    draws = 40000
    gross = rng.multivariate_normal(gross_mean, share, draws)
    blank = rng.multivariate_normal(blank_mean, 2 * share, draws)
    nets = gross - rng.normal(ratio, ratio_u, draws)[:, None] * blank
    values, covariance = net(gross_mean, share, blank_mean, 2 * share, ratio, ratio_u)
    assert values == pytest.approx(nets.mean(axis=0), abs=0.1)
    assert covariance == pytest.approx(np.cov(nets.T), rel=0.05, abs=0.3)
    value, variance = net(120, 9, 40, 18, ratio, ratio_u)
    assert (value, variance) == pytest.approx((values[0], covariance[0, 0]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: decay_factor(0, None, 1), "decay: half_life_s: negative, 0 or not finite (0)"),
        (lambda: decay_factor(1, -1, 1), "decay: uncertainty of half_life_s: negative, 0 or not finite (-1)"),
        (lambda: decay_factor(1, 0, math.nan), "decay: elapsed_s: negative, 0 or not finite (nan)"),
        (lambda: decay_factor(1, 0, 1, -2), "decay: duration_s: negative, 0 or not finite (-2)"),
        (lambda: net([1, 2], np.eye(2), [1], np.eye(1), 1), "blank: values: not of the shape (2,) ((1,))"),
        (lambda: net([1], [1], [1], [[1]], 1), "blank: covariance of gross: not of the shape (1, 1) ((1,))"),
        (lambda: net(1, 1, 1, 1, 0), "blank: ratio of exposures: not above 0 with an uncertainty (0 +- 0.0)"),
    ],
)
def test_wrong_arguments_are_reported(call, message):
    with pytest.raises(UserError) as error:
        call()
    assert str(error.value) == message

"""Decay corrections against published examples and exact decimals."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from dorn.analysis.decay_correction import decay_factor, fed_by
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
    """Compared with 60-digit arithmetic: the value, and its change for a relative change of 1e-12 in the half-life.
    Times are in half-lives."""

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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: decay_factor(0, None, 1), "decay: half_life_s: negative, 0 or not finite (0)"),
        (lambda: decay_factor(1, -1, 1), "decay: uncertainty of half_life_s: negative, 0 or not finite (-1)"),
        (lambda: decay_factor(1, 0, math.nan), "decay: elapsed_s: negative, 0 or not finite (nan)"),
        (lambda: decay_factor(1, 0, 1, -2), "decay: duration_s: negative, 0 or not finite (-2)"),
    ],
)
def test_wrong_arguments_are_reported(call, message):
    with pytest.raises(UserError) as error:
        call()
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("name", "among", "found"),
    [
        ("Po-218", ["Rn-222", "Po-218", "Po-210"], "Rn-222"),  # Po-210 lives longer, but does not decay to it
        ("Po-210", ["Rn-222", "Po-218", "Po-210"], None),
        ("Po-214", ["Po-218", "Po-214"], "Po-218"),
        ("Bi-212", ["Pb-212", "Bi-212"], "Pb-212"),
        ("Am-241", ["Am-241"], None),
    ],
)
def test_progeny_decays_as_its_fed_by_ancestor(name, among, found):
    assert fed_by(name, among) == found

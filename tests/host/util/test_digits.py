"""Numbers as text, with the digits that their uncertainties allow."""

import math

import pytest
from dorn.util.digits import shown
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (5.5, 0.3, "5.50 +- 0.30"),
        (10170, 100.4, "10170 +- 100"),
        (98.134, 0.996, "98.1 +- 1.0"),
        (-3, 12.4, "-3 +- 12"),
        (1.23456e-4, 1.2e-6, "0.0001235 +- 1.2e-06"),
        (5, 0, "5 +- 0"),
    ],
)
def test_trailing_zeros_of_the_uncertainty_are_shown(value, uncertainty, text):
    assert shown(value, uncertainty) == text


@given(st.floats(-1e9, 1e9), st.floats(1e-12, 1e9))
def test_nothing_beyond_the_second_digit_of_the_uncertainty_is_lost(value, uncertainty):
    found, error = map(float, shown(value, uncertainty).split(" +- "))
    assert math.isclose(error, uncertainty, rel_tol=0.0501)
    assert abs(found - value) <= 0.0501 * uncertainty * 10 + 1e-9 * abs(value)

"""Numbers with an uncertainty in brackets."""

from decimal import Decimal

import pytest
from dorn.errors import UserError
from dorn.nuclides.shorthand import parse
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "value", "u"),
    [
        ("5489.48(30)", 5489.48, 0.30),
        ("3.8222(9)", 3.8222, 0.0009),
        ("1600(7)", 1600, 7),
        ("74.6(30)", 74.6, 3.0),
        ("0.00104(6)", 0.00104, 0.00006),
        ("6778.3", 6778.3, None),
        ("100", 100, None),
    ],
)
def test_the_uncertainty_is_in_units_of_the_last_digit(text, value, u):
    assert parse(text) == (value, u)


@given(st.integers(0, 10**9), st.integers(0, 9), st.integers(1, 999))
def test_any_number_is_read_as_it_was_written(digits, places, u):
    value = Decimal(digits).scaleb(-places)
    assert parse(f"{value:f}({u})") == (float(value), float(Decimal(u).scaleb(-places)))
    assert parse(f"{value:f}") == (float(value), None)


@given(st.text(st.sampled_from("0123456789.()-+eE _²"), max_size=12))
def test_any_other_text_gives_an_error_of_one_line(text):
    try:
        value, u = parse(text)
    except UserError as error:
        assert "not a number such as" in str(error)
    else:
        assert value >= 0 and (u is None or u > 0) and text[0].isdigit()

"""analysis/clocks.py: the difference of two clocks from the stamps of regular pulses."""

import pytest
from dorn.analysis.clocks import difference_ppm, rate_cps
from hypothesis import given
from hypothesis import strategies as st

PERIOD_US = 250_000


@given(st.floats(-5000, 5000), st.integers(0, 1 << 40), st.sets(st.integers(1, 15)))
def test_the_difference_is_found_although_pulses_are_missing(ppm, begin_us, missing):
    stamps = [round(begin_us + n * PERIOD_US * (1 + ppm / 1e6)) for n in range(17) if n not in missing]
    assert difference_ppm(stamps, PERIOD_US) == pytest.approx(ppm, abs=0.3)


@pytest.mark.parametrize(
    ("stamps", "message"),
    [
        ([], "the 0 stamps last 0 us, less than 2000000"),
        ([7], "the 1 stamps last 0 us"),
        ([0, 1_999_999], "the 2 stamps last 1999999 us"),
        ([0, 375_000, 4_000_000], "the stamp 375000 us is 1.50 periods after the first"),
    ],
)
def test_stamps_that_tell_nothing_are_refused(stamps, message):
    with pytest.raises(ValueError, match=message):
        difference_ppm(stamps, PERIOD_US)


def test_a_fast_clock_measures_a_low_rate():
    assert rate_cps(1000, 5000) == pytest.approx(995.02, abs=0.01)

"""Quantities that change with time, against numerical integration."""

import numpy as np
import pytest
from dorn.head.profile import Profile, Rate, mean_cps
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

STORM = Rate([0, 100, 100, 160, 400], [1, 1, 21, 9, 0])


@st.composite
def rates(draw):
    """Rates with steps and pauses, not 0 throughout."""
    steps = draw(st.lists(st.sampled_from([0.0, 0.5, 3.0, 40.0]), min_size=1, max_size=8))
    values = draw(st.lists(st.sampled_from([0.0, 1.0, 2.5, 30.0]), min_size=len(steps) + 1, max_size=len(steps) + 1))
    return Rate(np.cumsum([draw(st.floats(0, 10)), *steps]), values)


def test_a_profile_is_linear_between_its_points_and_constant_outside():
    profile = Profile([10, 20], [1, 3])
    assert profile.at([0, 10, 15, 20, 99]).tolist() == [1, 1, 2, 3, 3]


def test_counts_are_the_integral():
    for time_s in (-5, 0, 50, 100, 130, 160, 300, 400, 1e6):
        inside = min(max(time_s, 0), 400)
        first, second = min(inside, 100), max(inside - 100, 0)
        expected = first + quad(lambda t: np.interp(t, [0, 60, 300], [21, 9, 0]), 0, second, points=[60])[0]
        assert STORM.counts(time_s) == pytest.approx(expected)
    assert STORM.total == pytest.approx(100 + 900 + 1080)
    assert mean_cps([STORM, STORM], 100) == pytest.approx(2)


@given(rates(), st.lists(st.floats(1e-6, 1), min_size=1, max_size=10))
def test_when_is_the_inverse_of_counts(rate, parts):
    if not rate.total:
        return
    counts = np.array(parts) * rate.total
    times = rate.when(counts)
    assert (times >= rate.times_s[0]).all() and (times <= rate.times_s[-1]).all()
    assert rate.counts(times) == pytest.approx(counts, rel=1e-6, abs=1e-9 * rate.total)


@given(rates(), st.floats(0.01, 200))
def test_a_rate_can_be_cut_scaled_and_shifted(rate, end_s):
    end_s += rate.times_s[0]
    assert rate.until(end_s).total == pytest.approx(rate.counts(end_s))
    assert rate.scaled(3, 5).counts(end_s + 5) == pytest.approx(3 * rate.counts(end_s))


@pytest.mark.parametrize("mean_s", [0.2, 30, 2000])
@pytest.mark.parametrize("time_s", [0, 99, 101, 380, 500])
def test_those_waiting_follow_their_differential_equation(mean_s, time_s):
    n = 0.0
    for begin, end in ((0, 100), (100, 160), (160, 400), (400, 1e9)):
        end = min(end, time_s)
        if end > begin:
            middle = np.nextafter(begin, end), np.nextafter(end, begin)

            def change(t, n, middle=middle, begin=begin):
                rate = STORM.at(np.clip(t, *middle)) if begin < 400 else 0.0
                return rate - n / mean_s

            n = solve_ivp(change, (begin, end), [n], method="LSODA", rtol=1e-9, atol=1e-9).y[0, -1]
    assert STORM.waiting(mean_s, time_s) == pytest.approx(n, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (3, "not a list of"),
        ([], "not a list of"),
        ([[0]], r"entry 0: not \[time, value\]: \[0\]"),
        ([[0, True]], "entry 0: not"),
        ([[0, 1], ["1", 1]], "entry 1: not"),
        ([[5, 1], [4, 1]], "entry 1: time below 0 or before the previous one: 4"),
        ([[-1, 1]], "entry 0: time below 0"),
        ([[float("nan"), 1]], "entry 0: time below 0"),
        ([[0, 1], [1, -1]], "entry 1: value not from 0 to 9: -1"),
        ([[0, 10]], "entry 0: value not from 0 to 9: 10"),
        ([[0, float("nan")]], "entry 0: value not from"),
    ],
)
def test_a_bad_list_of_pairs_is_described(pairs, message):
    with pytest.raises(ValueError, match=message):
        Profile.from_pairs(pairs, 0, 9)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=20))
def test_any_value_is_a_profile_or_an_error(value):
    try:
        profile = Profile.from_pairs(value)
    except ValueError as error:
        assert str(error)
    else:
        assert (np.diff(profile.times_s) >= 0).all() and np.isfinite(profile.at([0.0, 1e9])).all()

"""Dead time: the formulas correct the losses of a simulated counter, and reproduce published figures of real data."""

import math

import numpy as np
import pytest
from dorn.analysis.dead_time import (
    Counts,
    half_rise,
    interval_slope,
    intervals,
    live_time,
    non_paralyzable,
    paralyzable,
    two_source,
    two_source_dead_time,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

rates = st.floats(1.0, 1e6)
loads = st.floats(0.0, 10.0)  # n tau


def counter(rate_cps, dead_time_s, events, seed, extending=False):
    """Time stamps that a counter with dead time records for Poisson arrivals, simulated one by one."""
    arrivals = np.cumsum(np.random.default_rng(seed).exponential(1 / rate_cps, events))
    recorded, ready = [], 0.0
    for at in arrivals.tolist():
        if at >= ready:
            recorded.append(at)
        if at >= ready or extending:
            ready = at + dead_time_s
    return np.array(recorded), arrivals[-1]


@given(rates, loads)
def test_non_paralyzable_recovers_the_true_rate(true, load):
    tau = load / true
    observed = true / (1 + true * tau)
    assert non_paralyzable(observed, tau) == pytest.approx(true, rel=1e-9)
    assert observed * 100 / live_time(100, observed * 100, tau) == pytest.approx(true, rel=1e-9)


@given(rates, loads)
@example(1.0, 5e-324)
@example(1.0, 1.0)
def test_one_of_the_paralyzable_rates_is_the_true_one(true, load):
    tau = load / true
    lower, higher = paralyzable(true * math.exp(-load), tau)
    assert (lower if load <= 1 else higher) == pytest.approx(true, rel=1e-6 if abs(load - 1) > 1e-3 else 0.01)
    assert lower * tau <= 1 + 1e-6 and (math.isinf(higher) or higher * tau >= 1 - 1e-6)


def test_the_paralyzable_rates_meet_at_the_highest_observed_rate():
    lower, higher = paralyzable(np.array([1000 / math.e, 1000 / math.e * (1 - 1e-15)]), 1e-3)
    assert lower == pytest.approx(1000, rel=1e-6) and higher == pytest.approx(1000, rel=1e-6)
    assert paralyzable(100.0, 0.0) == (100.0, math.inf)


def test_impossible_rates_are_rejected():
    with pytest.raises(ValueError, match="not below 1 / dead time"):
        non_paralyzable([1.0, 1000.0], 1e-3)
    with pytest.raises(ValueError, match="above 1 / "):
        paralyzable(400.0, 1e-3)


@pytest.mark.parametrize("extending", [False, True])
def test_the_formulas_describe_a_simulated_counter_with_dead_time(extending):
    stamps, real_s = counter(1000, 4e-4, 200_000, 1, extending)
    observed = len(stamps) / real_s
    true = paralyzable(observed, 4e-4)[0] if extending else non_paralyzable(observed, 4e-4)
    other = non_paralyzable(observed, 4e-4) if extending else paralyzable(observed, 4e-4)[0]
    assert true == pytest.approx(200_000 / real_s, rel=0.01)
    assert other != pytest.approx(200_000 / real_s, rel=0.05)


@given(rates, rates, st.floats(0, 0.1), st.floats(1e-3, 2.0))
def test_two_sources_recover_the_simulated_dead_time(first, second, part, load):
    background = part * min(first, second)
    tau = load / (first + second)

    def seen(n):
        return n / (1 + n * tau)

    observed = (seen(n + background) for n in (first, second, first + second, 0.0))
    # for very unequal sources the difference is lost in rounding
    tolerance = 1e-6 + 1e-12 * (first + second) / (load * min(first, second))
    assert two_source_dead_time(*observed) == pytest.approx(tau, rel=tolerance)


@settings(max_examples=50)
@given(st.floats(1000, 20_000), st.floats(0.2, 5), st.floats(2e-6, 4e-5), st.floats(0, 500))
def test_the_error_matches_the_scatter_of_repeated_measurements(first, ratio, tau, background):
    rng = np.random.default_rng(1)

    def measured(n):
        m = (n + background) / (1 + (n + background) * tau)
        return rng.poisson(m * 300, 400), m

    columns = [measured(n)[0] for n in (first, ratio * first, (1 + ratio) * first, 0)]
    found = np.array([two_source(*(Counts(int(c), 300) for c in row)) for row in zip(*columns, strict=True)])
    assert abs(found[:, 0].mean() - tau) < 5 * found[:, 1].mean() / 20
    assert found[:, 0].std() == pytest.approx(found[:, 1].mean(), rel=0.2)


def test_zero_dead_time_is_found_and_impossible_rates_are_rejected():
    tau, error = two_source(Counts(10_000, 1), Counts(20_000, 1), Counts(30_000, 1))
    assert tau == pytest.approx(0, abs=1e-12) and error > 0
    assert two_source_dead_time(100, 100, 210) < 0
    with pytest.raises(ValueError, match="no dead time explains"):
        two_source_dead_time(100, 100, 50)
    with pytest.raises(ValueError, match="no dead time explains"):
        two_source_dead_time(100, 10, 55)
    with pytest.raises(ValueError, match="too weak"):
        two_source_dead_time(10, 10, 20, 50)


@settings(max_examples=20)
@given(st.floats(10, 10_000), st.floats(0.05, 0.6), st.integers(0, 10**6))
def test_intervals_give_dead_time_and_true_rate(rate_cps, load, seed):
    tau = load / rate_cps
    stamps, _ = counter(rate_cps, tau, 40_000, seed)
    found = intervals(stamps, bin_s=0.02 / rate_cps)
    assert abs(found.dead_time_s - tau) < 4 * found.dead_time_error_s
    assert abs(found.true_cps - rate_cps) < 5.5 * found.true_error_cps
    assert abs(found.corrected_cps - rate_cps) < 5.5 * found.corrected_error_cps
    assert found.events == len(stamps) and found.observed_cps == pytest.approx((found.events - 1) / np.ptp(stamps))


def test_the_slope_is_unbiased_and_its_error_matches_the_scatter():
    found = [interval_slope(np.random.default_rng(s).exponential(0.01, 1000), 0.005) for s in range(300)]
    rates_cps, errors = np.array(found).T
    assert rates_cps.std() == pytest.approx(errors.mean(), rel=0.15)
    assert abs(rates_cps.mean() - 100) < 5 * errors.mean() / math.sqrt(300)


def test_a_counter_without_dead_time_shows_none():
    assert half_rise(np.random.default_rng(1).exponential(0.01, 10_000), 1e-4)[0] == 0


@pytest.mark.parametrize("times_s", [[], [1.0] * 3, np.arange(200)[::-1]])
def test_invalid_time_stamps_are_rejected(times_s):
    with pytest.raises(ValueError):
        intervals(times_s, 1e-3)

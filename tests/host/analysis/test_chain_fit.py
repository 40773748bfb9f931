"""The activities at the start of a decay chain, from simulated counts of its members."""

import numpy as np
import pytest
from dorn.analysis.activity import alphas_per_decay
from dorn.analysis.chain_fit import Counts, chain_fit
from dorn.errors import UserError
from dorn.nuclides.chains import decays

HOUR_S, N, BACKGROUND = 3600.0, 60, 4.0
BEGINS_S = HOUR_S * np.arange(N)
START = {"Pb-212": 0.05, "Bi-212": 0.2}


def measured(seed, names=("Bi-212", "Po-212"), live=1.0):
    """Counts over the chain of START; live: live time as a fraction of the intervals."""
    expected = decays(START, np.append(BEGINS_S, BEGINS_S[-1] + HOUR_S))
    generator = np.random.default_rng(seed)
    for name in names:
        mean = live * alphas_per_decay(name)[0] * np.diff(expected[name]) + BACKGROUND
        counts = generator.poisson(mean) - BACKGROUND
        yield Counts(name, counts, np.full(N, live * HOUR_S), np.full(N, np.sqrt(BACKGROUND)))


@pytest.mark.parametrize("live", [1.0, 0.25])
def test_activities_at_the_start_are_unbiased_and_their_errors_right(live):
    fits = [chain_fit("Pb-212", BEGINS_S, BEGINS_S + HOUR_S, list(measured(seed, live=live))) for seed in range(60)]
    assert set(fits[0].at_start) == set(START)  # the half-lives of the others are below an hour
    for name, true in START.items():
        pulls = [(one.at_start[name][0] - true) / one.at_start[name][1] for one in fits]
        assert abs(np.mean(pulls)) < 0.4 and 0.8 < np.std(pulls) < 1.25
    assert np.mean([one.deviance / one.dof for one in fits]) == pytest.approx(1, abs=0.1)


def test_intervals_may_have_gaps_and_one_nuclide_is_enough():
    kept = np.arange(N) % 3 > 0
    (one,) = measured(1, ["Po-212"])
    one = Counts(one.nuclide, one.counts[kept], one.live_s[kept], one.errors_without[kept])
    found = chain_fit("Pb-212", BEGINS_S[kept], BEGINS_S[kept] + HOUR_S, [one])
    start = decays(START, [HOUR_S, HOUR_S + 1])  # the first interval used starts an hour later
    value, error = found.at_start["Pb-212"]
    assert abs(value - np.diff(start["Pb-212"])[0]) < 4 * error < 0.02


def test_what_is_absent_is_none_and_not_negative():
    found = chain_fit("Ra-226", BEGINS_S, BEGINS_S + HOUR_S, [Counts("Po-210", *np.ones((3, N)))])
    assert all(value >= 0 for value, _ in found.at_start.values())
    assert {"Ra-226", "Po-210", "Pb-210"} <= set(found.at_start)


def test_short_lived_members_start_in_equilibrium():
    """Intervals of 190 s; the half-life of Po-218 is 186 s."""
    begins_s, true = 190.0 * np.arange(40), dict.fromkeys(["Rn-222", "Po-218", "Pb-214", "Bi-214", "Po-214"], 1.0)
    expected = decays(true, np.append(begins_s, begins_s[-1] + 190))
    live_s, errors = np.full(40, 190.0), np.full(40, np.sqrt(BACKGROUND))
    fits = []
    for seed in range(30):
        generator, counts = np.random.default_rng(seed), []
        for name in ("Rn-222", "Po-218", "Po-214"):
            mean = 5 * alphas_per_decay(name)[0] * np.diff(expected[name]) + BACKGROUND
            counts.append(Counts(name, generator.poisson(mean) - BACKGROUND, live_s, errors))
        fits.append(chain_fit("Rn-222", begins_s, begins_s + 190, counts).at_start)
    assert set(fits[0]) == {"Rn-222", "Pb-214", "Bi-214"}
    for name in fits[0]:
        values, found = np.array([one[name] for one in fits]).T
        assert values.mean() == pytest.approx(5, rel=0.015) and 0.7 < np.std((values - 5) / found) < 1.4


def test_the_error_without_counts_is_about_one_count():
    """Of Po-210, beside many counts of Rn-222 and none of background; more, as Bi-210 may have fed it."""
    none = np.zeros(N)
    live_s = np.full(N, HOUR_S)
    measured = [Counts("Rn-222", none + 100, live_s, none), Counts("Po-210", none, live_s, none)]
    value, error = chain_fit("Rn-222", BEGINS_S, BEGINS_S + HOUR_S, measured).at_start["Po-210"]
    assert value == 0 and 1 < error * N * HOUR_S < 5


def test_what_the_counts_do_not_determine_has_an_infinite_error():
    """Three counts of Po-210, and six activities that may have caused them."""
    found = chain_fit("Rn-222", BEGINS_S[:3], BEGINS_S[:3] + 600, [Counts("Po-210", *100 * np.ones((3, 3)))])
    errors = {name: error for name, (_, error) in found.at_start.items()}
    assert {errors["Rn-222"], errors["Pb-214"]} == {np.inf} and np.isinf(found.covariance.diagonal()).sum() >= 3
    # one determined activity of two, in units that differ by 1e9
    counts = [Counts("Po-218", *np.ones((3, 3))), Counts("Po-210", *1e4 * np.ones((3, 3)))]
    both = chain_fit("Rn-222", BEGINS_S[:3], BEGINS_S[:3] + 600, counts)
    assert np.isfinite(both.at_start["Rn-222"][1])


@pytest.mark.parametrize(
    ("begins_s", "name", "counts", "message"),
    [
        ([0, 1, 2], "Am-241", [1, 1, 1], "chain: nuclides: none of the chain of Rn-222 is measured"),
        ([0, 1], "Rn-222", [1, 1], "chain: intervals: fewer than three (2)"),
        ([0, 1, 2], "Rn-222", [0, 0, 0], "chain: counts: none"),
    ],
)
def test_what_cannot_be_fitted_is_reported(begins_s, name, counts, message):
    begins_s, counts = np.array(begins_s, float), np.array(counts, float)
    with pytest.raises(UserError) as error:
        chain_fit("Rn-222", begins_s, begins_s + 1, [Counts(name, counts, np.ones(len(counts)), np.ones(len(counts)))])
    assert str(error.value) == message

"""Streams whose rate changes with time, pairs, and the merging of streams."""

from collections.abc import Sequence

import numpy as np
import pytest
from dorn.head import arrivals
from dorn.head.mixture import Mixture
from dorn.head.profile import Rate
from dorn.head.stream import Follower, Stream, merge
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

MEAN_S = 0.2


def line(kev, detectors: Sequence[int] = range(16), **others):
    mixture = Mixture()
    mixture.add(1, kev, kev, detectors, **others)
    return mixture


def collected(stream, seed=4, spacing="poisson", factor=1.0):
    times_ns, detectors, energies_kev = zip(*stream.draw(factor, [seed, 2, 0], spacing), strict=True)
    return np.concatenate(times_ns) / 1e9, np.concatenate(detectors), np.concatenate(energies_kev)


def pairs(rate, fraction=0.5, **first):
    return Stream(line(6288, **first), rate, Follower("daughter", line(6778), fraction, MEAN_S, False))


def test_arrivals_follow_the_rate():
    rate = Rate([10, 20, 20, 50, 90], [100, 100, 400, 100, 0])
    times_s, _, _ = collected(Stream(line(5000), rate))
    edges = np.linspace(10, 90, 41)
    expected = np.diff(rate.counts(edges))
    found = np.histogram(times_s, edges)[0]
    assert abs(len(times_s) - rate.total) < 5 * np.sqrt(rate.total)
    assert stats.chisquare(found, expected * found.sum() / expected.sum()).pvalue > 1e-3
    # in expected counts the gaps are exponential
    assert stats.kstest(np.diff(rate.counts(times_s)), stats.expon.cdf).pvalue > 1e-3


def test_a_regular_stream_is_even_in_expected_counts():
    rate = Rate([0, 10], [0, 20])
    times_s, _, _ = collected(Stream(line(5000), rate), spacing="regular")
    assert rate.counts(times_s) == pytest.approx(np.arange(100) + 0.5, abs=1e-6)


def test_a_factor_scales_the_rate():
    rate = Rate([0, 100], [100, 100])
    assert abs(len(collected(Stream(line(5000), rate), factor=3)[0]) - 30_000) < 5 * np.sqrt(30_000)


def test_a_follower_comes_in_the_same_detector_after_an_exponential_delay():
    # at a rate so low that no other particle hits the detector between a particle and its follower
    times_s, detectors, energies_kev = collected(pairs(Rate([0, 2e5], [0.1, 0.1])))
    assert (np.diff(times_s) >= 0).all()
    delays_s, first_s = [], dict.fromkeys(range(16), -np.inf)
    for time_s, detector, kev in zip(times_s, detectors, energies_kev, strict=True):
        if kev == 6288:
            first_s[detector] = time_s
        else:
            delays_s.append(time_s - first_s[detector])
    assert stats.binomtest(len(delays_s), int((energies_kev == 6288).sum()), 0.5).pvalue > 1e-3
    assert stats.kstest(delays_s, stats.expon(scale=MEAN_S).cdf).pvalue > 1e-3


def test_followers_end_with_the_source():
    times_s, _, energies_kev = collected(pairs(Rate([0, 1], [1e4, 1e4]), fraction=1.0))
    assert times_s.max() < 1
    stream = pairs(Rate([0, 1], [1e4, 1e4]), fraction=1.0)
    for begin_s, end_s in ((0, 0.1), (0.1, 0.6), (0.6, 3)):
        expected = {name: counts.sum() for name, counts in stream.expected(begin_s, end_s).items()}
        inside = (times_s >= begin_s) & (times_s < end_s)
        for name, kev in (("", 6288), ("daughter", 6778)):
            found = (inside & (energies_kev == kev)).sum()
            assert abs(found - expected[name]) < 5 * np.sqrt(expected[name])


@pytest.mark.parametrize("after_beta", [False, True])
def test_only_decays_of_one_kind_are_followed(after_beta):
    mixture = line(6000, (4,), name="alpha")
    mixture.add(2, 0, 200, (4, 7), name="beta", beta=True)
    follower = Follower("daughter", line(8784), 0.5, 1e-6, after_beta)
    stream = Stream(mixture, Rate([0, 10], [3000, 3000]), follower)
    _, detectors, energies_kev = collected(stream)
    found = np.bincount(detectors[energies_kev == 8784], minlength=16)
    expected = stream.expected(0, 10)["daughter"]
    assert expected[[4, 7]] == pytest.approx([5000, 5000] if after_beta else [5000, 0], rel=1e-5)
    assert (abs(found - expected) <= 5 * np.sqrt(expected)).all()


def test_a_stream_depends_on_its_seed_alone(monkeypatch):
    stream = pairs(Rate([0, 5, 40], [40, 0, 10]))
    first = collected(stream)
    monkeypatch.setattr(arrivals, "CHUNK", 7)
    for one, other in zip(first, collected(stream), strict=True):
        assert (one == other).all()
    assert len(collected(stream, seed=5)[0]) != len(first[0])


@given(st.lists(st.lists(st.lists(st.integers(0, 50), max_size=5), max_size=4), max_size=4))
def test_merged_streams_are_in_order_and_complete(streams):
    def chunks(n, lists):
        times = np.sort(np.array([time for part in lists for time in part], float))
        at = 0
        for part in lists:
            piece = times[at : at + len(part)]
            yield piece, np.full(len(piece), n), np.arange(at, at + len(piece)) * 1.0
            at += len(part)

    merged = list(merge(chunks(n, lists) for n, lists in enumerate(streams)))
    assert all(len(times) for times, _, _ in merged)
    rows = [row for chunk in merged for row in zip(*(column.tolist() for column in chunk), strict=True)]
    assert [time for time, _, _ in rows] == sorted(time for lists in streams for part in lists for time in part)
    for n, lists in enumerate(streams):  # all pulses of each stream, in its own order
        assert [index for _, stream, index in rows if stream == n] == list(range(sum(map(len, lists))))


def test_of_each_stream_one_chunk_is_held():
    drawn = {"fast": 0, "slow": 0}

    def chunks(name, gap_ns):
        for i in range(1000):
            drawn[name] += 1
            yield (i * 10 + np.arange(10.0)) * gap_ns, np.zeros(10, int), np.zeros(10)

    merged = merge([chunks("fast", 1), chunks("slow", 100)])
    for _ in range(50):
        next(merged)
    assert drawn["slow"] == 1 and drawn["fast"] <= 51

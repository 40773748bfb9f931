"""Rates over time, and the half-life of a decaying line, from slices simulated here."""

import numpy as np
import pytest
from dorn.analysis.emission import emissions
from dorn.analysis.half_life import half_life
from dorn.analysis.line_shape import Shape
from dorn.errors import UserError
from dorn.nuclides import lines
from dorn.products.analysis_slices import half_life_of, over_time, slices_rows
from dorn.products.directions import directions
from dorn.products.outcome import Outcome
from dorn.products.slice_arrays import SliceArrays

N, LENGTH_S, HALF_LIFE_S = 24, 600.0, 4000.0
NAMES = ["Po-209", "Po-212"]


def arrays(seed=1):
    """Slices with a constant line, and one that decays; front detectors only."""
    generator = np.random.default_rng(seed)
    energy_kev = np.tile(3.0 * (4 * np.arange(1024) + 1.5 - 50), (16, 1))
    edges_kev = np.append(energy_kev[0] - 6, energy_kev[0, -1] + 6)
    shares = {}
    for name in NAMES:
        energies_kev, parts = np.array(lines(name)).T
        shares[name] = (parts / parts.sum()) @ Shape(36).integrals(edges_kev, energies_kev)
    counts = np.zeros((N, 16, 1024), np.uint32)
    for n in range(N):
        decays = 60 * 2 ** (-(n + 0.5) * LENGTH_S / HALF_LIFE_S)
        counts[n, ::2] = generator.poisson(30 * shares["Po-209"] + decays * shares["Po-212"] + 0.002, (8, 1024))
    live_s = np.full((N, 24), LENGTH_S)
    return SliceArrays(
        origin=np.full(N, 7, np.uint16),
        start_s=LENGTH_S * np.arange(N),
        length_s=np.array(LENGTH_S),
        real_s=live_s,
        live_s=live_s,
        mode=np.zeros(N, np.uint8),
        storm=np.zeros(N, np.uint8),
        phase=np.zeros(N, np.uint8),
        temperature_k=np.full((N, 2), np.nan),
        po_209_code=np.full((N, 16), np.nan),
        gain=np.ones((N, 16)),
        energy_kev=energy_kev,
        coincidence_energy_kev=np.zeros((8, 256)),
        counts=counts,
        coincidences=np.zeros((N, 8, 256), np.uint32),
    )


def test_rates_and_half_life_over_time():
    slices = arrays()
    chosen = np.ones(N, bool)
    chosen[5] = False
    front, _ = directions(slices, chosen, 0.01)
    outcome = Outcome(emissions(front, NAMES))
    parts = over_time(outcome, slices, chosen, 0.01)
    assert [part.start_s for part in parts] == slices.start_s[chosen].tolist()
    steady = np.array([part.emissions[0].counts for part in parts])
    assert abs(steady.mean() - 240) < 4 * (240 / len(parts)) ** 0.5 and 0.6 < np.std(steady) / 240**0.5 < 1.4
    found = half_life_of(parts, "Po-212")
    assert abs(found.half_life_s - HALF_LIFE_S) < 4 * found.error_s and found.error_s < 0.05 * HALF_LIFE_S
    assert 0.3 < found.deviance / found.dof < 2
    assert found.rate_per_s == pytest.approx(60 * 8 / LENGTH_S, rel=0.1)
    rows = list(slices_rows({"front": parts}, [outcome]))
    assert len(rows) == 1 + 2 * len(parts)
    first = dict(zip(rows[0], rows[1], strict=True))
    assert first["nuclide"] == "Po-209" and float(first["rate_per_s"]) == pytest.approx(240 / LENGTH_S, rel=0.3)


def test_a_slice_that_cannot_be_fitted_says_why():
    slices = arrays()
    slices.counts[3] = 0
    chosen = np.ones(N, bool)
    front, _ = directions(slices, chosen, 0.01)
    outcome = Outcome(emissions(front, NAMES))
    parts = over_time(outcome, slices, chosen, 0.01)
    assert [bool(part.fault) for part in parts] == [n == 3 for n in range(N)]
    assert len(list(slices_rows({"front": parts}, [outcome]))) == 1 + 2 * (N - 1) + 1


def test_half_lives_are_unbiased_at_few_counts():
    times_s = np.arange(50.0, 10_000, 100)
    mean = 12 * 2 ** (-times_s / 2000)
    pulls = []
    for seed in range(200):
        counts = np.random.default_rng(seed).poisson(mean + 1.0) - 1.0
        found = half_life(times_s, counts, np.full(len(times_s), 100.0), np.ones(len(times_s)))
        pulls.append((found.decay_per_s - np.log(2) / 2000) / found.decay_error_per_s)
    assert abs(np.mean(pulls)) < 0.25 and 0.85 < np.std(pulls) < 1.15


def test_a_half_life_needs_intervals_and_counts():
    with pytest.raises(UserError, match="fewer than three"):
        half_life([1, 2], [3, 4], [1, 1], [1, 1])
    with pytest.raises(UserError, match="counts: none"):
        half_life([1, 2, 3], [0, 0, 0], [1, 1, 1], [1, 1, 1])

"""Rates over time, and the half-life of a decaying line, from slices simulated here."""

import json
import re

import numpy as np
import pytest
from dorn.analysis import half_life as fitted
from dorn.analysis.emission import BELOW, FOUND, Emission, emissions
from dorn.analysis.line_shape import Shape
from dorn.errors import UserError
from dorn.nuclides import half_life_s, lines
from dorn.products import time_fits
from dorn.products.analysis_slices import Part, chain_of, half_life_of, over_time, slices_rows
from dorn.products.directions import directions
from dorn.products.outcome import Outcome
from dorn.products.slice_arrays import SliceArrays

N, LENGTH_S, HALF_LIFE_S = 24, 600.0, 4000.0
NAMES = ["Po-209", "Po-212"]


def arrays(
    name="Po-212",
    half_life_s=HALF_LIFE_S,
    per_s=0.1,
    length_s=LENGTH_S,
    integration_s=LENGTH_S,
    duration_s=N * LENGTH_S,
):
    """Slices with a constant line of Po-209, and one that decays; front detectors only. per_s: initial rate of the
    latter in each detector. length_s: of the slices. An integration is in the slice where it starts."""
    generator = np.random.default_rng(1)
    energy_kev = np.tile(3.0 * (4 * np.arange(1024) + 1.5 - 50), (16, 1))
    edges_kev = np.append(energy_kev[0] - 6, energy_kev[0, -1] + 6)
    shapes = {}
    for one in ("Po-209", name):
        energies_kev, parts = np.array(lines(one)).T
        shapes[one] = (parts / parts.sum()) @ Shape(36).integrals(edges_kev, energies_kev)
    starts_s = np.arange(0, duration_s, integration_s)
    slice_s, of = np.unique(starts_s // length_s * length_s, return_inverse=True)
    n = len(slice_s)
    counts = np.zeros((n, 16, 1024), np.uint32)
    for begin_s, at in zip(starts_s, of, strict=True):
        left = 2 ** (-np.array([begin_s, begin_s + integration_s]) / half_life_s)
        decays = per_s * half_life_s / np.log(2) * (left[0] - left[1])
        mean = 0.05 * integration_s * shapes["Po-209"] + decays * shapes[name] + 3e-6 * integration_s
        counts[at, ::2] += generator.poisson(mean, (8, 1024)).astype(np.uint32)
    live_s = np.tile(integration_s * np.bincount(of)[:, None], (1, 24)).astype(float)
    begin_s = np.array([starts_s[of == at].min() for at in range(n)])
    return SliceArrays(
        origin=np.full(n, 7, np.uint16),
        start_s=slice_s,
        length_s=np.array(length_s),
        begin_s=begin_s,
        end_s=begin_s + live_s[:, 0],
        real_s=live_s,
        live_s=live_s,
        mode=np.zeros(n, np.uint8),
        storm=np.zeros(n, np.uint8),
        phase=np.zeros(n, np.uint8),
        temperature_k=np.full((n, 2), np.nan),
        po_209_code=np.full((n, 16), np.nan),
        gain=np.ones((n, 16)),
        energy_kev=energy_kev,
        coincidence_energy_kev=np.zeros((8, 256)),
        counts=counts,
        coincidences=np.zeros((n, 8, 256), np.uint32),
    )


def front(slices, names):
    """The outcome of all slices, and the slices one by one."""
    chosen = np.ones(len(slices.start_s), bool)
    outcome = Outcome(emissions(directions(slices, chosen, 0.01)[0], names))
    return outcome, over_time(outcome, slices, chosen, 0.01)


def test_rates_and_half_life_over_time():
    slices = arrays()
    chosen = np.ones(N, bool)
    chosen[5] = False
    outcome = Outcome(emissions(directions(slices, chosen, 0.01)[0], NAMES))
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


@pytest.mark.parametrize("length_s", [20.0, 100.0, 200.0])
def test_slices_of_any_length_have_the_times_of_their_integrations(length_s):
    """Po-218, 8 detectors with 12.5/s each at the start, in integrations of 60 s."""
    slices = arrays("Po-218", half_life_s("Po-218"), 12.5, length_s, 60.0, 600.0)
    outcome, parts = front(slices, ["Po-209", "Po-218"])
    found = half_life_of(parts, "Po-218")
    assert abs(found.half_life_s - half_life_s("Po-218")) < 3 * found.error_s < 10
    assert found.rate_per_s == pytest.approx(100, rel=0.03)
    value, error = chain_of(parts, "Po-218").at_start["Po-218"]
    assert abs(value - 100) < 3 * error < 4
    head, *rows = slices_rows({"front": parts}, [outcome])
    last = dict(zip(head, rows[-1], strict=True))
    assert float(last["begin_s"]) < 600 and float(last["end_s"]) == 600
    assert float(last["live_s"]) == float(last["end_s"]) - float(last["begin_s"])


def test_a_slice_without_counts_has_0_counts_in_its_live_time():
    """The rate of Po-218 is that of all slices, of which half have no counts."""
    slices = arrays("Po-218", 1e9, 5e-3, 20.0, 20.0, 2000.0)
    slices.counts[..., slices.energy_kev[0] < 5500] = 0  # without Po-209
    outcome, parts = front(slices, ["Po-218"])
    empty = [part for part, counts in zip(parts, slices.counts, strict=True) if not counts.any()]
    assert len(empty) > 20
    assert {(p.fault, p.live_s, p.emissions[0].counts, p.emissions[0].error) for p in empty} == {("", 160.0, 0.0, 1.0)}
    assert 2.9 < empty[0].emissions[0].upper < 3.1 and empty[0].emissions[0].status == BELOW
    rate = np.mean([part.emissions[0].counts for part in parts]) / 20
    found = half_life_of(parts, "Po-218")
    assert found.rate_per_s * 2 ** (-1000 / found.half_life_s) == pytest.approx(rate, rel=0.1)
    assert len(list(slices_rows({"front": parts}, [outcome]))) == 1 + len(parts)


def test_a_slice_that_cannot_be_fitted_says_why():
    slices = arrays()
    slices.live_s[3] = 0
    outcome, parts = front(slices, NAMES)
    assert [bool(part.fault) for part in parts] == [n == 3 for n in range(N)]
    assert len(list(slices_rows({"front": parts}, [outcome]))) == 1 + 2 * (N - 1) + 1


def test_half_lives_are_unbiased_at_few_counts():
    begins_s = np.arange(0.0, 10_000, 100)
    mean = 12 * 2 ** (-(begins_s + 50) / 2000)
    pulls = []
    for seed in range(200):
        counts = np.random.default_rng(seed).poisson(mean + 1.0) - 1.0
        found = fitted.half_life(begins_s, begins_s + 100, counts, np.full(100, 100.0), np.ones(100))
        pulls.append((found.decay_per_s - np.log(2) / 2000) / found.decay_error_per_s)
    assert abs(np.mean(pulls)) < 0.25 and 0.85 < np.std(pulls) < 1.15


def test_a_rate_that_does_not_decrease_has_no_half_life():
    begins_s = np.arange(0.0, 10_000, 100)
    for true_s, rate in ((1e9, fitted.CONSTANT), (-3000, fitted.INCREASES), (3000, fitted.DECREASES)):
        counts = 100 * 2 ** (-(begins_s + 50) / true_s)
        found = fitted.half_life(begins_s, begins_s + 100, counts, np.full(100, 100.0), np.ones(100))
        assert found.rate == rate
        assert (found.least_s == np.inf) == (rate == fitted.INCREASES) and found.least_s > 2000
        parts = [
            Part(1, at_s, at_s, at_s + 100, 100.0, 1, (Emission("Po-218", n, 1.0, 0.0, 1.0, n, FOUND, (), 1.0),))
            for at_s, n in zip(begins_s.tolist(), counts.tolist(), strict=True)
        ]
        content = {"half_lives": time_fits.half_lives({"front": parts}, "Po-218"), "chains": {}}
        assert ("half_life_s" in content["half_lives"]["front"]) == (rate == fitted.DECREASES)
        (line,) = time_fits.lines(content)
        expected = {
            fitted.CONSTANT: r"half-life of Po-218 above [\d.e+]+ s \(95 %\): the rate does not decrease significantly",
            fitted.INCREASES: "no half-life of Po-218: the rate increases",
            fitted.DECREASES: r"half-life of Po-218 3000 \+- \d+ s, deviance/dof 0.00; in the table 185",
        }
        assert re.match("front: " + expected[rate], line)


def test_what_was_fitted_over_time_is_in_words_with_its_assumptions():
    slices = arrays("Po-218", half_life_s("Po-218"), 12.5, 200.0, 60.0, 600.0)
    _, parts = front(slices, ["Po-209", "Po-218"])
    assert time_fits.assumptions({"half_lives": {}, "chains": {}}) == []
    content = {
        "half_lives": time_fits.half_lives({"front": parts, "back": parts[:2]}, "Po-218"),
        "chains": time_fits.chains({"front": parts, "back": parts[:2]}, "Po-218"),
    }
    json.dumps(content, allow_nan=False)
    text = "\n".join(time_fits.lines(content))
    assert "front: chain of Po-218 at 0 s, deviance/dof" in text and re.search(r"\n  Po-218   \d+\.\d+ \+- ", text)
    assert "back: no chain of Po-218: chain: intervals: fewer than three (2)" in text
    assert "same probability" in " ".join(time_fits.assumptions(content))
    content["chains"]["front"]["decays_per_s_at_start"]["Po-218"]["error"] = None
    assert "Po-218   not determined by these counts" in "\n".join(time_fits.lines(content))


def test_a_half_life_needs_intervals_and_counts():
    with pytest.raises(UserError, match="fewer than three"):
        fitted.half_life([1, 2], [2, 3], [3, 4], [1, 1], [1, 1])
    with pytest.raises(UserError, match="counts: none"):
        fitted.half_life([1, 2, 3], [2, 3, 4], [0, 0, 0], [1, 1, 1], [1, 1, 1])

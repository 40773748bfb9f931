"""Energies and detectors of a mixture, against their distributions."""

import numpy as np
import pytest
from dorn.head.mixture import TAIL_COLUMNS, Mixture, Sampler
from scipy import stats

N = 40_000
UNIFORMS = np.random.default_rng(6).random((N, TAIL_COLUMNS))


def test_a_tail_has_its_fraction_and_its_mean():
    mixture = Mixture()
    mixture.add(1, 5000, 5000, tail_kev=30, tail_fraction=0.2)
    mixture.add(1, 6000, 6000)
    kind, _, energy_kev = Sampler(mixture).sample(UNIFORMS)
    assert (energy_kev[kind == 1] == 6000).all()
    lost_kev = 5000 - energy_kev[kind == 0]
    tail = lost_kev[lost_kev > 0]
    assert stats.binomtest(len(tail), len(lost_kev), 0.2).pvalue > 1e-3
    assert stats.kstest(tail, stats.expon(scale=30).cdf).pvalue > 1e-3


@pytest.mark.parametrize("power", [0.5, 1.0, 2.5, 6.0])
def test_a_power_law_falls_as_it_says(power):
    mixture = Mixture()
    mixture.add(1, 700, 12_000, power=power)
    energies_kev = Sampler(mixture).sample(UNIFORMS)[2]
    assert energies_kev.min() >= 700 and energies_kev.max() <= 12_000
    # scipy's power law is on [0, 1]; the distribution function here by integration over the logarithm of the energy
    grid = np.geomspace(700, 12_000, 20_001)
    cdf = np.append(0, np.cumsum(np.diff(np.log(grid)) * np.sqrt(grid[1:] * grid[:-1]) ** (1 - power)))
    assert stats.kstest(energies_kev, lambda e: np.interp(e, grid, cdf / cdf[-1])).pvalue > 1e-3


def test_uniform_and_falling_energies_mix():
    mixture = Mixture()
    mixture.add(1, 0, 100)
    mixture.add(1, 1000, 1000.001, power=3)
    kind, _, energies_kev = Sampler(mixture).sample(UNIFORMS)
    assert energies_kev[kind == 1] == pytest.approx(np.full((kind == 1).sum(), 1000.0))
    assert stats.kstest(energies_kev[kind == 0], stats.uniform(0, 100).cdf).pvalue > 1e-3


def test_the_weight_of_each_detector_is_what_is_drawn():
    mixture = Mixture()
    mixture.add(3, 5000, 5000, (2, 5), name="a")
    mixture.add(1, 6000, 6000, (2,), name="a")
    mixture.add(4, 7000, 7000, through=True, name="b")
    weights = mixture.per_detector()
    assert weights["a"][[2, 5]].tolist() == [2.5, 1.5] and weights["a"].sum() == 4
    assert weights["b"].tolist() == [0.5] * 16  # in both detectors of a unit
    ((_, detectors, energies_kev),) = mixture.draw([(np.arange(N, dtype=float), UNIFORMS)])
    for name, of_name in (("a", energies_kev < 7000), ("b", energies_kev == 7000)):
        found = np.bincount(detectors[of_name], minlength=16)
        expected = weights[name] / mixture.total * N
        assert (abs(found - expected) < 5 * np.sqrt(expected) + 1e-9).all()

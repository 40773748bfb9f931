"""Rates of sources that decay, against the chains."""

import numpy as np
import pytest
from dorn import nuclides
from dorn.head import decay
from dorn.nuclides import chains


@pytest.mark.parametrize("name", ["Rn-222", "Rn-220", "Pb-212"])
def test_rates_of_a_chain_are_its_activities(name):
    times_s = np.geomspace(1e-3, 8e6, 25)
    for member, bq in chains.activities({name: 1.0}, times_s).items():
        assert decay.rates(name, True)[member].at(times_s) == pytest.approx(bq, abs=5e-5)


@pytest.mark.parametrize("name", ["Rn-222", "Rn-220"])
def test_counts_of_a_chain_are_its_decays(name):
    times_s = np.array([60.0, 3600.0, 1e6])
    for member, n in chains.decays({name: 1.0}, times_s).items():
        assert decay.rates(name, True)[member].counts(times_s) == pytest.approx(n, rel=2e-4, abs=1e-3)


@pytest.mark.parametrize("name", ["Po-214", "Po-218", "Po-210", "Ra-226"])
def test_a_nuclide_alone_falls_with_its_half_life(name):
    life_s = nuclides.half_life_s(name)
    (rate,) = decay.rates(name, False).values()
    for lives in (0, 0.3, 1, 2, 7):
        if lives * life_s < 8e6:
            assert rate.at(lives * life_s) == pytest.approx(0.5**lives, abs=5e-5)

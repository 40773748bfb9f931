"""Decay chains, against radioactivedecay with the same constants, and against sums in closed form."""

import math

import numpy as np
import pytest
import radioactivedecay
from dorn.errors import UserError
from dorn.nuclides import Daughter, Nuclide, chains, nuclide
from hypothesis import given, settings
from hypothesis import strategies as st

ICRP107 = radioactivedecay.DEFAULTDATA


def of_icrp107(name):
    """The nuclide with half-life and branches of ICRP-107, as radioactivedecay has them; stable daughters left out."""
    i = ICRP107.nuclide_dict[name]
    branches = zip(ICRP107.progeny[i], ICRP107.bfs[i], strict=True)
    daughters = tuple(Daughter(daughter, f, None) for daughter, f in branches if half_life_s(daughter) < math.inf)
    return Nuclide(name, half_life_s(name), None, (), daughters, "ICRP-107")


def half_life_s(name):
    return float(ICRP107.half_life(name, "s"))


@pytest.mark.parametrize("initial", [{"Rn-222": 1.0}, {"Rn-220": 3.0, "Bi-212": 1.0}])
@pytest.mark.parametrize("time_s", [1e-6, 60.0, 1e9])
def test_activities_agree_with_radioactivedecay(initial, time_s):
    found = chains.activities(initial, [time_s], of=of_icrp107)
    inventory = radioactivedecay.InventoryHP(initial, "Bq").decay(time_s, "s").activities("Bq")
    expected = {name: float(inventory[name]) for name in found}
    assert {name: bq[0] for name, bq in found.items()} == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_polonium_a_minute_after_pure_radon():
    # to leading order N = l_1 ... l_n t^n / n!; in double precision, no digit of it would be correct
    found = chains.activities({"Rn-222": 1.0}, [1e-3, 60.0])["Po-210"]
    path = ["Po-218", "Pb-214", "Bi-214", "Po-214", "Pb-210", "Bi-210", "Po-210"]
    product = math.prod(math.log(2) / nuclide(name).half_life_s for name in path)
    # at 60 s Po-214 is in equilibrium: one factor less
    assert found[1] == pytest.approx(
        product / (math.log(2) / nuclide("Po-214").half_life_s) * 60**6 / math.factorial(6), rel=0.1
    )
    assert 0 < found[0] < 1e-40


def test_at_time_0_and_after_all_has_decayed():
    found = chains.activities({"Rn-220": 2.0}, [0.0, 1e12])
    assert found.pop("Rn-220").tolist() == [2.0, 0.0]
    assert not any(bq.any() for bq in found.values())


def test_atoms_are_activity_times_mean_life():
    life_s = nuclide("Po-210").half_life_s / math.log(2)
    times = [0.0, 1e6, 1e8]
    by_atoms = chains.activities({}, times, atoms={"Po-210": 5 * life_s})["Po-210"]
    assert by_atoms == pytest.approx(chains.activities({"Po-210": 5.0}, times)["Po-210"], rel=1e-12)
    assert by_atoms[1] == pytest.approx(5 * math.exp(-1e6 / life_s), rel=1e-12)


def test_every_atom_decays_once():
    # long after the start the decays of a member are its share of the atoms
    total = chains.decays({}, [1e13], atoms={"Rn-222": 1000.0})
    expected = {name: 1000 * decays for name, decays in chains.per_decay("Rn-222").items()}
    assert {name: n[0] for name, n in total.items()} == pytest.approx(expected, rel=1e-9)
    assert expected["Po-214"] == pytest.approx(1000 * (0.9998 + 0.0002 * 0.9995) * 0.99979)


@settings(max_examples=10, deadline=None)
@given(st.floats(1, 1e6), st.floats(0.1, 10))
def test_decays_are_the_integral_of_activity(duration_s, bq):
    # Simpson's rule on a fine grid
    times = np.linspace(0, duration_s, 201)
    weights = np.ones(201)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    found = chains.activities({"Rn-222": bq}, times)["Rn-222"] @ weights * duration_s / 600
    assert chains.decays({"Rn-222": bq}, [duration_s])["Rn-222"][0] == pytest.approx(found, rel=1e-9)


def test_a_constant_production_saturates():
    times = np.array([0.0, 55.6, 1e4, 1e7])
    found = chains.activities({}, times, atoms_per_s={"Rn-220": 8.0})
    assert found["Rn-220"] == pytest.approx([0.0, 4.0, 8.0, 8.0])
    assert found["Po-212"][-1] == pytest.approx(8 * 0.6406, rel=1e-9)
    both = chains.activities({"Rn-220": 1.0}, times, atoms_per_s={"Rn-220": 8.0})["Po-216"]
    assert both == pytest.approx(found["Po-216"] + chains.activities({"Rn-220": 1.0}, times)["Po-216"])


def test_a_nuclide_comes_before_its_daughters():
    order = list(chains.members(["Bi-214", "Rn-222"]))
    for name in order:
        assert all(order.index(daughter.name) > order.index(name) for daughter in nuclide(name).daughters)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"Rn-222": -1.0}, [0.0]), r"activity: negative or not finite \(-1\)"),
        (({"Rn-222": 1.0}, [-2.0]), r"time: negative or not finite \(-2\)"),
        (({"Rn-222": math.nan}, [0.0]), r"activity: negative or not finite \(nan\)"),
        (({"Rn-221": 1.0}, [0.0]), "unknown nuclide"),
    ],
)
def test_impossible_input_is_named(arguments, message):
    with pytest.raises(UserError, match=message):
        chains.activities(*arguments)

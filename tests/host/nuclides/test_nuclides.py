"""The table of alpha lines, against ICRP-107 (PyPI icrp107-database 0.0.3), an independent evaluation."""

import pytest
from dorn import nuclides
from dorn.errors import UserError

ICRP107_KEV = {
    "Rn-222": [5489.51],
    "Po-218": [6002.41],
    "Po-214": [7686.95],
    "Po-210": [5304.43],
    "Rn-220": [6288.15],
    "Po-216": [6778.42],
    "Bi-212": [6050.90, 6090.01],
    "Po-212": [8785.08],
}


@pytest.mark.parametrize("name", ICRP107_KEV)
def test_main_lines_agree_with_icrp107(name):
    main = [energy for energy, probability in nuclides.lines(name) if probability > 0.05]
    assert main == pytest.approx(ICRP107_KEV[name], abs=0.25)


def test_the_main_line_is_the_most_probable_one():
    # the energies a calibration with a triple source commonly uses
    assert [nuclides.main_kev(name) for name in ("Pu-239", "Am-241", "Cm-244")] == [5156.59, 5485.56, 5804.77]
    assert nuclides.main_kev("Po-214") == pytest.approx(*ICRP107_KEV["Po-214"], abs=0.25)


@pytest.mark.parametrize("name", nuclides.table())
def test_every_entry_is_complete_and_possible(name):
    entry = nuclides.table()[name]
    assert set(entry) == {"lines", "half_life", "source"}
    assert "ENSDF" in entry["source"]
    assert all(3000 < energy < 9000 and 0 < probability <= 1 for energy, probability in nuclides.lines(name))
    assert sum(probability for _, probability in nuclides.lines(name)) < 1.002  # intensities are rounded
    assert nuclides.half_life_s(name) > 0


def test_intensities_are_per_decay_of_the_nuclide():
    assert sum(p for _, p in nuclides.lines("Bi-212")) == pytest.approx(0.3594, abs=0.001)  # its alpha branch


def test_half_lives_in_seconds():
    assert nuclides.half_life_s("Po-214") == pytest.approx(163.6e-6)
    assert nuclides.half_life_s("Po-216") == pytest.approx(0.144)
    assert nuclides.half_life_s("Po-218") == pytest.approx(185.8, abs=0.1)
    assert nuclides.half_life_s("Rn-222") == pytest.approx(330238, abs=1)
    assert nuclides.half_life_s("Ra-226") == pytest.approx(1600 * 31557600)


@pytest.mark.parametrize("written", ["Po210", "210Po", "po-210", "PO-210"])
def test_an_unknown_nuclide_is_named_with_the_closest_match(written):
    with pytest.raises(nuclides.UnknownNuclide) as caught:
        nuclides.lines(written)
    assert f"({written}); did you mean Po-210" in str(caught.value)
    assert isinstance(caught.value, UserError)


@pytest.mark.parametrize("written", ["", "Cheese", 210, None, ["Po-210"], {"a": 1}, "Po\n210"])
def test_any_other_name_gives_a_one_line_error(written):
    with pytest.raises(nuclides.UnknownNuclide) as caught:
        nuclides.lines(written)
    assert len(str(caught.value).splitlines()) == 1

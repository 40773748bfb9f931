"""The table of nuclides, against ICRP-107 and the masses of AME2020: independent evaluations."""

import json
from dataclasses import astuple
from importlib import resources

import pytest
import radioactivedecay
from dorn import nuclides
from dorn.errors import UserError
from dorn.nuclides import chains

NAMES = nuclides.names()
ICRP107 = radioactivedecay.DEFAULTDATA
KEV_PER_U = 931_494.1  # CODATA
# relative differences from ICRP-107 (2008), which has older values
OTHER_HALF_LIFE = {"At-218": 0.16, "Po-209": 0.21, "Po-213": 0.12, "Fr-221": 0.021}
# energies in keV: measured with an uncertainty of several keV
OTHER_ENERGY = {"At-218": 7, "Bi-213": 6}
OTHER_INTENSITY = {"At-218": 0.03, "Po-209": 0.06}  # Po-209: limits only, a doublet


def icrp107_lines(name):
    """Alpha lines of ICRP-107 as (energy in keV, intensity), the strongest first."""
    text = (resources.files("icrp107_database") / "icrp107" / f"{name}.json").read_text()
    alphas = json.loads(json.loads(text))["emissions"]["alpha"]  # the file is JSON in a JSON string
    return sorted(((1000 * mev, intensity) for mev, intensity in alphas), key=lambda line: -line[1])


@pytest.mark.parametrize("name", NAMES)
def test_half_life_agrees_with_icrp107(name):
    nuclide = nuclides.nuclide(name)
    apart = OTHER_HALF_LIFE.get(name, max(0.01, 4 * (nuclide.half_life_u_s or 0) / nuclide.half_life_s))
    assert nuclide.half_life_s == pytest.approx(ICRP107.half_life(name, "s"), rel=apart)


@pytest.mark.parametrize("name", [name for name in NAMES if nuclides.lines(name)])
def test_strong_lines_agree_with_icrp107(name):
    strong = [line for line in nuclides.lines(name) if line[1] > 0.2]
    others = [(kev, intensity) for kev, intensity in icrp107_lines(name) if intensity > 0.1][: len(strong)]
    assert [kev for kev, _ in strong] == pytest.approx([kev for kev, _ in others], abs=OTHER_ENERGY.get(name, 2.5))
    assert [part for _, part in strong] == pytest.approx(
        [part for _, part in others], abs=OTHER_INTENSITY.get(name, 0.01)
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_lines_of_a_nuclide_are_its_alpha_branch(name):
    # Th-229 and Fr-221: the intensities of ENSDF add to 100.8 %, within their uncertainties
    assert sum(part for _, part in nuclides.lines(name)) == pytest.approx(
        sum(part for _, part in icrp107_lines(name)), abs=0.01
    )


@pytest.mark.parametrize("name", NAMES)
def test_branches_agree_with_icrp107(name):
    branches = {daughter.name: daughter.fraction for daughter in nuclides.nuclide(name).daughters}
    i = ICRP107.nuclide_dict[name]
    others = dict(zip(ICRP107.progeny[i], ICRP107.bfs[i], strict=True))
    assert branches == pytest.approx({daughter: others[daughter] for daughter in branches}, abs=1e-3)
    left = {daughter for daughter in others if daughter in NAMES and daughter not in branches}
    assert not left


@pytest.mark.parametrize("name", [name for name in NAMES if nuclides.lines(name)])
def test_no_line_is_above_the_energy_that_the_masses_leave_and_most_reach_it(name):
    # Q = M - M' - M(He-4), of AME2020 in u; the recoil takes its share
    after = int(name.split("-")[1]) - 4
    (daughter,) = (other for other in ICRP107.progeny[ICRP107.nuclide_dict[name]] if other.endswith(f"-{after}"))
    mass, rest, alpha = (radioactivedecay.Nuclide(other).atomic_mass for other in (name, daughter, "He-4"))
    most_kev = (mass - rest - alpha) * KEV_PER_U * rest / (rest + alpha)
    highest = max(kev for kev, _ in nuclides.lines(name))
    level_kev = 62.68 if name == "At-218" else 0  # of the daughter after the line with the highest energy
    assert highest == pytest.approx(most_kev - level_kev, abs=6)


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_is_complete_and_possible(name):
    nuclide = nuclides.nuclide(name)
    assert nuclide.name == name and "ENSDF" in nuclide.source
    assert nuclide.half_life_u_s is not None and 0 < nuclide.half_life_u_s < nuclide.half_life_s
    assert all(3000 < line.energy_kev < 9000 and 0 < line.intensity <= 1 for line in nuclide.lines)
    assert [line.intensity for line in nuclide.lines] == sorted(
        (line.intensity for line in nuclide.lines), reverse=True
    )
    for u in (u for line in nuclide.lines for u in (line.energy_u_kev, line.intensity_u)):
        assert u is None or 0 < u < 20
    assert all(daughter.name in NAMES for daughter in nuclide.daughters)
    assert sum(daughter.fraction for daughter in nuclide.daughters) < 1 + 1e-9
    lives = [member.half_life_s for member in chains.members([name]).values()]
    assert len(set(lives)) == len(lives)  # distinct, as Bateman's equations require


def test_values_and_uncertainties_as_ensdf_has_them():
    radon, polonium, thoron = map(nuclides.nuclide, ("Rn-222", "Po-218", "Rn-220"))
    assert astuple(radon.lines[0]) == pytest.approx((5489.48, 0.30, 0.9992, 0.0001))
    assert (radon.half_life_s, radon.half_life_u_s) == pytest.approx((330238.08, 77.76))
    assert astuple(polonium.lines[0]) == pytest.approx((6002.55, 0.10, 0.999789, None))
    assert astuple(thoron.lines[1]) == pytest.approx((5747, None, 0.00114, 0.00017))
    (to_po_212,) = nuclides.nuclide("Bi-212").daughters
    assert to_po_212.name == "Po-212" and astuple(to_po_212)[1:] == pytest.approx((0.6406, 0.0006))
    assert "125.2(33)" in nuclides.nuclide("Po-209").source
    assert nuclides.nuclide("Pb-210").lines == ()


def test_the_main_line_is_the_most_probable_one():
    # the energies a calibration with a triple source commonly uses
    assert [nuclides.main_kev(name) for name in ("Pu-239", "Am-241", "Cm-244")] == [5156.59, 5485.56, 5804.77]
    with pytest.raises(UserError, match=r"^Pb-212 has no alpha line$"):
        nuclides.main_kev("Pb-212")


def test_half_lives_in_seconds():
    assert nuclides.half_life_s("Po-214") == pytest.approx(163.6e-6)
    assert nuclides.half_life_s("Po-216") == pytest.approx(0.144)
    assert nuclides.half_life_s("Po-218") == pytest.approx(185.8, abs=0.1)
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


GOOD = {"half_life": "3.8(2) d", "lines": ["5489.48(30) 99.9"], "daughters": ["Po-218 100"], "source": "here"}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("half_life", None, "half_life is missing"),
        ("half_life", "3.8", r"not two words with a space between them \(3.8\)"),
        ("half_life", "3.8 weeks", r"unit of half_life is not one of us, .*, y \(weeks\)"),
        ("half_life", "-3.8 d", r"not a number such as 3.097 or 3.097\(12\) \(-3.8\)"),
        ("lines", ["5489.48(0) 99.9"], r"not a number .* \(5489.48\(0\)\)"),
        ("lines", ["5489.48 100.1"], r"more than 100 per 100 decays \(100.1\)"),
        ("daughters", ["Po-218 all"], r"not a number .* \(all\)"),
        ("line", [], r"unknown field \(line\)"),
    ],
)
def test_an_error_in_the_table_is_named(field, value, message):
    entry = {key: other for key, other in (GOOD | {field: value}).items() if other is not None}
    with pytest.raises(UserError, match=f"^Rn-222: {message}$"):
        nuclides.parsed("Rn-222", entry)

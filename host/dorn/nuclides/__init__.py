"""Alpha lines and half-lives, from the table in nuclides.toml."""

import difflib
import tomllib
from functools import cache
from importlib import resources

from dorn.errors import UserError, shown

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400, "y": 365.25 * 86400}


class UnknownNuclide(UserError):
    """A nuclide that is not in the table; the message names close matches."""


@cache
def table():
    """The whole table: name ("Po-210") -> dict with `lines`, `half_life` and `source`."""
    return tomllib.loads(resources.files(__name__).joinpath("nuclides.toml").read_text(encoding="utf-8"))


def lines(nuclide):
    """Alpha lines of `nuclide` as a list of (energy in keV, probability per decay), in table order.

    Raises UnknownNuclide, naming the closest known names.
    """
    return [(energy_kev, per_100 / 100) for energy_kev, per_100 in _entry(nuclide)["lines"]]


def main_kev(nuclide):
    """Energy in keV of the most probable line of `nuclide`."""
    return max(lines(nuclide), key=lambda line: line[1])[0]


def half_life_s(nuclide):
    """Half-life of `nuclide` in seconds."""
    value, unit = _entry(nuclide)["half_life"].split()
    return float(value) * _SECONDS[unit]


def _entry(nuclide):
    try:
        return table()[nuclide]
    except (KeyError, TypeError):  # TypeError: a list or table instead of a name
        # only the form Po-210 is accepted; for 210Po, po210 and Po210 the message suggests it
        letters = "".join(filter(str.isalpha, str(nuclide)))
        digits = "".join(filter(str.isdigit, str(nuclide)))
        close = difflib.get_close_matches(f"{letters.capitalize()}-{digits}", table(), n=3, cutoff=0.5)
        known = f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(table())}"
        raise UnknownNuclide(f"unknown nuclide ({shown(nuclide)}); {known}") from None

"""Half-lives, alpha lines and decay chains, from the table in nuclides.toml.

An uncertainty is a standard uncertainty, or None if the source states none.
"""

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from dorn.errors import UserError, shown

from .shorthand import parse

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400, "y": 365.25 * 86400}


class UnknownNuclide(UserError):
    """A nuclide that is not in the table; the message names close matches."""


@dataclass(frozen=True)
class Line:
    """An alpha line; the intensity is per decay of the nuclide."""

    energy_kev: float
    energy_u_kev: float | None
    intensity: float
    intensity_u: float | None


@dataclass(frozen=True)
class Daughter:
    """A daughter, and the fraction of decays that lead to it."""

    name: str
    fraction: float
    fraction_u: float | None


@dataclass(frozen=True)
class Nuclide:
    """An entry of the table. Branches to nuclides outside the table are not among the daughters."""

    name: str
    half_life_s: float
    half_life_u_s: float | None
    lines: tuple[Line, ...]  # the strongest first
    daughters: tuple[Daughter, ...]
    source: str


@cache
def table() -> dict[str, dict]:
    """The whole table, as written: name ("Po-210") -> `half_life`, `source`, and `lines` and `daughters` if any."""
    return tomllib.loads(resources.files(__name__).joinpath("nuclides.toml").read_text(encoding="utf-8"))


def names() -> list[str]:
    """The nuclides of the table, in its order."""
    return list(table())


def nuclide(name: str) -> Nuclide:
    """The nuclide of this name ("Po-210"). Raises UnknownNuclide, naming the closest known names."""
    if not isinstance(name, str) or name not in table():
        # only the form Po-210 is accepted; for 210Po, po210 and Po210 the message suggests it
        letters = "".join(filter(str.isalpha, str(name)))
        digits = "".join(filter(str.isdigit, str(name)))
        close = difflib.get_close_matches(f"{letters.capitalize()}-{digits}", table(), n=3, cutoff=0.5)
        known = f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(table())}"
        raise UnknownNuclide(f"unknown nuclide ({shown(name)}); {known}")
    return _read(name)


def lines(name: str) -> list[tuple[float, float]]:
    """Alpha lines as (energy in keV, probability per decay), the most probable first; empty for a beta emitter."""
    return [(line.energy_kev, line.intensity) for line in nuclide(name).lines]


def main_kev(name: str) -> float:
    """Energy in keV of the most probable line. Raises UserError if the nuclide has none."""
    found = nuclide(name).lines
    if not found:
        raise UserError(f"{name} has no alpha line")
    return max(found, key=lambda line: line.intensity).energy_kev


def half_life_s(name: str) -> float:
    """Half-life in seconds."""
    return nuclide(name).half_life_s


@cache
def _read(name: str) -> Nuclide:
    return parsed(name, table()[name])


def parsed(name: str, entry: dict) -> Nuclide:
    """The nuclide of an entry of the table. Raises UserError, naming nuclide, field and value."""
    try:
        unknown = entry.keys() - {"half_life", "lines", "daughters", "source"}
        if unknown:
            raise UserError(f"unknown field ({', '.join(sorted(unknown))})")
        life, unit = _words(entry["half_life"])
        if unit not in _SECONDS:
            raise UserError(f"unit of half_life is not one of {', '.join(_SECONDS)} ({unit})")
        value, u = parse(life)
        return Nuclide(
            name,
            value * _SECONDS[unit],
            None if u is None else u * _SECONDS[unit],
            tuple(Line(*parse(energy), *_per_100(part)) for energy, part in map(_words, entry.get("lines", ()))),
            tuple(Daughter(other, *_per_100(part)) for other, part in map(_words, entry.get("daughters", ()))),
            entry["source"],
        )
    except KeyError as error:
        raise UserError(f"{name}: {error.args[0]} is missing") from None
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def _words(text: str) -> list[str]:
    words = text.split(" ")
    if len(words) != 2:
        raise UserError(f"not two words with a space between them ({shown(text)})")
    return words


def _per_100(text: str) -> tuple[float, float | None]:
    """Value and uncertainty of a fraction written per 100."""
    value, u = parse(text)
    if value > 100:
        raise UserError(f"more than 100 per 100 decays ({text})")
    return value / 100, None if u is None else u / 100

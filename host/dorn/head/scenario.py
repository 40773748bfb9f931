"""Scenario files (.toml): nuclides, background, and settings of the simulated head.

    duration_s = 60

    [[source]]
    nuclide = "Po-209"        # a name in nuclides.toml
    activity_bq = 100         # decays per second
    efficiency = 0.1          # fraction of the alphas that reach the detectors; default 1
    detectors = "front"       # "all" (default), "front", "back" or a list of numbers: shared evenly

    [background]
    rate_cps = 5              # particles per second over all detectors
    min_kev = 500             # energies are uniform from here
    max_kev = 12000           # to here
    through_fraction = 0.2    # fraction that crosses a whole detection unit: a pulse in front and back; default 0

    [head]                    # passed on unchanged, except that `adc` is relative to this file
    noise_kev = 35
    adc = "ramp.csv"          # the board's ADC, reconstructed from this ramp of readings (adc.py); default ideal

An unknown key is an error.
"""

import tomllib
from pathlib import Path

from dorn import nuclides
from dorn.util.checks import SourceError, above_zero, at_least, text_of

from .mixture import DETECTORS, GROUPS, Mixture

_REQUIRED = object()


def read(path):
    """(mixture, duration_s, head) of the scenario at `path`; weights of the mixture are particles per second.

    Raises SourceError if the file is invalid.
    """
    try:
        tables = tomllib.loads(text_of(path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SourceError.at(path, "file", f"not TOML: {error}") from None
    top = _Table(path, "", tables)
    duration_s = above_zero(top.take("duration_s"), path, "duration_s")
    sources, background, head = top.take("source", []), top.take("background", None), top.take("head", {})
    top.done()
    if not isinstance(sources, list):
        raise SourceError.at(path, "source", "write each source as a table of its own: [[source]]")
    if not isinstance(head, dict):
        raise SourceError.at(path, "head", "not a table", head)
    if "adc" in head:
        if not isinstance(head["adc"], str):
            raise SourceError.at(path, "head.adc", "not a file name", head["adc"])
        head["adc"] = Path(path).parent / head["adc"]
    if not sources and background is None:
        raise SourceError.at(path, "source", "neither a [[source]] nor a [background]")
    mixture = Mixture()
    for index, source in enumerate(sources, start=1):
        _source(mixture, _Table(path, f"source[{index}]", source))
    if background is not None:
        _background(mixture, _Table(path, "background", background))
    return mixture, duration_s, head


def _source(mixture, table):
    nuclide = table.take("nuclide")
    try:
        lines = nuclides.lines(nuclide)
    except nuclides.UnknownNuclide as error:
        raise SourceError.at(table.path, table.name("nuclide"), error) from None
    activity_bq = above_zero(table.take("activity_bq"), table.path, table.name("activity_bq"))
    efficiency = table.fraction("efficiency", 1)
    detectors = _detectors(table)
    table.done()
    for energy_kev, probability in lines:
        mixture.add(activity_bq * efficiency * probability, energy_kev, energy_kev, detectors)


def _background(mixture, table):
    rate_cps = above_zero(table.take("rate_cps"), table.path, table.name("rate_cps"))
    min_kev = at_least(0, table.take("min_kev"), table.path, table.name("min_kev"))
    max_kev = above_zero(table.take("max_kev"), table.path, table.name("max_kev"))
    through = table.fraction("through_fraction", 0)
    table.done()
    if max_kev <= min_kev:
        raise SourceError.at(table.path, table.name("max_kev"), "not above min_kev", max_kev)
    mixture.add(rate_cps * (1 - through), min_kev, max_kev)
    mixture.add(rate_cps * through, min_kev, max_kev, through=True)


def _detectors(table):
    value = table.take("detectors", "all")
    if isinstance(value, str) and value in GROUPS:
        return GROUPS[value]
    known = isinstance(value, list) and all(type(d) is int and 0 <= d < DETECTORS for d in value)
    if not known or not value or len(set(value)) < len(value):
        what = f'neither "all", "front", "back" nor a list of distinct numbers from 0 to {DETECTORS - 1}'
        raise SourceError.at(table.path, table.name("detectors"), what, value)
    return value


class _Table:
    """A table of the file. Every key must be taken: `done` raises SourceError for one that is left over."""

    def __init__(self, path, prefix, entries):
        self.path, self.prefix = path, prefix
        if not isinstance(entries, dict):
            raise SourceError.at(path, prefix, "not a table", entries)
        self.entries = dict(entries)

    def name(self, key):
        return f"{self.prefix}.{key}" if self.prefix else key

    def take(self, key, default=_REQUIRED):
        value = self.entries.pop(key, default)
        if value is _REQUIRED:
            raise SourceError.at(self.path, self.name(key), "is missing")
        return value

    def fraction(self, key, default):
        """A number from 0 to 1."""
        value = at_least(0, self.take(key, default), self.path, self.name(key))
        if value > 1:
            raise SourceError.at(self.path, self.name(key), "above 1", value)
        return value

    def done(self):
        for key, value in self.entries.items():
            raise SourceError.at(self.path, self.name(key), "unknown key", value)

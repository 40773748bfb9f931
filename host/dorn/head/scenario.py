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

from pathlib import Path

from dorn import nuclides
from dorn.util.tables import Table

from .mixture import DETECTORS, GROUPS, Mixture


def read(path):
    """(mixture, duration_s, head) of the scenario at `path`; weights of the mixture are particles per second.

    Raises SourceError if the file is invalid.
    """
    top = Table.read(path)
    duration_s = top.above_zero("duration_s")
    sources = top.get("source", [])
    background = top.table("background") if "background" in top.values else None
    head = _head(top.table("head")) if "head" in top.values else {}
    top.done()
    if not isinstance(sources, list):
        raise top.error("source", "write each source as a table of its own: [[source]]")
    if not sources and background is None:
        raise top.error("source", "neither a [[source]] nor a [background]")
    mixture = Mixture()
    for index, source in enumerate(sources, start=1):
        _source(mixture, Table(path, source, f"source[{index}]."))
    if background is not None:
        _background(mixture, background)
    return mixture, duration_s, head


def _head(table):
    if "adc" in table.values:
        name = table.get("adc")
        if not isinstance(name, str):
            raise table.error("adc", "not a file name", name)
        table.values["adc"] = Path(table.path).parent / name
    return table.values


def _source(mixture, table):
    nuclide = table.get("nuclide")
    try:
        lines = nuclides.lines(nuclide)
    except nuclides.UnknownNuclide as error:
        raise table.error("nuclide", error) from None
    activity_bq = table.above_zero("activity_bq")
    efficiency = table.fraction("efficiency", 1)
    detectors = _detectors(table)
    table.done()
    for energy_kev, probability in lines:
        mixture.add(activity_bq * efficiency * probability, energy_kev, energy_kev, detectors)


def _background(mixture, table):
    rate_cps = table.above_zero("rate_cps")
    min_kev = table.at_least(0, "min_kev")
    max_kev = table.above_zero("max_kev")
    through = table.fraction("through_fraction", 0)
    table.done()
    if max_kev <= min_kev:
        raise table.error("max_kev", "not above min_kev", max_kev)
    mixture.add(rate_cps * (1 - through), min_kev, max_kev)
    mixture.add(rate_cps * through, min_kev, max_kev, through=True)


def _detectors(table):
    value = table.get("detectors", "all")
    if isinstance(value, str) and value in GROUPS:
        return GROUPS[value]
    known = isinstance(value, list) and all(type(d) is int and 0 <= d < DETECTORS for d in value)
    if not known or not value or len(set(value)) < len(value):
        what = f'neither "all", "front", "back" nor a list of distinct numbers from 0 to {DETECTORS - 1}'
        raise table.error("detectors", what, value)
    return value

"""The nuclides in each phase, found as by `dorn analyse`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dorn.analysis.emission import emissions
from dorn.analysis.geometry import Efficiency
from dorn.errors import UserError
from dorn.nuclides.chains import alpha_emitters
from dorn.products.directions import directions
from dorn.products.exchange import Exchange
from dorn.products.outcome import Outcome
from dorn.products.slice_arrays import SliceArrays, slice_arrays
from dorn.products.style import ANALYSED


@dataclass(frozen=True)
class Analysis:
    """Analysis settings. nuclides: those with lines in the spectra. search: relative error allowed for the energy
    scale. efficiency: as in Outcome."""

    nuclides: Sequence[str] = field(default_factory=lambda: alpha_emitters(ANALYSED))
    search: float = 0.03
    efficiency: tuple[Efficiency | None, bool] = (None, False)


@dataclass(frozen=True)
class Found:
    """The directions analysed in one phase, and why the others were not."""

    outcomes: list[Outcome]
    faults: list[str]


def arrays_of(exchange: Exchange) -> SliceArrays:
    """The phases or slices as arrays."""
    products = exchange.products
    return slice_arrays(products.slices, products.states, products.instrument, products.calibration)


def groups_of(exchange: Exchange) -> dict[str, np.ndarray]:
    """Name of a phase -> bool[n]: which phases or slices belong to it."""
    names = np.array([interval.name for interval in exchange.intervals], object)
    return {name: names == name for name in dict.fromkeys(names.tolist())}


def by_phase(exchange: Exchange, arrays: SliceArrays, analysis: Analysis) -> dict[str, Found]:
    """Name of a phase -> its nuclides; slices in storm mode are left out."""
    found = {}
    for name, of in groups_of(exchange).items():
        chosen = of & (arrays.storm == 0)
        found[name] = _found(arrays, chosen, analysis) if chosen.any() else Found([], ["all of it is in storm mode"])
    return found


def _found(arrays: SliceArrays, chosen: np.ndarray, analysis: Analysis) -> Found:
    outcomes, faults = [], []
    for direction in directions(arrays, chosen, analysis.search):
        try:
            outcomes.append(Outcome(emissions(direction, analysis.nuclides), None, *analysis.efficiency))
        except UserError as error:
            faults.append(str(error))
    return Found(outcomes, faults)

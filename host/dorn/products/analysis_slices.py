"""slices.csv: rates of nuclides over time, each slice fitted separately with the line shapes of the whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from dorn.analysis.activity import Quantity, emission_rate
from dorn.analysis.chain_fit import ChainFit, Counts, chain_fit
from dorn.analysis.emission import Counted, Emission, Emissions, counted
from dorn.analysis.half_life import HalfLife, half_life
from dorn.errors import UserError
from dorn.products.directions import directions
from dorn.products.outcome import Outcome
from dorn.products.slice_arrays import SliceArrays

_BLOCK = 16  # slices per job


@dataclass(frozen=True)
class Part:
    """One slice of one direction. begin_s, end_s: on-board times of the start of its first integration and of the end
    of its last, which may be in the next slice."""

    origin: int
    start_s: float
    begin_s: float
    end_s: float
    live_s: float  # sum over the spectra
    spectra: int
    emissions: tuple[Emission, ...]  # empty if it could not be fitted
    fault: str = ""

    def rate(self, one: Emission, background: Counted | None = None) -> Quantity:
        """Alphas per second that reach all detectors, less those of a background; the error is that of the counts of
        the slice only."""
        other = None
        if background is not None:
            other = background.of(one.nuclide), background.direction.total_live_s or 0.0
        rate = emission_rate(one, self.spectra, self.live_s, other)
        return replace(rate, errors={"counts": rate.errors["counts"]})


def over_time(outcome: Outcome, slices: SliceArrays, chosen: np.ndarray, search: float) -> list[Part]:
    """The slices of a direction, fitted on all cores."""
    known = outcome.emissions
    jobs = [(known, _only(slices, some), search) for some in np.array_split(*_blocks(np.flatnonzero(chosen)))]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return [part for parts in pool.map(_fitted, jobs) for part in parts]


def _blocks(places: np.ndarray) -> tuple[np.ndarray, int]:
    return places, max(1, len(places) // _BLOCK)


def _only(slices: SliceArrays, places: np.ndarray) -> SliceArrays:
    of_slices = [name for name, value in vars(slices).items() if len(np.shape(value)) and name not in _COMMON]
    return replace(slices, **{name: getattr(slices, name)[places] for name in of_slices})


_COMMON = ("energy_kev", "coincidence_energy_kev")


def _fitted(job: tuple[Emissions, SliceArrays, float]) -> list[Part]:
    known, slices, search = job
    parts = []
    for n in range(len(slices.start_s)):
        both = directions(slices, np.arange(len(slices.start_s)) == n, search)
        of = next(one for one in both if one.name == known.direction.name)
        start_s, begin_s, end_s = (float(times_s[n]) for times_s in (slices.start_s, slices.begin_s, slices.end_s))
        at = int(slices.origin[n]), start_s, begin_s, end_s
        try:
            found = counted(known, of)
        except UserError as error:
            parts.append(Part(*at, 0.0, 0, (), str(error)))
        else:
            spectra = found.direction
            parts.append(Part(*at, spectra.total_live_s or 0.0, len(spectra.counts), tuple(found.emissions)))
    return parts


def slices_rows(parts: dict[str, list[Part]], outcomes: list[Outcome]) -> Iterator[tuple]:
    """Rows of slices.csv. parts: name of an outcome -> its slices."""
    yield (
        *("direction", "origin", "start_s", "begin_s", "end_s", "live_s", "nuclide", "status"),
        *("rate_per_s", "error", "upper_limit_95"),
        *("activity", "activity_error", "activity_upper_limit_95", "activity_unit"),
    )
    for outcome in outcomes:
        for part in parts[outcome.name]:
            times_s = part.start_s, part.begin_s, part.end_s, part.live_s / max(part.spectra, 1)
            at = outcome.name, part.origin, *(f"{time_s:.3f}" for time_s in times_s)
            if part.fault:
                yield *at, "", part.fault, *[""] * 7
            for one in part.emissions:
                rate = part.rate(one, outcome.background)
                cells = [*at, one.nuclide, rate.status, *_numbers(rate)]
                if outcome.efficiency:
                    yield *cells, *_numbers(outcome.activity_of(one.nuclide, rate)), outcome.unit
                else:
                    yield *cells, *[""] * 4


def _numbers(value: Quantity) -> list[str]:
    return [f"{number:.6g}" for number in (value.value, value.errors["counts"], value.upper)]


def half_life_of(parts: list[Part], nuclide: str) -> HalfLife:
    """From all slices that were fitted, which must be of one origin, as each origin has its own clock."""
    fitted = _of_one_origin(parts, "--half-life", nuclide)
    ones = [_emission(part, nuclide) for part in fitted]
    return half_life(
        [part.begin_s for part in fitted],
        [part.end_s for part in fitted],
        [one.counts for one in ones],
        [part.live_s / part.spectra for part in fitted],
        [one.without for one in ones],
    )


def chain_of(parts: list[Part], parent: str) -> ChainFit:
    """Activities of a chain at the start of the first slice, from all slices that were fitted, all of one origin."""
    fitted = _of_one_origin(parts, "--chain", parent)
    names = [one.nuclide for one in fitted[0].emissions] if fitted else []
    begins_s, ends_s = (np.array([getattr(part, field) for part in fitted]) for field in ("begin_s", "end_s"))
    live_s = np.array([part.live_s / part.spectra for part in fitted])
    measured = []
    for name in names:
        ones = [_emission(part, name) for part in fitted]
        counts, without = (np.array([getattr(one, field) for one in ones]) for field in ("counts", "without"))
        measured.append(Counts(name, counts, live_s, without))
    return chain_fit(parent, begins_s, ends_s, measured)


def _of_one_origin(parts: list[Part], option: str, nuclide: str) -> list[Part]:
    fitted = [part for part in parts if part.emissions]
    if len({part.origin for part in fitted}) > 1:
        what = "slices of several origins, each with its own clock"
        raise UserError.at(option, "NUCLIDE", what, nuclide)
    return fitted


def _emission(part: Part, nuclide: str) -> Emission:
    return next(one for one in part.emissions if one.nuclide == nuclide)

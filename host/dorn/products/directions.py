"""The spectra of all front and of all back detectors over a part of an archive, on one energy scale."""

from __future__ import annotations

import numpy as np

from dorn.analysis.drift import steady
from dorn.analysis.emission import Direction
from dorn.errors import UserError
from dorn.products.slice_arrays import SliceArrays
from dorn.products.slices import DETECTORS

SIDES = ("front", "back")
_SEED = 1  # for the positions of counts within their channels


def selected(
    slices: SliceArrays, from_s: float | None, to_s: float | None, storm: bool, phase: int | None = None
) -> np.ndarray:
    """bool[n]: slices that start within the on-board times, with observation table number `phase` in force if given;
    those in storm mode only with `storm`. Raises UserError if there are none. slices: at least one."""
    within = np.ones(len(slices.start_s), bool)
    if from_s is not None:
        within &= slices.start_s >= from_s
    if to_s is not None:
        within &= slices.start_s < to_s
    if not within.any():
        first_s, last_s = slices.begin_s.min(), slices.end_s.max()
        what = f"no integration starts within these on-board times; the archive has {first_s:.6g} to {last_s:.6g} s"
        raise UserError.at("--from, --to", "S", what)
    if phase is not None:
        within &= slices.phase == phase
        if not within.any():
            raise UserError.at("--phase", "TABLE", "no slice has only this observation table in force")
    chosen = within if storm else within & (slices.storm == 0)
    if not chosen.any():
        raise UserError.at("slices", "storm", "all are in storm mode; --storm includes them")
    return chosen


def directions(slices: SliceArrays, chosen: np.ndarray, search: float) -> list[Direction]:
    """Both directions; where the calibration has a drift, it is removed (`drift.steady`)."""
    width_kev = np.diff(slices.energy_kev[:, :2])
    edges_kev = np.concatenate([slices.energy_kev - width_kev / 2, slices.energy_kev[:, -1:] + width_kev / 2], axis=1)
    generator = np.random.default_rng(_SEED)
    counts = [
        steady(slices.counts[chosen, d], slices.gain[chosen, d], edges_kev[d], generator) for d in range(DETECTORS)
    ]
    live_s = slices.live_s[chosen, :DETECTORS].sum(axis=0)
    found = []
    for side, name in enumerate(SIDES):
        of = range(side, DETECTORS, 2)
        labels = [f"{name}_{d}" for d in of]
        found.append(
            Direction(name, [edges_kev[d] for d in of], [counts[d] for d in of], live_s[side::2], labels, search=search)
        )
    return found

"""The energy scales of the detectors of an instrument, from its slices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from dorn.analysis import drift, energy_scale
from dorn.analysis.calibration import Drift, channel_edges
from dorn.analysis.energy_scale import SEARCH, Scale
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.products.slice_arrays import SliceArrays
from dorn.products.slices import DETECTORS


def scales_of(
    slices: SliceArrays,
    detectors: Iterable[int],
    nuclides: Sequence[str],
    drifting: str | None = None,
    search: float = SEARCH,
) -> tuple[dict[str, Scale], dict[str, UserError], Drift | None]:
    """(number of a detector -> scale, "detector N" -> why it has none, drift).

    nuclides: all that have lines in the window. drifting: the one whose line is used to follow the gain over the
    slices; None: the gain is constant.
    """
    instrument = Dictionary.load().instrument
    edges_code = channel_edges(instrument)
    start = instrument["kev_per_code"], instrument["zero_code"]
    scales, faults = {}, {}
    gain, error = (np.full((len(slices.start_s), DETECTORS), np.nan) for _ in range(2))
    for detector in detectors:
        counts = slices.counts[:, detector]
        try:
            if drifting:
                found = drift.followed(counts, edges_code, nuclides, drifting, *start, search=search)
                scales[str(detector)], gain[:, detector], error[:, detector] = found
            else:
                scales[str(detector)] = energy_scale.calibrate(counts.sum(axis=0), edges_code, nuclides, *start, search)
        except UserError as fault:
            faults[f"detector {detector}"] = fault
    if not drifting:
        return scales, faults, None
    return scales, faults, Drift(drifting, slices.origin, slices.start_s, float(slices.length_s), gain, error)

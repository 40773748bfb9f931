"""Spectra on energy scales, and sums of spectra whose scales differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dorn.analysis.calibration import Calibration, channel_edges
from dorn.products.slices import DETECTORS, SPECTRA
from dorn.products.spectra import Spectrum

# numbers of the spectra that are added; 0 to 15: detectors, even ones are front; 16 to 23: units
SIDES = {
    "front": range(0, DETECTORS, 2),
    "back": range(1, DETECTORS, 2),
    "coincidences": range(DETECTORS, SPECTRA),
}


def edges_kev(calibration: Calibration, instrument: dict, number: int) -> np.ndarray:
    """float64[channels + 1]: channel edges of a spectrum, keV. number: 0 to 15: detectors; 16 to 23: units."""
    if number < DETECTORS:
        return calibration.energy_kev(channel_edges(instrument), number)
    kev_per_code, zero_code = calibration.of_units(instrument["zero_code"])
    codes = np.arange(instrument["coincidence_channels"] + 1) * instrument["codes_per_coincidence_channel"] - 0.5
    return kev_per_code[number - DETECTORS] * (codes - zero_code[number - DETECTORS])


def summed(
    spectra: Mapping[int, Spectrum], numbers: Sequence[int], calibration: Calibration, instrument: dict
) -> tuple[np.ndarray, np.ndarray]:
    """Edges in keV and counts of a sum of spectra, either of detectors or of units.

    One spectrum is on its own scale. Several are on that of the default calibration; counts of those with another scale
    are shared by its channels.
    """
    if len(numbers) == 1:
        edges = edges_kev(calibration, instrument, numbers[0])
        one = spectra.get(numbers[0])
        return edges, one.counts.astype(float) if one else np.zeros(len(edges) - 1)
    edges = edges_kev(Calibration.default(instrument), instrument, numbers[0])
    counts = np.zeros(len(edges) - 1)
    for number in numbers:
        if number in spectra:
            own = edges_kev(calibration, instrument, number)
            if np.array_equal(own, edges):  # the counts themselves, not differences of rounded sums
                counts += spectra[number].counts
            else:
                counts += np.diff(np.interp(edges, own, np.append(0, np.cumsum(spectra[number].counts))))
    return edges, counts

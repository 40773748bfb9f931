"""What the page can draw: the spectra of detectors and units, and their sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dorn.analysis.calibration import Calibration
from dorn.analysis.region import Region, region
from dorn.errors import UserError
from dorn.products.scaled import SIDES, summed
from dorn.products.slices import DETECTORS, UNITS
from dorn.products.spectra import Spectrum

# name -> numbers of the spectra that are added
CURVES: dict[str, tuple[int, ...]] = {
    "front detectors": tuple(SIDES["front"]),
    "back detectors": tuple(SIDES["back"]),
    "all detectors": tuple(range(DETECTORS)),
    "coincidences": tuple(SIDES["coincidences"]),
    **{f"detector {n}": (n,) for n in range(DETECTORS)},
    **{f"coincidences of unit {n}": (DETECTORS + n,) for n in range(UNITS)},
}


@dataclass(frozen=True, eq=False)
class Curve:
    """live_s: mean over the added spectra, so that counts / live_s is the rate of all of them together."""

    name: str
    edges_kev: np.ndarray  # float64[channels + 1]
    counts: np.ndarray  # float64[channels]
    live_s: float

    @property
    def total(self) -> float:
        return float(self.counts.sum())

    def channels_within(self, low_kev: float, high_kev: float) -> tuple[int, int]:
        """First and last channel with the midpoint within; if there is no such channel, last < first."""
        middles = (self.edges_kev[1:] + self.edges_kev[:-1]) / 2
        return int(np.searchsorted(middles, low_kev)), int(np.searchsorted(middles, high_kev, "right")) - 1

    def region(self, low_kev: float, high_kev: float) -> tuple[int, int, Region] | None:
        """First and last channel, and their analysis by dorn.analysis.region; None if there are too few channels."""
        first, last = self.channels_within(low_kev, high_kev)
        try:
            return first, last, region(self.counts, first, last)
        except UserError:
            return None


def curve(name: str, spectra: Mapping[int, Spectrum], calibration: Calibration, instrument: dict) -> Curve:
    """The curve with this name in CURVES. spectra: number -> spectrum."""
    numbers = CURVES[name]
    there = [spectra[number].live_us / 1e6 for number in numbers if number in spectra]
    edges_kev, counts = summed(spectra, numbers, calibration, instrument)
    return Curve(name, edges_kev, counts, sum(there) / len(there) if there else 0.0)

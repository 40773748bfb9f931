"""Published measurements, read from the folder named by the environment variable DORN_DATA.

None of them is copied into the project. Without the folder, tests are skipped with a reason.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dorn.study import measured

from support.data import data

# maps each channel of the 1024-channel MCA to a channel of the instrument (12 keV, channel 0 at -145.5 keV), so that
# region sums compare count for count and centroids channel for channel
ONE_TO_ONE = (-145.5, 12.0)


def path(name):
    """The file or folder `name` of the data; skips the test if it is missing."""
    return data(*name.split("/"))


@dataclass
class Region:
    """A region of interest that the MCA reported at the end of its file, in energy."""

    low_kev: float  # lower edge of the first channel
    high_kev: float  # upper edge of the last channel
    centroid_kev: float
    fwhm_kev: float
    gross: int  # counts in the region


def lisbon_csv(folder, file="1Cal.dat", calibration=None):
    """(path, regions): an Am-241 and pulser spectrum of folder am241-lisbon as a CSV source in `folder`.

    calibration: (offset_kev, kev_per_channel) for the centres of channels; by default from the pulser energies.
    """
    one = measured.read(path(f"am241-lisbon/{file}").parents[1], "am241-lisbon", file)
    offset_kev, kev_per_channel = calibration or measured.lisbon_calibration(one)
    energies_kev = offset_kev + kev_per_channel * np.arange(len(one.counts))
    target = Path(folder) / f"{Path(file).stem}.csv"
    rows = (f"{energy_kev!r},{count}\n" for energy_kev, count in zip(energies_kev.tolist(), one.counts, strict=True))
    target.write_text("energy_kev,counts\n" + "".join(rows), encoding="utf-8")
    regions = []
    for line, (_, first, last, gross) in zip(one.lines, one.sums, strict=True):
        edges_kev = offset_kev + kev_per_channel * np.array([first - 0.5, last + 0.5, line.centroid])
        regions.append(Region(*edges_kev.tolist(), kev_per_channel * line.fwhm, gross))
    return target, regions

"""Real measurements made by others, read in place: environment variable DORN_DATA names their folder.

Nothing of them is copied into the project. Where the folder is absent, tests skip and say so.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from data import data

# pulser energies of Logbook_Alfa.md in keV, in the order of the regions; the first run had no 5750
LISBON_PULSER_KEV = {"1Cal.dat": (5000, 5500, 6000), "2Cal.dat": (5000, 5500, 5750, 6000)}
LISBON_PULSER_KEV["Prateleira_4_c_vacuo.dat"] = LISBON_PULSER_KEV["2Cal.dat"]

# one channel of the 1024-channel MCA onto one of the instrument (12 keV, channel 0 at -145.5 keV): sums over
# regions can then be compared count for count, and centroids channel for channel
ONE_TO_ONE = (-145.5, 12.0)


def path(name):
    """The file or folder `name` of the data; skips the test where it is absent."""
    return data(*name.split("/"))


@dataclass
class Region:
    """One region of interest as the MCA reported it at the foot of its file, and where it lies in energy."""

    first_channel: int
    last_channel: int  # it belongs to the region
    centroid_channel: float
    fwhm_channels: float
    gross: int  # counts in the region
    net: int
    low_kev: float  # lower edge of the first channel
    high_kev: float  # upper edge of the last channel
    centroid_kev: float


def lisbon(file="1Cal.dat", calibration=None):
    """(energies_kev, counts, regions) of an Am-241 and pulser spectrum of folder am241-lisbon.

    calibration: (offset_kev, kev_per_channel) for the channels' centres; by default a straight line through
    the pulser energies of the logbook and the MCA's own centroids.
    """
    text = path(f"am241-lisbon/{file}").read_text(encoding="ascii")
    table = re.findall(r"^ *(\d+) +(\d+)  \d{3}\s*$", text, re.MULTILINE)
    channels, counts = np.array(table, dtype=np.int64).T
    number = r"\s*([\d.]+) (?:Chn|cts)\s*"
    form = rf"Beg:{number}End:{number}Ctrd:{number}Fwhm:{number}Gross Integral:{number}Net Integral:{number}"
    found = [[float(value) for value in values] for values in re.findall(form, text)]
    if calibration is None:
        kev_per_channel, offset_kev = np.polyfit([values[2] for values in found], LISBON_PULSER_KEV[file], 1)
        calibration = float(offset_kev), float(kev_per_channel)
    offset_kev, kev_per_channel = calibration
    regions = []
    for first, last, centroid, fwhm, gross, net in found:
        edges = offset_kev + kev_per_channel * np.array([first - 0.5, last + 0.5, centroid])
        regions.append(Region(int(first), int(last), centroid, fwhm, int(gross), int(net), *edges.tolist()))
    return offset_kev + kev_per_channel * channels, counts, regions


def lisbon_csv(folder, file="1Cal.dat", calibration=None):
    """(path, regions): the spectrum of `lisbon` as a CSV source in `folder`."""
    energies_kev, counts, regions = lisbon(file, calibration)
    target = Path(folder) / f"{Path(file).stem}.csv"
    rows = (f"{energy_kev!r},{count}\n" for energy_kev, count in zip(energies_kev.tolist(), counts, strict=True))
    target.write_text("energy_kev,counts\n" + "".join(rows), encoding="utf-8")
    return target, regions

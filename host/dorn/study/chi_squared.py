"""A measured spectrum as a Poisson process through the instrument: does what is recorded follow its source?

Particles are lost in dead time, or leave the spectra of single detectors when another comes within some 2 us, whatever
their energies: the number recorded is taken as given. Only a second pulse within the same peak changes an amplitude,
to the greater of the two; what that adds to chi-squared is computed beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from dorn.dictionary import Dictionary
from dorn.head.sources import SpectrumSource
from dorn.study import measured
from dorn.study.recording import record

SET, FILE = "am241-lisbon", "1Cal.dat"
LEAST_EXPECTED = 10.0  # counts in a cell, so that chi-squared is distributed as such
# of the particles of a run, what may be lost in dead time or be in several units, with room: the rest is recorded
_NOT_RECORDED = {"unix": 0.1, "rp2040": 0.25}


@dataclass(frozen=True)
class Run:
    """One seed on one target."""

    target: str
    seed: int
    recorded: int  # in the spectra of single detectors
    cells: int
    chi_squared: float
    merged: float  # share of the recorded that hide a second pulse in the same detector
    distortion: float  # what merging adds to chi-squared, on average

    @property
    def p(self) -> float:
        return float(chi2.sf(self.chi_squared, self.cells - 1))

    @property
    def sigma(self) -> float:
        """Standard deviation of chi-squared."""
        return float(np.sqrt(2 * (self.cells - 1)))


def run(job: tuple[str, Path, int, int, float]) -> Run:
    """job: target, folder of the data, seed, events to be recorded, particles a second."""
    target, data, seed, events, rate_cps = job
    one = measured.read(data, SET, FILE)
    counts = one.counts
    offset_kev, kev_per_channel = measured.lisbon_calibration(one)
    edges_kev = offset_kev + kev_per_channel * (np.arange(len(counts) + 1) - 0.5)
    source = SpectrumSource(FILE, edges_kev[:-1] + kev_per_channel / 2, edges_kev[:-1], edges_kev[1:], counts)
    duration_s = events / (1 - _NOT_RECORDED[target]) / rate_cps
    recording = record(target, source.particles(rate_cps, duration_s, seed))
    shares = _shares(edges_kev, counts)
    statistic, cells = _chi_squared(recording.singles, shares)
    recorded = int(recording.singles.sum())
    merged = recording.fates["merged"] / recorded
    return Run(target, seed, recorded, cells, statistic, merged, recorded * _distortion(shares, merged))


def _shares(edges_kev, counts):
    """The share of the source in every channel of the instrument: float64[1024], their sum is 1.

    Particles lie evenly within a channel of the source, so the source's cumulative sum is a line between its edges.
    """
    i = Dictionary.load().instrument
    codes = np.arange(i["channels"] + 1) * i["codes_per_channel"] - 0.5
    cumulative = np.interp(
        i["kev_per_code"] * (codes - i["zero_code"]), edges_kev, np.insert(np.cumsum(counts), 0, 0) / counts.sum()
    )
    shares = np.diff(cumulative)
    if not np.isclose(shares.sum(), 1):
        raise ValueError("the source reaches over the instrument's range")
    return shares / shares.sum()


def _chi_squared(singles, shares):
    """(chi-squared, cells) of int64[16, 1024] against the shares, all detectors alike; the number recorded is given.

    Cells are channels of one detector, neighbours merged until enough is expected.
    """
    expected = singles.sum() / len(singles) * shares
    cell_of = np.zeros(len(shares), int)
    cells, filled = 0, 0.0
    for channel, counts in enumerate(expected):
        cell_of[channel] = cells
        filled += counts
        if filled >= LEAST_EXPECTED:
            cells, filled = cells + 1, 0.0
    cell_of = np.minimum(cell_of, cells - 1)  # what is left at the upper end goes to the last
    per_cell = np.bincount(cell_of, expected)
    found = np.array([np.bincount(cell_of, counts) for counts in singles])
    return float(((found - per_cell) ** 2 / per_cell).sum()), cells * len(singles)


def _distortion(shares, merged):
    """What merging adds to chi-squared per event: a merged hit has the greater of two amplitudes of the source."""
    cumulative = np.cumsum(shares)
    greater = np.diff(cumulative**2, prepend=0.0)
    seen = shares > 0
    return float(((merged * (greater - shares))[seen] ** 2 / shares[seen]).sum())

"""A measured spectrum played as a Poisson process: does the recorded spectrum follow its source?

At any energy, particles are lost in dead time, or excluded from the single-detector spectra when another arrives
within about 2 us: the number recorded is therefore taken as known. Only a second pulse within the same peak changes an
amplitude, to the greater of the two; its contribution to chi-squared is computed separately.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from dorn.dictionary import Dictionary
from dorn.head.sources import SpectrumSource
from dorn.study import measured
from dorn.study.recording import record
from dorn.study.replay import LEAST_MV, axis_of

SET, FILE = "am241-lisbon", "1Cal.dat"
LEAST_EXPECTED = 10.0  # counts per cell, enough for the statistic to follow a chi-squared distribution
# fraction of the particles of a run that may be lost in dead time or hit several units, with margin
_NOT_RECORDED = {"unix": 0.1, "rp2040": 0.25}


@dataclass(frozen=True)
class Run:
    """One seed on one target."""

    target: str
    seed: int
    recorded: int  # in the spectra of single detectors
    cells: int
    chi_squared: float
    merged: float  # fraction of the recorded hits that hide a second pulse in the same detector
    distortion: float  # mean contribution of merging to chi-squared

    @property
    def p(self) -> float:
        return float(chi2.sf(self.chi_squared, self.cells - 1))

    @property
    def sigma(self) -> float:
        """Standard deviation of chi-squared."""
        return float(np.sqrt(2 * (self.cells - 1)))


def edges_of(one: measured.Measured) -> np.ndarray:
    """Edges of channels in keV, float64[n + 1]: by the pulser of Lisbon's files, otherwise as they are replayed."""
    channels = np.arange(len(one.counts) + 1) - 0.5
    if one.set == SET:
        offset_kev, kev_per_channel = measured.lisbon_calibration(one)
        return offset_kev + kev_per_channel * channels
    return axis_of(one.set, len(one.counts)).energies_kev(channels)


def run(job: tuple[str, measured.Measured, int, int, float]) -> Run:
    """Run one seed. job: target, file, seed, events to be recorded, particles per second."""
    target, one, seed, events, rate_cps = job
    counts, edges_kev = one.counts, edges_of(one)
    source = SpectrumSource(one.file, (edges_kev[1:] + edges_kev[:-1]) / 2, edges_kev[:-1], edges_kev[1:], counts)
    duration_s = events / (1 - _NOT_RECORDED[target]) / rate_cps
    recording = record(target, source.particles(rate_cps, duration_s, seed), LEAST_MV)
    shares = _shares(edges_kev, counts)
    statistic, cells = _chi_squared(recording.singles, shares)
    recorded = int(recording.singles.sum())
    merged = recording.fates["merged"] / recorded
    return Run(target, seed, recorded, cells, statistic, merged, recorded * _distortion(shares, merged))


def _shares(edges_kev, counts):
    """Fraction of the source in each channel of the instrument: float64[1024], with sum 1.

    Energies are uniform within a channel of the source, so its cumulative sum is linear between channel edges.
    """
    i = Dictionary.load().instrument
    codes = np.arange(i["channels"] + 1) * i["codes_per_channel"] - 0.5
    cumulative = np.interp(
        i["kev_per_code"] * (codes - i["zero_code"]), edges_kev, np.insert(np.cumsum(counts), 0, 0) / counts.sum()
    )
    shares = np.diff(cumulative)
    if not np.isclose(shares.sum(), 1):
        raise ValueError("the source exceeds the instrument's range")
    return shares / shares.sum()


def _chi_squared(singles, shares):
    """(chi-squared, cells) of int64[16, 1024] against the shares, equal for all detectors, given the number recorded.

    A cell is a channel of one detector, merged with its neighbours until at least LEAST_EXPECTED counts are expected.
    """
    expected = singles.sum() / len(singles) * shares
    cell_of = np.zeros(len(shares), int)
    cells, filled = 0, 0.0
    for channel, counts in enumerate(expected):
        cell_of[channel] = cells
        filled += counts
        if filled >= LEAST_EXPECTED:
            cells, filled = cells + 1, 0.0
    cell_of = np.minimum(cell_of, cells - 1)  # the remainder at the upper end joins the last cell
    per_cell = np.bincount(cell_of, expected)
    observed = np.array([np.bincount(cell_of, counts) for counts in singles])
    return float(((observed - per_cell) ** 2 / per_cell).sum()), cells * len(singles)


def _distortion(shares, merged):
    """Contribution of merging to chi-squared, per event: a merged hit has the greater of two source amplitudes."""
    cumulative = np.cumsum(shares)
    greater = np.diff(cumulative**2, prepend=0.0)
    seen = shares > 0
    return float(((merged * (greater - shares))[seen] ** 2 / shares[seen]).sum())

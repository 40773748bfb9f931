"""Sixteen strips of a real detector, played into 16 detectors at their real gains, calibrated with three nuclides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dorn.study import Report, measured
from dorn.study.measured import TRIPLE, TRIPLE_KEV, Strip
from dorn.study.peaks import peak, worst
from dorn.study.recording import Measurement, record
from dorn.study.replay import LEAST_MV, SPACING_NS, Prediction, channels_of

RESIDUAL_KEV = 4.0  # residual of a straight line through three alpha lines of known energy
FROM_SOURCE = 0.15  # in channels, difference from the same fit on the fine bins: as for Lisbon's MCA
# in channels: as above, plus up to 0.12, by which EXPECTED's fits, on groups of four bins, differ from the same fit
FROM_EXPECTED = 0.25
# mean and worst of FWHM over EXPECTED - 1: a peak has three channels above half height, and EXPECTED's Gaussians cover
# all lines of a nuclide, which widens them by up to a third in the strip with the widest lines
FWHM_MEAN, FWHM_WORST = 0.05, 0.30
_NEAR_UNITS, _NEAR_CHANNELS = 250, 6  # search range around a line


@dataclass(frozen=True)
class Gains:
    """The strips, and the expected and the recorded spectrum of each detector."""

    target: str
    strips: list[Strip]
    kev_per_unit: float  # common to all strips
    expected: list[Prediction]
    recording: Measurement


@dataclass(frozen=True)
class Calibration:
    """Calibration of 16 detectors, three lines each; arrays are float64[16, 3], centroids in channels."""

    centroids: np.ndarray
    source: np.ndarray  # centroids of the same fit on the source's fine bins
    derived: np.ndarray  # main lines from EXPECTED
    residuals_kev: np.ndarray  # of the straight line through the three
    fwhm_kev: np.ndarray
    derived_fwhm_kev: np.ndarray
    lines: list[tuple[float, float]]  # keV per channel, offset in keV


def gains(job: tuple[str, Path, str]) -> Gains:
    """Play the strips. job: target, folder of the data, name of the file.

    All strips share one energy scale, through zero and the mean of all lines: each detector keeps its strip's gain.
    """
    target, data, name = job
    strips = measured.strips(data, name=name)
    kev_per_unit = float(np.mean(TRIPLE_KEV) / np.mean([strip.centroids for strip in strips]))
    energies_kev = kev_per_unit * (np.arange(len(strips[0].counts)) + 0.5)
    expected = [Prediction.of(energies_kev, strip.counts, LEAST_MV) for strip in strips]
    return Gains(target, strips, kev_per_unit, expected, record(target, _together(strips, energies_kev), LEAST_MV))


def _together(strips, energies_kev) -> Iterator[tuple[int, int, float]]:
    """Every count of every strip once, in random order."""
    bins = np.concatenate([np.repeat(np.arange(len(strip.counts)), strip.counts) for strip in strips])
    detectors = np.repeat(np.arange(len(strips)), [strip.counts.sum() for strip in strips])
    order = np.random.Generator(np.random.PCG64(1)).permutation(len(bins))
    times_ns = (np.arange(len(bins)) * SPACING_NS).tolist()
    return zip(times_ns, detectors[order].tolist(), energies_kev[bins[order]].tolist(), strict=True)


def calibrate(found: Gains) -> Calibration:
    """Fit a straight line through the three alpha lines of each detector."""
    derived_units = np.array(
        [
            [
                measured.main_line(at, fwhm_kev / found.kev_per_unit, nuclide)
                for at, fwhm_kev, nuclide in zip(strip.centroids, strip.fwhm_kev, TRIPLE, strict=True)
            ]
            for strip in found.strips
        ]
    )
    derived = channels_of(found.kev_per_unit * derived_units)
    zero = channels_of(0.0)
    peaks = [
        [
            peak(counts, at - _NEAR_CHANNELS, at + _NEAR_CHANNELS, nuclide, at, zero)
            for at, nuclide in zip(row, TRIPLE, strict=True)
        ]
        for counts, row in zip(found.recording.singles, derived, strict=True)
    ]
    fine_units = [  # bin b spans b to b + 1
        [
            peak(strip.counts, at - _NEAR_UNITS, at + _NEAR_UNITS, nuclide, at).centroid + 0.5
            for at, nuclide in zip(strip.centroids, TRIPLE, strict=True)
        ]
        for strip in found.strips
    ]
    centroids = np.array([[p.centroid for p in row] for row in peaks])
    lines = [np.polyfit(row, TRIPLE_KEV, 1) if np.isfinite(row).all() else np.full(2, np.nan) for row in centroids]
    gain, offset = (np.array(terms)[:, None] for terms in zip(*lines, strict=True))
    return Calibration(
        centroids=centroids,
        source=channels_of(found.kev_per_unit * np.array(fine_units)),
        derived=derived,
        residuals_kev=gain * centroids + offset - TRIPLE_KEV,
        fwhm_kev=gain * np.array([[p.fwhm for p in row] for row in peaks]),
        derived_fwhm_kev=np.array([strip.fwhm_kev for strip in found.strips]),
        lines=[(float(g), float(o)) for g, o in lines],
    )


def judge(report: Report, found: Gains, c: Calibration) -> None:
    counts = found.recording.singles
    different = int(abs(counts - [e.counts for e in found.expected]).sum())
    different += abs(sum(e.below for e in found.expected) - found.recording.fates["below_threshold"])
    different += abs(sum(e.over for e in found.expected) - found.recording.counters["over_range"])
    stated = sum(strip.total for strip in found.strips)
    where = f"{found.target}, 16 strips"
    kept = not different and found.recording.reconciled and stated == found.recording.fates["injected"]
    report.bound(f"{where}: misplaced counts", f"{different} of {stated}", "0", kept)
    rows = [
        (
            d,
            counts[d].sum(),
            f"{gain:.4f}",
            f"{offset:.1f}",
            _text("+.2f", residuals_kev),
            _text(".1f", fwhm_kev),
            stated,
        )
        for d, ((gain, offset), residuals_kev, fwhm_kev, stated) in enumerate(
            zip(c.lines, c.residuals_kev, c.fwhm_kev, [_text(".1f", row) for row in c.derived_fwhm_kev], strict=True)
        )
    ]
    columns = ("detector", "counts", "keV/channel", "offset keV", "residuals keV", "FWHM keV", "FWHM derived")
    report.table(f"three nuclides in 16 detectors, on {found.target}", columns, rows)
    off = abs(worst(c.residuals_kev))
    what = f"{where}: residual of the straight-line calibration"
    report.bound(what, f"{off:.2f} keV", f"< {RESIDUAL_KEV:g}", off < RESIDUAL_KEV)
    others = (("the same fit on fine bins", c.source, FROM_SOURCE), ("EXPECTED", c.derived, FROM_EXPECTED))
    for whose, centroids, most in others:
        off = abs(worst(c.centroids - centroids))
        report.bound(f"{where}: 48 centroids against {whose}", f"{off:.3f} channel", f"<= {most}", off <= most)
    ratios = c.fwhm_kev / c.derived_fwhm_kev - 1
    kept = abs(ratios.mean()) <= FWHM_MEAN and abs(worst(ratios)) <= FWHM_WORST
    figure = f"mean {ratios.mean():+.3f}, worst {worst(ratios):+.3f}"
    report.bound(f"{where}: FWHM over EXPECTED - 1", figure, f"+-{FWHM_MEAN}, +-{FWHM_WORST}", kept)


def _text(form, values):
    return " ".join(format(value, form) for value in values)

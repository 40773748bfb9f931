"""Calibrations of spectra whose scale is known: are the energies unbiased, and their errors right?

Calibrations are those of `dorn calibrate`: the initial scale is wrong by up to 1.5 %, the zero is free, and the shape
of the lines is chosen by likelihood. Errors are those of counting statistics, as the spectra are drawn with the
energies of the table.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dorn.analysis.calibration import channel_edges
from dorn.analysis.energy_scale import calibrate
from dorn.analysis.line_model import Grid, LineModel, Parameters
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.nuclides import main_kev
from dorn.study import Report, spread

NUCLIDES = ("Po-209", "Po-210", "Rn-222", "Po-218", "Po-214")
JUDGED = ("Po-210", "Po-214")  # whose energies are compared
TAIL = ((0.07, 20.0),)
# counts above ENOUGH_FOR_TAIL of line_choice: below, no tail is fitted, and the errors do not cover its effect
SETTINGS = ((1000, ()), (10_000, ()), (1000, TAIL), (10_000, TAIL))
SPECTRA, SHORT_SPECTRA = 400, 30  # for each setting
MEAN, WIDTH = 0.2, 0.15
# for SHORT_SPECTRA: as above, plus three standard errors of mean and width
SHORT_MEAN, SHORT_WIDTH = 0.75, 0.55
_FWHM_KEV, _BACKGROUND = 38.0, 300.0


class Setting(NamedTuple):
    counts: int  # of each nuclide
    tails: tuple[tuple[float, float], ...]


def judge(report: Report, short: bool) -> None:
    n = SHORT_SPECTRA if short else SPECTRA
    jobs = [(Setting(*setting), n) for setting in SETTINGS]
    rows, worst = [], {"mean": 0.0, "width": 0.0, "missing": 0}
    for (setting, _), found in zip(jobs, spread(pulls, jobs), strict=True):
        mean, width = found.mean(axis=0), found.std(axis=0)
        cells = [f"{m:+.2f} {w:.2f}" for m, w in zip(mean, width, strict=True)]
        rows.append((len(setting.tails), setting.counts, len(found), *cells))
        worst["mean"] = max(worst["mean"], float(abs(mean).max()))
        worst["width"] = max(worst["width"], float(abs(width - 1).max()))
        worst["missing"] += n - len(found)
    columns = ("tails", "counts", "spectra", *(f"{name}: mean, width" for name in JUDGED))
    report.table("pulls of energies by `dorn calibrate`", columns, rows)
    mean, width = (SHORT_MEAN, SHORT_WIDTH) if short else (MEAN, WIDTH)
    what = f"{len(jobs)} calibrations, {n} spectra each: "
    report.bound(f"{what}not calibrated", f"{worst['missing']}", "0", not worst["missing"])
    report.bound(f"{what}worst mean pull", f"{worst['mean']:.3f}", f"<= {mean}", worst["mean"] <= mean)
    report.bound(f"{what}worst width of pulls", f"1 +-{worst['width']:.3f}", f"1 +-{width}", worst["width"] <= width)


def pulls(job: tuple[Setting, int]) -> np.ndarray:
    """float64[spectra that are calibrated, JUDGED]: (energy - true energy) / error."""
    setting, n = job
    generator = np.random.default_rng(SETTINGS.index(tuple(setting)))
    instrument = Dictionary.load().instrument
    edges = channel_edges(instrument)
    found = []
    for _ in range(n):
        kev_per_code = instrument["kev_per_code"] * generator.uniform(0.985, 1.015)
        zero_code = instrument["zero_code"] + generator.uniform(-3, 3)
        model = LineModel([Grid(edges, kev_per_code, zero_code)], NUCLIDES, fwhm_kev=_FWHM_KEV, tails=setting.tails)
        truth = Parameters(
            counts=np.full(len(NUCLIDES), float(setting.counts)),
            kev_per_unit=np.array([kev_per_code]),
            zero=np.array([zero_code]),
            fwhm_kev=np.array([[_FWHM_KEV]]),
            background=np.array([[_BACKGROUND]]),
            tails=np.array(setting.tails).reshape(-1, 2),
        )
        counts = generator.poisson(model.expected(truth)[0])
        try:
            scale = calibrate(counts, edges, NUCLIDES, instrument["kev_per_code"], instrument["zero_code"])
        except UserError:
            continue
        at = [zero_code + main_kev(name) / kev_per_code for name in JUDGED]
        off_kev = scale.energy_kev(at) - [main_kev(name) for name in JUDGED]
        found.append(off_kev / scale.error_kev(at, scale.statistical))
    return np.array(found).reshape(-1, len(JUDGED))

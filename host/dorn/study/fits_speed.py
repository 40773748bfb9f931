"""Speed of fits of lines, compared with other programs that are given the same model, start and counts."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from dorn.analysis.line_fit import fit, start
from dorn.analysis.line_model import Grid, LineModel
from dorn.study import Report
from dorn.study.fits_peers import least_squares, minuit

RUNS, FITS = 5, 10  # the median of RUNS, of FITS each
LMFIT, MINUIT, JOINT_PER_S = 7, 15, 12
DETECTORS = 8


def judge(report: Report, plain, tailed) -> None:
    """plain, tailed: settings of the study of fits, without and with a tail."""
    rows = []
    for setting in (plain, tailed):
        model = setting.model()
        seeded = np.random.default_rng(1)
        spectra = seeded.poisson(model.expected(setting.truth())[0], (FITS, len(model.grids[0].edges) - 1))
        spectra = spectra.astype(float)
        own, *others = _seconds(spectra, *_programs(model))
        rows.append([setting, f"{1 / np.median(own):.0f}", *(f"{np.median(one / own):.1f}" for one in others)])
        lmfit, numeric, _ = (float(np.median(one / own)) for one in others)
        if setting is tailed:
            report.bound(f"{setting}: speed over lmfit's", f"{lmfit:.1f}", f">= {LMFIT}", lmfit >= LMFIT)
            report.bound(f"{setting}: speed over iminuit's", f"{numeric:.1f}", f">= {MINUIT}", numeric >= MINUIT)
    columns = ("", "fits per second", "over lmfit", "over iminuit", "over iminuit with analytic gradient")
    report.table("speed of a fit, and CPU time of other programs over its own", columns, rows)
    per_s = _joint(tailed)
    what = f"{DETECTORS} detectors together, 33 parameters"
    report.bound(f"{what}: fits per second", f"{per_s:.1f}", f">= {JOINT_PER_S}", per_s >= JOINT_PER_S)


def _programs(model) -> list[Callable]:
    """Functions of the counts: this fit, lmfit, iminuit, and iminuit with the analytic gradient."""
    return [
        lambda counts: fit(model, [counts]),
        lambda counts: least_squares(model, counts, start(model, [counts])),
        lambda counts: minuit(model, counts, start(model, [counts])),
        lambda counts: minuit(model, counts, start(model, [counts]), gradient=True),
    ]


def _joint(setting):
    """Joint fits per second of DETECTORS spectra with counts in common."""
    one = setting.model().grids[0]
    grids = [Grid(one.edges, one.kev_per_unit, one.zero) for _ in range(DETECTORS)]
    model = LineModel(grids, setting.model().nuclides, fwhm_kev=setting.fwhm_kev, tails=setting.tails)
    single = setting.truth()
    truth = {name: np.repeat(values, DETECTORS, axis=0) for name, values in vars(single).items()}
    gains = 1 + 0.01 * np.linspace(-0.5, 0.5, DETECTORS)  # detectors differ
    truth |= {"counts": DETECTORS * single.counts, "kev_per_unit": gains * truth["kev_per_unit"], "tails": single.tails}
    means = model.expected(type(single)(**truth))
    seeded = np.random.default_rng(2)
    runs = [[seeded.poisson(mean).astype(float) for mean in means] for _ in range(FITS)]
    (seconds,) = _seconds(runs, lambda counts: fit(model, counts))
    return 1 / float(np.median(seconds))


def _seconds(spectra, *functions: Callable) -> list[np.ndarray]:
    """CPU seconds of a call, float64[RUNS], of each function; their runs alternate."""
    found = np.zeros((len(functions), RUNS))
    for run in range(RUNS):
        for i, function in enumerate(functions):
            begin = time.process_time()
            for counts in spectra:
                function(counts)
            found[i, run] = (time.process_time() - begin) / len(spectra)
    return list(found)

"""Whole analyses of missions whose truth is known from the scenario only: are counts, errors and limits right?

Missions are drawn at random (`mission_scenarios`). Most have spectra drawn by the model of the simulated head, without
the firmware; some are flown by the firmware on the unix target and kept as archives (`mission_flights`). The spectra of
both are compared. Each mission is calibrated and analysed as a user would: energy scales and drift as by `dorn
calibrate --lines Po-209,Po-210,Rn-222 --drift Po-209`, then as by `dorn analyse`, without the slices of storm mode.

A pull is (counts - true expectation) / error, with the statistical error expected for the true values and the fitted
error of the shape: a fitted statistical error is correlated with the counts. Nuclides with fewer than LEAST expected
counts have no pulls. Upper limits are judged for all nuclides, including those that are absent.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import binom, chi2, kstest, norm

from dorn.analysis import calibration
from dorn.analysis.emission import Emissions, emissions
from dorn.analysis.line_fit import expected_errors
from dorn.dictionary import Dictionary
from dorn.head.scenario_source import ScenarioSource
from dorn.nuclides.chains import alpha_emitters
from dorn.products import Archive
from dorn.products.directions import SIDES, directions, selected
from dorn.products.scales import scales_of
from dorn.products.slice_arrays import SliceArrays
from dorn.products.style import ANALYSED, BLUE, FAINT
from dorn.study import Report, mission_flights, mission_scenarios, spread
from dorn.study.mission_scenarios import SLICE_S

MISSIONS, FLOWN, DURATION_S = 20, 6, 176 * 3600.0
SHORT_MISSIONS, SHORT_FLOWN, SHORT_DURATION_S = 3, 1, 8 * 3600.0
CALIBRATED_BY, FOLLOWED = ("Po-209", "Po-210", "Rn-222"), "Po-209"
SEARCH = 0.01
LEAST = 30.0  # expected counts required for a pull
KS_P, FARTHEST = 1e-3, 4.5
COVERED, OF = 17, 20  # of 20 limits of a nuclide, 17 must cover the truth; of more, a number as probable
SAME_P = 1e-3
_ENOUGH = 25  # counts required per bin in the comparison of two spectra
_OTHER = 1000  # added to the seed of a mission: the same scenario with other particles


class Mission(NamedTuple):
    seed: int
    duration_s: float
    flown: bool


@dataclass(frozen=True)
class Result:
    """One nuclide in one direction of a mission."""

    nuclide: str
    truth: float  # expected counts
    counts: float
    error: float  # expected at the truth, including the error of the shape
    upper: float


def study(report: Report, short: bool, archives: Path | None = None) -> None:
    """archives: folder in which flown missions are kept, and from which they are reused; None: they are not kept."""
    missions, flown, duration_s = (
        (SHORT_MISSIONS, SHORT_FLOWN, SHORT_DURATION_S) if short else (MISSIONS, FLOWN, DURATION_S)
    )
    with tempfile.TemporaryDirectory(prefix="dorn-study-") as temporary:
        folder = archives or Path(temporary)
        paths = list(spread(partial(mission_flights.flown, folder, duration_s=duration_s), range(flown)))
        jobs = [Mission(seed, duration_s, seed < flown) for seed in range(missions)]
        found = list(spread(partial(analysed, dict(enumerate(paths))), jobs))
        same = list(spread(compared_with_drawn, [(path, jobs[n]) for n, path in enumerate(paths)]))
    results = [one for of in found for one in of]
    _judge(report, results, f"{missions} missions of {duration_s / 3600:g} h, {flown} of them flown by the firmware")
    least = min(1.0, min(same) * len(same))
    what = f"{flown} flown and drawn missions, least p of chi-squared of all detectors after Bonferroni"
    report.bound(what, f"{least:.3f}", f"> {SAME_P:g}", least > SAME_P)


def _judge(report: Report, found: list[Result], title: str) -> None:
    pulls: dict[str, np.ndarray] = {}
    for name in _names(found):
        of = [(one.counts - one.truth) / one.error for one in found if one.nuclide == name and one.truth >= LEAST]
        if of:
            pulls[name] = np.array(of)
    pooled = np.concatenate(list(pulls.values()))
    covers = {name: [one.upper >= one.truth for one in found if one.nuclide == name] for name in _names(found)}
    rows = []
    for name in [*covers, "all"]:
        of = pulls.get(name, pooled if name == "all" else np.array([]))
        limits = covers.get(name, [one for each in covers.values() for one in each])
        figures = ("", "", "", "", "")
        if len(of):
            errors = [one.error / one.truth for one in found if one.truth >= LEAST and name in (one.nuclide, "all")]
            figures = (f"{of.mean():+.2f}", f"{of.std():.2f}", f"{max(of, key=abs):+.2f}")
            figures += f"{kstest(of, norm.cdf).pvalue:.3f}", f"{100 * np.median(errors):.1f}"
        rows.append((name, len(of), *figures, f"{sum(limits)} of {len(limits)}"))
    columns = ("nuclide", "pulls", "mean", "width", "farthest", "KS p", "error, %", "limits that cover")
    report.table(f"counts of {title}, both directions", columns, rows)
    ps = {name: float(kstest(of, norm.cdf).pvalue) for name, of in pulls.items()}
    least = min(ps, key=lambda name: ps[name])
    p = float(kstest(pooled, norm.cdf).pvalue)
    report.bound(f"{len(pooled)} pulls: Kolmogorov-Smirnov p against N(0, 1)", f"{p:.3f}", f"> {KS_P:g}", p > KS_P)
    p = min(1.0, ps[least] * len(ps))
    what = f"least p of {len(ps)} nuclides, {least}, after Bonferroni"
    report.bound(what, f"{p:.3f}", f"> {KS_P:g}", p > KS_P)
    farthest = float(max(abs(pooled)))
    report.bound("farthest pull", f"{farthest:.2f}", f"<= {FARTHEST}", farthest <= FARTHEST)
    worst = min(covers, key=lambda name: float(np.mean(covers[name])))
    n, of = sum(covers[worst]), len(covers[worst])
    most = int(binom.ppf(float(binom.cdf(COVERED - 1, OF, 0.95)), of, 0.95))
    report.bound(f"upper limits of 95 % that cover, worst nuclide, {worst}", f"{n} of {of}", f">= {most}", n >= most)
    report.plot("missions", _plot(pulls))


def _names(found: list[Result]) -> list[str]:
    return list(dict.fromkeys(one.nuclide for one in found))


def analysed(paths: dict[int, Path], mission: Mission) -> list[Result]:
    """Analyse a mission from its archive if it was flown; otherwise draw it."""
    source = mission_scenarios.source(mission.seed, mission.duration_s)
    if mission.flown:
        slices = Archive(paths[mission.seed]).slices(SLICE_S)
    else:
        slices = mission_scenarios.drawn(mission.seed, mission.duration_s)
    slices = calibrated(slices)
    chosen = selected(slices, None, None, False)
    truth = expected(source, slices, chosen)
    results = []
    for side, direction in enumerate(directions(slices, chosen, SEARCH)):
        found = emissions(direction, alpha_emitters(ANALYSED))
        results += compared(found, {name: float(pulses[side :: len(SIDES)].sum()) for name, pulses in truth.items()})
    return results


def calibrated(slices: SliceArrays) -> SliceArrays:
    """The slices on the scales that `dorn calibrate` finds, passed through its file."""
    instrument = Dictionary.load().instrument
    scales, _, drift = scales_of(slices, range(slices.counts.shape[1]), CALIBRATED_BY, FOLLOWED)
    with tempfile.TemporaryDirectory(prefix="dorn-study-") as folder:
        path = Path(folder) / "calibration.toml"
        path.write_text(calibration.text(scales, "code", {}, drift))
        return slices.calibrated(calibration.Calibration.load(path, instrument), instrument)


def expected(source: ScenarioSource, slices: SliceArrays, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """Expected pulses in each detector in the live time of the chosen slices: name -> float64[16]."""
    n = slices.counts.shape[1]
    live_s = slices.live_s[:, :n]
    total: dict[str, np.ndarray] = {}
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(int)))
    for first, end in edges.reshape(-1, 2).tolist():  # a run of chosen slices
        begin_s, end_s = slices.start_s[first], min(slices.start_s[end - 1] + SLICE_S, source.duration_s)
        lived = live_s[first:end].sum(axis=0) / (end_s - begin_s)
        for name, pulses in source.expected(float(begin_s), float(end_s)).items():
            total[name] = total.get(name, 0.0) + pulses * lived
    return total


def compared(found: Emissions, truth: dict[str, float]) -> list[Result]:
    """Each nuclide with its true expected counts."""
    true = np.array([truth.get(name, 0.0) for name in found.fit.nuclides])
    errors = expected_errors(found.model(), replace(found.fit.values, counts=true)).counts
    return [
        Result(one.nuclide, expected, one.counts, float(np.hypot(error, one.shape)), one.upper)
        for one, expected, error in zip(found.emissions, true.tolist(), errors.tolist(), strict=True)
    ]


def compared_with_drawn(job: tuple[Path, Mission]) -> float:
    """The p-value of a chi-squared test that the spectra of the flown mission and of the same mission drawn with other
    particles agree: all detectors together, without slices that are in storm mode in either."""
    path, mission = job
    flown = Archive(path).slices(SLICE_S)
    drawn = mission_scenarios.drawn(mission.seed, mission.duration_s, mission.seed + _OTHER)
    quiet = set.intersection(*(set(one.start_s[one.storm == 0].tolist()) for one in (flown, drawn)))
    chosen = [np.isin(one.start_s, list(quiet)) for one in (flown, drawn)]
    spectra = [one.counts[some].sum(axis=0, dtype=np.int64) for one, some in zip((flown, drawn), chosen, strict=True)]
    times_s = [one.live_s[some, 0].sum() for one, some in zip((flown, drawn), chosen, strict=True)]
    total, dof = 0.0, 0
    for a, b in zip(*spectra, strict=True):
        bins = np.unique(np.cumsum(a + b) // _ENOUGH, return_index=True)[1]
        a, b = (np.add.reduceat(one, bins).astype(float) for one in (a, b))
        ratio = times_s[1] / times_s[0]
        # chi-squared of two Poisson counts whose expectations have this ratio
        total += float(np.sum((ratio * a - b) ** 2 / (ratio * (a + b))))
        dof += len(bins)
    return float(chi2.sf(total, dof))


def _plot(pulls: dict[str, np.ndarray]) -> Figure:
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for at, of in enumerate(pulls.values()):
        axes.plot(at + np.linspace(-0.25, 0.25, len(of)), of, ".", color=BLUE)
    axes.axhspan(-2, 2, color=FAINT, alpha=0.3)
    axes.set_xticks(range(len(pulls)), list(pulls))
    axes.set_ylabel("(counts - true counts) / error")
    return figure

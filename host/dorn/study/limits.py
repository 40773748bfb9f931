"""Limits: do intervals contain the true value as often as they state, and how often is a signal detected by chance?

Fits of lines: spectra with known counts are drawn at random with fixed seeds, and fitted twice: freely, and with the
true counts of one nuclide. The interval contains the truth if the likelihood ratio of the two is at most the critical
value. The coverage for single counts is found by exact sums over all possible counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy.special import xlogy
from scipy.stats import chi2, poisson

from dorn.analysis.likelihood_ratio import Ratios, critical_of
from dorn.analysis.limits import (
    FEW,
    decision_threshold,
    detection_probability,
    feldman_cousins,
    iso_threshold,
    upper_limit,
)
from dorn.analysis.line_fit import fit
from dorn.analysis.line_model import Grid, LineModel, Parameters
from dorn.dictionary import Dictionary
from dorn.products.style import BLUE, GREEN, GREY, ORANGE
from dorn.study import Report, spread

_INSTRUMENT = Dictionary.load().instrument
KEV_PER_CODE, ZERO_CODE, CODES_PER_CHANNEL = (
    _INSTRUMENT[n] for n in ("kev_per_code", "zero_code", "codes_per_channel")
)
FIRST_CHANNEL, CHANNELS = 420, 110  # 4.9 to 6.2 MeV
NUCLIDES, NAME = ("Po-210", "Rn-222", "Po-218"), "Rn-222"
OTHERS, BACKGROUND = 100, 50  # counts of each other nuclide, and in all channels
FWHM_KEV, TAILS = 60, ((0.07, 20.0),)
MANY, MIDDLE, FEW_MEANS = (30, 100, 300), np.linspace(10, 30, 20), (1, 3, 8)
SPECTRA, PER_MIDDLE, SIMULATED = 3000, 300, 500  # per mean
TOYS = 100  # simulated spectra for each of SIMULATED: half as many as in dorn.analysis, with the same expected coverage
SHORT_SPECTRA, SHORT_PER_MIDDLE = 500, 30
BLOCK = 100  # spectra in one process
LEVELS = 0.68, 0.95
WITHIN = 0.04, 0.02  # allowed deviations from LEVELS
LEAST_EXACT, LEAST_SIMULATED = 0.945, 0.935  # for 95 %, below FEW counts
BACKGROUNDS, TAUS, ALPHA = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100), (1, 4, 10), 0.05
SIGNALS = np.linspace(0.02, FEW, 500)
SIGNAL_BACKGROUNDS = (0.0, 1.0, 3.0, 10.0)


class Job(NamedTuple):
    mean: float  # true counts of NAME
    numbers: range  # numbers of the spectra
    simulated: bool  # whether critical values are also from simulated spectra


@dataclass
class Coverage:
    """Fractions of the intervals that contain the truth."""

    mean: float
    spectra: int
    profile: np.ndarray  # float64[2], for LEVELS
    simulated: np.ndarray | None = None  # float64[2]: interval and upper limit, both at 95 %


def study(report: Report, short: bool) -> None:
    _judge_counts(report)
    _judge_thresholds(report)
    spectra, per_middle = (SHORT_SPECTRA, SHORT_PER_MIDDLE) if short else (SPECTRA, PER_MIDDLE)
    many = _run([(mean, spectra) for mean in MANY], False)
    middle = _run([(float(mean), per_middle) for mean in MIDDLE], False)
    few = [] if short else _run([(float(mean), SIMULATED) for mean in FEW_MEANS], True)
    _judge_fits(report, many, middle, few)
    report.plot("limits", _plot([*few, *middle, *many]))


# ---- fits of lines ---------------------------------------------------------------------------------------------------


def model() -> LineModel:
    edges = CODES_PER_CHANNEL * (FIRST_CHANNEL + np.arange(CHANNELS + 1)) - 0.5
    return LineModel([Grid(edges, KEV_PER_CODE, ZERO_CODE)], NUCLIDES, fwhm_kev=FWHM_KEV, tails=TAILS)


def truth(lines: LineModel, mean: float) -> Parameters:
    counts = np.array([mean if name == NAME else OTHERS for name in NUCLIDES], float)
    return replace(lines.parameters(lines.start), counts=counts, background=np.array([[float(BACKGROUND)]]))


def coverage(job: Job) -> np.ndarray:
    """bool[spectra, 4]: whether the intervals contain the truth, in the order of `Coverage`."""
    lines = model()
    expected = lines.expected(truth(lines, job.mean))[0]
    critical = chi2.ppf(LEVELS, 1)
    contains = np.zeros((len(job.numbers), 4), bool)
    for row, number in zip(contains, job.numbers, strict=True):
        counts = [np.random.default_rng([int(100 * job.mean), number]).poisson(expected)]
        ratios = Ratios(fit(lines, counts), lines, counts, NAME)
        ratio = ratios.at(job.mean)
        row[:2] = ratio <= critical
        if job.simulated:
            simulated = ratios.simulated(job.mean, number, TOYS)
            row[2] = ratio <= critical_of(simulated, 0.95, upper=False)
            row[3] = ratios.value >= job.mean or ratio <= critical_of(simulated, 0.95, upper=True)
    return contains


def _run(means, simulated) -> list[Coverage]:
    jobs = [
        Job(mean, range(first, min(first + BLOCK, spectra)), simulated)
        for mean, spectra in means
        for first in range(0, spectra, BLOCK)
    ]
    found = list(spread(coverage, jobs))
    joined = []
    for mean, spectra in means:
        of = np.concatenate([one for one, job in zip(found, jobs, strict=True) if job.mean == mean]).mean(axis=0)
        joined.append(Coverage(mean, spectra, of[:2], of[2:] if simulated else None))
    return joined


def _judge_fits(report, many, middle, few):
    rows = []
    for one in [*few, *middle, *many]:
        others = ["", ""] if one.simulated is None else [f"{x:.1%}" for x in one.simulated]
        shown = [f"{x:.1%}" for x in one.profile]
        rows.append((f"{one.mean:.2f}", one.spectra, "" if one.mean < FEW else shown[0], shown[1], *others))
    title = f"intervals of the counts of {NAME} that contain the true value"
    columns = "mean", "spectra", "profile 68 %", "profile 95 %", f"{TOYS} toys 95 %", "upper limit 95 %"
    report.table(title, columns, rows)
    for i, (level, within) in enumerate(zip(LEVELS, WITHIN, strict=True)):
        worst = max((one.profile[i] for one in many), key=lambda x: abs(x - level))
        mean = float(np.mean([one.profile[i] for one in middle]))
        for what, found in (
            (f"{len(many)} means from {MANY[0]}, worst", worst),
            (f"{len(middle)} means from {MIDDLE[0]:g} to {MIDDLE[-1]:g} counts, average", mean),
        ):
            kept = abs(found - level) <= within
            report.bound(f"profile {level:.0%}, {what}", f"{found:.1%}", f"{level:.0%} +-{within:.0%}", kept)
    if not few:
        report.say(f"\nsimulated intervals below {FEW} counts: skipped in the short form")
        return
    for i, what in enumerate(("intervals", "upper limits")):
        worst = min(one.simulated[i] for one in few)
        what = f"{what} from simulated spectra, {len(few)} means below {FEW} counts, worst"
        report.bound(what, f"{worst:.1%}", f">= {LEAST_SIMULATED:.1%}", worst >= LEAST_SIMULATED)


# ---- single counts ---------------------------------------------------------------------------------------------------


def covered(signals: np.ndarray, background: float, contains: np.ndarray) -> np.ndarray:
    """float64[signals]: probability that the interval contains the signal; contains: bool[counts, signals]"""
    return (poisson.pmf(np.arange(len(contains))[:, None], signals + background) * contains).sum(axis=0)


def of_intervals(signals, background):
    """Coverage of the intervals of Feldman and Cousins, and of upper limits: float64[signals] each."""
    counts = range(int(signals.max() + background + 10 * np.sqrt(signals.max() + background) + 10))
    found = [feldman_cousins(n, background) for n in counts]
    low, high = (np.array([getattr(one, end) for one in found])[:, None] for end in ("low", "high"))
    most = np.array([upper_limit(n, background) for n in counts])[:, None]
    return covered(signals, background, (low <= signals) & (signals <= high)), covered(
        signals, background, signals <= most
    )


def of_profile(signals):
    """Coverage of plain 95 % profile-likelihood intervals, without background."""
    n = np.arange(int(2 * signals.max() + 30))[:, None]
    ratios = 2 * (signals - n + xlogy(n, n / signals))
    return covered(signals, 0.0, ratios <= chi2.ppf(0.95, 1))


def _judge_counts(report):
    rows, least = [], []
    for background in SIGNAL_BACKGROUNDS:
        least.append([float(x.min()) for x in of_intervals(SIGNALS, background)])
        rows.append((f"{background:g}", *(f"{x:.2%}" for x in least[-1])))
    title = f"single counts, known background, exact: least coverage of 95 %, signals up to {FEW}"
    report.table(title, ("background", "Feldman and Cousins", "upper limit"), rows)
    at = np.array([1.95, 3.0])
    plain = ", ".join(f"{x:.1%} at {signal:g}" for x, signal in zip(of_profile(at), at, strict=True))
    report.say(f"plain profile likelihood, no background: {plain}")
    for what, found in zip(("Feldman and Cousins", "upper limits"), np.min(least, axis=0), strict=True):
        what = f"{what}, below {FEW} counts, exact, worst"
        report.bound(what, f"{found:.2%}", f">= {LEAST_EXACT:.1%}", found >= LEAST_EXACT)


def _judge_thresholds(report):
    exact, iso = (
        np.array([[detection_probability(0, b, tau, threshold) for tau in TAUS] for b in BACKGROUNDS])
        for threshold in (decision_threshold, iso_threshold)
    )
    rows = [
        (f"{b:g}", *(f"{x:.2%}" for x in mine), *(f"{x:.2%}" for x in others))
        for b, mine, others in zip(BACKGROUNDS, exact, iso, strict=True)
    ]
    title = "false detections, exact, for background measured with tau times the exposure"
    columns = "background", *(f"{name}, {tau}" for name in ("tau", "ISO 11929") for tau in TAUS)
    report.table(title, columns, rows)
    what = f"false detections, background {BACKGROUNDS[0]:g} to {BACKGROUNDS[-1]:g}, tau {TAUS[0]} to {TAUS[-1]}, worst"
    report.bound(what, f"{exact.max():.2%}", f"<= {ALPHA:.1%}", exact.max() <= ALPHA)
    report.say(f"the same for ISO 11929, by tau: {', '.join(f'{x:.1%}' for x in iso.max(axis=0))}")


def _plot(fits):
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    signals = np.geomspace(0.1, 30, 600)
    axes.plot(signals, of_intervals(signals, 0.0)[0], label="Feldman and Cousins, exact", color=BLUE)
    axes.plot(signals, of_profile(signals), label="plain profile, single count, exact", color=ORANGE, lw=0.8)
    axes.plot(*zip(*((one.mean, one.profile[1]) for one in fits), strict=True), "k.", label="profile, fits of lines")
    few = [(one.mean, one.simulated[0]) for one in fits if one.simulated is not None]
    if few:
        axes.plot(*zip(*few, strict=True), "D", color=GREEN, label="simulated spectra, fits of lines")
    axes.axhline(0.95, color=GREY, lw=0.8)
    axes.set(xscale="log", ylim=(0.8, 1), xlabel="expected counts", ylabel="coverage of intervals of 95 %")
    axes.legend()
    return figure

"""Whole analyses of missions whose truth is only in the scenario: are counts and their errors right, and limits?

A mission is a scenario drawn at random: rates, tails that differ between sources, resolutions and gains of each
detector, a drift of 2 % with temperature, contamination and an impurity of the calibration source. Its spectra are
drawn by the model of the simulated head, without the firmware, and analysed as a user would: energy scales and drift
from Po-209 and Po-210 as by `dorn calibrate --drift`, then as by `dorn analyse`.

A pull is (counts - true expectation) / error, with the statistical error expected at the truth and the fitted error of
the shape: an error by the fit is correlated with its counts. Nuclides of fewer than LEAST expected counts are left out:
for them, and for those that are absent, the upper limit must cover the truth.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import binom, kstest, norm

from dorn.analysis import drift
from dorn.analysis.calibration import channel_edges
from dorn.analysis.emission import Direction, Emissions, emissions
from dorn.analysis.line_fit import expected_errors
from dorn.dictionary import Dictionary
from dorn.head.analogue import FrontEnd
from dorn.head.scenario_source import ScenarioSource
from dorn.nuclides.chains import alpha_emitters
from dorn.products.directions import SIDES
from dorn.products.style import BLUE, FAINT, LABELLED
from dorn.study import Report, spread

MISSIONS, SHORT_MISSIONS = 24, 4
DURATION_S, SLICES = 72_000, 12
DRIFT_PER_C = 2.5e-4  # over 80 degrees: 2 %
SEARCH = 0.01
LEAST = 30.0  # expected counts of a pull
KS_P, FARTHEST = 1e-3, 4.5
_COVERED_P = 1e-3  # probability of fewer limits that cover, if 95 % of them do
_SOURCE = """
[[source]]
nuclide = "{nuclide}"
{rate}
detectors = "{detectors}"
tail_fraction = {tail_fraction:.4f}
tail_kev = {tail_kev:.1f}
{more}
"""


@dataclass(frozen=True)
class Result:
    """One nuclide in one direction of a mission."""

    nuclide: str
    truth: float  # expected counts
    counts: float
    error: float  # expected at the truth, with that of the shape
    upper: float


def study(report: Report, short: bool) -> None:
    missions = SHORT_MISSIONS if short else MISSIONS
    found = [one for results in spread(analysed, range(missions)) for one in results]
    pulls: dict[str, np.ndarray] = {}
    for name in dict.fromkeys(one.nuclide for one in found):
        of = [(one.counts - one.truth) / one.error for one in found if one.nuclide == name and one.truth >= LEAST]
        if of:
            pulls[name] = np.array(of)
    pooled = np.concatenate(list(pulls.values()))
    weak = [one for one in found if one.truth < LEAST]
    covered = sum(one.upper >= one.truth for one in weak)
    rows = []
    for name, of in {**pulls, "all": pooled}.items():
        p = kstest(of, norm.cdf).pvalue
        error = np.median(
            [one.error / one.truth for one in found if one.truth >= LEAST and name in (one.nuclide, "all")]
        )
        figures = f"{of.mean():+.2f}", f"{of.std():.2f}", f"{max(of, key=abs):+.2f}", f"{p:.3f}"
        rows.append((name, len(of), *figures, f"{100 * error:.1f}"))
    columns = ("nuclide", "pulls", "mean", "width", "farthest", "KS p", "error, %")
    report.table(f"counts of {missions} missions of {DURATION_S / 3600:g} h, both directions", columns, rows)
    ps = {name: float(kstest(of, norm.cdf).pvalue) for name, of in pulls.items()}
    least = min(ps, key=lambda name: ps[name])
    p = float(kstest(pooled, norm.cdf).pvalue)
    report.bound(f"{len(pooled)} pulls: Kolmogorov-Smirnov p against N(0, 1)", f"{p:.3f}", f"> {KS_P:g}", p > KS_P)
    p = min(1.0, ps[least] * len(ps))
    what = f"least p of {len(ps)} nuclides, {least}, after Bonferroni"
    report.bound(what, f"{p:.3f}", f"> {KS_P:g}", p > KS_P)
    farthest = float(max(abs(pooled)))
    report.bound("farthest pull", f"{farthest:.2f}", f"<= {FARTHEST}", farthest <= FARTHEST)
    most = int(binom.ppf(_COVERED_P, len(weak), 0.95))
    what = f"upper limits that cover the truth, of {len(weak)}"
    report.bound(what, f"{covered}", f">= {most}", covered >= most)
    report.plot("missions", _plot(pulls))


def scenario(seed: int) -> str:
    """The scenario of a mission, in TOML."""
    draw = np.random.default_rng([seed, 7])

    def source(nuclide, rate, detectors="all", more=""):
        tail = {"tail_fraction": draw.uniform(0.05, 0.1), "tail_kev": draw.uniform(17, 23)}
        return _SOURCE.format(nuclide=nuclide, rate=rate, detectors=detectors, more=more, **tail)

    def bq(low, high):
        return f"activity_bq = {np.exp(draw.uniform(np.log(low), np.log(high))):.6f}"

    def plane(low, high):
        bq_per_cm2 = np.exp(draw.uniform(np.log(low), np.log(high)))
        return f"activity_bq_per_cm2 = {bq_per_cm2:.7f}\narea_cm2 = 6\nhalf_angle_deg = 60"

    decaying = "efficiency = 0.5\nchain = true"
    parts = [
        f"duration_s = {DURATION_S}",
        source("Po-209", bq(0.6, 1.0)),
        source("Po-210", bq(0.01, 0.03)),  # in the calibration source
        source("Po-210", bq(0.01, 0.05), more="efficiency = 0.5\ndecays = true"),  # on the detectors
        source("Pb-212", bq(0.1, 0.4), more=decaying),
        source("Po-210", plane(2e-3, 2e-2), "back"),
        source("Rn-222", plane(1e-3, 1e-2), "front"),
        source("Po-218", plane(5e-4, 5e-3)),
        source("Po-214", plane(5e-4, 5e-3)),
        source("Rn-220", bq(0.01, 0.1), more='followed_by = "Po-216"\nfollowed_fraction = 0.5'),
        f"[background]\nrate_cps = {draw.uniform(0.2, 1):.4f}\nmin_kev = 600\nmax_kev = 11500\nthrough_fraction = 0.3",
        "[head]",
        f"noise_kev = {draw.uniform(33, 42, 16).round(1).tolist()}",
        f"gain = {draw.normal(1, 0.006, 16).clip(0.985, 1.015).round(4).tolist()}",
        f"gain_per_c = {(-DRIFT_PER_C * draw.uniform(0.8, 1.2, 16)).round(7).tolist()}",
        f"temperature_c = [[0, {draw.uniform(-25, -15):.1f}], [{0.4 * DURATION_S:.0f}, {draw.uniform(0, 30):.1f}], "
        f"[{DURATION_S}, {draw.uniform(50, 60):.1f}]]",
    ]
    return "\n".join(parts)


def spectra(source: ScenarioSource, seed: int) -> np.ndarray:
    """int64[slices, 16, channels] of a mission."""
    instrument = Dictionary.load().instrument
    front_end = FrontEnd.from_table(source.head, instrument)
    generator, channels = np.random.default_rng([seed, 8]), instrument["channels"]
    counts = np.zeros(SLICES * 16 * channels, np.int64)
    for times_ns, detectors, energies_kev in source.pulses(seed=seed):
        codes = front_end.codes(times_ns, detectors, energies_kev, generator)
        of_slice = np.minimum((times_ns * (SLICES / (1e9 * DURATION_S))).astype(np.int64), SLICES - 1)
        place = (of_slice * 16 + detectors) * channels + codes // instrument["codes_per_channel"]
        counts += np.bincount(place, minlength=len(counts))
    return counts.reshape(SLICES, 16, channels)


def analysed(seed: int) -> list[Result]:
    """Draw and analyse a mission."""
    with tempfile.TemporaryDirectory(prefix="dorn-study-") as folder:
        path = Path(folder) / "mission.toml"
        path.write_text(scenario(seed))
        source = ScenarioSource.load(path)
    counts = spectra(source, seed)
    truth = source.expected(0.0, DURATION_S)
    results = []
    for side, name in enumerate(SIDES):
        found = emissions(calibrated(counts[:, side::2], name, seed), alpha_emitters(LABELLED))
        results += compared(found, {n: float(pulses[side::2].sum()) for n, pulses in truth.items()})
    return results


def calibrated(counts: np.ndarray, name: str, seed: int) -> Direction:
    """The detectors of a direction, int[slices, 8, channels], on their energy scales and without drift."""
    instrument = Dictionary.load().instrument
    edges_code = channel_edges(instrument)
    start = instrument["kev_per_code"], float(instrument["zero_code"])
    generator = np.random.default_rng([seed, 9])
    edges_kev, still = [], []
    for detector in range(counts.shape[1]):
        seen = counts[:, detector]
        scale, gains, _ = drift.followed(seen, edges_code, ["Po-209", "Po-210"], "Po-209", *start)
        edges_kev.append(scale.energy_kev(edges_code))
        still.append(drift.steady(seen, np.where(np.isfinite(gains), gains, 1.0), edges_kev[-1], generator))
    live_s = np.full(len(still), float(DURATION_S))
    return Direction(name, edges_kev, still, live_s, [str(d) for d in range(len(still))], search=SEARCH)


def compared(found: Emissions, truth: dict[str, float]) -> list[Result]:
    """Each nuclide beside its true expected counts."""
    true = np.array([truth.get(name, 0.0) for name in found.fit.nuclides])
    errors = expected_errors(found.model(), replace(found.fit.values, counts=true)).counts
    return [
        Result(one.nuclide, expected, one.counts, float(np.hypot(error, one.shape)), one.upper)
        for one, expected, error in zip(found.emissions, true.tolist(), errors.tolist(), strict=True)
    ]


def _plot(pulls: dict[str, np.ndarray]) -> Figure:
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for at, of in enumerate(pulls.values()):
        axes.plot(at + np.linspace(-0.25, 0.25, len(of)), of, ".", color=BLUE)
    axes.axhspan(-2, 2, color=FAINT, alpha=0.3)
    axes.set_xticks(range(len(pulls)), list(pulls))
    axes.set_ylabel("(counts - true counts) / error")
    return figure

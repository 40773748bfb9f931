"""Fits of lines: are the counts of nuclides unbiased, and are their errors right?

Spectra with known counts, drawn at random with fixed seeds, are fitted from initial values with a wrong energy scale
and width. Every pull, (fitted - true counts) / expected error, has the error expected at the truth: the error of a fit
is correlated with its counts, which biases pulls even of a perfect fit. The counts of an absent nuclide are bounded at
0, so its pulls are above 0 by construction; they are left out. Some fits are repeated with other programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import kstest, norm

from dorn.analysis.line_fit import expected_errors, fit, start
from dorn.analysis.line_model import Grid, LineModel, Parameters
from dorn.dictionary import Dictionary
from dorn.products.style import BLUE, ORANGE
from dorn.study import Report, fits_peers, fits_scales, fits_speed, spread

_INSTRUMENT = Dictionary.load().instrument
KEV_PER_CODE, ZERO_CODE, CODES_PER_CHANNEL = (
    _INSTRUMENT[n] for n in ("kev_per_code", "zero_code", "codes_per_channel")
)
NUCLIDES = ("Po-209", "Po-210", "Rn-222", "Po-218", "Bi-212", "Rn-220", "Po-216", "Po-214", "Po-212")
ABSENT = ((), ("Bi-212", "Po-212"), ("Rn-220", "Po-216"), ("Po-210", "Rn-222"))  # in turn
COUNTS, FWHM_KEV, TAILS = (30, 100, 1000), (25, 50, 100), ((), ((0.07, 20.0),))
BACKGROUND = 200  # counts in the spectrum
FIRST_CHANNEL, CHANNELS = 345, 442  # 4.0 to 9.3 MeV
GAIN, START_FWHM = 1.003, 0.71  # true energy scale over that at the start; FWHM at the start over the true one
SPECTRA, BLOCK = 1000, 250  # for each setting; in one process
SHORT_SPECTRA = 120
COMPARED = 20  # fits repeated with iminuit
MEAN, WIDTH, OTHERS, SIGMA = 0.1, 0.07, 0.2, 0.02  # of pulls; difference from iminuit in expected errors
# for SHORT_SPECTRA: the limits above plus three standard errors, with about 7 pulls per spectrum (OTHERS: one)
SHORT_MEAN, SHORT_WIDTH, SHORT_OTHERS = 0.20, 0.14, 0.47
HOLM_P = 1e-3


class Setting(NamedTuple):
    counts: int  # of each nuclide that is present
    fwhm_kev: float
    tails: tuple[tuple[float, float], ...]

    def __str__(self):
        return f"{self.counts} counts, {self.fwhm_kev:g} keV, {len(self.tails)} tail"

    def model(self) -> LineModel:
        channels = FIRST_CHANNEL + np.arange(CHANNELS + 1)
        grid = Grid(CODES_PER_CHANNEL * channels - 0.5, KEV_PER_CODE, ZERO_CODE)
        return LineModel([grid], NUCLIDES, fwhm_kev=START_FWHM * self.fwhm_kev, tails=self.tails)

    def truth(self, absent: tuple[str, ...] = ()) -> Parameters:
        return Parameters(
            counts=np.array([0.0 if name in absent else self.counts for name in NUCLIDES]),
            kev_per_unit=np.array([GAIN * KEV_PER_CODE]),
            zero=np.array([float(ZERO_CODE)]),
            fwhm_kev=np.array([[float(self.fwhm_kev)]]),
            background=np.array([[float(BACKGROUND)]]),
            tails=np.array(self.tails).reshape(-1, 2),
        )


SETTINGS = [Setting(n, fwhm_kev, tails) for tails in TAILS for fwhm_kev in FWHM_KEV for n in COUNTS]


@dataclass
class Closure:
    """The fits of the spectra of a setting."""

    setting: Setting
    pulls: np.ndarray  # float64[spectra, nuclides], NaN where a nuclide is absent
    others: np.ndarray  # float64[spectra, 2], pulls of energy scale and FWHM
    invalid: int

    @property
    def pooled(self) -> np.ndarray:
        return self.pulls[np.isfinite(self.pulls)]


def study(report: Report, short: bool) -> None:
    spectra = SHORT_SPECTRA if short else SPECTRA
    blocks = [range(first, min(first + BLOCK, spectra)) for first in range(0, spectra, BLOCK)]
    jobs = [(setting, block) for setting in SETTINGS for block in blocks]
    found = list(spread(closure, jobs))
    joined = [_joined(found[i : i + len(blocks)]) for i in range(0, len(found), len(blocks))]
    _judge(report, joined, short)
    report.plot("fits", _plot(joined))
    fits_scales.judge(report, short)
    _judge_peers(report, list(spread(compare, range(COMPARED))))
    if short:
        report.say("\nspeed: skipped in the short form")
    else:
        fits_speed.judge(report, Setting(100, 50, ()), Setting(100, 50, TAILS[1]))


def draw(setting: Setting, model: LineModel, number: int) -> tuple[np.ndarray, Parameters]:
    """Spectrum `number`, int[channels], and its true parameters."""
    truth = setting.truth(ABSENT[number % len(ABSENT)])
    seed = np.random.SeedSequence([SETTINGS.index(setting), number])
    return np.random.default_rng(seed).poisson(model.expected(truth)[0]), truth


def closure(job: tuple[Setting, range]) -> Closure:
    """Fit the spectra with the given numbers."""
    setting, numbers = job
    model = setting.model()
    errors = [expected_errors(model, setting.truth(absent)) for absent in ABSENT]
    pulls, others, invalid = [], [], 0
    for number in numbers:
        counts, truth = draw(setting, model, number)
        result, error = fit(model, [counts]), errors[number % len(ABSENT)]
        invalid += not result.valid
        pull = (result.values.counts - truth.counts) / error.counts
        pulls.append(np.where(truth.counts > 0, pull, np.nan))
        others.append(
            [
                ((result.values.kev_per_unit - truth.kev_per_unit) / error.kev_per_unit).item(),
                ((result.values.fwhm_kev - truth.fwhm_kev) / error.fwhm_kev).item(),
            ]
        )
    return Closure(setting, np.array(pulls), np.array(others), invalid)


def _joined(parts: list[Closure]) -> Closure:
    pulls, others = (np.concatenate([getattr(part, name) for part in parts]) for name in ("pulls", "others"))
    return Closure(parts[0].setting, pulls, others, sum(part.invalid for part in parts))


# ---- limits ----------------------------------------------------------------------------------------------------------


def _judge(report, joined: list[Closure], short):
    spectra = len(joined[0].pulls)
    rows = []
    for one in joined:
        pulls, (n, fwhm_kev, tails) = one.pooled, one.setting
        scale, width = (f"{x.mean():+.2f} {x.std():.2f}" for x in one.others.T)
        figures = f"{pulls.mean():+.3f}", f"{pulls.std():.3f}"
        rows.append((len(tails), fwhm_kev, n, len(pulls), one.invalid, *figures, scale, width))
    columns = ("tails", "FWHM keV", "counts", "pulls", "invalid", "mean", "width", "energy scale", "FWHM")
    report.table(f"pulls of the counts of nuclides, of energy scale and FWHM; {spectra} spectra each", columns, rows)
    cells = []
    for i, name in enumerate(NUCLIDES):
        of = [one.pulls[np.isfinite(one.pulls[:, i]), i] for one in joined]
        cells.append((name, *(f"{pulls.mean():+.2f} {pulls.std():.2f}" for pulls in of)))
    titles = [f"{len(s.tails)}/{s.fwhm_kev}/{s.counts}" for s in SETTINGS]
    report.table("the same for each nuclide; columns: tails / FWHM in keV / counts", ("nuclide", *titles), cells)
    mean, width, others = (SHORT_MEAN, SHORT_WIDTH, SHORT_OTHERS) if short else (MEAN, WIDTH, OTHERS)
    means, widths = ([f(one.pooled) for one in joined] for f in (np.mean, np.std))
    worst_mean, worst_width = max(means, key=abs), max(widths, key=lambda x: abs(x - 1))
    invalid = sum(one.invalid for one in joined)
    what = f"{len(joined)} settings, {spectra} spectra each: "
    report.bound(f"{what}invalid fits", f"{invalid}", "0", not invalid)
    report.bound(
        f"{what}worst mean pull (bias in standard errors)", f"{worst_mean:+.3f}", f"+-{mean}", abs(worst_mean) < mean
    )
    kept = abs(worst_width - 1) < width
    report.bound(f"{what}worst width of pulls", f"{worst_width:.3f}", f"1 +-{width}", kept)
    worst = max((x for one in joined for x in one.others.mean(axis=0)), key=abs)
    kept = abs(worst) < others
    report.bound(f"{what}worst mean pull of energy scale, FWHM", f"{worst:+.3f}", f"+-{others}", kept)
    p, which = _least_p(joined)
    tests = len(joined) * len(NUCLIDES)
    report.bound(
        f"least Kolmogorov-Smirnov p of {tests} nuclides, {which}, after Holm", f"{p:.4f}", f"> {HOLM_P:g}", p > HOLM_P
    )


def _least_p(joined):
    """Smallest p-value after Holm's correction over all nuclides and settings. Kolmogorov-Smirnov tests of the pulls
    against a normal distribution of width 1, with the mean within MEAN of 0 that is nearest to the measured one."""
    ps = {}
    for one in joined:
        for i, name in enumerate(NUCLIDES):
            pulls = one.pulls[np.isfinite(one.pulls[:, i]), i]
            mean = np.clip(pulls.mean(), -MEAN, MEAN)
            ps[f"{name}, {one.setting}"] = kstest(pulls, norm(mean).cdf).pvalue
    which = min(ps, key=lambda name: ps[name])
    return min(1.0, float(ps[which]) * len(ps)), which


def _plot(joined):
    figure = Figure(figsize=(10, 6), layout="constrained")
    bins = np.linspace(-4, 4, 41)
    panels = figure.subplots(3, 6, sharex=True, sharey=True).T.ravel()
    for axes, one in zip(panels, joined, strict=False):
        axes.hist(one.pooled, bins, density=True, color=BLUE)
        axes.plot(bins, norm.pdf(bins), color=ORANGE)
        axes.set_title(f"{one.setting}", fontsize=7)
    figure.supxlabel("(fitted - true counts) / expected error")
    return figure


# ---- other programs --------------------------------------------------------------------------------------------------


def compare(number: int) -> float:
    """Largest difference of a parameter from iminuit's, in expected errors."""
    setting = SETTINGS[number % len(SETTINGS)]
    model = setting.model()
    counts, truth = draw(setting, model, SPECTRA + number)
    vector = model.vector(fit(model, [counts]).values)
    other = fits_peers.minuit(model, counts, start(model, [counts.astype(float)]), gradient=True, exact=True)
    errors = expected_errors(model, truth)
    flat = np.concatenate([np.ravel(values) for values in vars(errors).values()])
    free = model.is_free
    return float(np.max(abs(vector - other)[free] / flat[free]))


def _judge_peers(report, differences):
    figure = f"{max(differences):.4f} errors, median {np.median(differences):.4f}"
    what = f"largest difference of a parameter from iminuit's, {len(differences)} spectra"
    report.bound(what, figure, f"<= {SIGMA}", max(differences) <= SIGMA)

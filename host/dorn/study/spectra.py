"""Spectra: does the whole instrument record every count of a source, in the channel it belongs to?

Three tests. Any spectra in DATA, every count played once, are compared with the source and with their authors' figures.
Sixteen strips of a real detector, played into sixteen detectors at their real gains, are calibrated with three
nuclides. A measured spectrum, played as a Poisson process, is compared with its source by chi-squared.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.stats import kstest

from dorn.errors import UserError
from dorn.files import KINDS
from dorn.study import Report, any_files, chi_squared, gains, measured, spectra_plots, spread
from dorn.study.peaks import peak, worst
from dorn.study.replay import LEAST_MV, Replay, replay

# 206.7 keV: between channels 9 and 10 of Kentucky's files, so that exactly their noise is below threshold
ABOVE_NOISE_MV = 31
RATE_CPS = {"unix": 8_000, "rp2040": 20_000}
EVENTS = {"unix": 10**6, "rp2040": 10**5}
SEEDS = 20
MOST_COUNTS = {False: 10**6, True: 20_000}  # of a file that belongs to no set, by whether the form is short
SHORT_EVENTS = {"unix": 10**5, "rp2040": 2 * 10**4}
SHORT_SEEDS = {"unix": 2, "rp2040": 1}
REPLAYED = tuple(measured.SETS)
# one of each set: the emulated chip records about 4000 events per second of computing time
SHORT_FILES = {
    "am241-lisbon": ["1Cal.dat"],
    "am241-cologne": ["1.2_mbar.spa"],
    "am241-milano": ["Single_detectors/Detector3/Shaping_time/Data/2_60V_noDigit.Chn"],
    "po210-kentucky": ["datafiles/spectrum579.Spe"],
}

# tolerances of a line against its stated values: centroid in channels of the instrument, FWHM as a fraction, reason
TOLERANCES = {
    ("am241-lisbon", "authors"): (0.15, 0.20, "PROVENANCE: within 0.1; the MCA's FWHM is interpolated"),
    ("am241-cologne", "authors"): (0.96, 0.25, "three times the difference of their two fits at 750 mbar"),
    ("am241-milano", "derived"): (0.15, 0.10, "Gaussians on finer channels: three standard errors for most lines"),
    ("am241-milano", "authors, pulser"): (0.15, 0.05, "PROVENANCE: 3 %, and three channels per peak"),
    ("am241-milano", "authors, Am-241"): (0.15, 0.10, "the authors' fit is asymmetric, this one has all lines"),
}
AUTHORS_PEAK = 7  # channels between the smoothed peak and the authors' table: half the smoothing window
DISTORTION = 0.1  # change of chi-squared by merged pulses, in its standard deviations: too small to be detected
KS_P, ONE_P = 1e-3, 1e-4


def study(report: Report, short: bool, data: Path, targets: tuple[str, ...]) -> None:
    sets = [name for name in REPLAYED if (data / name).is_dir()]
    others, refused = any_files.read(data, MOST_COUNTS[short], measured.known(data))
    files = [one for name in sets for one in _files(data, name, short, refused)]
    if not files and not others:
        why = "".join(f"; {file}: {reason}" for file, reason in refused)
        raise UserError.at("DATA", "folder", f"no file with a spectrum{why}; kinds that are read: {KINDS}", str(data))
    for target in targets:
        _judge_replays(report, target, list(spread(replay, list(_replays(target, files, others)))))
    if refused:
        report.table("not judged", ("file", "reason"), refused)
    _sixteen_gains(report, short, data, targets)
    source = (files + others)[0]
    if (data / chi_squared.SET / chi_squared.FILE).is_file():
        source = measured.read(data, chi_squared.SET, chi_squared.FILE)
    runs = []
    for target in targets:
        seeds = SHORT_SEEDS[target] if short else SEEDS
        events = (SHORT_EVENTS if short else EVENTS)[target]
        jobs = [(target, source, seed, events, RATE_CPS[target]) for seed in range(1, seeds + 1)]
        runs.append(list(spread(chi_squared.run, jobs)))
        _judge_chi_squared(report, source.file, runs[-1], events)
    report.plot("chi_squared", spectra_plots.p_values(runs))


def _files(data, name, short, refused) -> Iterator[measured.Measured]:
    """The files of a set that can be read; the others are added to `refused`."""
    try:
        there = measured.files(data, name)
    except UserError as error:
        refused.append((name, str(error)))
        return
    some = [file for file in there if file in SHORT_FILES[name]] or there[:1] if short else there
    for file in some:
        try:
            yield measured.read(data, name, file)
        except UserError as error:
            refused.append((f"{name}/{file}", str(error)))


def _sixteen_gains(report, short, data, targets) -> None:
    names = measured.strip_files(data)
    if not names:
        report.say(f"\nsixteen gains: skipped, no {measured.LEUVEN} with its figures in DATA")
    elif short and "rp2040" in targets:
        report.say("\nsixteen gains: skipped on rp2040 in the short form")
    jobs = [(target, data, name) for target in targets for name in names if not (short and target == "rp2040")]
    for (_, _, name), found in zip(jobs, spread(gains.gains, jobs), strict=True):
        calibration = gains.calibrate(found)
        gains.judge(report, found, calibration)
        which = "" if name == names[0] else f"_{name}"
        report.plot(f"gains_{found.target}{which}", spectra_plots.gains(found, calibration))


def _replays(target, files, others):
    for one in (*files, *others):
        yield target, one, ABOVE_NOISE_MV if one.set == "po210-kentucky" else LEAST_MV
    if target == "unix":  # including its noise: five million counts
        for one in files:
            if one.set == "po210-kentucky":
                yield target, one, LEAST_MV


# ---- replays ---------------------------------------------------------------------------------------------------------


def _judge_replays(report, target, replays: list[Replay]):
    groups: dict[tuple[str, int], list[Replay]] = {}
    verdicts = [(*_named(one), one.recording.fates["injected"], one.different, _verdict(one)) for one in replays]
    report.table(f"verdict of each file, on {target}", ("file", "mV", "injected", "misplaced", ""), verdicts)
    for one in replays:
        groups.setdefault((one.measured.set, one.comparator_mv), []).append(one)
    rows, lines = [], []
    for (name, comparator_mv), group in groups.items():
        fates = [sum(one.recording.fates[f] for one in group) for f in ("injected", "below_threshold")]
        over = sum(one.recording.counters["over_range"] for one in group)
        wrong = [one.measured.file for one in group if not _is_right(one)]
        sums = [_sums_off(group, stated) for stated in (True, False)]
        different = sum(one.different for one in group)
        recorded = sum(int(one.counts.sum()) for one in group)
        of_group = (len(group), fates[0], recorded, fates[1], over, different, sum(map(len, sums)))
        rows.append((name, comparator_mv, *of_group))
        what = f"{target}, {name} at {comparator_mv} mV"
        figure = f"{different} of {fates[0]}" + (f" ({wrong[0]}, ...)" if wrong else "")
        report.bound(f"{what}: misplaced counts", figure, "0, and all counters reconcile", not wrong)
        names = ("totals and region sums", "as stated"), ("totals", "as in the files")
        for off, (which, limit) in zip(sums, names, strict=True):
            if off:
                missed = sum(map(abs, off))
                report.bound(f"{what}: {which}, {len(off)}", f"{missed} counts off", f"0, {limit}", not missed)
        lines += _lines(report, target, group)
        _smoothed_peaks(report, what, group)
    columns = ("set", "mV", "files", "injected", "in spectra", "below threshold", "over range", "misplaced", "sums")
    report.table(f"every count played once, on {target}", columns, rows)
    columns = ("set", "stated by", "lines", "centroid: mean", "worst", "FWHM: mean", "worst", "reason for tolerance")
    if lines:
        report.table(f"lines, on {target}, against their stated values; centroids in channels", columns, lines)
    report.plot(f"replays_{target}", spectra_plots.replays([group[0] for group in groups.values()]))


def _sums_off(group: list[Replay], stated: bool) -> list[int]:
    """Counts recorded, minus those that others stated, or that are in the file."""
    ones = [one for one in group if one.measured.stated == stated]
    return [one.between(first, last) - counts for one in ones for _, first, last, counts in one.measured.sums]


def _named(one: Replay) -> tuple[str, int]:
    of, file = one.measured.set, one.measured.file
    return file if of == measured.ANY else f"{of}/{file}", one.comparator_mv


def _is_right(one: Replay) -> bool:
    return not one.different and one.recording.reconciled


def _verdict(one: Replay) -> str:
    return "every count in its channel" if _is_right(one) else "WRONG"


def _lines(report, target, group):
    """Yield one row of a set for each source of stated line values (authors, derived)."""
    found: dict[str, list[tuple[float, float]]] = {}
    for one in group:
        axis = one.axis
        for line in one.measured.lines:
            first, last = (axis.of_instrument(edge) for edge in (line.first, line.last))
            main, zero = (axis.of_instrument(channel) for channel in (line.centroid, 0))
            fit = peak(one.counts, first, last, line.nuclide, main, zero)
            ratio = fit.fwhm * axis.per_channel / line.fwhm
            found.setdefault(line.by, []).append((fit.centroid - axis.of_instrument(line.centroid), ratio - 1))
    for by, values in found.items():
        name = group[0].measured.set
        most, most_wide, why = TOLERANCES[name, by]
        off, wider = np.transpose(values)
        what = f"{target}, {name}: {{}} of {len(values)} lines against {by}"
        kept = abs(worst(off)) <= most
        report.bound(what.format("centroids"), f"{worst(off):+.3f} channel", f"+-{most}", kept)
        kept = abs(worst(wider)) <= most_wide
        report.bound(what.format("FWHM"), f"{worst(wider):+.1%}", f"+-{most_wide:.0%}", kept)
        centroid = f"{off.mean():+.3f}", f"{worst(off):+.3f}"
        fwhm = f"{wider.mean():+.1%}", f"{worst(wider):+.1%}"
        yield name, by, len(values), *centroid, *fwhm, why


def _smoothed_peaks(report, what, group):
    derived, authors = [], []
    for one in group:
        if one.measured.smoothed_peak is None:
            continue
        size = len(one.measured.counts)
        found = measured.smoothed_peak(one.counts[one.axis.first : one.axis.first + size])
        derived.append(abs(found - one.measured.smoothed_peak))
        if one.measured.authors_peak is not None:
            authors.append(abs(found - one.measured.authors_peak))
    if derived:
        which = f"{what}: smoothed peaks"
        report.bound(f"{which} of {len(derived)} files", f"{max(derived)} channels off", "0", not max(derived))
    if authors:
        off = f"{np.mean(authors):.1f} channels off, worst {max(authors):.1f}"
        kept = max(authors) <= AUTHORS_PEAK
        report.bound(f"{which}, {len(authors)} in the authors' table", off, f"at most {AUTHORS_PEAK}", kept)


# ---- chi-squared -----------------------------------------------------------------------------------------------------


def _judge_chi_squared(report, file: str, runs: list[chi_squared.Run], events: int):
    target = runs[0].target
    rows = [
        (r.seed, r.recorded, r.cells, f"{r.chi_squared:.1f}", f"{r.p:.4f}", f"{r.merged:.2%}", f"{r.distortion:.3f}")
        for r in runs
    ]
    columns = ("seed", "recorded", "cells", "chi-squared", "p", "merged", "adds to chi-squared")
    report.table(f"{file} at {RATE_CPS[target]} particles per second, on {target}", columns, rows)
    ps = [r.p for r in runs]
    least = min(r.recorded for r in runs)
    what = f"{target}, {len(runs)} seeds"
    report.bound(f"{what}: fewest recorded events", f"{least}", f">= {events}", least >= events)
    worst = max(r.distortion / r.sigma for r in runs)
    limit = f"<= {DISTORTION} of its standard deviation"
    report.bound(f"{what}: merged pulses add to chi-squared", f"{worst:.4f}", limit, worst <= DISTORTION)
    if len(runs) < SEEDS:
        report.say(
            f"with {len(runs)} of {SEEDS} seeds each p is judged individually; the long form tests that all are uniform"
        )
        report.bound(f"{what}: smallest p", f"{min(ps):.4f}", f"> {ONE_P:g}", min(ps) > ONE_P)
    else:
        p = kstest(ps, "uniform").pvalue
        report.bound(f"{what}: p of Kolmogorov-Smirnov test for uniform p", f"{p:.4f}", f"> {KS_P:g}", p > KS_P)

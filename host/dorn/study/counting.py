"""Counting: the fate of the particles of a known source, from 0.1 to 500 kcps, and the accuracy of live time.

A Poisson source plays on all detectors before the acquisition starts and until after it has stopped. Events over live
time must equal its rate. Every trial gives the pull (events - rate * live time) / sqrt(rate * live time), a standard
normal variable if live time is correct; the trials of one rate are pooled, and tested for that distribution.

Regular sources show the limits. With pulses further apart than the dead time nothing is lost; closer, every second
pulse is lost; closer than the pulse width, the lines are never quiet and all time is counted as dead. Their rate is not
events over live time: only random arrivals sample live and dead time alike.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from dorn.analysis import accidentals
from dorn.image.constants import constants
from dorn.products.style import FAINT
from dorn.study import Report, spread
from dorn.study.trials import ALONE, THROUGH, WIDTH_NS, Job, Trial, trials
from dorn.targets.event_model import PASS_LIMIT, board_times

SEEDS = tuple(range(1, 41))
POISSON_CPS = {
    "unix": (100, 300, 1000, 5000, 20_000, 50_000, 100_000, 200_000, 500_000),
    "rp2040": (5000, 20_000, 50_000, 100_000, 200_000, 500_000),
}
REGULAR_CPS = {
    "unix": (100, 1000, 5000, 20_000, 50_000, 100_000, 150_000, 500_000),
    "rp2040": (5000, 20_000, 50_000, 100_000, 150_000, 500_000),
}
SHORT_CPS = {"unix": POISSON_CPS["unix"], "rp2040": (20_000, 500_000)}
SHORT_SEEDS = {"unix": 4, "rp2040": 2}  # the emulated chip needs a third of a millisecond per event
PRECISE_CPS = (20_000, 50_000)  # with a limit of 0.5 %
ALL_RECORDED_CPS = 150_000
_TIMES = board_times(constants("pico"))
_PASS_LIMIT_MS = _TIMES.dead.of(1, PASS_LIMIT) / _TIMES.mhz / 1e3  # longest event: its line is never found quiet
MIXED_CPS = (20_000, 50_000, 100_000)


def study(report: Report, short: bool, targets=("unix", "rp2040")) -> None:
    _live_time(report, short, targets)
    _regular(report, short, targets)
    _classes(report, short, targets)


def _spread(jobs: list[Job]) -> dict[Job, list[Trial]]:
    """Run the trials of every job, with its seeds shared between two instruments in parallel."""
    halves = [(job, replace(job, seeds=job.seeds[i::2])) for job in jobs for i in (0, 1) if job.seeds[i::2]]
    out: dict[Job, list[Trial]] = {}
    for (job, _), some in zip(halves, spread(trials, [half for _, half in halves]), strict=True):
        out.setdefault(job, []).extend(some)
    return out


# ---- live time -------------------------------------------------------------------------------------------------------


def _live_time(report: Report, short: bool, targets) -> None:
    jobs = []
    for target in targets:
        seeds = SEEDS[: SHORT_SEEDS[target]] if short else SEEDS
        for rate_cps in SHORT_CPS[target] if short else POISSON_CPS[target]:
            events = 5000 if short else 25_000
            jobs.append(Job(target, "poisson", rate_cps, events / rate_cps, seeds))
    rows, points = [], {}
    for job, found in _spread(jobs).items():
        rate_cps = job.rate_cps
        events = np.array([t.rates["events"] for t in found])
        real_s, live_s = (np.array([t.rates[n] for t in found]) / 1e6 for n in ("real_us", "live_us"))
        pulls = (events - rate_cps * live_s) / np.sqrt(rate_cps * live_s)
        pooled = pulls.sum() / math.sqrt(len(pulls))  # equal weights: the trials are equally long
        ratio, error = events.sum() / live_s.sum() / rate_cps, 1 / math.sqrt(events.sum())
        uniform = stats.kstest(2 * stats.norm.sf(np.abs(pulls)), "uniform").pvalue
        what = f"{job.target} {rate_cps / 1000:g} kcps"
        fates = {name: sum(t.fates[name] for t in found) for name in found[0].fates}
        rows.append(
            (
                what,
                len(found),
                fates["injected"],
                f"{events.sum() / real_s.sum():.0f}",
                *(f"{100 * fates[n] / fates['injected']:.2f}" for n in ("merged", "lost_dead_time")),
                f"{100 * live_s.sum() / real_s.sum():.2f}",
                f"{100 * (ratio - 1):+.2f} +- {100 * error:.2f}",
                f"{pooled:+.2f}",
                f"{np.abs(pulls).max():.2f}",
                f"{uniform:.3f}",
            )
        )
        points.setdefault(job.target, []).append((rate_cps, events.sum() / real_s.sum(), ratio, error))
        report.bound(f"{what}: corrected rate, all seeds", f"{pooled:+.2f} sigma", "within 3", abs(pooled) <= 3)
        if not short:
            report.bound(f"{what}: p-values uniform (KS)", f"p = {uniform:.3f}", "> 0.001", uniform > 0.001)
            if rate_cps in PRECISE_CPS:
                off = 100 * (ratio - 1)
                report.bound(f"{what}: corrected rate", f"{off:+.2f} %", "within 0.5 %", abs(off) <= 0.5)
        _reconciliation(report, what, found)
    of_pulses = ("pulses", "events/s", "merged %", "lost %")
    columns = ("offered", "seeds", *of_pulses, "live %", "corrected %", "pull", "worst", "KS p")
    report.table(f"Poisson source, pulses of {WIDTH_NS / 1000:g} us", columns, rows)
    report.say("pulses: of the head while acquiring; merged: with another pulse's hit; lost: arrived in dead time;")
    report.say("corrected: events over live time against offered; pull: of all seeds, in sigma; worst: of one seed")
    report.plot("counting", _plot(points))


def _reconciliation(report: Report, what: str, found: list[Trial]) -> None:
    wrong = sum(not t.reconciled for t in found)
    report.bound(f"{what}: trials that do not reconcile", f"{wrong} of {len(found)}", "0", wrong == 0)


# ---- regular sources -------------------------------------------------------------------------------------------------


def _regular(report: Report, short: bool, targets) -> None:
    jobs = []
    for target in targets:
        for rate_cps in (ALL_RECORDED_CPS,) if short and target == "rp2040" else REGULAR_CPS[target]:
            jobs.append(Job(target, "regular", rate_cps, max(5000 / rate_cps, 0.1), (1,)))
    rows = []
    for job, found in _spread(jobs).items():
        (trial,) = found
        rates, what = trial.rates, f"{job.target} {job.rate_cps / 1000:g} kcps"
        offered = job.rate_cps * rates["real_us"] / 1e6
        rows.append(
            (
                what,
                f"{offered:.1f}",
                rates["events"],
                f"{100 * rates['live_us'] / rates['real_us']:.2f}",
                rates["passes"],
                rates["gap_us"],
            )
        )
        if job.rate_cps <= ALL_RECORDED_CPS:
            missing = offered - rates["events"]
            kept = abs(missing) <= 2 * (1 + trial.overruns)  # each overrun ends one stretch of time and starts another
            report.bound(f"{what}, regular: not recorded", f"{missing:+.1f} events", "0, +-1 per start or stop", kept)
        else:
            # unix: the event in progress at the stop never ends, and is not accounted for
            live_ms = rates["live_us"] / 1e3
            kept = live_ms <= _PASS_LIMIT_MS
            report.bound(f"{what}, regular: never quiet", f"{live_ms:.1f} ms live", f"<= {_PASS_LIMIT_MS:.1f} ms", kept)
        _reconciliation(report, f"{what}, regular", found)
    columns = ("offered", "in real time", "recorded", "live %", "extra passes", "overruns, us")
    report.table(f"regular source, pulses of {WIDTH_NS / 1000:g} us", columns, rows)
    report.say("extra passes: resets repeated because a line was still high. Pulses closer than their width keep a")
    report.say("line high, and all time is dead.")


# ---- classes and single detectors ------------------------------------------------------------------------------------


def _classes(report: Report, short: bool, targets) -> None:
    seeds = SEEDS[:2] if short else SEEDS
    jobs = []
    for target in targets:
        for rate_cps in MIXED_CPS[1:2] if short else MIXED_CPS:
            events = 100_000 if target == "unix" else 10_000
            jobs.append(Job(target, "poisson", rate_cps, events / rate_cps, seeds, mixed=True))
    weights = np.array(ALONE + THROUGH, float)
    rows = []
    for job, found in _spread(jobs).items():
        offered = job.rate_cps * weights / weights.sum()
        singles, pairs = sum(t.singles for t in found), sum(t.pairs for t in found)
        several = sum(t.rates["several_units"] for t in found)
        live_s = sum(t.rates["live_us"] for t in found) / 1e6
        p = accidentals.particles(singles, pairs, several, live_s)
        seen = np.concatenate((singles, pairs)) / live_s
        solved = np.concatenate((p.alone_cps, p.through_cps))
        pulls = (solved - offered) / np.concatenate((p.alone_error_cps, p.through_error_cps))
        # the pulls share the error of the window, which is small compared with their own errors
        probability = stats.chi2.sf((pulls**2).sum(), len(pulls))
        what = f"{job.target} {job.rate_cps / 1000:g} kcps"
        alone, through = slice(0, 16), slice(16, 24)
        off = [100 * (x[part].sum() / offered[part].sum() - 1) for x in (seen, solved) for part in (alone, through)]
        rows.append((what, *(f"{x:+.2f}" for x in off), f"{p.window_us:.2f}", f"{probability:.3f}"))
        kept = bool(probability > 0.001)
        report.bound(f"{what}: 16 singles and 8 pairs corrected", f"chi2 p = {probability:.3f}", "> 0.001", kept)
    columns = ("offered", "alone %", "through %", "alone, corrected %", "through, corrected %", "window us", "chi2 p")
    report.table(
        "event classes: rate over live time against the source's, and corrected for accidental coincidences",
        columns,
        rows,
    )


def _plot(points) -> Figure:
    figure = Figure(figsize=(8, 6), dpi=110, layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(2, 1))
    for target, rows in points.items():
        rate_cps, recorded_cps, ratio, error = np.array(rows).T
        above.loglog(rate_cps, recorded_cps, "o-", markersize=4, label=f"{target}: recorded")
        below.errorbar(rate_cps, 100 * (ratio - 1), 100 * error, fmt="o", markersize=4, capsize=2, label=target)
    ends = above.get_xlim()
    above.plot(ends, ends, color=FAINT, zorder=0, label="offered")
    below.axhline(0, color=FAINT, zorder=0)
    above.set_ylabel("events per second of real time")
    below.set_ylabel("live-time-corrected\nminus offered, %")
    below.set_xlabel("offered, particles per second")
    above.set_title(f"Poisson source, pulses of {WIDTH_NS / 1000:g} us", loc="left", fontsize=10)
    for axes in (above, below):
        axes.legend(frameon=False)
    return figure

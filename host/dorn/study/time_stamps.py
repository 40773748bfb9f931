"""Dead time and true rate of counters from the time stamps of their events; two-source runs of a Geiger counter."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dorn.analysis import dead_time
from dorn.analysis.dead_time import Counts
from dorn.errors import UserError
from dorn.files import columns
from dorn.files.mca import OtherKind, decimal
from dorn.files.times import unit_s
from dorn.products.style import BLUE, GREY, ORANGE
from dorn.study import Report
from dorn.study.any_files import reason
from dorn.util.checks import above_zero, count, number, text_of
from dorn.util.tables import Table

SET = "geiger-times"
_STATED, _SHORT, _DATA = "EXPECTED_derived.json", "short_measurements.csv", "data.csv"
_SUFFIXES = (".csv", ".tsv", ".txt")
_TIME = re.compile(r"(?<![A-Za-z])(t|times?|(time)?stamps?|seconds?)(?![A-Za-z])", re.IGNORECASE)
_WITHOUT_UNIT = ("t", "time", "times", "stamp", "stamps", "timestamp", "timestamps", "event", "events", "data")
_BIN_S = 0.5e-3  # of the set's stated figures
_MARGIN, _FAR = 2, 24  # bins: from the dead time to the fit; beyond the latter the slope no longer depends on its begin
_BINS_A_DEAD_TIME = 10
_ALIKE = 0.01  # the stated tolerance of both estimates of a rate
_MOST_PLOTTED = 4


class Run(NamedTuple):
    """Time stamps of a counter. stated: figures of others, if there are any."""

    name: str
    times_s: np.ndarray
    bin_s: float
    stated: Table | None


def published(folder: Path) -> list[Run]:
    """The runs of the published set. Raises UserError if one cannot be read."""
    path = folder / _STATED
    stated = [(one.text("run"), one) for one in Table.read(path).tables("runs")]
    if not stated:
        raise UserError.at(path, "runs", "none")
    return [Run(name, stamps(folder / name / _DATA), _BIN_S, one) for name, one in stated]


def runs_in(folder: Path, known: Collection[Path] = ()) -> tuple[list[Run], list[tuple[str, str]]]:
    """(the runs of all files of columns below a folder but the known, file and reason of those that are none)."""
    found, refused = [], []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path not in known):
        name = str(path.relative_to(folder))
        try:
            times_s = stamps(path)
            between_s = np.diff(times_s)
            if len(between_s) < 2:
                raise UserError(f"time stamps: fewer than three ({len(times_s)})")
            if between_s.min() < 0:
                raise UserError(f"time stamps: number {int(np.argmin(between_s)) + 2} is before the previous one")
            shortest_s = float(np.quantile(between_s, 0.01))
            if not shortest_s > 0:
                raise UserError("time stamps: more than 1 % of them equal the one before, too coarse for a dead time")
        except UserError as error:
            if not (isinstance(error, OtherKind) and path.suffix.lower() == ".txt"):  # which is prose
                refused.append((name, reason(error, path)))
        else:
            found.append(Run(name, times_s, shortest_s / _BINS_A_DEAD_TIME, None))
    return found, refused


def stamps(path: Path) -> np.ndarray:
    """Time stamps in s, one a line, in the only column or in the one whose name is of a time. Its name may end with
    the unit, as in time_ms; without one, or without a name, they are in s. Raises UserError if they cannot be read."""
    names, rows = columns.rows_of(path, text_of(path), _TIME.search)
    places = [n for n, name in enumerate(names) if _TIME.search(name)] if len(rows[0][1]) > 1 else [0]
    if len(places) != 1:
        what = f"{len(rows[0][1])}, of which one, and no other, has to be named as a time, such as time_s"
        raise UserError.at(path, "columns", what, ",".join(names) or None)
    name = names[places[0]] if names else ""
    words = re.findall(r"[A-Za-z\u00b5]+", name)
    try:
        in_s = 1.0 if not words or words[-1].lower() in _WITHOUT_UNIT else unit_s(words[-1])
        return np.array([in_s * decimal(words[places[0]]) for _, words in rows])
    except ValueError as error:
        raise UserError.at(path, name or "time", str(error)) from None


def judge(report: Report, data: Path) -> None:
    """Dead time and true rate by the intervals of each run anywhere in DATA, against the stated figures of those in the
    set; the set's two-source runs. Raises UserError if there is none, or if a stated one is not a measurement."""
    folder, runs, damaged = data / SET, [], None
    if (folder / _STATED).is_file():
        try:
            runs = published(folder)
        except UserError as error:  # raised when the others have been judged
            damaged = error
    others, refused = runs_in(data, {folder / _SHORT, *(folder / run.name / _DATA for run in runs)})
    runs += others
    rows, plots = [], []
    for run in runs:
        try:
            found = dead_time.intervals(run.times_s, run.bin_s, _MARGIN * run.bin_s)
            far = dead_time.interval_slope(np.diff(run.times_s), _FAR * run.bin_s)
        except ValueError as error:
            refused.append((run.name, str(error)))
            continue
        rows.append(_row(report, run, found, far))
        plots.append((run, found))
    if rows:
        columns = ("run", "events", "observed cps", "dead time ms", "slope cps", "corrected cps", "differ", "far slope")
        report.table("interval analysis of time stamps", columns, rows)
        report.plot("intervals", _plot(plots[:_MOST_PLOTTED]))
    for name, why in refused:
        report.say(f"{name}: not judged: {why}")
    if damaged:
        raise damaged
    if (folder / _SHORT).is_file():
        _two_sources(report, folder / _SHORT)
    elif not rows:
        raise UserError.at(data, "files", "no time stamps of a counter: one stamp a line, in s or as the header says")


def _row(report: Report, run: Run, found: dead_time.Intervals, far: tuple[float, float]) -> tuple:
    """The cells of a run; its limits go to the report. far: the slope beyond _FAR bins, and its error."""
    far_cps, far_error_cps = far
    off, off_error = far_cps / found.true_cps - 1, far_error_cps / found.true_cps
    if abs(off) > 3 * off_error:
        beyond = (
            f"beyond {_FAR * run.bin_s * 1e3:.3g} ms the slope differs by {100 * off:+.1f} +- {100 * off_error:.1f} %"
        )
        report.say(f"{run.name}: {beyond}: the intervals are not exponential throughout")
    dead_ms, dead_error_ms = found.dead_time_s * 1e3, found.dead_time_error_s * 1e3
    differ = found.true_cps / found.corrected_cps - 1
    name = f"{run.name}, intervals"
    if run.stated is not None:
        limit_ms = run.stated.above_zero("dead_time_ms")
        kept = abs(dead_ms - limit_ms) <= 0.5
        report.bound(f"{name}: dead time", f"{dead_ms:.2f} ms", f"{limit_ms:g} +- 0.5 ms", kept)
        for what, field, value in (
            ("slope", "slope_rate_cps", found.true_cps),
            ("corrected", "corrected_cps", found.corrected_cps),
        ):
            limit = run.stated.above_zero(field)
            report.bound(f"{name}: {what}", f"{value:.2f} cps", f"{limit} +- 1 %", abs(value / limit - 1) <= _ALIKE)
    error = np.hypot(found.true_error_cps, found.corrected_error_cps) / found.corrected_cps
    most = _ALIKE if run.stated is not None else max(_ALIKE, 3 * error)
    report.bound(f"{name}: slope, corrected rate", f"{100 * differ:+.2f} %", f"{100 * most:.2g} %", abs(differ) <= most)
    true = f"{found.true_cps:.2f} +- {found.true_error_cps:.2f}"
    corrected = f"{found.corrected_cps:.2f} +- {found.corrected_error_cps:.2f}"
    dead = f"{dead_ms:.3g} +- {dead_error_ms:.2g}"
    cells = (run.name, found.events, f"{found.observed_cps:.3f}", dead, true, corrected)
    return (*cells, f"{100 * differ:+.2f} %", f"{far_cps:.2f} +- {far_error_cps:.2f}")


def _plot(plots: list) -> Figure:
    """The interval histograms and the fitted exponentials: the full range, and the rise."""
    figure = Figure(figsize=(5 * len(plots), 6.5), layout="constrained")
    for panel, (run, found) in zip(figure.subplots(2, len(plots), squeeze=False).T, plots, strict=True):
        between_s = np.diff(run.times_s)
        beyond_s = found.dead_time_s + _MARGIN * run.bin_s
        n = np.sum(between_s > beyond_s)
        for axes, bin_s, end_s in zip(
            panel, (4 * run.bin_s, run.bin_s), (300 * run.bin_s, _FAR * run.bin_s), strict=True
        ):
            counts, edges_s = np.histogram(between_s, np.arange(0, end_s, bin_s))
            expected = n * -np.diff(np.exp(-found.true_cps * (edges_s - beyond_s)))
            axes.stairs(counts, edges_s * 1e3, color=BLUE, label="intervals")
            axes.plot((edges_s[1:] + edges_s[:-1]) * 500, expected, color=ORANGE, linewidth=1, label="exponential")
            axes.axvline(found.dead_time_s * 1e3, color=GREY, linewidth=0.8, label="dead time")
            axes.set_xlabel("interval, ms")
            axes.set_ylabel(f"counts per {bin_s * 1e3:.3g} ms")
        panel[0].set_yscale("log")
        panel[0].set_ylim(0.5)
        panel[0].set_title(run.name, loc="left", fontsize=10)
        panel[1].legend(loc="lower right")
    return figure


def two_source_runs(path: Path) -> dict[tuple[str, int], Counts]:
    """Counts by (sample, voltage). Raises UserError if the table cannot be read."""
    runs = {}
    try:
        rows = list(csv.DictReader(text_of(path).splitlines(), delimiter="\t"))
    except csv.Error as error:
        raise UserError.at(path, "row", f"not a tab-separated table: {error}") from None
    for at, row in enumerate(rows, start=2):
        voltage = int(number(row.get("voltage"), path, "voltage", at))
        seconds = above_zero(row.get("seconds"), path, "seconds", at)
        runs[row.get("sample_name"), voltage] = Counts(count(row.get("count"), path, "count", at), seconds)
    return runs


def _two_sources(report: Report, path: Path) -> None:
    """The counter's 5-minute runs with sources 6, 7, both and none. No limit: the result is not dead time alone."""
    rows, found = [], []
    runs = two_source_runs(path)
    for voltage in sorted({voltage for _, voltage in runs}):
        try:
            samples = [runs[name, voltage] for name in ("sample_6", "sample_7", "sample_6_7", "no_sample")]
            tau_s, error_s = dead_time.two_source(*samples)
        except (KeyError, ValueError) as error:
            raise UserError.at(path, f"{voltage} V", "not a two-source measurement", str(error)) from None
        found.append((tau_s, error_s))
        counts = (m.counts for m in samples)
        rows.append((f"{voltage} V", *counts, f"{tau_s * 1e3:.2f} +- {error_s * 1e3:.2f}"))
    columns = ("Geiger counter", "source 6", "source 7", "both", "none", "dead time ms")
    report.table("two-source method, 5 minutes each (the errors are statistical only)", columns, rows)
    if len(found) > 1:
        (low, low_error), (high, high_error) = found[0], found[-1]
        sigma = (high - low) / np.hypot(low_error, high_error)
        report.say(f"from the lowest to the highest voltage the result changes by {sigma:+.1f} sigma of its errors")
        if abs(sigma) > 3:
            report.say("so it is not dead time alone; the positions of the sources and the plateau are not known")

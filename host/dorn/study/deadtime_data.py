"""Dead time of other detectors, from published data, and of the instrument itself, with the same two-source method."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from dorn.analysis import dead_time
from dorn.analysis.dead_time import Counts
from dorn.errors import UserError
from dorn.head.arrivals import arrivals, before
from dorn.head.front_end import FrontEnd
from dorn.image.constants import constants
from dorn.nuclides import main_kev
from dorn.products.style import BLUE, GREY, ORANGE
from dorn.study import Report, spread
from dorn.study.recording import record
from dorn.targets.event_model import Times, board_times
from dorn.util.checks import above_zero, count, number, text_of
from dorn.util.tables import Table

RADIACODE, GEIGER = "deadtime-two-source", "geiger-times"
BACKGROUND_S, SOURCES_S = 3903, 300  # measurement times of the authors' rates (PROVENANCE.txt)
BIN_S, MARGIN_S = 0.5e-3, 1e-3  # as in EXPECTED_derived.json of the Geiger counter
FAR_S = 12e-3  # beyond this, the slope no longer depends on where the fit begins
RATE_CPS = 20_000  # of each of the two simulated sources
WIDTH_NS = 1600  # of their pulses
DETECTORS = (0, 9)  # in different detection units


def radiacode(path: Path) -> Counts:
    """Total counts and measurement time of a RadiaCode XML file. Raises UserError if it is not one."""
    try:
        spectrum, *_ = ElementTree.parse(path).findall(".//EnergySpectrum")
        counts = sum(int(point.text or "") for point in spectrum.iter("DataPoint"))
        seconds = float(spectrum.findtext("MeasurementTime", ""))
    except OSError as error:
        raise UserError.at(path, "file", f"cannot be read: {error.strerror}") from None
    except (ElementTree.ParseError, ValueError) as error:
        raise UserError.at(path, "EnergySpectrum", f"not a RadiaCode spectrum: {error}") from None
    if counts <= 0 or not 0 < seconds < 1e9:
        raise UserError.at(path, "EnergySpectrum", "no counts or no time", f"{counts} in {seconds:g} s")
    return Counts(counts, seconds)


def two_sources(folder: Path) -> tuple[tuple[str, str, str], list[Counts]]:
    """(names of the files of the first source, the second, and both; their spectra, and that of the background if there
    is a bg.xml). Both are in a file whose name joins those of the others with a plus. Raises UserError."""
    for both in sorted(folder.rglob("*+*.xml")):
        first, _, second = both.stem.partition("+")
        paths = [both.with_name(f"{name}.xml") for name in (first, second)]
        if all(path.is_file() for path in paths):
            background = [path for path in (both.with_name("bg.xml"), folder / "bg.xml") if path.is_file()][:1]
            return (first, second, both.stem), [radiacode(path) for path in (*paths, both, *background)]
    raise UserError.at(folder, "files", "none named A.xml, B.xml and A+B.xml, for two sources and both")


def two_source(report: Report, data: Path) -> None:
    """Two-source runs: from the spectra of two sources and both and, if the authors state them, from their rates.

    The authors' rates of the published set are from another measurement, with ten times the rates of its spectra.
    """
    folder = data / RADIACODE
    names, spectra = two_sources(folder)
    path = folder / "EXPECTED_from_authors_test.json"
    expected = Table.read(path) if path.is_file() else None
    measurements = [("spectra", spectra, folder)]
    if expected is not None:
        stated = [
            Counts(expected.above_zero(f"{name}_cps") * SOURCES_S, SOURCES_S) for name in ("Ba133", "Eu152", "both")
        ]
        stated.append(Counts(expected.above_zero("bg_cps") * BACKGROUND_S, BACKGROUND_S))
        measurements.insert(0, ("authors' rates", stated, path))
    rows, found = [], {}
    for name, measured, whose in measurements:
        for background in (True, False) if len(measured) > 3 else (False,):
            try:
                tau_s, error_s = dead_time.two_source(*measured[: 3 + background])
            except ValueError as error:
                raise UserError.at(whose, "rates", "not a two-source measurement", str(error)) from None
            found[name, background] = tau_s * 1e6, error_s * 1e6
            rates = [f"{m.cps:.2f}" for m in measured[:3]] + [f"{measured[3].cps:.2f}" if background else "-"]
            rows.append((name, *rates, f"{tau_s * 1e6:.2f} +- {error_s * 1e6:.2f}"))
    columns = ("", *(f"{name} cps" for name in names[:2]), "both cps", "none cps", "dead time us")
    report.table(f"two-source method, {names[0]} and {names[1]}", columns, rows)
    if expected is not None:
        _against_authors(report, expected, stated, found)


def _against_authors(report: Report, expected: Table, stated: list[Counts], found: dict) -> None:
    for background, key in ((True, "dead_time_with_bg_us"), (False, "dead_time_no_bg_us")):
        tau_us, _ = found["authors' rates", background]
        limit_us = expected.above_zero(key)
        off_us = abs(tau_us - limit_us)
        what = f"RadiaCode, with{'' if background else 'out'} background"
        report.bound(what, f"{tau_us:.2f} us", f"{limit_us} +- 0.05 us", off_us <= 0.05)
    first, second, both, _ = (m.cps for m in stated)
    lost_cps, loss = first + second - both, (first + second - both) / (first + second)
    limit_cps, limit = expected.number("lost_cps"), expected.number("loss_fraction")
    kept = abs(lost_cps - limit_cps) <= 1
    report.bound("RadiaCode, lost", f"{lost_cps:.1f} cps", f"{limit_cps:g} +- 1 cps", kept)
    report.bound("RadiaCode, loss", f"{100 * loss:.1f} %", f"{100 * limit:g} +- 0.1 %", abs(loss - limit) <= 1e-3)
    if ("spectra", True) in found:
        (a, a_error), (b, b_error) = (found[name, True] for name in ("authors' rates", "spectra"))
        difference = abs(a - b) / np.hypot(a_error, b_error)
        report.bound("RadiaCode, rates against spectra", f"{difference:.1f} sigma", "3 sigma", difference <= 3)


def intervals(report: Report, data: Path) -> None:
    """Time stamps of a Geiger counter: dead time and true rate from their intervals; its two-source runs."""
    folder = data / GEIGER
    rows, steeper = [], []
    runs = Table.read(folder / "EXPECTED_derived.json").tables("runs")
    if not runs:
        raise UserError.at(folder / "EXPECTED_derived.json", "runs", "none")
    figure = Figure(figsize=(5 * len(runs), 6.5), layout="constrained")
    panels = figure.subplots(2, len(runs), squeeze=False)
    for panel, run in zip(panels.T, runs, strict=True):
        where = run.text("run")
        path = folder / where / "data.csv"
        times_s = stamps(path)
        try:
            found = dead_time.intervals(times_s, BIN_S, MARGIN_S)
            far_cps, far_error_cps = dead_time.interval_slope(np.diff(times_s), FAR_S)
        except ValueError as error:
            raise UserError.at(path, "time", str(error)) from None
        dead_ms, dead_error_ms = found.dead_time_s * 1e3, found.dead_time_error_s * 1e3
        true = f"{found.true_cps:.2f} +- {found.true_error_cps:.2f}"
        corrected = f"{found.corrected_cps:.2f} +- {found.corrected_error_cps:.2f}"
        ratio = found.true_cps / found.corrected_cps - 1
        observed = f"{found.observed_cps:.3f}"
        cells = (where, found.events, observed, f"{dead_ms:.2f} +- {dead_error_ms:.2f}", true, corrected)
        rows.append((*cells, f"{100 * ratio:+.2f} %", f"{far_cps:.2f} +- {far_error_cps:.2f}"))
        off = (far_cps / found.true_cps - 1, far_error_cps / found.true_cps)
        if abs(off[0]) > 3 * off[1]:
            steeper.append(
                f"{where}: beyond {FAR_S * 1e3:g} ms the slope differs by {100 * off[0]:+.1f} +- {100 * off[1]:.1f} %"
            )
        name = f"Geiger, {where.split('/')[0]}"
        limit_ms = run.above_zero("dead_time_ms")
        kept = abs(dead_ms - limit_ms) <= 0.5
        report.bound(f"{name}, dead time", f"{dead_ms:.2f} ms", f"{limit_ms:g} +- 0.5 ms", kept)
        for what, field, value in (
            ("slope", "slope_rate_cps", found.true_cps),
            ("corrected", "corrected_cps", found.corrected_cps),
        ):
            limit = run.above_zero(field)
            report.bound(f"{name}, {what}", f"{value:.2f} cps", f"{limit} +- 1 %", abs(value / limit - 1) <= 0.01)
        report.bound(f"{name}, slope against corrected rate", f"{100 * ratio:+.2f} %", "1 %", abs(ratio) <= 0.01)
        plot(panel, name, np.diff(times_s), found)
    columns = ("run", "events", "observed cps", "dead time ms", "slope cps", "corrected cps", "differ", "beyond 12 ms")
    report.table("interval analysis of a Geiger counter's time stamps", columns, rows)
    for line in steeper:
        report.say(f"{line}: the intervals are not exponential throughout")
    report.plot("intervals", figure)
    geiger_two_source(report, folder / "short_measurements.csv")


def stamps(path: Path) -> np.ndarray:
    """Time stamps in s from a file with one header line. Raises UserError if it cannot be read."""
    lines = enumerate(text_of(path).splitlines()[1:], start=2)
    return np.array([number(line, path, "time", at) for at, line in lines if line.strip()])


def geiger_runs(path: Path) -> dict[tuple[str, int], Counts]:
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


def geiger_two_source(report: Report, path: Path) -> None:
    """The counter's 5-minute runs with sources 6, 7, both and none. No limit: the result is not dead time alone."""
    rows, found = [], []
    runs = geiger_runs(path)
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


def plot(panel, name: str, intervals_s: np.ndarray, found: dead_time.Intervals) -> None:
    """Plot the interval histogram and the fitted exponential: the full range, and the rise."""
    beyond_s = found.dead_time_s + MARGIN_S
    n = np.sum(intervals_s > beyond_s)
    for axes, bin_s, end_s in zip(panel, (2e-3, BIN_S), (0.15, 0.012), strict=True):
        counts, edges_s = np.histogram(intervals_s, np.arange(0, end_s, bin_s))
        expected = n * -np.diff(np.exp(-found.true_cps * (edges_s - beyond_s)))
        axes.stairs(counts, edges_s * 1e3, color=BLUE, label="intervals")
        axes.plot((edges_s[1:] + edges_s[:-1]) * 500, expected, color=ORANGE, linewidth=1, label="exponential")
        axes.axvline(found.dead_time_s * 1e3, color=GREY, linewidth=0.8, label="dead time")
        axes.set_xlabel("interval, ms")
        axes.set_ylabel(f"counts per {bin_s * 1e3:g} ms")
    panel[0].set_yscale("log")
    panel[0].set_ylim(0.5)
    panel[0].set_title(name, loc="left", fontsize=10)
    panel[1].legend(loc="lower right")


def source(detectors: tuple[int, ...], duration_s: float, seed: int):
    """Po-214 at random times in these detectors, at RATE_CPS each."""
    energy_kev = main_kev("Po-214")
    for times_ns, uniforms in before(duration_s, arrivals(RATE_CPS * len(detectors), seed, "poisson", 1)):
        chosen = np.array(detectors)[(uniforms[:, 0] * len(detectors)).astype(int)]
        yield from zip(times_ns.astype(np.int64).tolist(), chosen.tolist(), [energy_kev] * len(chosen), strict=True)


def observe(job: tuple[tuple[int, ...], float, int]) -> tuple[int, float, float]:
    """(events, real time, live time in s) reported by the instrument; job: detectors, duration in s, seed."""
    front_end = FrontEnd(peaking_ns=1500, width_ns=WIDTH_NS)
    recording = record("unix", source(*job), analogue=front_end)
    return recording.counters["events"], recording.real_us / 1e6, recording.live_us / 1e6


def instrument(report: Report, short: bool) -> None:
    """The two-source method on the instrument itself, with sources on two detectors: uncorrected rates must give the
    dead time of the event builder, live-time-corrected rates none."""
    duration_s = 20.0 if short else 200.0
    jobs = [(DETECTORS[:1], duration_s, 1), (DETECTORS[1:], duration_s, 2), (DETECTORS, duration_s, 3)]
    observed = list(spread(observe, jobs))
    times = board_times(constants("pico"))
    true_us = float(np.mean([times.dead.of(1 << d) for d in DETECTORS])) / times.mhz
    rows, found = [], {}
    for name, column in (("real time", 1), ("live time", 2)):
        measured = [Counts(o[0], o[column]) for o in observed]
        tau_us, error_us = (1e6 * x for x in dead_time.two_source(*measured))
        found[name] = tau_us, error_us
        rows.append((f"counts / {name}", *(f"{m.cps:.1f}" for m in measured), f"{tau_us:.3f} +- {error_us:.3f}"))
    columns = ("instrument on unix", "first cps", "second cps", "both cps", "dead time us")
    report.table(f"two-source method, two detectors of {RATE_CPS} cps, {duration_s:g} s each", columns, rows)
    tau_us, error_us = found["real time"]
    expected_us = true_us + excess_us(times)
    report.say(
        f"dead time of one hit, mean of both detectors: {true_us:.3f} us; the method must give {expected_us:.2f}"
    )
    report.say("us, because an event may also contain a hit of the other source, and pulses that outlast the reset")
    report.say("extend it")
    limit_us = 3 * error_us + 0.05  # 0.05 us for the second-order terms, in the load, of both excesses
    what, limit = "instrument, uncorrected rates", f"{expected_us:.2f} +- {limit_us:.2f} us"
    report.bound(what, f"{tau_us:.2f} us", limit, abs(tau_us - expected_us) <= limit_us)
    tau_us, error_us = found["live time"]
    what, limit = "instrument, live-time-corrected rates", f"0 +- {3 * error_us:.3f} us"
    report.bound(what, f"{tau_us:+.3f} us", limit, abs(tau_us) <= 3 * error_us)


def excess_us(times: Times) -> float:
    """Excess of the two-source result over the dead time of one hit, to first order in rate times dead time.

    The method gives 2 tau12 - tau1, where tau1 is the mean dead time of an event with one source and tau12 with both.
    A pulse of the other source before the sample costs another conversion. A pulse in the last WIDTH_NS before the
    reset outlasts it by WIDTH_NS / 2 on average; rounding up to whole passes adds half a pass.
    """
    dead = times.dead
    one_pass = dead.extra_pass / times.mhz
    rate = RATE_CPS * 1e-6
    alone, both = [dead.of(1 << d) for d in DETECTORS], dead.of(sum(1 << d for d in DETECTORS))
    second_hit_us = rate * (4 + times.peaking) / times.mhz * (both - float(np.mean(alone))) / times.mhz
    passes_us = rate * WIDTH_NS / 1e3 * (WIDTH_NS / 1e3 + one_pass) / 2
    return 2 * (second_hit_us + 2 * passes_us) - passes_us

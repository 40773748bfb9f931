"""Dead time of counters from measurements with two sources: spectra of each alone, both, and of the background."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from dorn.analysis import dead_time
from dorn.analysis.dead_time import Counts
from dorn.errors import UserError
from dorn.files import spectrum
from dorn.study import Report
from dorn.util.tables import Table

SET, _STATED = "deadtime-two-source", "EXPECTED_from_authors_test.json"
_MOST_ERROR = 0.1  # of the fraction of time that is dead with both sources
BACKGROUND = "bg"  # name of the spectrum without a source, and any suffix
BACKGROUND_S, SOURCES_S = 3903, 300  # measurement times of the authors' rates (PROVENANCE.txt)


def counted(path: Path) -> Counts:
    """All counts of a spectrum, and its real time. Raises UserError if it has no spectrum, no counts or no time."""
    spectra = spectrum.read(path)
    names = [name for name in (*spectra, *spectra.refused) if not name.endswith("background")] or list(spectra)
    if len(names) > 1:
        raise UserError.at(path, "spectra", "several in the file", ", ".join(names))
    one = spectrum.one_of(path, spectra, names[0])
    counts = int(one.counts.sum())
    if not counts or not one.real_s:
        raise UserError.at(path, "spectrum", "no counts or no real time", f"{counts} in {one.real_s or 0:g} s")
    return Counts(counts, one.real_s)


def measurements(folder: Path) -> list[tuple[tuple[str, str, str], list[Path]]]:
    """((name of the first source, of the second, of both), their files, and that of the background if there is one) of
    each measurement below a folder. The file of both has the names of the others, joined by a plus. The kinds of files
    may differ; the background is in the same folder or the next one above it."""
    found = []
    for both in sorted(path for path in folder.rglob("*+*") if path.is_file() and spectrum.is_kind(path)):
        first, _, second = both.stem.partition("+")
        alone = [_named(both.parent, name, both.suffix) for name in (first, second)]
        above = (both.parent, *(parent for parent in both.parents if folder in (parent, *parent.parents)))
        background = (path for parent in above if (path := _named(parent, BACKGROUND, both.suffix)))
        if all(alone):
            paths = [path for path in (*alone, both, next(background, None)) if path]
            found.append(((first, second, both.stem), paths))
    return found


def _named(folder: Path, stem: str, suffix: str) -> Path | None:
    """The spectrum with this name in a folder, if there are several that with the suffix; None if there is none."""
    there = sorted(path for path in folder.iterdir() if path.stem == stem and path.is_file() and spectrum.is_kind(path))
    return next((path for path in there if path.suffix == suffix), there[0] if there else None)


def judge(report: Report, data: Path) -> None:
    """The dead time by each measurement anywhere in DATA; that of the set also by the authors' rates.

    Raises UserError if there is none, or if the authors' rates are no measurement of two sources.
    """
    folder = data / SET
    found = sorted(measurements(data), key=lambda one: folder in one[1][2].parents)  # the set last: it may be damaged
    if not found:
        raise UserError.at(data, "files", "no spectra named A, B and A+B, of two sources and both")
    times = Counter(both for (_, _, both), _ in found)
    for (first, second, both), paths in found:
        label = both if times[both] == 1 else str(paths[2].relative_to(data).with_suffix(""))
        names = first, second, label
        try:
            spectra = [counted(path) for path in paths]
            results = _results(report, names, "spectra", spectra, paths[2])
            tau_us, error_us = next(iter(results.values()))
            load_error = 1e-6 * error_us * spectra[2].cps
            if load_error > _MOST_ERROR and abs(tau_us) <= 3 * error_us:
                what = f"too few to tell any dead time from none: {tau_us:.2g} +- {error_us:.2g} us"
                raise UserError.at(paths[2], "counts", what)
            what = f"{label}: dead time from spectra"
            report.bound(what, f"{tau_us:.3g} +- {error_us:.2g} us", "not negative by 3 sigma", tau_us > -3 * error_us)
        except UserError as error:
            report.say(f"\n{label}: not judged: {str(error).partition('; kinds that')[0]}")
            continue
        if folder in paths[2].parents and (folder / _STATED).is_file():
            _against_authors(report, names, folder / _STATED, results)


def _results(report: Report, names, name: str, measured: list[Counts], whose: Path) -> dict:
    """(name, whether the background is subtracted) -> (dead time, its error) in us; also as a table."""
    rows, found = [], {}
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
    return found


def _against_authors(report: Report, names, path: Path, results: dict) -> None:
    """The authors' rates are from another measurement, with ten times the rates of its spectra."""
    expected = Table.read(path)
    stated = [Counts(expected.above_zero(f"{name}_cps") * SOURCES_S, SOURCES_S) for name in ("Ba133", "Eu152", "both")]
    stated.append(Counts(expected.above_zero("bg_cps") * BACKGROUND_S, BACKGROUND_S))
    found = _results(report, names, "authors' rates", stated, path) | results
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

"""What `dorn analyse` analyses: slices of archives, or spectra of files."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dorn.cli import results
from dorn.errors import UserError
from dorn.util.checks import above_zero, number
from dorn.util.dates import utc

if TYPE_CHECKING:
    from dorn.analysis.geometry import Efficiency
    from dorn.files.spectrum import Spectrum
    from dorn.products import Archive
    from dorn.products.analysis_slices import Part
    from dorn.products.outcome import Outcome, Reference
    from dorn.products.slice_arrays import SliceArrays


@dataclass(eq=False)
class Results:
    """outcomes: one per direction or spectrum; faults: why others have no outcome; parts: per direction, over time;
    analysed: begin_s and end_s, in on-board time, of what was analysed of each origin of an archive."""

    outcomes: list[Outcome] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    parts: dict[str, list[Part]] = field(default_factory=dict)
    analysed: list[dict] = field(default_factory=list)


def of_archives(args, names: list[str], efficiency: tuple[Efficiency | None, bool]) -> Results:
    """efficiency: (efficiency or None, whether it is for a plane)."""
    from dorn.analysis import emission
    from dorn.dictionary import Dictionary
    from dorn.products import Archive
    from dorn.products.analysis_slices import over_time
    from dorn.products.collection import SLICE_S
    from dorn.products.directions import directions, selected
    from dorn.products.outcome import Outcome

    calibration = args.instrument_calibration
    search = results.NEAR if calibration else results.FAR
    from_s, to_s = _range_s(args)
    phase = None if args.phase is None else Dictionary.load().enums["table"][args.phase]
    length_s = SLICE_S if args.slice is None else above_zero(args.slice, "--slice", "S")
    cuts_s = [at_s for at_s in (from_s, to_s) if at_s is not None]
    archive = Archive(*args.files, calibration=calibration)
    slices = _slices(archive, args.files, length_s, cuts_s)
    chosen = selected(slices, from_s, to_s, args.storm, phase)
    cut = int((selected(slices, from_s, to_s, True, phase) & ~chosen).sum())
    if cut:
        print(f"left out: {cut} slices of storm mode; --storm includes them")
    gathered = Results(analysed=_analysed(slices, chosen))
    for one in gathered.analysed:
        print("analysed: {begin_s:.6g} to {end_s:.6g} s of on-board time, origin {origin}".format(**one))
    reference = _reference(args, lambda: _measured(args, slices, chosen))
    others = {}
    if args.background is not None:
        background = Archive(args.background, calibration=calibration)
        without = _slices(background, [args.background])
        results.show_faults(_other_board(args.background, background, archive))
        for one in directions(without, selected(without, None, None, args.storm), search):
            others[one.name] = one
    for one in directions(slices, chosen, search):
        try:
            found = emission.emissions(one, names)
            other = emission.counted(found, others[one.name]) if others else None
        except UserError as error:
            gathered.faults.append(str(error))
            continue
        gathered.outcomes.append(Outcome(found, other, *efficiency, reference))
    if args.slice is not None:
        gathered.parts = {one.name: over_time(one, slices, chosen, search) for one in gathered.outcomes}
    return gathered


def _range_s(args) -> tuple[float | None, float | None]:
    """--from and --to, rounded to microseconds as on-board time is."""
    from_s, to_s = (
        at if at is None else round(number(at, name, "S") * 1e6) / 1e6
        for name, at in (("--from", args.from_s), ("--to", args.to_s))
    )
    if from_s is not None and to_s is not None and from_s >= to_s:
        raise UserError.at("--from, --to", "S", "the start is not before the end", f"{args.from_s}, {args.to_s}")
    return from_s, to_s


def _slices(archive: Archive, files: list[str], *how) -> SliceArrays:
    """Raises UserError if there are none."""
    slices = archive.slices(*how)
    if not len(slices.start_s):
        what = "no spectrum in the archive"
        if next(archive.packets(), None) is None:
            what = "not an archive: no packet of this instrument"
        raise UserError.at(", ".join(files), "packets", what)
    results.show_faults(archive.faults)
    return slices


def _other_board(name: str, background: Archive, archive: Archive) -> list[str]:
    """The fault of a background that another instrument has measured."""
    seen, wanted = background.boards, archive.boards
    if not seen or not wanted or set(seen) & set(wanted):
        return []
    return [f"--background {name}: measured by board {', '.join(seen)}, not {', '.join(wanted)}"]


def _analysed(slices: SliceArrays, chosen) -> list[dict]:
    found = []
    for origin in sorted(set(slices.origin[chosen].tolist())):
        of = chosen & (slices.origin == origin)
        begin_s, end_s = float(slices.begin_s[of].min()), float(slices.end_s[of].max())
        found.append({"origin": origin, "begin_s": begin_s, "end_s": end_s})
    return found


def of_spectra(args, names: list[str], efficiency: tuple[Efficiency | None, bool]) -> Results:
    """efficiency: (efficiency or None, whether it is for a plane)."""
    from dorn.analysis import emission
    from dorn.files import spectrum
    from dorn.products.measured import check_same_scale, direction
    from dorn.products.outcome import Outcome

    live_s = None if args.live is None else above_zero(args.live, "--live", "S")
    start = None
    if args.start is not None:
        from dorn.head.sources import parse_calibration

        start = parse_calibration(args.start, "--start")
    gathered = Results()
    spectra = _spectra(args.files, gathered.faults)
    for name, one in spectra.items():
        for note in one.notes:
            print(f"{name}: {note}")
        if live_s is not None and one.live_s:
            print(f"{name}: --live is not used, the file has a live time of {one.live_s:.6g} s")
    other = None
    if args.background is not None:
        found = spectrum.read(args.background)
        if len(found) + len(found.refused) > 1:
            raise UserError.at("--background", "SPECTRUM", "several spectra in the file", args.background)
        (other,) = found.values()
    for name, one in spectra.items():
        try:
            of, how = direction(name, one, names, start, live_s)
            found = emission.emissions(of, names)
            background = None
            if other is not None:
                check_same_scale(str(args.background), other, one)
                lived_s = other.live_s or live_s
                if not lived_s:
                    raise UserError.at(args.background, "live time", "is missing; --live is that of all spectra")
                counts = [other.counts]
                background = emission.counted(found, replace(found.direction, counts=counts, live_s=[lived_s]))
        except UserError as error:
            gathered.faults.append(str(error) if name in str(error) else f"{name}: {error}")
            continue
        print(f"{name}: energy scale {how}")
        unknown = one.faults.get("start", "")
        reference = _reference(
            args, lambda of=of, one=one: (one.start, 0.0, one.real_s or of.total_live_s or 0.0), unknown
        )
        untimed = one.faults.get("times", "")
        gathered.outcomes.append(Outcome(found, background, *efficiency, reference, untimed))
    return gathered


def _spectra(paths: list[str], faults: list[str]) -> dict[str, Spectrum]:
    """By name, those of all files that can be read, with the path where a name occurs twice; why others cannot is added
    to `faults`. Raises UserError if none can, or if a file is given twice."""
    from dorn.files import spectrum

    found, errors = [], []
    for path in paths:
        try:
            spectra = spectrum.read(path)
        except UserError as error:
            errors.append(error)
            continue
        found += [(path, name, one) for name, one in spectra.items()]
        errors += spectra.refused.values()
    if not found:
        raise errors[0]
    faults += map(str, errors)
    times = Counter(name for _, name, _ in found)
    named = {}
    for path, name, one in found:
        if times[name] > 1:
            name = path if name == Path(path).name else f"{path} {name}"
        if name in named:
            raise UserError.at(path, "name", "given to two spectra", name)
        named[name] = one
    return named


def _reference(args, measured, unknown: str = "") -> Reference | None:
    """From --date and --measured. measured: () -> (UTC of the start of what is analysed if it is known, its distance
    in s from the start of the measurement, duration in s); unknown: why the file does not tell the start."""
    from dorn.products.outcome import Reference

    if args.date is None:
        return None
    date = utc(args.date, "--date", "UTC")
    began, after_s, duration_s = measured()
    if args.measured is not None:
        began = utc(args.measured, "--measured", "UTC") + datetime.timedelta(seconds=after_s)
    elif began is not None and began.tzinfo is None:
        what = f"the file has {began}, without a time zone, as the start of the measurement; give --measured"
        raise UserError.at("--date", "UTC", what, args.date)
    if began is None:
        why = f" ({unknown})" if unknown else ""
        what = f"needs the start of the measurement, which is unknown{why}; give --measured"
        raise UserError.at("--date", "UTC", what, args.date)
    return Reference(date, began, duration_s, results.decays_as(args.decays_as))


def _measured(args, slices: SliceArrays, chosen) -> tuple[datetime.datetime | None, float, float]:
    """Of the chosen slices: UTC of the first integration, by the time correlation of the run; its distance from the
    first integration of the archive; and the time to the end of the last integration."""
    from dorn.products import run_file

    taken, *others = _analysed(slices, chosen)
    if others:
        raise UserError.at("--date", "UTC", "slices of several origins, each with its own clock", args.date)
    origin, begin_s = taken["origin"], taken["begin_s"]
    first_s = float(slices.begin_s[slices.origin == origin].min())
    run, _ = run_file.read(Path(args.files[0]))
    known = run_file.utc_of(run, origin, begin_s) if run else None
    began = utc(known, run_file.NAME, "utc") if known else None
    return began, begin_s - first_s, taken["end_s"] - begin_s

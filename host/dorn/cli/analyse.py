"""`dorn analyse`: arguments and output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dorn.cli import options, results
from dorn.cli.parser import Commands
from dorn.errors import UserError
from dorn.util.checks import above_zero, at_least, number
from dorn.util.paths import check_directory

if TYPE_CHECKING:
    from dorn.analysis.geometry import Efficiency
    from dorn.products.analysis import Outcome
    from dorn.products.analysis_slices import Part

_NOTE = """\
Without an efficiency: counts, and alphas per second into the detectors. With it: activities. Each
direction of an archive, front and back, is fitted apart. What is below its decision threshold, or
not to be told from another nuclide, is a limit. Name all nuclides that have lines in the range.
FILE of --geometry, here for a plane or a gas in front of each detector; others: analysis/geometry_file.py
  kind = "plane"
  area_cm2 = 6.0
  area_error_cm2 = 0.1
  half_angle_deg = 60
  half_angle_error_deg = 1"""


def add(commands: Commands) -> None:
    """Add the command of this file."""
    analyse = commands.add(
        "analyse",
        _analyse,
        "find counts, rates and activities of nuclides",
        examples=(
            "dorn analyse out/telemetry.ccsds --out result",
            "dorn analyse out/telemetry.ccsds --instrument-calibration calibration.toml --geometry moon.toml --out res",
            "dorn analyse am241.chn --lines Am-241 --start=0,1.1 --efficiency 0.012,0.0005 --out result",
        ),
        notes=lambda: [_NOTE],
    )
    add = analyse.add_argument
    add(
        "files",
        nargs="+",
        metavar="ARCHIVE|SPECTRUM",
        help="archives of one instrument, or spectra (.spe, .chn, .csv energy_kev,counts; .n42, .root: all in it)",
    )
    add(
        "--lines",
        metavar="NUCLIDE,...",
        help="nuclides with lines in the range (default: Po-209, and radon with its progeny)",
    )
    options.add_calibration(analyse)
    add(
        "--start",
        metavar="OFFSET_KEV,KEV_PER_CHANNEL",
        help="of a spectrum: roughly its scale (default: found from the lines, else that in the file)",
    )
    add("--background", metavar="ARCHIVE|SPECTRUM", help="the same without the source, which is subtracted")
    how = analyse.add_mutually_exclusive_group()
    how.add_argument("--efficiency", metavar="E,U", help="counted per emitted alpha, and its uncertainty")
    how.add_argument("--geometry", type=Path, metavar="FILE", help="of source and detectors, see below")
    add("--live", metavar="S", help="live time of spectra that state none, seconds")
    add("--from", dest="from_s", metavar="S", help="of an archive: on-board time, seconds")
    add("--to", dest="to_s", metavar="S", help="of an archive: on-board time, seconds")
    add("--slice", metavar="S", help="of an archive: also rates over time, in slices of this length: slices.csv")
    add("--half-life", metavar="NUCLIDE", help="with --slice: fit its half-life to the rates, one of --lines")
    add("--storm", action="store_true", help="of an archive: also the slices of storm mode")
    add("--force", action="store_true", help="replace files of other programs in DIR")
    add("--out", type=Path, required=True, metavar="DIR", help=options.OUT)


def _analyse(args):
    from dorn import nuclides
    from dorn.files.spectrum import SUFFIXES
    from dorn.products import analysis

    names = results.nuclides_of(args.lines)
    for name in names:
        nuclides.main_kev(name)  # fail now if it is not known or has no line
    check_directory(args.out)
    analysis.check_ours(args.out, args.force)
    efficiency = _efficiency(args)
    of_spectra = Path(args.files[0]).suffix.lower() in SUFFIXES
    _check_options(args, names, of_spectra)
    outcomes, faults, parts = (_of_spectra if of_spectra else _of_archive)(args, names, efficiency)
    for fault in faults:
        print(f"not analysed: {fault}")
    if not outcomes:
        raise UserError.at(", ".join(args.files), "lines", "no spectrum was analysed", ", ".join(names))
    about = {"command": args.entered, "sources": [str(file) for file in args.files], "lines": names}
    about |= {"background": args.background, "not_analysed": faults}
    about |= {"half_lives": _half_lives(args.half_life, parts)}
    _write(args.out, outcomes, about, parts)
    results.show(outcomes)
    results.show_half_lives(about["half_lives"], args.half_life)
    print(f"see {args.out / 'report.html'}")


def _check_options(args, names, of_spectra: bool) -> None:
    """Raises UserError for an option that does not apply."""
    others = {"instrument_calibration": None, "from_s": None, "to_s": None, "slice": None, "storm": False}
    for name in others if of_spectra else {"start": None, "live": None}:
        value = getattr(args, name)
        if value not in (None, False):
            option = "--" + name.removesuffix("_s").replace("_", "-")
            only = "only for an archive" if of_spectra else "only for a spectrum"
            raise UserError.at("analyse", option, only, str(value))
    if args.half_life is not None:
        if args.slice is None:
            raise UserError.at("--half-life", "NUCLIDE", "only with --slice", args.half_life)
        if args.half_life not in names:
            raise UserError.at("--half-life", "NUCLIDE", "not one of --lines", args.half_life)


def _efficiency(args) -> tuple[Efficiency | None, bool]:
    """(efficiency, if given, and whether it is of a plane)."""
    from dorn.analysis import geometry, geometry_file

    if args.geometry is not None:
        return geometry_file.read(args.geometry)
    if args.efficiency is None:
        return None, False
    words = args.efficiency.split(",")
    if len(words) != 2:
        raise UserError.at("--efficiency", "E,U", "two numbers expected", args.efficiency)
    value, error = above_zero(words[0], "--efficiency", "E"), at_least(0, words[1], "--efficiency", "U")
    if value > 1:
        raise UserError.at("--efficiency", "E", "above 1", words[0])
    return geometry.measured(value, error, f"{value:g} +- {error:g} counted per emitted alpha, as given"), False


def _of_archive(args, names, efficiency) -> tuple[list[Outcome], list[str], dict[str, list[Part]]]:
    from dorn.analysis import emission
    from dorn.products import Archive
    from dorn.products.analysis import Outcome
    from dorn.products.analysis_slices import over_time
    from dorn.products.directions import directions, selected

    calibration = args.instrument_calibration
    search = results.NEAR if calibration else results.FAR
    from_s, to_s = (
        at if at is None else number(at, n, "S") for n, at in (("--from", args.from_s), ("--to", args.to_s))
    )
    archive = Archive(*args.files, calibration=calibration)
    slices = archive.slices() if args.slice is None else archive.slices(above_zero(args.slice, "--slice", "S"))
    chosen = selected(slices, from_s, to_s, args.storm)
    cut = int((selected(slices, from_s, to_s, True) & ~chosen).sum())
    if cut:
        print(f"left out: {cut} slices of storm mode; --storm takes them")
    others = {}
    if args.background is not None:
        without = Archive(args.background, calibration=calibration).slices()
        for one in directions(without, selected(without, None, None, args.storm), search):
            others[one.name] = one
    outcomes, faults = [], []
    for one in directions(slices, chosen, search):
        try:
            found = emission.emissions(one, names)
        except UserError as error:
            faults.append(str(error))
            continue
        other = emission.with_lines_of(found, others[one.name]) if others else None
        outcomes.append(Outcome(found, other, *efficiency))
    parts = {}
    if args.slice is not None:
        parts = {one.name: over_time(one, slices, chosen, search) for one in outcomes}
    return outcomes, faults, parts


def _of_spectra(args, names, efficiency) -> tuple[list[Outcome], list[str], dict[str, list[Part]]]:
    from dataclasses import replace

    from dorn.analysis import emission
    from dorn.files import spectrum
    from dorn.products.analysis import Outcome
    from dorn.products.measured import direction

    live_s = None if args.live is None else above_zero(args.live, "--live", "S")
    start = None
    if args.start is not None:
        from dorn.head.sources import parse_calibration

        start = parse_calibration(args.start)
    spectra = {}
    for path in args.files:
        for name, one in spectrum.read(path).items():
            if name in spectra:
                raise UserError.at(path, "name", "of two spectra", name)
            spectra[name] = one
    other = None
    if args.background is not None:
        (other, *more) = spectrum.read(args.background).values()
        if more:
            raise UserError.at("--background", "SPECTRUM", "several spectra in the file", args.background)
    outcomes, faults = [], []
    for name, one in spectra.items():
        try:
            of, how = direction(name, one, names, start, live_s)
            found = emission.emissions(of, names)
        except UserError as error:
            faults.append(str(error) if name in str(error) else f"{name}: {error}")
            continue
        print(f"{name}: energy scale {how}")
        background = None
        if other is not None:
            if len(other.counts) != len(one.counts):
                raise UserError.at(args.background, "counts", f"not {len(one.counts)} channels", len(other.counts))
            lived_s = other.live_s or live_s
            if not lived_s:
                raise UserError.at(args.background, "live time", "is missing; --live is that of all spectra")
            counts = [other.counts]
            background = emission.with_lines_of(found, replace(found.direction, counts=counts, live_s=[lived_s]))
        outcomes.append(Outcome(found, background, *efficiency))
    return outcomes, faults, {}


def _half_lives(nuclide, parts) -> dict:
    """Direction -> the half-life, and its error, as in analysis.json; or why there is none."""
    from dorn.products.analysis_slices import half_life_of

    found = {}
    for name, of in parts.items() if nuclide else ():
        try:
            one = half_life_of(of, nuclide)
        except UserError as error:
            found[name] = {"nuclide": nuclide, "fault": str(error)}
            continue
        found[name] = {"nuclide": nuclide, "half_life_s": one.half_life_s, "error_s": one.error_s}
        found[name] |= {"decay_per_s": one.decay_per_s, "decay_error_per_s": one.decay_error_per_s}
        found[name] |= {"deviance": one.deviance, "degrees_of_freedom": one.dof}
    return found


def _write(out, outcomes, about, parts) -> None:
    from dorn.products import analysis, analysis_plot, analysis_report, analysis_slices
    from dorn.products.files import table, write_files

    content = analysis.document(outcomes, about)
    png = analysis_plot.fits_png(outcomes)
    html = analysis_report.html(outcomes, content, png)
    files = {
        "analysis.json": lambda file: file.write(analysis.json_text(content)),
        "peaks.csv": table(analysis.peaks_rows(outcomes)),
        "activities.csv": table(analysis.activities_rows(outcomes)),
        "fits.png": lambda file: file.write(png),
        "report.html": lambda file: file.write(html),
    }
    if parts:
        files["slices.csv"] = table(analysis_slices.slices_rows(parts))
    write_files(out, files)
    if not parts:  # that of an earlier call does not belong to this result
        (out / "slices.csv").unlink(missing_ok=True)

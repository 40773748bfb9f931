"""`dorn analyse`: arguments and output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dorn.cli import analyse_inputs, options, results
from dorn.cli.analyse_inputs import Results
from dorn.cli.parser import Commands
from dorn.errors import UserError
from dorn.util.checks import above_zero, at_least
from dorn.util.dates import utc
from dorn.util.paths import check_directory

if TYPE_CHECKING:
    from dorn.analysis.geometry import Efficiency

_PHASES = ("cruise", "orbit", "surface")  # observation tables of the dictionary
_NOTE = """\
Without an efficiency, the results are counts, and alphas per second that reach the detectors; with one,
also activities. Front and back of an archive are fitted separately. A nuclide below its decision
threshold, or not separable from another, has an upper limit. Name all nuclides that have lines in the
range. FILE of --geometry for a plane or a gas in front of each detector (others: see analysis/geometry_file.py):
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
            "dorn analyse out/telemetry.ccsds --lines Po-209,Bi-212,Po-212 --efficiency 0.3,0.01 --date 2026-01-31 "
            "--decays-as Bi-212=Pb-212,Po-212=Pb-212 --out result",
        ),
        notes=lambda: [_NOTE],
    )
    add = analyse.add_argument
    add(
        "files",
        nargs="+",
        metavar="ARCHIVE|SPECTRUM",
        help="archives of one instrument, or spectra, of the kinds that `dorn run --help` lists; all spectra in a file",
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
        help="spectra only: approximate scale (default: found from the lines, else that in the file)",
    )
    add("--background", metavar="ARCHIVE|SPECTRUM", help="a measurement without the source, to be subtracted")
    how = analyse.add_mutually_exclusive_group()
    how.add_argument("--efficiency", metavar="E,U", help="counts per emitted alpha, and the uncertainty")
    how.add_argument("--geometry", type=Path, metavar="FILE", help="geometry of source and detectors, see below")
    add("--date", metavar="UTC", help="also give activities at this date, corrected for decay")
    add(
        "--measured",
        metavar="UTC",
        help="with --date: start of the spectrum, or of the first integration of the archive, even if --from or others "
        "leave it out (default: from run.json of the archive)",
    )
    add(
        "--decays-as",
        metavar="NUCLIDE=PARENT,...",
        help="with --date: use the half-life of the parent, with which the nuclide is in equilibrium, or its own (X=X)",
    )
    add("--live", metavar="S", help="live time, s, of spectra whose file has none")
    add(
        "--from",
        dest="from_s",
        metavar="S",
        help="archives only: integrations that start from this on-board time, s",
    )
    add(
        "--to",
        dest="to_s",
        metavar="S",
        help="archives only: integrations that start before this on-board time, s",
    )
    add("--phase", choices=_PHASES, help="archives only: use slices with this observation table in force")
    add("--slice", metavar="S", help="archives only: also write slices.csv, rates in slices of this length, seconds")
    add("--half-life", metavar="NUCLIDE", help="with --slice: fit the half-life of this one of --lines to the rates")
    add("--chain", metavar="PARENT", help="with --slice: fit the activities of this decay chain to all its --lines")
    add("--storm", action="store_true", help="archives only: include the slices recorded in storm mode")
    add("--force", action="store_true", help="replace files of other programs in DIR")
    add("--out", type=Path, required=True, metavar="DIR", help=options.OUT)


def _analyse(args):
    from dorn import nuclides
    from dorn.files.spectrum import is_kind
    from dorn.products import analysis, time_fits

    names = results.nuclides_of(args.lines)
    for name in names:
        nuclides.main_kev(name)  # fail now if it is unknown or has no line
    check_directory(args.out)
    analysis.check_ours(args.out, args.force)
    of_spectra, *others = (is_kind(file) for file in args.files)
    for file, other in zip(args.files[1:], others, strict=True):
        if other != of_spectra:
            raise UserError.at("analyse", "ARCHIVE|SPECTRUM", "spectra and archives cannot be mixed", file)
    _check_inputs_kept(args)
    _check_options(args, names, of_spectra)
    efficiency = _efficiency(args, of_spectra)
    found = (analyse_inputs.of_spectra if of_spectra else analyse_inputs.of_archives)(args, names, efficiency)
    for fault in found.faults:
        print(f"not analysed: {fault}")
    if not found.outcomes:
        raise UserError.at(", ".join(args.files), "lines", "no spectrum was analysed", ", ".join(names))
    about = {"command": args.entered, "sources": [str(file) for file in args.files], "lines": names}
    about |= {"background": args.background, "not_analysed": found.faults, "analysed": found.analysed}
    about |= {"half_lives": time_fits.half_lives(found.parts, args.half_life)}
    about |= {"chains": time_fits.chains(found.parts, args.chain)}
    _write(args.out, found, about)
    results.show(found.outcomes)
    for line in time_fits.lines(about):
        print(line)
    print(f"see {args.out / 'report.html'}")


def _check_inputs_kept(args) -> None:
    """Raise UserError if a file in --out that is to be written is one of the inputs."""
    from dorn.products import analysis

    written = {(args.out / name).resolve() for name in analysis.FILES}
    for file in (*args.files, args.background, args.geometry, args.instrument_calibration):
        if file is not None and Path(file).resolve() in written:
            raise UserError.at("--out", "DIR", "a file that is analysed would be replaced", str(file))


def _check_options(args, names, of_spectra: bool) -> None:
    """Raise UserError for an option that does not apply."""
    from dorn.nuclides import chains

    others = {"instrument_calibration": None, "from_s": None, "to_s": None, "phase": None, "slice": None}
    others |= {"storm": False}
    for name in others if of_spectra else {"start": None, "live": None}:
        value = getattr(args, name)
        if value not in (None, False):
            option = "--" + name.removesuffix("_s").replace("_", "-")
            only = "only for an archive" if of_spectra else "only for a spectrum"
            raise UserError.at("analyse", option, only, str(value))
    for option, given in (("--half-life", args.half_life), ("--chain", args.chain)):
        if given is not None and args.slice is None:
            raise UserError.at(option, "NUCLIDE", "only with --slice", given)
        if given is not None and args.background is not None:
            raise UserError.at(option, "NUCLIDE", "not with --background, which is not subtracted in this fit", given)
    if args.half_life is not None and args.half_life not in names:
        raise UserError.at("--half-life", "NUCLIDE", "not one of --lines", args.half_life)
    if args.chain is not None and not set(names) & set(chains.members([args.chain])):
        raise UserError.at("--chain", "PARENT", "no nuclide of its chain is one of --lines", args.chain)
    for option, field, given in (("--measured", "UTC", args.measured), ("--decays-as", "PARENT", args.decays_as)):
        if given is not None and args.date is None:
            raise UserError.at(option, field, "only with --date", given)
    if args.date is not None:
        utc(args.date, "--date", "UTC")
    unknown = [name for name in results.decays_as(args.decays_as) if name not in names]
    if unknown:
        raise UserError.at("--decays-as", "NUCLIDE", "not one of --lines", unknown[0])


def _efficiency(args, of_spectra: bool) -> tuple[Efficiency | None, bool]:
    """(efficiency or None, whether it is for a plane)."""
    from dorn.analysis import geometry, geometry_file

    if args.geometry is not None:
        efficiency, of_plane = geometry_file.read(args.geometry)
        if not (of_plane or of_spectra):
            what = (
                "for one detector, but a direction of an archive is the sum of several; give --efficiency of them all"
            )
            raise UserError.at(args.geometry, "kind", what)
        return efficiency, of_plane
    if args.efficiency is None:
        return None, False
    words = args.efficiency.split(",")
    if len(words) != 2:
        raise UserError.at("--efficiency", "E,U", "two numbers expected", args.efficiency)
    value, error = above_zero(words[0], "--efficiency", "E"), at_least(0, words[1], "--efficiency", "U")
    if value > 1:
        raise UserError.at("--efficiency", "E", "above 1", words[0])
    if error >= value:
        raise UserError.at("--efficiency", "U", "not below E", words[1])
    return geometry.measured(value, error, f"{value:g} +- {error:g} counted per emitted alpha, as given"), False


def _write(out: Path, found: Results, about: dict) -> None:
    from dorn.products import analysis, analysis_plot, analysis_report, analysis_slices
    from dorn.products.files import table, write_files

    outcomes = found.outcomes
    names = [name for name in analysis.FILES if found.parts or name != "slices.csv"]
    content = analysis.document(outcomes, about | {"files": names})
    png = analysis_plot.fits_png(outcomes)
    html = analysis_report.html(outcomes, content, png)
    files = {
        "analysis.json": lambda file: file.write(analysis.json_text(content)),
        "peaks.csv": table(analysis.peaks_rows(outcomes)),
        "activities.csv": table(analysis.activities_rows(outcomes)),
        "fits.png": lambda file: file.write(png),
        "report.html": lambda file: file.write(html),
    }
    if found.parts:
        files["slices.csv"] = table(analysis_slices.slices_rows(found.parts, outcomes))
    earlier = analysis.ours(out)
    write_files(out, files)
    for name in set(earlier) - set(names):  # one of an earlier call does not belong to this result
        (out / name).unlink(missing_ok=True)

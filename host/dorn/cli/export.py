"""`dorn export` and `dorn report`: arguments and output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dorn.cli import options
from dorn.cli.parser import Commands, listed, wrapped
from dorn.cli.results import show_faults
from dorn.errors import UserError
from dorn.util.checks import above_zero
from dorn.util.paths import check_directory

if TYPE_CHECKING:
    from dorn.products.exchange import Exchange

_WHOLE_S = 2.0**32  # longer than any phase
_FORMATS = (
    "spe         ORTEC ASCII, one file per spectrum: spe/NAME.Spe",
    "chn         ORTEC binary, one file per spectrum: chn/NAME.Chn; times in steps of 20 ms",
    "n42         ANSI N42.42-2012: all spectra in spectra.n42, a measurement for each phase or slice",
    "csv         energy_kev,counts, one file per spectrum: csv/NAME.csv",
    "hdf5        archive.h5: spectra, rates, events, every packet, with units",
    "root        archive.root: histograms of the spectra, trees of rates, events and packets",
    "pds4        pds4/: a bundle of raw, calibrated and derived data with labels of version 1.26",
)


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    export = commands.add(
        "export",
        _export,
        "write spectra and data in the formats of other programs",
        notes=lambda: [
            listed("formats", _FORMATS),
            wrapped(
                "Spectra of .Spe, .Chn and .csv are sums over the whole archive. Dates are UTC where run.json beside"
                " the archive relates it to on-board time, or with --epoch; otherwise they count on-board time from"
                " 1970-01-01, and the files say so. host/README.md lists which format to use for which program."
            ),
        ],
        examples=(
            "dorn export out --format spe,n42 --out exported",
            "dorn export out/telemetry.ccsds --format n42 --slice 600 --epoch 2026-01-31T00:00:00Z --out exported",
        ),
    )
    _add_archive(export)
    add = export.add_argument
    add("--format", required=True, metavar="FORMAT,...", help="see below")
    add("--slice", metavar="S", help="n42, hdf5, root, pds4: also divide phases into slices of this length, seconds")
    add("--force", action="store_true", help="replace files that exist in DIR")
    add("--out", type=Path, required=True, metavar="DIR", help=options.OUT)

    report = commands.add(
        "report",
        _report,
        "write a report of an archive: one HTML file",
        examples=(
            "dorn report out --out report.html",
            "dorn report out --instrument-calibration calibration.toml --geometry moon.toml --out report.html",
        ),
    )
    _add_archive(report)
    add = report.add_argument
    add(
        "--lines",
        metavar="NUCLIDE,...",
        help="nuclides with lines in the range, also labelled in the plots "
        "(default: as for dorn analyse; labelled: those in run.json)",
    )
    add(
        "--geometry", type=Path, metavar="FILE", help="of source and detectors, for activities; see dorn analyse --help"
    )
    add("--force", action="store_true", help="replace the file")
    add("--out", type=Path, required=True, metavar="FILE", help="the report, which can be opened without a network")


def _add_archive(command) -> None:
    command.add_argument(
        "files",
        nargs="+",
        metavar="ARCHIVE|DIR",
        help="archives of one instrument, or folders with telemetry.ccsds, such as that of a run",
    )
    options.add_calibration(command)
    options.add_epoch(command, "by the time correlation in run.json beside the archive, if there is one")


def _export(args):
    from dorn.products import export
    from dorn.products.files import write_files

    formats = export.parse(args.format)
    slice_s = _WHOLE_S if args.slice is None else above_zero(args.slice, "--slice", "S")
    check_directory(args.out)
    with _exchange(args, slice_s) as exchange:
        contents = export.contents(exchange, formats)
        there = next((name for name in contents if (args.out / name).exists()), None)
        if there and not args.force:
            raise UserError.at(args.out / there, "file", "exists; give another --out, or --force to replace it")
        others = export.others(args.out, contents)
        if others:
            raise UserError.at(others[0], "file", "does not belong to this export; remove it, or give another --out")
        write_files(args.out, contents)
        print(f"{len(contents)} files in {args.out}: {', '.join(formats)}; {len(exchange.intervals)} measurements")


def _report(args):
    from dorn import nuclides
    from dorn.analysis import geometry_file
    from dorn.cli.results import FAR, NEAR, nuclides_of
    from dorn.products.collection import SLICE_S
    from dorn.products.files import write_files
    from dorn.products.mission_report import MissionReport
    from dorn.products.nuclides_by_phase import Analysis

    names = nuclides_of(args.lines)
    for name in names:
        nuclides.main_kev(name)  # fail now if it is unknown or has no line
    efficiency = geometry_file.read(args.geometry) if args.geometry is not None else (None, False)
    if args.out.exists() and not args.force:
        raise UserError.at(args.out, "file", "exists; give another --out, or --force to replace it")
    check_directory(args.out.absolute().parent)
    search = NEAR if args.instrument_calibration else FAR
    with _exchange(args, SLICE_S) as exchange:
        html = MissionReport(exchange, Analysis(names, search, efficiency), args.entered, args.lines and names).html()
    write_files(args.out.parent, {args.out.name: lambda file: file.write(html)})
    print(f"{args.out}: {len(html) / 1e6:.1f} MB")


@contextlib.contextmanager
def _exchange(args, slice_s: float) -> Iterator[Exchange]:
    """The content of the archives given as arguments."""
    from dorn.dictionary import Dictionary
    from dorn.link import archive
    from dorn.products import phases, run_file
    from dorn.products.exchange import Exchange
    from dorn.products.products import Products

    paths = [Path(file) / archive.NAME if Path(file).is_dir() else Path(file) for file in args.files]
    calibration, epoch = options.calibration_of(args), options.epoch_of(args)
    with archive.Archive(Dictionary.load(), *paths) as found:
        if not len(found):
            raise UserError.at(", ".join(map(str, paths)), "packets", "none of this instrument")
        run, about = run_file.read(paths[0]) if len(paths) == 1 else (None, "")
        if about:
            print(about, file=sys.stderr)
        at = phases.phases(found)
        products = Products(found, slice_s=slice_s, calibration=calibration, cuts_us=phases.cuts_us(at))
        show_faults(products.faults())
        yield Exchange(products, at, run, epoch)

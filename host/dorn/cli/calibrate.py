"""`dorn calibrate`: arguments and output."""

from __future__ import annotations

from pathlib import Path

from dorn.cli.parser import Commands
from dorn.cli.results import show_faults
from dorn.errors import UserError
from dorn.util.checks import above_zero

_POOR = 2.0  # chi2/dof


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    calibrate = commands.add(
        "calibrate",
        _calibrate,
        "find energy scales from lines of known nuclides",
        examples=(
            "dorn calibrate out/telemetry.ccsds --lines Po-209,Po-210 --out calibration.toml",
            "dorn calibrate am241.spe --lines Am-241 --out am241.toml",
            "dorn calibrate out/telemetry.ccsds --lines Po-209 --drift Po-209 --out calibration.toml",
        ),
        notes=lambda: [_NOTE],
    )
    calibrate.add_argument(
        "files",
        nargs="+",
        metavar="ARCHIVE|SPECTRUM",
        help="archives of one instrument, or one spectrum, of a kind that `dorn run --help` lists; each in the file",
    )
    calibrate.add_argument(
        "--lines", required=True, metavar="NUCLIDE,...", help="nuclides with lines in the energy range that is fitted"
    )
    calibrate.add_argument(
        "--start",
        metavar="OFFSET_KEV,KEV_PER_CHANNEL",
        help="spectra only: approximate scale (default: found from the lines)",
    )
    calibrate.add_argument(
        "--search", metavar="X", help="largest relative deviation of gains from the start (default 0.02, at most 0.2)"
    )
    calibrate.add_argument(
        "--drift",
        metavar="NUCLIDE",
        help="archives only: follow the gain of each detector with the line of this nuclide",
    )
    calibrate.add_argument(
        "--slice", default="600", metavar="S", help="with --drift: length of a slice, seconds (default %(default)s)"
    )
    calibrate.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="calibration.toml, replaced if it exists"
    )


_NOTE = """\
The lines are fitted together, in a window around them: name all nuclides that have lines there. Of
the scales within --search, the one at which the most nuclides are found is used; a detector with
fewer than half of them is left out, and keeps the default calibration. With lines 200 keV apart or
more, the zero is fitted. Errors are one standard deviation, from counting statistics and the energies
in the table of nuclides; a zero that is not fitted has an error of 20 keV, so the scale is accurate
only at its lines. Below 500 counts in the strongest line no tail is fitted, which shifts lines with a
tail by a keV or more. chi2/dof far above 1 indicates other lines, or a different line shape; the
errors are increased. Commands with --instrument-calibration accept the file. `dorn study fits`
compares energies and errors of such calibrations with the truth.

exit status 1: a spectrum with counts was not calibrated."""


def _calibrate(args):
    from dorn import nuclides
    from dorn.analysis import calibration
    from dorn.files.spectrum import is_kind
    from dorn.products.files import write_files

    names = [name.strip() for name in args.lines.split(",")]
    for name in names:
        nuclides.main_kev(name)  # fail now if it is unknown or has no line
    if len(set(names)) < len(names):
        raise UserError.at("--lines", "NUCLIDE", "twice", args.lines)
    search = None if args.search is None else above_zero(args.search, "--search", "X")
    if search is not None and search > 0.2:
        raise UserError.at("--search", "X", "above 0.2", args.search)
    _check_out(args.out)
    spectra = [file for file in args.files if is_kind(file)]
    if spectra:
        if len(args.files) > 1:
            raise UserError.at("calibrate", "SPECTRUM", "only one, and not together with archives", args.files[1])
        scales, faults, about = _of_spectrum(args, names, search)
        unit, drift = "channel", None
    else:
        scales, faults, about, drift = _of_archives(args, names, search)
        unit = "code"
    for name, fault in faults.items():
        print(f"not calibrated: {name}: {fault}")
    if not scales:
        raise UserError.at(", ".join(args.files), "lines", "no spectrum was calibrated", args.lines)
    _print(scales, unit)
    if drift is not None:
        _print_drift(drift, len(scales))
    about = {"command": args.entered, "source": [str(file) for file in args.files], "lines": names, **about}
    content = calibration.text(scales, unit, about, drift).encode()
    write_files(args.out.parent, {args.out.name: lambda file: file.write(content)})
    print(f"{len(scales)} {'detectors' if unit == 'code' else 'spectra'} calibrated: {args.out}")
    return 1 if faults else 0


def _check_out(out: Path) -> None:
    """Raise UserError unless the file can be written and, if it exists, is a calibration."""
    from dorn.analysis.calibration import HEADING

    if out.is_dir():
        raise UserError.at("--out", "FILE", "is a folder", str(out))
    if not out.parent.is_dir():
        raise UserError.at("--out", "FILE", "its folder does not exist", str(out))
    if out.exists() and not out.read_bytes().startswith(HEADING.encode()):
        raise UserError.at("--out", "FILE", "exists and is not a calibration; give another name", str(out))


def _of_archives(args, names, search):
    """(number of a detector -> Scale, name -> why it has none, about the archives, drift or None)."""
    import numpy as np

    from dorn.analysis import energy_scale
    from dorn.products import Archive
    from dorn.products.scales import scales_of

    if args.start:
        raise UserError.at("--start", "OFFSET_KEV,KEV_PER_CHANNEL", "only for a spectrum", args.start)
    if args.drift and args.drift not in names:
        raise UserError.at("--drift", "NUCLIDE", f"not one of --lines {args.lines}", args.drift)
    archive = Archive(*args.files)
    slices = archive.slices(above_zero(args.slice, "--slice", "S"))
    if len(archive.boards) > 1:
        raise UserError.at("calibrate", "ARCHIVE", "from several boards", ", ".join(archive.boards))
    empty = np.flatnonzero(~slices.counts.any(axis=(0, 2))).tolist() if len(slices.start_s) else list(range(16))
    if len(empty) == 16:
        raise UserError.at(", ".join(args.files), "spectra", "no counts")
    show_faults(archive.faults)
    if empty:
        print(f"without counts: detectors {', '.join(map(str, empty))}")
    detectors = [detector for detector in range(16) if detector not in empty]
    search = energy_scale.SEARCH if search is None else search
    scales, faults, drift = scales_of(slices, detectors, names, args.drift, search)
    return scales, faults, {"boards": archive.boards}, drift


def _print_drift(drift, detectors):
    """Print the range of the gains. Raises UserError if there is none."""
    import numpy as np

    gain = drift.gain
    known = int(np.isfinite(gain).sum())
    if not known:
        raise UserError.at("--drift", "NUCLIDE", "line not found in any slice; give a longer --slice", drift.nuclide)
    print(f"gain by {drift.nuclide}, {len(gain)} slices: {np.nanmin(gain):.4f} to {np.nanmax(gain):.4f}", end="")
    print(f", not found in {len(gain) * detectors - known} of {len(gain) * detectors}")


def _of_spectrum(args, names, search):
    """(name of a spectrum -> Scale, name -> why it has none, about the file)."""
    from dorn.analysis import energy_scale
    from dorn.files import spectrum

    if args.drift:
        raise UserError.at("--drift", "NUCLIDE", "only for an archive", args.drift)
    start = _start(args.start)
    if search is not None and start is None:
        raise UserError.at("--search", "X", "only with --start, or for an archive", args.search)
    search = energy_scale.SEARCH if search is None else search
    path = Path(args.files[0])
    spectra = spectrum.read(path)
    scales = {}
    faults: dict[str, UserError] = {**spectra.refused}
    for name, one in spectra.items():
        for note in one.notes:
            print(f"{name}: {note}")
        try:
            if start:
                scales[name] = energy_scale.calibrate(one.counts, one.edges, names, *start, search)
            else:
                scales[name] = energy_scale.calibrate_unknown(one.counts, one.edges, names)
        except UserError as error:
            faults[name] = error
        else:
            _compare(path, one.coefficients, scales[name])
    return scales, faults, {}


def _start(text):
    """(kev_per_channel, zero) of --start; None without it."""
    from dorn.head.sources import parse_calibration

    if text is None:
        return None
    offset_kev, kev_per_channel = parse_calibration(text, "--start")
    return kev_per_channel, -offset_kev / kev_per_channel


def _compare(path, stored, scale):
    """Report if the calibration stored in the file puts a line at the wrong energy."""
    import numpy as np

    from dorn.nuclides import main_kev

    if len(stored) < 2:
        return
    for name in scale.nuclides:
        true_kev = main_kev(name)
        stored_kev = float(np.polynomial.polynomial.polyval(scale.position(true_kev), stored))
        if abs(stored_kev - true_kev) > scale.fwhm_kev / 2:
            where = f"{stored_kev:.0f} keV, not {true_kev:.0f}"
            print(f"{path}: the stored calibration disagrees: it puts this line, taken for {name}, at {where}")


def _print(scales, unit):
    from dorn.nuclides import main_kev

    width = max(12, *map(len, scales))
    head = f"keV/{unit:11} zero {unit:12} FWHM keV       chi2/dof  error in keV at"
    print(f"{'':{width}} {head}")
    for name, scale in scales.items():
        gain_error, zero_error = (scale.covariance[i, i] ** 0.5 for i in (0, 1))
        zero = f"{scale.zero:.2f} {'fixed' if scale.zero_is_fixed else f'+- {zero_error:.2f}'}"
        lines = [(line, float(scale.error_kev(scale.position(main_kev(line))))) for line in scale.nuclides]
        errors = ", ".join(f"{line} {error_kev:.2f}" for line, error_kev in lines)
        gain = f"{scale.kev_per_unit:.6g} +- {gain_error:.2g}"
        fwhm = f"{scale.fwhm_kev:.1f} +- {scale.fwhm_error_kev:.1f}"
        missing = f"; not found: {', '.join(scale.missing)}" if scale.missing else ""
        print(f"{name:{width}} {gain:20} {zero:17} {fwhm:14} {scale.chi2_per_dof:8.2f}  {errors}{missing}")
    poor = [name for name, scale in scales.items() if scale.chi2_per_dof > _POOR]
    if poor:
        print(f"chi2/dof above {_POOR:g}: {', '.join(poor)}: other lines, or a shape that these tails do not describe?")

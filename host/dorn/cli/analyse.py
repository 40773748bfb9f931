"""`dorn calibrate`: arguments and output."""

from __future__ import annotations

from pathlib import Path

from dorn.cli.parser import Commands
from dorn.errors import UserError
from dorn.util.paths import check_directory

_SPECTRA = (".spe", ".chn", ".root")
_POOR = 2.0  # deviance per degree of freedom


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    calibrate = commands.add(
        "calibrate",
        _calibrate,
        "find the energy scale of each detector from lines of known nuclides",
        examples=(
            "dorn calibrate out/telemetry.ccsds --lines Po-209,Po-210 --out calibration.toml",
            "dorn calibrate am241.spe --lines Am-241 --out am241.toml",
            "dorn decode out/telemetry.ccsds --instrument-calibration calibration.toml --out decoded",
        ),
        notes=lambda: [_NOTE],
    )
    calibrate.add_argument(
        "files",
        nargs="+",
        metavar="ARCHIVE|SPECTRUM",
        help="archives of one instrument, or one spectrum (.spe, .chn; .root: each histogram)",
    )
    calibrate.add_argument(
        "--lines", required=True, metavar="NUCLIDE,...", help="nuclides with lines in the energy range that is fitted"
    )
    calibrate.add_argument(
        "--start",
        metavar="OFFSET_KEV,KEV_PER_CHANNEL",
        help="of a spectrum: roughly its scale (default: found from the lines)",
    )
    calibrate.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="calibration.toml, which is replaced"
    )


_NOTE = """\
The lines are fitted together, in a window around them: name all nuclides that have lines there.
With lines 200 keV apart or more, the zero is fitted, too. Errors are one standard deviation, of
counting statistics and of the energies in the table of nuclides. A detector without the lines is
left out, and keeps the default calibration. See also `dorn study fits`."""


def _calibrate(args):
    from dorn import nuclides
    from dorn.analysis import calibration

    names = [name.strip() for name in args.lines.split(",")]
    for name in names:
        nuclides.main_kev(name)  # fail now if it is not known or has no line
    check_directory(args.out.parent)
    suffix = Path(args.files[0]).suffix.lower()
    if suffix in _SPECTRA:
        if len(args.files) > 1:
            raise UserError.at("calibrate", "SPECTRUM", "only one", args.files[1])
        scales, faults = _of_spectrum(Path(args.files[0]), suffix, names, args.start)
        unit = "channel"
    else:
        if args.start:
            raise UserError.at("--start", "OFFSET_KEV,KEV_PER_CHANNEL", "only for a spectrum", args.start)
        scales, faults = _of_archives(args.files, names)
        unit = "code"
    for name, fault in faults.items():
        print(f"not calibrated: {name}: {fault}")
    if not scales:
        raise UserError.at(", ".join(args.files), "lines", "no spectrum was calibrated", args.lines)
    _print(scales, unit)
    about = {"command": args.entered, "source": [str(file) for file in args.files], "lines": names}
    try:
        args.out.write_text(calibration.text(scales, unit, about), encoding="utf-8")
    except OSError as error:
        raise UserError.at(args.out, "file", f"cannot be written: {error.strerror}") from None
    print(f"{len(scales)} {'detectors' if unit == 'code' else 'spectra'} calibrated: {args.out}")


def _of_archives(files, names):
    """(number of a detector -> Scale, name -> why it has none)."""
    import numpy as np

    from dorn.analysis import energy_scale
    from dorn.dictionary import Dictionary
    from dorn.products import Archive

    instrument = Dictionary.load().instrument
    counts = Archive(*files).slices().counts.sum(axis=0)
    edges_code = np.arange(counts.shape[1] + 1) * instrument["codes_per_channel"] - 0.5
    start = instrument["kev_per_code"], instrument["zero_code"]
    scales, faults = {}, {}
    for detector, of_detector in enumerate(counts):
        try:
            scales[str(detector)] = energy_scale.calibrate(of_detector, edges_code, names, *start)
        except UserError as error:
            faults[f"detector {detector}"] = error
    return scales, faults


def _of_spectrum(path, suffix, names, start):
    """(name of a spectrum -> Scale, name -> why it has none)."""
    import numpy as np

    from dorn.analysis import energy_scale
    from dorn.files import chn, root_file, spe
    from dorn.head.sources import parse_calibration

    if suffix == ".root":
        spectra = root_file.read(path)
        stored = ()
    else:
        file = {".spe": spe.read, ".chn": chn.read}[suffix](path)
        spectra = {path.name: (file.first_channel + np.arange(len(file.counts) + 1) - 0.5, file.counts)}
        stored = file.coefficients
    scales, faults = {}, {}
    for name, (edges, counts) in spectra.items():
        try:
            if start:
                offset_kev, kev_per_channel = parse_calibration(start)
                zero = -offset_kev / kev_per_channel
                scales[name] = energy_scale.calibrate(counts, edges, names, kev_per_channel, zero)
            else:
                scales[name] = energy_scale.calibrate_unknown(counts, edges, names)
        except UserError as error:
            faults[name] = error
        else:
            _compare(path, stored, scales[name])
    return scales, faults


def _compare(path, stored, scale):
    """Say whether the calibration stored in the file puts the lines where they are."""
    import numpy as np

    from dorn.nuclides import main_kev

    if len(stored) < 2:
        return
    for name in scale.nuclides:
        true_kev = main_kev(name)
        stored_kev = float(np.polynomial.polynomial.polyval(scale.position(true_kev), stored))
        if abs(stored_kev - true_kev) > scale.fwhm_kev / 2:
            where = f"{stored_kev:.0f} keV, not {true_kev:.0f}"
            print(f"{path}: the stored calibration is wrong: it puts {name} at {where}")


def _print(scales, unit):
    from dorn.nuclides import main_kev

    print(f"{'':12} keV/{unit:9} zero {unit:12} FWHM keV       deviance/dof  errors at the lines, keV")
    for name, scale in scales.items():
        gain_error, zero_error = (scale.covariance[i, i] ** 0.5 for i in (0, 1))
        zero = f"{scale.zero:.2f} +- {zero_error:.2f}" if zero_error else f"{scale.zero:.2f} fixed"
        errors = " ".join(f"{scale.error_kev(scale.position(main_kev(line))):.2f}" for line in scale.nuclides)
        gain = f"{scale.kev_per_unit:.5g} +- {gain_error:.1g}"
        fwhm = f"{scale.fwhm_kev:.1f} +- {scale.fwhm_error_kev:.1f}"
        fit = scale.deviance / max(scale.dof, 1)
        print(f"{name:12} {gain:18} {zero:17} {fwhm:14} {fit:7.2f}        {errors}")
        if scale.missing:
            print(f"{name}: not found: {', '.join(scale.missing)}")
        if fit > _POOR:
            print(f"{name}: the lines do not describe the spectrum: are others among them?")

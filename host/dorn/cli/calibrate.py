"""`dorn calibrate`: arguments and output."""

from __future__ import annotations

from pathlib import Path

from dorn.cli.parser import Commands
from dorn.errors import UserError
from dorn.util.checks import above_zero

_SPECTRA = (".spe", ".chn", ".root")
_POOR = 2.0  # deviance per degree of freedom


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
        "--drift",
        metavar="NUCLIDE",
        help="of an archive: follow the gain of each detector with the line of this nuclide",
    )
    calibrate.add_argument(
        "--slice", default="600", metavar="S", help="with --drift: length of a slice, seconds (default %(default)s)"
    )
    calibrate.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="calibration.toml, which is replaced"
    )


_NOTE = """\
The lines are fitted together, in a window around them: name all nuclides that have lines there.
With lines 200 keV apart or more, the zero is fitted, too. Errors are one standard deviation, of
counting statistics and of the energies in the table of nuclides. A detector without the lines is
left out, and keeps the default calibration. Other commands take the file of an instrument with
--instrument-calibration; `dorn study fits` shows that the fits are unbiased."""


def _calibrate(args):
    from dorn import nuclides
    from dorn.analysis import calibration
    from dorn.products import Archive

    names = [name.strip() for name in args.lines.split(",")]
    for name in (*names, *([args.drift] if args.drift else [])):
        nuclides.main_kev(name)  # fail now if it is not known or has no line
    if not args.out.parent.is_dir() or args.out.is_dir():
        raise UserError.at("--out", "FILE", "a folder, or in a folder that does not exist", str(args.out))
    suffix = Path(args.files[0]).suffix.lower()
    if suffix in _SPECTRA:
        if len(args.files) > 1:
            raise UserError.at("calibrate", "SPECTRUM", "only one", args.files[1])
        if args.drift:
            raise UserError.at("--drift", "NUCLIDE", "only for an archive", args.drift)
        scales, faults = _of_spectrum(Path(args.files[0]), names, args.start)
        unit, drift = "channel", None
    else:
        if args.start:
            raise UserError.at("--start", "OFFSET_KEV,KEV_PER_CHANNEL", "only for a spectrum", args.start)
        slices = Archive(*args.files).slices(above_zero(args.slice, "--slice", "S"))
        scales, faults, drift = _of_detectors(slices, names, args.drift)
        unit = "code"
    for name, fault in faults.items():
        print(f"not calibrated: {name}: {fault}")
    if not scales:
        raise UserError.at(", ".join(args.files), "lines", "no spectrum was calibrated", args.lines)
    _print(scales, unit)
    if drift is not None:
        _print_drift(drift, len(scales))
    about = {"command": args.entered, "source": [str(file) for file in args.files], "lines": names}
    try:
        args.out.write_text(calibration.text(scales, unit, about, drift), encoding="utf-8")
    except OSError as error:
        raise UserError.at(args.out, "file", f"cannot be written: {error.strerror}") from None
    print(f"{len(scales)} {'detectors' if unit == 'code' else 'spectra'} calibrated: {args.out}")


def _of_detectors(slices, names, nuclide):
    """(number of a detector -> Scale, name -> why it has none, drift by the nuclide, None without one)."""
    import numpy as np

    from dorn.analysis import drift, energy_scale
    from dorn.analysis.calibration import Drift

    instrument, edges_code = _instrument()
    start = instrument["kev_per_code"], instrument["zero_code"]
    scales, faults = {}, {}
    gain, error = (np.full((len(slices.start_s), 16), np.nan) for _ in range(2))
    for detector in range(16):
        counts = slices.counts[:, detector]
        try:
            if nuclide:
                found = drift.followed(counts, edges_code, names, nuclide, *start)
                scales[str(detector)], gain[:, detector], error[:, detector] = found
            else:
                scales[str(detector)] = energy_scale.calibrate(counts.sum(axis=0), edges_code, names, *start)
        except UserError as fault:
            faults[f"detector {detector}"] = fault
    if not nuclide:
        return scales, faults, None
    return scales, faults, Drift(nuclide, slices.origin, slices.start_s, float(slices.length_s), gain, error)


def _print_drift(drift, detectors):
    """Print the range of the gains. Raises UserError if there is none."""
    import numpy as np

    gain = drift.gain
    known = int(np.isfinite(gain).sum())
    if not known:
        raise UserError.at("--drift", "NUCLIDE", "its line is in no slice; give a longer --slice", drift.nuclide)
    print(f"gain by {drift.nuclide}, {len(gain)} slices: {np.nanmin(gain):.4f} to {np.nanmax(gain):.4f}", end="")
    print(f", not found in {len(gain) * detectors - known} of {len(gain) * detectors}")


def _instrument():
    """The table of that name in the dictionary, and the edges of channels in codes."""
    import numpy as np

    from dorn.dictionary import Dictionary

    instrument = Dictionary.load().instrument
    return instrument, np.arange(instrument["channels"] + 1) * instrument["codes_per_channel"] - 0.5


def _of_spectrum(path, names, start):
    """(name of a spectrum -> Scale, name -> why it has none)."""
    from dorn.analysis import energy_scale
    from dorn.files import spectrum
    from dorn.head.sources import parse_calibration

    scales, faults = {}, {}
    for name, one in spectrum.read(path).items():
        counts, edges = one.counts, one.edges
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
            _compare(path, one.coefficients, scales[name])
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

    print(f"{'':12} keV/{unit:11} zero {unit:12} FWHM keV       deviance/dof  errors at the lines, keV")
    for name, scale in scales.items():
        gain_error, zero_error = (scale.covariance[i, i] ** 0.5 for i in (0, 1))
        zero = f"{scale.zero:.2f} +- {zero_error:.2f}" if zero_error else f"{scale.zero:.2f} fixed"
        errors = " ".join(f"{scale.error_kev(scale.position(main_kev(line))):.2f}" for line in scale.nuclides)
        gain = f"{scale.kev_per_unit:.6g} +- {gain_error:.2g}"
        fwhm = f"{scale.fwhm_kev:.1f} +- {scale.fwhm_error_kev:.1f}"
        fit = scale.deviance / max(scale.dof, 1)
        print(f"{name:12} {gain:20} {zero:17} {fwhm:14} {fit:7.2f}        {errors}")
        if scale.missing:
            print(f"{name}: not found: {', '.join(scale.missing)}")
        if fit > _POOR:
            print(f"{name}: the lines do not describe the spectrum: are others among them?")

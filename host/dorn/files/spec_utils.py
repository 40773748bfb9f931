"""Formats that only SpecUtils (Sandia) reads: PCF, CNF and others, and N42 before 2011.

Its counts are float32, so they are exact up to 2^24. Formats it does not read correctly have their own readers: it
loses the first channel of .spe files that do not begin at 0, and the first and last channels of some .chn files, and
takes the field GAIN of .mca files for their calibration.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from dorn.files import BY_SPEC_UTILS
from dorn.files.mca import McaFile, OtherKind, calibrated, shifted, without_counts
from dorn.util.checks import SourceError, octets_of
from dorn.util.extras import missing

_TYPES = {".n42": "N42_2006", ".xml": "N42_2006", **BY_SPEC_UTILS}
_EXACT = 2**24  # counts in a channel


def read(path) -> list[McaFile]:
    """The spectra in a file, in file order. Raises SourceError if it cannot be read, UserError without SpecUtils."""
    octets_of(path)  # fails with the reason
    try:
        import SpecUtils as library
    except ImportError:
        raise missing(f"{path}: SpecUtils reads {path.suffix.lower()} files of this kind", "files") from None
    module: Any = library
    file = module.SpecFile()
    try:
        file.loadFile(str(path), getattr(module.ParserType, _TYPES[path.suffix.lower()]))
        measurements = list(file.measurements())
    except Exception as error:  # RuntimeError or others, of any damaged file
        raise OtherKind.at(path, "file", f"not read by SpecUtils as {path.suffix.lower()}", str(error)) from None
    return [_spectrum(path, one) for one in measurements if len(one.gammaCounts())]


def _spectrum(path, one) -> McaFile:
    name = " ".join(filter(None, (one.title(), one.detectorName())))
    values = np.array(one.gammaCounts(), float)
    wrong = values[~((values >= 0) & (values == np.floor(values)) & (values <= _EXACT))]
    if len(wrong):
        error = SourceError.at(path, "counts", f"not a whole number up to {_EXACT}", str(wrong[0]))
        return without_counts(name, error)
    live_s, real_s = one.liveTime() or None, one.realTime() or None
    found = McaFile(values.astype(np.int64), 0, live_s, real_s, (), name=name)
    start = one.startTime()
    found.start = start if isinstance(start, datetime) and start.year > 1970 else None
    found.optional("calibration", _calibrate, str(one.energyCalibrationModel()), one.calibrationCoeffs())
    return found


def _calibrate(one: McaFile, model: str, terms) -> None:
    """In SpecUtils, channel c extends from c to c + 1. Full range fraction: the terms are those of c / channels, and a
    fifth one is not of a polynomial."""
    one.calibration_text = " ".join(f"{term:g}" for term in terms)
    terms = [float(term) for term in terms]
    if model.endswith(".FullRangeFraction"):
        if any(terms[4:]):
            raise ValueError("full range fraction with a term for low energies")
        terms = [term / len(one.counts) ** k for k, term in enumerate(terms[:4])]
    elif not model.endswith(".Polynomial"):
        return
    one.coefficients = shifted(calibrated(terms), 0.5)

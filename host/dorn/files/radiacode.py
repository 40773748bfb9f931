"""XML files of RadiaCode and BecqMoni: a spectrum, and often one of the background.

The format has a measurement time; a live time is optional, and the measurement time is taken for it otherwise.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

import numpy as np

from dorn.files.mca import McaFile, OtherKind, calibrated, date, decimal, duration, xml_root
from dorn.files.npes import ONE_TIME
from dorn.util.checks import SourceError, count, octets_of

_SPECTRA = (("EnergySpectrum", ""), ("BackgroundEnergySpectrum", "background"))


def is_kind(path) -> bool:
    """Whether the file is XML with the root element of this format."""
    return b"<ResultDataFile" in octets_of(path)[:4096]


def read(path) -> list[McaFile]:
    """The spectra in a file, in file order. Raises SourceError."""
    found = []
    for result in xml_root(path).iter("ResultData"):
        for tag, kind in _SPECTRA:
            found += [_spectrum(path, result, one, kind) for one in result.findall(tag)]
    if not found:
        raise OtherKind.at(path, "EnergySpectrum", "none in the file: not of RadiaCode or BecqMoni")
    return found


def _spectrum(path, result: Element, spectrum: Element, kind: str) -> McaFile:
    counts = [count(point.text or "", path, "DataPoint") for point in spectrum.iter("DataPoint")]
    if not counts:
        raise SourceError.at(path, "DataPoint", "none in a spectrum")
    stated = _text(spectrum, "NumberOfChannels")
    if stated and stated != str(len(counts)):
        raise SourceError.at(path, "DataPoint", f"{len(counts)} channels, expected {stated}")
    one = McaFile(np.array(counts, np.int64), 0, None, None, ())
    one.name = " ".join(filter(None, (_text(spectrum, "SpectrumName"), kind)))
    one.optional("times", _times, spectrum)
    one.optional("start", _start, result)
    one.optional("calibration", _calibrate, spectrum)
    return one


def _text(one: Element, name: str) -> str:
    return (one.findtext(name) or "").strip()


def _times(one: McaFile, spectrum: Element) -> None:
    real, live = (_text(spectrum, name) for name in ("MeasurementTime", "LiveTime"))
    one.real_s = duration(decimal(real)) if real else None
    one.live_s = duration(decimal(live)) if live else one.real_s
    one.notes = (ONE_TIME,) if one.real_s and not live else ()


def _start(one: McaFile, result: Element) -> None:
    if _text(result, "StartTime"):
        one.start = date(_text(result, "StartTime"))


def _calibrate(one: McaFile, spectrum: Element) -> None:
    terms = [term.text or "" for term in spectrum.iterfind("EnergyCalibration/Coefficients/Coefficient")]
    one.calibration_text = " ".join(terms)[:60]
    one.coefficients = calibrated([decimal(term) for term in terms])

"""XML files of RadiaCode and BecqMoni: a spectrum, and often one of the background.

The format has a measurement time; a live time is optional, and the measurement time is taken for it otherwise.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

import numpy as np

from dorn.files.mca import McaFile, OtherKind, calibrated, decimal, without_counts, xml_root
from dorn.files.npes import ONE_TIME
from dorn.files.times import date, seconds
from dorn.util.checks import SourceError, count

_SPECTRA = (("EnergySpectrum", ""), ("BackgroundEnergySpectrum", "background"))


def read(path) -> list[McaFile]:
    """The spectra in a file, in file order. Raises SourceError."""
    found = []
    for result in xml_root(path).iter("ResultData"):
        for tag, kind in _SPECTRA:
            for one in result.findall(tag):
                name = " ".join(filter(None, (_text(one, "SpectrumName"), kind)))
                try:
                    found.append(_spectrum(path, name, result, one))
                except SourceError as error:
                    found.append(without_counts(name, error))
    if not found:
        raise OtherKind.at(path, "EnergySpectrum", "none in the file: not of RadiaCode or BecqMoni")
    return found


def _spectrum(path, name: str, result: Element, spectrum: Element) -> McaFile:
    counts = [count(point.text or "", path, "DataPoint") for point in spectrum.iter("DataPoint")]
    if not counts:
        raise SourceError.at(path, "DataPoint", "none in a spectrum")
    stated = _text(spectrum, "NumberOfChannels")
    if stated and stated != str(len(counts)):
        raise SourceError.at(path, "DataPoint", f"{len(counts)} channels, expected {stated}")
    one = McaFile(np.array(counts, np.int64), 0, None, None, (), name=name)
    one.optional("times", _times, spectrum)
    one.optional("start", _start, result)
    one.optional("calibration", _calibrate, spectrum)
    return one


def _text(one: Element, name: str) -> str:
    return (one.findtext(name) or "").strip()


def _times(one: McaFile, spectrum: Element) -> None:
    real, live = (_text(spectrum, name) for name in ("MeasurementTime", "LiveTime"))
    one.real_s = seconds(real) if real else None
    one.live_s = seconds(live) if live else one.real_s
    one.notes = (ONE_TIME,) if one.real_s and not live else ()


def _start(one: McaFile, result: Element) -> None:
    if _text(result, "StartTime"):
        one.start = date(_text(result, "StartTime"))


def _calibrate(one: McaFile, spectrum: Element) -> None:
    terms = [term.text or "" for term in spectrum.iterfind("EnergyCalibration/Coefficients/Coefficient")]
    one.calibration_text = " ".join(terms)[:60]
    one.coefficients = calibrated([decimal(term) for term in terms])

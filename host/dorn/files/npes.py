"""JSON files of Gamma-MCA and others, in the scheme NPESv1 (one measurement) or NPESv2 (several).

A measurement has a spectrum, and may have one of the background, each with its time and calibration. The format has one
measurement time, which is taken for both live and real time.
Source: schema of NPES-JSON; coefficients from lowest to highest order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dorn.files.mca import McaFile, OtherKind, calibrated, decimal, without_counts
from dorn.files.times import date, seconds
from dorn.util.checks import SourceError, count
from dorn.util.tables import Table

ONE_TIME = "only one measurement time in the file: taken for live and real time"
_SPECTRA = (("energySpectrum", ""), ("backgroundEnergySpectrum", "background"))


def read(path) -> list[McaFile]:
    """The spectra in a file, in file order. Raises SourceError."""
    try:
        top = Table.read(path)
    except SourceError as error:
        raise OtherKind(str(error)) from None
    version = top.get("schemaVersion", "none")
    if version not in ("NPESv1", "NPESv2"):
        what = "neither NPESv1 nor NPESv2: not a file of Gamma-MCA"
        raise OtherKind.at(path, "schemaVersion", what, str(version))
    found = []
    for package in top.tables("data") if version == "NPESv2" else [top]:
        name = _text(package.get("sampleInfo", None), "name")
        try:
            result = package.table("resultData")
        except SourceError as error:
            found.append(without_counts(name, error))
            continue
        for field, kind in _SPECTRA:
            if result.get(field, None) is not None:
                title = " ".join(filter(None, (name, kind)))
                try:
                    found.append(_spectrum(path, title, result, result.table(field)))
                except SourceError as error:
                    found.append(without_counts(title, error))
    if not found:
        raise SourceError.at(path, "energySpectrum", "none in the file")
    return found


def _spectrum(path, name: str, result: Table, values: Table) -> McaFile:
    spectrum = values.get("spectrum")
    where = f"{values.where}spectrum"
    if not isinstance(spectrum, list) or not spectrum:
        raise values.error("spectrum", "not a list of counts", spectrum)
    counts = [count(n, path, where) for n in spectrum]
    stated = values.get("numberOfChannels", len(counts))
    if stated != len(counts):
        raise values.error("spectrum", f"{len(counts)} channels, expected {stated}")
    one = McaFile(np.array(counts, np.int64), 0, None, None, (), name=name)
    one.optional("times", _time, values.get("measurementTime", None))
    one.optional("start", _start, result.get("startTime", None))
    one.optional("calibration", _calibrate, values.get("energyCalibration", None))
    return one


def _text(table: Any, name: str) -> str:
    value = table.get(name) if isinstance(table, dict) else None
    return value if isinstance(value, str) else ""


def _time(one: McaFile, value: Any) -> None:
    if value is not None:
        one.live_s = one.real_s = seconds(str(value))
        one.notes = (ONE_TIME,) if one.live_s else ()


def _start(one: McaFile, value: Any) -> None:
    if value is not None:
        one.start = date(str(value))


def _calibrate(one: McaFile, value: Any) -> None:
    if value is None:
        return
    terms = value.get("coefficients") if isinstance(value, dict) else None
    if not isinstance(terms, list):
        raise ValueError("energyCalibration: no list of coefficients")
    one.calibration_text = " ".join(map(str, terms))[:60]
    one.coefficients = calibrated([decimal(term) for term in terms])

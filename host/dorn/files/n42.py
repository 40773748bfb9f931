"""N42 files, ANSI N42.42-2012: the spectra of several detectors, measured in one interval or in several.

The format's energy calibration has its zero at the lower edge of the first channel, that of McaFile at its midpoint.
The format has a real time for each measurement, but not for each spectrum: that is written as a remark of the spectrum,
`RealTime: PT60.1S`, which SpecUtils reads, too. Silicon is not one of the kinds of detectors, so `Other` is written,
with a description.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from dorn.files.mca import McaFile, OtherKind, calibrated, check_any, decimal, shifted, without_counts, xml_root
from dorn.files.times import date, duration
from dorn.util.checks import SourceError, count

_URI = "http://physics.nist.gov/N42/2011/N42"
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d*\.?\d+(?:[eE][+-]?\d+)?|\d+\.)S)?)?")
_IN_S = (86400, 3600, 60, 1)
_REAL_TIME = "RealTime: "
_CREATED = "dorn-fsw"
_MOST_CHANNELS = 1 << 20


@dataclass
class Measurement:
    """Spectra measured in one interval; each has the name of its detector, and its own remarks."""

    name: str
    start: datetime | None  # without a time zone if that is unknown; None if the file does not tell
    real_s: float | None
    spectra: list[McaFile]
    is_calibration: bool = False
    remarks: tuple[str, ...] = ()


@dataclass
class Instrument:
    """versions: component -> its version; at least one."""

    manufacturer: str
    model: str
    identifier: str
    versions: dict[str, str]
    remarks: tuple[str, ...] = ()
    detectors: dict[str, str] = field(default_factory=dict)  # name -> description


def write(instrument: Instrument, measurements: list[Measurement]) -> bytes:
    """The content of a file. Each detector has one calibration, that of its first spectrum."""
    top = Element("RadInstrumentData", {"xmlns": _URI})
    _text(top, "RadInstrumentDataCreatorName", _CREATED)
    about = SubElement(top, "RadInstrumentInformation", {"id": "instrument"})
    for remark in instrument.remarks:
        _text(about, "Remark", remark)
    _text(about, "RadInstrumentManufacturerName", instrument.manufacturer)
    if instrument.identifier:
        _text(about, "RadInstrumentIdentifier", instrument.identifier)
    _text(about, "RadInstrumentModelName", instrument.model)
    _text(about, "RadInstrumentClassCode", "Other")
    for component, version in instrument.versions.items():
        one = SubElement(about, "RadInstrumentVersion")
        _text(one, "RadInstrumentComponentName", component)
        _text(one, "RadInstrumentComponentVersion", version)
    scales: dict[str, tuple] = {}
    for measurement in measurements:
        for spectrum in measurement.spectra:
            scales.setdefault(spectrum.name, spectrum.coefficients)
    for name in scales:
        detector = SubElement(top, "RadDetectorInformation", {"id": name})
        _text(detector, "RadDetectorName", name)
        _text(detector, "RadDetectorCategoryCode", "Alpha")
        _text(detector, "RadDetectorKindCode", "Other")
        if name in instrument.detectors:
            _text(detector, "RadDetectorDescription", instrument.detectors[name])
    for name, terms in scales.items():
        scale = SubElement(top, "EnergyCalibration", {"id": f"energy_{name}"})
        _text(scale, "CoefficientValues", " ".join(map(repr, _from_edges(terms))))
    for measurement in measurements:
        _measurement(top, measurement)
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="utf-8", xml_declaration=True) + b"\n"


def _measurement(top: Element, measurement: Measurement) -> None:
    one = SubElement(top, "RadMeasurement", {"id": measurement.name})
    for remark in measurement.remarks:
        _text(one, "Remark", remark)
    _text(one, "MeasurementClassCode", "Calibration" if measurement.is_calibration else "Foreground")
    start = measurement.start
    if start is not None:
        zone = "Z" if start.tzinfo else ""
        _text(one, "StartDateTime", (start.astimezone(UTC) if zone else start).replace(tzinfo=None).isoformat() + zone)
    _text(one, "RealTimeDuration", _duration(measurement.real_s or 0.0))
    for spectrum in measurement.spectra:
        place = {"id": f"{measurement.name}_{spectrum.name}", "radDetectorInformationReference": spectrum.name}
        row = SubElement(one, "Spectrum", place | {"energyCalibrationReference": f"energy_{spectrum.name}"})
        for remark in spectrum.remarks:
            _text(row, "Remark", remark)
        if spectrum.real_s != measurement.real_s:
            _text(row, "Remark", _REAL_TIME + _duration(spectrum.real_s or 0.0))
        _text(row, "LiveTimeDuration", _duration(spectrum.live_s or 0.0))
        _text(row, "ChannelData", " ".join(map(str, spectrum.counts.tolist()))).set("compressionCode", "None")


def _text(parent: Element, name: str, text: str) -> Element:
    """A child with this text; control characters, which XML does not allow, become question marks."""
    child = SubElement(parent, name)
    child.text = " ".join(re.sub(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text).split())
    return child


def _from_edges(terms: tuple) -> tuple[float, ...]:
    """Three terms for positions in which channel i extends from i to i + 1, from those for its midpoint."""
    return shifted([*map(float, terms), 0.0, 0.0, 0.0][:3] if terms else (0.0, 1.0, 0.0), -0.5)


def _duration(seconds: float) -> str:
    return f"PT{np.format_float_positional(seconds, trim='-')}S"


def read(path: Path | str) -> list[Measurement]:
    """The measurements in a file, in file order. Spectra whose counts cannot be read have none, and the fault "counts".
    Raises SourceError if there are no others."""
    top = xml_root(path)
    if top.tag != "RadInstrumentData":
        raise OtherKind.at(path, "root", "not RadInstrumentData of N42.42-2012", top.tag)
    scales = {one.get("id", ""): _scale(one) for one in top.iter("EnergyCalibration")}
    found = [_read_measurement(one, scales, path) for one in top.iter("RadMeasurement")]
    check_any(one for measurement in found for one in measurement.spectra)
    return found


def _read_measurement(one: Element, scales: dict[str, tuple], path) -> Measurement:
    """Start and times are left out if they are missing or cannot be read: the faults of the spectra say why."""
    common = McaFile(np.zeros(0, np.int64), 0, None, None, ())
    common.optional("start", _start, one)
    common.optional("times", _real, one)
    spectra = [_spectrum(row, scales, common, path) for row in one.iter("Spectrum")]
    of_calibration = _child(one, "MeasurementClassCode") == "Calibration"
    remarks = tuple(_remarks(one))
    return Measurement(one.get("id", ""), common.start, common.real_s, spectra, of_calibration, remarks)


def _start(one: McaFile, measurement: Element) -> None:
    text = _child(measurement, "StartDateTime")
    one.start = date(text) if text else None


def _real(one: McaFile, measurement: Element) -> None:
    one.real_s = _seconds(_child(measurement, "RealTimeDuration"))


def _live(one: McaFile, row: Element) -> None:
    one.live_s = _seconds(_child(row, "LiveTimeDuration"))
    for remark in _remarks(row):
        if remark.startswith(_REAL_TIME):
            one.real_s = _seconds(remark.removeprefix(_REAL_TIME))


def _spectrum(row: Element, scales: dict[str, tuple], common: McaFile, path) -> McaFile:
    where, name = row.get("id", "Spectrum"), row.get("radDetectorInformationReference", "")
    try:
        counts = _counts(row, where, path)
    except SourceError as error:
        return without_counts(name or where, error)
    one = McaFile(np.array(counts, np.int64), 0, None, common.real_s, (), name=name, start=common.start)
    one.faults |= common.faults
    one.remarks = tuple(remark for remark in _remarks(row) if not remark.startswith(_REAL_TIME))
    one.optional("times", _live, row)
    scale = row.get("energyCalibrationReference", "")
    missing = (), "", f"energyCalibrationReference: not in the file ({scale})" if scale else ""
    one.coefficients, one.calibration_text, fault = scales.get(scale, missing)
    if fault:
        one.faults["calibration"] = fault
    return one


def _counts(row: Element, where: str, path) -> list[int]:
    data = row.find("ChannelData")
    if data is None:
        raise SourceError.at(path, f"{where}: ChannelData", "is missing")
    counts = [count(word, path, f"{where}: ChannelData") for word in (data.text or "").split()]
    if data.get("compressionCode", "").lower() == "countedzeroes":
        counts = list(_expanded(counts, path, where))
    if not counts:
        raise SourceError.at(path, f"{where}: ChannelData", "is empty")
    return counts


def _expanded(values: list[int], path, where: str) -> Iterator[int]:
    """The counts of all channels, from values in which a 0 is followed by the number of consecutive empty channels."""
    zeroes, channels = False, 0
    for value in values:
        channels += value if zeroes else 1 if value else 0
        if channels > _MOST_CHANNELS:
            raise SourceError.at(path, f"{where}: ChannelData", f"more than {_MOST_CHANNELS} channels", value)
        if zeroes:
            yield from [0] * value
        elif value:
            yield value
        zeroes = not zeroes and value == 0
    if zeroes:
        raise SourceError.at(path, f"{where}: ChannelData", "ends within counted zeroes")


def _scale(one: Element) -> tuple[tuple, str, str]:
    """(terms for the midpoint of channels, or (); as in the file; why they cannot be read)."""
    words = _child(one, "CoefficientValues").split()
    text = " ".join(words)
    if not words and one.find("EnergyBoundaryValues") is not None:
        return (), text, "EnergyBoundaryValues: only coefficients are read"
    try:
        return calibrated(shifted(calibrated([decimal(word) for word in words]), 0.5)), text, ""
    except ValueError as error:
        return (), text, f"CoefficientValues: {error}"


def _child(one: Element, name: str) -> str:
    """The text of a child, "" without one."""
    return (one.findtext(name) or "").strip()


def _remarks(one: Element) -> Iterator[str]:
    for remark in one.findall("Remark"):
        yield (remark.text or "").strip()


def _seconds(text: str) -> float | None:
    """Seconds of an xsd:duration without years and months; None for 0, or without a text. Raises ValueError."""
    if not text:
        return None
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        raise ValueError(f"not a duration such as PT1.5S ({text[:40]})")
    parts = zip(found.groups(), _IN_S, strict=True)
    return duration(decimal(math.fsum(float(value) * unit for value, unit in parts if value)))

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

from dorn.files.mca import McaFile
from dorn.util.checks import SourceError, count, number, octets_of

_URI = "http://physics.nist.gov/N42/2011/N42"
_IN = f"{{{_URI}}}"
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d*\.?\d+(?:[eE][+-]?\d+)?|\d+\.)S)?)?")
_IN_S = (86400, 3600, 60, 1)
_REAL_TIME = "RealTime: "
_CREATED = "dorn-fsw"
_MOST_CHANNELS = 1 << 20


@dataclass
class Measurement:
    """Spectra measured in one interval; each has the name of its detector, and its own remarks."""

    name: str
    start: datetime  # without a time zone if that is unknown
    real_s: float
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
        _text(scale, "CoefficientValues", " ".join(map(repr, _from_edge(terms))))
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
    zone = "Z" if start.tzinfo else ""
    _text(one, "StartDateTime", (start.astimezone(UTC) if zone else start).replace(tzinfo=None).isoformat() + zone)
    _text(one, "RealTimeDuration", _duration(measurement.real_s))
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


def _duration(seconds: float) -> str:
    return f"PT{np.format_float_positional(seconds, trim='-')}S"


def _from_edge(terms: tuple) -> tuple[float, float, float]:
    """Terms for positions in which channel i extends from i to i + 1, from terms for its midpoint."""
    a, b, c = ([float(term) for term in terms] + [0.0, 0.0, 0.0])[:3] if terms else (0.0, 1.0, 0.0)
    return a - b / 2 + c / 4, b - c, c


def _from_middle(terms: tuple) -> tuple[float, float, float]:
    a, b, c = terms
    return a + b / 2 + c / 4, b + c, c


def read(path: Path | str) -> list[Measurement]:
    """The measurements in a file, in file order. Raises SourceError."""
    try:
        top = ElementTree.fromstring(octets_of(path))
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # LookupError: an unknown encoding
        raise SourceError.at(path, "file", f"not XML: {error}") from None
    if top.tag != f"{_IN}RadInstrumentData":
        raise SourceError.at(path, "root", "not RadInstrumentData of N42.42-2012", top.tag)
    scales = {one.get("id", ""): _scale(one, path) for one in top.iter(f"{_IN}EnergyCalibration")}
    return [_read_measurement(one, scales, path) for one in top.iter(f"{_IN}RadMeasurement")]


def _read_measurement(one: Element, scales: dict[str, tuple], path) -> Measurement:
    name = one.get("id", "")
    try:
        start = datetime.fromisoformat(_child(one, "StartDateTime", path))
    except ValueError:
        raise SourceError.at(path, f"{name}: StartDateTime", "not a date", _child(one, "StartDateTime", path)) from None
    real_s = _seconds(_child(one, "RealTimeDuration", path), path, f"{name}: RealTimeDuration")
    spectra = [_spectrum(row, scales, start, real_s, path) for row in one.iter(f"{_IN}Spectrum")]
    of_calibration = _child(one, "MeasurementClassCode", path) == "Calibration"
    return Measurement(name, start, real_s, spectra, of_calibration, tuple(_remarks(one)))


def _spectrum(row: Element, scales: dict[str, tuple], start: datetime, real_s: float, path) -> McaFile:
    where = row.get("id", "Spectrum")
    live_s = _seconds(_child(row, "LiveTimeDuration", path), path, f"{where}: LiveTimeDuration")
    remarks = []
    for remark in _remarks(row):
        if remark.startswith(_REAL_TIME):
            real_s = _seconds(remark.removeprefix(_REAL_TIME), path, f"{where}: {_REAL_TIME.strip(': ')}")
        else:
            remarks.append(remark)
    data = row.find(f"{_IN}ChannelData")
    if data is None:
        raise SourceError.at(path, f"{where}: ChannelData", "is missing")
    counts = [count(word, path, f"{where}: ChannelData") for word in (data.text or "").split()]
    if data.get("compressionCode") == "CountedZeroes":
        counts = list(_expanded(counts, path, where))
    if not counts:
        raise SourceError.at(path, f"{where}: ChannelData", "is empty")
    scale = scales.get(row.get("energyCalibrationReference", ""), ())
    detector = row.get("radDetectorInformationReference", "")
    text = " ".join(f"{term:g}" for term in scale)
    array = np.array(counts, np.int64)
    return McaFile(array, 0, live_s or None, real_s or None, scale, text, detector, start, tuple(remarks))


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


def _scale(one: Element, path) -> tuple:
    """Terms for the midpoint of channels; () if the file has boundaries instead."""
    found = one.find(f"{_IN}CoefficientValues")
    if found is None:
        return ()
    where = f"{one.get('id', '')}: CoefficientValues"
    terms = tuple(number(word, path, where) for word in (found.text or "").split())
    if len(terms) != 3:
        raise SourceError.at(path, where, f"{len(terms)} values, expected 3")
    return _from_middle(terms)


def _child(one: Element, name: str, path) -> str:
    found = one.find(_IN + name)
    if found is None:
        raise SourceError.at(path, f"{one.get('id', one.tag)}: {name}", "is missing")
    return (found.text or "").strip()


def _remarks(one: Element) -> Iterator[str]:
    for remark in one.findall(f"{_IN}Remark"):
        yield (remark.text or "").strip()


def _seconds(text: str, path, where: str) -> float:
    """Seconds of an xsd:duration without years and months."""
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        raise SourceError.at(path, where, "not a duration such as PT1.5S", text)
    parts = zip(found.groups(), _IN_S, strict=True)
    seconds = math.fsum(number(value, path, where) * unit for value, unit in parts if value)
    return number(seconds, path, where)

"""Spectra of Amptek's DppMCA and PMCA (.mca): sections that begin with `<<NAME>>`, of lines `NAME - value`.

Used here: LIVE_TIME, REAL_TIME and START_TIME of the first section; CALIBRATION, the unit of energy and the energies
of some channels; and the counts of DATA, one a line, up to <<END>>. GAIN is a setting of the instrument, and no
calibration.
Source: Amptek, DPPMCA Display & Acquisition Software User's Guide.
"""

from __future__ import annotations

import re

import numpy as np

from dorn.files.mca import KEV, McaFile, OtherKind, calibrated, decimal
from dorn.files.times import date, seconds
from dorn.util.checks import SourceError, count, text_of

_SECTION = re.compile(r"<<(.+?)>>")
_FIELD = re.compile(r"(\S+) - (.*)")


def read(path) -> McaFile:
    """Read the file at `path`. Raises SourceError."""
    sections: dict[str, list[tuple[int, str]]] = {}
    body: list[tuple[int, str]] = []
    for at, line in enumerate(text_of(path).split("\n"), start=1):
        name = _SECTION.fullmatch(line.strip())
        if name:
            body = sections.setdefault(name.group(1).strip(), [])
        elif line.strip():
            body.append((at, line.strip()))
    if "DATA" not in sections:
        raise OtherKind.at(path, "<<DATA>>", "is missing: not an .mca file of Amptek")
    if "END" not in sections:
        raise SourceError.at(path, "<<END>>", "is missing: the counts are not complete")
    counts = [count(line, path, "<<DATA>>", at) for at, line in sections["DATA"]]
    if not counts:
        raise SourceError.at(path, "<<DATA>>", "is empty")
    fields = dict(_fields(next(iter(sections.values()))))
    one = McaFile(np.array(counts, np.int64), 0, None, None, ())
    one.optional("times", _times, fields)
    one.optional("start", _start, fields.get("START_TIME", ""))
    one.optional("calibration", _calibrate, sections.get("CALIBRATION", []))
    return one


def _fields(lines: list[tuple[int, str]]) -> list[tuple[str, str]]:
    found = (_FIELD.fullmatch(line) for _, line in lines)
    return [(one.group(1), one.group(2).strip()) for one in found if one]


def _times(one: McaFile, fields: dict[str, str]) -> None:
    texts = (fields.get(name) for name in ("LIVE_TIME", "REAL_TIME"))
    one.live_s, one.real_s = (seconds(text) if text else None for text in texts)


def _start(one: McaFile, text: str) -> None:
    if text:
        one.start = date(text)


def _calibrate(one: McaFile, lines: list[tuple[int, str]]) -> None:
    """The straight line through the points, by least squares; none if the label is not a unit of energy."""
    unit = dict(_fields(lines)).get("LABEL", "").lower()
    points = [line.split() for _, line in lines if not _FIELD.fullmatch(line)]
    if unit not in KEV or not points:
        return
    one.calibration_text = "; ".join(" ".join(words) for words in points)[:60]
    if len(points) < 2 or any(len(words) != 2 for words in points):
        raise ValueError("<<CALIBRATION>>: at least two lines of channel and energy expected")
    channels, energies = np.array([[decimal(word) for word in words] for words in points]).T
    if len(set(channels.tolist())) < 2:
        raise ValueError("<<CALIBRATION>>: all points in one channel")
    from_mean = channels - channels.mean()
    slope = float(from_mean @ (energies - energies.mean()) / (from_mean @ from_mean))
    offset = float(energies.mean() - slope * channels.mean())
    one.coefficients = calibrated([KEV[unit] * term for term in (offset, slope)])

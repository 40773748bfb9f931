"""Measured spectra in the MAESTRO ASCII format (.spe, .Spe), as ORTEC programs and many others write them.

A file is a sequence of sections, each a line `$NAME:` and the lines under it; some programs write the first of these
behind the name. Used here: $SPEC_ID (name), $SPEC_REM (remarks), $DATE_MEA (start, without time zone), $MEAS_TIM (live
and real time in seconds), $DATA (first and last channel, then the counts), $MCA_CAL or $ENER_FIT (energy of a channel's
centre). Only $DATA is required.
Source: ORTEC Software File Structure Manual, part 753800, chapter on ASCII .SPE files.
"""

from __future__ import annotations

import numpy as np

from dorn.errors import UserError
from dorn.files.mca import McaFile, OtherKind, energy_terms, numbers, one_line, without_zone
from dorn.files.times import date, live_and_real
from dorn.util.checks import SourceError, count, text_of

_DATE = "%m/%d/%Y %H:%M:%S"
_OPTIONAL = ("MEAS_TIM", "DATE_MEA", "MCA_CAL", "ENER_FIT")


def read(path):
    """Read the file at `path` as an McaFile. Raises SourceError."""
    sections, faults = _sections(text_of(path), path)
    if "DATA" not in sections:
        raise OtherKind.at(path, "$DATA", "is missing: not a .spe file")
    first_channel, counts = _data(sections["DATA"], path)
    one = McaFile(counts, first_channel, None, None, (), faults=faults)
    one.remarks = tuple(line for _, line in sections.get("SPEC_REM", []))
    one.name = " ".join(line for _, line in sections.get("SPEC_ID", []))
    for fault, name, parse in (("times", "MEAS_TIM", _times), ("start", "DATE_MEA", _start)):
        if sections.get(name):
            one.optional(fault, parse, " ".join(line for _, line in sections[name]))
    _calibrate(one, sections)
    return one


def write(one: McaFile) -> bytes:
    """The content of a file. Numbers are written with full precision; the start is given to the second.

    Raises UserError for a name or a remark that would begin a section.
    """
    name, remarks = one_line(one.name), [one_line(remark) for remark in one.remarks]
    for text in (name, *remarks):
        if text.startswith("$"):
            raise UserError.at(".spe", "name or remark", "begins with $, as a section does", text)
    lines = ["$SPEC_ID:", name, "$SPEC_REM:", *remarks]
    if one.start is not None:
        lines += ["$DATE_MEA:", without_zone(one.start).strftime(_DATE)]
    lines += ["$MEAS_TIM:", f"{_digits(one.live_s or 0.0)} {_digits(one.real_s or 0.0)}"]
    lines += ["$DATA:", f"{one.first_channel} {one.first_channel + len(one.counts) - 1}"]
    lines += [str(n) for n in one.counts.tolist()]
    lines += ["$ROI:", "0"]
    if one.coefficients:
        terms = [*(float(term) for term in one.coefficients), 0.0, 0.0][:3]
        lines += ["$ENER_FIT:", f"{_digits(terms[0])} {_digits(terms[1])}"]
        lines += ["$MCA_CAL:", "3", f"{' '.join(map(_digits, terms))} keV"]
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _digits(value: float) -> str:
    """The shortest text that is read back as the same number."""
    return repr(float(value))


def _sections(text, path):
    """(name -> its lines with their numbers, faults). $DATA may not appear twice. Others may, if they are not used or
    if their contents are the same; otherwise they are left out."""
    sections, faults, body = {}, {}, None
    for at, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if line.startswith("$"):
            name, _, line = line[1:].partition(":")
            name, line = name.strip().upper(), line.strip()
            if name == "DATA" and name in sections:
                raise SourceError.at(path, f"${name}", "appears twice", line=at)
            body = []
            sections.setdefault(name, []).append(body)
        if line and body is not None:
            body.append((at, line))
    for name in _OPTIONAL:
        if len({tuple(line for _, line in body) for body in sections.get(name, [])}) > 1:
            del sections[name]
            field = {"MEAS_TIM": "times", "DATE_MEA": "start"}.get(name, "calibration")
            faults[field] = f"${name}: appears twice, with different contents"
    return {name: bodies[0] for name, bodies in sections.items()}, faults


def _data(body, path):
    if not body:
        raise SourceError.at(path, "$DATA", "is empty")
    at, line = body[0]
    words = line.split()
    if len(words) != 2 or not all(word.isdecimal() and len(word) < 10 for word in words):
        raise SourceError.at(path, "$DATA", "first and last channel expected", line, at)
    first, last = map(int, words)
    if last < first:
        raise SourceError.at(path, "$DATA", "last channel before the first", line, at)
    values = [count(word, path, "$DATA", at) for at, line in body[1:] for word in line.split()]
    if len(values) != last - first + 1:
        raise SourceError.at(path, "$DATA", f"{len(values)} channels, expected {first} to {last}")
    return first, np.array(values, dtype=np.int64)


def _times(one: McaFile, text: str) -> None:
    try:
        one.live_s, one.real_s = live_and_real(text)
    except ValueError as error:
        raise ValueError(f"$MEAS_TIM: {error}") from None


def _start(one: McaFile, text: str) -> None:
    try:
        one.start = date(text)
    except ValueError as error:
        raise ValueError(f"$DATE_MEA: {error}") from None


def _calibrate(one: McaFile, sections) -> None:
    """$MCA_CAL (number of terms; terms and unit) has precedence over $ENER_FIT (two terms, rounded), unless it has no
    calibration or cannot be read."""
    for name in ("MCA_CAL", "ENER_FIT"):
        announced, line = _terms(name, [text for _, text in sections.get(name, [])])
        if not line:
            continue
        text = f"${name} {line}"
        one.calibration_text = one.calibration_text or text
        try:
            terms = energy_terms(line)
            if announced is not None and any(terms[announced:]):
                raise ValueError(f"{len(terms)} terms, {announced} announced ({line})")
            one.coefficients = terms
        except ValueError as error:
            one.faults.setdefault("calibration", f"${name}: {error}")
        if one.coefficients:
            one.calibration_text = text
            one.faults.pop("calibration", None)
            return


def _terms(name: str, lines: list[str]) -> tuple[int | None, str]:
    """(number of terms if it is given, their line). Some programs write the number of $MCA_CAL and its terms in one
    line, or each term in its own."""
    if name != "MCA_CAL" or not lines:
        return None, "".join(lines[:1])
    first, _, rest = lines[0].partition(" ")
    if first.isdecimal() and (not rest or _numbers(rest) == int(first) > 1):
        return int(first), " ".join([rest, *lines[1:]]).strip()
    return None, lines[0]


def _numbers(text: str) -> int:
    """How many numbers a line begins with."""
    try:
        return len(numbers(text)[0])
    except ValueError:
        return 0

"""Measured spectra in the MAESTRO ASCII format (.spe, .Spe), as ORTEC programs and many others write them.

A file is a sequence of sections, each a line `$NAME:` and the lines under it. Used here: $SPEC_ID (name), $SPEC_REM
(remarks), $DATE_MEA (start, without time zone), $MEAS_TIM (live and real time in seconds), $DATA (first and last
channel, then the counts), $MCA_CAL or $ENER_FIT (energy of a channel's centre).
Source: ORTEC Software File Structure Manual, part 753800, chapter on ASCII .SPE files.
"""

from datetime import datetime

import numpy as np

from dorn.errors import UserError
from dorn.files.mca import McaFile, one_line, without_zone
from dorn.util.checks import SourceError, at_least, count, number, text_of

_KEV = {"kev": 1.0, "mev": 1000.0}
_DATE = "%m/%d/%Y %H:%M:%S"


def read(path):
    """Read the file at `path` as an McaFile. Raises SourceError."""
    sections = _sections(text_of(path), path)
    if "DATA" not in sections:
        raise SourceError.at(path, "$DATA", "is missing: not a .spe file")
    first_channel, counts = _data(sections["DATA"], path)
    live_s, real_s = _times(sections.get("MEAS_TIM", []), path)
    remarks = tuple(line for _, line in sections.get("SPEC_REM", []))
    name = " ".join(line for _, line in sections.get("SPEC_ID", []))
    calibration = _calibration(sections, path)
    return McaFile(counts, first_channel, live_s, real_s, *calibration, name, _start(sections), remarks)


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


def _start(sections) -> datetime | None:
    """None for dates in other formats, as written by some programs: day and month cannot be told apart."""
    for _, line in sections.get("DATE_MEA", [])[:1]:
        try:
            return datetime.strptime(line, _DATE)
        except ValueError:
            break
    return None


def _sections(text, path):
    sections, body = {}, None
    for at, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if line.startswith("$"):
            name = line[1:].rstrip(":").upper()
            if name in sections:
                raise SourceError.at(path, f"${name}", "appears twice", line=at)
            body = sections[name] = []
        elif line and body is not None:
            body.append((at, line))
    return sections


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


def _times(body, path):
    if not body:
        return None, None
    at, line = body[0]
    words = line.split()
    if len(words) != 2:
        raise SourceError.at(path, "$MEAS_TIM", "live and real time expected", line, at)
    # 0 0 in a file without a measurement: times unknown, not an error
    return tuple(at_least(0, word, path, "$MEAS_TIM", at) or None for word in words)


def _calibration(sections, path):
    """$MCA_CAL (number of terms; terms and unit) has precedence over $ENER_FIT (two terms, rounded)."""
    for name, skip in (("MCA_CAL", 1), ("ENER_FIT", 0)):
        lines = sections.get(name, [])[skip:]
        if not lines:
            continue
        at, text = lines[0]
        words = text.split()
        unit = words.pop().lower() if words[-1].isalpha() else "kev"
        if unit not in _KEV:
            raise SourceError.at(path, f"${name}", "unit is neither keV nor MeV", text, at)
        terms = tuple(_KEV[unit] * number(word, path, f"${name}", at) for word in words)
        return terms, f"${name} {text}"
    return (), ""

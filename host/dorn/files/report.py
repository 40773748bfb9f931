"""Reports of ORTEC's multichannel analysers (.dat): a line with date and times, a table `Chn Counts ROI`, and the
regions of interest."""

from __future__ import annotations

import re

import numpy as np

from dorn.files.mca import McaFile, OtherKind, date, decimal, duration
from dorn.util.checks import SourceError, count, octets_of, text_of

_TABLE = re.compile(r"^ *Chn +Counts +ROI *$", re.MULTILINE)
_ROW = re.compile(r"^ *(\d+) +(\S+) +(\d+) *$")
_WHEN = re.compile(r"^ *(\w{3} \d{1,2} \d{4} +\d{1,2}:\d{2}:\d{2} *(?:am|pm)?)", re.IGNORECASE)
_TIMES = (re.compile(r"Elt: *([\d.]+) *Seconds"), re.compile(r"Real Time: *([\d.]+)"))  # live and real
_BEGIN = 4096  # octets in which the table begins


def is_kind(path) -> bool:
    """Whether the file is such a report."""
    return bool(_TABLE.search(octets_of(path)[:_BEGIN].decode("latin-1").replace("\r", "")))


def read(path) -> McaFile:
    """Read the file at `path`. Raises SourceError."""
    text = text_of(path)
    table = _TABLE.search(text)
    if not table:
        raise OtherKind.at(path, "Chn Counts ROI", "is missing: not a report")
    before = text[: table.start()]
    line = before.count("\n") + 1
    channels, counts = [], []
    for at, row in enumerate(text[table.end() :].split("\n")[1:], start=line + 1):
        found = _ROW.match(row)
        if not found:
            break
        channels.append(int(found.group(1)))
        counts.append(count(found.group(2), path, "Counts", at))
        if channels[-1] != channels[0] + len(channels) - 1:
            raise SourceError.at(path, "Chn", "does not follow the previous one", found.group(1), at)
    if not counts:
        raise SourceError.at(path, "Counts", "no rows", line=line)
    one = McaFile(np.array(counts, np.int64), channels[0], None, None, ())
    one.optional("times", _times, before)
    one.optional("start", _start, before)
    return one


def _times(one: McaFile, text: str) -> None:
    live, real = (pattern.search(text) for pattern in _TIMES)
    one.live_s, one.real_s = (duration(decimal(time.group(1))) if time else None for time in (live, real))


def _start(one: McaFile, text: str) -> None:
    found = _WHEN.search(text)
    if found:
        one.start = date(found.group(1).upper())

"""Reports of ORTEC's multichannel analysers (.dat): a line with date and times, a table `Chn Counts ROI`, and the
regions of interest."""

from __future__ import annotations

import re

import numpy as np

from dorn.files.mca import McaFile, OtherKind
from dorn.files.times import date, seconds
from dorn.util.checks import SourceError, count, text_of

_TABLE = re.compile(r"^[ \t]*Chn[ \t]+Counts[ \t]+ROI[ \t]*$", re.MULTILINE)
_ROW = re.compile(r"\s*(\d+)\s+(\S+)\s+(\d+)\s*")
_WHEN = re.compile(r"^\s*(\w{3} \d{1,2} \d{4}\s+\d{1,2}:\d{2}:\d{2} *(?:am|pm)?)", re.IGNORECASE)
_TIMES = (re.compile(r"Elt:[ \t]*(\S+)[ \t]*Seconds"), re.compile(r"Real Time:[ \t]*(\S+)"))  # live and real
_SIZE = re.compile(r"Memory Size: *(\d+) *Chls")
_BEGIN = 4096  # characters in which the table begins


def is_kind(path) -> bool:
    """Whether the file is such a report."""
    return bool(_TABLE.search(text_of(path)[:_BEGIN]))


def read(path) -> McaFile:
    """Read the file at `path`. Raises SourceError."""
    text = text_of(path)
    table = _TABLE.search(text)
    if not table:
        raise OtherKind.at(path, "Chn Counts ROI", "is missing: not a report")
    before = text[: table.start()]
    line = before.count("\n") + 1
    rows = [(at, row) for at, row in enumerate(text.split("\n")[line:], start=line + 1) if row.lstrip()[:1].isdigit()]
    channels, counts = [], []
    for at, row in rows:  # other lines, of the regions, begin with words
        found = _ROW.fullmatch(row)
        if not found:
            raise SourceError.at(path, "row", "not channel, counts and ROI", row.strip(), at)
        channels.append(int(found.group(1)))
        counts.append(count(found.group(2), path, "Counts", at))
        if channels[-1] != channels[0] + len(channels) - 1:
            raise SourceError.at(path, "Chn", "does not follow the previous one", found.group(1), at)
    if not counts:
        raise SourceError.at(path, "Counts", "no rows", line=line)
    size = _SIZE.search(before)
    if size and int(size.group(1)) != len(counts):
        raise SourceError.at(path, "Counts", f"{len(counts)} channels, expected {size.group(1)}")
    one = McaFile(np.array(counts, np.int64), channels[0], None, None, ())
    one.optional("times", _times, before)
    one.optional("start", _start, before)
    return one


def _times(one: McaFile, text: str) -> None:
    live, real = (pattern.search(text) for pattern in _TIMES)
    one.live_s, one.real_s = (seconds(time.group(1)) if time else None for time in (live, real))


def _start(one: McaFile, text: str) -> None:
    found = _WHEN.search(text)
    if found:
        one.start = date(found.group(1).upper())

"""Spectra in the format of IEC 1455 (.iec): lines of 70 characters, each beginning with A004.

Line 2 has live and real time and the number of channels, line 3 the start, line 4 the terms of the energy in keV. The
counts follow at the end: the number of the first channel of a line, in 6 characters, and up to 5 counts, in 10 each.
"""

from __future__ import annotations

import re

import numpy as np

from dorn.files.mca import NUMBER, McaFile, OtherKind, calibrated, decimal
from dorn.files.times import date, seconds
from dorn.util.checks import SourceError, count, text_of

_MARK = "A004"
_HEADER = 4  # lines that are used
_COUNTS = re.compile(r"([ \d]{6})((?:[ \d]{10})+)")
_MOST_CHANNELS = 1 << 20


def read(path) -> McaFile:
    """Read the file at `path`. Raises SourceError."""
    lines = text_of(path).split("\n")
    marked = [line[len(_MARK) :].rstrip() for line in lines if line.startswith(_MARK)]
    if not lines[0].startswith(_MARK) or len(marked) <= _HEADER:
        other = next((line for line in lines if not line.startswith(_MARK)), lines[0])
        raise OtherKind.at(path, "A004", "does not begin each line: not a file of IEC 1455", other)
    lines = marked
    words = lines[1].split()
    if len(words) != 3 or not words[2].isdecimal() or not 0 < int(words[2][:9]) <= _MOST_CHANNELS:
        raise SourceError.at(path, "line 2", "live time, real time and number of channels expected", lines[1])
    counts = _counts(path, lines[_HEADER:], int(words[2]))
    one = McaFile(counts, 0, None, None, (), calibration_text=lines[3].strip())
    one.optional("times", _times, words)
    one.optional("start", _start, lines[2])
    one.optional("calibration", _calibrate, lines[3])
    return one


def _counts(path, lines: list[str], channels: int) -> np.ndarray:
    """Lines of counts end the file; each continues the channels of the one before, and the last may go beyond."""
    found: list[str] = []
    for line in reversed(lines):
        row = _COUNTS.fullmatch(line.ljust(-(-(len(line) - 6) // 10) * 10 + 6) if len(line) > 6 else line)
        if row:
            first, text = row.groups()
            found[:0] = [first.strip(), *(text[at : at + 10].strip() for at in range(0, len(text), 10))]
            if first.strip() == "0":
                break
        elif line.strip():
            break
    counts, at = [], 0
    while at < len(found):
        words = found[at + 1 : at + 6]
        if found[at] != str(len(counts)):
            raise SourceError.at(path, "channel", f"{len(counts)} expected", found[at])
        counts += [count(word, path, f"channel {found[at]}") for word in words if word]
        at += 6
    if len(counts) < channels:
        raise SourceError.at(path, "counts", f"{len(counts)} channels where the header announces {channels}")
    return np.array(counts[:channels], np.int64)


def _times(one: McaFile, words: list[str]) -> None:
    one.live_s, one.real_s = map(seconds, words[:2])


def _start(one: McaFile, line: str) -> None:
    if line[:17].strip():
        one.start = date(line[:17])


def _calibrate(one: McaFile, line: str) -> None:
    """Four terms of 16 characters; blanks need not separate them."""
    if re.sub(NUMBER, "", line).strip():
        raise ValueError(f"line 4: not calibration terms ({line.strip()[:40]})")
    one.coefficients = calibrated([decimal(term) for term in re.findall(NUMBER, line)])

"""Spectra as plain columns of numbers, with any separator: counts alone, or positions and counts.

Lines before the first row of numbers are a preamble: its last line names the columns, if it has as many words, and
times such as `Live time: 29.5 s` are found anywhere in it, as in lines that begin with #, % or //. Columns are
separated by tabs, semicolons, blanks or commas; where commas do not separate, they are decimal commas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from dorn.files.mca import IN_S, KEV, McaFile, OtherKind, decimal, duration
from dorn.util.checks import SourceError, count, text_of

SUFFIXES = (".csv", ".txt", ".tsv", ".tab", ".spa", ".asc", ".dat")
UNNAMED = "the first column has no name such as energy_kev or channel"
_COMMENT = ("#", "%", "//", "!")
_TIME = r"{}[ _-]*time\W*(?:s(?:ec(?:onds)?)?\b\W*)?(\d+(?:[.,]\d*)?(?:[eE][+-]?\d+)?) *([A-Za-z]*)"
_LIVE, _REAL = (re.compile(_TIME.format(kind), re.IGNORECASE) for kind in ("live", "(?:real|true|elapsed)"))
_ENERGY = re.compile(r"(?:energy|energies|e)?[\W_]*(kev|mev|ev)\W*|energy|energies", re.IGNORECASE)
_CHANNEL = re.compile(r"(channels?|chan|chn|ch|bins?|adc|codes?)([ _]?(no|number|nr)\.?)?", re.IGNORECASE)
_COUNTS = re.compile(r"(counts?|cts|events?|contents?|data)([ _/]*(per[ _])?(channel|bin))?", re.IGNORECASE)
_SAMPLE = 50  # rows that tell the separator
_TIMES_IN = 4000  # characters at the beginning and the end of a file


@dataclass
class Table:
    """Counts, int64[n], at positions, float64[n], in keV if `in_kev`."""

    positions: np.ndarray
    counts: np.ndarray
    in_kev: bool
    live_s: float | None
    real_s: float | None


def read(path) -> McaFile | Table:
    """Read the file at `path`: an McaFile if its rows are consecutive channels. Raises SourceError."""
    text = text_of(path)
    names, rows = _rows(path, text)
    live_s, real_s = (_time(kind, text[:_TIMES_IN] + text[-_TIMES_IN:]) for kind in (_LIVE, _REAL))
    at_position, at_counts = _places(path, names, rows)
    if at_position is None:
        return McaFile(_counts(path, rows, at_counts), 0, live_s, real_s, ())
    name = names[at_position] if names else "first column"
    energy = _ENERGY.fullmatch(name)
    factor = KEV[(energy.group(1) or "keV").lower()] if energy else 1.0
    positions: list[float] = []
    for at, words in rows:
        try:
            positions.append(factor * decimal(words[at_position]))
        except ValueError:
            raise SourceError.at(path, name, "not a usable number", words[at_position], at) from None
        if len(positions) > 1 and positions[-1] <= positions[-2]:
            raise SourceError.at(path, name, "not above the previous one", words[at_position], at)
    first, counts = positions[0], _counts(path, rows, at_counts)
    if not energy and 0 <= first < 2**31 and positions == [int(first) + n for n in range(len(positions))]:
        return McaFile(counts, int(first), live_s, real_s, ())
    return Table(np.array(positions), counts, bool(energy), live_s, real_s)


def _counts(path, rows, column: int) -> np.ndarray:
    return np.array([count(words[column].replace(",", "."), path, "counts", at) for at, words in rows], np.int64)


def _rows(path, text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """(names of the columns, or []; line number and words of each row)."""
    lines = [(at, line.strip()) for at, line in enumerate(text.split("\n"), start=1) if line.strip(" ,;\t")]
    begin = next((n for n, (_, line) in enumerate(lines) if _is_row(line) or (n and _is_header(lines[n - 1][1]))), None)
    if not lines:
        raise OtherKind.at(path, "rows", "none")
    if begin is None:
        at, line = next(((at, line) for at, line in lines if not line.startswith(_COMMENT)), lines[0])
        if _is_header(line):
            raise SourceError.at(path, "rows", "none follow the header", line, at)
        raise OtherKind.at(path, "header", "no row of numbers follows", line, at)
    above = lines[begin - 1][1] if begin else ""
    lines = [(at, line) for at, line in lines[begin:] if not line.startswith(_COMMENT)]
    if not lines:
        raise SourceError.at(path, "rows", "none")
    separator = _separator(lines[:_SAMPLE])
    rows = [(at, _split(line, separator)) for at, line in lines]
    width = len(rows[0][1])
    names = _split(above.lstrip("#%/! "), separator)
    if _is_header(above):
        names = _words(above)
        width = len(names)
    for at, words in rows:
        if len(words) != width:
            raise SourceError.at(path, "row", f"{len(words)} values, expected {width}", ",".join(words), at)
    return names if len(names) == width else [], rows


def _is_row(line: str) -> bool:
    """Whether a line consists of numbers only."""
    words = [word for word in re.split(r"[;,\s]+", line) if word]
    try:
        return bool([decimal(word) for word in words])
    except ValueError:
        return False


def _words(line: str) -> list[str]:
    """Words of a line that may be a header, with the first separator in it."""
    line = line.lstrip("#%/! ")
    separator = next((one for one in ";\t," if one in line), None)
    return [word.strip("\"' ") for word in _split(line, separator)]


def _is_header(line: str) -> bool:
    """Whether all words are names of columns, and one is of counts."""
    words = _words(line)
    known = [[bool(kind.fullmatch(word)) for kind in (_ENERGY, _CHANNEL, _COUNTS)] for word in words]
    return all(any(one) for one in known) and any(one[2] for one in known)


def _separator(lines) -> str | None:
    """ ";", tab, "," or None for blanks."""
    for separator in (";", "\t"):
        if all(separator in line for _, line in lines):
            return separator
    if all("," in line for _, line in lines):
        # with blanks between the words, a comma within each of them is a decimal comma
        decimals = all(re.fullmatch(r"\S*\d,\d\S*(\s+\S+)+|\S+(\s+\S+)*\s+\S*\d,\d\S*", line) for _, line in lines)
        return None if decimals and not any(re.search(r",\s", line) for _, line in lines) else ","
    return None


def _split(line: str, separator: str | None) -> list[str]:
    words = [word.strip() for word in line.split(separator)]
    while len(words) > 1 and not words[-1]:  # a separator at the end of a line
        words.pop()
    return words


def _places(path, names: list[str], rows) -> tuple[int | None, int]:
    """Which columns have the positions (None without any) and the counts."""
    width = len(rows[0][1])
    if width == 1:
        return None, 0
    if not names:
        if width == 2:
            return 0, 1
        what = f"{width} columns, and no line with their names, such as energy_kev,counts"
        raise OtherKind.at(path, "columns", what, line=rows[0][0])
    kinds = (_ENERGY, _CHANNEL, _COUNTS)
    energies, channels, counts = ([n for n, name in enumerate(names) if kind.fullmatch(name)] for kind in kinds)
    positions = energies or channels
    if not counts and width == 2 and positions:
        counts = [1 - positions[0]]
    if len(counts) != 1 or not positions:
        what = "a column of energies (energy_kev) or channels, and one of counts, expected"
        raise OtherKind.at(path, "header", what, ",".join(names))
    return positions[0], counts[0]


def _time(kind: re.Pattern, text: str) -> float | None:
    found = kind.search(text)
    if not found:
        return None
    try:
        return duration(decimal(found.group(1)) * IN_S[found.group(2).lower()])
    except (ValueError, KeyError):
        return None

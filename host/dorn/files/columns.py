"""Spectra as plain columns of numbers, with any separator: counts alone, or positions and counts.

Lines before the first row of numbers are a preamble: its last line names the columns, if it has as many words, and
times such as `Live time: 29.5 s` are found anywhere in it, as in lines that begin with #, % or //. Columns are
separated by tabs, semicolons, bars, blanks or commas; where commas do not separate, they are decimal commas. Lines
after the last row that begin with a word, such as `Total,7`, are left out. Rows of empty channels may be missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from dorn.files import gaps
from dorn.files.mca import KEV, McaFile, OtherKind, decimal
from dorn.files.times import named
from dorn.util.checks import SourceError, count, text_of

SUFFIXES = (".csv", ".txt", ".tsv", ".tab", ".spa")
_UNNAMED = "the first column has no name such as energy_kev or channel"
_NO_UNIT = "the energies have no unit: taken as keV"
_LOWER_EDGES = "energies as SpecUtils writes them: taken as those of the lower edges of channels"
_COMMENT = ("#", "%", "//", "!")
_SEPARATORS = (";", "\t", "|")  # before blanks and commas
_ENERGY = re.compile(r"(?:energy|energies|e)?[\W_]*(kev|mev|ev)\W*|energy|energies", re.IGNORECASE)
_CHANNEL = re.compile(r"(channels?|chan|chn|ch|bins?|adc|codes?)([ _]?(no|number|nr)\.?)?", re.IGNORECASE)
_COUNTS = re.compile(r"(counts?|cts|events?|contents?|data)([ _/]*(per[ _])?(channel|bin))?", re.IGNORECASE)
_WORD = re.compile(r"[\"'\s]*(?!nan|inf)[^\W\d_]", re.IGNORECASE)  # begins a line that is no row
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_SAMPLE = 50  # rows that tell the separator
_TIMES_IN = 4000  # characters at the beginning and the end of a file


@dataclass
class Table(McaFile):
    """Counts at positions, float64[n], in keV if `in_kev`, instead of consecutive channels."""

    positions: np.ndarray = field(default_factory=lambda: np.zeros(0))
    in_kev: bool = False


def read(path) -> McaFile:
    """Read the file at `path`: a Table unless its rows are channels. Raises SourceError."""
    text = text_of(path)
    names, rows = rows_of(path, text)
    at_position, at_counts = _places(path, names, rows)
    if at_position is None:
        one = McaFile(_counts(path, rows, at_counts), 0, None, None, ())
    else:
        name = names[at_position] if names else ""
        positions = _increasing(path, name or "first column", rows, at_position)
        one = _at_positions(path, names, name, positions, _counts(path, rows, at_counts))
    one.optional("times", _times, text)
    return one


def begins(text: str) -> bool:
    """Whether the beginning of a file is that of columns: it is text, and has a row of numbers."""
    return not re.search(r"[\x00-\x08\x0e-\x1f]", text) and any(map(_is_row, text.split("\n")))


def _times(one: McaFile, text: str) -> None:
    one.live_s, one.real_s = named(f"{text[:_TIMES_IN]}\n{text[_TIMES_IN:][-_TIMES_IN:]}")


def _at_positions(path, names: list[str], name: str, positions: np.ndarray, counts: np.ndarray) -> McaFile:
    energy, is_channel = _ENERGY.fullmatch(name), bool(_CHANNEL.fullmatch(name))
    factor = KEV[(energy.group(1) or "keV").lower()] if energy else 1.0
    steps, first = np.diff(positions), int(positions[0])
    whole = 0 <= first < 2**31 and (positions == np.floor(positions)).all()
    wide = is_channel and len(steps) > 1 and steps[0] > 1 and (steps == steps[0]).all()  # channels taken together
    if not energy and whole and not wide and (is_channel or (steps == 1).all()):
        filled, notes = gaps.in_channels(path, name, positions, counts)
        return McaFile(filled, first, None, None, (), notes=notes)
    positions, counts, notes = gaps.in_table(factor * positions, counts)
    if [one.lower() for one in names] == ["energy", "data"]:
        positions, notes = positions + gaps.half_widths(positions), (*notes, _LOWER_EDGES)
    elif energy and not energy.group(1):
        notes += (_NO_UNIT,)
    if wide:
        notes += (f"channels in steps of {steps[0]:g}: taken as that wide",)
    faults = {} if energy or is_channel else {"calibration": _UNNAMED}
    return Table(counts, 0, None, None, (), notes=notes, faults=faults, positions=positions, in_kev=bool(energy))


def _increasing(path, name: str, rows, column: int) -> np.ndarray:
    found: list[float] = []
    for at, words in rows:
        try:
            found.append(decimal(words[column]))
        except ValueError:
            raise SourceError.at(path, name, "not a usable number", words[column], at) from None
        if len(found) > 1 and found[-1] <= found[-2]:
            raise SourceError.at(path, name, "not above the previous one", words[column], at)
    return np.array(found)


def _counts(path, rows, column: int) -> np.ndarray:
    """Three decimals beside whole numbers are taken for a separator of thousands, and refused."""
    texts = [(at, words[column]) for at, words in rows]
    grouped = next(((at, text) for at, text in texts if _THOUSANDS.fullmatch(text)), None)
    if grouped and any(text.isdecimal() and text != "0" for _, text in texts):
        what = "three decimals beside whole numbers: write counts without separators of thousands"
        raise SourceError.at(path, "counts", what, grouped[1], grouped[0])
    return np.array([count(text.replace(",", "."), path, "counts", at) for at, text in texts], np.int64)


def rows_of(path, text: str, is_names=None) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """(names of the columns, or []; line number and words of each row) of the text of a file. is_names: whether a line
    names the columns, by default those of spectra. Raises SourceError."""
    lines = [(at, line.strip()) for at, line in enumerate(text.split("\n"), start=1) if line.strip(" ,;\t|")]
    begin = next((n for n, (_, line) in enumerate(lines) if _is_row(line) or (n and _is_header(lines[n - 1][1]))), None)
    if not lines:
        raise OtherKind.at(path, "rows", "none")
    if begin is None:
        at, line = next(((at, line) for at, line in lines if not line.startswith(_COMMENT)), lines[0])
        if _is_header(line):
            raise SourceError.at(path, "rows", "none follow the header", line, at)
        raise OtherKind.at(path, "header", "no row of numbers follows", line, at)
    above = lines[begin - 1][1] if begin else ""
    if is_names and above.startswith(_COMMENT) and not is_names(above):
        above = ""
    lines = [(at, line) for at, line in lines[begin:] if not line.startswith(_COMMENT)]
    while len(lines) > 1 and _WORD.match(lines[-1][1]) and not _is_header(lines[-1][1]):
        lines.pop()
    if not lines:
        raise SourceError.at(path, "rows", "none")
    separator = _separator(lines[:_SAMPLE])
    only = len(_words(above)) == 1 and (is_names or _is_header)(above)  # its name says that there is one column
    if separator == "," and (only or ("," not in above and all(re.fullmatch(r"\d+,0+", line) for _, line in lines))):
        separator = None  # decimal commas
    rows = [(at, _split(line, separator)) for at, line in lines]
    width = len(rows[0][1])
    above = above.lstrip("#%/! ")
    names = _split(above, separator if width > 1 else "\n")  # the name of an only column may have blanks
    if _is_header(above):
        names = _words(above)
        width = len(names)
    for at, words in rows:
        if len(words) != width:
            raise SourceError.at(path, "row", f"{len(words)} values, expected {width}", ",".join(words), at)
    return names if len(names) == width else [], rows


def _is_row(line: str) -> bool:
    """Whether a line consists of numbers only."""
    words = [word for word in re.split(r"[;,|\s\"']+", line) if word]
    try:
        return bool([decimal(word) for word in words])
    except ValueError:
        return False


def _words(line: str) -> list[str]:
    """Words of a line that may be a header, with the first separator in it."""
    line = line.lstrip("#%/! ")
    return _split(line, next((one for one in (*_SEPARATORS, ",") if one in line), None))


def _is_header(line: str) -> bool:
    """Whether all words are names of columns, and one is of counts."""
    words = _words(line)
    known = [[bool(kind.fullmatch(word)) for kind in (_ENERGY, _CHANNEL, _COUNTS)] for word in words]
    return all(any(one) for one in known) and any(one[2] for one in known)


def _separator(lines) -> str | None:
    """One of _SEPARATORS, "," or None for blanks."""
    for separator in _SEPARATORS:
        if all(separator in line for _, line in lines):
            return separator
    if all("," in line for _, line in lines):
        # with blanks between the words, a comma within each of them is a decimal comma
        decimals = all(re.fullmatch(r"\S*\d,\d\S*(\s+\S+)+|\S+(\s+\S+)*\s+\S*\d,\d\S*", line) for _, line in lines)
        return None if decimals and not any(re.search(r",\s", line) for _, line in lines) else ","
    return None


def _split(line: str, separator: str | None) -> list[str]:
    words = [word.strip("\"' \t") for word in line.split(separator)]
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

"""Files of FAST ComTec's programs MCDWIN and MPANT (.mcd, .mpa, .asc).

A header of lines `name=value`, in blocks that begin with `[BLOCK]`; then each spectrum, after a line such as
`[DATA0,4096 ]` (also TDAT, CDAT, or [DATA] alone), as one count a line, as channel and count (fmt=csv), or as 4 octets
a count (fmt=dat). Used here: realtime, livetime, the start (`REPORT-FILE from`), and caloff, calfact, calfact2, calunit
of the block of a spectrum's ADC. Maps of two parameters are not read. An .asc file without a header is columns.
Source: manuals of MPA-3, MPA4 and MCA4A, chapters on file formats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from dorn.files.mca import KEV, McaFile, OtherKind, calibrated, decimal
from dorn.files.times import date, seconds
from dorn.util.checks import SourceError, count, octets_of, text_of

_DATA = re.compile(r"^\[([TC]?DAT(?:A)?)(\d*)(?:, *(\d+))? *\] *\r?\n", re.MULTILINE)
_LIST = re.compile(r"^\[LISTDATA\]", re.MULTILINE)
_BLOCK = re.compile(r"^\[(.+?)\]$")
_FROM = re.compile(r"REPORT-FILE from (\S+ \S+)")
_TERMS = ("caloff", "calfact", "calfact2", "calfact3")
_MOST_CHANNELS = 1 << 24


@dataclass
class _Header:
    """common: the values before the first block; blocks: (name, values) of each."""

    common: dict[str, str] = field(default_factory=dict)
    blocks: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def is_kind(path) -> bool:
    """Whether the file has such a header."""
    text = _text(path)
    return bool(_DATA.search(text) or _LIST.search(text))


def read(path) -> list[McaFile]:
    """The spectra in a file, in file order. Raises SourceError."""
    content = _text(path)
    marks = list(_DATA.finditer(content))
    if not marks:
        listed = "only a list of events, of which no spectrum is made" if _LIST.search(content) else "is missing"
        raise OtherKind.at(path, "[DATA]", f"{listed}: not a file of FAST ComTec with a spectrum")
    text = content[: marks[0].start()]
    header, fmt = _header(text), re.search(r"^fmt=(\w+)", text, re.MULTILINE)
    found = []
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        body = content[mark.end() : after.start() if after else len(content)]
        name, number, size = mark.group(1), mark.group(2), int(mark.group(3) or 0)
        if name == "CDAT" and _is_map(header, int(number or 0)):
            continue
        one = McaFile(np.zeros(0, np.int64), 0, None, None, (), name=f"{name}{number}")
        one.optional("counts", _counts, path, body, size, fmt.group(1).lower() if fmt else "asc")
        _describe(one, header, text, int(number or 0) if name != "CDAT" else None)
        found.append(one)
    if not found:
        raise SourceError.at(path, "[CDAT]", "only maps of two parameters")
    return found


def _text(path) -> str:
    """The content; with fmt=dat, one character an octet."""
    octets = octets_of(path)
    return octets.decode("latin-1") if re.search(rb"^fmt=dat", octets, re.MULTILINE) else text_of(path)


def _header(text: str) -> _Header:
    found = _Header()
    values = found.common
    for line in text.splitlines():
        block = _BLOCK.match(line.strip())
        if block:
            values = {}
            found.blocks.append((block.group(1), values))
        elif "=" in line:
            name, _, value = line.partition("=")
            values.setdefault(name.strip().lower(), value.strip())
    return found


def _is_map(header: _Header, number: int) -> bool:
    """Whether a calculated spectrum has two dimensions."""
    maps = [values for name, values in header.blocks if name.startswith("MAP")]
    return number < len(maps) and maps[number].get("xdim", "0") not in ("", "0")


def _counts(one: McaFile, path, body: str, size: int, fmt: str) -> None:
    """Rows are counts, or channels and counts, of which those without counts may be left out."""
    where = f"[{one.name}]"
    if size > _MOST_CHANNELS:
        raise SourceError.at(path, where, f"more than {_MOST_CHANNELS} channels", size)
    if fmt == "dat":
        octets = body.encode("latin-1")
        if not size or len(octets) < 4 * size:
            raise SourceError.at(path, where, f"{len(octets) // 4} channels, expected {size or 'a number of them'}")
        one.counts = np.frombuffer(octets, "<u4", size).astype(np.int64)
        return
    separators = r"[,;\s]+" if fmt == "csv" else r"\s+"
    rows = [re.split(separators, line.strip()) for line in body.split("\n") if line.strip()]
    rows = [words for words in rows if not words[0].startswith(("#", "["))]
    width = len(rows[0]) if rows else 1
    for words in rows:
        if len(words) != width or width > 2:
            raise SourceError.at(path, where, "not a count, or channel and count, in each row", " ".join(words))
    counts = [count(words[-1], path, where) for words in rows]
    if width == 2 and counts:
        channels = [count(words[0], path, f"{where} channel") for words in rows]
        _place(one, path, channels, counts, size or channels[-1] + 1)
        return
    if not counts or (size and len(counts) != size):
        raise SourceError.at(path, where, f"{len(counts)} channels, expected {size or 'at least one'}")
    one.counts = np.array(counts, np.int64)


def _place(one: McaFile, path, channels: list[int], counts: list[int], size: int) -> None:
    """Counts of named channels. If empty channels are left out, none of those that are there is empty."""
    where = f"[{one.name}] channel"
    for before, channel in zip([-1, *channels], channels, strict=False):
        if not before < channel < min(size, _MOST_CHANNELS):
            raise SourceError.at(path, where, f"not above the previous one, and below {size}", channel)
    left_out = size - len(channels)
    if left_out and not all(counts):
        raise SourceError.at(path, where, f"{len(channels)} rows, some of them with 0, expected {size}")
    one.counts = np.zeros(size, np.int64)
    one.counts[channels] = counts
    if left_out:
        one.notes = (f"{left_out} of {size} channels are not in the file: taken as empty",)


def _describe(one: McaFile, header: _Header, text: str, number: int | None) -> None:
    """Times, start and calibration, as far as they can be read. number: of the ADC, None for a calculated spectrum."""
    values = dict(header.common)
    adcs = [block for name, block in header.blocks if re.match(r"ADC|CHN|MCA|MCS", name)]
    if number is not None and number < len(adcs):
        values |= adcs[number]
    one.optional("times", _times, values)
    one.optional("start", _start, _FROM.search(text))
    one.optional("calibration", _calibrate, values)


def _times(one: McaFile, values: dict[str, str]) -> None:
    one.live_s, one.real_s = (seconds(values[name]) if values.get(name) else None for name in ("livetime", "realtime"))


def _start(one: McaFile, found: re.Match | None) -> None:
    if found:
        one.start = date(found.group(1))


def _calibrate(one: McaFile, values: dict[str, str]) -> None:
    one.calibration_text = " ".join(f"{name}={values[name]}" for name in (*_TERMS, "calunit") if values.get(name))
    if values.get("caluse", "1") == "0" or not any(values.get(name) for name in _TERMS):
        return
    unit = values.get("calunit", "keV").lower()
    if unit not in KEV:
        raise ValueError(f"calunit: neither eV, keV nor MeV ({unit})")
    one.coefficients = calibrated([KEV[unit] * decimal(values.get(name) or 0) for name in _TERMS])

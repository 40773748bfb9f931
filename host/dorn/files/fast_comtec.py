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

from dorn.files.mca import KEV, McaFile, OtherKind, calibrated, date, decimal, duration
from dorn.util.checks import SourceError, count, octets_of

_DATA = re.compile(rb"^\[([TC]?DAT(?:A)?)(\d*)(?:, *(\d+))? *\] *\r?\n", re.MULTILINE)
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
    return bool(_DATA.search(octets_of(path)))


def read(path) -> list[McaFile]:
    """The spectra in a file, in file order. Raises SourceError."""
    octets = octets_of(path)
    marks = list(_DATA.finditer(octets))
    if not marks:
        raise OtherKind.at(path, "[DATA]", "is missing: not a file of FAST ComTec with its data")
    text = octets[: marks[0].start()].decode("utf-8", "replace")
    header, fmt = _header(text), re.search(r"^fmt=(\w+)", text, re.MULTILINE)
    found = []
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        body = octets[mark.end() : after.start() if after else len(octets)]
        name, number = mark.group(1).decode(), mark.group(2).decode()
        size = int(mark.group(3) or 0)
        where = f"[{name}{number}]"
        if name == "CDAT" and _is_map(header, int(number or 0)):
            continue
        counts = _counts(path, where, body, size, fmt.group(1).lower() if fmt else "asc")
        one = McaFile(counts, 0, None, None, (), name=f"{name}{number}")
        _describe(one, header, text, int(number or 0) if name != "CDAT" else None)
        found.append(one)
    if not found:
        raise SourceError.at(path, "[CDAT]", "only maps of two parameters")
    return found


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


def _counts(path, where: str, body: bytes, size: int, fmt: str) -> np.ndarray:
    if size > _MOST_CHANNELS:
        raise SourceError.at(path, where, f"more than {_MOST_CHANNELS} channels", size)
    if fmt == "dat":
        if not size or len(body) < 4 * size:
            raise SourceError.at(path, where, f"{len(body) // 4} channels, expected {size or 'a number of them'}")
        return np.frombuffer(body, "<u4", size).astype(np.int64)
    rows = [line.split() for line in body.decode("utf-8", "replace").partition("\x1a")[0].splitlines()]
    rows = [words for words in rows if words and not words[0].startswith(("#", "["))]
    if size and len(rows) != size and all(len(words) == 2 for words in rows):  # empty channels are left out
        return _sparse(path, where, rows, size)
    counts = [count(words[-1], path, where) for words in rows]
    if not counts or (size and len(counts) != size):
        raise SourceError.at(path, where, f"{len(counts)} channels, expected {size or 'at least one'}")
    return np.array(counts, np.int64)


def _sparse(path, where: str, rows, size: int) -> np.ndarray:
    counts = np.zeros(size, np.int64)
    for channel, content in rows:
        at = count(channel, path, f"{where} channel")
        if at >= size:
            raise SourceError.at(path, f"{where} channel", f"not below {size}", channel)
        counts[at] = count(content, path, where)
    return counts


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
    one.live_s, one.real_s = (
        duration(decimal(values[name])) if values.get(name) else None for name in ("livetime", "realtime")
    )


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

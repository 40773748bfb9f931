"""Measured spectra of any format, through one reader.

dorn.files.KINDS lists the formats; the suffix of a file tells its format, and a file with another suffix is read as
columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from dorn.files import (
    BY_SPEC_UTILS,
    KINDS,
    amptek,
    chn,
    columns,
    fast_comtec,
    iec,
    n42,
    npes,
    radiacode,
    report,
    root_file,
    spe,
    spec_utils,
)
from dorn.files.mca import McaFile, OtherKind
from dorn.util.checks import SourceError, text_in, text_of

_ROOT = re.compile(r"<(?:\w+:)?(RadInstrumentData|N42InstrumentData|ResultDataFile)\b")
_BEGIN = 4096  # characters in which the root element begins; octets that tell columns
_MOST_COUNTS = 2**53  # together: sums are exact in int64 and in float64
_LONGER = 1.0 + 1e-6  # than the real time, by more than rounding


@dataclass(frozen=True, eq=False)
class Spectrum:
    """edges: float64[n + 1], centres: float64[n], in channels or, if `in_kev`, in keV; counts: int64[n]; coefficients:
    the stored calibration, E in keV = c0 + c1 channel + ..., () if none.

    start: without a time zone if the format has none. notes: what should be known about the file. faults: what was left
    out, because it cannot be read: "calibration", "times" or "start" -> the reason.
    """

    edges: np.ndarray
    centres: np.ndarray
    counts: np.ndarray
    live_s: float | None = None
    real_s: float | None = None
    coefficients: tuple[float, ...] = ()
    in_kev: bool = False
    start: datetime | None = None
    calibration_text: str = ""
    notes: tuple[str, ...] = ()
    faults: dict[str, str] = field(default_factory=dict)

    def uncalibrated(self) -> str:
        """Why there is no calibration, for a message."""
        fault = self.faults.get("calibration")
        return f"cannot be read: {fault}" if fault else "is missing"


class Spectra(dict[str, Spectrum]):
    """Name -> spectrum, in file order. refused: name -> why the counts of another one in the file cannot be read."""

    refused: dict[str, SourceError]

    def __init__(self, found: dict[str, Spectrum | SourceError]):
        super().__init__((name, one) for name, one in found.items() if isinstance(one, Spectrum))
        self.refused = {name: one for name, one in found.items() if isinstance(one, SourceError)}


def read(path: Path | str) -> Spectra:
    """The spectra in a file. Raises SourceError if there is none whose counts can be read."""
    path = Path(path)
    try:
        content = _READERS.get(path.suffix.lower(), _others)(path)
    except OtherKind as error:
        raise SourceError(f"{error}; kinds that are read: {KINDS}") from None
    if isinstance(content, McaFile):
        content = [content]
    found = _several(content, path) if isinstance(content, list) else content
    for name, one in found.items():
        if isinstance(one, Spectrum):
            found[name] = _checked(path, name if len(found) > 1 else "counts", one)
    spectra = Spectra(found)
    if not spectra:
        raise next(iter(spectra.refused.values()))
    return spectra


def is_kind(path: Path | str) -> bool:
    """Whether the suffix is one of a spectrum or, for any other, the file begins as columns do."""
    path = Path(path)
    if path.suffix.lower() in (*_READERS, *columns.SUFFIXES, *BY_SPEC_UTILS):
        return True
    try:
        with path.open("rb") as file:
            return columns.begins(text_in(file.read(_BEGIN)))
    except OSError:
        return False


def one_of(path: Path | str, spectra: Spectra, name: str | None, option: str = "--spectrum") -> Spectrum:
    """The spectrum with this name, or the only one. Raises SourceError."""
    there = (*spectra, *spectra.refused)
    if name is None and len(there) > 1:
        raise SourceError.at(path, "spectra", f"{len(there)} in the file; choose one with {option}", _list(there))
    if name in spectra.refused:
        raise spectra.refused[name]
    if name is not None and name not in spectra:
        raise SourceError.at(path, option, f"not one of {_list(there)}", name)
    return spectra[next(iter(spectra)) if name is None else name]


def _list(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "")


def _checked(path, field, one: Spectrum) -> Spectrum | SourceError:
    total = sum(one.counts.tolist())  # of Python, which does not overflow
    return SourceError.at(path, field, "more than 2^53 counts together", total) if total > _MOST_COUNTS else one


def _spectrum(file: McaFile) -> Spectrum | SourceError:
    """Energies or other positions are those of the centres of channels, which meet halfway between them; the outer two
    are symmetric. A single one is a line."""
    if "counts" in file.faults:
        return SourceError(file.faults["counts"])
    if isinstance(file, columns.Table):
        centres = file.positions
        middles = (centres[1:] + centres[:-1]) / 2
        ends = 2 * centres[[0, -1]] - middles[[0, -1]] if len(middles) else centres[[0, 0]]
        edges, in_kev = np.concatenate([ends[:1], middles, ends[1:]]), file.in_kev
    else:
        centres = file.first_channel + np.arange(len(file.counts), dtype=float)
        edges, in_kev = np.append(centres, centres[-1] + 1) - 0.5, False
    notes = (*file.notes, *_notes(file.live_s, file.real_s))
    rest = file.start, file.calibration_text, notes, file.faults
    return Spectrum(edges, centres, file.counts, file.live_s, file.real_s, tuple(file.coefficients), in_kev, *rest)


def _notes(live_s: float | None, real_s: float | None) -> tuple[str, ...]:
    if live_s and real_s and live_s > _LONGER * real_s:
        return (f"live time {live_s:g} s is longer than the real time, {real_s:g} s",)
    return ()


def _several(files: list[McaFile], path) -> dict[str, Spectrum | SourceError]:
    """By their names in the file; a single one is named after the file."""
    found: dict[str, Spectrum | SourceError] = {}
    for file in files:
        name = file.name.strip() if len(files) > 1 else path.name
        if not name or name in found:
            name = f"{name or 'spectrum'} {len(found) + 1}"
        found[name] = _spectrum(file)
    if not found:
        raise SourceError.at(path, "spectrum", "none in the file")
    return found


def _xml(path) -> list[McaFile]:
    """N42, of both versions, or of RadiaCode."""
    root = _ROOT.search(text_of(path)[:_BEGIN])
    if root and root.group(1) == "ResultDataFile":
        return radiacode.read(path)
    if root and root.group(1) == "N42InstrumentData":
        return spec_utils.read(path)
    files = []
    for measurement in n42.read(path):
        for one in measurement.spectra:
            one.name = f"{measurement.name} {one.name}".strip()
            files.append(one)
    return files


def _root(path) -> dict[str, Spectrum | SourceError]:
    return {
        name: one if isinstance(one, SourceError) else Spectrum(one[0], (one[0][1:] + one[0][:-1]) / 2, one[1])
        for name, one in root_file.read(path).items()
    }


def _dat(path) -> McaFile:
    return report.read(path) if report.is_kind(path) else columns.read(path)


def _fast(path) -> list[McaFile] | McaFile:
    return fast_comtec.read(path) if fast_comtec.is_kind(path) else columns.read(path)


def _others(path) -> list[McaFile] | McaFile:
    """A file with another suffix, or none."""
    return spec_utils.read(path) if path.suffix.lower() in BY_SPEC_UTILS else columns.read(path)


_READERS = {
    ".spe": spe.read,
    ".chn": chn.read,
    ".n42": _xml,
    ".xml": _xml,
    ".json": npes.read,
    ".mca": amptek.read,
    ".mcd": _fast,
    ".mpa": _fast,
    ".asc": _fast,
    ".dat": _dat,
    ".iec": iec.read,
    ".root": _root,
}

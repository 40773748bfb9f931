"""Measured spectra of any format, through one reader. KINDS lists the formats; the suffix of a file tells its format,
and a file with another suffix is read as columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from dorn.files import chn, columns, fast_comtec, iec, n42, npes, radiacode, report, root_file, spe, spec_utils
from dorn.files.mca import McaFile, OtherKind
from dorn.util.checks import SourceError

KINDS = (
    ".spe, .chn, .n42, .json (Gamma-MCA), .xml (RadiaCode), .mcd, .mpa, .asc (FAST ComTec), .dat (ORTEC), .iec, .root, "
    f"columns (.csv, .txt, ...), with SpecUtils {', '.join(spec_utils.SUFFIXES)}"
)
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


def read(path: Path | str) -> dict[str, Spectrum]:
    """Name -> spectrum, in file order. Raises SourceError if there is none, or if its counts cannot be read."""
    path = Path(path)
    suffix = path.suffix.lower()
    try:
        found = _READERS.get(suffix, _others)(path)
    except OtherKind as error:
        raise SourceError(f"{error}; kinds that are read: {KINDS}") from None
    if isinstance(found, McaFile):
        found = {path.name: _of_channels(found)}
    for name, one in found.items():
        _check(path, name if len(found) > 1 else "counts", one.counts)
    return found


def is_kind(path: Path | str) -> bool:
    """Whether the suffix is one of a spectrum."""
    return Path(path).suffix.lower() in (*_READERS, *columns.SUFFIXES, *spec_utils.SUFFIXES)


def one_of(path: Path | str, spectra: dict[str, Spectrum], name: str | None, option: str = "--spectrum") -> Spectrum:
    """The spectrum with this name, or the only one. Raises SourceError."""
    if name is None and len(spectra) > 1:
        raise SourceError.at(path, "spectra", f"{len(spectra)} in the file; choose one with {option}", _list(spectra))
    if name is not None and name not in spectra:
        raise SourceError.at(path, option, f"not one of {_list(spectra)}", name)
    return spectra[next(iter(spectra)) if name is None else name]


def _list(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "")


def _check(path, field, counts: np.ndarray) -> None:
    total = sum(counts.tolist())  # of Python, which does not overflow
    if total > _MOST_COUNTS:
        raise SourceError.at(path, field, "more than 2^53 counts together", total)


def _of_channels(file: McaFile) -> Spectrum:
    centres = file.first_channel + np.arange(len(file.counts), dtype=float)
    edges = np.append(centres, centres[-1] + 1) - 0.5
    notes = (*file.notes, *_notes(file.live_s, file.real_s))
    times = file.live_s, file.real_s
    rest = file.start, file.calibration_text, notes, file.faults
    return Spectrum(edges, centres, file.counts, *times, tuple(file.coefficients), False, *rest)


def _notes(live_s: float | None, real_s: float | None) -> tuple[str, ...]:
    if live_s and real_s and live_s > _LONGER * real_s:
        return (f"live time {live_s:g} s is longer than the real time, {real_s:g} s",)
    return ()


def _several(files: Iterable[McaFile], path) -> dict[str, Spectrum]:
    """By their names in the file; a single one is named after the file."""
    files, found = list(files), {}
    for file in files:
        name = file.name.strip() if len(files) > 1 else path.name
        if not name or name in found:
            name = f"{name or 'spectrum'} {len(found) + 1}"
        found[name] = _of_channels(file)
    if not found:
        raise SourceError.at(path, "spectrum", "none in the file")
    return found


def _n42(path) -> dict[str, Spectrum]:
    if n42.is_2006(path):
        return _several(spec_utils.read(path), path)
    files = []
    for measurement in n42.read(path):
        for one in measurement.spectra:
            one.name = f"{measurement.name} {one.name}".strip()
            files.append(one)
    return _several(files, path)


def _xml(path) -> dict[str, Spectrum]:
    return _several(radiacode.read(path), path) if radiacode.is_kind(path) else _n42(path)


def _root(path) -> dict[str, Spectrum]:
    return {
        name: Spectrum(edges, (edges[1:] + edges[:-1]) / 2, counts)
        for name, (edges, counts) in root_file.read(path).items()
    }


def _dat(path) -> dict[str, Spectrum] | McaFile:
    return report.read(path) if report.is_kind(path) else _columns(path)


def _fast(path) -> dict[str, Spectrum] | McaFile:
    return _several(fast_comtec.read(path), path) if fast_comtec.is_kind(path) else _columns(path)


def _columns(path) -> dict[str, Spectrum] | McaFile:
    """Energies, if the first column has them, are those of the centres of channels, which meet halfway between them;
    the outer two are symmetric. A single energy is a line."""
    table = columns.read(path)
    if isinstance(table, McaFile):
        return table
    centres = table.positions
    middles = (centres[1:] + centres[:-1]) / 2
    ends = 2 * centres[[0, -1]] - middles[[0, -1]] if len(middles) else centres[[0, 0]]
    edges = np.concatenate([ends[:1], middles, ends[1:]])
    faults = {} if table.in_kev else {"calibration": columns.UNNAMED}
    notes = _notes(table.live_s, table.real_s)
    times = table.live_s, table.real_s
    one = Spectrum(edges, centres, table.counts, *times, in_kev=table.in_kev, notes=notes, faults=faults)
    return {path.name: one}


def _others(path) -> dict[str, Spectrum] | McaFile:
    """A file with another suffix, or none."""
    suffix = path.suffix.lower()
    if suffix in spec_utils.SUFFIXES:
        return _several(spec_utils.read(path), path)
    return _columns(path)


_READERS = {
    ".spe": spe.read,
    ".chn": chn.read,
    ".n42": _n42,
    ".xml": _xml,
    ".json": lambda path: _several(npes.read(path), path),
    ".mcd": _fast,
    ".mpa": _fast,
    ".asc": _fast,
    ".dat": _dat,
    ".iec": iec.read,
    ".root": _root,
}

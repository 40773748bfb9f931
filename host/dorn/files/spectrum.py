"""Measured spectra of any format: .spe, .chn, .root (each histogram) and CSV `energy_kev,counts`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dorn.files import chn, csv_file, root_file, spe
from dorn.util.checks import SourceError

SUFFIXES = (".spe", ".chn", ".root", ".csv")


@dataclass(frozen=True, eq=False)
class Spectrum:
    """edges: float64[n + 1], of channels or, if `in_kev`, energies; counts: int64[n]; coefficients: the stored
    calibration, E = c0 + c1 channel + ..., () if none."""

    edges: np.ndarray
    counts: np.ndarray
    live_s: float | None = None
    coefficients: tuple[float, ...] = ()
    in_kev: bool = False


def read(path: Path | str) -> dict[str, Spectrum]:
    """Name -> spectrum, in the order of the file. Raises SourceError."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".root":
        return {name: Spectrum(edges, counts) for name, (edges, counts) in root_file.read(path).items()}
    if suffix == ".csv":
        header, columns = csv_file.read(path, 16)
        if header != csv_file.SPECTRUM:
            raise SourceError.at(path, "header", f"not {','.join(csv_file.SPECTRUM)}", ",".join(header))
        energies_kev, counts = map(np.array, columns)
        if len(energies_kev) < 2:
            raise SourceError.at(path, "energy_kev", "only one row")
        middles = (energies_kev[1:] + energies_kev[:-1]) / 2
        ends = 2 * energies_kev[[0, -1]] - middles[[0, -1]]
        return {path.name: Spectrum(np.concatenate([ends[:1], middles, ends[1:]]), counts, in_kev=True)}
    if suffix not in SUFFIXES:
        raise SourceError.at(path, "suffix", f"none of {', '.join(SUFFIXES)}", suffix or "none")
    file = {".spe": spe.read, ".chn": chn.read}[suffix](path)
    edges = file.first_channel + np.arange(len(file.counts) + 1) - 0.5
    return {path.name: Spectrum(edges, file.counts, file.live_s, tuple(file.coefficients))}

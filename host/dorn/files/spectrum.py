"""Measured spectra of any format: .spe, .chn, .n42 (each spectrum), .root (each histogram), CSV `energy_kev,counts`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dorn.files import chn, csv_file, n42, root_file, spe
from dorn.files.mca import McaFile
from dorn.util.checks import SourceError

SUFFIXES = (".spe", ".chn", ".n42", ".root", ".csv")


@dataclass(frozen=True, eq=False)
class Spectrum:
    """edges: float64[n + 1], channels or, if `in_kev`, energies; counts: int64[n]; coefficients: the stored
    calibration, E = c0 + c1 channel + ..., () if none."""

    edges: np.ndarray
    counts: np.ndarray
    live_s: float | None = None
    coefficients: tuple[float, ...] = ()
    in_kev: bool = False


def read(path: Path | str) -> dict[str, Spectrum]:
    """Name -> spectrum, in file order. Raises SourceError."""
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
    if suffix == ".n42":
        found = {f"{m.name} {one.name}".strip(): _of_channels(one) for m in n42.read(path) for one in m.spectra}
        if not found:
            raise SourceError.at(path, "Spectrum", "none in the file")
        return found
    return {path.name: _of_channels({".spe": spe.read, ".chn": chn.read}[suffix](path))}


def _of_channels(file: McaFile) -> Spectrum:
    edges = file.first_channel + np.arange(len(file.counts) + 1) - 0.5
    return Spectrum(edges, file.counts, file.live_s, tuple(file.coefficients))

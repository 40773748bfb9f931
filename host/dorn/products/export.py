"""Files of an archive for other programs, by format."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from dorn.errors import UserError
from dorn.files import chn, csv_file, n42, spe
from dorn.files.mca import McaFile
from dorn.products import export_arrays, export_pds4
from dorn.products.exchange import NAMES, UNKNOWN, Exchange
from dorn.products.files import Write


def contents(exchange: Exchange, formats: list[str]) -> dict[str, Write]:
    """Name, perhaps with a folder -> function that writes it, for all files of these formats (keys of FORMATS)."""
    files: dict[str, Write] = {}
    for name in formats:
        files |= FORMATS[name](exchange)
    return files


def others(out: Path, contents: Iterable[str]) -> list[Path]:
    """Files that are not of these names, in the folders below `out` that the names are in."""
    names = {out / name for name in contents}
    folders = {out / name.split("/")[0] for name in contents if "/" in name}
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file() and path not in names)


def _spectra(suffix: str, write: Callable[[McaFile], bytes]) -> Callable[[Exchange], dict[str, Write]]:
    """A file for each spectrum, in a folder."""

    def files(exchange: Exchange) -> dict[str, Write]:
        folder = suffix.lower()
        return {f"{folder}/{one.name}.{suffix}": _bytes(write, one) for one in exchange.total()}

    return files


def _bytes(write: Callable[[McaFile], bytes], one: McaFile) -> Write:
    return lambda file: file.write(write(one))


def _chn_files(exchange: Exchange) -> dict[str, Write]:
    """The format has 63 characters for remarks: they identify the instrument, and say if UTC is unknown."""
    about = exchange.about
    words = [about[name] for name in ("instrument", "board", "firmware", "dictionary")]
    remark = " ".join(words) + (f"; {UNKNOWN.partition(':')[0]}" if exchange.dates_unknown else "")
    spectra = exchange.total()
    return {f"chn/{one.name}.Chn": _bytes(chn.write, replace(one, remarks=(remark,))) for one in spectra}


def _csv(one: McaFile) -> bytes:
    offset_kev, kev, _ = one.coefficients
    times = f"live time: {one.live_s!r} s, real time: {one.real_s!r} s"
    energies_kev = offset_kev + kev * np.arange(len(one.counts))
    return csv_file.write(energies_kev, one.counts, (one.name, times, *one.remarks))


def _n42(exchange: Exchange) -> dict[str, Write]:
    about = exchange.about
    instrument = n42.Instrument(
        "DORN-FSW",
        about["instrument"],
        about["board"],
        {"firmware": about["firmware"], "dictionary": about["dictionary"]},
        exchange.remarks,
        {name: _description(name) for name in NAMES},
    )
    return {"spectra.n42": lambda file: file.write(n42.write(instrument, exchange.measurements()))}


def _description(name: str) -> str:
    side, _, number = name.rpartition("_")
    if side == "front_back":
        return f"silicon detectors: both sides of detection unit {number}, sum of their energies"
    return f"silicon detector: {side} of detection unit {int(number) // 2}"


FORMATS: dict[str, Callable[[Exchange], dict[str, Write]]] = {
    "spe": _spectra("Spe", spe.write),
    "chn": _chn_files,
    "csv": _spectra("csv", _csv),
    "n42": _n42,
    "hdf5": export_arrays.hdf5,
    "root": export_arrays.root,
    "pds4": export_pds4.files,
}


def parse(text: str) -> list[str]:
    """The formats in a list such as spe,n42. Raises UserError if one does not exist."""
    names = [name.strip().lower() for name in text.split(",")]
    for name in names:
        if name not in FORMATS:
            raise UserError.at("--format", "FORMAT,...", f"not one of {', '.join(FORMATS)}", name or text)
    return list(dict.fromkeys(names))

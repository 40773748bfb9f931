"""Spectra of any kind, from any folder: only their counts are compared, as nothing else is known of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np

from dorn.errors import UserError
from dorn.files import spectrum
from dorn.study import measured

_ABOUT = ("EXPECTED", "PROVENANCE", "LICENSE", "README")  # beginnings of the names of files about the others


def read(data: Path, most: int, known: Collection[Path] = ()) -> tuple[list[measured.Measured], list[tuple[str, str]]]:
    """(the spectra of all files below `data` but those in `known`, file and reason of those that cannot be judged).

    Of a spectrum with more than `most` counts, the same fraction of each channel is taken, rounded down; its name then
    says so.
    """
    found, refused = [], []
    for path in sorted(path for path in data.rglob("*") if path.is_file() and spectrum.is_kind(path)):
        file = str(path.relative_to(data))
        if path in known or path.name.startswith(_ABOUT):
            continue
        try:
            spectra = spectrum.read(path)
        except UserError as error:
            refused.append((file, reason(error, path)))
            continue
        refused += [(f"{file}, {name}", reason(error, path)) for name, error in spectra.refused.items()]
        for name, one in spectra.items():
            where = file if len(spectra) + len(spectra.refused) == 1 else f"{file}, {name}"
            total = int(one.counts.sum())
            counts = one.counts
            if total > most:  # in numbers of Python, which do not overflow
                counts = np.array([n * most // total for n in counts.tolist()], np.int64)
                where += f", {counts.sum()} of {total} counts"
            if counts.any():
                sums = (("total", 0, len(counts) - 1, int(counts.sum())),)
                found.append(measured.Measured(measured.ANY, where, counts, sums, stated=False))
            else:
                refused.append((where, f"counts: none left in any channel, of {most}" if total else "counts: all 0"))
    return found, refused


def reason(error: UserError, path: Path) -> str:
    """Why a file cannot be judged, for a table with the names of files: without its path, and the kinds that can."""
    text = str(error).removeprefix(str(path)).partition("; kinds that")[0]
    return re.sub(r"^:(\d+)", r"line \1", text).lstrip(": ")

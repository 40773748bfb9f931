"""Spectra of any kind, from any folder: only their counts are compared, as nothing else is known of them."""

from __future__ import annotations

from pathlib import Path

from dorn.errors import UserError
from dorn.files import spectrum
from dorn.study import measured


def read(data: Path, most: int) -> tuple[list[measured.Measured], list[tuple[str, str]]]:
    """(the spectra of all files below `data` that are in no known set, file and reason of those that cannot be judged).

    Of a spectrum with more than `most` counts, the same fraction of each channel is taken, rounded down; its name then
    says so.
    """
    found, refused = [], []
    for path in sorted(path for path in data.rglob("*") if path.is_file() and spectrum.is_kind(path)):
        file = str(path.relative_to(data))
        if path.relative_to(data).parts[0] in (*measured.SETS, measured.LEUVEN):
            continue
        try:
            spectra = spectrum.read(path)
        except UserError as error:
            refused.append((file, str(error).removeprefix(str(path)).lstrip(":").partition("; kinds that")[0]))
            continue
        for name, one in spectra.items():
            where = file if len(spectra) == 1 else f"{file}, {name}"
            total = int(one.counts.sum())
            counts = one.counts
            if total > most:
                counts = counts * most // total
                where += f", {counts.sum()} of {total} counts"
            if counts.any():
                sums = (("total", 0, len(counts) - 1, int(counts.sum())),)
                found.append(measured.Measured(measured.ANY, where, counts, sums))
            else:
                refused.append((where, "counts: all 0"))
    return found, refused

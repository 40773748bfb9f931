"""Ramps read by the ADCs of boards: those that can be judged, and what is seen in them directly."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dorn.analysis import code_widths
from dorn.analysis.code_widths import OVER_WIDE
from dorn.errors import UserError
from dorn.head.adc import CODES, Adc, read_ramp
from dorn.study import Report

SET = "adc-ramp-rp2040"
_SUFFIX = ".csv"
_WIDE = 3  # median codes: an over-wide code is some nine of them, the widest other one half more than one
_CODES_PER_CHANNEL = code_widths.scale()[1]


class Half(NamedTuple):
    """Every other step of a ramp. levels: float64[n]; readings: int64[n, m], codes at each level."""

    levels: np.ndarray
    readings: np.ndarray

    def histogram(self) -> np.ndarray:
        """Readings of each code, int64[CODES]."""
        return np.bincount(self.readings.ravel(), minlength=CODES)

    def over_wide(self) -> list[int]:
        """The codes of the erratum that this ADC has: a board without it has none."""
        codes = self.histogram()
        inner = covered(codes)
        usual = np.median(codes[_CODES_PER_CHANNEL * inner.start : _CODES_PER_CHANNEL * inner.stop])
        return [code for code in OVER_WIDE if codes[code] > _WIDE * usual]


class Ramp(NamedTuple):
    """seen: the half from which the ADC is modelled; held_out: the other, for verification."""

    seen: Half
    held_out: Half

    @classmethod
    def read(cls, path: Path) -> Ramp:
        """Raises UserError if the file is no ramp, or the ramp is too short to be judged."""
        levels, readings = read_ramp(path)
        halves = [Half(levels[n::2], readings[n::2]) for n in (0, 1)]
        for half in halves:
            try:
                Adc.from_ramp(*half)
            except (ValueError, IndexError) as error:
                raise UserError.at(path, "readings", "ramp too short", str(error)) from None
            inner = covered(half.histogram())
            within = (code // _CODES_PER_CHANNEL in range(inner.start, inner.stop) for code in OVER_WIDE)
            if not all(within):
                what = (
                    f"codes {readings.min()} to {readings.max()}: a ramp over all of {OVER_WIDE[0]} to {OVER_WIDE[-1]}"
                )
                raise UserError.at(path, "readings", f"{what} is needed")
        return cls(*halves)


def read(report: Report, data: Path) -> dict[str, Ramp]:
    """The ramps in DATA/adc-ramp-rp2040, or in DATA itself: name of a board, that of its file -> its ramp.

    Files that cannot be judged are reported and left out. Raises UserError if none is left.
    """
    folder = data / SET if (data / SET).is_dir() else data
    ramps, refused = {}, []
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() == _SUFFIX):
        try:
            ramps[path.stem] = Ramp.read(path)
        except UserError as error:
            refused.append(str(error))
    if not ramps:
        what = "no ramp of an ADC: rows of level,code,code,... in .csv files"
        raise UserError.at("DATA", "folder", what if not refused else f"{what}: {'; '.join(refused)}", str(data))
    for reason in refused:
        report.say(f"not judged: {reason}")
    return ramps


def covered(histogram: np.ndarray) -> slice:
    """Channels that a ramp covers, from its readings per code, except any cut by its ends or reached only by noise."""
    filled = np.flatnonzero(histogram)
    return slice(int(filled[0]) // _CODES_PER_CHANNEL + 2, int(filled[-1]) // _CODES_PER_CHANNEL - 1)

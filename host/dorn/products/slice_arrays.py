"""Slices as arrays, and as the file slices.npz."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dorn.analysis.calibration import Calibration
from dorn.errors import UserError
from dorn.products.slices import CHANNELS, COINCIDENCE_CHANNELS, DETECTORS, SPECTRA, UNITS, Slices, States
from dorn.products.stored import Parts, write_npz


@dataclass(frozen=True)
class SliceArrays:
    """n slices, sorted by origin and start; spectra: 16 of detectors, then 8 of units."""

    origin: np.ndarray  # uint16[n]
    start_s: np.ndarray  # float[n], on-board time
    length_s: np.ndarray  # float
    begin_s: np.ndarray  # float[n], on-board time of the start of the first integration
    end_s: np.ndarray  # float[n], of the end of the last integration, which may be in the next slice
    real_s: np.ndarray  # float[n, 24]
    live_s: np.ndarray  # float[n, 24]
    mode: np.ndarray  # uint8[n], the highest during the slice, as in enum.mode; 0 without a reading
    storm: np.ndarray  # uint8[n], 1: storm mode during part of the slice
    phase: np.ndarray  # uint8[n], the observation table in force, as in enum.table; 0: unknown, or changed
    temperature_k: np.ndarray  # float[n, 2], means of head and board; NaN without a reading
    po_209_code: np.ndarray  # float[n, 16], mean position of the Po-209 line, ADC codes; NaN if not found
    gain: np.ndarray  # float[n, 16], from the drift in the calibration; divide the energies below by it
    energy_kev: np.ndarray  # float[16, 1024], of the channels of each detector
    coincidence_energy_kev: np.ndarray  # float[8, 256], of each unit
    counts: np.ndarray  # uint32[n, 16, 1024]
    coincidences: np.ndarray  # uint32[n, 8, 256]

    @classmethod
    def load(cls, path: Path | str) -> SliceArrays:
        """Read slices.npz. Raises UserError if it is not such a file."""
        try:
            with np.load(path) as file:
                return cls(**{name: file[name] for name in cls.__dataclass_fields__})
        except (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise UserError.at(path, "slices", f"cannot be read: {error}") from None

    def calibrated(self, calibration: Calibration, instrument: dict) -> SliceArrays:
        """These slices on another energy scale."""
        gain = calibration.gains(self.origin, (self.begin_s + self.end_s) / 2)
        scales = (energies_kev(calibration, instrument, coincidences) for coincidences in (False, True))
        return replace(self, gain=gain, **dict(zip(("energy_kev", "coincidence_energy_kev"), scales, strict=True)))


def write_slices(file: BinaryIO, slices: Slices, states: States, instrument: dict, calibration: Calibration) -> None:
    """Write slices.npz: the arrays of SliceArrays."""
    write_npz(file, _arrays(slices, states, instrument, calibration))


def slice_arrays(slices: Slices, states: States, instrument: dict, calibration: Calibration) -> SliceArrays:
    """All slices in memory."""
    arrays = _arrays(slices, states, instrument, calibration)
    return SliceArrays(**{name: _whole(array) for name, array in arrays.items()})


def _whole(array: np.ndarray | Parts) -> np.ndarray:
    if isinstance(array, np.ndarray):
        return array
    whole = np.zeros(array.shape, array.dtype)
    for n, part in enumerate(array.parts):
        whole[n] = part[0]
    return whole


def _arrays(
    slices: Slices, states: States, instrument: dict, calibration: Calibration
) -> dict[str, np.ndarray | Parts]:
    n = len(slices)
    starts = np.array(slices.starts(), np.int64).reshape(-1, 2)
    spectra_s = np.array([(one.real_us, one.live_us) for one in slices]).reshape(-1, 2, SPECTRA) / 1e6
    begin_s, end_s = np.array([one.times_us for one in slices]).reshape(-1, 2).T / 1e6
    return {
        "origin": starts[:, 0].astype(np.uint16),
        "start_s": starts[:, 1] / 1e6,
        "length_s": np.array(slices.length_us / 1e6),
        "begin_s": begin_s,
        "end_s": end_s,
        "real_s": spectra_s[:, 0],
        "live_s": spectra_s[:, 1],
        **states.over(slices),
        "gain": calibration.gains(starts[:, 0], (begin_s + end_s) / 2),
        "energy_kev": energies_kev(calibration, instrument, False),
        "coincidence_energy_kev": energies_kev(calibration, instrument, True),
        "counts": Parts(np.uint32, (n, DETECTORS, CHANNELS), (one.counts[None] for one in slices)),
        "coincidences": Parts(np.uint32, (n, UNITS, COINCIDENCE_CHANNELS), (one.coincidences[None] for one in slices)),
    }


def energies_kev(calibration: Calibration, instrument: dict, coincidences: bool) -> np.ndarray:
    """float[16 or 8, channels]: mean energy of the codes of each channel."""
    kev_per_code, zero_code = scales(calibration, instrument, coincidences)
    codes = instrument["codes_per_coincidence_channel" if coincidences else "codes_per_channel"]
    channel = np.arange(instrument["coincidence_channels" if coincidences else "channels"])
    return kev_per_code[:, None] * (codes * channel + (codes - 1) / 2 - zero_code[:, None])


def scales(calibration: Calibration, instrument: dict, coincidences: bool) -> tuple[np.ndarray, np.ndarray]:
    """(kev_per_code, zero_code) of each detector, or of the sums of each unit."""
    if coincidences:
        return calibration.of_units(instrument["zero_code"])
    return calibration.kev_per_code, calibration.zero_code

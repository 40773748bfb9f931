"""The energy calibration of an instrument: the scale of each detector, and the file calibration.toml.

    energy in keV = kev_per_code * (code - zero_code)

The file has the scale of each calibrated detector with its uncertainty, and how it was found; the other detectors keep
the default of the dictionary. It may also have the drift, the gain of each detector over time. Stored counts never
change: a calibration only defines the energies of the channels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dorn.nuclides import main_kev
from dorn.util.tables import Table

if TYPE_CHECKING:  # it needs scipy, which takes as long to import as all of `dorn decode`
    from dorn.analysis.energy_scale import Scale

DETECTORS = 16
HEADING = "# energy in keV ="  # start of the first line of the file
_MOST_CODES, _MOST_GAIN = 4096, 2.0  # largest magnitude of zero_code, and largest gain of a drift
# other entries of a detector in the file
_INFORMATION = (
    "statistical_error_kev",
    "fwhm_kev",
    "fwhm_error_kev",
    "tails",
    "chi2_per_dof",
    "counts",
    "missing",
)


def channel_edges(instrument: dict) -> np.ndarray:
    """float64[channels + 1]: the edges of the channels of a detector, in ADC codes. instrument: the dictionary's table
    of that name."""
    return np.arange(instrument["channels"] + 1) * instrument["codes_per_channel"] - 0.5


def energy_error_kev(position, kev_per_unit, zero, covariance) -> np.ndarray:
    """Standard error of kev_per_unit * (position - zero). covariance: float64[..., 2, 2], of kev_per_unit and zero."""
    distance = np.asarray(position, float) - zero
    gain, both, offset = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
    variance = distance**2 * gain - 2 * distance * kev_per_unit * both + kev_per_unit**2 * offset
    return np.sqrt(np.maximum(variance, 0.0))  # rounding may make a sum of terms that cancel negative


@dataclass(frozen=True, eq=False)
class Drift:
    """Gains of all detectors in n intervals of on-board time: kev_per_code is that of the scale divided by the gain."""

    nuclide: str  # the nuclide whose line was followed
    origin: np.ndarray  # uint16[n]
    start_s: np.ndarray  # float64[n], ascending for each origin
    length_s: float
    gain: np.ndarray  # float64[n, 16]; NaN where the line was not found
    error: np.ndarray  # float64[n, 16]

    def at(self, origin: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        """float64[times, 16]: gains at on-board times, interpolated linearly between the midpoints of the intervals;
        1 for a detector or an origin without gains."""
        gains = np.ones((len(time_s), DETECTORS))
        for one in np.unique(origin).tolist():
            of, at = self.origin == one, origin == one
            middles_s = self.start_s[of] + self.length_s / 2
            for detector, gain in enumerate(self.gain[of].T):
                known = np.isfinite(gain)
                if known.any():
                    gains[at, detector] = np.interp(time_s[at], middles_s[known], gain[known])
        return gains


@dataclass(frozen=True, eq=False)
class Calibration:
    """The scales of all detectors."""

    kev_per_code: np.ndarray  # float64[16]
    zero_code: np.ndarray  # float64[16]
    covariance: np.ndarray  # float64[16, 2, 2], of kev_per_code and zero_code; 0 for the default
    source: str = ""  # the file; empty: the default
    boards: tuple[str, ...] = ()  # unique ids of the boards it was made for, in hexadecimal, if known
    drift: Drift | None = None

    @classmethod
    def default(cls, instrument: dict) -> Calibration:
        """The default of the dictionary. instrument: the dictionary's table of that name."""
        kev_per_code, zero_code = (np.full(DETECTORS, float(instrument[n])) for n in ("kev_per_code", "zero_code"))
        return cls(kev_per_code, zero_code, np.zeros((DETECTORS, 2, 2)))

    @classmethod
    def load(cls, path: Path | str, instrument: dict) -> Calibration:
        """Read calibration.toml. Raises SourceError, in one line that names file, field and value."""
        top = Table.read(path)
        if "spectrum" in top.values:
            raise top.error("spectrum", "calibrates spectra of a file, not the detectors of an instrument")
        default = cls.default(instrument)
        kev_per_code, zero_code, covariance = (
            array.copy() for array in (default.kev_per_code, default.zero_code, default.covariance)
        )
        seen: set[int] = set()
        for one in top.tables("detector"):
            detector = _detector(one, seen)
            kev_per_code[detector], zero_code[detector] = one.above_zero("kev_per_code"), one.number("zero_code")
            if not abs(zero_code[detector]) <= _MOST_CODES:
                raise one.error("zero_code", f"not from -{_MOST_CODES} to {_MOST_CODES}", zero_code[detector])
            covariance[detector] = _covariance(one)
            for name in _INFORMATION:
                one.get(name, None)
            one.done()
        if not seen:
            raise top.error("detector", "none")
        drift = _drift(top.table("drift")) if "drift" in top.values else None
        boards = top.get("boards", [])
        if not isinstance(boards, list) or not all(isinstance(board, str) for board in boards):
            raise top.error("boards", "not a list of strings", boards)
        for name in ("command", "source", "lines"):
            top.get(name, None)
        top.done()
        return cls(kev_per_code, zero_code, covariance, str(path), tuple(boards), drift)

    def energy_kev(self, code, detector) -> np.ndarray:
        """The energy of each code. code, detector: arrays of equal shape, or numbers."""
        return self.kev_per_code[detector] * (np.asarray(code, float) - self.zero_code[detector])

    def error_kev(self, code, detector) -> np.ndarray:
        """The standard error of `energy_kev`; 0 for the default."""
        scale = self.kev_per_code[detector], self.zero_code[detector]
        return energy_error_kev(code, *scale, self.covariance[detector])

    def gains(self, origin: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        """float64[times, 16]: gains relative to the scale at on-board times; 1 without a drift."""
        return self.drift.at(origin, time_s) if self.drift else np.ones((len(time_s), DETECTORS))

    def of_units(self, default_zero_code: float) -> tuple[np.ndarray, np.ndarray]:
        """(kev_per_code, zero_code) of the sum of both sides of each unit, float64[8] each.

        The instrument adds codes, front + back - default_zero_code, so the energy of a sum is exact only if both gains
        are equal. With their mean, the error is half the relative difference of the gains times the difference of the
        two energies.
        """
        fronts, backs = slice(0, None, 2), slice(1, None, 2)
        kev_per_code = (self.kev_per_code[fronts] + self.kev_per_code[backs]) / 2
        return kev_per_code, self.zero_code[fronts] + self.zero_code[backs] - default_zero_code


def _detector(table: Table, seen: set[int]) -> int:
    """The number of a detector. Raises UserError if it is out of range or was given before."""
    detector = table.count("number")
    if detector >= DETECTORS or detector in seen:
        raise table.error("number", f"given twice, or not from 0 to {DETECTORS - 1}", detector)
    seen.add(detector)
    return detector


def _covariance(one: Table) -> np.ndarray:
    gain, zero = one.at_least(0, "kev_per_code_error"), one.at_least(0, "zero_code_error")
    correlation = one.number("correlation")
    if abs(correlation) > 1:
        raise one.error("correlation", "not from -1 to 1", correlation)
    return np.array([[gain**2, correlation * gain * zero], [correlation * gain * zero, zero**2]])


def _drift(table: Table) -> Drift:
    start_s = np.array(table.at_least_zero("start_s"))
    origin = np.array(table.at_least_zero("origin", len(start_s)))
    if not np.isin(origin, np.arange(1 << 16)).all():
        raise table.error("origin", "not a whole number from 0 to 65535", table.get("origin"))
    ordered = (np.diff(origin) != 0) | (np.diff(start_s) > 0)
    if not ordered.all():
        raise table.error("start_s", "not ascending", float(start_s[np.argmin(ordered) + 1]))
    gain, error = (np.full((len(start_s), DETECTORS), np.nan) for _ in range(2))
    seen: set[int] = set()
    for one in table.tables("detector"):
        detector = _detector(one, seen)
        for name, column in (("gain", gain), ("error", error)):
            values = np.array(one.at_least_zero(name, len(start_s)))
            column[:, detector] = np.where(values > 0, values, np.nan)
        one.done()
    wrong = gain[np.isfinite(gain) & ~((gain > 1 / _MOST_GAIN) & (gain < _MOST_GAIN))]
    if len(wrong):
        raise table.error("gain", f"not 0 and not between {1 / _MOST_GAIN:g} and {_MOST_GAIN:g}", float(wrong[0]))
    nuclide, length_s = table.text("nuclide"), table.above_zero("length_s")
    table.done()
    return Drift(nuclide, origin.astype(np.uint16), start_s, length_s, gain, error)


def text(scales: Mapping[str, Scale], unit: str, about: Mapping[str, object], drift: Drift | None = None) -> str:
    """The content of calibration.toml. scales: detector number or name of the spectrum -> scale; unit: "code" or
    "channel"; about: further entries that describe how the calibration was made."""
    kind, key = ("detector", "number") if unit == "code" else ("spectrum", "name")
    lines = [f"{HEADING} kev_per_{unit} * ({unit} - zero_{unit}); errors: one standard deviation", ""]
    lines += [f"{name} = {json.dumps(value)}" for name, value in about.items()]
    for name, scale in scales.items():
        gain_error, zero_error = np.sqrt(np.diag(scale.covariance)).tolist()
        correlation = scale.covariance[0, 1] / (gain_error * zero_error) if gain_error * zero_error else 0.0
        counts = ", ".join(f"{json.dumps(n)} = {c:.6g}" for n, c in zip(scale.nuclides, scale.counts, strict=True))
        lines += [
            "",
            f"[[{kind}]]",
            f"{key} = {name if unit == 'code' else json.dumps(name)}",
            f"kev_per_{unit} = {scale.kev_per_unit:.12g}",
            f"kev_per_{unit}_error = {gain_error:.9g}",
            f"zero_{unit} = {scale.zero:.12g}",
            f"zero_{unit}_error = {zero_error:.9g}",
            f"correlation = {correlation:.9f}",
            f"fwhm_kev = {scale.fwhm_kev:.5g}",
            f"fwhm_error_kev = {scale.fwhm_error_kev:.3g}",
            f"tails = [{', '.join(f'[{fraction:.5g}, {tau_kev:.5g}]' for fraction, tau_kev in scale.tails)}]",
            f"chi2_per_dof = {scale.chi2_per_dof:.4g}",
            f"statistical_error_kev = {_statistical_kev(scale):.3g}  # at the line with the most counts",
            f"counts = {{ {counts} }}",
            f"missing = {json.dumps(scale.missing)}",
        ]
    if drift is not None:
        lines += ["", "[drift]", f"nuclide = {json.dumps(drift.nuclide)}", f"length_s = {drift.length_s:g}"]
        lines += [f"origin = {drift.origin.tolist()}", f"start_s = {_numbers(drift.start_s, '.6f')}"]
        for name in scales:
            gain, error = (np.nan_to_num(columns[:, int(name)]) for columns in (drift.gain, drift.error))
            lines += ["", "[[drift.detector]]  # 0 where the line was not found", f"number = {name}"]
            lines += [f"gain = {_numbers(gain, '.7g')}", f"error = {_numbers(error, '.3g')}"]
    return "\n".join(lines) + "\n"


def _statistical_kev(scale: Scale) -> float:
    strongest = scale.nuclides[int(np.argmax(scale.counts))]
    return float(scale.error_kev(scale.position(main_kev(strongest)), scale.statistical))


def _numbers(values: np.ndarray, form: str) -> str:
    return f"[{', '.join(format(value, form) for value in values.tolist())}]"

"""Analogue properties of the simulated head: what a pulse of some energy becomes in ADC codes."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from dorn.errors import UserError
from dorn.util.gaussian import FWHM

from .adc import CODES, Adc
from .profile import Profile

REFERENCE_C = 21.0  # temperature at which `gain` is valid
PerDetector = float | tuple[float, ...]  # one number for all detectors, or 16 numbers
_PER_DETECTOR = ("noise_kev", "gain", "gain_per_c", "offset_kev", "comparator_offset_kev")
_TEMPERATURES_C = -200.0, 200.0
_LARGEST = 1e6  # largest magnitude of any number
_LIMITS = {
    "noise_kev": (0.0, _LARGEST),
    "gain": (1e-6, _LARGEST),
    "gain_per_c": (-0.004, 0.004),  # so that no gain reaches 0 at any temperature
    "peaking_ns": (1, _LARGEST),
}


@dataclass(frozen=True)
class Scale:
    """The true scale of a detector at a given time: energy in keV is kev_per_code * (code - zero_code)."""

    kev_per_code: float
    zero_code: float
    fwhm_kev: float


@dataclass(frozen=True)
class FrontEnd:
    """Analogue properties of the detectors and their electronics."""

    peaking_ns: int = 1500  # linear rise of the shaped pulse
    width_ns: int = 4000  # time the comparator stays high
    noise_kev: PerDetector = 0.0  # electronic noise, FWHM
    gain: PerDetector = 1.0
    gain_per_c: PerDetector = 0.0  # relative change of the gain per degree from REFERENCE_C
    offset_kev: PerDetector = 0.0
    comparator_offset_kev: PerDetector = 0.0  # deviation of the threshold from the value set by slow control
    temperature_c: Profile | None = None  # of the head, over time since the particles start; None: REFERENCE_C
    kev_per_code: float = 3.0  # of the ideal detector, from the dictionary
    zero_code: float = 50.0
    adc: Adc | None = None  # the board's ADC; None: ideal

    @classmethod
    def from_table(cls, table: dict, instrument: dict, where: str = "[head]") -> FrontEnd:
        """From a scenario's [head] table and the dictionary's [instrument]. `adc` is the path of a ramp (Adc.load),
        `temperature_c` a list of [time in s, degC].

        Raises UserError for an unknown key, a wrong type or a value out of range.
        """
        ideal = ("kev_per_code", "zero_code")
        known = [f.name for f in fields(cls) if f.name not in ideal]
        values = {}
        for key, value in table.items():
            if key not in known:
                raise UserError(f"{where}: unknown key {key!r}; known: {', '.join(known)}")
            if key == "adc":
                values[key] = Adc.load(value)
            elif key == "temperature_c":
                try:
                    values[key] = Profile.from_pairs(value, *_TEMPERATURES_C)
                except ValueError as error:
                    raise UserError(f"{where}: {key}: {error}") from None
            else:
                values[key] = _numbers(key, value, where)
        front_end = cls(**values, **{name: instrument[name] for name in ideal})
        if not 0 < front_end.peaking_ns < front_end.width_ns:
            raise UserError(
                f"{where}: width_ns must exceed peaking_ns > 0: {front_end.width_ns}, {front_end.peaking_ns}"
            )
        return front_end

    def temperature(self, time_s):
        """Temperature of the head in degC, at each time."""
        return REFERENCE_C if self.temperature_c is None else self.temperature_c.at(time_s)

    def properties(self) -> list[tuple[float, float, float]]:
        """(gain, gain_per_c, offset_kev) of each detector."""
        return [*zip(*map(per_detector, (self.gain, self.gain_per_c, self.offset_kev)), strict=True)]

    def height(self, energy_kev, properties, time_s):
        """Height of a pulse in codes above the zero code, in a detector of these `properties`; numbers or arrays."""
        gain, gain_per_c, offset_kev = properties
        if self.temperature_c is not None:
            gain = gain * (1 + gain_per_c * (self.temperature_c.at(time_s) - REFERENCE_C))
        return (energy_kev * gain + offset_kev) / self.kev_per_code

    def codes(self, times_ns, detectors, energies_kev, generator: np.random.Generator) -> np.ndarray:
        """ADC codes of pulses, int64[n], as if each arrived alone: without dead time, pile-up and thresholds, and with
        an ideal ADC. Used with chunks of Source.pulses, for spectra without the firmware."""
        properties = np.array(self.properties())[detectors].T
        noise_kev = np.array(per_detector(self.noise_kev))[detectors]
        energies_kev = energies_kev + generator.standard_normal(len(energies_kev)) * (noise_kev / FWHM)
        heights = self.height(energies_kev, properties, times_ns / 1e9)
        # the output of a peak-hold is never below its baseline
        return np.minimum((np.maximum(heights, 0) + self.zero_code + 0.5).astype(np.int64), CODES - 1)

    def scale(self, detector: int, time_s: float) -> Scale:
        """True scale and resolution of a detector at a time."""
        properties = self.properties()[detector]
        zero, one = (float(self.height(energy_kev, properties, time_s)) for energy_kev in (0.0, 1.0))
        return Scale(1 / (one - zero), self.zero_code + zero, per_detector(self.noise_kev)[detector])


def per_detector(value: PerDetector) -> list[float]:
    """The values of the 16 detectors."""
    return list(value) if isinstance(value, tuple) else [value] * 16


def _numbers(key, value, where) -> PerDetector:
    if key in _PER_DETECTOR and isinstance(value, list | tuple):
        if len(value) != 16 or not all(type(v) in (int, float) for v in value):
            raise UserError(f"{where}: {key}: one number or 16 numbers, not {value!r}")
        value = tuple(value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{where}: {key}: not a number: {value!r}")
    least, most = _LIMITS.get(key, (-_LARGEST, _LARGEST))
    for number in value if isinstance(value, tuple) else (value,):
        if not least <= number <= most:  # also false for NaN
            raise UserError(f"{where}: {key}: not from {least:g} to {most:g} ({number})")
    return value

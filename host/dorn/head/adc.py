"""The board's ADC: the code it reads for an analogue value; ideal, or reconstructed from a measured ramp.

The RP2040's ADC has four over-wide codes, 511, 1535, 2559 and 3583, and an integral nonlinearity of about six codes
(RP2040 data sheet, erratum RP2040-E11).
"""

from __future__ import annotations

import bisect
import math
import random
from dataclasses import dataclass

import numpy as np

from dorn.util.checks import SourceError, number, text_of

CODES = 4096


@dataclass(frozen=True)
class Adc:
    """`transitions`: T[1] to T[4095], not decreasing, in ideal codes: an analogue value of T[k] or above reads as k or
    more; ideal by default, k - 0.5. `noise_codes`: standard deviation of a reading."""

    transitions: tuple[float, ...] = tuple(k - 0.5 for k in range(1, CODES))
    noise_codes: float = 0.0

    def code(self, value: float, rng: random.Random) -> int:
        """Read an analogue value, given in ideal codes."""
        if self.noise_codes:
            value += rng.gauss(0.0, self.noise_codes)
        return bisect.bisect_right(self.transitions, value)

    def deviations(self) -> np.ndarray:
        """Integral nonlinearity of T[1] to T[4095], in codes."""
        return np.array(self.transitions) - Adc.transitions

    @classmethod
    def from_ramp(cls, levels, readings) -> Adc:
        """The ADC that read this ramp. levels: (n,), increasing, any unit; readings: (n, m), codes at each level.

        Code-density method (IEEE Std 1241, histogram test with a ramp): T[k] is the level at which the fraction
        of the ramp below it equals the fraction of readings below code k; a least-squares line through all T[k] scales
        levels to ideal codes. Codes outside the ramp have the ideal width. Noise: standard deviation of the readings at
        one level, without the 1/12 that rounding adds to the variance (Sheppard). Raises ValueError if the
        ramp has fewer than three transitions.
        """
        levels, readings = np.asarray(levels, float), np.asarray(readings)
        middles = (levels[1:] + levels[:-1]) / 2
        edges = np.concatenate(([2 * levels[0] - middles[0]], middles, [2 * levels[-1] - middles[-1]]))
        weights = np.repeat(np.diff(edges) / readings.shape[1], readings.shape[1])
        below = edges[0] + np.cumsum(np.bincount(readings.ravel(), weights, CODES))  # [k - 1]: level of T[k]
        # at the ends of the ramp, noise puts some of a code's readings outside the ramp
        first, last = int(readings[0].max()) + 1, int(readings[-1].min())
        if last < first + 2:
            raise ValueError(f"codes {readings.min()} to {readings.max()} only")
        reached = np.arange(first, last + 1)
        slope, offset = np.polyfit(below[reached - 1], reached - 0.5, 1)
        transitions = offset + slope * below[: CODES - 1]
        transitions[: first - 1] = transitions[first - 1] - np.arange(first - 1, 0, -1)
        transitions[last:] = transitions[last - 1] + np.arange(1, CODES - last)
        scatter = readings.var(axis=1, ddof=1).mean() if readings.shape[1] > 1 else 0.0
        return cls(tuple(transitions.tolist()), math.sqrt(max(0.0, scatter - 1 / 12)))

    @classmethod
    def load(cls, path) -> Adc:
        """The ADC that read the ramp in file `path` (see `read_ramp`). Raises SourceError if the file is invalid."""
        levels, readings = read_ramp(path)
        try:
            return cls.from_ramp(levels, readings)
        except ValueError as error:
            raise SourceError.at(path, "readings", "ramp too short", str(error)) from None


def read_ramp(path) -> tuple[np.ndarray, np.ndarray]:
    """(levels (n,), readings (n, m)) from a CSV file without header. Each row holds a level, increasing, and the codes
    read at it. Blank lines and lines that begin with # are skipped. Raises SourceError if the file is invalid."""
    levels, readings = [], []
    for at, line in enumerate(text_of(path).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        level, *words = (word.strip() for word in line.split(","))
        levels.append(number(level, path, "level", at))
        if len(levels) > 1 and levels[-1] <= levels[-2]:
            raise SourceError.at(path, "level", "not above the previous one", level, at)
        if not words or (readings and len(words) != len(readings[0])):
            expected = len(readings[0]) if readings else "at least one"
            raise SourceError.at(path, "readings", f"{len(words)} codes, expected {expected}", line, at)
        for word in words:
            if not (word.isascii() and word.isdecimal() and len(word) < 5 and int(word) < CODES):
                raise SourceError.at(path, "reading", f"not a code from 0 to {CODES - 1}", word, at)
        readings.append([int(word) for word in words])
    if len(levels) < 2:
        raise SourceError.at(path, "level", "fewer than two rows")
    return np.array(levels), np.array(readings)

"""A measured spectrum played through the instrument, every count once: expected and recorded counts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from dorn.dictionary import Dictionary
from dorn.head.front_end import MV_PER_MEV
from dorn.head.sources import SpectrumSource
from dorn.study import measured
from dorn.study.recording import Measurement, record

SPACING_NS = 20_000  # between particles: an event takes 5 us and the pulse is over after 4 us, so nothing is lost
_FIRST = 20  # a channel above the lowest threshold
LEAST_MV = 10  # the lowest comparator threshold, 67 keV


@dataclass(frozen=True)
class Axis:
    """Mapping of file channels to instrument channels, in whole numbers so that counts can be compared exactly."""

    per_channel: int = 1  # channels of the file per channel of the instrument
    first: int = 0  # channel of the instrument where channel 0 of the file begins

    def energies_kev(self, channels: np.ndarray) -> np.ndarray:
        """Energies of channels of the file, whose centres are whole numbers."""
        i = Dictionary.load().instrument
        codes = i["codes_per_channel"] * (self.first + (channels + 0.5) / self.per_channel) - 0.5
        return i["kev_per_code"] * (codes - i["zero_code"])

    def of_file(self, channel: float) -> float:
        """A channel of the instrument as a position in channels of the file."""
        return (channel + 0.5 - self.first) * self.per_channel - 0.5

    def of_instrument(self, channel):
        return (channel + 0.5) / self.per_channel - 0.5 + self.first


def channels_of(energies_kev):
    """Positions of energies in channels of the instrument, whose centres are whole numbers."""
    i = Dictionary.load().instrument
    return (energies_kev / i["kev_per_code"] + i["zero_code"] + 0.5) / i["codes_per_channel"] - 0.5


@dataclass(frozen=True)
class Prediction:
    """Counts expected from the interface definition: code = E / 3 keV + 50, four codes per channel."""

    counts: np.ndarray  # int64[1024]
    below: int  # below the comparator thresholds, counted by the head
    over: int  # with the full-scale code, counted by the firmware

    @classmethod
    def of(cls, energies_kev: np.ndarray, counts: np.ndarray, comparator_mv: float) -> Prediction:
        i = Dictionary.load().instrument
        seen = energies_kev >= comparator_mv * 1000 / MV_PER_MEV
        codes = np.floor(energies_kev / i["kev_per_code"] + i["zero_code"] + 0.5).astype(int)
        inside = seen & (codes < i["full_scale_code"])
        binned = np.zeros(i["channels"], np.int64)
        np.add.at(binned, codes[inside] // i["codes_per_channel"], counts[inside])
        return cls(binned, int(counts[~seen].sum()), int(counts[seen & ~inside].sum()))


@dataclass(frozen=True)
class Replay:
    """One file played through the instrument on one target."""

    target: str
    measured: measured.Measured
    axis: Axis
    comparator_mv: int
    expected: Prediction
    recording: Measurement

    @property
    def counts(self) -> np.ndarray:
        """int64[1024]: sum over all detectors."""
        return self.recording.singles.sum(axis=0)

    @property
    def different(self) -> int:
        """Misplaced counts: in all channels, below threshold, over range."""
        below = self.recording.fates["below_threshold"] - self.expected.below
        over = self.recording.counters["over_range"] - self.expected.over
        return int(abs(self.counts - self.expected.counts).sum()) + abs(below) + abs(over)

    def between(self, first: int, last: int) -> int:
        """Counts recorded, over range or below threshold that stem from channels first to last of the file."""
        low, high = (round(self.axis.of_instrument(edge) + 0.5) for edge in (first - 0.5, last + 0.5))
        total = int(self.counts[max(low, 0) : high].sum())
        if first == 0:
            total += self.recording.fates["below_threshold"]
        if high >= len(self.counts):
            total += self.recording.counters["over_range"]
        return total


def axis_of(name: str, channels: int) -> Axis:
    if name == "po210-kentucky":
        return Axis(first=_FIRST)  # puts the noise in its lowest channels above the lowest comparator threshold
    if name == measured.ANY:  # any number of channels, all between the threshold and the full scale
        return Axis(-(-channels // (Dictionary.load().instrument["channels"] - 2 * _FIRST)), _FIRST)
    return Axis(per_channel=max(1, channels // Dictionary.load().instrument["channels"]))


def replay(job: tuple[str, measured.Measured, int]) -> Replay:
    """Play a file. job: target, file, comparator threshold in mV."""
    target, one, comparator_mv = job
    axis = axis_of(one.set, len(one.counts))
    energies_kev = axis.energies_kev(np.arange(len(one.counts)))
    # energies below 0 are played as 0, which no comparator detects
    expected = Prediction.of(np.maximum(energies_kev, 0.0), one.counts, comparator_mv)
    source = SpectrumSource(one.file, energies_kev, energies_kev, energies_kev, one.counts)
    particles = source.particles(1e9 / SPACING_NS, seed=1, spacing="regular", replay=True)
    # one detector after another: the peak-holds of detectors 0 and 1 keep up to 2 % of the pulse before, which would
    # hide a pulse near the lowest threshold (boards/pico/wiring.md, Front end)
    detectors = itertools.cycle(range(Dictionary.load().instrument["detectors"]))
    in_turn = ((time_ns, d, kev) for d, (time_ns, _, kev) in zip(detectors, particles, strict=False))
    return Replay(target, one, axis, comparator_mv, expected, record(target, in_turn, comparator_mv))

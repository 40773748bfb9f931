"""The simulated detector head, as the board's pins see it.

16 detectors, each with a shaper, a comparator with a level latch and a peak-hold; a multiplexer; a common reset. The
contract is that of boards/pico/wiring.md: a latch is set while its comparator is high and cleared only by the reset; it
is set again after the reset if the comparator is still high. A peak-hold follows its shaper except during reset.

The head knows what the firmware cannot: which pulses were lost, and why. It counts exactly one fate for every pulse.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from dorn.util.gaussian import FWHM

from .analogue import FrontEnd, per_detector

# height of the shaped pulse at the comparators: full scale, 12.1 MeV, is 1.82 V, and the DAC reaches 2.05 V
MV_PER_MEV = 150
DEFAULT_COMPARATOR_MV = 45  # 300 keV
_STROBE_NS = 1000  # from the strobe to the test pulse
_NEVER_NS = 1 << 62


@dataclass
class Fates:
    """Fates of the detector pulses. injected = sum of all others except `spurious`, plus the pulses still pending."""

    injected: int = 0
    delivered: int = 0  # converted: a hit for the firmware
    merged: int = 0  # in the same peak as a delivered pulse
    lost_dead_time: int = 0
    below_threshold: int = 0  # of the comparator
    disabled: int = 0  # the board had switched off the detector's input
    spurious: int = 0  # conversions of a line that was not set by a pulse


@dataclass
class _Detector:
    comparator: int = 0  # number of pulses that hold it high
    pending: int = 0  # latched pulses whose fate is undecided
    released_ns: int = 0
    pulses: list = field(default_factory=list)  # (start ns, height in codes) with a peak or tail after the reset


class Head:
    """The state of the simulated head over time.

    The target calls `advance`, `reset` and `convert`; times are in ns and never decrease.
    """

    def __init__(self, front_end: FrontEnd, seed: int = 1):
        self.front_end = front_end
        self.fates = Fates()
        self.enabled = 0xFFFF  # lines that the board has enabled
        self.lines = 0  # latches, as the board's pins see them (not masked by `enabled`)
        self.reset_high = False
        self._rng = random.Random(seed)
        self._detectors = [_Detector() for _ in range(16)]
        self._stuck = 0
        self._falls: list[tuple[int, int]] = []
        self._particles = iter(())
        self._particle: tuple[int, int, float] | None = None  # the next one of the source
        self._test_pulses: list[tuple[int, int, float]] = []
        self._next: tuple[int, int, float] | None = None  # the earlier of this particle and the first test pulse
        self._origin_ns = _NEVER_NS  # set by `inject`; until then the temperature is the first of its profile
        self._reached_ns = 0
        self._noise = per_detector(front_end.noise_kev)
        self._properties = front_end.properties()
        self._comparator_offset = per_detector(front_end.comparator_offset_kev)
        self.comparators(DEFAULT_COMPARATOR_MV, DEFAULT_COMPARATOR_MV)
        self._tail_ns = 1.2 * (front_end.width_ns - front_end.peaking_ns)
        # a pulse ends at the latest when its tail has reached the baseline
        self._over_ns = front_end.peaking_ns + self._tail_ns

    def comparators(self, front_mv: float, back_mv: float) -> None:
        """Set the thresholds of all front and all back comparators; pulses in progress keep the old ones."""
        self.comparator_mv = (front_mv, back_mv)
        self._comparator = [
            (self.comparator_mv[d & 1] * 1000 / MV_PER_MEV + offset_kev) / self.front_end.kev_per_code
            for d, offset_kev in enumerate(self._comparator_offset)
        ]

    def inject(self, particles: Iterable[tuple[int, int, float]], at_ns: int) -> None:
        """Play these (time_ns after `at_ns`, detector, energy_kev), in time order."""
        self._particles = iter(particles)
        self._origin_ns = at_ns
        self._take_particle()

    def temperature_c(self, now_ns: int) -> float:
        """Temperature of the head; its profile starts with the particles of the source."""
        return float(self.front_end.temperature((now_ns - self._origin_ns) / 1e9))

    def pulse(self, at_ns: int, detector: int, energy_kev: float) -> None:
        """Strobe a test pulse, in addition to the particles of the source; it is counted like any pulse.

        It rises _STROBE_NS later, but not before the time that the head has already reached.
        """
        rise_ns = max(at_ns + _STROBE_NS, self._reached_ns)
        heapq.heappush(self._test_pulses, (rise_ns, detector, energy_kev))
        self._choose()

    def _take_particle(self) -> None:
        item = next(self._particles, None)
        self._particle = None if item is None else (item[0] + self._origin_ns, item[1], item[2])
        self._choose()

    def _choose(self) -> None:
        tests, self._next = self._test_pulses, self._particle
        if tests and (self._next is None or tests[0] < self._next):
            self._next = tests[0]

    def _take(self) -> None:
        """Remove the next pulse."""
        if self._next is self._particle:
            self._take_particle()
        else:
            heapq.heappop(self._test_pulses)
            self._choose()

    def cut(self) -> None:
        """Discard the pulses still to come."""
        self._particles, self._particle = iter(()), None
        self._test_pulses.clear()
        self._choose()

    @property
    def dry(self) -> bool:
        """Whether no more pulses follow and no comparator is high: the state no longer changes by itself."""
        return self._next is None and not self._falls

    @property
    def pending(self) -> int:
        """Pulses whose fate is undecided: latched, but neither converted nor reset since."""
        return sum(detector.pending for detector in self._detectors)

    def next_edge_ns(self) -> int | None:
        """Time of the next rise or fall of a comparator; None if there is none."""
        rise = self._next[0] if self._next else None
        fall = self._falls[0][0] if self._falls else None
        if rise is None or (fall is not None and fall < rise):
            return fall
        return rise

    def stick(self, detector: int, high: bool) -> None:
        """Hold a line high, even during reset, or release it: simulates a light leak or a broken latch."""
        self._stuck = self._stuck & ~(1 << detector) | (high << detector)
        self.lines = self.lines | self._stuck if high else self.lines & ~(1 << detector)

    def advance(self, now_ns: int) -> None:
        """Process everything up to and including `now_ns`."""
        falls = self._falls
        if now_ns > self._reached_ns:
            self._reached_ns = now_ns
        while True:
            rise = self._next
            if falls and falls[0][0] <= now_ns and (rise is None or falls[0][0] <= rise[0]):
                _, d = heapq.heappop(falls)
                self._detectors[d].comparator -= 1
            elif rise is not None and rise[0] <= now_ns:
                self._take()
                self._rise(*rise)
            else:
                return

    def _rise(self, at_ns: int, d: int, energy_kev: float) -> None:
        front_end, fates, detector = self.front_end, self.fates, self._detectors[d]
        fates.injected += 1
        if noise_kev := self._noise[d]:
            energy_kev += self._rng.gauss(0.0, noise_kev / FWHM)
        height = front_end.height(energy_kev, self._properties[d], (at_ns - self._origin_ns) / 1e9)
        pulses = detector.pulses
        if pulses and pulses[0][0] + self._over_ns < detector.released_ns:
            pulses[:] = [p for p in pulses if p[0] + self._over_ns >= detector.released_ns]
        pulses.append((at_ns, height))
        if height < self._comparator[d]:
            fates.below_threshold += 1
            return
        detector.comparator += 1
        heapq.heappush(self._falls, (at_ns + front_end.width_ns, d))
        if not self.reset_high:
            self.lines |= 1 << d
        if self.enabled >> d & 1:
            detector.pending += 1
        else:
            fates.disabled += 1

    def reset(self, high: bool, now_ns: int) -> None:
        """Set the reset line. While it is high the latches are low and the peak-holds empty."""
        if high == self.reset_high:
            return
        self.advance(now_ns)
        self.reset_high = high
        if high:
            self.lines = self._stuck
            return
        for d, detector in enumerate(self._detectors):
            detector.released_ns = now_ns
            if detector.comparator:
                self.lines |= 1 << d
            elif detector.pending:
                self.fates.lost_dead_time += detector.pending
                detector.pending = 0

    def convert(self, d: int, now_ns: int) -> int:
        """Sample detector d's peak-hold with the ADC. Returns the 12-bit code."""
        self.advance(now_ns)
        detector = self._detectors[d]
        if detector.pending:
            self.fates.delivered += 1
            self.fates.merged += detector.pending - 1
            detector.pending = 0
        else:
            self.fates.spurious += 1
        return self._code(detector, now_ns)

    def _code(self, detector: _Detector, now_ns: int) -> int:
        released, peaking = detector.released_ns, self.front_end.peaking_ns
        best = 0.0
        for start, height in detector.pulses:
            top = start + peaking
            if released <= top <= now_ns:
                value = height
            elif now_ns < top:
                value = height * (now_ns - start) / peaking
            else:  # only its tail is after the reset
                value = height * (1 - (released - top) / self._tail_ns)
            if value > best:
                best = value
        if self.reset_high:
            best = 0.0
        if adc := self.front_end.adc:
            return adc.code(best + self.front_end.zero_code, self._rng)
        return min(4095, max(0, int(best + self.front_end.zero_code + 0.5)))

"""The model of the event builder, for the unix target: what boards/rp2/event_builder.py does in PIO, DMA and ADC.

This is the only place where the host duplicates firmware logic; tests/host/targets/test_event_model.py plays the same
pulses into both and compares event by event. Every constant here is a count of PIO instructions in
boards/rp2/sequencer.py, in clk_sys cycles from the poll of the lines that triggered the event:

    0   poll (mov osr, pins)          4   peaking ...        4 + P   hit pattern     9 + P   first detector
    3   per detector without a hit    7 + S + C with a hit: address, settle S, start ADC, convert C, look for more hits
    -1  after the last hit, where the scan ends, then 2 to the reset R, release L, poll
    4   more to the next pass; 5 from the quiet poll to being armed again
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from dorn.head.front_end import Head

PASS_LIMIT = 0x8000
# from `irq(4)` to the start of the conversion: the second machine, its FIFO, one DMA transfer (emulated chip)
ADC_START = 1
# from the quiet poll to the time stamp: push and two DMA transfers (emulated chip)
STAMP = 7


class Dead(NamedTuple):
    """Parts of the dead time of an event, in clk_sys cycles."""

    fixed: int
    hit: int
    scan: int  # per line scanned before the last hit
    extra_pass: int

    def of(self, pattern: int, passes: int = 0) -> int:
        """Dead cycles of an event with this hit pattern and these extra passes."""
        last = max(pattern.bit_length() - 1, 0)
        return self.fixed + self.hit * pattern.bit_count() + self.scan * last + self.extra_pass * passes


@dataclass(frozen=True)
class Times:
    """Times of a board, in clk_sys cycles."""

    peaking: int
    settle: int
    convert: int
    reset: int
    release: int
    mhz: int

    @property
    def dead(self) -> Dead:
        return Dead(
            15 + self.peaking + self.reset + self.release,  # 2 of them before the poll
            4 + self.settle + self.convert,
            3,
            4 + self.reset + self.release,
        )


class EventModel:
    """Builds events from a head. Times are ns of target time; an event is returned once its time stamp is reached."""

    def __init__(self, head: Head, times: Times):
        self.head = head
        self.times = times
        self._running = False
        self._armed_ns = 0  # time of the next poll
        self._waiting: tuple[int, int, list[int]] | None = None  # an event whose time stamp is not reached yet

    def _ns(self, cycles: int) -> int:
        return cycles * 1000 // self.times.mhz

    def start(self, now_ns: int, detectors: int) -> None:
        """Reset the head, push the mark (an event without hits), and arm."""
        self.head.advance(now_ns)
        self.head.enabled = detectors
        self._running = True
        self._waiting = self._reset(now_ns, 0, [])

    def stop(self) -> int:
        """Halt, even during an event. Returns the number of its conversions, which are lost."""
        lost = len(self._waiting[2]) if self._waiting else 0
        self._running = False
        self._waiting = None
        return lost

    def run(self, until_ns: int, limit: int) -> tuple[int, list[tuple[int, int, list[int]]]]:
        """Run until `until_ns`, or for `limit` events. Returns (time reached, events (stamp_us, word, codes))."""
        events: list[tuple[int, int, list[int]]] = []
        head = self.head
        if not self._running:
            head.advance(until_ns)
            return until_ns, events
        until_us = until_ns // 1000
        while True:
            if self._waiting is None:
                poll_ns = self._trigger(until_ns)
                if poll_ns is None:
                    return until_ns, events
                self._waiting = self._event(poll_ns)
            if self._waiting[0] > until_us:
                return until_ns, events
            events.append(self._waiting)
            self._waiting = None
            if len(events) == limit:
                return min(until_ns, events[-1][0] * 1000 + 999), events

    def _trigger(self, until_ns: int) -> int | None:
        """Time of the first poll that finds a line high; None if there is none before `until_ns`."""
        head = self.head
        while not head.lines & head.enabled:
            edge_ns = head.next_edge_ns()
            if edge_ns is None or edge_ns > until_ns:
                if until_ns > self._armed_ns:
                    self._armed_ns += -(-(until_ns - self._armed_ns) // self._ns(3)) * self._ns(3)
                return None
            head.advance(edge_ns)
            if edge_ns > self._armed_ns:  # the sequencer polls every three cycles
                self._armed_ns += -(-(edge_ns - self._armed_ns) // self._ns(3)) * self._ns(3)
        return self._armed_ns

    def _event(self, poll_ns: int) -> tuple[int, int, list[int]]:
        times, head = self.times, self.head
        cycle = 4 + times.peaking
        head.advance(poll_ns + self._ns(cycle))
        pattern = head.lines & head.enabled
        cycle += 5
        codes = []
        for d in range(16):
            if pattern >> d & 1:
                start = cycle + 3 + times.settle + ADC_START
                codes.append(head.convert(d, poll_ns + self._ns(start)))
                cycle += 4 + times.settle + times.convert
            cycle += 3
            if pattern >> d == 1:
                cycle -= 1
                break
        return self._reset(poll_ns + self._ns(cycle + 2), pattern, codes)

    def _reset(self, at_ns: int, pattern: int, codes: list[int]) -> tuple[int, int, list[int]]:
        times, head = self.times, self.head
        high_ns, poll_ns = self._ns(times.reset), self._ns(times.reset + times.release)
        pass_ns = self._ns(4 + times.reset + times.release)
        passes = 0
        while True:
            head.reset(True, at_ns)
            head.reset(False, at_ns + high_ns)
            head.advance(at_ns + poll_ns)
            if not head.lines & head.enabled:
                break
            passes += 1
            if passes == PASS_LIMIT:
                break
            at_ns += pass_ns
        quiet_ns = at_ns + poll_ns
        self._armed_ns = quiet_ns + self._ns(5)
        word = pattern << 16 | (0x7FFF - passes) & 0xFFFF
        return (quiet_ns + self._ns(STAMP)) // 1000, word, codes


def board_times(values: dict[str, int]) -> Times:
    """The times of a board from its constants (dorn.image.constants)."""
    mhz = values["CLOCK_MHZ"]

    def cycles(name: str) -> int:
        return -(-values[name] * mhz // 1000)

    def looped(name: str) -> int:  # rounded up to a PIO loop of at most 32 iterations of at most 32 cycles
        iteration = -(-cycles(name) // 32)
        return -(-cycles(name) // iteration) * iteration

    return Times(
        looped("PEAKING_NS"),
        cycles("SETTLE_NS"),
        looped("CONVERT_NS"),
        cycles("RESET_NS"),
        cycles("RELEASE_NS"),
        mhz,
    )

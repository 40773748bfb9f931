"""The event builder of the emulated Pico alone: PIO, DMA, ADC and clock, stepped cycle by cycle with the CPU halted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dorn.head.front_end import Fates, Head
from dorn.image import firmware
from dorn.targets import rp2040
from dorn.targets.event_model import Dead

_TIMERAWL = 0x40054028
# run in place of the firmware: arm the event builder and print the addresses of its rings
_ARM = b"""
from uctypes import addressof
from boards import open_board
events = open_board().events
events.start(0xFFFF)
print("RINGS", addressof(events.words), addressof(events.stamps), addressof(events.tails), addressof(events.amplitudes),
      events.mask, events.fixed_cycles, events.hit_cycles,
      events.scan_cycles, events.pass_cycles)
"""


@dataclass
class Event:
    """One event as stored in the rings."""

    time_us: int  # time stamp, relative to time 0 of the particles
    pattern: int  # bit d: detector d was converted
    passes: int  # extra reset passes
    codes: tuple[int, ...]


def record(head: Head, particles, seconds: float) -> tuple[list[Event], Fates, Dead]:
    """Play (time_ns, detector, energy_kev) for `seconds`.

    Returns (events, fates, dead cycles as the firmware has them). Raises UserError without an emulator or image, and
    RuntimeError if the hit pattern of an event does not match its amplitudes, or the rings (2048 events, 4096 hits)
    overflow.
    """
    with rp2040.Rp2040Target(head, files={**firmware.files("pico"), "main.py": _ARM}, unique_id=1) as target:
        output = bytearray()

        def armed() -> bool:
            output.extend(target.receive())
            return b"RINGS" in output and output.endswith(b">>> ")

        target.wait_for(armed, 3)
        words, stamps, tails, amplitudes, mask, *dead = map(int, re.findall(rb"RINGS([ 0-9]+)", output)[0].split())
        target.inject(particles)
        read = target.mcu.read_uint32
        begin_us = read(_TIMERAWL) + 1
        target.hardware(seconds)
        events, at = [], 0
        for i in range(mask + 1):
            if not read(tails + 4 * i):
                break
            word = read(words + 4 * i)
            pattern = word >> 16
            hits = pattern.bit_count()
            codes = tuple(read(amplitudes + 2 * (at + j) & ~3) >> 16 * (at + j & 1) & 0xFFFF for j in range(hits))
            at += hits
            if (read(tails + 4 * i) - amplitudes) // 2 != at:
                raise RuntimeError(f"event {i}: its hit pattern does not match the amplitudes")
            if hits:  # the first entry, without hits, marks the start
                events.append(Event(read(stamps + 4 * i) - begin_us, pattern, (0x7FFF - word) & 0xFFFF, codes))
        else:
            raise RuntimeError("the rings overflowed")
        return events, target.head.fates, Dead(*dead)

# Bench for tests of fsw/spectra/kernel.py, with rings filled by the test.
from array import array

from doubles import Clock
from event_builder import EventBuilder
from fsw.spectra import kernel as k
from fsw.spectra.reading import unread

ZERO_CODE, THRESHOLD = 50, 150
PART = 128  # halfwords per class in the event list


class Bench:
    """counters, singles, pairs, listed, thresholds: the arrays passed to the kernel."""

    def __init__(self, events=1024):
        self.builder = builder = EventBuilder(Clock(), events)
        self.state = array("I", bytes(4 * k.STATE))
        self.state[k.MASK], self.state[k.AMPLITUDE_MASK] = builder.mask, builder.amplitude_mask
        self.state[k.ZERO_CODE] = ZERO_CODE
        self.thresholds = array("H", [THRESHOLD] * 16)
        self.counters = array("I", bytes(4 * 64))
        self.singles, self.pairs = array("H", bytes(2 * 16 * 1024)), array("H", bytes(2 * 8 * 256))
        self.listed = array("H", [0xAAAA] * (4 * PART))  # stale contents
        for c in range(4):
            self.state[k.LIST + c] = c * PART
        self.put = builder.put

    def sort(self, until=1):
        """-> events read, status"""
        self.state[k.UNTIL] = until
        arrays = self.thresholds, self.counters, self.singles, self.pairs, self.listed
        n = self.builder.sorter(self.state, *arrays)(self.state)
        return n, self.state[k.STATUS]

    def unread(self):
        s, builder = self.state, self.builder
        return unread(s[k.READ], s[k.AMPLITUDE], 0, builder.tails, builder.mask, builder.amplitude_mask)

    def classes(self):
        """Numbers of marks and of events: front, back, both of a unit, several units, without an accepted hit."""
        return list(self.state[k.MARKS : k.NONE + 1])

    def counts(self):
        """Non-zero channels of the singles and of the pairs spectra: (index, counts)."""
        return [[(at, n) for at, n in enumerate(spectra) if n] for spectra in (self.singles, self.pairs)]

    def counted(self):
        """Accepted, below threshold, over range and disabled: detector -> hits."""
        return [
            {d: self.counters[16 * kind + d] for d in range(16) if self.counters[16 * kind + d]} for kind in range(4)
        ]

    def part(self, c):
        """The event list of a class."""
        return list(self.listed[c * PART : self.state[k.LIST + c]])

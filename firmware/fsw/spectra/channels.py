# The channels of all spectra: 0-15 are those of the detectors, 16-23 the coincidence spectra.
from array import array

import micropython
from fsw import icd, memory
from fsw.spectra import kernel as k
from micropython import const

_ALL = const(0xFFFFFF)
_SPECTRA = const(24)


class Channels:
    """singles, pairs: array("H"), one spectrum after the other. closing: bit s: spectrum s is to be closed; the kernel
    state marks further ones, in which a channel is nearly full.
    """

    def __init__(self, state):
        self.singles, self.pairs = memory.singles, memory.pairs
        self.closing = self._closed_by = self._integration = 0
        self._state = state
        self._span = array("I", [0, 0])
        # per spectrum: when it began, us, and real time and dead cycles at that time
        self._began = array("Q", bytes(8 * 3 * _SPECTRA))

    def empty(self):
        """Empty all spectra."""
        for spectra in (self.singles, self.pairs):
            clear(spectra, len(spectra) // 2)
        self.closing = self._state[k.NEARLY_FULL] = self._state[k.HELD] = 0

    def begin(self, now, real_us, dead_cycles, first=0, end=_SPECTRA):
        """Note when the spectra from `first` to before `end` began."""
        for i in range(3 * first, 3 * end, 3):
            self._began[i], self._began[i + 1], self._began[i + 2] = now, real_us, dead_cycles

    def began(self, s):
        """Return when spectrum s began, and real time and dead cycles at that time."""
        return self._began[3 * s], self._began[3 * s + 1], self._began[3 * s + 2]

    def close_all(self, reason, integration):
        """Mark every spectrum to be closed as part of that integration."""
        self.closing = _ALL
        self._closed_by, self._integration = reason, integration

    def to_close(self):
        """Return the number of a spectrum to be closed, or None."""
        waiting = self.closing | self._state[k.NEARLY_FULL]
        if not waiting:
            return None
        s = 0
        while not waiting >> s & 1:
            s += 1
        return s

    def closed(self, s, integration):
        """Note that spectrum s was closed; return (reason, integration that it belongs to)."""
        bit, state = 1 << s, self._state
        why = (self._closed_by, self._integration) if self.closing & bit else (icd.CLOSED_BY_OVERFLOW, integration)
        self.closing &= ~bit
        state[k.NEARLY_FULL] &= ~bit
        state[k.HELD] &= ~bit
        return why

    def measure(self, s):
        """Return the sum of spectrum s, its first and last channel with counts, the array that holds it and its
        offset there; first > last if it is empty."""
        spectra, at, count = self._place(s)
        total = _measure(spectra, at, count, self._span)
        return total, self._span[0], self._span[1], spectra, at

    def take(self, s, copy, keep=0):
        """Move spectrum s into `copy`, array("H"), leaving zeros; keep = 1: leave it unchanged."""
        _take(*self._place(s), copy, keep)

    def _place(self, s):
        if s < icd.DETECTORS:
            return self.singles, s * icd.CHANNELS, icd.CHANNELS
        return self.pairs, (s - icd.DETECTORS) * icd.COINCIDENCE_CHANNELS, icd.COINCIDENCE_CHANNELS


# viper: bounds are not checked, nothing is allocated


@micropython.viper
def clear(words: ptr32, count: int):
    # two channels at a time: every spectrum has an even number of them
    for i in range(count):
        words[i] = 0


@micropython.viper
def _measure(source: ptr16, at: int, channels: int, span: ptr32) -> int:
    """Return the sum of `channels` from `at` on; span: first and last channel with counts."""
    total = 0
    first = channels
    last = 0
    for c in range(channels):
        counts = source[at + c]
        if counts:
            total += counts
            last = c
            if first == channels:
                first = c
    span[0] = first
    span[1] = last
    return total


@micropython.viper
def _take(source: ptr16, at: int, channels: int, copy: ptr16, keep: int):
    """Move `channels` from `at` on into `copy`, leaving zeros unless keep is 1."""
    for c in range(channels):
        copy[c] = source[at + c]
        source[at + c] *= keep

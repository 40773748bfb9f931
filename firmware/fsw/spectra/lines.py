# Regions of alpha lines in the detector spectra. They follow the Po-209 line of each detector, whose position gives the
# gain, as the code of 0 keV is fixed. Stored spectra are never changed.
from array import array

import micropython
from fsw import icd
from micropython import const

_LINES = const(8)
_PART = const(8)  # positions are in 1/8 code, so that the product of two is still a small integer
_LEAST = const(100)  # minimum counts in the window to locate the line
_FARTHEST = const(20)  # a peak more than 1/20 away from the expected position is not the line
_ZERO = _PART * icd.ZERO_CODE
_EV_PER_CODE = int(1000 * icd.KEV_PER_CODE)


class Lines:
    """counts: since the last clear, for detector d from index 8 d. centroid: Po-209 lines, 1/8 code; 0: not found"""

    def __init__(self, acquisition):
        self._below_kev = self._above_kev = self._tracking = 0
        self.counts = array("H", [0] * (_LINES * icd.DETECTORS))
        self.centroid = array("H", [0] * icd.DETECTORS)
        self._acquisition = acquisition
        self._closed = array("H", self.counts)  # counts of closed spectra only
        self._bounds = array("H", [0] * (2 * _LINES * icd.DETECTORS))  # channels: first, and last + 1
        self._found = array("I", [0, 0])

    def clear(self):
        for place in range(len(self._closed)):
            self._closed[place] = 0

    def set(self, parameter, value):
        """Set a parameter. P_LINE_BELOW, P_LINE_ABOVE: extent of a region, keV; P_TRACKING: regions follow the line."""
        if parameter == icd.P_LINE_BELOW:
            self._below_kev = value
        elif parameter == icd.P_LINE_ABOVE:
            self._above_kev = value
        else:
            self._tracking = value
        for d in range(icd.DETECTORS):
            self._set_regions(d)

    def tracked(self):
        """Return a mask of the detectors whose regions follow their line."""
        mask = 0
        for d, centroid in enumerate(self.centroid):
            if centroid and self._tracking:
                mask |= 1 << d
        return mask

    def update(self):
        """Update `counts` with the running spectra."""
        self.counts[:] = self._closed
        for d in range(icd.DETECTORS):
            _add(self._acquisition.singles, d * icd.CHANNELS, self._bounds, d * _LINES, self.counts)

    def closed(self, d, copy):
        """Count the lines of a closed spectrum of detector d and locate its Po-209 line."""
        _add(copy, 0, self._bounds, d * _LINES, self._closed)
        self._find_po_209(d, copy)

    def _find_po_209(self, d, copy):
        first = self._channel(d, icd.LINES_KEV[0] - self._above_kev)
        n = _centroid(copy, first, self._channel(d, icd.LINES_KEV[0] + self._above_kev), self._found)
        if n < _LEAST:
            return
        step = _PART * icd.CODES_PER_CHANNEL
        found = first * step + step * self._found[0] // n + (step - _PART) // 2  # midpoint of the codes of a channel
        expected = _place(icd.LINES_KEV[0])
        if abs(found - expected) * _FARTHEST < expected:
            self.centroid[d] = found
            self._set_regions(d)

    def _set_regions(self, d):
        at = 2 * _LINES * d
        for kev in icd.LINES_KEV:
            self._bounds[at] = self._channel(d, kev - self._below_kev)
            self._bounds[at + 1] = self._channel(d, kev + self._above_kev) + 1
            at += 2

    def _channel(self, d, kev):
        """Return the channel of an energy in the spectrum of detector d."""
        place = _place(kev)
        if self._tracking and self.centroid[d]:
            place = _ZERO + (place - _ZERO) * (self.centroid[d] - _ZERO) // (_place(icd.LINES_KEV[0]) - _ZERO)
        return min(place // (_PART * icd.CODES_PER_CHANNEL), icd.CHANNELS - 1)


def _place(kev):
    """Return the position of an energy with the default calibration, 1/8 code."""
    return _ZERO + _PART * 1000 * kev // _EV_PER_CODE  # a float would allocate


@micropython.viper
def _add(spectrum: ptr16, at: int, bounds: ptr16, line: int, counts: ptr16):
    for n in range(line, line + _LINES):
        total = counts[n]
        channel = bounds[2 * n]
        end = bounds[2 * n + 1]
        while channel < end:
            total += spectrum[at + channel]
            channel += 1
        counts[n] = total


@micropython.viper
def _centroid(spectrum: ptr16, first: int, last: int, found: ptr32) -> int:
    # returns the counts from first to last; found: sum of their distances from `first`, channels
    total = 0
    weighted = 0
    channel = first
    while channel <= last:
        counts = spectrum[channel]
        total += counts
        weighted += counts * (channel - first)
        channel += 1
    found[0] = weighted
    return total

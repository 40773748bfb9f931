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
_ZERO = const(400)  # position of 0 keV: _PART * icd.ZERO_CODE, which viper code cannot use
_CHANNEL_BITS = const(5)  # log2(_PART * icd.CODES_PER_CHANNEL)
_EV_PER_CODE = int(1000 * icd.KEV_PER_CODE)


class Lines:
    """counts: since the last clear, for detector d from index 8 d. centroid: Po-209 lines, 1/8 code; 0: not found"""

    def __init__(self, acquisition):
        self._below_kev = self._above_kev = self._tracking = 0
        self.counts = array("H", [0] * (_LINES * icd.DETECTORS))
        self.centroid = array("H", [0] * icd.DETECTORS)
        self._acquisition = acquisition
        self._closed = array("H", self.counts)  # counts of closed spectra only
        # distances from 0 keV with the default calibration, 1/8 code: both edges of each region, and the Po-209 line
        self._edges = array("H", [0] * (2 * _LINES) + [_distance(icd.LINES_KEV[0])])
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
        for n, kev in enumerate(icd.LINES_KEV):  # the highest line plus 500 keV, with a gain 1/20 higher: channel 826
            self._edges[2 * n] = _distance(kev - self._below_kev)
            self._edges[2 * n + 1] = _distance(kev + self._above_kev)

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
        singles, edges = self._acquisition.singles, self._edges
        for d in range(icd.DETECTORS):
            _add(singles, d * icd.CHANNELS, edges, self._line_distance(d), self.counts, d * _LINES)

    def closed(self, d, copy):
        """Count the lines of a closed spectrum of detector d and locate its Po-209 line."""
        _add(copy, 0, self._edges, self._line_distance(d), self._closed, d * _LINES)
        self._find_po_209(d, copy)

    def _find_po_209(self, d, copy):
        first = self._channel(d, icd.LINES_KEV[0] - self._above_kev)
        n = _centroid(copy, first, self._channel(d, icd.LINES_KEV[0] + self._above_kev), self._found)
        if n < _LEAST:
            return
        # midpoint of the codes of a channel
        found = (first << _CHANNEL_BITS) + (self._found[0] << _CHANNEL_BITS) // n + ((1 << _CHANNEL_BITS) - _PART) // 2
        expected = _ZERO + self._edges[2 * _LINES]
        if abs(found - expected) * _FARTHEST < expected:
            self.centroid[d] = found

    def _line_distance(self, d):
        """Return the distance of the Po-209 line of detector d from 0 keV, 1/8 code."""
        centroid = self.centroid[d]
        return centroid - _ZERO if self._tracking and centroid else self._edges[2 * _LINES]

    def _channel(self, d, kev):
        """Return the channel of an energy in the spectrum of detector d."""
        return _ZERO + _distance(kev) * self._line_distance(d) // self._edges[2 * _LINES] >> _CHANNEL_BITS


def _distance(kev):
    """Return the distance of an energy from 0 keV with the default calibration, 1/8 code."""
    return _PART * 1000 * kev // _EV_PER_CODE  # a float would allocate


@micropython.viper
def _add(spectrum: ptr16, at: int, edges: ptr16, distance: int, counts: ptr16, line: int):
    # add the counts in the regions of the spectrum that begins at `at` to counts[line] and the seven after it; its
    # Po-209 line is found at this distance from 0 keV
    expected = edges[2 * _LINES]
    edge = 0
    while edge < 2 * _LINES:
        total = counts[line]
        channel = (_ZERO + edges[edge] * distance // expected) >> _CHANNEL_BITS
        last = (_ZERO + edges[edge + 1] * distance // expected) >> _CHANNEL_BITS
        while channel <= last:
            total += spectrum[at + channel]
            channel += 1
        counts[line] = total
        edge += 2
        line += 1


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

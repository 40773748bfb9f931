# Sources of pulses: if it is `ready`, `read(block)` fills a block of edges.BLOCK pulses (edges.py describes them); the
# last pulse of a list, and whatever follows it in the block, is zero.
import array
import math
import sys

import micropython
from micropython import const

_WORDS = const(128)  # of a block: 2 * edges.BLOCK
LEVELS = const(8)  # of a random source, at most
_LN2 = const(710)  # in 1/1024
_SAMPLES = const(256)

# the state of a random or regular source: an array of words
_LEFT = const(0)  # pulses
_MEAN = const(1)  # gap, cycles
_Z = const(2)  # the two halves of the generator
_W = const(3)
_LINES = const(4)
_PAIRS = const(5)  # of 256 pulses, through both detectors of their unit
_LEVELS = const(6)  # number of levels, and the levels
_HEIGHTS = const(7)
_LOG = const(16)  # -ln(1/2 + i / 512), in 1/1024


class Streamed:
    """Pulses that arrive on the port, in whole blocks. ready: one is here."""

    def __init__(self):
        self.ready = False
        self._next = bytearray(4 * _WORDS)

    def receive(self):
        """Read a block, which must be about to arrive; it is dropped if there is one already."""
        block = bytearray(4 * _WORDS) if self.ready else self._next
        sys.stdin.buffer.readinto(block)  # pyright: ignore[reportAttributeAccessIssue]
        self.ready = True

    def read(self, block):
        block[:] = self._next
        self.ready = False


class Regular:
    ready = True

    def __init__(self, n, period, lines, front, back):
        """n pulses, `period` cycles apart, on all of `lines` (a mask) at once, with these heights."""
        self._s = array.array("i", [n, period, lines, front | back << 8])

    def read(self, block):
        _regular(self._s, block)


class Poisson:
    ready = True

    def __init__(self, n, mean, seed, lines, pairs, heights):
        """n pulses at random times, `mean` cycles apart on average, each on one of `lines` (a mask).

        pairs: percent of them through both detectors of a unit. heights: one to LEVELS, equally probable.
        """
        log = [round(-1024 * math.log(0.5 + (i + 0.5) / (2 * _SAMPLES))) for i in range(_SAMPLES)]
        z, w = 362436069 + seed & 0x3FFFFFFF, 521288629 ^ seed
        s = [n, mean, z, w, lines, pairs * 256 // 100, len(heights)]
        s.extend(heights)
        self._s = array.array("i", s + [0] * (_LOG - len(s)) + log)

    def read(self, block):
        _poisson(self._s, block)


@micropython.viper
def _regular(s: ptr32, out: ptr32):
    i = 0
    while i < _WORDS:
        if int(s[0]) != 0:
            s[0] = int(s[0]) - 1
            out[i] = int(s[1])
            out[i + 1] = int(s[2]) | int(s[3]) << 16
        else:
            out[i] = 0
            out[i + 1] = 0
        i += 2


@micropython.viper
def _poisson(s: ptr32, out: ptr32):
    # Two multiply-with-carry generators (G. Marsaglia, sci.stat.math, 1999), of 16 bits each time. A gap is -ln u times
    # the mean, u = m / 2**k: the number of leading zeros is k, and a table has the logarithm of m, 1/2 to 1.
    mean = int(s[_MEAN])
    z = int(s[_Z])
    w = int(s[_W])
    i = 0
    while i < _WORDS:
        if int(s[_LEFT]) == 0:
            out[i] = 0
            out[i + 1] = 0
            i += 2
            continue
        s[_LEFT] = int(s[_LEFT]) - 1
        z = 36969 * (z & 0xFFFF) + ((z >> 16) & 0xFFFF)
        w = 18000 * (w & 0xFFFF) + ((w >> 16) & 0xFFFF)
        u = z & 0xFFFF
        x = int(s[_LOG + ((w >> 8) & 0xFF)])
        k = 0
        while k < 16 and u & 0x8000 == 0:
            u <<= 1
            x += _LN2
            k += 1
        out[i] = x * (mean >> 10) + ((x * (mean & 0x3FF)) >> 10)
        z = 36969 * (z & 0xFFFF) + ((z >> 16) & 0xFFFF)
        w = 18000 * (w & 0xFFFF) + ((w >> 16) & 0xFFFF)
        d = z & 15
        while ((int(s[_LINES]) >> d) & 1) == 0:
            d = (d + 1) & 15
        lines = 1 << d
        if (w & 0xFF) < int(s[_PAIRS]):
            lines |= 1 << (d ^ 1)
        height = int(s[_HEIGHTS + ((((z >> 4) & 0xFF) * int(s[_LEVELS])) >> 8)])
        out[i + 1] = lines | (height | height << 8) << 16
        i += 2
    s[_Z] = z
    s[_W] = w

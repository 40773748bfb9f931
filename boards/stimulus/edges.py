# Pulses become edges: what the machine of front_end.py plays, in a ring that DMA reads.
#
# A pulse is two words: the gap since the pulse before it, in cycles of 8 ns, below 2**30; and the lines that rise
# together | height at the front detectors << 16 | height at the back detectors << 24. Without lines it is a pause; two
# zeros end the list. Every pulse holds the comparators of its lines high for the same width.
#
# Times are signed and have 32 bits on the chip. A pause of more than _PAUSE becomes an edge that changes nothing, so
# that the time to the next pulse stays below 2**31 cycles, 17 s, however many pauses there are.
#
# An edge is four words: number of pulses up to it, for the reader of the ring only; delay; comparators after it; levels
# of the ladder, 0 if comparators only fall. After the last edge there is always an edge without end (`IDLE`).
import array

import micropython
from micropython import const

BITS = const(15)  # the ring: 2**15 octets, 2048 edges
EDGES = const(2048)
_MASK = const(2047)
BLOCK = const(64)  # pulses that are taken at a time
MOST = const(500_000_000)  # pulses of a list: DMA counts their words, eight of each, in 32 bits
NARROWEST, WIDEST = const(60), const(1200)  # cycles; the widest, because pulses in progress are kept in _QUEUE

# Cycles of front_end.py, counted in its listing: from the end of a delay, which takes 2 * (delay + 1), to the rise of
# the lines, and from there to the start of the next delay; to the fall of the comparators, and to the next delay.
_RISE = const(11)
_AFTER = const(5)
_FALLEN = const(2)
_FALL = const(8)
_NEVER = const(-1)  # as a delay: 2**32 - 1
_ZERO = const(1 << 28)  # added to times that are kept: they may be negative, which 64-bit viper does not see
_RISES = const(1 << 15)  # a bit of the levels that the ladder ignores: they are never 0

# the state: an array of words
_TIME = const(0)  # when the last pulse was due, relative to the start of the next delay, + _ZERO
MADE = const(1)  # edges in the ring so far
PULSES = const(2)
LATE = const(3)  # pulses that rise later than their list asks: too close to the edge before them
_FIRST = const(4)  # the pulses whose comparators are high: a queue of their falls, from _FIRST to _LAST
_LAST = const(5)
_WIDTH = const(6)
_DEBT = const(7)  # cycles by which the machine is late
_HELD = const(8)  # comparators that are always high
_STEP = const(12)
_PAUSE = const(1 << 29)  # cycles
_REST = const(128)  # of a pause, which the pulse after it needs
_LONG = const(1000)  # cycles: shorter gaps, which decide on dead time, are kept
_QUEUE = const(63)
_TIMES = const(16)  # of the falls, relative to the start of the next delay, + _ZERO
_LINES = const(80)
_WORDS = const(144)


def state(width, lead_in, held=0):
    """Return the state of a list whose comparators are high for `width` cycles, those of `held` (a mask) always,
    `lead_in` cycles before it starts."""
    s = array.array("i", [0] * _WORDS)
    s[_TIME], s[_WIDTH], s[_HELD] = lead_in + _ZERO, width, held
    return s


@micropython.viper
def idle(ring: ptr32, first: int, n: int):
    """Make `n` edges of the ring, from number `first` on, edges without end."""
    i = 4 * first
    end = i + 4 * n
    while i < end:
        at = i & (4 * _MASK + 3)
        ring[at] = 0
        ring[at + 1] = _NEVER
        ring[at + 2] = 0
        ring[at + 3] = 0
        i += 4


@micropython.viper
def ended(pulses: ptr32) -> bool:
    """Return whether the list ends in this block: the rest of its last block is zeros."""
    return int(pulses[2 * BLOCK - 2]) == 0 and int(pulses[2 * BLOCK - 1]) == 0


@micropython.viper
def delayed(s: ptr32, cycles: int):
    """Take into account that the machine is late by so many cycles: up to _STEP of it are taken off each long
    gap to come."""
    s[_DEBT] = int(s[_DEBT]) + cycles


@micropython.viper
def number(ring: ptr32, edge: int) -> int:
    """Return the number of pulses up to this edge, which must still be in the ring."""
    return int(ring[4 * (edge & _MASK)])


@micropython.viper
def append(ring: int, s: ptr32, pulses: ptr32) -> int:
    """Append the edges of a block of pulses. Return 1 if the list ends in it, with the last edges, else 0.

    It needs room for 3 * BLOCK edges: those of its pulses, and of 64 pulses before.
    """
    made = int(s[MADE])
    t = int(s[_TIME]) - _ZERO
    first = int(s[_FIRST])
    last = int(s[_LAST])
    count = int(s[PULSES])
    i = 0
    ended = 0
    while i < 2 * BLOCK and ended == 0:
        gap = int(pulses[i])
        lines = int(pulses[i + 1])
        i += 2
        if gap == 0 and lines == 0:
            ended = 1
        t += gap
        while first != last:  # comparators that fall before this pulse
            d = int(s[_TIMES + (first & _QUEUE)]) - _ZERO
            if ended == 0 and d > t:
                break
            first += 1
            delay = ((d - _FALLEN) >> 1) - 1
            if delay < 0:
                delay = 0
            took = 2 * (delay + 1) + _FALL
            t -= took
            high = int(s[_HELD])
            k = first
            while k != last:
                at = k & _QUEUE
                s[_TIMES + at] = int(s[_TIMES + at]) - took
                high |= int(s[_LINES + at])
                k += 1
            edge = ptr32(ring + ((made & _MASK) << 4))  # pyright: ignore
            edge[0] = count
            edge[1] = delay
            edge[2] = high
            edge[3] = 0
            made += 1
        if lines & 0xFFFF == 0:
            if ended == 0 and t > _PAUSE:  # no comparators are high but those that always are
                delay = ((t - _REST) >> 1) - 1
                t -= 2 * (delay + 1) + _FALL
                edge = ptr32(ring + ((made & _MASK) << 4))  # pyright: ignore
                edge[0] = count
                edge[1] = delay
                edge[2] = int(s[_HELD])
                edge[3] = 0
                made += 1
            continue
        step = int(s[_DEBT])
        if step != 0 and gap > _LONG:
            if step > _STEP:
                step = _STEP
            s[_DEBT] = int(s[_DEBT]) - step
            t -= step
        delay = ((t - _RISE) >> 1) - 1
        if delay < 0:
            delay = 0
            s[LATE] = int(s[LATE]) + 1
        took = 2 * (delay + 1) + _RISE + _AFTER
        t -= took
        high = lines & 0xFFFF | int(s[_HELD])
        k = first
        while k != last:
            at = k & _QUEUE
            s[_TIMES + at] = int(s[_TIMES + at]) - took
            high |= int(s[_LINES + at])
            k += 1
        at = last & _QUEUE
        s[_TIMES + at] = int(s[_WIDTH]) - _AFTER + _ZERO
        s[_LINES + at] = lines & 0xFFFF
        last += 1
        count += 1
        front = lines >> 16
        back = lines >> 24
        edge = ptr32(ring + ((made & _MASK) << 4))  # pyright: ignore
        edge[0] = count
        edge[1] = delay
        edge[2] = high
        # the ladder is GP16-22 and, its highest bit, GP26: four pins further
        edge[3] = front & 0x7F | (front & 0x80) << 3 | (back & 0x7F) << 16 | (back & 0x80) << 19 | _RISES
        made += 1
    edge = ptr32(ring + ((made & _MASK) << 4))  # pyright: ignore
    edge[0] = count
    edge[1] = _NEVER
    edge[2] = int(s[_HELD])
    edge[3] = 0
    s[_TIME] = t + _ZERO
    s[MADE] = made
    s[_FIRST] = first
    s[_LAST] = last
    s[PULSES] = count
    return ended

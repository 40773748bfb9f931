# The kernel: sorts events from the rings of the event builder into spectra and counters. Viper code; allocates nothing.
# The chips have their own, faster one with the same results (boards/rp2/sort.py), so that only the layout of the state,
# as numbers in other modules, is left of this file on a chip.
#
# viper int is 64 bits on the unix port and would be 32 on a chip, so that only bit 31 of a difference of stamps is
# evaluated.
# viper keeps the first three locals, arguments first, in registers and the rest on the stack: `h`, `d` and `j` are
# arguments for that reason only, and are passed as 0.
import micropython
from micropython import const

# state, array("I")
READ = const(0)  # index of the next event in words, stamps and tails
AMPLITUDE = const(1)  # index of its first amplitude
MASK = const(2)  # events in the ring - 1
AMPLITUDE_MASK = const(3)
UNTIL = const(4)  # stop before events with this stamp or a later one
# sums over all events read since the caller zeroed them
EVENTS_READ = const(5)
HITS = const(6)  # conversions
PASSES = const(7)  # extra reset passes
SCANNED = const(8)  # numbers of the last hit of each event: the lines scanned before it
LIMIT_REACHED = const(9)  # events that ended at the pass limit
STATUS = const(10)  # why the call ended: bits below; 0 once the acquisition has dealt with it
SLIP = const(11)  # hit pattern of the event that slipped, and the number of its conversions
SLIP_CONVERSIONS = const(12)
BAD_CODES = const(13)  # failed conversions, counted as over range, since the last housekeeping
WINDOW = const(14)  # from here on, what is used for every event
STAMP = const(14)  # stamp of the last event read
NEARLY_FULL = const(15)  # bit s: a channel of spectrum s passed NEARLY; bit 16 + u: of coincidence spectrum u
HELD = const(16)  # bits as in NEARLY_FULL: a channel is full; nothing is read until the spectrum is closed
ZERO_CODE = const(17)  # the code of 0 keV: subtracted once from the sum of two codes
# the event list, per class: front, back, front and back of a unit, several units (see `mark`)
OPEN = const(18)  # last index in `listed` at which any event fits; 0: the window is closed
LIST = const(22)  # index in `listed` of the next entry
# counters of events
MARKS = const(26)  # events without hits: one at each start
FRONT = const(27)
BACK = const(28)
FRONT_BACK = const(29)
SEVERAL = const(30)
NONE = const(31)  # no hit of the event was accepted
LISTED = const(32)  # events listed, per class, since the event list last regulated it
OWN = const(36)  # from here on, entries of the board's `sort`
STATE = const(51)
_OPEN_OF = const(-9)  # offsets from the counter of a class to its OPEN, LIST and LISTED entries
_LIST_OF = const(-5)
_LISTED_OF = const(5)

OVERRUN = const(1)  # the ring was overwritten: nothing after the last event is valid
SLIPPED = const(2)  # an event's conversions did not match its hits: it was dropped, and the next one is valid again
FULL = const(4)  # a channel is full: no event is read, in this and later calls, until HELD is cleared

# counters per detector, array("I", 64)
ACCEPTED = const(0)
BELOW = const(16)
OVER = const(32)
DISABLED = const(48)

FULL_SCALE = const(4095)
FAILED = const(0x8000)  # bit of a code whose conversion failed; such a hit counts as over range
PASS_LIMIT = const(0x8000)  # reset passes of an event that ended at the limit
OFF = const(0xFFFF)  # threshold of a detector that is switched off
EVENTS = const(512)  # maximum number of events read in one call
PART = const(128)  # half-words of a class in `listed`
LARGEST = const(19)  # half-words of an event with 16 hits
MARK = const(4)
NEARLY = const(0xF000)  # counts in a channel: leaves room for eight more calls
_MOST = const(0xFFFF)

# shifts: from a detector, or a unit, to the first channel of its spectrum; from a code, or the sum of two, to its
# channel
_SPECTRUM = const(10)  # icd.CHANNELS
_PAIR_SPECTRUM = const(8)  # icd.COINCIDENCE_CHANNELS
_CHANNEL = const(2)  # icd.CODES_PER_CHANNEL
_PAIR_CHANNEL = const(5)  # icd.CODES_PER_COINCIDENCE_CHANNEL
_PAIR_0 = const(0x10000)  # bit of coincidence spectrum 0 in NEARLY_FULL and HELD

# the word of an event: hit pattern, and below it the reset passes, counted down from _NO_PASS
_PATTERN = const(16)
_NO_PASS = const(0x7FFF)
_ADDRESS = const(1)  # shift from a tail, which is a byte address, to the index of a 16-bit amplitude


@micropython.viper
def sort(
    h: int, d: int, j: int,
    words: ptr32, stamps: ptr32, tails: ptr32, amplitudes: ptr16,
    state: ptr32, thresholds: ptr16, counters: ptr32, singles: ptr16, pairs: ptr16, listed: ptr16,
) -> int:  # fmt: skip
    """Read events until none is left, UNTIL or a limit is reached, or STATUS is set; return the number read."""
    i = state[READ]
    j = state[AMPLITUDE]
    mask = state[MASK]
    amplitude_mask = state[AMPLITUDE_MASK]
    until = state[UNTIL]
    n = hits = passes = scanned = status = 0
    limit = EVENTS
    if state[HELD]:
        limit = 0
        status = FULL
    while n < limit:
        end = tails[i]
        if end == 0:
            break
        stamp = stamps[i]
        if ((stamp - until) >> 31) & 1 == 0:
            if tails[(i - 1) & mask]:  # a stamp of the next lap: see below
                status = OVERRUN
            break
        # DMA may lap the reader at any instruction. A tail is zeroed before its event is read: if it is set again, DMA
        # has rewritten the event. The previous tail is checked only after this one is zeroed, as zeroing it could
        # otherwise erase the only trace of a lap.
        tails[i] = 0
        if tails[(i - 1) & mask]:
            status = OVERRUN
            break
        state[STAMP] = stamp
        word = words[i]
        end = (end >> _ADDRESS) & amplitude_mask
        kind = 0  # the counter of its class, if the class has a list
        start = j
        h = (word >> _PATTERN) & 0xFFFF
        if h and h & (h - 1) == 0 and (j + 1 - end) & amplitude_mask == 0:
            # a single hit, by far the most frequent case, has a separate path, which is a third faster
            d = 0
            if h & 0xFF == 0:
                h >>= 8
                d = 8
            if h & 0xF == 0:
                h >>= 4
                d += 4
            if h & 3 == 0:
                h >>= 2
                d += 2
            d += h >> 1
            h = amplitudes[j]
            j = end
            hits += 1
            scanned += d
            if h < thresholds[d]:
                counters[(DISABLED if thresholds[d] == OFF else BELOW) + d] += 1
                state[NONE] += 1
            elif h >= FULL_SCALE:
                if h & FAILED:
                    state[BAD_CODES] += 1
                counters[OVER + d] += 1
                state[NONE] += 1
            else:
                counters[d] += 1  # ACCEPTED
                kind = FRONT + (d & 1)
                h = (d << _SPECTRUM) + (h >> _CHANNEL)
                count = singles[h] + 1
                singles[h] = count
                if count >= NEARLY:
                    state[NEARLY_FULL] |= 1 << d
                    if count == _MOST:
                        state[HELD] |= 1 << d
                        status = FULL
        else:
            hit = h
            k = 0
            while h:
                h &= h - 1
                k += 1
            hits += (end - j) & amplitude_mask
            if (j + k - end) & amplitude_mask:
                state[SLIP] = hit
                state[SLIP_CONVERSIONS] = (end - j) & amplitude_mask
                j = end
                status = SLIPPED
            else:
                good = total = last = d = 0
                h = hit
                while h:
                    if h & 0xF == 0:
                        h >>= 4
                        d += 4
                        continue
                    if h & 1:
                        code = amplitudes[j]
                        j = (j + 1) & amplitude_mask
                        if code < thresholds[d]:
                            counters[(DISABLED if thresholds[d] == OFF else BELOW) + d] += 1
                        elif code >= FULL_SCALE:
                            if code & FAILED:
                                state[BAD_CODES] += 1
                            counters[OVER + d] += 1
                        else:
                            counters[d] += 1
                            good |= 1 << d
                            total += code
                            last = d
                    h >>= 1
                    d += 1
                if hit:
                    scanned += d - 1
                if good == 0:
                    state[NONE if hit else MARKS] += 1
                elif good & (good - 1) == 0:
                    kind = FRONT + (last & 1)
                    h = (last << _SPECTRUM) + (total >> _CHANNEL)
                    count = singles[h] + 1
                    singles[h] = count
                    if count >= NEARLY:
                        state[NEARLY_FULL] |= 1 << last
                        if count == _MOST:
                            state[HELD] |= 1 << last
                            status = FULL
                elif good == (3 << (last & 14)):
                    kind = FRONT_BACK
                    total -= state[ZERO_CODE]
                    if total < 0:  # thresholds below the zero code
                        total = 0
                    h = ((last >> 1) << _PAIR_SPECTRUM) + (total >> _PAIR_CHANNEL)
                    count = pairs[h] + 1
                    pairs[h] = count
                    if count >= NEARLY:
                        state[NEARLY_FULL] |= _PAIR_0 << (last >> 1)
                        if count == _MOST:
                            state[HELD] |= _PAIR_0 << (last >> 1)
                            status = FULL
                else:
                    kind = SEVERAL
        if kind:
            state[kind] += 1
            if state[kind + _OPEN_OF]:
                h = state[kind + _LIST_OF]
                listed[h] = stamp
                listed[h + 1] = stamp >> 16
                listed[h + 2] = word >> _PATTERN
                h += 3
                while start != j:
                    listed[h] = amplitudes[start]
                    start = (start + 1) & amplitude_mask
                    h += 1
                state[kind + _LISTED_OF] += 1
                if h > state[kind + _OPEN_OF]:  # no room for another event: close the window with a mark
                    state[kind + _OPEN_OF] = 0
                    listed[h] = stamp
                    listed[h + 1] = stamp >> 16
                    listed[h + 2] = 0
                    listed[h + 3] = (kind - FRONT) << 8
                    h += MARK
                state[kind + _LIST_OF] = h
        i = (i + 1) & mask
        n += 1
        h = (_NO_PASS - word) & 0xFFFF
        if h:
            passes += h
            if h == PASS_LIMIT:
                state[LIMIT_REACHED] += 1
        if status:
            break
    state[READ] = i
    state[AMPLITUDE] = j
    state[HITS] += hits
    state[PASSES] += passes
    state[SCANNED] += scanned
    state[EVENTS_READ] += n
    state[STATUS] = status
    return n

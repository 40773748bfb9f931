# The rings of the event builder, filled with events from the host as DMA does on a chip.
import micropython
from fsw.spectra import kernel
from micropython import const

from boards.pico import constants

_BASE = const(0x20000000)  # added to the offset in `amplitudes`, so that a tail is never 0, like an address on a chip
_PIECE = const(4096)  # octets


class Sorter:
    """The kernel with its arrays; a call allocates nothing."""

    def __init__(self, rings, thresholds, counters, singles, pairs, listed):
        self._rings, self._thresholds, self._counters = rings, thresholds, counters
        self._singles, self._pairs, self._listed = singles, pairs, listed

    def sort(self, state):
        rings = self._rings
        return kernel.sort(
            0, 0, 0, rings.words, rings.stamps, rings.tails, rings.amplitudes,
            state, self._thresholds, self._counters, self._singles, self._pairs, self._listed,
        )  # fmt: skip


class EventBuilder:
    """dead: dead cycles per event, hit, line scanned before the last hit and additional reset pass. Interface:
    boards/README.md."""

    mhz = constants.CLOCK_MHZ
    mask = (1 << constants.RING_BITS) - 1
    amplitude_mask = (1 << constants.AMPLITUDE_BITS) - 1
    backlog = constants.BACKLOG

    def __init__(self, pipe, dead):
        self._pipe = pipe
        self.fixed_cycles, self.hit_cycles, self.scan_cycles, self.pass_cycles = dead
        self.words, self.stamps, self.tails = (bytearray(4 * (self.mask + 1)) for _ in range(3))
        self.amplitudes = bytearray(2 * (self.amplitude_mask + 1))
        self._at = bytearray(8)  # two u32: indices of the next event and of the next amplitude

    def sorter(self, state, *arrays):
        return Sorter(self, *arrays).sort

    def unattended(self, on):
        """Target time stands still while garbage is collected."""

    def start(self, detectors):
        for i in range(len(self.tails)):
            self.tails[i] = 0
        self._at[:] = bytes(8)
        self._pipe.ask("S", detectors)

    def enable(self, detectors):
        self._pipe.ask("E", detectors)
        return self._pipe.now_us & 0xFFFFFFFF

    def stop(self):
        self._pipe.ask("X", 0)
        self._converted = self._pipe.numbers("<I")[0]

    def converted(self):
        return self._converted

    def lines(self):
        self._pipe.ask("L", 0)
        return self._pipe.numbers("<I")[0]

    def faults(self):
        return 0

    def receive(self, n):
        """Read n octets of events from the pipe, in pieces: after a stall the heap may have no room for all at once."""
        rest = b""
        while n:
            piece = min(n, _PIECE)
            data = rest + self._pipe.get(piece)
            n -= piece
            used = _fill(
                data, len(data), self.words, self.stamps, self.tails, self.amplitudes, self._at, self.mask,
                self.amplitude_mask,
            )  # fmt: skip
            rest = data[used:]


@micropython.viper
def _fill(
    data: ptr8, n: int, words: ptr32, stamps: ptr32, tails: ptr32, amplitudes: ptr16, at: ptr32, mask: int,
    amplitude_mask: int,
) -> int:  # fmt: skip
    # As DMA does on a chip: continues around the rings, whether or not they are read.
    # data: per event u32 stamp, u32 word, u16 codes, lowest detector first; the last may be incomplete. Returns the
    # number of octets used
    i = at[0]
    j = at[1]
    p = 0
    while p + 8 <= n:
        hit = data[p + 6] | data[p + 7] << 8
        end = p + 8
        while hit:
            hit &= hit - 1
            end += 2
        if end > n:
            break
        stamps[i] = data[p] | data[p + 1] << 8 | data[p + 2] << 16 | data[p + 3] << 24
        word = data[p + 4] | data[p + 5] << 8 | data[p + 6] << 16 | data[p + 7] << 24
        words[i] = word
        p += 8
        hit = (word >> 16) & 0xFFFF
        while hit:
            hit &= hit - 1
            amplitudes[j] = data[p] | data[p + 1] << 8
            j = (j + 1) & amplitude_mask
            p += 2
        tails[i] = _BASE | j << 1
        i = (i + 1) & mask
    at[0] = i
    at[1] = j
    return p

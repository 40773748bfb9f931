# Rings filled by a test, and the kernel that reads them: Thumb code on a chip, viper code on the unix port.
import array
import sys


class Rings:
    """words, stamps, tails: array("I"); amplitudes: 16 bits each; base: what a tail of amplitude 0 holds."""

    def __init__(self, events, amplitudes):
        self.mask, self.amplitude_mask = events - 1, amplitudes - 1
        self.words, self.stamps, self.tails = (array.array("I", bytes(4 * events)) for _ in range(3))
        if sys.platform == "rp2":
            from boards.rp2.rings import aligned
            from uctypes import ARRAY, UINT16, struct

            self._keep, (self.base,) = aligned(len(bin(2 * amplitudes)) - 3)
            self.amplitudes = struct(self.base, {"all": (ARRAY, UINT16 | amplitudes)}).all
        else:
            self.base = 0x20000000
            self.amplitudes = array.array("H", bytes(2 * amplitudes))

    def sorter(self, *arrays):
        return sorter(self, *arrays)


def sorter(rings, state, *arrays):
    """As that of an event builder."""
    if sys.platform == "rp2":
        from boards.rp2.sort import bind, sort

        bind(state, rings, *arrays)
        return sort
    from boards.unix.event_builder import Sorter

    return Sorter(rings, *arrays).sort

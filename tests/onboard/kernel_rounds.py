# Rounds of random events through the kernel; test_kernels_agree.py prepends the constants. On a chip the test writes
# the rings and reads the results in memory; on the unix port `answer` takes them as text.
import array
from binascii import unhexlify

from fsw.spectra import kernel as k

rings = Rings(RING, AMPLITUDES)
words, stamps, tails, amplitudes = rings.words, rings.stamps, rings.tails, rings.amplitudes
state = array.array("I", bytes(4 * k.STATE))
counters = array.array("I", bytes(4 * 64))
thresholds = array.array("H", THRESHOLDS)
singles = array.array("H", bytes(2 * 16 * 1024))
pairs = array.array("H", bytes(2 * 8 * 256))
listed = array.array("H", bytes(2 * 4 * k.PART))
state[k.MASK], state[k.AMPLITUDE_MASK], state[k.ZERO_CODE] = RING - 1, AMPLITUDES - 1, 50
sort = rings.sorter(state, thresholds, counters, singles, pairs, listed)
go = array.array("I", [0])
calls = array.array("I", bytes(4 * 64))  # events read, status << 16, of each call of a round


def play():
    """Call the kernel until it reads nothing, at most 64 times."""
    for i in range(64):
        calls[i] = 0
    for i in range(64):
        n = sort(state)
        calls[i] = n | state[k.STATUS] << 16
        if n == 0 or state[k.STATUS] & (k.OVERRUN | k.FULL):
            break

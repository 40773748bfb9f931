# Overruns during a kernel call: see test_kernel.py.
import array
from machine import mem32
from uctypes import addressof
from fsw.spectra import kernel as k

RING, AMPLITUDES = 16, 256
rings = Rings(RING, AMPLITUDES)
state, counters = array.array("I", bytes(4 * k.STATE)), array.array("I", bytes(4 * 64))
thresholds = array.array("H", bytes(32))
singles, pairs = array.array("H", bytes(2 * 16 * 1024)), array.array("H", bytes(2 * 8 * 256))
listed = array.array("H", bytes(2 * 64))
state[k.MASK], state[k.AMPLITUDE_MASK] = RING - 1, AMPLITUDES - 1
go = array.array("I", bytes(4))
result = array.array("I", bytes(4 * 6))


def sort(until, at):
    state[k.UNTIL] = until
    result[at] = kernel(state)
    result[at + 1], result[at + 2] = state[k.STATUS], state[k.STAMP]


CODE = 8  # offset of the code address in an object of an assembler function; its lowest bit marks Thumb code
kernel = rings.sorter(state, thresholds, counters, singles, pairs, listed)
addresses = [addressof(a) for a in (rings.words, rings.stamps, rings.tails, state, go, result)]
print("AT", mem32[id(kernel) + CODE] & ~1, rings.base, *addresses, k.OVERRUN)
while True:
    while not go[0]:
        pass
    sort(1000, 0)
    sort(9000, 3)
    go[0] = 0

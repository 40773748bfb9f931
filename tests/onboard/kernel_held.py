# Overruns during a kernel call: see test_kernel.py.
import array
from machine import mem32
from uctypes import addressof
from fsw.spectra import kernel as k

RING, AMPLITUDES = 16, 256
words, stamps, tails = (array.array("I", bytes(4 * RING)) for _ in range(3))
amplitudes = array.array("H", bytes(2 * AMPLITUDES))
state, counters = array.array("I", bytes(4 * k.STATE)), array.array("I", bytes(4 * 64))
thresholds = array.array("H", bytes(32))
singles, pairs = array.array("H", bytes(2 * 16 * 1024)), array.array("H", bytes(2 * 8 * 256))
listed = array.array("H", bytes(2 * 64))
state[k.MASK], state[k.AMPLITUDE_MASK] = RING - 1, AMPLITUDES - 1
go = array.array("I", bytes(4))
result = array.array("I", bytes(4 * 6))


def sort(until, at):
    state[k.UNTIL] = until
    result[at] = k.sort(0, 0, 0, words, stamps, tails, amplitudes, state, thresholds, counters, singles, pairs, listed)
    result[at + 1], result[at + 2] = state[k.STATUS], state[k.STAMP]


CODE = 12  # offset of the code address in a native function object
print("AT", mem32[id(k.sort) + CODE], *[addressof(a) for a in (words, stamps, tails, state, go, result)], k.OVERRUN)
while True:
    while not go[0]:
        pass
    sort(1000, 0)
    sort(9000, 3)
    go[0] = 0

# Run in place of main.py by `dorn bench`: time in us of one kernel call, without events and with many events
# of each class.
import array
import time

from fsw import icd
from fsw.spectra import kernel as k
from uctypes import addressof

from boards.rp2.sort import bind, sort


class Rings:
    mask, amplitude_mask = 511, 4095

    def __init__(self):
        self.words, self.stamps, self.tails = [array.array("I", [0] * 512) for _ in range(3)]
        self.amplitudes = array.array("H", [0] * 4096)


rings = Rings()
words, tails, amplitudes = rings.words, rings.tails, rings.amplitudes
base = addressof(amplitudes)
state, counters = array.array("I", [0] * k.STATE), array.array("I", [0] * 64)
thresholds = array.array("H", [150] * 16)
singles = array.array("H", [0] * (icd.DETECTORS * icd.CHANNELS))
pairs = array.array("H", [0] * (icd.UNITS * icd.COINCIDENCE_CHANNELS))
listed = array.array("H", [0])  # no event is listed, as when the quotas are used up
state[k.MASK], state[k.AMPLITUDE_MASK], state[k.UNTIL], state[k.ZERO_CODE] = 511, 4095, 1, icd.ZERO_CODE
bind(state, rings, thresholds, counters, singles, pairs, listed)


def took(n, patterns, code):
    at = 0
    for i in range(512):
        tails[i] = 0
    for i in range(n):
        pattern = patterns[i % len(patterns)]
        for d in range(16):
            if pattern >> d & 1:
                amplitudes[at] = code + i
                at += 1
        words[i] = pattern << 16 | 0x7FFF
        tails[i] = base + 2 * at
    state[k.READ] = state[k.AMPLITUDE] = 0
    begin = time.ticks_us()
    read = sort(state)
    us = time.ticks_diff(time.ticks_us(), begin)
    assert read == n and not state[k.STATUS], (read, n, state)
    return us


ones = [1 << d for d in range(16)]
print(
    "FIGURES",
    took(0, ones, 0),
    took(400, ones, 500),
    took(100, ones, 0),
    took(400, [3 << d for d in range(0, 16, 2)], 500),
    took(400, [5 << d for d in range(14)], 500),
    took(60, [0xFFFF], 500),
)

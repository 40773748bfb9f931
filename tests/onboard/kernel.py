# Random events through the kernel; test_kernel.py prepends the constants.
import array
import gc
import json
import micropython
from fsw import memory
from fsw.spectra import kernel as k
from fsw.spectra.reading import mark, unread

thresholds = array.array("H", THRESHOLDS)
rings = Rings(RING, AMPLITUDES)
words, stamps, tails, amplitudes = rings.words, rings.stamps, rings.tails, rings.amplitudes
state = array.array("I", bytes(4 * k.STATE))
counters = array.array("I", bytes(4 * 64))
singles = array.array("H", bytes(2 * 16 * 1024))
pairs = array.array("H", bytes(2 * 8 * 256))
state[k.MASK], state[k.AMPLITUDE_MASK], state[k.ZERO_CODE] = RING - 1, AMPLITUDES - 1, 50
listed = array.array("H", bytes(2 * LISTED))
assert len(memory.listed) == LISTED == 4 * k.PART
state[k.STAMP] = 0x12345678
for n in range(4):
    state[k.LIST + n] = n * LISTED // 4
sort = rings.sorter(state, thresholds, counters, singles, pairs, listed)
mark(state, listed, 0b1111, 1)
mark(state, listed, 0b1000, 0)
assert list(state[k.OPEN : k.LIST]) == OPEN

seed = 1


@micropython.viper
def draw(seed: int) -> int:  # 24 bits, identical under both ports
    return (seed * 1103 + 12345) & 0xFFFFFF


def hits(n):
    kind = n % 16
    if kind < 9:
        return 1 << (n >> 4) % 16
    if kind < 12:
        return 3 << 2 * ((n >> 4) % 8)
    if kind < 13:
        return 0
    return (n >> 4) & 0xFFFF


made = reads = slot = at = converted = 0
totals = dict(hits=0, passes=0, scanned=0)
while reads < EVENTS:
    while made < EVENTS and made - reads < RING - 1 and converted - totals["hits"] < AMPLITUDES - 16:
        seed = draw(seed)
        pattern, passes = hits(seed >> 4), 0x8000 if made % 997 == 5 else (seed >> 12) % 7 if seed & 1 else 0
        for d in range(16):
            if pattern >> d & 1:
                seed = draw(seed)
                code = seed >> 8 & 0xFFF
                if made % 101 == 7:
                    code = 4095
                elif made % 103 == 9:
                    code |= 0x8000
                amplitudes[at] = code
                at = (at + 1) % AMPLITUDES
                converted += 1
        words[slot] = pattern << 16 | (0x7FFF - passes) & 0xFFFF
        stamps[slot] = (0xFFFFF000 + 7 * made) & 0xFFFFFFFF  # wraps
        tails[slot] = rings.base + 2 * at
        slot = (slot + 1) % RING
        made += 1
    state[k.UNTIL] = (0xFFFFF000 + 7 * made) & 0xFFFFFFFF
    gc.collect()
    micropython.heap_lock()
    try:
        n = sort(state)
        waiting = unread(state[k.READ], state[k.AMPLITUDE], 0, tails, RING - 1, AMPLITUDES - 1)
    finally:
        micropython.heap_unlock()
    assert state[k.STATUS] == 0 and n, (state[k.STATUS], n)
    assert waiting == (at - state[k.AMPLITUDE]) % AMPLITUDES, waiting
    reads += n
    totals = dict(hits=state[k.HITS], passes=state[k.PASSES], scanned=state[k.SCANNED])
print(
    "RESULT",
    json.dumps(
        dict(
            totals=totals,
            pass_limit_reached=state[k.LIMIT_REACHED],
            bad=state[k.BAD_CODES],
            last=state[k.STAMP],
            classes=list(state[k.MARKS : k.LISTED]),
            counters=list(counters),
            listed=list(state[k.LISTED : k.OWN]),
            open=list(state[k.OPEN : k.LIST]),
            list=[list(listed[n * LISTED // 4 : state[k.LIST + n]]) for n in range(4)],
        )
    ),
)
for name, spectra in (("singles", singles), ("pairs", pairs)):
    for c in range(len(spectra)):
        if spectra[c]:
            print(name, c, spectra[c])

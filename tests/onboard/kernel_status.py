# Status of a kernel call: see test_kernel.py.
import array
from fsw.spectra import kernel as k

RING, AMPLITUDES = 16, 256


def fresh():
    g = dict(
        rings=Rings(RING, AMPLITUDES),
        state=array.array("I", bytes(4 * k.STATE)),
        counters=array.array("I", bytes(4 * 64)),
    )
    g["state"][k.MASK], g["state"][k.AMPLITUDE_MASK] = RING - 1, AMPLITUDES - 1
    g["state"][k.UNTIL] = 1000
    return g


thresholds = array.array("H", bytes(32))
singles, pairs = array.array("H", bytes(2 * 16 * 1024)), array.array("H", bytes(2 * 8 * 256))
listed = array.array("H", bytes(2 * 64))


def put(g, slot, hit, at, n, code=400, stamp=10):
    rings = g["rings"]
    for i in range(n):
        rings.amplitudes[(at + i) % AMPLITUDES] = code
    rings.words[slot], rings.stamps[slot] = hit << 16 | 0x7FFF, stamp
    rings.tails[slot] = rings.base + 2 * ((at + n) % AMPLITUDES)


def sort(g):
    n = g["rings"].sorter(g["state"], thresholds, g["counters"], singles, pairs, listed)(g["state"])
    return n, g["state"][k.STATUS]


# a full channel stops the kernel until its spectrum is closed: it does not wrap, and no event is read
for hit, n, spectra, channel, held in (
    (1 << 3, 1, singles, 3 * 1024 + 100, 1 << 3),
    (3 << 6, 2, pairs, 3 * 256 + 25, 0x10000 << 3),
):
    g = fresh()
    spectra[channel] = 0xFFFE
    for slot in range(3):
        put(g, slot, hit, n * slot, n)
    print("FULL", sort(g) == (1, k.FULL), spectra[channel] == 0xFFFF, g["state"][k.HELD] == held)
    print("HELD", sort(g) == (0, k.FULL), spectra[channel] == 0xFFFF, g["state"][k.READ] == 1, g["state"][k.HITS] == n)
    spectra[channel] = g["state"][k.HELD] = 0
    print("ON", sort(g) == (2, 0), spectra[channel] == 2)

# an event whose number of amplitudes differs from that of its hits is dropped, and the next one is read correctly
for hit, found in ((1 << 5, 2), (1 << 5, 0), (0b111, 2), (0, 1)):
    g = fresh()
    put(g, 0, hit, 0, found)
    put(g, 1, 1 << 7, found, 1, 800)
    print("SLIP", sort(g) == (1, k.SLIPPED), g["state"][k.SLIP] == hit, g["state"][k.SLIP_CONVERSIONS] == found)
    print("STEP", sort(g) == (1, 0), sum(g["counters"]) == g["counters"][7] == 1)

# overrun: the slot after the reader has been refilled; the last good stamp is kept
g = fresh()
put(g, 0, 1, 0, 1, stamp=11)
sort(g)
for slot in range(RING):
    put(g, slot, 1, slot, 1, stamp=500)
print("ROUND", sort(g) == (0, k.OVERRUN), g["state"][k.STAMP] == 11)

# overrun during the call: the slot then has an event later than UNTIL
g = fresh()
put(g, 0, 1, 0, 1, stamp=11)
sort(g)
for slot in range(RING):
    put(g, slot, 1, slot, 1, stamp=2000)
print("LATER", sort(g) == (0, k.OVERRUN), g["state"][k.STAMP] == 11)

"""The kernel of the chip, Thumb code, against that of the unix port, viper code: the same events, the same results.

Events of all classes, rejected and failed codes, extra passes, slips, overruns, channels that become full, open and
closed lists, in rounds that begin anywhere in the rings. `DORN_EVENTS=1000000 pytest` plays that many events.
"""

import os

import numpy as np
from support import chip, micropython
from support.onboard import script

RING, AMPLITUDES = 2048, 4096
EVENTS = int(os.environ.get("DORN_EVENTS", "40000"))
THRESHOLDS = [150 + 10 * d for d in range(14)] + [0, 0xFFFF]  # detector 15 is off
ROUNDS = (
    f"RING, AMPLITUDES, THRESHOLDS = {RING}, {AMPLITUDES}, {THRESHOLDS}\n" + script("rings") + script("kernel_rounds")
)
# indices in the state, and bits of its status: fsw/spectra/kernel.py
READ, AMPLITUDE, UNTIL, NEARLY_FULL, HELD, OPEN, LIST, OWN = 0, 1, 4, 15, 16, 18, 22, 36
OVERRUN, FULL = 1, 4
PART = 128  # half-words of a class in the list
ARRAYS = {"words": "u4", "stamps": "u4", "tails": "u4", "state": "u4", "counters": "u4", "calls": "u4"}
ARRAYS |= {"amplitudes": "u2", "singles": "u2", "pairs": "u2", "listed": "u2"}
RESULTS = ("counters", "calls", "singles", "pairs", "listed")
RAM = 0x20000000

UNIX = """
import uctypes

SIZES = {"I": 4, "H": 2}
views = {}
for name in ARRAYS:
    one = globals()[name]
    views[name] = uctypes.bytearray_at(uctypes.addressof(one), len(one) * (2 if ARRAYS[name] == "u2" else 4))


def answer(line):
    what, name, at, data = line.split(" ")
    if what == "write":
        data = unhexlify(data)
        views[name][int(at) : int(at) + len(data)] = data
    elif what == "read":
        return views[name].hex()
    else:
        play()
    return "done"
"""
CHIP = """
from uctypes import addressof

print("AT", rings.base, *[addressof(one) for one in (words, stamps, tails, state, counters, calls, amplitudes, singles,
                                                     pairs, listed, go)], len(calls))
while True:
    while not go[0]:
        pass
    play()
    go[0] = 0
"""


class Unix:
    base = RAM

    def __init__(self, child):
        self._child = child

    def write(self, name, first, values):
        data = np.asarray(values).astype(ARRAYS[name])
        self._child.ask(f"write {name} {first * data.itemsize} {data.tobytes().hex()}")

    def read(self, name):
        return np.frombuffer(bytes.fromhex(self._child.ask(f"read {name} 0 -")), ARRAYS[name])

    def play(self):
        self._child.ask("play - 0 -")


class Chip:
    SIZES = {"words": RING, "stamps": RING, "tails": RING, "state": 51, "counters": 64, "calls": 64}  # noqa: RUF012
    SIZES |= {"amplitudes": AMPLITUDES, "singles": 16 * 1024, "pairs": 8 * 256, "listed": 4 * PART}

    def __init__(self, target):
        self._target, output = target, bytearray()

        def printed():
            output.extend(target.receive())
            return b"\n" in output.partition(b"AT ")[2]

        target.wait_for(printed, 5)
        self.base, *addresses = map(int, output.partition(b"AT ")[2].split()[:12])
        self._at = {name: at - RAM for name, at in zip((*ARRAYS, "go"), addresses, strict=True)}
        self._ram = target.mcu.sram

    def write(self, name, first, values):
        data = np.asarray(values).astype(ARRAYS[name])
        at = self._at[name] + first * data.itemsize
        self._ram[at : at + data.nbytes] = data.tobytes()

    def read(self, name):
        size = np.dtype(ARRAYS[name]).itemsize * self.SIZES[name]
        return np.frombuffer(bytes(self._ram[self._at[name] : self._at[name] + size]), ARRAYS[name])

    def play(self):
        go = self._at["go"]
        self._ram[go] = 1
        core, tick = self._target.mcu.core, self._target.mcu.clock.tick_ticks
        while self._ram[go]:
            tick(128 * (1 if core.waiting else core.execute_instruction()))


def drawn(rng, n):
    """n events: hit patterns, extra passes, and the codes of each."""
    kind, which = rng.random(n), rng.integers(0, 1 << 16, n)
    patterns = np.where(kind < 0.55, 1 << which % 16, np.where(kind < 0.7, 3 << 2 * (which % 8), which))
    patterns = np.where(kind > 0.97, 0, np.where(kind > 0.95, 0xFFFF, patterns))
    patterns = np.where(
        (kind >= 0.7) & (kind < 0.9), which & rng.integers(0, 1 << 16, n) & rng.integers(0, 1 << 16, n), patterns
    )
    passes = np.where(rng.random(n) < 0.8, 0, rng.integers(0, 9, n))
    passes[rng.random(n) < 0.01] = 0x8000
    codes = []
    for hits in [int(pattern).bit_count() for pattern in patterns]:
        some = rng.integers(0, 4095, hits)
        odd = rng.random(hits)
        some = np.where(odd < 0.1, rng.integers(145, 300, hits), some)  # near the thresholds
        some = np.where(odd > 0.97, 4095, some)
        codes.append(np.where(odd > 0.985, 0x8000 | some, some))
    return patterns, passes, codes


def test_both_kernels_agree():
    rng = np.random.default_rng(1)
    with (
        chip.open_chip(ROUNDS + CHIP) as target,
        micropython.Child(f"ARRAYS = {ARRAYS}\n" + ROUNDS + UNIX, heap_kb=1024) as child,
    ):
        ports = Chip(target), Unix(child)
        slot = at = done = rounds = 0
        stamp, seen = 0xFFFF0000, set()
        while done < EVENTS:
            n = int(rng.integers(1, 200)) if rng.random() < 0.5 else int(rng.integers(200, 1500))
            overrun = rng.random() < 0.03
            patterns, passes, codes = drawn(rng, RING if overrun else n)
            if overrun:
                patterns, codes = 1 << patterns % 16, [one[:1] if len(one) else np.array([400]) for one in codes]
            if rng.random() < 0.05:  # a conversion too few or too many
                one = int(rng.integers(len(codes)))
                codes[one] = codes[one][1:] if rng.random() < 0.5 else np.append(codes[one], 500)
            counts = np.cumsum([len(one) for one in codes])
            fits = int(np.searchsorted(counts, AMPLITUDES - 20))
            n = fits if not overrun else len(counts)
            stamps = stamp + np.cumsum(rng.integers(1, 50, n))
            slots, places = (slot + np.arange(n)) % RING, (at + np.arange(counts[n - 1])) % AMPLITUDES
            ends = (at + counts[:n]) % AMPLITUDES
            words = patterns[:n] << 16 | (0x7FFF - passes[:n]) & 0xFFFF
            windows = np.where(rng.random(4) < 0.7, np.arange(4) * PART + 105, 0) if rng.random() < 0.2 else None
            full = rng.integers(0, 16 * 1024, 600) if rng.random() < 0.1 else []
            until = stamps[-1] + 1 if rng.random() < 0.8 else stamps[rng.integers(n)]
            for port in ports:
                all_codes = np.concatenate(codes[:n])
                for name, index, values in (
                    ("words", slots, words), ("stamps", slots, stamps & 0xFFFFFFFF),
                    ("amplitudes", places, all_codes), ("tails", slots, port.base + 2 * ends),
                ):  # fmt: skip
                    whole = port.read(name).copy()
                    whole[index] = values
                    port.write(name, 0, whole)
                if windows is not None:
                    port.write("state", OPEN, windows)
                    port.write("state", LIST, np.arange(4) * PART)
                if len(full):
                    singles = port.read("singles").copy()
                    singles[full] = 0xFFFE - np.arange(len(full)) % 3
                    port.write("singles", 0, singles)
            slot, at, stamp = (slot + n) % RING, int(ends[-1]), int(stamps[-1]) + 5
            for end in (until, stamps[-1] + 1):
                status = FULL
                while status & FULL:
                    for port in ports:
                        port.write("state", UNTIL, [end & 0xFFFFFFFF])
                        port.play()
                    calls = same(ports, rounds % 10 == 0)
                    status = int(calls[np.flatnonzero(calls)[-1]] >> 16) if calls.any() else 0
                    seen |= set((calls >> 16).tolist())
                    done += int((calls & 0xFFFF).sum())
                    if status & FULL:  # as when the spectra are closed
                        for port in ports:
                            port.write("state", NEARLY_FULL, [0, 0])
                            port.write("singles", 0, np.zeros(16 * 1024))
                            port.write("pairs", 0, np.zeros(8 * 256))
                if status & OVERRUN:
                    break
            if status & OVERRUN:  # as after a start
                for port in ports:
                    port.write("tails", 0, np.zeros(RING))
                    port.write("state", READ, [0, 0])
                slot = at = 0
            state = ports[0].read("state")
            assert (state[READ], state[AMPLITUDE]) == (slot, at), rounds
            rounds += 1
        same(ports, True)
        assert seen == {0, 1, 2, 4} and done >= EVENTS
        print(f"{done} events in {rounds} rounds: same results")


def same(ports, whole):
    """Assert that both kernels have the same results; return the events and status of each call."""
    ours, theirs = (port.read("state") for port in ports)
    assert ours[:OWN].tolist() == theirs[:OWN].tolist()
    for name in RESULTS if whole else RESULTS[:2]:
        ours, theirs = (port.read(name) for port in ports)
        assert np.array_equal(ours, theirs), (name, np.flatnonzero(ours != theirs)[:10])
    return ports[0].read("calls")

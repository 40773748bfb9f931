"""The kernels, viper code on the unix port and Thumb code on the emulated chip, with a locked heap."""

import json

import pytest
from dorn.dictionary import Dictionary
from support import chip, micropython
from support.onboard import script

I = Dictionary.load().instrument  # noqa: E741
RING, AMPLITUDES = 2048, 4096
EVENTS = 12_000
LISTED = 512  # halfwords of the event list, a quarter for each class
OPEN = [105, 105 + 128, 105 + 256, 0]  # index after which an event with 16 hits and a mark may not fit; 0: closed
THRESHOLDS = [150 + 10 * d for d in range(14)] + [0, 0xFFFF]  # detector 15 is off

# Writes events into rings, as DMA would, and calls the kernel with the heap locked.
SCRIPT = (
    f"EVENTS, RING, AMPLITUDES, THRESHOLDS = {EVENTS}, {RING}, {AMPLITUDES}, {THRESHOLDS}\n"
    f"OPEN, LISTED = {OPEN}, {LISTED}\n" + script("rings") + script("kernel")
)


def expected():
    """The specified result for the same events, computed in plain Python."""
    out = dict(
        totals=dict(hits=0, passes=0, scanned=0), pass_limit_reached=0, bad=0, classes=[0] * 6, counters=[0] * 64
    )
    listed, entries = [0] * 4, [[0x5678, 0x1234, 0, c << 8 | 1] for c in range(4)]
    entries[3] += [0x5678, 0x1234, 0, 3 << 8]
    until = [n and n - LISTED // 4 * c for c, n in enumerate(OPEN)]
    singles, pairs = {}, {}
    seed = 1

    def draw():
        nonlocal seed
        seed = (seed * 1103 + 12345) & 0xFFFFFF
        return seed

    for made in range(EVENTS):
        n = draw() >> 4
        passes = 0x8000 if made % 997 == 5 else (seed >> 12) % 7 if seed & 1 else 0
        kind, which = n % 16, n >> 4
        if kind < 9:
            hit = [which % 16]
        elif kind < 12:
            hit = [2 * (which % 8), 2 * (which % 8) + 1]
        elif kind < 13:
            hit = []
        else:
            hit = [d for d in range(16) if which >> d & 1]
        accepted, codes = {}, []
        for d in hit:
            code = draw() >> 8 & 0xFFF
            failed = made % 101 != 7 and made % 103 == 9
            codes.append(4095 if made % 101 == 7 else code | failed << 15)
            code = 4095 if made % 101 == 7 or failed else code
            if THRESHOLDS[d] == 0xFFFF:
                out["counters"][48 + d] += 1
                continue
            out["bad"] += failed
            if not failed and code < THRESHOLDS[d]:
                out["counters"][16 + d] += 1
            elif code >= I["full_scale_code"]:
                out["counters"][32 + d] += 1
            else:
                out["counters"][d] += 1
                accepted[d] = code
        units = {d // 2 for d in accepted}
        if not hit:
            place = 0
        elif not accepted:
            place = 5
        elif len(accepted) == 1:
            ((d, code),) = accepted.items()
            place = 1 + d % 2
            c = d * I["channels"] + code // I["codes_per_channel"]
            singles[c] = singles.get(c, 0) + 1
        elif len(units) == 1:
            place = 3
            total = max(0, sum(accepted.values()) - I["zero_code"])
            c = units.pop() * I["coincidence_channels"] + total // I["codes_per_coincidence_channel"]
            pairs[c] = pairs.get(c, 0) + 1
        else:
            place = 4
        out["classes"][place] += 1
        c = place - 1
        if 0 <= c <= 3 and until[c]:
            stamp = (0xFFFFF000 + 7 * made) & 0xFFFFFFFF
            entries[c] += [stamp & 0xFFFF, stamp >> 16, sum(1 << d for d in hit), *codes]
            listed[c] += 1
            if len(entries[c]) > until[c]:
                entries[c] += [stamp & 0xFFFF, stamp >> 16, 0, c << 8]
                until[c] = 0
        out["totals"]["hits"] += len(hit)
        out["totals"]["passes"] += passes
        out["totals"]["scanned"] += max(hit, default=0)
        out["pass_limit_reached"] += passes == 0x8000
    out["last"] = (0xFFFFF000 + 7 * (EVENTS - 1)) & 0xFFFFFFFF
    assert until == [0] * 4 and all(listed[:3]), "every window was closed"
    assert all(len(entry) <= LISTED // 4 for entry in entries)
    return out | {"singles": singles, "pairs": pairs, "open": until, "listed": listed, "list": entries}


@pytest.mark.parametrize("where", ["unix", "rp2040"])
def test_kernel_sorts_every_event_and_allocates_nothing(where):
    output = micropython.run(SCRIPT, heap_kb=400) if where == "unix" else chip.run(SCRIPT, limit_s=120)
    lines = output.partition("RESULT ")[2].splitlines()
    result = json.loads(lines[0]) | {"singles": {}, "pairs": {}}
    for name, channel, counts in map(str.split, lines[1:]):
        result[name][int(channel)] = int(counts)
    assert result == expected()


STATUS = script("rings") + script("kernel_status")


@pytest.mark.parametrize("where", ["unix", "rp2040"])
def test_the_kernel_stops_with_a_status(where):
    output = micropython.run(STATUS, heap_kb=400) if where == "unix" else chip.run(STATUS)
    lines = [line.split() for line in output.splitlines() if line.split()[0].isupper()]
    assert [line[0] for line in lines] == ["FULL", "HELD", "ON"] * 2 + ["SLIP", "STEP"] * 4 + ["ROUND", "LATER"]
    assert not [line for line in lines if set(line[1:]) != {"True"}]


# Calls the kernel twice whenever `go` is set: with UNTIL after the first three events, and with a later one.
HELD = script("rings") + script("kernel_held")
SORT_BYTES = 4096  # exceeds the code size of `sort`
NOT_YET = 0xFFFFFFFF
MOST = 20_000  # limit of instructions for the two calls and their surroundings


@pytest.mark.parametrize("later", [False, True], ids=["nothing waits", "a later event waits"])
def test_an_overrun_may_occur_at_any_instruction_of_the_kernel(later):
    """In a call with three events the CPU is halted after 0, 1, 2, ... instructions, and the ring is overwritten."""
    with chip.open_chip(HELD) as target:
        output = bytearray()

        def printed():
            output.extend(target.receive())
            return b"\n" in output.partition(b"AT ")[2]

        target.wait_for(printed, 5)
        code, base, words, stamps, tails, state, go, result, overrun = map(int, output.partition(b"AT ")[2].split())
        core, tick = target.mcu.core, target.mcu.clock.tick_ticks
        read, write = target.mcu.read_uint32, target.mcu.write_uint32

        def put(slot, hit, stamp, end):
            write(words + 4 * slot, hit << 16 | 0x7FFF)
            write(stamps + 4 * slot, stamp)
            write(tails + 4 * slot, base + 2 * end)

        def held_after(instructions):
            """-> (events, status, stamp) of both calls, or None if the first ended earlier"""
            write(state, 1)  # slot 0 and its amplitude have been read
            write(state + 4, 1)
            for slot in range(16):
                write(tails + 4 * slot, 0)
            for slot, hit, end in ((1, 1 << 3, 2), (2, 3 << 4, 4), (3, 0, 4)):
                put(slot, hit, 10 + slot, end)
            if later:
                put(4, 1, 1500, 5)
            write(go, 1)
            done = ran = 0
            while read(go):
                ran += 1
                assert ran < MOST, "the script on the chip ended: " + target.receive().decode(errors="replace")
                if code <= core.pc < code + SORT_BYTES:
                    if done == instructions:
                        if read(result) != NOT_YET:
                            return None
                        for slot in range(16):
                            put(slot, 1 << 9, 2000 + slot, 20 + slot)
                    done += 1
                tick(128 * (1 if core.waiting else core.execute_instruction()))
            return tuple(read(result + 4 * i) for i in range(6))

        instructions, ends = 0, set()
        while True:
            write(result, NOT_YET)
            held = held_after(instructions)
            if held is None:
                break
            n, status, stamp, again, status_again, _ = held
            ends.add((n, status))
            assert stamp <= 13, (instructions, held)
            if status != overrun:
                assert (again, status_again) == (0, overrun), (instructions, held)
            if status == 0:
                assert n == 3, (instructions, held)
            instructions += 1
        assert instructions > 250 and {(0, overrun), (1, overrun), (3, 0)} <= ends, (instructions, ends)

# fsw/link/authentication.py in isolation: accepted telecommands, and the counter on flash.
from check import equal
from doubles import ROOT
from fsw import icd, memory
from fsw.store.slots import Slots
from signatures import AHEAD, KEY, MOST, NUMBER, PACKET, Bench, copy, signed

UNSIGNED, FORGED = icd.FAILURE_UNSIGNED, icd.FAILURE_FORGED
REPLAYED, UNSYNCHRONISED = icd.FAILURE_REPLAYED, icd.FAILURE_UNSYNCHRONISED

# -- accepted telecommands ---------------------------------------------------------------------------------------------


def test_a_telecommand_signed_with_hmac_is_accepted():
    """Vector computed with Python's hmac."""
    trailer = b"\7\1\2\3\4" + b"\x49\4\x64\xe9\xa6\xa9\x39\6"
    equal(Bench().open(PACKET + trailer), PACKET)


def test_packets_of_any_length_are_accepted():
    bench = Bench()
    for counter in range(101, 170):
        data = bytes(4 * (counter - 101))
        packet = b"\x18\x64\xc0\1" + (len(data) + 6 - 1).to_bytes(2, "big") + b"\x2f\x11\1\0" + data + b"\1\2"
        equal(bench.open(signed(counter, packet[: len(data) + 12])), packet[: len(data) + 12], counter)
    equal(bench.authentication.rejected, 0)


def test_every_telecommand_adds_to_the_allocation_estimate():
    bench = Bench()
    for counter in (101, 102):  # the first one also reserves counters
        frame = signed(counter)
        memory.garbage[0] = 0
        bench.open(frame)
    equal(memory.garbage[0], 850 + len(frame))


def test_the_counter_must_be_higher_than_all_previous_ones():
    bench = Bench()
    for counter in (101, 102, 150, 1000, MOST - 1, MOST):
        equal(bench.open(signed(counter)), PACKET, counter)
        for old in (0, 1, 100, counter - 1, counter):
            equal(bench.refused(signed(old)), (REPLAYED, old), counter)


def test_an_unsigned_telecommand_is_rejected():
    bench = Bench()
    good = signed(200)
    for content in (PACKET, b"", good[:5], good[13:], good[:12], good[:-1], good + b"\0", PACKET + bytes(13)):
        equal(bench.refused(content), (UNSIGNED, 0), content)
    for number in (0, 6, 8, 255):
        equal(bench.refused(signed(200, number=number)), (UNSIGNED, 0), number)
    for at, octet in ((4, 1), (5, 5), (5, 7)):  # wrong length field
        packet = bytearray(PACKET)
        packet[at] = octet
        equal(bench.refused(signed(200, bytes(packet))), (UNSIGNED, 0), at)
    equal(bench.open(good), PACKET)


def test_a_wrong_tag_is_reported_as_forged():
    bench = Bench()
    good = signed(200)
    equal(bench.refused(signed(200, key=bytes(32))), (FORGED, 200))
    equal(bench.refused(signed(200, over=bytes(8))), (FORGED, 200))
    for at in range(len(good)):
        if at in (4, 5, 13):
            continue
        changed = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        equal(bench.refused(changed), (FORGED, int.from_bytes(changed[14:18], "big")), at)
    equal(bench.open(good), PACKET)


def test_a_rejected_telecommand_does_not_advance_the_counter():
    bench = Bench()
    bench.refused(signed(5000, key=bytes(32)))
    equal(bench.open(signed(101)), PACKET)
    bench.refused(signed(99))
    equal(bench.open(signed(102)), PACKET)


# -- the counter on flash ----------------------------------------------------------------------------------------------


def test_counters_are_reserved_in_blocks_in_all_copies():
    bench = Bench()
    equal(bench.slots.payloads(), [copy(100)] * 2)
    bench.open(signed(101))
    for counter in (102, 101 + AHEAD):
        equal(bench.slots.payloads(), [copy(101 + AHEAD)] * 2, counter)
        equal(Slots(ROOT + "/boot").load()[-14:-2], copy(101 + AHEAD), counter)
        bench.open(signed(counter))
    equal(bench.slots.payloads(), [copy(101 + AHEAD)] * 2)
    bench.open(signed(102 + AHEAD))
    equal(bench.slots.payloads(), [copy(102 + 2 * AHEAD)] * 2)
    bench.open(signed(MOST - AHEAD + 1))
    equal(bench.slots.payloads(), [copy(MOST)] * 2)
    equal(bench.started(), [])


def test_after_a_reset_reserved_counters_count_as_used():
    bench = Bench()
    bench.open(signed(101))
    bench = bench.again()
    equal(bench.refused(signed(101)), (REPLAYED, 101))
    equal(bench.refused(signed(101 + AHEAD)), (REPLAYED, 101 + AHEAD))
    equal(bench.open(signed(102 + AHEAD)), PACKET)
    equal(bench.started(), [])


def test_the_highest_copy_is_used():
    for files, record in (((100, 300), 200), ((300, 100), 200), ((100, 200), 300)):
        bench = Bench(files=files, record=record)
        equal(bench.refused(signed(300)), (REPLAYED, 300), files)
        equal(bench.open(signed(301)), PACKET, files)


def test_missing_copies_are_reported():
    for files, record, lost in (((100,), 100, 1), ((100, 100), None, 1), ((), 100, 2), ((100,), None, 2)):
        bench = Bench(files=files, record=record)
        equal(bench.started(), [(icd.EVENT_COUNTER_DAMAGED, lost, 0)], files)
        equal(bench.refused(signed(100)), (REPLAYED, 100), files)
        equal(bench.open(signed(101)), PACKET, files)
        equal(bench.again().started(), [], files)


def test_a_counter_of_another_key_is_ignored():
    other = bytes(range(32))
    bench = Bench(key=bytes([NUMBER]) + other)
    equal(bench.started()[0], (icd.EVENT_COUNTER_DAMAGED, 3, 0))
    equal(bench.refused(signed(200, key=other)), (UNSYNCHRONISED, 200))


# -- invalid keys ------------------------------------------------------------------------------------------------------


def test_with_a_damaged_key_no_telecommand_is_accepted():
    good = bytes([NUMBER]) + KEY
    for key in (b"", good[:1], good[:-1], good + b"\0", bytes([NUMBER]) + bytes(32), bytes(33)):
        bench = Bench(key=key)
        equal(bench.started(), [(icd.EVENT_KEY_DAMAGED, 0, 0)], key)
        for content in (signed(200), signed(200, key=bytes(32)), signed(200, key=bytes(32), number=0), PACKET):
            equal(bench.refused(content), (UNSIGNED, 0), (key, content))


def test_a_single_set_bit_makes_a_valid_key():
    for at in (0, 31):
        key = bytearray(32)
        key[at] = 1
        bench = Bench(key=bytes([0]) + key, files=(), record=None)
        bench.authentication.report()
        bench.reports.all.pop(0)
        equal(bench.open(signed(1, key=bytes(key), number=0, over=bench.challenge())), PACKET, at)

# fsw/store/slots.py in isolation: the copies octet by octet, and a flash that fails at each operation.
import os
from binascii import crc32

from check import equal, raises
from doubles import EIO, ENOSPC, EROFS, ROOT, Flash, each_failure
from fsw import memory
from fsw.store.slots import Slots

PATH = ROOT + "/state"
LONGEST = 512


def copy(sequence, payload):
    body = (sequence & 0xFFFFFFFF).to_bytes(4, "big") + payload
    return body + crc32(body).to_bytes(4, "big")


def put(*contents):
    for n in (0, 1):
        if contents[n] is not None:
            with open(f"{PATH}.{n}", "wb") as file:
                file.write(contents[n])


def get():
    found = []
    for n in (0, 1):
        try:
            with open(f"{PATH}.{n}", "rb") as file:
                found.append(file.read())
        except OSError:
            found.append(None)
    return found


def loaded(*contents, valid=None):
    """(payload, number of damaged copies) loaded from these copies."""
    Flash()
    put(*contents)
    slots = Slots(PATH, valid)
    slots.load()
    return slots.load(), slots.bad


def test_copies_alternate():
    Flash()
    slots = Slots(PATH)
    equal(slots.bad, 0)
    equal((slots.load(), slots.bad, slots.payloads()), (None, 0, []))
    slots.save(b"a")
    equal(get(), [copy(0, b"a"), None])
    slots.save(b"bb")
    equal(get(), [copy(0, b"a"), copy(1, b"bb")])
    slots.save(b"c")
    equal(get(), [copy(2, b"c"), copy(1, b"bb")])
    equal((slots.load(), slots.bad, slots.payloads()), (b"c", 0, [b"c", b"bb"]))


def test_a_save_adds_its_files_and_what_it_reads_to_the_allocation_estimate():
    Flash()
    slots = Slots(PATH)
    for copies in range(3):
        memory.garbage[0] = 0
        slots.save(b"12345678")
        equal(memory.garbage[0], 3 * 1450 + copies * (620 + 2 * 16))


def test_the_higher_sequence_number_is_used_also_across_a_wrap():
    for old, new in ((0, 1), (5, 7), (0xFFFFFFFF, 0), (0xFFFFFFF0, 3), (9, 9 + 0x7FFFFFFF)):
        equal(loaded(copy(old, b"old"), copy(new, b"new")), (b"new", 0), old)
        equal(loaded(copy(new, b"new"), copy(old, b"old")), (b"new", 0), old)
    equal(loaded(copy(4, b"one"), copy(4, b"other")), (b"one", 0))
    equal(loaded(copy(0, b"one"), copy(0x80000000, b"other")), (b"one", 0))
    put(copy(0xFFFFFFFF, b"newest"), copy(0xFFFFFFFE, b"old"))
    Slots(PATH).save(b"next")
    equal(get(), [copy(0xFFFFFFFF, b"newest"), copy(0, b"next")])


def test_a_payload_has_1_to_512_octets():
    Flash()
    slots = Slots(PATH)
    for octets in (0, LONGEST + 1):
        raises(ValueError, slots.save, bytes(octets))
    equal(get(), [None, None])
    for octets in (1, LONGEST):
        slots.save(bytes(octets))
        equal(slots.load(), bytes(octets))
    equal(loaded(copy(0, b""), copy(1, bytes(LONGEST + 1))), (None, 2))
    equal(loaded(copy(0, b"x"), copy(1, bytes(LONGEST)) + b"\0"), (b"x", 1))


def test_damage_anywhere_is_detected_and_the_other_copy_is_used():
    whole = copy(1, b"new")
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]
        equal(loaded(copy(0, b"old"), changed), (b"old", 1), at)
        equal(loaded(changed, None), (None, 1), at)
    for octets in range(1, len(whole)):
        equal(loaded(copy(0, b"old"), whole[:octets]), (b"old", 1), octets)
        equal(loaded(whole[:octets], whole[:octets]), (None, 2), octets)


def test_a_copy_that_was_never_closed_is_not_damaged():
    equal(loaded(b"", copy(1, b"new")), (b"new", 0))
    equal(loaded(b"", b""), (None, 0))


def test_a_copy_that_cannot_be_read_is_damaged():
    Flash()
    put(copy(0, b"old"), None)
    os.mkdir(PATH + ".1")
    slots = Slots(PATH)
    equal((slots.load(), slots.bad), (b"old", 1))
    equal((slots.payloads(), slots.bad), ([b"old"], 1))


def test_a_payload_with_impossible_values_is_damaged():
    valid = lambda payload: payload != b"new"  # noqa: E731
    equal(loaded(copy(0, b"old"), copy(1, b"new"), valid=valid), (b"old", 1))
    equal(loaded(copy(0, b"old"), copy(1, b"any"), valid=valid), (b"any", 0))


def test_the_damaged_copy_is_replaced():
    for damaged in (0, 1):
        Flash()
        contents = [copy(7, b"one"), copy(8, b"other")]
        contents[damaged] = b"damaged"
        put(*contents)
        slots = Slots(PATH)
        slots.save(b"next")
        contents[damaged] = copy(9 - damaged, b"next")
        equal(get(), contents, damaged)
        equal((slots.bad, slots.load(), slots.bad), (1, b"next", 0), damaged)


def test_a_failed_save_leaves_the_old_state():
    for saved in (1, 2, 3):

        def prepare(flash, saved=saved):
            slots = Slots(PATH)
            for n in range(saved):
                slots.save(bytes([n] * 100))
            return slots

        for errno in (EIO, ENOSPC, EROFS):
            for flash, slots, error in each_failure(prepare, lambda slots: slots.save(b"new" * 100), errno):
                assert error
                for _ in range(2):
                    equal((slots.load(), slots.bad), (bytes([saved - 1] * 100), 0), errno)
                    flash.remount()
                slots.save(b"again")
                equal(slots.load(), b"again", (saved, errno))

# fsw/store/boot.py in isolation: failed flash, damaged copies, and no record at all.
from struct import pack

from check import equal, has, has_not
from doubles import EIO, EROFS, ROOT, Flash, Scratch
from fsw.store.segments import Segments
from fsw.store.slots import Slots
from records import framed, write
from starts import (
    BLOCK,
    BLOCK_US,
    COUNTER,
    FORM,
    LATEST_US,
    ORIGIN,
    UNCOUNTED,
    UNKNOWN_US,
    Bench,
    damage,
    put,
    started,
    states,
)

# first bit in the scratch register of: boots not counted, unexpected resets, challenge needed
BOOTS, CONSECUTIVE, UNSYNCHRONISED = 11, 15, 19
EXPECTED = 15  # value in place of the unexpected resets


def failing(uncounted=0, **fields):
    """A start from these fields on a flash that cannot be written."""
    flash, scratch = Flash(), Scratch()
    put(**fields)
    scratch.set(UNCOUNTED, uncounted)
    flash.fail(EROFS)
    return Bench(flash, scratch)


# -- content of the scratch register -----------------------------------------------------------------------------------


def test_register_counts_are_added_to_those_on_flash():
    record = started(3 | 2 << BOOTS | 5 << CONSECUTIVE, safe=1).record
    equal((record.time_us, record.record), (8 * BLOCK_US, 50_000 + 3 * BLOCK))
    equal((record.count, record.consecutive_resets, record.safe, record.unsynchronised), (13, 6, 1, 0))
    record = started(0x7FF | 15 << BOOTS | 14 << CONSECUTIVE).record
    equal((record.time_us, record.record), ((5 + 0x7FF) * BLOCK_US, 50_000 + 0x7FF * BLOCK))
    equal((record.count, record.consecutive_resets), (26, 15))


def test_the_register_marks_an_expected_reset():
    for expected in (0, 1):
        equal(started(EXPECTED << CONSECUTIVE, expected=expected).record.consecutive_resets, 0, expected)
        equal(started(1, expected=expected).record.consecutive_resets, 1, expected)
    equal(started(0, expected=1).record.consecutive_resets, 0)


def test_the_register_is_cleared_once_both_copies_are_written():
    for uncounted in (1, 1 << BOOTS, 1 << CONSECUTIVE, 3 | 2 << BOOTS | 5 << CONSECUTIVE):
        bench = started(uncounted)
        equal(bench.scratch.get(UNCOUNTED), 0, uncounted)
        for state in states():
            equal((state["count"], state["time_us"]), (bench.record.count, bench.record.time_us + BLOCK_US), uncounted)
        before = states()
        bench.record.keep()
        equal(states(), before, uncounted)


def test_what_cannot_be_written_is_kept_in_the_register():
    bench = failing(consecutive_resets=4)
    equal(bench.scratch.get(UNCOUNTED), 1 | 1 << BOOTS | 5 << CONSECUTIVE)
    equal((bench.failures.count, bench.failures.errno), (1, EROFS))
    equal((bench.record.count, bench.record.time_us), (11, 5 * BLOCK_US))
    bench.clock.now_us = BLOCK_US // 2 + 1
    equal(bench.record.keep(), True)
    equal(bench.scratch.get(UNCOUNTED), 2 | 1 << BOOTS | 5 << CONSECUTIVE)
    bench.store.next += 5 * BLOCK
    equal(bench.record.keep(), True)
    equal(bench.scratch.get(UNCOUNTED), 6 | 1 << BOOTS | 5 << CONSECUTIVE)


def test_a_flash_that_fails_later_has_counted_the_boot():
    bench = started()
    bench.flash.fail(EIO)
    bench.clock.now_us = BLOCK_US // 2 + 1
    bench.record.keep()
    equal(bench.scratch.get(UNCOUNTED), 1 | 3 << CONSECUTIVE)
    bench = bench.again()
    equal((bench.record.count, bench.record.consecutive_resets, bench.record.time_us), (12, 4, 7 * BLOCK_US))


def test_boots_are_counted_without_a_flash():
    bench = failing()
    for n in range(1, 20):
        time_us, next_record = bench.time.us(), bench.store.next
        bench = bench.again()
        equal(bench.record.count, 11 + min(n, 15))
        equal(bench.record.consecutive_resets, min(3 + n, 15))
        equal((bench.record.time_us, bench.store.next), (time_us + BLOCK_US, next_record + BLOCK), n)
    equal(bench.scratch.get(UNCOUNTED), 20 | 15 << BOOTS | 14 << CONSECUTIVE)
    bench.flash.work()
    bench.clock.now_us = BLOCK_US
    bench.record.keep()
    equal(bench.scratch.get(UNCOUNTED), 0)
    for state in states():
        equal((state["count"], state["consecutive_resets"], state["time_us"]), (26, 15, 25 * BLOCK_US + BLOCK_US))


def test_more_reservations_than_the_register_can_count():
    bench = failing(0x7FE)
    equal(bench.scratch.get(UNCOUNTED), 0x7FF | 1 << BOOTS | 1 << CONSECUTIVE)
    bench = bench.again()
    equal(bench.scratch.get(UNCOUNTED), 0x7FF | 2 << BOOTS | 2 << CONSECUTIVE)


def test_without_a_record_the_first_boots_are_counted_in_the_register():
    bench = Bench(follow=False).again(follow=False)
    equal((bench.record.count, bench.record.consecutive_resets, bench.record.time_us), (2, 1, 0))
    flash = Flash()
    flash.fail(EIO)
    bench = Bench(flash)
    equal(bench.scratch.get(UNCOUNTED), 2 | 1 << BOOTS)  # one reservation of records after number 1
    bench = bench.again()
    equal(
        (bench.record.count, bench.record.consecutive_resets, bench.time.us(), bench.store.next),
        (2, 1, 2 * BLOCK_US, 2 * BLOCK),
    )
    equal(bench.record.lost, False)


def test_an_expected_reset_is_marked_in_the_register_if_flash_fails():
    bench = started()
    bench.flash.fail(EIO)
    bench.record.close()
    equal(bench.scratch.get(UNCOUNTED), EXPECTED << CONSECUTIVE)
    bench = failing()
    bench.record.close()
    equal(bench.scratch.get(UNCOUNTED), 1 | 1 << BOOTS | EXPECTED << CONSECUTIVE)
    bench = bench.again()
    equal((bench.record.consecutive_resets, bench.record.count, bench.record.time_us), (0, 12, 6 * BLOCK_US))


def test_one_copy_of_two_is_not_enough():
    """The copy not written may be damaged, so the next save writes both again."""
    bench = started()
    slots = Slots(ROOT + "/boot")
    save = type(slots).save
    saved = []

    def once(self, payload):
        if saved:
            raise OSError(EIO)
        saved.append(payload)
        save(self, payload)

    Slots.save = once
    equal(bench.record.keep(True), True)
    equal((bench.failures.count, len(saved)), (1, 1))
    Slots.save = save
    before = states()
    bench.clock.now_us = BLOCK_US // 2 + 1
    bench.record.keep()
    has_not(states(), *before)
    before = states()
    bench.clock.now_us = BLOCK_US + 2
    bench.record.keep()
    has(states(), before[1])


def test_the_need_for_a_challenge_survives_in_its_own_bit():
    bench = started()
    bench.record.synchronise(False)
    equal((bench.record.unsynchronised, bench.scratch.get(UNCOUNTED)), (True, 1 << UNSYNCHRONISED))
    bench.record.keep(True)
    bench.flash.fail(EIO)
    bench = bench.again()
    equal((bench.record.unsynchronised, bench.record.count), (1, 12))
    uncounted = 1 | 1 << BOOTS | 4 << CONSECUTIVE
    equal(bench.scratch.get(UNCOUNTED), 1 << UNSYNCHRONISED | uncounted)
    bench.record.synchronise(True)
    equal((bench.record.unsynchronised, bench.scratch.get(UNCOUNTED)), (False, uncounted))
    bench.record.synchronise(False)
    equal(bench.scratch.get(UNCOUNTED), 1 << UNSYNCHRONISED | uncounted)
    bench.record.close()
    equal(bench.scratch.get(UNCOUNTED), 1 << UNSYNCHRONISED | uncounted | EXPECTED << CONSECUTIVE)
    bench.flash.work()
    bench = bench.again()
    equal((bench.record.unsynchronised, bench.record.consecutive_resets), (1, 0))
    equal(bench.scratch.get(UNCOUNTED), 1 << UNSYNCHRONISED)


# -- damaged copies ----------------------------------------------------------------------------------------------------


def test_with_one_copy_damaged_neither_time_nor_counts_go_back():
    for n in (0, 1):
        bench = started()
        older, newer = states()
        damage(n)
        bench = bench.again()
        record = bench.record
        equal((record.damaged, record.lost), (1, False), n)
        left = (older, newer)[n]  # the newer one is copy 0
        equal((record.time_us, record.record), (left["time_us"] + BLOCK_US, left["record"] + BLOCK), n)
        equal(record.count, left["count"] + 2, n)
        assert record.time_us >= newer["time_us"] and record.record >= newer["record"], (record.time_us, record.record)
        assert record.count > newer["count"], record.count


def test_with_one_copy_damaged_the_origin_stays_the_same():
    for n in (0, 1):
        bench = started()
        damage(n)
        bench = bench.again(random=99)
        equal((bench.record.damaged, bench.record.origin), (1, ORIGIN), n)
        equal([state["origin"] for state in states()], [ORIGIN] * 2, n)


def test_a_copy_with_impossible_values_is_damaged():
    for fields, damaged in (
        (dict(time_us=LATEST_US), 0),
        (dict(time_us=LATEST_US + 1), 2),
        (dict(safe=1), 0),
        (dict(safe=2), 2),
        (dict(expected=1), 0),
        (dict(expected=2), 2),
        (dict(expected=3), 2),
    ):
        equal(started(**fields).record.damaged, damaged, fields)
    for more in (b"", b"\0"):
        flash = Flash()
        Slots(ROOT + "/boot").save(pack(FORM, 1, 0, 0, 0, 0, 0, 0, 0, 0, COUNTER, ORIGIN) + more)
        equal(Bench(flash, follow=False).record.damaged, len(more))


# -- no record at all --------------------------------------------------------------------------------------------------


def lost(stored=(), checkpoint_us=None, damaged=True):
    """A start without a copy, on a flash with records of these times in 2^-16 s and a checkpoint."""
    flash = Flash()
    if damaged:
        put()
        damage(0, 1)
    if stored:
        segments = Segments(ROOT + "/store")
        write(segments, 1, [framed(1 + n, stored[n]) for n in range(len(stored))])
    if checkpoint_us is not None:
        with open(ROOT + "/checkpoint", "wb") as file:
            file.write(pack(">BIQQQIHH", 0, 1, checkpoint_us - 7, 7, 0, 0, 1, 0))
    return Bench(flash)


def test_with_both_copies_damaged_it_enters_safe_and_starts_a_new_record():
    bench = lost()
    equal((bench.record.damaged, bench.record.lost, bench.record.safe, bench.failures.count), (2, True, 1, 0))
    equal((bench.time.us(), bench.store.next), (BLOCK_US, BLOCK + BLOCK))
    equal((bench.record.count, bench.record.consecutive_resets), (2, 0))
    for state in states():
        equal((state["safe"], state["count"]), (1, 2))
        equal((state["time_us"], state["record"]), (2 * BLOCK_US, 3 * BLOCK))
    bench = bench.again()
    equal((bench.record.damaged, bench.record.lost, bench.record.safe), (0, False, 1))


def test_with_both_copies_lost_the_origin_is_a_new_one():
    flash = Flash()
    put()
    damage(0, 1)
    bench = Bench(flash, random=41)
    equal((bench.record.lost, bench.record.origin), (True, 42))
    equal([state["origin"] for state in states()], [42] * 2)
    equal(bench.again(random=99).record.origin, 42)


def test_without_a_flash_every_start_draws_an_origin():
    flash = Flash()
    flash.fail(EIO)
    bench = Bench(flash, random=41)
    equal(bench.record.origin, 42)
    bench = bench.again(random=98)
    equal(bench.record.origin, 99)
    flash.work()
    bench.record.keep(True)
    equal(bench.again(random=5).record.origin, 99)


def test_records_on_flash_show_that_the_boot_record_is_lost():
    seconds = 5000
    bench = lost([(seconds - 1) << 16, seconds << 16 | 0x8001], damaged=False)
    equal((bench.record.damaged, bench.record.lost, bench.record.safe), (0, True, 1))
    equal((bench.time.us(), bench.store.next), (seconds * 1_000_000 + 500_016 + UNKNOWN_US, 3 + BLOCK))
    equal(states()[0]["time_us"], bench.time.us() + BLOCK_US)


def test_a_checkpoint_shows_that_the_boot_record_is_lost():
    bench = lost(checkpoint_us=8_000_000, damaged=False)
    equal((bench.record.lost, bench.time.us()), (True, 8_000_000 + UNKNOWN_US))


def test_time_is_taken_from_the_later_of_records_and_checkpoint():
    for seconds, checkpoint_us, reached_us in (
        (20, 8_000_000, 20_000_000),
        (2, 8_000_000, 8_000_000),
        (2, LATEST_US, 2_000_000),  # damaged: beyond what packets can represent
        (2, LATEST_US - 1, LATEST_US - 1),
    ):
        equal(lost([seconds << 16], checkpoint_us).time.us(), reached_us + UNKNOWN_US, seconds)


def test_without_a_known_time_it_stays_unchanged():
    equal(lost(checkpoint_us=LATEST_US).time.us(), BLOCK_US)
    equal(lost([0]).time.us(), BLOCK_US)


def test_time_is_never_set_back_by_data_on_flash():
    flash, scratch = Flash(), Scratch()
    write(Segments(ROOT + "/store"), 1, [framed(1, 1 << 16)])
    scratch.set(UNCOUNTED, 100)
    bench = Bench(flash, scratch)
    equal((bench.record.lost, bench.time.us()), (True, 100 * BLOCK_US))


def test_record_numbers_on_flash_beyond_the_boot_record_are_reserved_too():
    for first, reserved in ((50_000, 50_001 + BLOCK), (49_999, 50_000 + BLOCK)):
        flash = Flash()
        put()
        write(Segments(ROOT + "/store"), first, [framed(first)])
        bench = Bench(flash)
        equal((bench.record.lost, bench.record.safe), (False, 0), first)
        equal((bench.store.next, states()[-1]["record"]), (first + 1, reserved))
        equal(states()[0]["count"], 11 if first == 50_000 else 10, first)  # no unnecessary write

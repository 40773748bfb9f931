# fsw/store/boot.py in isolation: what the scratch register keeps while the flash cannot be written.
from check import equal, has, has_not
from doubles import EIO, EROFS, ROOT, Flash, Scratch
from fsw.store.slots import Slots
from starts import BLOCK, BLOCK_US, UNCOUNTED, Bench, put, started, states

# first bit in the scratch register of: boots not counted, unexpected resets, challenge needed
BOOTS, CONSECUTIVE, UNSYNCHRONISED = 11, 15, 19
EXPECTED = 15  # value in place of the number of unexpected resets


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
    equal(bench.scratch.get(UNCOUNTED), 2 | 1 << BOOTS)  # one reservation of record numbers after number 1
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
    """The copy that was not written may be damaged, so the next save writes both again."""
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

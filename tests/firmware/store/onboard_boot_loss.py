# fsw/store/boot.py in isolation: damaged copies, and no record at all.
from struct import pack

from check import equal
from doubles import EIO, ROOT, Flash, Scratch
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

# -- damaged copies ----------------------------------------------------------------------------------------------------


def test_with_one_copy_damaged_neither_time_nor_counts_go_back():
    for n in (0, 1):
        bench = started()
        older, newer = states()
        damage(n)
        bench = bench.again()
        record = bench.record
        equal((record.damaged, record.lost), (1, False), n)
        left = (older, newer)[n]  # copy 0 is the newer one
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
    """A start without a copy, on a flash with records of these times (2^-16 s) and a checkpoint."""
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

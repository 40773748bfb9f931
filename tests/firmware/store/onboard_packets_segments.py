# fsw/store/packets.py in isolation: the ring of segments, deletion, and the next start.
import os

from check import equal
from doubles import EIO, EROFS, Flash
from fsw.store.segments import Segments
from packet_store import A_SEGMENT, FOLDER, HEADER, SEGMENT, Bench, full, kept
from records import damaged, framed, write

# -- segments ----------------------------------------------------------------------------------------------------------


def test_a_segment_is_filled_with_records_while_there_is_room():
    bench = Bench()
    bench.write(A_SEGMENT - 100)
    bench.put_raw(100)
    bench.run()
    equal((list(bench.segments.numbers), bench.segments.bytes), ([1], SEGMENT))
    bench.put_raw(1)
    bench.run()
    equal((list(bench.segments.numbers), bench.counts()), ([1, 35], [0, 34]))


def test_a_record_that_does_not_fit_goes_into_a_new_segment():
    bench = Bench()
    bench.write(A_SEGMENT - 100)
    bench.put_raw(60)
    bench.put_raw(41)
    bench.run()
    equal((list(bench.segments.numbers), bench.counts()), ([1, 34], [0, 33]))
    equal((bench.segments.size(34), bench.segments.bytes), (HEADER + 101, SEGMENT - 100 + HEADER + 101))


def test_a_segment_fits_into_four_blocks():
    flash = Flash(40)
    bench = Bench(flash, most=8)
    free = os.statvfs(FOLDER)[3]
    for n in range(1, 4):
        bench.write(A_SEGMENT)
        equal((len(bench.segments.numbers), os.statvfs(FOLDER)[3]), (n, free - 4 * n))


def test_with_all_segments_in_use_the_oldest_is_removed():
    bench = Bench(most=2)
    for _ in range(3):
        bench.write(A_SEGMENT)
    equal((list(bench.segments.numbers), bench.counts()), ([34, 67], [33, 66]))
    equal((bench.store.dropped, bench.store.first, bench.store.last), (33, 34, 99))
    equal(bench.segments.bytes, 2 * SEGMENT)
    bench.write(100)
    equal((list(bench.segments.numbers), bench.store.dropped), ([67, 100], 66))


def test_a_store_of_one_segment_removes_it_for_the_next():
    bench = Bench(most=1)
    bench.write(A_SEGMENT)
    bench.write(100)
    equal((list(bench.segments.numbers), bench.counts(), bench.store.dropped), ([34], [33], 33))


def test_a_damaged_header_does_not_change_the_dropped_count():
    bench = Bench(most=2)
    bench.write(A_SEGMENT)
    bench.write(A_SEGMENT)
    with open(FOLDER + "/00000022", "wb") as file:
        file.write(bytes(HEADER))
    bench.write(A_SEGMENT)
    equal((list(bench.segments.numbers), bench.store.dropped), ([34, 67], 0))


# -- deleting ----------------------------------------------------------------------------------------------------------


def test_segments_to_be_deleted_are_removed_one_per_step():
    for until, steps, left in (
        (0, 0, [1, 34, 67]),
        (32, 0, [1, 34, 67]),
        (33, 1, [34, 67]),
        (66, 2, [67]),
        (98, 2, [67]),
    ):
        bench = full(3)
        bench.store.delete(until)
        equal(bench.run(), steps, until)
        equal(list(bench.segments.numbers), left, until)
        equal((bench.store.dropped, bench.store.first, bench.store.last), (0, left[0], 99), until)
        equal(bench.segments.bytes, len(left) * SEGMENT, until)


def test_the_last_segment_can_be_deleted_and_numbers_continue():
    bench = full(2)
    bench.store.delete(66)
    equal(bench.run(), 2)
    equal((bench.store.first, bench.store.last, bench.segments.bytes, os.listdir(FOLDER)), (0, 66, 0, []))
    equal(bench.put(), 67)
    bench.run()
    equal((list(bench.segments.numbers), bench.counts(), kept()), ([67], [66], [67]))


def test_records_written_later_are_not_deleted():
    bench = full(1)
    bench.store.delete(99)
    bench.run()
    bench.put()
    bench.run()
    equal((bench.store.first, kept()), (34, [34]))


def test_waiting_records_are_written_before_and_after_a_deletion():
    """The records are not written to the segment that is deleted."""
    bench = full(1)
    bench.store.delete(33)
    bench.put()
    bench.store.step(0)
    equal(list(bench.segments.numbers), [])
    bench.run()
    equal(kept(), [34])


def test_a_failed_removal_ends_the_deletion_only():
    bench = full(2)
    bench.segments.errno["remove"] = EROFS, 1
    bench.store.delete(66)
    equal(bench.run(), 0)
    equal((bench.failures.count, bench.failures.errno, list(bench.segments.numbers)), (1, EROFS, [1, 34]))
    bench.put()
    assert bench.run()
    equal((list(bench.segments.numbers), bench.failures.count), ([1, 34, 67], 1))


def test_a_damaged_segment_is_dropped_and_does_not_block_others():
    bench = full(2)
    bench.segments.errno["remove"] = EIO, 1
    bench.store.delete(66)
    equal(bench.run(), 2)
    equal((bench.failures.count, bench.failures.errno, list(bench.segments.numbers)), (1, EIO, []))


def test_a_flush_deletes_nothing():
    bench = full(1)
    bench.store.delete(33)
    bench.put()
    bench.store.flush()
    equal(list(bench.segments.numbers), [1, 34])
    equal(bench.run(), 0)


# -- the next start ----------------------------------------------------------------------------------------------------


def test_a_start_continues_after_the_records_on_flash():
    bench = Bench()
    for n in range(5):
        bench.put(time=1000 + n)
    bench.run()
    again = Bench(bench.flash)
    equal((again.store.first, again.store.last, again.store.next, again.store.newest), (1, 5, 6, 1004))
    equal((again.store.pending, again.store.dropped, again.segments.bytes), (0, 0, HEADER + 500))
    again.put(time=2000)
    again.run()
    equal((list(again.segments.numbers), kept()), ([1], [1, 2, 3, 4, 5, 6]))
    equal(again.store.newest, 1004)  # found at the start
    again = Bench(bench.flash, next_record=4096)
    equal((again.store.last, again.store.next), (6, 4096))
    again.write(A_SEGMENT - 600)
    again.write(1)
    equal((list(again.segments.numbers), again.counts()), ([1, 4096 + 32], [0, 6 + 32]))


def test_a_start_fills_the_last_segment():
    for octets, segments in ((100, 1), (101, 2)):
        bench = Bench()
        bench.write(A_SEGMENT - 100)
        bench = Bench(bench.flash)
        bench.put_raw(octets)
        bench.run()
        equal(len(bench.segments.numbers), segments, octets)


def test_the_newest_time_and_the_highest_number_are_used():
    """The newest time need not be in the last record: time may have been set back."""
    flash = Flash()
    write(Segments(FOLDER), 5, [framed(5, 700), framed(9, 900), framed(6, 800)], 3)
    bench = Bench(flash)
    equal((bench.store.last, bench.store.next, bench.store.newest), (9, 10, 900))
    bench.write(A_SEGMENT)
    equal(bench.counts(), [3, 6 + 30])


def test_if_the_last_segments_are_unreadable_earlier_ones_give_the_time():
    flash = Flash()
    segments = Segments(FOLDER)
    write(segments, 1, [framed(1, 100), framed(2, 990)], 0)
    write(segments, 5, [framed(5, 500), framed(6, 600)], 4)
    write(segments, 7, [damaged(7, 700)], 6)
    write(segments, 8, [damaged(8, 800), damaged(9, 900)], 7)
    bench = Bench(flash, most=8)
    equal((bench.store.last, bench.store.next, bench.store.newest), (8, 9, 600))
    equal(bench.failures.count, 0)
    bench.put()
    bench.run()
    equal(list(bench.segments.numbers), [1, 5, 7, 8])
    bench.write(A_SEGMENT)
    equal(bench.counts(), [0, 4, 6, 7, 7 + 1 + 30])

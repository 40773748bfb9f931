# fsw/store/packets.py in isolation: failed, full and unreadable flash.
from check import equal
from doubles import EIO, ENOSPC, EROFS, Flash, each_failure
from fsw.store.segments import Segments
from packet_store import A_SEGMENT, FOLDER, HEADER, RETRY_US, Bench, Failing, full, kept
from records import framed, write


class FailsOnceListed(Failing):
    """Sizes of segments cannot be read once all segments are listed."""

    def find(self):
        super().find()
        self.errno["size"] = EIO, 0


# -- a flash that fails ------------------------------------------------------------------------------------------------


def test_no_flash_failure_loses_a_record():
    """Failures while writing to a new and to an existing segment."""

    def act(bench):
        bench.run()
        bench.put()
        bench.run()

    for before in (0, 3):

        def prepare(flash, before=before):
            bench = Bench(flash)
            for _ in range(before):
                bench.put()
            bench.run()
            for _ in range(5):
                bench.put(500)
            return bench

        for errno in (EIO, ENOSPC, EROFS):
            for flash, bench, error in each_failure(prepare, act, errno):
                equal(error, None, (before, errno))
                assert bench.failures.count
                if errno != ENOSPC:  # littlefs replaces this one when it writes a name
                    equal(bench.failures.errno, errno, before)
                flash.remount()  # as after a reset
                assert len(kept()) >= before or errno == ENOSPC, (kept(), before, errno)
                bench.run(RETRY_US)
                equal((bench.store.last, bench.store.pending), (before + 6, 0), errno)
                equal(kept(), list(range(bench.store.dropped + 1, before + 7)), errno)
                assert not bench.store.dropped or errno == ENOSPC, errno  # the segment was removed


class Files(Segments):
    """Keeps track of open files."""

    def __init__(self):
        super().__init__(FOLDER)
        self.open = set()

    def create(self, number, count):
        return Noted(super().create(number, count), self.open)

    def append(self, number):
        return Noted(super().append(number), self.open)


class Noted:
    def __init__(self, file, among):
        self.write, self._file, self._among = file.write, file, among
        among.add(self)

    def close(self):
        self._among.discard(self)
        self._file.close()


def test_no_file_is_left_open_by_a_failure():
    """An open file would stay in the list of littlefs and in the heap until garbage is collected."""
    flash = Flash()
    bench = Bench(flash, segments=Files())
    for n in range(2):  # a new and an existing segment
        for _ in range(5):
            bench.put(500)
        bench.store.ask()
        failures, now = bench.failures.count, n * 2 * RETRY_US
        while not bench.segments.open:
            assert bench.store.step(now)
        flash.fail(EIO)
        bench.run(now)
        equal((bench.failures.count, len(bench.segments.open)), (failures + 1, 0), n)
        flash.work()
        bench.run(now + RETRY_US)
        equal(bench.store.pending, 0, n)


def test_after_a_failure_the_flash_is_not_used_for_a_minute():
    bench = Bench()
    bench.put()
    bench.run()
    bench.flash.fail(EIO)
    for _ in range(5):
        bench.put_raw(500)
    start = 7_000_000
    bench.run(start)
    equal((bench.failures.count, bench.store.pending, bench.store.last), (1, 2500, 1))
    assert not bench.store.busy()
    bench.flash.work()
    operations = bench.flash.operations
    bench.store.ask()
    equal(bench.run(start + RETRY_US - 1), 0)
    equal(bench.flash.operations, operations)
    bench.put()
    assert bench.run(start + RETRY_US)
    equal((bench.store.pending, bench.store.last), (0, 7))
    for _ in range(5):
        bench.put_raw(500)
    assert bench.store.busy()


def test_a_flush_tries_immediately_but_only_once():
    bench = Bench()
    bench.put()
    bench.flash.fail(EROFS)
    bench.run(5_000_000)
    bench.store.flush()
    equal((bench.failures.count, bench.store.pending), (2, 100))
    bench.flash.work()
    bench.run(RETRY_US)  # a minute after time 0, which a flush takes as the time of its attempt
    equal((bench.store.pending, kept()), (0, [1]))


def test_a_failure_while_records_arrive_keeps_their_order():
    for before in (0, 1):
        bench = Bench()
        for _ in range(before):
            bench.put()
            bench.run()
        bench.put(500)
        bench.put(500)
        bench.store.step(0)
        bench.put(500)
        bench.flash.fail(EIO)
        bench.run()
        bench.flash.work()
        equal((bench.store.pending, bench.failures.count), (1500, 1), before)
        bench.put(500)
        bench.run(RETRY_US)
        equal((list(bench.segments.numbers), kept()), ([1], list(range(1, 5 + before))))
        bench.write(A_SEGMENT)
        equal(bench.counts()[1], bench.segments.numbers[1] - 1, before)


def test_nothing_is_appended_after_a_partial_frame():
    """If the file is longer or shorter than the data written, or its size is unknown, a new segment is begun."""
    for more, size_errno, numbers in ((4, 0, [1, 2]), (-4, 0, [1, 2]), (0, EIO, [1, 2]), (0, 0, [1])):
        bench = Bench(segments=Failing())
        bench.put()
        bench.run()
        bench.put()
        bench.store.step(0)
        with open(FOLDER + "/00000001", "rb") as file:
            data = file.read() + b"part"
        with open(FOLDER + "/00000001", "wb") as file:
            file.write(data[: len(data) - 4 + more])
        bench.segments.errno["size"] = size_errno, 1
        bench.flash.fail(EIO)
        bench.run()
        equal(bench.failures.count, 1, more)
        bench.flash.work()
        bench.run(RETRY_US)
        equal((list(bench.segments.numbers), kept()), (numbers, [1, 2] if more >= 0 else [2]), more)


# -- a flash that is full ----------------------------------------------------------------------------------------------


def test_a_flash_with_less_room_keeps_the_newest_records():
    bench = Bench(Flash(24), most=60)  # room for four or five segments
    for n in range(1000):
        bench.put(500)
        bench.run(n)
    found = kept()
    equal(found, list(range(bench.store.first, 1001)))
    equal((bench.store.dropped, bench.store.missed), (bench.store.first - 1, 0))
    assert 2 <= len(bench.segments.numbers) <= 5, bench.segments.numbers
    assert 1 <= bench.failures.count <= 3, bench.failures.count  # then the store knows how many segments fit


def test_a_write_without_room_removes_the_oldest_segment_immediately():
    bench = full(3)
    bench.segments.errno["create"] = ENOSPC, 100
    bench.put()
    equal(bench.run(), 0)
    equal((bench.failures.count, bench.failures.errno), (1, ENOSPC))
    bench.segments.errno.clear()
    assert bench.run()
    equal((list(bench.segments.numbers), bench.store.dropped), ([34, 67, 100], 33))
    bench.write(A_SEGMENT)
    equal(list(bench.segments.numbers), [67, 100, 131])  # room for three


def test_a_write_removes_at_most_two_segments():
    bench = full(4)
    bench.segments.errno["create"] = ENOSPC, 0
    bench.put()
    for left in ([1, 34, 67, 100], [34, 67, 100], [67, 100]):
        bench.run()
        equal(list(bench.segments.numbers), left)
    operations = bench.flash.operations
    equal(bench.run(RETRY_US - 1), 0)
    equal((bench.failures.count, bench.flash.operations), (3, operations))
    bench.segments.errno.clear()
    bench.run(RETRY_US)
    equal(list(bench.segments.numbers), [67, 100, 133])
    bench.segments.errno["create"] = ENOSPC, 0
    bench.write(A_SEGMENT)
    for _ in range(3):
        bench.run(2 * RETRY_US)
    equal(list(bench.segments.numbers), [])  # one removed for a fourth segment, and two for the write


def test_a_write_of_records_may_remove_the_last_segment():
    bench = full(1)
    bench.segments.errno["create"] = ENOSPC, 0
    bench.put()
    bench.run()
    bench.run()
    equal(list(bench.segments.numbers), [])
    bench.segments.errno.clear()
    bench.run(RETRY_US)
    equal((list(bench.segments.numbers), kept()), ([34], [34]))


def test_another_failed_write_removes_one_segment_but_not_the_last():
    for before, left in ((3, [34, 67]), (2, [34]), (1, [1]), (0, [])):
        bench = full(before)
        bench.failures.note(OSError(ENOSPC))
        equal(bench.run(), before > 1, before)
        equal((list(bench.segments.numbers), bench.failures.full), (left, False), before)
        equal(bench.run(), 0, before)
    bench = full(3)
    bench.failures.note(OSError(EIO))
    equal((bench.run(), len(bench.segments.numbers)), (0, 3))


def test_a_damaged_oldest_segment_is_dropped_from_the_list_instead_of_removed():
    bench = full(2, most=2)
    bench.segments.errno["remove"] = EIO, 1
    bench.put()
    bench.run()
    equal((list(bench.segments.numbers), bench.failures.count, bench.store.dropped), ([34, 67], 1, 33))


def test_a_segment_that_cannot_be_removed_stays_and_is_retried():
    bench = full(2, most=2)
    bench.segments.errno["remove"] = EROFS, 1
    bench.put()
    bench.run()
    equal((list(bench.segments.numbers), bench.failures.errno, bench.store.dropped), ([1, 34], EROFS, 0))
    bench.segments.errno.clear()
    bench.run(RETRY_US)
    equal((list(bench.segments.numbers), bench.store.dropped), ([34, 67], 33))


# -- a start on a flash that cannot be read ----------------------------------------------------------------------------


def test_a_start_with_an_unreadable_folder_is_noted():
    flash = Flash()
    with open(FOLDER, "wb") as file:
        file.write(b"no folder")
    bench = Bench(flash, next_record=9)
    equal((bench.failures.count, bench.store.first, bench.store.last, bench.store.next), (1, 0, 0, 9))


def test_unreadable_segments_do_not_hide_others():
    flash = Flash()
    segments = Segments(FOLDER)
    write(segments, 1, [framed(1, 100), framed(2, 200)], 0)
    write(segments, 3, [framed(3, 300)], 2)
    bench = Bench(flash, segments=Failing(read=(EIO, 3)))
    equal((bench.failures.count, bench.failures.errno), (1, EIO))
    equal((bench.store.first, bench.store.last, bench.store.next, bench.store.newest), (1, 3, 4, 200))
    bench.put()
    bench.run()
    equal((list(bench.segments.numbers), kept()), ([1, 3], [1, 2, 3, 4]))
    equal(bench.segments.size(3), HEADER + len(framed(3)) + 100)


def test_after_a_segment_of_unknown_size_a_new_one_begins():
    """Otherwise the segment could grow beyond its four blocks."""
    flash = Flash()
    write(Segments(FOLDER), 1, [framed(1)], 0)
    bench = Bench(flash, segments=FailsOnceListed())
    equal((bench.failures.count, bench.failures.errno, bench.store.next), (1, EIO, 2))
    bench.segments.errno.clear()
    bench.put()
    bench.run()
    equal((list(bench.segments.numbers), kept()), ([1, 2], [1, 2]))

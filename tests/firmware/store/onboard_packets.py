# fsw/store/packets.py in isolation: records waiting in memory, and when and how they are written.
from check import equal
from doubles import Flash
from fsw.store.segments import Segments
from packet_store import BUFFER, FOLDER, HEADER, Bench, kept

LONGEST = 640  # octets of memory that must be free
PIECE = 1024


class Erases(Flash):
    """A flash that counts its erases."""

    erases = 0

    def ioctl(self, what, block):
        self.erases += what == 6
        return super().ioctl(what, block)


class Pieces(Segments):
    """written: (offset, octets) of each write to a segment."""

    def __init__(self, folder):
        super().__init__(folder)
        self.written = []

    def create(self, number, count):
        self.file = super().create(number, count)
        self.place = HEADER
        return self

    def append(self, number):
        self.file = super().append(number)
        self.place = self.size(number)
        return self

    def write(self, data):
        self.written.append((self.place, len(data)))
        self.place += self.file.write(data)

    def close(self):
        self.file.close()


# -- in memory ---------------------------------------------------------------------------------------------------------


def test_a_new_store_is_empty():
    store = Bench().store
    equal((store.first, store.last, store.next, store.newest), (0, 0, 1, 0))
    equal((store.pending, store.dropped, store.missed), (0, 0, 0))
    equal((store.step(0), store.busy()), (False, False))


def test_record_numbers_are_consecutive():
    bench = Bench(next_record=77)
    equal([bench.put(), bench.put(), bench.put()], [77, 78, 79])
    equal((bench.store.next, bench.store.pending, bench.store.last), (80, 300, 0))


def test_a_packet_that_might_not_fit_gets_no_number():
    bench = Bench()
    for _ in range(6):
        bench.put_raw(576)
    equal(bench.store.pending, BUFFER - LONGEST)
    equal(bench.store.take_number(), 7)
    bench.store.append(b"\0")
    equal([bench.store.take_number(), bench.store.take_number()], [0, 0])
    equal((bench.store.missed, bench.store.next), (2, 8))


def test_the_store_is_busy_once_half_of_its_memory_is_used():
    bench = Bench()
    bench.put_raw(BUFFER // 2 - 1)
    assert not bench.store.busy()
    bench.put_raw(1)
    assert bench.store.busy()
    bench.run()
    assert not bench.store.busy()


# -- when it is written ------------------------------------------------------------------------------------------------


def test_waiting_records_are_written_after_the_delay():
    bench = Bench()
    bench.store.delay_us = 5_000_000
    equal(bench.run(1_000_000), 0)
    bench.put()
    equal(bench.run(2_000_000), 0)
    bench.put()
    equal(bench.run(6_999_999), 0)
    assert bench.run(7_000_000)
    equal(kept(), [1, 2])
    bench.put()
    equal(bench.run(7_500_000), 0)
    equal(bench.run(12_499_999), 0)
    assert bench.run(12_500_000)
    equal(kept(), [1, 2, 3])


def test_records_are_written_immediately_once_half_of_the_memory_is_used():
    bench = Bench()
    bench.store.delay_us = 1 << 40
    bench.put_raw(BUFFER // 2 - 1)
    equal(bench.run(), 0)
    bench.put_raw(1)
    assert bench.run()
    equal((bench.store.pending, bench.store.last), (0, 2))


def test_records_are_written_immediately_once_on_request():
    bench = Bench()
    bench.store.delay_us = 1 << 40
    bench.put()
    bench.store.ask()
    assert bench.run()
    equal((bench.store.pending, kept()), (0, [1]))
    bench.put()
    equal(bench.run(), 0)
    bench = Bench()
    bench.store.delay_us = 1 << 40
    bench.store.ask()
    equal(bench.run(), 0)  # nothing to write
    bench.put()
    equal(bench.run(), 0)


def test_a_flush_writes_all_waiting_records_immediately():
    bench = Bench()
    bench.store.delay_us = 1 << 40
    bench.put()
    bench.store.ask()
    bench.store.step(0)
    bench.put()
    bench.put()
    bench.store.flush()
    equal((bench.store.pending, bench.store.last, kept()), (0, 3, [1, 2, 3]))
    bench.store.flush()
    equal(bench.store.last, 3)


# -- how it is written -------------------------------------------------------------------------------------------------


def test_records_count_as_stored_only_after_the_file_is_closed():
    """A reset before that loses all of them."""
    steps = 0
    while True:
        steps += 1
        bench = Bench()
        bench.put()
        bench.put()
        for _ in range(steps):
            equal(bench.store.step(0), True)
        bench.flash.remount()
        equal(kept(), [1, 2] if bench.store.last else [])
        equal((bench.store.last, bench.store.pending), (0, 200) if bench.store.pending else (2, 0))
        if bench.store.last:
            break
    equal((steps, bench.store.first, bench.store.step(0)), (3, 1, False))


def test_records_that_arrive_during_a_write_are_written_next():
    bench = Bench()
    bench.put()
    bench.store.step(0)
    bench.put(150)
    bench.store.step(0)
    bench.put(200)
    bench.store.step(0)
    equal((bench.store.last, bench.store.pending, kept()), (1, 350, [1]))
    bench.run()
    equal((bench.store.last, bench.store.pending, kept()), (3, 0, [1, 2, 3]))
    equal(bench.segments.bytes, HEADER + 450)
    equal(bench.segments.size(1), HEADER + 450)


def test_a_step_erases_at_most_one_block():
    flash = Erases()
    bench = Bench(flash, most=2)
    for _ in range(40):
        for _ in range(5):
            bench.put(577)
        bench.store.ask()
        while True:
            erases = flash.erases
            if not bench.store.step(0):
                break
            assert flash.erases - erases <= 1, (flash.erases, erases)
    assert flash.erases > 20, flash.erases


def test_pieces_are_short_and_end_at_block_boundaries():
    bench = Bench(segments=Pieces(FOLDER))
    bench.put_raw(3000)
    bench.run()
    bench.put_raw(2100)
    bench.run()
    bench.put_raw(400)
    bench.run()
    again = Bench(bench.flash, segments=Pieces(FOLDER))  # continues within a block
    again.put_raw(2800)
    again.run()
    equal(again.segments.written, [(5508, 1024), (6532, 1024), (7556, 628), (8184, 124)])
    equal(bench.segments.written[:3], [(8, PIECE), (1032, PIECE), (2056, 952)])
    equal(bench.segments.written[3:6], [(3008, PIECE), (4032, 60), (4092, 1016)])
    equal(bench.segments.written[6:], [(5108, 400)])


def test_after_many_records_everything_is_on_flash_or_dropped():
    bench = Bench(most=3)
    last = 0
    for n in range(500):
        last = bench.put(100 + n % 400)
        bench.run()
    found = kept()
    equal(found, list(range(bench.store.first, last + 1)))
    equal(bench.store.dropped, bench.store.first - 1)
    equal(len(bench.segments.numbers), 3)
    equal(bench.counts(), [number - 1 for number in bench.segments.numbers])
    equal(bench.segments.bytes, sum(map(bench.segments.size, bench.segments.numbers)))

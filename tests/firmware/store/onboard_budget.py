# fsw/store/budget.py alone: what is stored of a day's octets.
from check import equal
from doubles import EIO, ROOT, Flash, Scratch
from fsw import icd
from fsw.health.faults import Failures
from fsw.store.boot import BootRecord
from fsw.store.budget import Budget
from fsw.store.packets import PacketStore
from fsw.store.segments import Segments

DAY_US = 86_400_000_000
FIRST = 100  # record number


class Bench:
    def __init__(self, per_day=8000):
        self.flash = Flash()
        self.failures = Failures()
        self.store = PacketStore(Segments(ROOT + "/store"), 4, FIRST, self.failures, bytearray(4096))
        self.boot_record = BootRecord(ROOT, icd.RESET_CAUSE_POWER_ON, Scratch(), Failures())
        self.budget = Budget(self.store, self.boot_record)
        if per_day:
            self.budget.set(0, per_day)

    def take(self, octets, priority=1):
        """A packet is stored. -> its record number"""
        number = self.budget.number(priority)
        assert number
        self.budget.append(bytes(octets))
        return number


def test_before_it_is_set_nothing_is_stored():
    budget = Bench(per_day=0).budget
    equal((budget.left, budget.over, budget.enabled), (0, 0, True))
    budget.accrue(DAY_US)
    equal(budget.number(1), 0)
    equal((budget.left, budget.over), (0, 1))


def test_an_eighth_of_a_day_is_there_at_once():
    bench = Bench(per_day=8007)
    equal(bench.budget.left, 1000)
    equal(Bench(per_day=8008).budget.left, 1001)


def test_more_a_day_is_there_at_once_less_takes_what_is_too_much():
    bench = Bench(per_day=80_000)
    bench.take(3000)
    equal(bench.budget.left, 7000)
    bench.budget.set(0, 160_000)
    equal(bench.budget.left, 17_000)
    bench.budget.set(0, 144_000)
    equal(bench.budget.left, 17_000)
    bench.budget.set(0, 8000)
    equal(bench.budget.left, 1000)
    bench.budget.set(0, 0)
    equal(bench.budget.left, 0)
    bench.budget.accrue(DAY_US)
    equal((bench.budget.left, bench.budget.number(1)), (0, 0))


def test_what_is_overdrawn_stays_overdrawn():
    bench = Bench(per_day=8000)
    bench.take(1500)
    equal(bench.budget.left, -500)
    bench.budget.set(0, 4000)
    equal(bench.budget.left, -500)
    bench.budget.set(0, 8000)
    equal(bench.budget.left, 0)


def test_it_comes_back_as_time_goes_by():
    bench = Bench(per_day=8640)
    bench.take(1080)
    equal(bench.budget.left, 0)
    bench.budget.accrue(10_000_000)
    equal(bench.budget.left, 1)
    bench.budget.accrue(29_999_999)
    equal(bench.budget.left, 3)
    bench.budget.accrue(DAY_US // 16)
    equal(bench.budget.left, 3 + 540)
    bench.budget.accrue(0)
    equal(bench.budget.left, 543)
    bench.budget.accrue(DAY_US // 8)
    equal(bench.budget.left, 1080)  # no more is saved up


def test_after_a_change_it_comes_back_at_the_new_rate():
    bench = Bench(per_day=8640)
    bench.take(1000)
    bench.budget.set(0, 86_400)
    left = bench.budget.left
    bench.budget.accrue(10_000_000)
    equal(bench.budget.left, left + 10)


def test_a_packet_gets_the_next_record_number_and_is_stored():
    bench = Bench()
    equal(bench.take(300), FIRST)
    equal(bench.take(200), FIRST + 1)
    equal((bench.budget.left, bench.store.pending, bench.store.next), (500, 500, FIRST + 2))


def test_as_long_as_anything_is_left_a_packet_is_stored():
    bench = Bench()
    bench.take(999)
    bench.take(600)
    equal(bench.budget.left, -599)
    equal(bench.budget.number(1), 0)
    equal((bench.budget.over, bench.store.next), (1, FIRST + 2))
    bench = Bench()
    bench.take(1000)
    equal(bench.budget.number(1), 0)
    equal(bench.budget.number(1), 0)
    equal(bench.budget.over, 2)


def test_those_of_priority_2_leave_half_to_the_others():
    for priority in (2, 3):
        bench = Bench(per_day=8008)
        bench.take(500, priority)
        equal(bench.budget.left, 501, priority)
        bench.take(1, priority)
        equal(bench.budget.number(priority), 0, priority)
        equal(bench.budget.over, 1, priority)
        bench.take(499, 1)
        bench.take(1, 1)
        equal(bench.budget.number(1), 0, priority)


def test_what_is_not_to_be_stored_is_not_counted_as_over():
    bench = Bench()
    bench.budget.enabled = False
    equal(bench.budget.number(1), 0)
    bench.budget.enabled = True
    bench.boot_record.safe = 1
    equal(bench.budget.number(1), 0)
    bench.boot_record.safe = 0
    equal((bench.budget.over, bench.budget.number(1)), (0, FIRST))


def test_without_room_in_memory_the_store_counts_it():
    bench = Bench(per_day=1 << 20)
    for _ in range(7):
        bench.take(500)
    equal(bench.budget.number(1), 0)
    equal((bench.budget.over, bench.store.missed), (0, 1))


def test_a_packet_that_can_wait_waits_while_the_store_is_to_be_written():
    bench = Bench(per_day=1 << 20)
    assert bench.budget.room() and not bench.budget.busy()
    for _ in range(5):
        bench.take(500)
    assert bench.budget.busy() and not bench.budget.room()
    bench.budget.enabled = False
    assert bench.budget.busy() and bench.budget.room()
    bench.budget.enabled = True
    bench.boot_record.safe = 1  # nothing is written
    assert not bench.budget.busy() and bench.budget.room()


def test_a_flash_that_fails_is_not_worth_waiting_for():
    bench = Bench(per_day=1 << 20)
    for _ in range(5):
        bench.take(500)
    bench.flash.fail(EIO)
    while not bench.failures.count:
        bench.store.step(0)
    assert not bench.budget.busy() and bench.budget.room()

# fsw/store/budget.py in isolation: storage against the daily budget of octets.
from check import equal
from doubles import EIO, ROOT, Board, Flash
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
        self.boot_record = BootRecord(ROOT, Board(icd.RESET_CAUSE_POWER_ON), Failures())
        self.budget = Budget(self.store, self.boot_record)
        if per_day:
            self.budget.set(0, per_day)

    def take(self, octets, priority=1):
        """Store a packet. -> its record number"""
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


def test_an_eighth_of_a_days_budget_is_available_immediately():
    bench = Bench(per_day=8007)
    equal(bench.budget.left, 1000)
    equal(Bench(per_day=8008).budget.left, 1001)


def test_a_larger_budget_applies_immediately_and_a_smaller_one_cuts_the_excess():
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


def test_an_overdrawn_budget_stays_overdrawn():
    bench = Bench(per_day=8000)
    bench.take(1500)
    equal(bench.budget.left, -500)
    bench.budget.set(0, 4000)
    equal(bench.budget.left, -500)
    bench.budget.set(0, 8000)
    equal(bench.budget.left, 0)


def test_the_budget_is_replenished_with_time():
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
    equal(bench.budget.left, 1080)  # the maximum


def test_after_a_change_the_budget_is_replenished_at_the_new_rate():
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


def test_a_packet_is_stored_while_any_budget_is_left():
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


def test_packets_of_priority_2_leave_half_to_the_others():
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


def test_packets_that_need_not_be_stored_are_not_counted_as_over_budget():
    bench = Bench()
    bench.budget.enabled = False
    equal(bench.budget.number(1), 0)
    bench.budget.enabled = True
    bench.boot_record.safe = 1
    equal(bench.budget.number(1), 0)
    bench.boot_record.safe = 0
    equal((bench.budget.over, bench.budget.number(1)), (0, FIRST))


def test_without_room_in_memory_the_store_counts_the_packet():
    bench = Bench(per_day=1 << 20)
    for _ in range(7):
        bench.take(500)
    equal(bench.budget.number(1), 0)
    equal((bench.budget.over, bench.store.missed), (0, 1))


def test_a_packet_that_can_wait_waits_while_the_store_has_data_to_write():
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


def test_packets_do_not_wait_for_a_failed_flash():
    bench = Bench(per_day=1 << 20)
    for _ in range(5):
        bench.take(500)
    bench.flash.fail(EIO)
    while not bench.failures.count:
        bench.store.step(0)
    assert not bench.budget.busy() and bench.budget.room()

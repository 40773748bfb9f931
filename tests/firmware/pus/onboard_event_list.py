# fsw/pus/event_list.py in isolation: waiting for room in the link and in the packet store.
from array import array

from check import equal
from doubles import Link
from fsw.pus.event_list import EventList
from fsw.spectra import kernel as k

LISTED = 4  # half-words of an event
PERIOD_US = 250_000
TIMEOUT_US = 5_000_000


class Store:
    has_room = True

    def room(self):
        return self.has_room


class Telemetry:
    """sent: number of half-words in each packet."""

    def __init__(self):
        self.store, self.time, self.sent = Store(), self, []
        self.start_us = 0

    def begin(self, layout, time_us, stamp, count):
        self.sent.append(count)

    def halves(self, halves, first, count):
        pass

    def end(self):
        pass


class Acquisition:
    """Stopped, so that a list is sent as soon as there is room."""

    running = False
    listable = n_listed = 0

    def __init__(self):
        self.state, self.listed = array("I", [0] * k.STATE), array("H", [0] * 4 * k.PART)

    def last_good_us(self, now):
        return now


class Storm:
    active = False


class BootRecord:
    safe = 0


class Bench:
    """The parts of the event list. One event of class 0 is listed."""

    def __init__(self):
        self.acquisition, self.telemetry, self.link = Acquisition(), Telemetry(), Link()
        self.storm, self.boot_record = Storm(), BootRecord()
        self.board = self.parameters = self
        self.list = EventList(self)
        self.acquisition.state[k.LIST] += LISTED
        for c in range(4):
            self.acquisition.state[k.LISTED + c] = 1  # zeroed when the class is regulated

    def bind(self, first, count, part, name):
        pass

    def regulated(self):
        """-> number of classes that have been regulated"""
        return sum(not self.acquisition.state[k.LISTED + c] for c in range(4))


def test_lists_are_sent_at_once_with_room_in_link_and_store():
    bench = Bench()
    equal(bench.list.step(0), False)
    equal((bench.telemetry.sent, bench.regulated()), ([LISTED], 1))
    equal(bench.list.step(PERIOD_US), False)
    equal((bench.telemetry.sent, bench.regulated()), ([LISTED], 2))


def test_while_the_store_is_written_it_asks_for_another_step_which_regulates_no_class():
    bench = Bench()
    bench.telemetry.store.has_room = False
    for n in range(3):
        equal(bench.list.step(n), True)
    equal((bench.telemetry.sent, bench.regulated()), ([], 1))
    bench.telemetry.store.has_room = True
    equal(bench.list.step(3), False)
    equal((bench.telemetry.sent, bench.regulated()), ([LISTED], 1))
    equal(bench.list.step(PERIOD_US), False)
    equal(bench.regulated(), 2)


def test_a_long_wait_for_the_store_does_not_delay_the_regulation_of_the_classes():
    bench = Bench()
    bench.telemetry.store.has_room = False
    for n in range(8):
        equal(bench.list.step(n * PERIOD_US // 2), True)
    equal(bench.regulated(), 4)
    equal(bench.telemetry.sent, [])


def test_it_waits_for_the_link_until_it_is_due_again():
    bench = Bench()
    bench.link.has_room = False
    for n in range(3):
        equal(bench.list.step(n * PERIOD_US), False)
    equal((bench.telemetry.sent, bench.regulated()), ([], 3))
    bench.link.has_room = True
    equal(bench.list.step(3 * PERIOD_US), False)
    equal(bench.telemetry.sent, [LISTED])


def test_after_the_timeout_the_packet_goes_to_whichever_has_room():
    bench = Bench()
    bench.telemetry.store.has_room = bench.link.has_room = False
    equal(bench.list.step(TIMEOUT_US - 1), True)
    equal(bench.list.step(TIMEOUT_US), False)
    equal(bench.telemetry.sent, [LISTED])

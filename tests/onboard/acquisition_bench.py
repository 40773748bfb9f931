# Bench for tests of fsw/spectra/acquisition.py, with a simulated event builder.
from array import array

from doubles import Clock, Reports
from event_builder import EventBuilder
from fsw import icd
from fsw.spectra import kernel as k
from fsw.spectra.acquisition import Acquisition
from fsw.store.boot import OnBoardTime
from kept_parameters import parameters

BEFORE_US = 7_000_000_000  # on-board time when the board's clock was 0
BEGIN_US = 0x1_0000_0000 - 2_000_000  # the clock's low half wraps two seconds later
CODE = 400  # channel 100


class Lines:
    """calls: log of the calls."""

    def __init__(self):
        self.calls = []

    def closed(self, s, copy):
        self.calls.append((s, sum(copy)))

    def clear(self):
        self.calls.append("clear")


class Bench:
    """Also acts as the board. events: ring depth. while_waiting: called once when stop() waits for the last event."""

    def __init__(self, events=1024):
        self.clock = Clock(BEGIN_US)
        self.events, self.reports, self.lines = EventBuilder(self.clock, events), Reports(), Lines()
        self.parameters = parameters(self.reports)
        self.acquisition = Acquisition(self, self.parameters, self.reports, OnBoardTime(self.clock, BEFORE_US))
        self.parameters.apply_all()
        self.acquisition.follow(self.lines)
        self.while_waiting = None
        self.copy = array("H", bytes(2 * icd.CHANNELS))

    def wait(self, until_us, attention):
        assert not attention()
        if self.while_waiting:
            self.while_waiting()
        self.while_waiting = None
        self.clock.now_us = until_us

    def start(self, listable=0):
        """listable: mask of the event classes for which the event list has room."""
        a = self.acquisition
        a.listable = listable
        for c in range(4):
            a.state[k.LIST + c] = c * k.PART
        a.start()
        return a

    def put(self, *codes, d=0, after_us=10):
        """An event in detector d for each code, `after_us` apart."""
        for code in codes:
            self.clock.now_us += after_us
            self.events.put({d: code})

    def step(self, after_us=10):
        self.clock.now_us += after_us
        more = self.acquisition.step(self.clock.now_us)
        self.acquisition.account()
        return more

    def close(self, s):
        return self.acquisition.close(s, self.copy)

    def close_all(self):
        """Close all pending spectra. -> (number, reason, integration) of each"""
        closed = []
        for _ in range(100):
            s = self.acquisition.to_close()
            if s is None:
                return closed
            about, _, _ = self.close(s)
            closed.append((s,) + about[:2])
        raise AssertionError("more than 100 spectra to close")

    def listed(self, c):
        """Event list of a class without stamps: the hit pattern of each event, "opens" or "closes" for a mark."""
        a, found = self.acquisition, []
        at, end = c * k.PART, a.state[k.LIST + c]
        while at < end:
            pattern = a.listed[at + 2]
            if pattern:
                found.append(pattern)
                at += 3
                while pattern:
                    pattern &= pattern - 1
                    at += 1
            else:
                found.append("opens" if a.listed[at + 3] & 1 else "closes")
                at += 4
        return found

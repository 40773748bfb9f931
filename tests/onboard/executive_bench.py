# Bench for tests of fsw/executive.py, on a board whose time advances only in tasks and idle phases.
import fsw.executive
from check import equal
from doubles import Reports
from fsw import memory
from fsw.executive import Executive, Task


class Board:
    """waits: (from, until) of each idle phase; wakes_after_us, if set, ends it earlier. received: result of wait().

    Also acts as `events`. reading: whether an interrupt reads the rings.
    """

    def __init__(self):
        self.now = 0
        self.waits = []
        self.wakes_after_us = None
        self.wanted = []
        self.received = False
        self.clock = self.events = self
        self.reading = False

    def us(self):
        return self.now

    def unattended(self, on):
        self.reading = on

    def wait(self, until_us, attention):
        self.waits.append((self.now, until_us))
        self.wanted.append(attention())
        idle_us = max(until_us - self.now, 0)
        self.now += idle_us if self.wakes_after_us is None else min(idle_us, self.wakes_after_us)
        return self.received


class Bench:
    """tasks: (name, period_ms) and other arguments of _task. log: (name, time) of each step.

    free: octets reported by a simulated collector; None: MicroPython's own collector.
    takes: name -> us of a step. more: name -> number of steps that request another one. raises: name -> exception of
    a step. wants: name -> result of Task.wanted().
    """

    def __init__(self, *tasks, start_us=0, free=None):
        self.board = board = Board()
        board.now = start_us
        self.reports = Reports()
        self.log, self.supervised = [], []
        self.takes, self.more, self.raises, self.wants = {}, {}, {}, {}
        made = [self._task(*task) for task in tasks]
        self.executive = Executive(board, lambda now, tasks: self.supervised.append((now, tasks)), self.reports, made)
        self.tasks = made
        if free is not None:
            self.heap = fsw.executive.gc = memory.gc = Heap(self, free)
        self.executive.begin()

    def _task(self, name, period_ms, budget_ms=10, allocation=0, asks=False):
        def run(now):
            equal(now, self.board.now)
            self.log.append((name, now))
            self.board.now += self.takes.get(name, 0)
            if name in self.raises:
                raise self.raises[name]
            left = self.more.get(name, 0)
            self.more[name] = max(left - 1, 0)
            return left > 0

        wanted = (lambda: self.wants.get(name, False)) if asks else None
        return Task(run, period_ms, budget_ms, 3000, allocation, wanted)

    def cycles(self, n=1):
        """-> (name, time) of each step"""
        for _ in range(n):
            self.executive.cycle()
        return self.taken()

    def taken(self):
        log, self.log = self.log, []
        return log


def named(log):
    return "".join(name for name, _ in log)


class Heap:
    """Replaces gc and logs its calls in the bench. free: result of mem_free(), octets. read: whether an interrupt read
    the rings, for each call."""

    def __init__(self, bench, free):
        self._bench, self.free = bench, free
        self.collect_us, self.snapshot_us = 700, 300
        self.read = []

    def collect(self):
        self.read.append(self._bench.board.reading)
        self._bench.log.append(("collect", self._bench.board.now))
        self._bench.board.now += self.collect_us

    def mem_free(self):
        self.read.append(self._bench.board.reading)
        self._bench.log.append(("snapshot", self._bench.board.now))
        self._bench.board.now += self.snapshot_us
        return self.free

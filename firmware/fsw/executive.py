# The cyclic executive. A cycle runs the tasks that are due, the acquisition first, then the supervisor, and idles until
# a task is due or has work, or the link has bytes. If only the acquisition has work, the cycle runs only that. Garbage
# is collected only before a step, right after the rings have been emptied; an interrupt reads them meanwhile.
import array
import gc

from fsw import icd, memory
from fsw.health.faults import exception_of, line_of
from micropython import const

_LONGEST_IDLE_US = const(250_000)  # longest time between whole cycles: a stuck line is found within three of them
_LONG_US = const(2_000)  # the rings are emptied after a task that took longer
# Allocation estimate, octets: a fixed amount per cycle with the wait after it, and the maximum allocated by a step of
# each task; packets, and what allocates more than a step usually does, add to it where they are made. The reserve keeps
# MicroPython from starting a collection by itself.
_CYCLE = const(880)
_SHORT_CYCLE = const(380)
_RESERVE = const(11_000)  # more than a step allocates, except some that write two copies of a state, and the self-test
_SNAPSHOT_EVERY = const(4)  # collections; measuring the free heap takes half as long as a collection
_RESTARTS = const(3)  # failed steps tolerated while each follows the previous one within `_RESTART_WINDOW_US`
_RESTART_WINDOW_US = const(600_000_000)


class Task:
    """run(now_us) returns true to be called again without delay. Period 0: a step in every whole cycle; the first task
    also has one in every short cycle.

    wanted() returns true if there is work before the task is due. It must not allocate, as it is polled while idle. For
    a task with `wanted`, only steps that return true add to the allocation estimate.
    """

    def __init__(self, run, period_ms, budget_ms, limit_ms, allocation, wanted=None):
        self.run = run
        self.wanted = wanted
        self.allocation = allocation  # maximum number of octets allocated by a step that has work
        self.period_us = 1000 * period_ms
        self.budget_us = 1000 * budget_ms
        self.limit_us = 1000 * limit_ms  # with a step overdue by more than this, the watchdog is not fed
        self.due_us = self.done_us = 0
        self.failures = self.failed_us = 0
        self.busy_us = 0  # since the last measure_load()

    def set_period(self, number, seconds):
        """Set the period (parameter); the new interval starts with a step at once."""
        self.period_us = 1_000_000 * seconds
        self.due_us = 0


class Group:
    """Components that are stepped together as one task, and again if one of them asks for it."""

    def __init__(self, parts):
        self._parts = parts

    def step(self, now):
        more = False
        for part in self._parts:
            if part.step(now):
                more = True
        return more


def _any_wanted(tasks):
    for task in tasks:  # noqa: SIM110  any() allocates
        if task.wanted():
            return True
    return False


class Executive:
    def __init__(self, board, supervise, report, tasks):
        """supervise(now_us, tasks); report(event, a, b)"""
        self._us = board.clock.us
        self._wait = board.wait
        self._unattended = board.events.unattended
        self._attention = self._wanted  # bound once: looking the method up for each wait would allocate
        self._supervise = supervise
        self._report = report
        self.tasks = tasks
        self._first = tasks[:1]
        self._wanting = tuple(task for task in tasks if task.wanted)
        self._others = tuple(task for task in tasks[1:] if task.wanted)
        self.failing = None  # number of the task that failed too often; its exception ends run()
        self.busy_permille = 0
        self.cycles = self.overruns = self.failures = 0
        self.gc_max_us = 0
        self.heap_free = self.heap_free_min = 0
        self._now = self._busy_us = self._load_us = self._wake = 0
        self._most = self._collections = 0
        self._received = True  # the link may have received octets

    def begin(self):
        tasks = self.tasks
        self.wcet_us = array.array("I", [0] * len(tasks))  # per task
        self.load_permille = array.array("H", [0] * len(tasks))  # per task
        memory.collect()  # exclude the garbage of start-up
        self.heap_free = self.heap_free_min = gc.mem_free()
        self._most = self.heap_free - _RESERVE
        now = self._now = self._load_us = self._us()
        for task in tasks:
            task.due_us = task.done_us = now

    def run(self):
        """Run cycles forever; raises the exception of a task that failed too often."""
        while True:
            self.cycle()

    def cycle(self):
        again = False
        begin = self._us()  # each call of the clock allocates memory: call it no more often than needed
        self._now = begin
        short = begin < self._wake and not self._received and not _any_wanted(self._others)
        wake = self._wake if short else begin + _LONGEST_IDLE_US
        for number, task in enumerate(self._first if short else self.tasks):
            if self._now >= task.due_us or (task.wanted and task.wanted()):
                if memory.garbage[0] >= self._most:
                    self._collect()
                started = self._now
                more = self._step(number, task)
                if more:  # a periodic task also continues in the next cycle
                    again = True
                if more or (task.period_us and not task.wanted):
                    memory.garbage[0] += task.allocation
                if self._now - started > _LONG_US:
                    self._step(0, self.tasks[0])  # the rings were filling meanwhile
                if task.period_us and not more and started >= task.due_us:  # an early step does not change the next
                    task.due_us += task.period_us
                    if task.due_us <= started:  # missed steps are not made up for; tasks due together stay together
                        task.due_us = begin + task.period_us
            if task.period_us and task.due_us < wake:
                wake = task.due_us
        self.cycles += 1
        memory.garbage[0] += _SHORT_CYCLE if short else _CYCLE
        if not short:
            self._supervise(self._now, self.tasks)
        self._busy_us += self._now - begin
        self._wake = 0 if again else wake
        if not again:
            self._received = self._wait(wake, self._attention)

    def _wanted(self):
        """Return true if a task has work before it is due. Must not allocate."""
        return _any_wanted(self._wanting)

    def _step(self, number, task):
        started = self._now
        try:
            again = task.run(started)
            self._now = task.done_us = self._us()
            self._account(number, task, self._now - started)
            return again
        except Exception as error:
            # the other tasks continue, and this one is retried in its next step; if that does not help, a reset may
            self.failures += 1
            self._report(icd.EVENT_TASK_FAILED, number | exception_of(error) << 8, line_of(error))
            self._now = now = self._us()
            task.failures = 1 if now - task.failed_us > _RESTART_WINDOW_US else task.failures + 1
            task.failed_us = task.done_us = now
            if task.failures > _RESTARTS:
                self.failing = number
                raise
            return False

    def _account(self, number, task, took):
        task.busy_us += took
        if took > task.budget_us:
            self.overruns += 1
        if took > self.wcet_us[number]:
            self.wcet_us[number] = took
            if took > task.budget_us:  # report each new maximum, not each overrun
                self._report(icd.EVENT_TASK_OVERRUN, number, took)

    def _collect(self):
        """Collect garbage; every fourth time also measure the free heap, before new allocations. Both traverse the
        whole heap, so an interrupt reads the rings meanwhile."""
        self._collections += 1
        for snapshot in range(1 + (self._collections % _SNAPSHOT_EVERY == 1)):
            self._step(0, self.tasks[0])
            begin = self._now
            self._unattended(True)
            if snapshot:
                self.heap_free = gc.mem_free()
                self.heap_free_min = min(self.heap_free_min, self.heap_free)
                self._most = self.heap_free - _RESERVE
            else:
                memory.collect()
            self._unattended(False)
            self._now = self._us()
            self.gc_max_us = max(self.gc_max_us, self._now - begin)

    def measure_load(self):
        """Update `busy_permille`, the share of time not idle, and `load_permille`, per task, since the last call."""
        now = self._us()
        elapsed, busy = max(now - self._load_us, 1), self._busy_us
        self._load_us, self._busy_us = now, 0
        for number, task in enumerate(self.tasks):
            self.load_permille[number] = min(1000 * task.busy_us // elapsed, 1000)
            task.busy_us = 0
        self.busy_permille = min(1000 * busy // elapsed, 1000)

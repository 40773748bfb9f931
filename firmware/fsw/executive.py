# The cyclic executive. A cycle: the tasks of the table that are due, one after the other, the acquisition first; the
# supervisor; idle until a task is due, the link has bytes or the rings fill. Now and then the garbage collector, before
# a step and at no other time, when the rings were emptied just before.
import array
import gc

from fsw import icd, memory
from fsw.health.faults import exception_of, line_of
from micropython import const

_LONGEST_IDLE_US = const(250_000)  # a cycle at least so often: a stuck line is found within three
_CATCH_UP = const(4)  # steps: one reads what is there at its begin, and two thirds as much come meanwhile, at the most
_LONG_US = const(2_000)  # a task that took longer is followed by a look at the rings
# Garbage is estimated, in octets: of a cycle, of 256 us idle, and what a step of each task allocates at most. A reserve
# is left, so that MicroPython never collects when it chooses.
_CYCLE = const(520)
_RESERVE = const(10_000)  # more than any step leaves
_SNAPSHOT_EVERY = const(4)  # collections; finding out how much is free takes half as long as a collection
_RESTARTS = const(3)  # steps that may fail, none `_RESTART_WINDOW_US` after the one before
_RESTART_WINDOW_US = const(600_000_000)


class Task:
    """run(now_us) -> true if it wants another step without delay. A period of 0: a step in every cycle.

    wanted() -> true if it has work before it is due. It allocates nothing: it is asked while idle. Garbage of a task
    that has it is counted only for steps that return true.
    """

    def __init__(self, run, period_ms, budget_ms, limit_ms, allocation, wanted=None):
        self.run = run
        self.wanted = wanted
        self.allocation = allocation  # octets, of a step with work to do
        self.period_us = 1000 * period_ms
        self.budget_us = 1000 * budget_ms
        self.limit_us = 1000 * limit_ms  # without a completed step for longer, the supervisor lets the watchdog bite
        self.due_us = self.done_us = 0
        self.failures = self.failed_us = 0
        self.busy_us = 0  # since the last look at the load

    def set_period(self, number, seconds):
        """A parameter; the new interval begins with a step."""
        self.period_us = 1_000_000 * seconds
        self.due_us = 0


class Group:
    """Parts that take their steps together, as one task."""

    def __init__(self, parts):
        self._parts = parts

    def step(self, now):
        for part in self._parts:
            part.step(now)


class Executive:
    def __init__(self, board, supervise, report, tasks):
        """supervise(now_us, tasks); report(event, a, b)"""
        self._us = board.clock.us
        self._wait = board.wait
        self._attention = self._wanted  # a method that is looked up for each wait leaves garbage
        self._supervise = supervise
        self._report = report
        self.tasks = tasks
        self._wanting = tuple(task for task in tasks if task.wanted)
        self.failing = None  # number of the task that failed too often: its exception ends `run`
        self.busy_permille = 0
        self.cycles = self.overruns = self.failures = 0
        self.gc_max_us = 0
        self.heap_free = self.heap_free_min = 0
        self._now = self._busy_us = self._asked_us = 0
        self._most = self._collections = 0

    def begin(self):
        tasks = self.tasks  # of each, from here on:
        self.wcet_us = array.array("I", [0] * len(tasks))
        self.load_permille = array.array("H", [0] * len(tasks))
        gc.collect()  # what start-up left behind does not count
        self.heap_free = self.heap_free_min = gc.mem_free()
        self._most = self.heap_free - _RESERVE
        now = self._asked_us = self._us()
        for task in tasks:
            task.due_us = task.done_us = now

    def run(self):
        """Returns never; raises what a task raised too often."""
        while True:
            self.cycle()

    def cycle(self):
        again = False
        begin = self._now = self._us()  # each call leaves 64 bytes behind: no more of them than needed
        wake = self._now + _LONGEST_IDLE_US
        for number, task in enumerate(self.tasks):
            if self._now >= task.due_us or (task.wanted and task.wanted()):
                if memory.garbage[0] >= self._most:
                    self._collect()
                started = self._now
                more = self._step(number, task)
                if more:  # with a period, too: it goes on in the next cycle
                    again = True
                if more or (task.period_us and not task.wanted):
                    memory.garbage[0] += task.allocation
                if self._now - started > _LONG_US:
                    self._step(0, self.tasks[0])  # the rings fill meanwhile
                if task.period_us and not more:
                    task.due_us += task.period_us
                    # missed steps are not made up, and an early step does not lengthen the wait for the next
                    if not started < task.due_us <= started + task.period_us:
                        task.due_us = started + task.period_us
            if task.period_us and task.due_us < wake:
                wake = task.due_us
        self.cycles += 1
        memory.garbage[0] += _CYCLE
        self._supervise(self._now, self.tasks)
        self._busy_us += self._now - begin
        if not again:
            self._wait(wake, self._attention)
            memory.garbage[0] += self._us() - self._now >> 8

    def _wanted(self):
        """Whether a task has work before it is due. Allocates nothing."""
        for task in self._wanting:  # noqa: SIM110  any() allocates
            if task.wanted():
                return True
        return False

    def _step(self, number, task):
        started = self._now
        try:
            again = task.run(started)
            self._now = task.done_us = self._us()
            self._account(number, task, self._now - started)
            return again
        except Exception as error:
            # no fault of the other tasks: its next step is a new begin. If that is no cure, a reset may be.
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
            if took > task.budget_us:  # a report for each new record, not for each overrun
                self._report(icd.EVENT_TASK_OVERRUN, number, took)

    def _collect(self):
        """Collect; now and then see what is free, before there is new garbage. Each goes through the whole heap: before
        each the rings are emptied, so that they last longest."""
        self._collections += 1
        for snapshot in range(1 + (self._collections % _SNAPSHOT_EVERY == 1)):
            for _ in range(_CATCH_UP):
                self._step(0, self.tasks[0])
            begin = self._now
            if snapshot:
                self.heap_free = gc.mem_free()
                self.heap_free_min = min(self.heap_free_min, self.heap_free)
                self._most = self.heap_free - _RESERVE
            else:
                gc.collect()
                memory.garbage[0] = 0
            self._now = self._us()
            self.gc_max_us = max(self.gc_max_us, self._now - begin)

    def measure_load(self):
        """Of the time since the last call: `busy_permille`, what was not idle, and `load_permille`, of each task."""
        now = self._us()
        spent, busy = max(now - self._asked_us, 1), self._busy_us
        self._asked_us, self._busy_us = now, 0
        for number, task in enumerate(self.tasks):
            self.load_permille[number] = min(1000 * task.busy_us // spent, 1000)
            task.busy_us = 0
        self.busy_permille = min(1000 * busy // spent, 1000)

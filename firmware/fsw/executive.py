# The cyclic executive: a table of tasks with periods and time budgets, one after the other; then the garbage collector,
# at this point and no other; then the supervisor; then idle until a task is due, the link has bytes or the rings fill.
import gc

from fsw import icd
from micropython import const

_LONGEST_IDLE_US = const(250_000)  # a cycle at least so often: a stuck line is found within three
_GC_US = const(2_000_000)


class Task:
    """run(now_us) -> true if it wants another turn without delay. A period of 0: a turn in every cycle."""

    def __init__(self, run, period_ms, budget_ms, limit_ms):
        self.run = run
        self.period_us = 1000 * period_ms
        self.budget_us = 1000 * budget_ms
        self.limit_us = 1000 * limit_ms  # without a completed turn for longer, the supervisor lets the watchdog bite
        self.due_us = self.done_us = 0
        self.longest_us = 0


class Executive:
    def __init__(self, board, backlog, supervise, report):
        """backlog() -> true when the rings want attention; supervise(now_us, tasks); report(event, a, b)"""
        self._clock = board.clock
        self._wait = board.wait
        self._backlog = backlog
        self._supervise = supervise
        self._report = report
        self.tasks = ()
        self.cycles = self.overruns = self.failures = 0
        self.gc_max_us = self._gc_due_us = 0
        self.turn_max_us = 0
        self.heap_free = self.heap_free_min = 0
        self._waited_us = self._report_us = 0

    def begin(self, tasks):
        self.tasks = tasks
        gc.collect()  # what start-up left behind does not count
        self.heap_free = self.heap_free_min = gc.mem_free()
        now = self._report_us = self._clock.us()
        self._gc_due_us = now + _GC_US
        for task in tasks:
            task.due_us = task.done_us = now

    def run(self):
        while True:
            self.cycle()

    def cycle(self):
        clock = self._clock
        again = False
        wake = clock.us() + _LONGEST_IDLE_US
        for number, task in enumerate(self.tasks):
            now = clock.us()
            if now >= task.due_us:
                if self._turn(number, task, now):
                    again = True
                if task.period_us:
                    task.due_us += task.period_us
                    if task.due_us <= now:  # never several turns to make up for lost ones
                        task.due_us = now + task.period_us
            if task.period_us and task.due_us < wake:
                wake = task.due_us
        self.cycles += 1
        now = clock.us()
        if now >= self._gc_due_us:
            self._collect(now)
        self._supervise(clock.us(), self.tasks)
        if not again:
            now = clock.us()
            self._wait(wake, self._backlog)
            self._waited_us += clock.us() - now

    def _turn(self, number, task, now):
        try:
            again = task.run(now)
        except (
            Exception
        ) as error:  # a fault of one task is no fault of the others; without a turn done the watchdog bites
            self.failures += 1
            self._report(icd.EVENT_TASK_FAILED, number, line_of(error))
            return False
        end = self._clock.us()
        task.done_us = end
        took = end - now
        if took > task.longest_us:
            task.longest_us = took
            if took > task.budget_us:  # a report for each new record, not for each overrun
                self._report(icd.EVENT_TASK_OVERRUN, number, took)
        self.turn_max_us = max(self.turn_max_us, took)
        if took > task.budget_us:
            self.overruns += 1
        return again

    def _collect(self, now):
        self._gc_due_us = now + _GC_US
        gc.collect()
        self.gc_max_us = max(self.gc_max_us, self._clock.us() - now)
        self.heap_free = gc.mem_free()
        self.heap_free_min = min(self.heap_free_min, self.heap_free)

    def busy_permille(self):
        """Part of the time since the last call that was not idle."""
        now = self._clock.us()
        spent, waited = now - self._report_us, self._waited_us
        self._report_us, self._waited_us = now, 0
        return 1000 - 1000 * waited // spent if spent else 0


def line_of(error):
    """The line an exception was raised at, as its traceback tells; 0 if it does not."""
    import io
    import sys

    text = io.StringIO()
    sys.print_exception(error, text)
    line = 0
    for part in text.getvalue().split(", line ")[1:]:
        digits = part.split(",")[0].split("\n")[0]
        if digits.isdigit():
            line = int(digits)
    return line

# The supervisor: feeds the watchdog, last in a cycle, and only if every task completed a turn within its own limit.
from micropython import const

_WATCHDOG_MS = const(8000)


class Supervisor:
    """begin() starts the watchdog; turn() is the end of each cycle."""

    def __init__(self, watchdog):
        self._watchdog = watchdog

    def begin(self):
        self._watchdog.start(_WATCHDOG_MS)

    def turn(self, now, tasks):
        for task in tasks:
            if now - task.done_us > task.period_us + task.limit_us:
                return  # not fed: the watchdog resets the instrument within its time
        self._watchdog.feed()

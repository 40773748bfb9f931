# The boot record: what a start must know of the one before. On-board time and record numbers are reserved in blocks
# ahead of their use, so neither is ever used twice: a reset out of order takes what is left of a block.
from struct import calcsize, pack, unpack

from fsw import icd
from fsw.health.faults import exception_of, line_of
from fsw.store.slots import Slots
from micropython import const

_FORM = ">IQIBBBBBH"
_TIME_US = const(600_000_000)  # the most that on-board time jumps ahead
_RECORDS = const(4096)
_NO_TASK = const(255)


class OnBoardTime:
    """What telemetry carries: microseconds that go on over resets, never backwards. `start_us`: when
    the board's clock was 0"""

    def __init__(self, clock, start_us):
        self.start_us = start_us
        self._us = clock.us

    def us(self):
        return self.start_us + self._us()

    def set(self, us):
        self.start_us = us - self._us()


class BootRecord:
    """Read, and this boot counted, when it is made. `errno`: of the last write, 0 if it was well; nothing is raised.

    count, reset_cause: of this boot. crash: None, or (task, exception, line) of what ended the run before.
    in_row: resets out of order since the last that was in order, or since a quiet `reset_window`.
    safe: the instrument was in mode safe. time_us, record: where on-board time and record numbers begin.
    damaged: copies found damaged; with 2, or 0 boots, everything begins at zero.
    """

    def __init__(self, folder, reset_cause):
        self._slots = slots = Slots(folder + "/boot")
        data = slots.load()
        self.damaged = slots.bad
        in_order = 1
        self.count = self.time_us = self.record = self.safe = self.in_row = task = exception = line = 0
        if data and len(data) == calcsize(_FORM):
            self.count, self.time_us, self.record, self.safe, in_order, self.in_row, task, exception, line = unpack(
                _FORM, data
            )
        self.crash = None
        if exception or line:
            self.crash, reset_cause = (task, exception, line), icd.RESET_CAUSE_CRASH
        self.reset_cause = reset_cause
        self.in_row = 0 if in_order else min(self.in_row + 1, 255)
        self.count += 1
        self.errno = 0
        self._reserve(self.time_us, self.record)

    def follow(self, time, store):
        """From now on `time.us()` and `store.next` tell what is used."""
        self._time, self._store = time, store
        if store.next > self.record:  # flash has more than the boot record knew
            self._reserve(time.us(), store.next)

    def keep(self, write=False):
        """Write if what is used nears the end of what is reserved, or `write`. -> whether it was written"""
        time_us, record = self._time.us(), self._store.next
        if write or time_us > self._time_half or record > self._record_half:
            self._reserve(time_us, record)
            return True
        return False

    def close(self):
        """The run ends in order: the next one goes on from here."""
        self._save(self._time.us(), self._store.next, 1)

    def crashed(self, task, error):
        """The run ends with an exception, of that task or, None, of none."""
        self._save(
            self._time_half + _TIME_US // 2,
            self._record_half + _RECORDS // 2,
            0,
            _NO_TASK if task is None else task,
            exception_of(error),
            line_of(error),
        )

    def _reserve(self, time_us, record):
        self._save(time_us + _TIME_US, record + _RECORDS, 0)
        self._time_half, self._record_half = time_us + _TIME_US // 2, record + _RECORDS // 2

    def _save(self, time_us, record, in_order, task=0, exception=0, line=0):
        self.errno = 0
        try:
            self._slots.save(
                pack(_FORM, self.count, time_us, record, self.safe, in_order, self.in_row, task, exception, line)
            )
        except OSError as error:  # an instrument that cannot count its boots still measures
            self.errno = error.errno or -1

# ST[15] on-board storage: which packets are stored, within a budget of bytes a day, and their retrieval.
from fsw import icd
from fsw.health.faults import Refused
from fsw.store.retrieval import Retrieval
from micropython import const

_DAY_US = const(86_400_000_000)
_SAVED_UP = const(8)  # of a day's budget so much, its 8th, can be saved up
_ACCRUE_US = const(10_000_000)
_ENABLE = const(1)
_DISABLE = const(2)
_BY_TIME = const(9)
_ABORT = const(17)
_RETRIEVE = const(128)
_DELETE = const(129)


class Storage:
    """What `Telemetry` stores with, and the task that writes: one of `boot_record`, `parameters`, `store` (PacketStore)
    and `checkpoint` a turn. `modes`: in mode safe only the boot record. `closing()`: spectra are to be sent.
    """

    def __init__(
        self, store, checkpoint, boot_record, parameters, failures, modes, closing, link, telemetry, report, size
    ):
        self.over_budget = 0
        self.task = None  # of the executive, once there is one
        self.quiet_us = 0  # after so long without a reset, those before no longer count
        self._segments = store.segments
        self._retrieval = Retrieval(store.segments, link.room, telemetry.resend, self._retrieved)
        self._parameters = parameters
        self._failures = failures
        self._report = report
        self._checkpoint = checkpoint
        self._boot_record = boot_record
        self._closing = closing
        self.store = store
        self._telemetry = telemetry
        self._modes = modes
        self._size = size
        self._enabled = True
        self._per_day = self._budget = self._most = self._accrued_us = 0

    def set_budget(self, number, per_day):
        """A parameter, octets a day. What can be saved up more than before is there at once."""
        most = per_day // _SAVED_UP
        self._budget = min(self._budget + max(most - self._most, 0), most)
        self._per_day = per_day
        self._most = most

    def missed(self):
        return self.store.missed + self.over_budget

    # -- what Telemetry asks -----------------------------------------------------------------------

    def number(self, priority):
        """Record number of a packet about to be sent; 0: it is not to be stored."""
        if not self._enabled or self._modes.is_safe:
            return 0
        if self._budget <= (self._most >> 1 if priority > 1 else 0):
            self.over_budget += 1
            return 0
        return self.store.take_number()

    def room(self):
        """False while it is worth waiting with a packet that can wait."""
        return not self._enabled or self._modes.is_safe or not self.store.busy()

    def append(self, frame):
        self._budget -= len(frame)
        self.store.append(frame)
        if self.task and self.store.busy():
            self.task.due_us = 0  # at once: spectra wait for it

    # -- the task ----------------------------------------------------------------------------------

    def turn(self, now):
        safe = self._modes.is_safe
        self._failures.turn(now, self._report)
        quiet = False
        if now - self._accrued_us > _ACCRUE_US:
            self._accrue(now - self._accrued_us)
            self._accrued_us = now
            quiet = self._boot_record.in_row and not safe and now > self.quiet_us
            if quiet:
                self._boot_record.in_row = 0
        if self._boot_record.keep(quiet):
            return False
        if not safe and (self._parameters.turn(now) or self.store.turn(now)):
            return True
        if self._retrieval.turn():
            return True
        return not safe and self._checkpoint.turn(now, self._closing(), not self.store.pending)

    def _accrue(self, gone_us):
        self._budget = min(self._budget + self._per_day * gone_us // _DAY_US, self._most)

    # -- telecommands ------------------------------------------------------------------------------

    def check(self, subtype, first=0, last=0, *to):
        if self._modes.is_safe and subtype in (_ENABLE, _DISABLE, _DELETE):
            raise Refused(icd.FAILURE_WRONG_MODE, icd.MODE_SAFE)
        if subtype == _RETRIEVE and last < first:
            raise Refused(icd.FAILURE_OUT_OF_RANGE, last)
        if subtype == _BY_TIME and _cuc(*to) < _cuc(first, last):
            raise Refused(icd.FAILURE_OUT_OF_RANGE, to[0])

    def execute(self, subtype, first=0, last=0, *to):
        store = self.store
        if subtype in (_ENABLE, _DISABLE):
            self._enabled = subtype == _ENABLE
            if not self._enabled:
                store.ask()
        elif subtype == _RETRIEVE:
            self._retrieval.by_number(first, last)
        elif subtype == _BY_TIME:
            self._retrieval.by_time(_cuc(first, last), _cuc(*to))
        elif subtype == _ABORT:
            self._retrieval.abort()
        elif subtype == _DELETE:
            store.delete(first)
        else:
            self._telemetry.send(
                icd.STORAGE_REPORT,
                store.first,
                store.last,
                store.next,
                self._segments.bytes,
                self._size,
                store.dropped & 0xFFFFFFFF,
                store.missed & 0xFFFFFFFF,
                self.over_budget & 0xFFFFFFFF,
                max(self._budget, 0),
                self._segments.bad & 0xFFFF,
                self._enabled,
            )

    def _retrieved(self, first, last, count):
        self._telemetry.send(icd.RETRIEVED, first, last, count)


def _cuc(seconds, fraction):
    return seconds << 16 | fraction

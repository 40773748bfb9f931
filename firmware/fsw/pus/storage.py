# ST[15] on-board storage: the task that writes to flash, and the retrieval of stored packets.
from fsw import icd
from fsw.health.faults import Refused
from fsw.store.retrieval import Retrieval
from micropython import const

_US = const(1_000_000)
_ACCRUE_US = const(10_000_000)
_ENABLE = const(1)
_DISABLE = const(2)
_BY_TIME = const(9)
_ABORT = const(17)
_RETRIEVE = const(128)
_DELETE = const(129)


class Storage:
    """Each step writes one of `boot_record`, `parameters`, `store` (PacketStore) and `checkpoint`; in mode safe only
    the boot record. closing(): whether closed spectra are still to be sent. size: capacity of the store, octets.
    """

    def __init__(
        self, budget, store, checkpoint, boot_record, parameters, failures, closing, link, telemetry, report, size
    ):
        self.quiet_us = 0  # time without a reset after which earlier resets no longer count
        self._budget = budget
        self._store = store
        self._retrieval = Retrieval(store.segments, link.room, telemetry.resend, self._retrieved)
        self._parameters = parameters
        self._failures = failures
        self._report = report
        self._checkpoint = checkpoint
        self._boot_record = boot_record
        self._closing = closing
        self._telemetry = telemetry
        self._size = size
        self._accrued_us = 0
        parameters.bind(icd.P_STORAGE_PER_DAY, 1, budget, "set")
        parameters.bind(icd.P_STORAGE_DELAY, 1, store, "delay_us", _US)
        parameters.bind(icd.P_CHECKPOINT_PERIOD, 1, checkpoint, "period_us", _US)
        parameters.bind(icd.P_RESET_WINDOW, 1, self, "quiet_us", _US)

    def wanted(self):
        """Return true if spectra wait for room in the store, or retrieved packets may be sent. Must not allocate."""
        return self._budget.busy() or self._retrieval.wanted()

    def step(self, now):
        record = self._boot_record
        self._failures.step(now, self._report)
        quiet = False
        if now - self._accrued_us > _ACCRUE_US:
            self._budget.accrue(now - self._accrued_us)
            self._accrued_us = now
            quiet = record.consecutive_resets and not record.safe and now > self.quiet_us
            if quiet:
                record.consecutive_resets = 0
        if record.keep(quiet) or self._parameters.report():
            return True
        if not record.safe and (self._parameters.step(now) or self._store.step(now)):
            return True
        if self._retrieval.step():
            return True
        return not record.safe and self._checkpoint.step(now, self._closing(), not self._store.pending)

    # -- telecommands ------------------------------------------------------------------------------

    def check(self, subtype, first=0, last=0, *to):
        if subtype in (_ENABLE, _DISABLE, _DELETE):
            self._boot_record.check_not_safe()
        if subtype == _RETRIEVE and last < first:
            raise Refused(icd.FAILURE_OUT_OF_RANGE, last)
        if subtype == _BY_TIME and _cuc(*to) < _cuc(first, last):
            raise Refused(icd.FAILURE_OUT_OF_RANGE, to[0])

    def execute(self, subtype, first=0, last=0, *to):
        store, budget = self._store, self._budget
        if subtype in (_ENABLE, _DISABLE):
            budget.enabled = subtype == _ENABLE
            if not budget.enabled:
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
                store.segments.bytes,
                self._size,
                store.dropped & 0xFFFFFFFF,
                store.missed & 0xFFFFFFFF,
                budget.over & 0xFFFFFFFF,
                max(budget.left, 0),
                store.segments.bad & 0xFFFF,
                budget.enabled,
            )

    def _retrieved(self, first, last, count):
        self._telemetry.send(icd.RETRIEVAL_END, first, last, count)


def _cuc(seconds, fraction):
    return seconds << 16 | fraction

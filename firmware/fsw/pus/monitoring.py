# ST[12] on-board monitoring: checks housekeeping values against limits.
from array import array

from fsw import icd
from fsw.health.faults import Refused
from micropython import const

_EVENTS = (
    icd.EVENT_LIMIT_BIAS,
    icd.EVENT_LIMIT_LEAKAGE,
    icd.EVENT_LIMIT_TEMPERATURE_HEAD,
    icd.EVENT_LIMIT_TEMPERATURE_BOARD,
    icd.EVENT_LIMIT_HEAP,
    icd.EVENT_LIMIT_EVENT_RATE,
    icd.EVENT_LIMIT_RING_OVERRUNS,
    icd.EVENT_LIMIT_PACKETS_DROPPED,
)
_US = const(1_000_000)
_ENABLE = const(1)
_DISABLE = const(2)
_ADD = const(5)
_DELETE = const(6)
_MODIFY = const(7)
_REPORT = const(8)
_UNREAD = const(0xFFFFFFFF)


class Monitoring:
    """interval_us: interval between checks."""

    def __init__(self, parts):
        self.interval_us = self._checked_us = 0
        self._parts = parts
        self._report = parts.report
        self._telemetry = parts.telemetry
        n = len(icd.MONITORS)
        self._low = array("I", (low for low, _, _ in icd.MONITORS))
        self._high = array("I", (high for _, high, _ in icd.MONITORS))
        self._repetition = bytearray(repetition for _, _, repetition in icd.MONITORS)  # 0: deleted
        self._enabled = bytearray(b"\1" * n)
        self._state = bytearray(n)  # icd.CHECK_STATE_UNCHECKED
        self._seen = bytearray(n)  # state found by the last check, and the number of consecutive checks that found it
        self._times = bytearray(n)
        self._counted = [0, 0]  # last values of the counters whose growth is monitored
        parts.parameters.bind(icd.P_MONITOR_INTERVAL, 1, self, "interval_us", _US)

    def out(self):
        """Return a mask of the monitors that are out of limits."""
        mask = 0
        for n, state in enumerate(self._state):  # a generator expression would take more memory
            if state > icd.CHECK_STATE_WITHIN:
                mask |= 1 << n
        return mask

    def step(self, now):
        if now - self._checked_us < self.interval_us:
            return
        self._checked_us = now
        values = self._values()
        for n, value in enumerate(values):
            if self._enabled[n] and value != _UNREAD:
                self._check(n, value)

    def _values(self):
        parts = self._parts
        bias, leakage, head, board = parts.slow_control.readings
        growths = []
        for n, count in enumerate((parts.acquisition.overruns, parts.telemetry.dropped)):
            growths.append(count - self._counted[n])
            self._counted[n] = count
        return bias, leakage, head, board, parts.executive.heap_free, parts.storm.rate_cps, growths[0], growths[1]

    def _check(self, n, value):
        state = icd.CHECK_STATE_WITHIN
        if value < self._low[n]:
            state = icd.CHECK_STATE_BELOW
        elif value > self._high[n]:
            state = icd.CHECK_STATE_ABOVE
        self._times[n] = min(self._times[n] + 1, 255) if state == self._seen[n] else 1
        self._seen[n] = state
        if state != self._state[n] and self._times[n] >= self._repetition[n]:
            self._change(n, state, value)

    def _change(self, n, state, value):
        before = self._state[n]
        self._state[n] = state
        limit = 0
        if state > icd.CHECK_STATE_WITHIN:
            limit = (self._low if state == icd.CHECK_STATE_BELOW else self._high)[n]
            self._report(_EVENTS[n], value, limit)
        self._telemetry.send(icd.MONITOR_TRANSITION, n, value, limit, before, state)

    # -- telecommands ------------------------------------------------------------------------------

    def check(self, subtype, n=0, low=0, high=0, repetition=1):
        if subtype >= _REPORT:
            return
        if n >= len(_EVENTS) or (subtype != _ADD and not self._repetition[n]):
            raise Refused(icd.FAILURE_UNKNOWN_ENTRY, n)
        if subtype == _ADD and self._repetition[n]:
            raise Refused(icd.FAILURE_NO_ROOM, n)
        if high < low:
            raise Refused(icd.FAILURE_OUT_OF_RANGE, high)
        if not repetition:
            raise Refused(icd.FAILURE_OUT_OF_RANGE, repetition)

    def execute(self, subtype, n=0, low=0, high=0, repetition=0):
        if subtype in (_ADD, _MODIFY):
            self._low[n], self._high[n], self._repetition[n] = low, high, repetition
        elif subtype == _DELETE:
            self._repetition[n] = 0
        elif subtype == _ENABLE:
            self._enabled[n] = 1
        if subtype in (_DISABLE, _ADD, _DELETE):
            self._enabled[n] = 0
        if subtype < _REPORT:  # earlier checks used other limits
            self._state[n] = self._seen[n] = self._times[n] = 0
        elif subtype == _REPORT:
            self._definitions()
        else:
            self._out_of_limits()

    def _definitions(self):
        telemetry = self._telemetry
        here = bytes(n for n in range(len(_EVENTS)) if self._repetition[n])
        telemetry.begin(icd.MONITOR_DEFINITIONS, len(here))
        telemetry.octets(here)
        for values in (self._enabled, self._repetition):
            telemetry.octets(bytes(values[n] for n in here))
        for values in (self._low, self._high):
            for n in here:
                telemetry.words(values, n, 1)
        telemetry.end()

    def _out_of_limits(self):
        out = bytes(n for n, state in enumerate(self._state) if state > icd.CHECK_STATE_WITHIN)
        self._telemetry.begin(icd.OUT_OF_LIMITS, len(out))
        self._telemetry.octets(out)
        self._telemetry.octets(bytes(self._state[n] for n in out))
        self._telemetry.end()


service = Monitoring  # constructed by app.py

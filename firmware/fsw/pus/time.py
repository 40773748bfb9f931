# ST[09] time management: reports and sets on-board time, which never goes backwards.
from fsw import icd
from fsw.health.faults import Refused
from fsw.link.packet import cuc
from micropython import const

_US = const(1_000_000)
_SET = const(128)
_LATEST_S = const(4_000_000_000)  # packets carry 32 bits of seconds: this leaves years until they overflow
_DAY_US = const(86_400_000_000)


class Time:
    """interval_us: interval of the reports; 0: none. time: on-board time; clock: the board clock it is based on."""

    def __init__(self, time, clock, boot_record, modes, parameters, telemetry, report):
        self.interval_us = self._reported_us = 0
        self._time = time
        self._clock = clock
        self._boot_record = boot_record
        self._modes = modes
        self._parameters = parameters
        self._telemetry = telemetry
        self._report = report
        parameters.bind(icd.P_TIME_INTERVAL, 1, self, "interval_us", _US)

    def step(self, now):
        if self.interval_us and now - self._reported_us >= self.interval_us:
            self._reported_us = now
            self._telemetry.send(icd.TIME_REPORT, self.interval_us // 1_000_000, self._clock.us())

    def check(self, subtype, number, fraction=0):
        if subtype == _SET:
            ahead_us = cuc(number, fraction) - self._time.us()
            if ahead_us <= 0 or number > _LATEST_S:
                raise Refused(icd.FAILURE_OUT_OF_RANGE, number)
            if ahead_us > _DAY_US:  # it cannot be undone
                self._modes.check_armed(_SET)
        else:
            self._parameters.check(subtype, icd.P_TIME_INTERVAL, number)

    def execute(self, subtype, number, fraction=0):
        if subtype == _SET:
            before = self._time.us()
            us = cuc(number, fraction)
            self._boot_record.reserve_time(us)  # the next boot continues from here; if that fails, nothing is changed
            self._time.set(us)
            if us - before > _DAY_US:
                self._modes.disarm()  # arming is valid once
            self._report(icd.EVENT_TIME_SET, before // 1_000_000, number)
        else:
            self._parameters.set(icd.P_TIME_INTERVAL, number)

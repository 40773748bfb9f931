# Storm mode: a rate of events that stays high for long shortens the integrations and stops the event list, by itself; a
# short spike, as of a calibration pulser, does not. Back when it has stayed low for as long.
from fsw import icd
from micropython import const

_US = const(1_000_000)
_SAMPLE_US = const(1_000_000)
# The rule: at least 9 of the last 10 tenths of `hold_us` on the other side of the limit, as "at most one bit is set of
# the last ten that were not". A spike of half of `hold_us` touches six tenths; random counts, 30 and more in a tenth at
# the limit, are told apart from 0.8 of it to 1.25 of it.
_TENTHS = const(10)
_ALL = const(0x3FF)


class Storm:
    """rate_cps: triggers a second, in the last second. active: in storm mode. rate, hold_us: parameters."""

    def __init__(self, acquisition, parameters, report):
        self.rate_cps = self.rate = self.hold_us = 0
        self.active = False
        self._acquisition = acquisition
        self._report = report
        self._integration_s = self._storm_integration_s = 0  # outside a storm, and in one
        self._sampled_us = self._sampled = 0  # when, and events until then
        self._tenth_us = self._tenth = 0  # the same for the begin of the running tenth
        self._short = _ALL  # a bit for each of the last ten tenths, set: not on the other side of the limit
        self._began_us = 0
        bind = parameters.bind
        bind(icd.P_INTEGRATION_TIME, 1, self, "set_integration")
        bind(icd.P_STORM_INTEGRATION, 1, self, "set_integration")
        bind(icd.P_STORM_RATE, 1, self, "rate", 1)
        bind(icd.P_STORM_HOLD, 1, self, "hold_us", _US)

    def set_integration(self, number, seconds):
        """A parameter: length of an integration while there is no storm, or in one, where it is shorter."""
        if number == icd.P_INTEGRATION_TIME:
            self._integration_s = seconds
        else:
            self._storm_integration_s = seconds
        self._apply()

    def _apply(self):
        seconds = self._integration_s
        self._acquisition.set_integration(min(seconds, self._storm_integration_s) if self.active else seconds)

    def step(self, now):
        events = self._acquisition.events_since_boot()
        gone_us = now - self._sampled_us
        if gone_us >= _SAMPLE_US:
            self.rate_cps = (events - self._sampled) * 1_000_000 // gone_us
            self._sampled, self._sampled_us = events, now
        gone_us = now - self._tenth_us
        if gone_us * _TENTHS < self.hold_us:
            return
        # twice, as the limit is half of the rate in a storm
        high = (events - self._tenth) * 2_000_000 > (self.rate if self.active else 2 * self.rate) * gone_us
        self._tenth, self._tenth_us = events, now
        self._short = short = (self._short << 1 | (high == self.active)) & _ALL
        if short & (short - 1):
            return
        self._short = _ALL
        self.active = not self.active
        if self.active:
            self._began_us = now
            self._report(icd.EVENT_STORM_BEGIN, self.rate_cps)
        else:
            self._report(icd.EVENT_STORM_END, self.rate_cps, (now - self._began_us) // 1_000_000)
        self._apply()

# Storm mode: an event rate that stays high shortens the integrations and stops the event list, without a telecommand. A
# short spike, such as from a calibration pulser, does not. The mode ends when the rate has stayed low for the same
# time.
from fsw import icd
from micropython import const

_US = const(1_000_000)
_SAMPLE_US = const(1_000_000)
# The rule: at least 9 of the last 10 tenths of `hold_us` are on the other side of the limit, that is, at most one of
# ten bits is set. A spike of half of `hold_us` touches six tenths. With at least 30 random counts in a tenth at the
# limit, 0.8 and 1.25 times the limit can be distinguished.
_TENTHS = const(10)
_ALL = const(0x3FF)


class Storm:
    """rate_cps: trigger rate in the last second. active: in storm mode. rate, hold_us: parameters."""

    def __init__(self, acquisition, parameters, report):
        self.rate_cps = self.rate = self.hold_us = 0
        self.active = False
        self._acquisition = acquisition
        self._report = report
        self._integration_s = self._storm_integration_s = 0  # outside and during a storm
        self._sampled_us = self._sampled = 0  # time of the last sample, and events until then
        self._tenth_us = self._tenth = 0  # the same for the start of the current tenth
        self._short = _ALL  # one bit for each of the last ten tenths; 1: on the side of the current state
        self._began_us = 0
        bind = parameters.bind
        bind(icd.P_INTEGRATION_TIME, 1, self, "set_integration")
        bind(icd.P_STORM_INTEGRATION, 1, self, "set_integration")
        bind(icd.P_STORM_RATE, 1, self, "rate", 1)
        bind(icd.P_STORM_HOLD, 1, self, "hold_us", _US)

    def set_integration(self, number, seconds):
        """Set the integration time (parameter) outside a storm, or during one, where it applies if shorter."""
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
        elapsed_us = now - self._sampled_us
        if elapsed_us >= _SAMPLE_US:
            self.rate_cps = (events - self._sampled) * 1_000_000 // elapsed_us
            self._sampled, self._sampled_us = events, now
        elapsed_us = now - self._tenth_us
        if elapsed_us * _TENTHS < self.hold_us:
            return
        # doubled, as the limit during a storm is half of `rate`
        high = (events - self._tenth) * 2_000_000 > (self.rate if self.active else 2 * self.rate) * elapsed_us
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

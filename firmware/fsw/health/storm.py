# Storm mode: a rate of events that stays high for long shortens the integrations and stops the event list, by itself; a
# short spike, as of a calibration pulser, does not. Back when it has stayed low for as long.
from fsw import icd
from micropython import const

_LOOK_US = const(1_000_000)
# The rule: at least 9 of the last 10 tenths of `hold_us` on the other side of the limit, as "at most one bit is set of
# the last ten that were not". A spike of half of `hold_us` touches six tenths; random counts, 30 and more in a tenth at
# the limit, are told apart from 0.8 of it to 1.25 of it.
_TENTHS = const(10)
_ALL = const(0x3FF)


class Storm:
    """rate_cps: triggers a second at the last look. raging: in storm mode. rate, hold_us, integration_s: parameters."""

    def __init__(self, acquisition, report):
        self.rate_cps = self.rate = self.hold_us = self.integration_s = 0
        self.raging = False
        self._acquisition = acquisition
        self._report = report
        self._integration_s = 0  # outside a storm
        self._known = self._turned_us = 0  # events at the last turn
        self._looked_us = self._looked = 0
        self._tenth_us = self._events = self._counted_us = 0  # begin of the running tenth; counted in it, in that time
        self._short = _ALL  # a bit for each of the last ten tenths, set: not on the other side of the limit
        self._began_us = 0

    def set_integration(self, seconds):
        """Length of an integration while there is no storm."""
        self._integration_s = seconds
        self.apply()

    def apply(self):
        seconds = self._integration_s
        self._acquisition.set_integration(min(seconds, self.integration_s) if self.raging else seconds)

    def turn(self, now):
        known, self._known = self._known, self._acquisition.n_events()
        gone_us, self._turned_us = now - self._turned_us, now
        if self._known >= known:  # else they were cleared: of this turn nothing is known
            self._events += self._known - known
            self._counted_us += gone_us
        gone_us = now - self._looked_us
        if gone_us >= _LOOK_US:
            if self._known >= self._looked:
                self.rate_cps = (self._known - self._looked) * 1_000_000 // gone_us if self._acquisition.running else 0
            self._looked, self._looked_us = self._known, now
        tenth_us = self.hold_us // _TENTHS
        if now - self._tenth_us >= tenth_us and self._counted_us:
            self._tenth_us += tenth_us
            if now - self._tenth_us >= tenth_us:  # tenths shorter than a turn, or the first of all
                self._tenth_us = now
            self._judge(now)

    def _judge(self, now):
        """What the tenth that is over says."""
        # twice, as the limit is half of the rate in a storm
        high = 2 * self._events * 1_000_000 > (self.rate if self.raging else 2 * self.rate) * self._counted_us
        self._events = self._counted_us = 0
        self._short = short = (self._short << 1 | (high == self.raging)) & _ALL
        if short & (short - 1):
            return
        self._short = _ALL
        self.raging = not self.raging
        if self.raging:
            self._began_us = now
            self._report(icd.EVENT_STORM_BEGINS, self.rate_cps)
        else:
            self._report(icd.EVENT_STORM_ENDS, self.rate_cps, (now - self._began_us) // 1_000_000)
        self.apply()

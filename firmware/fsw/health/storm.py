# Storm mode: a rate of events that stays high for long shortens the integrations and stops the event list, by itself; a
# short spike, as of a calibration pulser, does not. Back when it has stayed low for as long.
from fsw import icd
from micropython import const

_LOOK_US = const(1_000_000)


class Storm:
    """rate_cps: triggers a second at the last look. raging: in storm mode. rate, hold_us: parameters."""

    def __init__(self, acquisition, report):
        self.rate_cps = self.rate = self.hold_us = 0
        self.raging = False
        self._acquisition = acquisition
        self._report = report
        self._integration_s = self._storm_integration_s = 0  # outside a storm, and in one
        self._events = self._looked_us = 0
        self._since_us = 0  # of the rate being on the other side
        self._began_us = 0

    def set_integration(self, number, seconds):
        """A parameter: length of an integration while there is no storm, or in one, where it is shorter."""
        if number == icd.P_INTEGRATION_TIME:
            self._integration_s = seconds
        else:
            self._storm_integration_s = seconds
        self._apply()

    def _apply(self):
        seconds = self._integration_s
        self._acquisition.set_integration(min(seconds, self._storm_integration_s) if self.raging else seconds)

    def turn(self, now):
        gone_us = now - self._looked_us
        if gone_us < _LOOK_US:
            return
        events = self._acquisition.n_events()
        known, self._events, self._looked_us = self._events, events, now
        if events < known:  # they were cleared: it takes the next look to tell
            return
        self.rate_cps = (events - known) * 1_000_000 // gone_us if self._acquisition.running else 0
        high = self.rate_cps > (self.rate // 2 if self.raging else self.rate)
        if high == self.raging:
            self._since_us = now
        elif now - self._since_us >= self.hold_us:
            self._change(now)

    def _change(self, now):
        self.raging = not self.raging
        self._since_us = now
        if self.raging:
            self._began_us = now
            self._report(icd.EVENT_STORM_BEGINS, self.rate_cps)
        else:
            self._report(icd.EVENT_STORM_ENDS, self.rate_cps, (now - self._began_us) // 1_000_000)
        self._apply()

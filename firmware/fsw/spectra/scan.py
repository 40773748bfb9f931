# The threshold scan: hits of each detector at one level of the comparators after the other.
from array import array

from fsw import icd
from fsw.health.faults import Refused


class Scan:
    """And the levels of the comparators while none runs. first_mv, step_mv, steps, dwell_s: parameters."""

    def __init__(self, acquisition, slow_control, parameters, telemetry, report):
        self.first_mv = self.step_mv = self.steps = self.dwell_s = 0
        self._acquisition = acquisition
        self._slow_control = slow_control
        self._parameters = parameters
        self._telemetry = telemetry
        self._report = report
        self._step = None  # which is running
        self._until_us = self._real_us = self._level_mv = self._cleared = 0
        self._hits = array("I", [0] * icd.DETECTORS)  # at its begin

    def set_comparator(self, number, value):
        """A parameter; while a scan runs, it takes effect when that ends. OSError if slow control does not answer."""
        if self._step is None:
            front = number == icd.P_COMPARATOR_FRONT
            other = self._parameters.get(icd.P_COMPARATOR_BACK if front else icd.P_COMPARATOR_FRONT)
            self._comparators(*((value, other) if front else (other, value)))

    def _comparators(self, front_mv, back_mv):
        self._slow_control.comparators(self._acquisition.clock.us(), front_mv, back_mv)

    def check(self):
        """Refused if one runs."""
        if self._step is not None:
            raise Refused(icd.FAILURE_WRONG_MODE, icd.MODE_CALIBRATION)

    def begin(self):
        self._enter(0)

    def _enter(self, step):
        self._level_mv = level_mv = min(self.first_mv + step * self.step_mv, 2000)
        self._comparators(level_mv, level_mv)
        a = self._acquisition
        self._step, self._cleared = step, a.cleared
        for d in range(icd.DETECTORS):
            self._hits[d] = self._seen(d)
        self._real_us = a.real_us
        self._until_us = a.clock.us() + 1_000_000 * self.dwell_s

    def _seen(self, detector):
        counters = self._acquisition.counters  # accepted, below threshold, over range
        return sum(counters[detector + first] for first in (0, 16, 32)) & 0xFFFFFFFF

    def turn(self, now):
        step = self._step
        if step is None or now < self._until_us:
            return
        if self._cleared != self._acquisition.cleared:  # the counters, too: this step begins anew
            self._go_on(step)
            return
        for d in range(icd.DETECTORS):
            self._hits[d] = self._seen(d) - self._hits[d] & 0xFFFFFFFF
        telemetry = self._telemetry
        telemetry.begin(icd.THRESHOLD_SCAN, step, self._level_mv, self._acquisition.real_us - self._real_us)
        telemetry.words(self._hits, 0, icd.DETECTORS)
        telemetry.end()
        if step + 1 >= self.steps:
            self.end(False)
            return
        self._go_on(step + 1)

    def _go_on(self, step):
        try:
            self._enter(step)
        except OSError:
            self._step = step  # so many are complete
            self.end(True)

    def end(self, broken_off):
        """Back to the levels that are set."""
        step, self._step = self._step, None
        if step is None:
            return
        try:
            get = self._parameters.get
            self._comparators(get(icd.P_COMPARATOR_FRONT), get(icd.P_COMPARATOR_BACK))
        except OSError:  # they come with the next parameter that is set; slow control reports what does not answer
            pass
        self._report(icd.EVENT_SCAN_ENDED, step + (not broken_off), broken_off)

# The threshold scan: counts the hits of each detector at successive comparator levels. ST[08] polls complete(), sends
# the step and continues the scan.
from array import array

from fsw import icd
from fsw.health.faults import Refused


class Scan:
    """Also sets the comparator levels while no scan runs. first_mv, step_mv, steps, dwell_s: parameters.

    step: number of the running step, or None. level_mv, real_us, hits (per detector): results of a complete step.
    """

    def __init__(self, acquisition, slow_control, parameters, modes, report):
        self.first_mv = self.step_mv = self.steps = self.dwell_s = 0
        self._acquisition = acquisition
        self._slow_control = slow_control
        self._parameters = parameters
        self._report = report
        self.step = None
        self.level_mv = self.real_us = self._until_us = self._cleared = 0
        self.hits = array("I", [0] * icd.DETECTORS)  # while a step runs: the value at its start, like real_us
        bind = parameters.bind
        bind(icd.P_COMPARATOR_FRONT, 2, self, "set_comparator")
        bind(icd.P_SCAN_FROM, 1, self, "first_mv", 1)
        bind(icd.P_SCAN_STEP, 1, self, "step_mv", 1)
        bind(icd.P_SCAN_STEPS, 1, self, "steps", 1)
        bind(icd.P_SCAN_DWELL, 1, self, "dwell_s", 1)
        modes.after_calibration(self.abort)

    def set_comparator(self, number, value):
        """Set a level (parameter); a scan delays this to its end. Raises OSError if slow control does not answer."""
        if self.step is None:
            front = number == icd.P_COMPARATOR_FRONT
            other = self._parameters.get(icd.P_COMPARATOR_BACK if front else icd.P_COMPARATOR_FRONT)
            self._comparators(*((value, other) if front else (other, value)))

    def _comparators(self, front_mv, back_mv):
        self._slow_control.comparators(self._acquisition.clock.us(), front_mv, back_mv)

    def check(self):
        """Raise Refused if a scan is running."""
        if self.step is not None:
            raise Refused(icd.FAILURE_WRONG_MODE, icd.MODE_CALIBRATION)

    def begin(self):
        self._enter(0)

    def _enter(self, step):
        self.level_mv = level_mv = min(self.first_mv + step * self.step_mv, 2000)
        self._comparators(level_mv, level_mv)
        a = self._acquisition
        self.step, self._cleared = step, a.cleared
        for d in range(icd.DETECTORS):
            self.hits[d] = self._counted(d)
        self.real_us = a.real_us
        self._until_us = a.clock.us() + 1_000_000 * self.dwell_s

    def _counted(self, detector):
        counters = self._acquisition.counters  # accepted, below threshold, over range
        return counters[detector] + counters[detector + 16] + counters[detector + 32] & 0xFFFFFFFF

    def complete(self, now):
        """Return true if a step is complete; call go_on() once it has been sent."""
        if self.step is None or now < self._until_us:
            return False
        a = self._acquisition
        if self._cleared != a.cleared:  # the counters were cleared: repeat the step
            self._next(self.step)
            return False
        for d in range(icd.DETECTORS):
            self.hits[d] = self._counted(d) - self.hits[d] & 0xFFFFFFFF
        self.real_us = a.real_us - self.real_us
        return True

    def go_on(self):
        if self.step + 1 >= self.steps:  # pyright: ignore[reportOptionalOperand] a step is complete
            self._end(False)
        else:
            self._next(self.step + 1)  # pyright: ignore[reportOptionalOperand]

    def _next(self, step):
        try:
            self._enter(step)
        except OSError:
            self.step = step  # number of complete steps, for the report
            self.abort()

    def abort(self):
        """End a running scan early."""
        self._end(True)

    def _end(self, aborted):
        """End the scan and restore the comparator levels."""
        step, self.step = self.step, None
        if step is None:
            return
        try:
            get = self._parameters.get
            self._comparators(get(icd.P_COMPARATOR_FRONT), get(icd.P_COMPARATOR_BACK))
        except OSError:  # the next change of a level restores them; slow control reports that it does not answer
            pass
        self._report(icd.EVENT_SCAN_ENDED, step + (not aborted), aborted)

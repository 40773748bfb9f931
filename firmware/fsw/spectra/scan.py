# The threshold scan: hits of each detector at one level of the comparators after the other. Whoever sends its steps
# asks for each, and has it go on.
from array import array

from fsw import icd
from fsw.health.faults import Refused


class Scan:
    """And the levels of the comparators while none runs. first_mv, step_mv, steps, dwell_s: parameters.

    step: which is running, or None. Of a step that is complete: level_mv; real_us, and hits of each detector, in it.
    """

    def __init__(self, acquisition, slow_control, parameters, modes, report):
        self.first_mv = self.step_mv = self.steps = self.dwell_s = 0
        self._acquisition = acquisition
        self._slow_control = slow_control
        self._parameters = parameters
        self._report = report
        self.step = None
        self.level_mv = self.real_us = self._until_us = self._cleared = 0
        self.hits = array("I", [0] * icd.DETECTORS)  # while a step runs: what was counted before it, as real_us
        bind = parameters.bind
        bind(icd.P_COMPARATOR_FRONT, 2, self, "set_comparator")
        bind(icd.P_SCAN_FROM, 1, self, "first_mv", 1)
        bind(icd.P_SCAN_STEP, 1, self, "step_mv", 1)
        bind(icd.P_SCAN_STEPS, 1, self, "steps", 1)
        bind(icd.P_SCAN_DWELL, 1, self, "dwell_s", 1)
        modes.after_calibration(self.abort)

    def set_comparator(self, number, value):
        """A parameter; while a scan runs, it takes effect when that ends. OSError if slow control does not answer."""
        if self.step is None:
            front = number == icd.P_COMPARATOR_FRONT
            other = self._parameters.get(icd.P_COMPARATOR_BACK if front else icd.P_COMPARATOR_FRONT)
            self._comparators(*((value, other) if front else (other, value)))

    def _comparators(self, front_mv, back_mv):
        self._slow_control.comparators(self._acquisition.clock.us(), front_mv, back_mv)

    def check(self):
        """Refused if one runs."""
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
        return sum(counters[detector + first] for first in (0, 16, 32)) & 0xFFFFFFFF

    def complete(self, now):
        """Whether a step is: then go_on() is to be called once it was sent."""
        if self.step is None or now < self._until_us:
            return False
        a = self._acquisition
        if self._cleared != a.cleared:  # the counters, too: this step begins anew
            self._next(self.step)
            return False
        for d in range(icd.DETECTORS):
            self.hits[d] = self._counted(d) - self.hits[d] & 0xFFFFFFFF
        self.real_us = a.real_us - self.real_us
        return True

    def go_on(self):
        if self.step + 1 >= self.steps:  # pyright: ignore[reportOptionalOperand] complete
            self._end(False)
        else:
            self._next(self.step + 1)  # pyright: ignore[reportOptionalOperand]

    def _next(self, step):
        try:
            self._enter(step)
        except OSError:
            self.step = step  # so many are complete
            self.abort()

    def abort(self):
        """End it now, if one runs."""
        self._end(True)

    def _end(self, broken_off):
        """Back to the levels that are set."""
        step, self.step = self.step, None
        if step is None:
            return
        try:
            get = self._parameters.get
            self._comparators(get(icd.P_COMPARATOR_FRONT), get(icd.P_COMPARATOR_BACK))
        except OSError:  # they come with the next parameter that is set; slow control reports what does not answer
            pass
        self._report(icd.EVENT_SCAN_ENDED, step + (not broken_off), broken_off)

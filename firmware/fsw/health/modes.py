# The modes of the instrument, and arming. icd.FUNCTIONS defines the transitions by function. Mode safe is also entered
# autonomously and is left by telecommand only; in it the bias is off, nothing is acquired, and only the boot record and
# the authentication counter are written to flash, after parameter changes not yet saved.
from fsw import icd
from fsw.health.faults import Refused, exception_of, line_of
from micropython import const

_ARMED_US = const(10_000_000)
_NO_MODE = const(255)


class Modes:
    """mode: value of the enum `mode`."""

    def __init__(self, clock, acquisition, slow_control, parameters, boot_record, report):
        self.mode = icd.MODE_BOOT
        self._us = clock.us
        self._parameters = parameters
        self._acquisition = acquisition
        self._slow_control = slow_control
        self._boot_record = boot_record
        self._report = report
        self._armed_until_us = 0
        self._end_of_calibration = [self._pulser_off]
        # bias off comes first, then the record, then everything else
        self._safe_steps = [self._bias_off, self._record_safe, self._pulser_off, self._stop, parameters.flush]

    def at_safe(self, step):
        """Call step() whenever mode safe is entered."""
        self._safe_steps.append(step)

    def after_calibration(self, step):
        """Call step() when calibration ends and whenever mode safe is entered."""
        self._end_of_calibration.append(step)
        self._safe_steps.append(step)

    # -- arming ------------------------------------------------------------------------------------

    def arm(self):
        self._armed_until_us = self._us() + _ARMED_US

    def check_armed(self, what):
        """Raise Refused, with the detail `what`, unless `arm` was received in time."""
        if self._us() >= self._armed_until_us:
            raise Refused(icd.FAILURE_NOT_ARMED, what)

    def disarm(self):
        self._armed_until_us = 0

    # -- transitions -------------------------------------------------------------------------------

    def after(self, function):
        """Return the mode a function leads to. Raises Refused if the function is unknown, not armed or not allowed."""
        for number, armed, modes in icd.FUNCTIONS:
            if number == function:
                if armed:
                    self.check_armed(function)
                mode = modes[self.mode]
                if mode == _NO_MODE:
                    raise Refused(icd.FAILURE_WRONG_MODE, self.mode)
                return mode
        raise Refused(icd.FAILURE_UNKNOWN_FUNCTION, function)

    def enter(self, mode):
        """Enter a mode other than safe. Failed writes to flash are only reported."""
        before = self.mode
        if mode == before:
            return
        if before == icd.MODE_SAFE:
            self._parameters.save()  # both copies may be damaged
            self._boot_record.safe = self._boot_record.consecutive_resets = 0
            self._boot_record.keep(True)
        elif before == icd.MODE_CALIBRATION:
            for step in self._end_of_calibration:
                step()
        acquiring = mode == icd.MODE_SCIENCE or mode == icd.MODE_CALIBRATION
        if self._acquisition.running and not acquiring:
            self._acquisition.stop()
        elif acquiring and not self._acquisition.running:
            self._acquisition.start()
        self.mode = mode
        self._report(icd.EVENT_MODE_CHANGED, before, mode)

    def safe(self, reason):
        """Enter mode safe, and stay there across resets. Each step is taken even if earlier ones failed; nothing is
        raised.
        """
        before, self.mode, self._boot_record.safe = self.mode, icd.MODE_SAFE, 1
        failed = None
        for step in self._safe_steps:
            try:
                step()
            except Exception as error:
                failed = error
        self._slow_control.ensure_off()
        try:
            if failed:
                self._report(icd.EVENT_SAFE_STEP_FAILED, exception_of(failed), line_of(failed))
            self._report(icd.EVENT_MODE_CHANGED, before, icd.MODE_SAFE)
            self._report(icd.EVENT_SAFE, reason, self._boot_record.consecutive_resets)
        except Exception:  # the mode is also in housekeeping
            pass

    def _bias_off(self):
        try:
            self._slow_control.perform(icd.FUNCTION_BIAS_OFF)
        except OSError:  # slow control reports it; if no device accepted it, bus silence removes the bias
            pass

    def _record_safe(self):
        self._boot_record.keep(True)

    def _pulser_off(self):
        self._slow_control.perform(icd.FUNCTION_PULSER_OFF)

    def _stop(self):
        if self._acquisition.running:
            self._acquisition.stop()

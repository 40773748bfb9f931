# The modes of the instrument, and arming. Which function leads from which mode to which stands in icd.FUNCTIONS; mode
# safe is entered by itself, too, and left by command only: bias off, nothing acquired, and of the flash only the boot
# record is written.
from fsw import icd
from fsw.link.packet import Refused
from micropython import const

_ARMED_US = const(10_000_000)
_NO_MODE = const(255)


class Modes:
    """mode: as the enum. `parameters`, `scan` and `schedule` are there once there are some."""

    def __init__(self, clock, acquisition, slow_control, boot_record, report):
        self.mode = icd.MODE_BOOT
        self.is_safe = False
        self.parameters = self.scan = self.schedule = None
        self._us = clock.us
        self._acquisition = acquisition
        self._slow_control = slow_control
        self._boot_record = boot_record
        self._report = report
        self._armed_until_us = 0

    # -- arming ------------------------------------------------------------------------------------

    def arm(self):
        self._armed_until_us = self._us() + _ARMED_US

    def check_armed(self, what):
        """Refused if `arm` did not come in time; `what` is the detail."""
        if self._us() >= self._armed_until_us:
            raise Refused(icd.FAILURE_NOT_ARMED, what)

    def disarm(self):
        self._armed_until_us = 0

    # -- transitions -------------------------------------------------------------------------------

    def after(self, function):
        """The mode a function leads to; Refused if it is unknown, not armed, or cannot be performed now."""
        for number, armed, modes in icd.FUNCTIONS:
            if number == function:
                if armed:
                    self.check_armed(function)
                mode = modes[self.mode]
                if mode == _NO_MODE:
                    raise Refused(icd.FAILURE_WRONG_MODE, self.mode)
                return mode
        raise Refused(icd.FAILURE_UNKNOWN_FUNCTION, function)

    def check_not_safe(self):
        """Refused in mode safe."""
        if self.is_safe:
            raise Refused(icd.FAILURE_WRONG_MODE, icd.MODE_SAFE)

    def enter(self, mode):
        """Do what leads to that mode. OSError: the parameters, which may both be damaged, cannot be written anew."""
        before = self.mode
        if mode == before:
            return
        if before == icd.MODE_SAFE:
            self.parameters.save()
            self._boot_record.safe = self._boot_record.in_row = 0
            self._boot_record.keep(True)
        elif before == icd.MODE_CALIBRATION:
            self._slow_control.perform(icd.FUNCTION_PULSER_OFF)
            self.scan.end(True)
        acquiring = mode == icd.MODE_SCIENCE or mode == icd.MODE_CALIBRATION
        if self._acquisition.running and not acquiring:
            self._acquisition.stop()
        elif acquiring and not self._acquisition.running:
            self._acquisition.start()
        if mode == icd.MODE_SAFE and self.schedule is not None:
            self.schedule.disable()
        self.mode = mode
        self.is_safe = mode == icd.MODE_SAFE
        self._report(icd.EVENT_MODE_CHANGED, before, mode)

    def safe(self, reason):
        """Enter mode safe, and stay there over resets."""
        self.enter(icd.MODE_SAFE)
        try:
            self._slow_control.perform(icd.FUNCTION_BIAS_OFF)
        except OSError:  # reported as slow control does; its silence switches the bias off
            pass
        self._report(icd.EVENT_SAFE, reason, self._boot_record.in_row)
        self._boot_record.safe = 1
        self._boot_record.keep(True)

# The modes of the instrument. Science and standby follow the acquisition; safe is entered from any mode and left by
# command only: bias off, nothing acquired, and of the flash only the boot record is written.
from fsw import icd


class Modes:
    def __init__(self, acquisition, slow_control, boot_record, report):
        self.is_safe = False
        self.parameters = None  # once there are some
        self._acquisition = acquisition
        self._slow_control = slow_control
        self._boot_record = boot_record
        self._report = report

    def mode(self):
        if self.is_safe:
            return icd.MODE_SAFE
        return icd.MODE_SCIENCE if self._acquisition.running else icd.MODE_STANDBY

    def safe(self, reason):
        """Enter mode safe, and stay there over resets."""
        if self._acquisition.running:
            self._acquisition.stop()
        self._slow_control.perform(icd.FUNCTION_PULSER_OFF)
        try:
            self._slow_control.perform(icd.FUNCTION_BIAS_OFF)
        except OSError:  # reported as slow control does; its silence switches the bias off
            pass
        self._report(icd.EVENT_SAFE, reason, self._boot_record.in_row)
        self.is_safe = True
        self._boot_record.safe = 1
        self._boot_record.keep(True)

    def standby(self):
        """Leave mode safe. Both copies of the parameters may be damaged: OSError if they cannot be written anew."""
        self.parameters.save()
        self.is_safe = False
        self._boot_record.safe = self._boot_record.in_row = 0
        self._boot_record.keep(True)

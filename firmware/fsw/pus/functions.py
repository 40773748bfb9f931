# ST[08] function management: modes, resets, detector bias and test pulser, tests.
import sys

from fsw import icd
from fsw.health.faults import Refused

_ACQUIRING = (icd.MODE_SCIENCE, icd.MODE_CALIBRATION)


class Functions:
    """`modes` decides what can be performed when; `slow_control` has check() and perform(); `scan` is the threshold
    scan, whose steps are sent from here. folder, code: as for self_test().

    restart: None, or the function that requests a reset; the uplink performs it after reporting the telecommand.
    """

    def __init__(self, acquisition, slow_control, modes, scan, telemetry, folder, code, report):
        self.restart = None
        self._scan = scan
        self._telemetry = telemetry
        self._acquisition = acquisition
        self._slow_control = slow_control
        self._modes = modes
        self._folder, self._code, self._report = folder, code, report

    def step(self, now):
        """Send the current step of the threshold scan, if it is complete."""
        scan, telemetry = self._scan, self._telemetry
        if scan.complete(now):
            telemetry.begin(icd.THRESHOLD_SCAN, scan.step, scan.level_mv, scan.real_us)
            telemetry.words(scan.hits, 0, icd.DETECTORS)
            telemetry.end()
            scan.go_on()

    def check(self, subtype, function):
        modes = self._modes
        mode = modes.after(function)
        if icd.FUNCTION_BIAS_ON <= function <= icd.FUNCTION_PULSER_OFF:
            self._slow_control.check(function)
        # a start empties the spectra, so those of the previous acquisition must have been sent
        elif mode != modes.mode and mode in _ACQUIRING and self._acquisition.to_close() is not None:
            raise Refused(icd.FAILURE_WRONG_MODE, modes.mode)
        elif function == icd.FUNCTION_THRESHOLD_SCAN:
            self._scan.check()

    def execute(self, subtype, function):
        modes = self._modes
        mode = modes.after(function)
        if function == icd.FUNCTION_ARM:
            modes.arm()
        elif function == icd.FUNCTION_CLEAR:
            self._acquisition.clear()
        elif function in (icd.FUNCTION_RESET, icd.FUNCTION_MAINTENANCE):
            modes.disarm()
            self.restart = function
        elif function == icd.FUNCTION_SAFE:
            modes.safe(icd.SAFE_REASON_COMMANDED)
        elif function == icd.FUNCTION_THRESHOLD_SCAN:
            self._scan.begin()
        elif function == icd.FUNCTION_SELF_TEST:
            from fsw.health.self_test import self_test  # rarely needed: in memory only while it runs

            self_test(self._folder, self._code, self._slow_control, self._report)
            del sys.modules["fsw.health.self_test"], sys.modules["fsw.health"]
            del sys.modules["fsw"].health  # pyright: ignore[reportAttributeAccessIssue] a module
        elif function >= icd.FUNCTION_BIAS_ON:
            if function in (icd.FUNCTION_BIAS_ON, icd.FUNCTION_PULSER_ON):
                modes.disarm()  # arming is valid once
            self._slow_control.perform(function)
        else:
            modes.enter(mode)

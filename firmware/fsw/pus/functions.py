# ST[08] function management: start, stop and clear the acquisition; detector bias and test pulser.
from fsw import icd
from fsw.link.packet import Refused
from micropython import const

_ARMED_US = const(10_000_000)


class Functions:
    """`acquisition` has `clock`, `running`, start(), stop() and clear(); `slow_control` check() and perform()."""

    def __init__(self, acquisition, slow_control):
        self._acquisition = acquisition
        self._slow_control = slow_control
        self._armed_until_us = 0

    def check(self, subtype, function):
        if function == icd.FUNCTION_ARM:
            return
        if icd.FUNCTION_BIAS_ON <= function <= icd.FUNCTION_PULSER_OFF:
            if function == icd.FUNCTION_BIAS_ON and self._acquisition.clock.us() >= self._armed_until_us:
                raise Refused(icd.FAILURE_NOT_ARMED, function)
            self._slow_control.check(function)
            return
        if function not in (icd.FUNCTION_START, icd.FUNCTION_STOP, icd.FUNCTION_CLEAR):
            raise Refused(icd.FAILURE_UNKNOWN_FUNCTION, function)
        running = self._acquisition.running
        # a start empties the spectra: not before those of the last run were sent
        waiting = function == icd.FUNCTION_START and self._acquisition.to_close() is not None
        if waiting or function == (icd.FUNCTION_START if running else icd.FUNCTION_STOP):
            raise Refused(icd.FAILURE_WRONG_MODE, icd.MODE_SCIENCE if running else icd.MODE_STANDBY)

    def execute(self, subtype, function):
        if function == icd.FUNCTION_START:
            self._acquisition.start()
        elif function == icd.FUNCTION_STOP:
            self._acquisition.stop()
        elif function == icd.FUNCTION_CLEAR:
            self._acquisition.clear()
        elif function == icd.FUNCTION_ARM:
            self._armed_until_us = self._acquisition.clock.us() + _ARMED_US
        else:
            if function == icd.FUNCTION_BIAS_ON:
                self._armed_until_us = 0  # once
            self._slow_control.perform(function)

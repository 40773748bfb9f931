# ST[08] function management: start, stop and clear the acquisition; reset, armed before.
from fsw import icd
from fsw.link.packet import Refused
from micropython import const

_ARMED_US = const(10_000_000)


class Functions:
    """`acquisition` has `running`, start(), stop() and clear().

    restart: None, or the function that wants a reset; who sees it does it, once the telecommand's report is out.
    """

    def __init__(self, acquisition, clock):
        self.restart = None
        self._acquisition = acquisition
        self._clock = clock
        self._armed_until_us = 0

    def check(self, subtype, function):
        if function == icd.FUNCTION_ARM:
            return
        if function in (icd.FUNCTION_RESET, icd.FUNCTION_MAINTENANCE):
            if self._clock.us() >= self._armed_until_us:
                raise Refused(icd.FAILURE_NOT_ARMED, function)
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
        elif function == icd.FUNCTION_ARM:
            self._armed_until_us = self._clock.us() + _ARMED_US
        elif function in (icd.FUNCTION_RESET, icd.FUNCTION_MAINTENANCE):
            self._armed_until_us = 0
            self.restart = function
        else:
            self._acquisition.clear()

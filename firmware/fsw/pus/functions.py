# ST[08] function management: the acquisition, resets, detector bias and test pulser.
from fsw import icd
from fsw.link.packet import Refused
from micropython import const

_ARMED_US = const(10_000_000)
_NOT_IN_SAFE = (icd.FUNCTION_SAFE, icd.FUNCTION_START, icd.FUNCTION_BIAS_ON, icd.FUNCTION_PULSER_ON)
_ONLY_IN_SAFE = (icd.FUNCTION_STANDBY,)
_TO_BE_ARMED = (icd.FUNCTION_RESET, icd.FUNCTION_MAINTENANCE, icd.FUNCTION_BIAS_ON)


class Functions:
    """`acquisition` has `running`, start(), stop() and clear(); `slow_control` check() and perform(); `modes` is_safe,
    mode(), safe() and standby().

    restart: None, or the function that wants a reset; who sees it does it, once the telecommand's report is out.
    """

    def __init__(self, acquisition, slow_control, modes, clock):
        self.restart = None
        self._acquisition = acquisition
        self._slow_control = slow_control
        self._modes = modes
        self._clock = clock
        self._armed_until_us = 0

    def check(self, subtype, function):
        if function in _TO_BE_ARMED and self._clock.us() >= self._armed_until_us:
            raise Refused(icd.FAILURE_NOT_ARMED, function)
        if function in (_NOT_IN_SAFE if self._modes.is_safe else _ONLY_IN_SAFE):
            raise Refused(icd.FAILURE_WRONG_MODE, self._modes.mode())
        if icd.FUNCTION_BIAS_ON <= function <= icd.FUNCTION_PULSER_OFF:
            self._slow_control.check(function)
        elif function in (icd.FUNCTION_START, icd.FUNCTION_STOP, icd.FUNCTION_CLEAR):
            running = self._acquisition.running
            # a start empties the spectra: not before those of the last run were sent
            waiting = function == icd.FUNCTION_START and self._acquisition.to_close() is not None
            if waiting or function == (icd.FUNCTION_START if running else icd.FUNCTION_STOP):
                raise Refused(icd.FAILURE_WRONG_MODE, self._modes.mode())
        elif not icd.FUNCTION_ARM <= function <= icd.FUNCTION_STANDBY:
            raise Refused(icd.FAILURE_UNKNOWN_FUNCTION, function)

    def execute(self, subtype, function):
        if function in _TO_BE_ARMED:
            self._armed_until_us = 0  # once
        if function == icd.FUNCTION_START:
            self._acquisition.start()
        elif function == icd.FUNCTION_STOP:
            self._acquisition.stop()
        elif function == icd.FUNCTION_CLEAR:
            self._acquisition.clear()
        elif function == icd.FUNCTION_ARM:
            self._armed_until_us = self._clock.us() + _ARMED_US
        elif function in (icd.FUNCTION_RESET, icd.FUNCTION_MAINTENANCE):
            self.restart = function
        elif function == icd.FUNCTION_SAFE:
            self._modes.safe(icd.SAFE_REASON_COMMANDED)
        elif function == icd.FUNCTION_STANDBY:
            self._modes.standby()
        else:
            self._slow_control.perform(function)

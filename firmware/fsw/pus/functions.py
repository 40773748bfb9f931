# ST[08] function management: start, stop and clear the acquisition.
from fsw import icd
from fsw.link.packet import Refused


class Functions:
    """`acquisition` has `running`, start(), stop() and clear()."""

    def __init__(self, acquisition):
        self._acquisition = acquisition

    def check(self, subtype, function):
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
        else:
            self._acquisition.clear()

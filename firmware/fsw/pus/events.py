# ST[05] event reporting.
from fsw import icd

_LAYOUTS = (icd.EVENT_INFO, icd.EVENT_LOW, icd.EVENT_MEDIUM, icd.EVENT_HIGH)  # by subtype


class Events:
    def __init__(self, telemetry):
        self._telemetry = telemetry

    def report(self, event, a=0, b=0):
        """Send an event of the dictionary, e.g. icd.EVENT_BOOTED; of a and b the low 32 bits."""
        return self._telemetry.send(_LAYOUTS[(event >> 8) - 1], event & 0xFF, a & 0xFFFFFFFF, b & 0xFFFFFFFF)

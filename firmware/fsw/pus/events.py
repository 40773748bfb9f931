# ST[05] event reporting.
from fsw import icd
from fsw.health.faults import Refused
from micropython import const

_LAYOUTS = (icd.EVENT_INFO, icd.EVENT_LOW, icd.EVENT_MEDIUM, icd.EVENT_HIGH)  # by subtype
_ENABLE = const(5)
_DISABLE = const(6)


class Events:
    def __init__(self, telemetry):
        self._action = None
        self._telemetry = telemetry
        self._disabled = b""

    def follow(self, action):
        """Call action(number) for each event, even if its reports are disabled."""
        self._action = action

    def report(self, event, a=0, b=0):
        """Send an event report, e.g. icd.EVENT_BOOTED, with the low 32 bits of a and b."""
        number = event & 0xFF
        if self._action:
            self._action(number)
        if number in self._disabled:
            return True
        return self._telemetry.send(_LAYOUTS[(event >> 8) - 1], number, a & 0xFFFFFFFF, b & 0xFFFFFFFF)

    def check(self, subtype, event=None):
        if event is not None:
            check_event(event)

    def execute(self, subtype, event=None):
        if event is None:
            self._telemetry.begin(icd.DISABLED_EVENTS, len(self._disabled))
            self._telemetry.octets(self._disabled)
            self._telemetry.end()
            return
        kept = bytes(number for number in self._disabled if number != event)
        if subtype == _DISABLE:
            kept += bytes((event,))
        self._disabled = kept


def check_event(event):
    """Raise Refused if there is no event with this number."""
    if event not in icd.EVENTS:
        raise Refused(icd.FAILURE_UNKNOWN_ENTRY, event)

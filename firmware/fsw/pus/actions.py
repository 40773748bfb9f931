# ST[19] event-action: an event releases a telecommand, at most once in 10 s, even if its report is disabled.
from fsw import icd
from fsw.health.faults import Refused
from fsw.link.packet import parse
from fsw.pus.events import check_event
from micropython import const

_ENTRIES = const(8)
_OCTETS = const(64)  # maximum length of a telecommand
_COOLDOWN_US = const(10_000_000)  # an event caused by its own telecommand cannot keep the instrument busy
_ADD = const(1)
_DELETE = const(2)
_DELETE_ALL = const(3)
_ENABLE = const(4)
_DISABLE = const(5)
_REPORT = const(6)
_ENABLE_ALL = const(8)


class Actions:
    def __init__(self, parts):
        self._release = parts.router.release
        self._telemetry = parts.telemetry
        self._enabled = True
        self._entries = {event: (True, telecommand) for event, telecommand in icd.ACTIONS}
        self._us = parts.board.clock.us
        self._acted_us = {}  # time of the last action, by event
        parts.events.follow(self._act)

    def _act(self, event):
        enabled, telecommand = self._entries.get(event, (False, None))
        if self._enabled and enabled:
            now = self._us()
            if now - self._acted_us.get(event, -_COOLDOWN_US) >= _COOLDOWN_US and self._release(telecommand):
                self._acted_us[event] = now

    def check(self, subtype, event=0, octets=0, telecommand=b""):
        if subtype == _ADD:
            check_event(event)
            if octets > _OCTETS:
                raise Refused(icd.FAILURE_OUT_OF_RANGE, octets)
            parse(telecommand)
            if event not in self._entries and len(self._entries) >= _ENTRIES:
                raise Refused(icd.FAILURE_NO_ROOM, _ENTRIES)
        elif subtype in (_DELETE, _ENABLE, _DISABLE) and event not in self._entries:
            raise Refused(icd.FAILURE_UNKNOWN_ENTRY, event)

    def execute(self, subtype, event=0, octets=0, telecommand=b""):
        entries = self._entries
        if subtype == _ADD:
            entries[event] = (True, telecommand)
        elif subtype == _DELETE:
            del entries[event]
        elif subtype == _DELETE_ALL:
            entries.clear()
        elif subtype in (_ENABLE, _DISABLE):
            entries[event] = (subtype == _ENABLE, entries[event][1])
        elif subtype == _REPORT:
            telemetry = self._telemetry
            telemetry.begin(icd.ACTION_STATUS, self._enabled, len(entries))
            telemetry.octets(bytes(entries))
            telemetry.octets(bytes(enabled for enabled, _ in entries.values()))
            telemetry.end()
        else:
            self._enabled = subtype == _ENABLE_ALL


service = Actions  # constructed by app.py

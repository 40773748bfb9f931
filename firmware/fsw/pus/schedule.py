# ST[11] time-based scheduling: releases telecommands at a given on-board time.
#
# A reset empties and disables the schedule; mode safe disables it but keeps its entries; other modes do not affect it.
# Telecommands that came due while it was disabled are released once it is enabled. A released telecommand is refused or
# executed depending on the mode at that time, and verified according to its own flags.
from fsw import icd
from fsw.health.faults import Refused
from fsw.link.packet import cuc, parse
from micropython import const

_ENTRIES = const(16)
_OCTETS = const(64)  # maximum length of a telecommand
_ENABLE = const(1)
_DISABLE = const(2)
_RESET = const(3)
_INSERT = const(4)
_DELETE = const(5)


class Schedule:
    def __init__(self, parts):
        self._time = parts.time
        self._boot_record = parts.boot_record
        self._release = parts.router.release
        self._telemetry = parts.telemetry
        self._enabled = False
        self._entries = []  # (on-board time in us, telecommand), sorted by time
        parts.modes.at_safe(self.disable)

    def __len__(self):
        return len(self._entries)

    def disable(self):
        self._enabled = False

    def step(self, now):
        entries = self._entries
        if self._enabled and entries and self._time.us() >= entries[0][0] and self._release(entries[0][1]):
            entries.pop(0)

    def check(self, subtype, at_s=0, at_fraction=0, octets=0, telecommand=b""):
        if subtype == _INSERT:
            if cuc(at_s, at_fraction) <= self._time.us():
                raise Refused(icd.FAILURE_OUT_OF_RANGE, at_s)
            if octets > _OCTETS:
                raise Refused(icd.FAILURE_OUT_OF_RANGE, octets)
            parse(telecommand)
            if len(self._entries) >= _ENTRIES:
                raise Refused(icd.FAILURE_NO_ROOM, _ENTRIES)
        elif subtype == _ENABLE:
            self._boot_record.check_not_safe()
        elif subtype == _DELETE and all(sequence(entry) != at_s for entry in self._entries):
            raise Refused(icd.FAILURE_UNKNOWN_ENTRY, at_s)

    def execute(self, subtype, at_s=0, at_fraction=0, octets=0, telecommand=b""):
        if subtype == _INSERT:
            at_us = cuc(at_s, at_fraction)
            place = 0
            while place < len(self._entries) and self._entries[place][0] <= at_us:
                place += 1
            self._entries.insert(place, (at_us, telecommand))
        elif subtype == _DELETE:
            self._entries = [entry for entry in self._entries if sequence(entry) != at_s]
        elif subtype in (_ENABLE, _DISABLE):
            self._enabled = subtype == _ENABLE
        elif subtype == _RESET:
            self._enabled = False
            self._entries = []
        else:
            self._report()

    def _report(self):
        telemetry, entries = self._telemetry, self._entries
        telemetry.begin(icd.SCHEDULE_REPORT, self._enabled, len(entries))
        for at_us, _ in entries:
            telemetry.octets((at_us // 1_000_000).to_bytes(4, "big"))
        for at_us, _ in entries:
            telemetry.octets(((at_us % 1_000_000 << 16) // 1_000_000).to_bytes(2, "big"))
        for entry in entries:
            telemetry.octets(entry[1][2:4])
        telemetry.end()


def sequence(entry):
    """Return the sequence control of an entry's telecommand."""
    return int.from_bytes(entry[1][2:4], "big")


service = Schedule  # constructed by app.py

# ST[06] memory management: named regions, some of which may be loaded. No other memory can be accessed.
from binascii import crc32

from fsw import icd
from fsw.health.faults import Refused
from micropython import const
from uctypes import addressof, bytearray_at

_LOADED = (icd.REGION_THRESHOLDS,)
_MOST = const(512)  # maximum octets of a dump
_LOAD = const(2)
_DUMP = const(5)


class Memory:
    def __init__(self, parts):
        self._modes = parts.modes
        self._boot_record = parts.boot_record
        self._telemetry = parts.telemetry
        self._acquisition = parts.acquisition
        self._parameters = parts.parameters

    def _region(self, number):
        """Return the octets of a region; raises Refused if there is no region with this number."""
        a = self._acquisition
        # in the order of the enum `region`
        regions = (a.singles, a.pairs, a.counters, a.detectors.thresholds, self._parameters.all())
        if number >= len(regions):
            raise Refused(icd.FAILURE_UNKNOWN_ENTRY, number)
        region = regions[number]
        octets = 4 if region is a.counters or number == icd.REGION_PARAMETERS else 2
        return bytearray_at(addressof(region), octets * len(region))

    def check(self, subtype, number, offset, count, data=b""):
        region = self._region(number)
        if offset >= len(region):
            raise Refused(icd.FAILURE_OUT_OF_RANGE, offset)
        if not 0 < count <= len(region) - offset or (subtype == _DUMP and count > _MOST):
            raise Refused(icd.FAILURE_OUT_OF_RANGE, count)
        if subtype == _LOAD:
            self._modes.check_armed(number)
            if number not in _LOADED:
                raise Refused(icd.FAILURE_OUT_OF_RANGE, number)
            self._boot_record.check_not_safe()

    def execute(self, subtype, number, offset, count, data=b""):
        region = self._region(number)
        part = memoryview(region)[offset : offset + count]
        if subtype == _LOAD:
            self._modes.disarm()
            part[:] = data
        elif subtype == _DUMP:
            self._telemetry.begin(icd.MEMORY_DUMP, number, offset, count)
            self._telemetry.octets(part)
            self._telemetry.end()
        else:
            self._telemetry.send(icd.MEMORY_CHECK, number, offset, count, crc32(part))


service = Memory  # constructed by app.py

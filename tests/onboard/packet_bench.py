# A Telemetry whose link keeps the last frame: see test_packet.py.
from array import array
from fsw import icd
from fsw.health.faults import Refused
from fsw.link.packet import Telemetry, crc16, parse


class Clock:
    now = 0

    def us(self):
        return self.now


class Link:
    full = False
    sent = None

    def write(self, view):
        if not self.full:
            self.sent = bytes(view)
        return not self.full


clock, link = Clock(), Link()


class NoStore:
    def number(self, priority):
        return 0


ORIGIN = 0xBEEF
telemetry = Telemetry(clock, link, NoStore(), ORIGIN)

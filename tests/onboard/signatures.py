# Signed telecommands, and their authentication with the real boot record and files.
from hashlib import sha256

from check import equal, raises
from doubles import ROOT, Reports
from fsw import icd
from fsw.health.faults import Refused
from fsw.link.authentication import Authentication
from fsw.store.slots import Slots
from starts import Bench as Start

NUMBER, KEY = 7, bytes(range(100, 132))
MOST = 0xFFFFFFFF
AHEAD = 64  # counters reserved with one write
REPORT_US = 10_000_000
PACKET = b"\x18\x64\xc0\x01\0\6\x2f\x11\1\xff\xff\x12\x34"


def hmac(data, key=KEY):
    """RFC 2104."""
    padded = key + bytes(64 - len(key))
    inner = sha256(bytes(octet ^ 0x36 for octet in padded) + data).digest()
    return sha256(bytes(octet ^ 0x5C for octet in padded) + inner).digest()


def signed(counter, packet=PACKET, key=KEY, number=NUMBER, over=b""):
    """A telecommand with its trailer. over: challenge included in the HMAC"""
    content = packet + bytes([number]) + counter.to_bytes(4, "big")
    return content + hmac(content + over, key)[:8]


def copy(counter, key=KEY):
    return counter.to_bytes(4, "big") + hmac(b"", key)[:8]


class Bench:
    """A key in use; its counter is 100 in all copies."""

    def __init__(self, flash=None, start=None, key=bytes([NUMBER]) + KEY, files=(100, 100), record=100):
        self.start = start or Start(flash)
        self.flash, self.failures, self.boot_record = self.start.flash, self.start.failures, self.start.record
        self.slots = Slots(ROOT + "/counter")
        if not start:
            for counter in files:
                self.slots.save(copy(counter))
            self.boot_record.counter = bytes(12) if record is None else copy(record)
            self.boot_record.keep(True)
        self.reports, self.clock = Reports(), self.start.clock
        self.authentication = Authentication(key, self.slots, self.boot_record, self.failures, self.clock, self.reports)

    def again(self):
        """The bench after a reset."""
        return Bench(start=self.start.again())

    def open(self, content):
        return bytes(self.authentication.open(memoryview(content)))

    def refused(self, content):
        rejected = self.authentication.rejected
        error = raises(Refused, self.open, content)
        equal(self.authentication.rejected, rejected + 1)
        return error.args

    def challenge(self):
        """The challenge in the only event since the last call."""
        ((event, high, low),) = self.reports.taken()
        equal(event, icd.EVENT_CHALLENGE)
        return high.to_bytes(4, "big") + low.to_bytes(4, "big")

    def started(self):
        """The events reported at the start."""
        self.authentication.report()
        return self.reports.taken()

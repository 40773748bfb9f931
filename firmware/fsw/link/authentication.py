# Authentication of telecommands: with a key on board, a frame carries after its packet the number of the key, a counter
# and a tag, the first octets of the HMAC-SHA-256 (RFC 2104) of everything before it. The counter must be higher than
# all earlier ones, even across resets: counters are reserved in blocks, in three copies (two files and the boot
# record).
#
# The highest copy applies. If none is left, a replay cannot be detected: then a tag must cover the telecommand and a
# new random number, sent in the event report `challenge`. The first such telecommand sets the counter. While
# counters cannot be reserved on flash, every telecommand needs a challenge of its own, and so does the first one
# after the next reset. Hence no accepted telecommand can be replayed: with a challenge, because it is never used
# again; without one, because a counter at least as high was on flash before.
import os
from hashlib import sha256

from fsw import icd, memory
from fsw.health.faults import Refused
from micropython import const

_KEY = const(32)  # octets
_BLOCK = const(64)  # octets of a SHA-256 block
_NO_KEY = const(256)  # not a valid key number: with a damaged key, no telecommand is accepted
# octets of the trailer, icd.AUTHENTICATION_TRAILER: key number (u8), counter, tag
_COUNTER = const(4)
_TAG = const(8)
_CHALLENGE = const(8)
_RESERVED = const(64)  # counters reserved by one write to flash
_MOST = const(0xFFFFFFFF)
_COPIES = const(3)
_ALLOCATION = const(850)  # octets allocated by checking a tag, besides the length of the telecommand
_REPORT_US = const(10_000_000)  # minimum time between reports of the challenge, however many telecommands need one


class Authentication:
    """key: content of the file `key`. slots: two copies of the counter. rejected: number of telecommands refused."""

    def __init__(self, key, slots, boot_record, failures, clock, report):
        self.rejected = 0
        self._boot_record, self._failures, self._report = boot_record, failures, report
        self._us = clock.us
        self._challenge = b""
        self._report_us = 0
        good = len(key) == _KEY + 1 and any(key[1:])
        self._number = key[0] if good else _NO_KEY  # with _NO_KEY, what follows is never used
        padded = key[1:] + bytes(_BLOCK - _KEY)
        self._inner, self._outer = (bytes(octet ^ pad for octet in padded) for pad in (0x36, 0x5C))
        self._mark = self._tag(b"")  # identifies the key that a counter belongs to
        self._slots = slots
        copies = self._slots.payloads() + [boot_record.counter]
        counters = [int.from_bytes(copy[:_COUNTER], "big") for copy in copies if copy[_COUNTER:] == self._mark]
        self._lost = _COPIES - len(counters)
        self._last = self._reserved = max(counters) if counters else 0
        if not counters or boot_record.unsynchronised:
            self._challenge = os.urandom(_CHALLENGE)

    def report(self):
        """Report what was found at start-up: a damaged key, lost copies of the counter, the challenge."""
        if self._number == _NO_KEY:
            self._report(icd.EVENT_KEY_DAMAGED)
            return
        if self._lost:
            self._report(icd.EVENT_COUNTER_DAMAGED, self._lost)
        if self._challenge:
            self._report_challenge()

    def open(self, content):
        """Return the packet in the content of a frame; raises Refused if authentication fails."""
        end = len(content) - icd.AUTHENTICATION_TRAILER
        memory.garbage[0] += _ALLOCATION + len(content)
        try:
            if end < 0 or (content[4] << 8 | content[5]) + 7 != end or content[end] != self._number:
                raise Refused(icd.FAILURE_UNSIGNED, 0)
            counter = int.from_bytes(content[end + 1 : end + 1 + _COUNTER], "big")
            signed, tag = bytes(content[:-_TAG]), content[-_TAG:]
            if not same(self._tag(signed + self._challenge), tag):
                if self._challenge and same(self._tag(signed), tag):
                    if self._us() >= self._report_us:
                        self._report_challenge()
                    raise Refused(icd.FAILURE_UNSYNCHRONISED, counter)
                raise Refused(icd.FAILURE_FORGED, counter)
            if counter <= self._last:
                raise Refused(icd.FAILURE_REPLAYED, counter)
            if counter > self._reserved and not self._reserve(min(counter + _RESERVED, _MOST)):
                challenged = self._challenge
                self._challenge = os.urandom(_CHALLENGE)
                self._report_challenge()
                if not challenged:
                    raise Refused(icd.FAILURE_UNSYNCHRONISED, counter)
            else:
                self._challenge = b""
        except Refused:
            self.rejected += 1
            raise
        self._last = counter
        return content[:end]

    def _reserve(self, reserved):
        """Reserve counters; return whether at least two copies are on flash, so that one may be damaged."""
        copy = reserved.to_bytes(_COUNTER, "big") + self._mark
        try:
            for _ in range(2):
                self._slots.save(copy)
        except OSError as error:
            self._failures.note(error)
            self._boot_record.synchronise(False)
            return False
        self._reserved = reserved
        self._boot_record.counter = copy
        self._boot_record.keep(True)
        if self._boot_record.unsynchronised:
            self._boot_record.synchronise(True)
        return True

    def _report_challenge(self):
        self._report_us = self._us() + _REPORT_US
        high, low = (int.from_bytes(self._challenge[at : at + 4], "big") for at in (0, 4))
        self._report(icd.EVENT_CHALLENGE, high, low)

    def _tag(self, data):
        inner = sha256(self._inner)
        inner.update(data)
        outer = sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()[:_TAG]


def same(one, other):
    """Return whether two tags are equal, in a time that does not depend on where they differ."""
    difference = 0
    for a, b in zip(one, other):
        difference |= a ^ b
    return difference == 0

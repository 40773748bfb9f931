# Authentication of telecommands: with a key on board, a frame carries behind its packet the number of the key, a
# counter and a tag, the first octets of the HMAC-SHA-256 (RFC 2104) of all before it. The counter must be higher than
# all before, over resets, too: numbers are reserved in blocks on flash.
from errno import ENOENT
from hashlib import sha256

from fsw import icd
from fsw.link.packet import Refused
from fsw.store.slots import Slots
from micropython import const

_KEY = const(32)  # octets
_BLOCK = const(64)  # of SHA-256
_NOBODY = const(256)  # no key's number: a damaged file lets nobody in
_COUNTER = const(4)
_TAG = const(8)
TRAILER = const(13)  # key number, counter, tag
_RESERVED = const(64)  # counters, with one write to flash


class Authentication:
    """Without a file `key` in the folder every telecommand is let in. rejected: those that were not."""

    def __init__(self, folder, kept):
        self.rejected = 0
        self._number = None
        try:
            with open(folder + "/key", "rb") as file:
                key = file.read(_KEY + 1)
        except OSError as error:
            if error.errno == ENOENT:
                return
            key = b""  # there is one, and it cannot be read
        self._number = key[0] if len(key) == _KEY + 1 else _NOBODY
        padded = key[1:] + bytes(_BLOCK - _KEY)
        self._inner, self._outer = (bytes(octet ^ pad for octet in padded) for pad in (0x36, 0x5C))
        self._slots = Slots(kept + "/counter")
        kept = self._slots.load() or b""
        # with another key it begins anew
        self._last = self._reserved = int.from_bytes(kept[:_COUNTER], "big") if kept[_COUNTER:] == self._tag(b"") else 0

    def open(self, content):
        """The packet in a frame's content; Refused if its tag is not right."""
        if self._number is None:
            return content
        end = len(content) - TRAILER
        try:
            if end < 0 or (content[4] << 8 | content[5]) + 7 != end or content[end] != self._number:
                raise Refused(icd.FAILURE_UNSIGNED, 0)
            counter = int.from_bytes(content[end + 1 : end + 1 + _COUNTER], "big")
            if not same(self._tag(content[:-_TAG]), content[-_TAG:]):
                raise Refused(icd.FAILURE_FORGED, counter)
            if counter <= self._last:
                raise Refused(icd.FAILURE_REPLAYED, counter)
        except Refused:
            self.rejected += 1
            raise
        if counter > self._reserved:
            reserved = min(counter + _RESERVED, 0xFFFFFFFF)
            try:
                self._slots.save(reserved.to_bytes(_COUNTER, "big") + self._tag(b""))
                self._reserved = reserved
            except OSError:  # commands are worth more than the counter after the next reset
                pass
        self._last = counter
        return content[:end]

    def _tag(self, data):
        inner = sha256(self._inner)
        inner.update(data)
        outer = sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()[:_TAG]


def same(one, other):
    """Whether they are; it takes as long if not, wherever they differ."""
    difference = 0
    for a, b in zip(one, other):
        difference |= a ^ b
    return difference == 0

# A small state in two copies, so that power may fail at any flash operation: a save replaces the copy that is not in
# use. A copy is a file: sequence number, payload, CRC-32 of both; numbers are 32 bits, big-endian.
from binascii import crc32
from errno import ENOENT

from fsw import memory
from micropython import const

_LONGEST = const(512)  # octets of a payload
_NUMBER = const(4)
_READ = const(620)  # octets allocated by reading a copy, besides twice its length


class Slots:
    """The copies are the files path + ".0" and ".1". valid(payload): false for an impossible payload.

    bad: damaged copies found by the last load(), payloads() or save().
    """

    def __init__(self, path, valid=None):
        self.bad = 0
        self._path = path
        self._valid = valid

    def load(self):
        """Return the payload saved last; None if there is no valid copy."""
        return self._newest()[2]

    def payloads(self):
        """Return the payloads of the valid copies: zero, one or two."""
        self.bad = 0
        return [copy[2] for copy in map(self._read, (0, 1)) if copy]

    def save(self, payload):
        """Save a payload for load(). Raises OSError if the flash fails; load() then returns the previous one."""
        if not 0 < len(payload) <= _LONGEST:
            raise ValueError
        number, sequence, _ = self._newest()
        head = (sequence + 1 & 0xFFFFFFFF).to_bytes(_NUMBER, "big")
        with memory.opened(f"{self._path}.{1 - number}", "wb") as f:
            f.write(head)
            f.write(payload)
            f.write(crc32(payload, crc32(head)).to_bytes(_NUMBER, "big"))

    def _newest(self):
        # returns number, sequence and payload of the copy in use; always read from flash, as a copy may have been
        # damaged since, or a save may have failed
        self.bad = 0
        newest = (1, -1, None)  # so that the first save is to copy 0, with sequence 0
        for number in (0, 1):
            copy = self._read(number)
            if copy and (newest[2] is None or 0 < copy[1] - newest[1] & 0xFFFFFFFF < 0x80000000):  # sequences wrap
                newest = copy
        return newest

    def _read(self, number):
        # returns (number, sequence, payload); None if the copy is missing or damaged
        try:
            with memory.opened(f"{self._path}.{number}", "rb") as f:
                data = f.read(_LONGEST + 2 * _NUMBER + 1)
        except OSError as error:
            self.bad += error.errno != ENOENT
            return None
        if not data:  # power failed before it was closed for the first time: no damage
            return None
        memory.garbage[0] += _READ + 2 * len(data)
        end = len(data) - _NUMBER
        # an empty payload is not valid: eight octets of 0xFF, as on blank flash, would be a copy with one
        if _NUMBER < end <= _LONGEST + _NUMBER and crc32(data[:end]) == int.from_bytes(data[end:], "big"):
            payload = data[_NUMBER:end]
            if not self._valid or self._valid(payload):
                return number, int.from_bytes(data[:_NUMBER], "big"), payload
        self.bad += 1
        return None

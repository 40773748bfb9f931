# The segments of the packet store: files on flash. A record is a telemetry packet with its record number, stored as the
# frame sent: damage costs only the record it hits, and there is no index that could be wrong.
#
# The name of a file is the number of its first record, 8 hex digits. The file begins with the number of records ever
# written before it and the CRC-32 of that number.
import os
from array import array
from binascii import crc32
from errno import EEXIST

from fsw import icd, memory
from fsw.link import frame
from micropython import const

HEADER = const(8)  # octets
RECORD = const(19)  # offset of the record number in a packet
TIME = const(13)  # offset of the time in a packet
_FILE = const(0x8000)  # type of a directory entry
_CHUNK = const(512)
_NUMBERS = const(0xF0000000)  # higher names are not segments: record numbers would soon overflow 32 bits


class Segments:
    """numbers: first record of each segment, in order. bytes: total size. bad: damaged records encountered."""

    def __init__(self, folder):
        self.numbers = array("I")
        self.bytes = self.bad = 0
        self._folder = folder
        self._deframer = frame.Deframer(icd.MAX_PACKET)
        self._chunk = memoryview(bytearray(_CHUNK))
        self._reading = None  # the segment whose packets are being read

    def find(self):
        """List the segments on flash. Raises OSError if the flash cannot be read."""
        self._make_folder()
        found = []
        for entry in list(os.ilistdir(self._folder)):  # a list, as entries may be removed
            first = _number(entry[0])
            if not first or entry[1] != _FILE:
                continue
            try:
                octets = self.size(first)
                if octets < HEADER:  # power failed before it was closed for the first time
                    os.remove(self._path(first))
                    continue
            except OSError:  # this one cannot be read or removed; others may be
                continue
            found.append(first)
            self.bytes += octets
        self.numbers = array("I", sorted(found))

    def size(self, number):
        return os.stat(self._path(number))[6]

    def create(self, number, count):
        """Return a new file, open, with its header; `count` records were written before it."""
        if not self.numbers:  # there may have been no room for the folder before
            self._make_folder()
        file = memory.opened(self._path(number), "wb")
        header = count.to_bytes(4, "big")
        file.write(header)
        file.write(crc32(header).to_bytes(4, "big"))
        return file

    def append(self, number):
        """Return the file, open for appending."""
        return memory.opened(self._path(number), "ab")

    def remove_oldest(self):
        """Remove the oldest segment. Raises OSError if that fails; nothing is changed then."""
        number = self.numbers[0]
        octets = self.size(number)
        os.remove(self._path(number))
        self.bytes -= octets
        self.forget_oldest()

    def forget_oldest(self):
        """Forget the oldest segment, which is removed or unusable."""
        if self._reading == self.numbers[0]:
            self._reading = None
        self.numbers = self.numbers[1:]

    def after(self, number):
        """Return the first segment after this number, 0 at the end."""
        for first in self.numbers:
            if first > number:
                return first
        return 0

    def before(self, number):
        """Return the number of records ever written before this segment; 0 if its header is damaged."""
        try:
            with memory.opened(self._path(number), "rb") as file:
                header = file.read(HEADER)
        except OSError:
            return 0
        count = header[:4]
        return int.from_bytes(count, "big") if crc32(count).to_bytes(4, "big") == header[4:] else 0

    def packets(self, number):
        """Yield the undamaged packets of a segment, each valid until the next; ends early if the segment is removed."""
        deframer, chunk = self._deframer, self._chunk
        self._reading = number
        bad = deframer.bad
        at = HEADER
        n = 1
        try:
            while n and self._reading == number:
                # reopened each time: an append may reuse the blocks that an open file would read
                with memory.opened(self._path(number), "rb") as file:
                    file.seek(at)
                    n = file.readinto(chunk)
                at += n
                yield from deframer.feed(chunk[:n])
        finally:
            for _ in deframer.feed(b"\0"):  # an unterminated frame must not run into what is read next
                pass
            self.bad += deframer.bad - bad
            self._reading = None

    def _make_folder(self):
        try:
            os.mkdir(self._folder)
        except OSError as error:
            if error.errno != EEXIST:
                raise

    def _path(self, number):
        return f"{self._folder}/{number:08x}"


def _number(name):
    """Return the number of a segment's file, 0 for any other name; int() also accepts signs and spaces."""
    try:
        number = int(name, 16)
    except ValueError:
        return 0
    return number if 0 < number < _NUMBERS and f"{number:08x}" == name else 0

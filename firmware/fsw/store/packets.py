# The packet store: a ring of segments, files on flash. A record is a telemetry packet that carries its number, and is
# kept as the frame it went out in: damage costs what it hits, and no index can be wrong.
#
# A segment's file has the number of its first record as its name, 8 hex digits, and begins with the count of records
# ever written before it and the CRC-32 of that. Flash stalls the CPU for 45 ms at each erase: so a turn is one piece of
# work with hardly more than one, and packets wait in memory to be written together. Closing the file makes them safe.
import os
from array import array
from binascii import crc32
from errno import EEXIST

from fsw import icd
from fsw.link import frame
from micropython import const

# octets: littlefs takes up to 8 of a block of a file, 16 of its first four. So pieces that end at multiples of _BLOCK
# begin one block at the most, which is one erase, and a segment takes four blocks.
SEGMENT = const(16368)
_BLOCK = const(4092)
_ENOSPC = const(28)  # MicroPython has no name for it
_HEADER = const(8)
_BUFFER = const(4096)
_LONGEST = const(640)  # octets of a frame, and more
_PIECE = const(1024)
_CHUNK = const(512)
_RECORD = const(19)  # octet of a packet where its record number is; 13: its time
_TIME = const(13)
_SKIP = const(8)  # packets that are not wanted, in a turn of the retrieval
_RETRY_US = const(60_000_000)


class PacketStore:
    """next_record: the least number to be given. `report(errno)` is called when the flash fails; nothing is raised.
    buffer: 4096 octets for packets that wait.

    first, last: records on flash, safe, 0 if there are none. next: the number of the next. pending: octets in memory.
    dropped: records overwritten by newer ones; missed: packets that found no room in memory; bad: damaged ones found;
    all since boot. bytes: on flash. Retrieval calls `room()`, `resend(packet) -> bool` and `done(first, last, count)`.
    """

    def __init__(self, folder, segments, next_record, report, buffer):
        self.first = self.last = self.pending = self.dropped = self.missed = self.bytes = self.bad = 0
        self.delay_us = 0
        self.room = self.resend = self.done = None
        self._folder = folder
        self._most = segments
        self._report = report
        self._segments = array("I")  # their first records
        self._buffer = buffer
        self._deframer = frame.Deframer(icd.MAX_PACKET)
        self._chunk = memoryview(bytearray(_CHUNK))
        self._size = 0  # of the last segment
        self._count = 0  # of records ever written
        self._first_pending = self._n_pending = 0  # of what is pending and is not being written
        self._file = None  # being written: buffer[_at:_end], of which the records are
        self._at = self._end = self._first_end = self._last_end = self._n_end = self._place = 0
        self._new = False  # to a new segment
        self._since_us = None  # something is pending
        self._retry_us = 0  # after a failure, until flash takes something again
        self._asked = False
        self._until = 0  # up to there segments are to be deleted
        self._retrieval = self._reading = None  # generator, and the segment it reads
        try:
            self._open()
        except OSError as error:
            report(error.errno or -1)
        self.next = max(next_record, self.last + 1)

    def _open(self):
        """Find what is there, and read the last segment, to go on behind it."""
        try:
            os.mkdir(self._folder)
        except OSError as error:
            if error.errno != EEXIST:
                raise
        found = []
        for entry in list(os.ilistdir(self._folder)):  # some may be removed
            first = _number(entry[0])
            if not first:
                continue
            octets = entry[3] if len(entry) > 3 else os.stat(self._path(first))[6]  # unix tells no size
            if octets < _HEADER:  # power failed before it was closed for the first time
                os.remove(self._path(first))
                continue
            found.append(first)
            self.bytes += octets
        for first in sorted(found):
            self._segments.append(first)
        if found:
            last = self._segments[-1]
            self._size = os.stat(self._path(last))[6]
            self._count = self._before(last)
            self.last = last  # damaged: its number is taken all the same
            for packet in self._packets(last):
                self.last = max(self.last, int.from_bytes(packet[_RECORD : _RECORD + 4], "big"))
                self._count += 1
            self.first = self._segments[0]

    # -- what Telemetry does -----------------------------------------------------------------------

    def take_number(self):
        """The number of the next packet, which is to be appended; 0 if there is no room for it."""
        if self.pending + _LONGEST > _BUFFER:
            self.missed += 1
            return 0
        self.next += 1
        return self.next - 1

    def busy(self):
        """Half of the memory waits and is written soon; the rest is for packets that cannot wait. Allocates nothing."""
        return self.pending >= _BUFFER // 2 and not self._retry_us

    def append(self, frame):
        """Take the frame of the packet that has the number last taken."""
        if not self._n_pending:
            self._first_pending = self.next - 1
        self._n_pending += 1
        at = self.pending
        self.pending = at + len(frame)
        self._buffer[at : self.pending] = frame

    # -- the task ----------------------------------------------------------------------------------

    def turn(self, now, may_write=True):
        """One piece of work. -> true if there is more"""
        try:
            if may_write and self._write(now):
                return True
        except OSError as error:
            self._failed(now, error.errno)
        return self._retrieve()

    def flush(self):
        """Write what is pending now. OSError if the flash does not take it"""
        while self.pending:
            self._asked = True
            self._write(self._retry_us)

    def ask(self):
        """Write what is pending in the next turns."""
        self._asked = True

    def delete(self, until):
        """Remove the segments whose records are all up to this number, one a turn."""
        self._until = until

    def _write(self, now):
        if self._file:
            if self._at < self._end:
                n = min(_PIECE, self._end - self._at, _BLOCK - self._place % _BLOCK)
                self._file.write(memoryview(self._buffer)[self._at : self._at + n])
                self._at += n
                self._place += n
            else:
                self._close()
            return True
        if self._until and self._delete():
            return True
        if not self.pending or now < self._retry_us:
            self._asked = False
            self._since_us = None
            return False
        if self._since_us is None:
            self._since_us = now
        if not self._asked and self.pending < _BUFFER // 2 and now - self._since_us < self.delay_us:
            return False
        self._new = not self._segments or self._size + self.pending > SEGMENT
        if self._new and len(self._segments) >= self._most:
            self._drop()
        else:
            self._begin()
        return True

    def _begin(self):
        """Open the segment that takes what is pending now."""
        self._at, self._end = 0, self.pending
        self._first_end, self._last_end = self._first_pending, self.next - 1
        self._n_end, self._n_pending = self._n_pending, 0
        self._place = self._size
        if self._new:
            self._place = _HEADER
            self._file = open(self._path(self._first_end), "wb")
            header = self._count.to_bytes(4, "big")
            self._file.write(header)
            self._file.write(crc32(header).to_bytes(4, "big"))
        else:
            self._file = open(self._path(self._segments[-1]), "ab")

    def _close(self):
        """What was written is safe from here on; what came meanwhile moves to the begin of the buffer."""
        file, self._file = self._file, None
        file.close()
        octets, self._end = self._end, 0
        self._retry_us = 0
        self.pending -= octets
        self._buffer[: self.pending] = self._buffer[octets : octets + self.pending]
        if self._new:
            self._segments.append(self._first_end)
            self._size = 0
            octets += _HEADER
        self._size += octets
        self.bytes += octets
        self._count += self._n_end
        self.last = self._last_end
        self.first = self._segments[0]
        self._asked = False
        self._since_us = None

    def _failed(self, now, errno):
        """Everything is still pending, and written anew later: what may be there twice has the same numbers."""
        if self._file:
            file, self._file = self._file, None
            try:
                file.close()
            except OSError:
                pass
        if self._end:
            self._end = 0
            self._first_pending = self._first_end
            self._n_pending += self._n_end
        if errno == _ENOSPC and len(self._segments) > 1:
            self._most = len(self._segments) - 1  # as much as there is room for
            return
        self._retry_us = now + _RETRY_US
        self._report(errno or -1)

    def _drop(self):
        """The oldest segment makes room."""
        self.dropped += max(self._before(self._segments[1]) - self._before(self._segments[0]), 0)
        self._remove()

    def _delete(self):
        segments = self._segments
        if segments:
            last = segments[1] - 1 if len(segments) > 1 else self.last
            if last <= self._until:
                self._remove()
                return True
        self._until = 0
        return False

    def _remove(self):
        first = self._segments[0]
        path = self._path(first)
        if self._reading == first:
            self._reading = None
        octets = os.stat(path)[6]
        os.remove(path)
        self._segments = self._segments[1:]
        self.bytes -= octets
        self.first = self._segments[0] if self._segments else 0

    # -- retrieval ---------------------------------------------------------------------------------

    def retrieve(self, first, last):
        """Send the records first to last again, as far as they are on flash, one in a turn."""
        self.abort()
        self._retrieval = self._wanted(_RECORD, 4, first, last, first, last)

    def retrieve_time(self, first, last):
        """The same by on-board time, in 2^-16 s."""
        self.abort()
        self._retrieval = self._wanted(_TIME, 6, first, last, 0, 0)

    def abort(self):
        """End the retrieval under way."""
        if self._retrieval:
            self._retrieval.close()  # which reports

    def _retrieve(self):
        """One packet, if the link has room for it, or a look at some that are not wanted."""
        if self._retrieval and self.room():
            try:
                next(self._retrieval)
                return True
            except StopIteration:
                self._retrieval = None
        return False

    def _wanted(self, at, octets, low, high, first, last):
        """Generator of the turns of a retrieval of the packets whose number, so many octets `at`, is low to high."""
        count = looked = segment = 0
        by_number = at == _RECORD
        if by_number:
            for start in self._segments:
                if start <= low:
                    segment = start - 1
        try:
            while True:
                segment = self._after(segment)
                if not segment or (by_number and segment > high):
                    return
                try:
                    if not by_number and self._begins(self._after(segment)) <= low:
                        yield
                        continue
                    for packet in self._packets(segment):
                        number = int.from_bytes(packet[at : at + octets], "big")
                        looked += 1
                        if low <= number <= high:
                            count += self.resend(packet)
                            yield
                        elif looked % _SKIP == 0:
                            yield
                except OSError:  # removed, or the flash fails: what is missing is asked for again
                    pass
        finally:
            self._retrieval = None
            self.done(first, last, count)

    def _begins(self, segment):
        """Time of its first packet; if there is none, after all others."""
        packets = self._packets(segment) if segment else iter(())
        for packet in packets:
            time = int.from_bytes(packet[_TIME : _TIME + 6], "big")
            packets.close()
            return time
        return 1 << 48

    def _after(self, segment):
        """The next segment behind this one, 0 at the end."""
        for first in self._segments:
            if first > segment:
                return first
        return 0

    # -- files -------------------------------------------------------------------------------------

    def _packets(self, segment):
        """Generator of the undamaged packets of a segment, each valid until the next; ends early if it is removed."""
        deframer, chunk = self._deframer, self._chunk
        self._reading = segment
        bad = deframer.bad
        at = _HEADER
        n = 1
        try:
            while n and self._reading == segment:
                # no file stays open: an append may give the blocks it would read to something else
                with open(self._path(segment), "rb") as file:
                    file.seek(at)
                    n = file.readinto(chunk)
                at += n
                yield from deframer.feed(chunk[:n])
        finally:
            for _ in deframer.feed(b"\0"):  # an end without its zero does not reach into what is read next
                pass
            self.bad += deframer.bad - bad
            self._reading = None

    def _before(self, segment):
        """Records ever written before it; 0 if its header is damaged."""
        with open(self._path(segment), "rb") as file:
            header = file.read(_HEADER)
        count = header[:4]
        return int.from_bytes(count, "big") if crc32(count).to_bytes(4, "big") == header[4:] else 0

    def _path(self, segment):
        return f"{self._folder}/{segment:08x}"


def _number(name):
    """Of a segment's file; 0 for any other."""
    try:
        return int(name, 16) if len(name) == 8 else 0
    except ValueError:
        return 0

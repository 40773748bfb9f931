# The packet store: a ring of segments. Each flash erase stalls the CPU for 45 ms, so a step does one piece of work with
# usually at most one erase, and packets wait in memory to be written together. Closing the file makes them safe.
from errno import EIO

from fsw.store.segments import HEADER, RECORD, TIME
from micropython import const

# octets: littlefs uses up to 8 of each block of a file, 16 of its first four blocks in total. A piece that ends at a
# multiple of _BLOCK thus starts at most one block, causing one erase, and a segment takes four blocks.
SEGMENT = const(16368)
_BLOCK = const(4092)
_BUFFER = const(4096)
_LONGEST = const(640)  # octets: more than the longest frame
_PIECE = const(1024)
_RETRY_US = const(60_000_000)
_MOST_SACRIFICED = const(2)  # maximum segments removed for one write; further removals would not help


class PacketStore:
    """next_record: lowest number to assign. buffer: 4096 octets for waiting packets. Nothing is raised: flash errors go
    to `failures`.

    last: newest record on flash, which survives a reset. next: number of the next one. pending: octets in memory.
    dropped: records overwritten by newer ones; missed: packets for which memory had no room; both since boot.
    newest: on-board time of the newest record found at start, 2^-16 s; 0: none.
    """

    def __init__(self, segments, most, next_record, failures, buffer):
        self.last = self.pending = self.dropped = self.missed = self.newest = 0
        self.delay_us = 0
        self.segments = segments
        self._most = most  # segments; reduced if the flash has less room
        self._failures = failures
        self._buffer = buffer
        self._size = SEGMENT  # size of the last segment; SEGMENT while unknown, so nothing is appended
        self._count = 0  # records ever written
        self._first_pending = self._n_pending = 0  # first record and number of packets pending but not being written
        self._file = None  # open while buffer[_at:_end] is written, records _first_end to _last_end
        self._at = self._end = self._first_end = self._last_end = self._n_end = self._place = 0
        self._new = False  # the packets are being written to a new segment
        self._since_us = None  # when packets became pending
        self._retry_us = 0  # earliest retry after a failure; 0 after a successful write
        self._sacrificed = 0  # segments removed since the last successful write
        self._blocked = False  # a later write found no room
        self._asked = False
        self._until = 0  # record number up to which segments are to be deleted
        try:
            segments.find()
            self._read_last()
        except OSError as error:
            failures.note(error)
        self.next = max(next_record, self.last + 1)

    @property
    def first(self):
        """Number of the oldest record on flash; 0: none."""
        return self.segments.numbers[0] if self.segments.numbers else 0

    def _read_last(self):
        """Read the last segment, to continue after it; if it has no packet left, earlier ones give the time."""
        segments = self.segments
        for number in reversed(segments.numbers):
            n = 0
            self.last = max(self.last, number)  # its number is taken even if it is damaged
            try:
                for packet in segments.packets(number):
                    n += 1
                    self.last = max(self.last, int.from_bytes(packet[RECORD : RECORD + 4], "big"))
                    self.newest = max(self.newest, int.from_bytes(packet[TIME : TIME + 6], "big"))
            except OSError as error:
                self._failures.note(error)
            if number == segments.numbers[-1]:
                self._size = segments.size(number)
                self._count = segments.before(number) + n
            if n:
                break

    # -- used by Telemetry -------------------------------------------------------------------------

    def take_number(self):
        """Return the number for the next packet, which must then be appended; 0 if there is no room."""
        if self.pending + _LONGEST > _BUFFER:
            self.missed += 1
            return 0
        self.next += 1
        return self.next - 1

    def busy(self):
        """Return true if half of the buffer is full; the rest is for packets that cannot wait. Must not allocate."""
        return self.pending >= _BUFFER // 2 and not self._retry_us

    def append(self, frame):
        """Buffer the frame of the packet with the last number taken."""
        if not self._n_pending:
            self._first_pending = self.next - 1
        self._n_pending += 1
        at = self.pending
        self.pending = at + len(frame)
        self._buffer[at : self.pending] = frame

    # -- the task ----------------------------------------------------------------------------------

    def step(self, now):
        """Do one piece of work; return true if there is more."""
        try:
            return self._write(now)
        except OSError as error:
            self._failed(now, error)
            return False

    def flush(self):
        """Write all pending packets now, as far as the flash accepts them."""
        self._retry_us = self._until = 0
        while self.pending and not self._retry_us:
            self._asked = True
            self.step(0)

    def ask(self):
        """Write all pending packets in the next steps."""
        self._asked = True

    def delete(self, until):
        """Remove the segments that have no record above this number, one per step."""
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
        if self._failures.full:
            self._failures.full = False
            if self._can_discard():
                self._discard()
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
        numbers = self.segments.numbers
        self._new = not numbers or self._size + self.pending > SEGMENT
        if self._new and len(numbers) >= self._most:
            self._drop()
        else:
            self._begin()
        return True

    def _begin(self):
        """Open the segment for the packets pending now."""
        self._at, self._end = 0, self.pending
        self._first_end, self._last_end = self._first_pending, self.next - 1
        self._n_end, self._n_pending = self._n_pending, 0
        if self._new:
            self._place = HEADER
            self._file = self.segments.create(self._first_end, self._count)
        else:
            self._place = self._size
            self._file = self.segments.append(self.segments.numbers[-1])

    def _close(self):
        """Close the file, which makes its packets safe; those added meanwhile move to the start of the buffer."""
        file, self._file = self._file, None
        file.close()  # pyright: ignore[reportOptionalMemberAccess] it is open
        octets, self._end = self._end, 0
        sacrificed, self._sacrificed = self._sacrificed, 0
        self._retry_us = 0
        self._blocked = False
        self.pending -= octets
        self._buffer[: self.pending] = self._buffer[octets : octets + self.pending]
        if self._new:
            self.segments.numbers.append(self._first_end)
            self._size = 0
            octets += HEADER
        if sacrificed:  # the flash has room for only this many segments
            self._most = len(self.segments.numbers)
        self._size += octets
        self.segments.bytes += octets
        self._count += self._n_end
        self.last = self._last_end
        self._asked = False
        self._since_us = None

    def _failed(self, now, error):
        """Keep all packets pending, to be written again later: duplicates on flash have the same numbers."""
        self._failures.note(error)
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
            if not self._new:
                self._check_size()
        self._blocked = self._failures.full
        if not (self._blocked and self._can_discard()):
            self._retry_us = now + _RETRY_US

    def _check_size(self):
        """Start a new segment with the next write if the last one may end with part of a frame."""
        try:
            if self.segments.size(self.segments.numbers[-1]) == self._size:
                return
        except OSError:
            pass
        self._size = SEGMENT

    def _can_discard(self):
        """Return whether a segment may be removed; the last one not for a checkpoint, which is less valuable."""
        return self._sacrificed < _MOST_SACRIFICED and len(self.segments.numbers) > (0 if self._blocked else 1)

    def _discard(self):
        """Remove the oldest segment, as the flash is full."""
        self._sacrificed += 1
        self._drop()
        self._most = len(self.segments.numbers) + 1

    def _drop(self):
        """Remove the oldest segment and count its records as dropped."""
        segments = self.segments
        following = segments.after(segments.numbers[0])
        before = segments.before(following) if following else self._count
        dropped = max(before - segments.before(segments.numbers[0]), 0)
        self._remove_oldest()
        self.dropped += dropped

    def _delete(self):
        numbers = self.segments.numbers
        if numbers and (numbers[1] - 1 if len(numbers) > 1 else self.last) <= self._until:
            try:
                self._remove_oldest()
                return True
            except OSError as error:  # ends the deletion, but writing continues
                self._failures.note(error)
        self._until = 0
        return False

    def _remove_oldest(self):
        """Remove the oldest segment, or forget it if damaged (EIO). Raises OSError if the flash fails otherwise."""
        try:
            self.segments.remove_oldest()
        except OSError as error:
            if error.errno != EIO:
                raise
            self._failures.note(error)
            self.segments.forget_oldest()

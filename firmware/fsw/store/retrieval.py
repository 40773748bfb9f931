# Retrieval: sends stored records again unchanged, one per step, while the link has room.
from fsw.store.segments import RECORD, TIME
from micropython import const

_SKIP = const(4)  # number of packets outside the range skipped by one step
_NEVER = const(1 << 48)  # later than any time


class Retrieval:
    """room(): whether the link has room; resend(packet): whether it accepted it; done(first, last, count): the end."""

    def __init__(self, segments, room, resend, done):
        self._segments = segments
        self._room = room
        self._resend = resend
        self._done = done
        self._steps = None  # generator
        self._asked = (0, 0)  # first and last record
        self._count = 0  # packets sent

    def by_number(self, first, last):
        """Send those of the records first to last that are on flash."""
        self.abort()
        self._begin(RECORD, 4, first, last, (first, last))

    def by_time(self, first, last):
        """Send the records of an interval of on-board time, in 2^-16 s."""
        self.abort()
        self._begin(TIME, 6, first, last, (0, 0))

    def abort(self):
        """End the current retrieval."""
        if self._steps:
            self._steps.close()
            self._end()

    def wanted(self):
        """Return true if a step has work. Must not allocate."""
        return self._steps is not None and self._room()

    def step(self):
        """If the link has room, send one packet or skip a few outside the range; return true if there is more."""
        if self.wanted():
            try:
                next(self._steps)  # pyright: ignore[reportArgumentType] there is one
                return True
            except StopIteration:
                self._end()
        return False

    def _begin(self, at, octets, low, high, asked):
        self._asked, self._count = asked, 0
        self._steps = self._wanted(at, octets, low, high)

    def _end(self):
        self._steps = None
        self._done(*self._asked, self._count)

    def _wanted(self, at, octets, low, high):
        """Yield after each step of retrieving the packets with low <= number (`octets` at offset `at`) <= high."""
        segments = self._segments
        examined = segment = 0
        by_number = at == RECORD
        if by_number:
            for start in segments.numbers:
                if start <= low:
                    segment = start - 1
        while True:
            segment = segments.after(segment)
            if not segment or (by_number and segment > high):
                return
            try:
                if not by_number and self._begins(segments.after(segment)) < low:
                    yield
                    continue
                packets = segments.packets(segment)
                try:
                    for packet in packets:
                        number = int.from_bytes(packet[at : at + octets], "big")
                        examined += 1
                        if low <= number <= high:
                            self._count += self._resend(packet)
                            yield
                        elif examined % _SKIP == 0:
                            yield
                finally:
                    packets.close()  # MicroPython would not end the generator if a retrieval is aborted
            except OSError:  # removed, or the flash fails: the ground requests missing records again
                pass

    def _begins(self, segment):
        """Return the time of the first packet of a segment; _NEVER if none can be read."""
        try:
            packets = self._segments.packets(segment) if segment else iter(())
            for packet in packets:
                time = int.from_bytes(packet[TIME : TIME + 6], "big")
                packets.close()  # pyright: ignore[reportAttributeAccessIssue]
                return time
        except OSError:  # the preceding segment is then read
            pass
        return _NEVER

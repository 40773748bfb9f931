"""Record numbers: which packets of the instrument's store have been received on ground."""

from __future__ import annotations

import zlib
from bisect import bisect_right


class Records:
    """A set of record numbers, kept as ranges.

    received: distinct records. repeated: records received again. A number with a different packet than before belongs
    to another instrument, or to one that lost its record numbers: all earlier records are forgotten.
    """

    def __init__(self):
        self.received = self.repeated = 0
        self._packets: dict[int, int] = {}  # record -> CRC-32 that identifies its packet
        self._first: list[int] = []  # of each range, ascending; ranges neither touch nor overlap
        self._last: list[int] = []

    @property
    def latest(self) -> int:
        """The highest record number, 0 if there is none."""
        return self._last[-1] if self._last else 0

    def __contains__(self, record: int) -> bool:
        at = bisect_right(self._first, record) - 1
        return at >= 0 and record <= self._last[at]

    def add(self, record: int) -> bool:
        """Add a record. Returns whether it is new."""
        if record in self:
            self.repeated += 1
            return False
        self.received += 1
        self._insert(record, record)
        return True

    def take(self, packet) -> tuple[bool, bool]:
        """Add the record of a dorn.dictionary.Packet. Returns whether it is late (retrieved from the packet store), and
        whether it is new. A packet that was not stored is new and not late."""
        record = packet.fields.get("record", 0)
        if not record:
            return False, True
        about = zlib.crc32(repr((packet.time_s, packet.sequence, packet.fields)).encode())
        if self._packets.setdefault(record, about) != about:
            self._packets, self._first, self._last = {record: about}, [], []
        late = record <= self.latest
        return late, self.add(record)

    def settle(self, first: int, last: int) -> None:
        """Mark first to last as not missing: records not received do not exist."""
        while first <= last:
            at = bisect_right(self._first, first) - 1
            if at >= 0 and first <= self._last[at]:
                first = self._last[at] + 1
                continue
            end = min(last, self._first[at + 1] - 1) if at + 1 < len(self._first) else last
            self._insert(first, end)
            first = end + 1

    def _insert(self, first: int, last: int) -> None:
        """Insert a range that overlaps no other."""
        at = bisect_right(self._first, first)
        touches_before = at > 0 and self._last[at - 1] == first - 1
        touches_after = at < len(self._first) and self._first[at] == last + 1
        if touches_before and touches_after:
            self._last[at - 1] = self._last.pop(at)
            del self._first[at]
        elif touches_before:
            self._last[at - 1] = last
        elif touches_after:
            self._first[at] = first
        else:
            self._first.insert(at, first)
            self._last.insert(at, last)

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """The missing ranges within first to last, ascending."""
        found = []
        for low, high in zip(self._first, self._last, strict=True):
            if first > last or low > last:
                break
            if high < first:
                continue
            if low > first:
                found.append((first, low - 1))
            first = high + 1
        if first <= last:
            found.append((first, last))
        return found

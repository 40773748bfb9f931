"""Record numbers: which packets of an instrument's store have been received on ground."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from dorn.dictionary import Packet


class Records:
    """A set of record numbers, kept as ranges.

    received: distinct records. repeated: records received again.
    """

    def __init__(self):
        self.received = self.repeated = 0
        self._first: list[int] = []  # first record of each range, ascending; ranges neither touch nor overlap
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

    def settle(self, first: int, last: int) -> None:
        """Mark first to last, inclusive, as not missing: records in it that were not received do not exist."""
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
        """The missing ranges within first to last, inclusive, in ascending order."""
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


class Received:
    """Records received from one instrument at a time, by origin; within an origin, a record number identifies a packet.

    A packet is *late* if it was retrieved from the packet store. A late packet of the current origin has a lower number
    than the packets received before. A late packet of another origin, which the instrument had before it lost its boot
    record, is older than the latest packet, as on-board time continues even then; a newer packet of another origin
    makes that origin the current one.
    """

    def __init__(self):
        self.origin = 0  # the current origin
        self._latest_s = 0.0  # on-board time of the latest packet of the current origin
        self._by_origin: dict[int, Records] = {0: Records()}

    @property
    def records(self) -> Records:
        """The records of the current origin."""
        return self._by_origin[self.origin]

    def know(self, index: np.ndarray) -> None:
        """Add the records of an archive, by its index."""
        stored = index[index["record"] > 0]
        for origin in np.unique(stored["origin"]).tolist():
            records = self._by_origin.setdefault(origin, Records())
            for record in np.unique(stored["record"][stored["origin"] == origin]).tolist():
                records.add(record)

    def take(self, packet: Packet) -> tuple[bool, bool]:
        """Add a packet. Returns whether it is late, and whether it is new. A packet without a record number is new and
        not late."""
        record, origin = packet.fields.get("record", 0), packet.fields.get("origin", 0)
        if not origin:
            return False, True
        records = self._by_origin.setdefault(origin, Records())
        if origin != self.origin and packet.time_s < self._latest_s:
            new = records.add(record) if record else True
            self.records.settle(record, record)  # the store has it under this number: do not request it
            self.records.received += new
            self.records.repeated += not new
            return True, new
        self.origin = origin
        late = 0 < record <= records.latest
        if not late:
            self._latest_s = packet.time_s
        return late, records.add(record) if record else True

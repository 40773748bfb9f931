"""Events and windows of all event lists of an archive."""

from __future__ import annotations

import numpy as np

from dorn.analysis.calibration import Calibration
from dorn.analysis.event_table import EVENTS, HITS, WINDOWS, EventTable
from dorn.dictionary.headers import CRC
from dorn.products import event_words
from dorn.products.event_words import spread

LAYOUT = "event_list"
_AT_ONCE = 1024  # packets; more would take more memory, fewer more time
_ROWS = 1 << 16  # events whose codes are sorted at once
_LATEST_US = 2**32 * 10**6  # on-board time has 32 bits for seconds
_TYPES = {"origin": "u2", "event_class": "u1", "hits": "u2", "codes": "u2", "window_origin": "u2", "window_class": "u1"}
_PACKET_US = "packet_us"  # time of the packet of a window


class Events:
    """Collects the content of `event_list` packets, which must be added sorted by origin and time."""

    def __init__(self, calibration: Calibration):
        self._calibration = {"kev_per_code": calibration.kev_per_code, "zero_code": calibration.zero_code}
        # column -> its parts, which are joined once, column by column
        self._parts = {n: [np.zeros(0, _TYPES.get(n, "i8"))] for n in (*EVENTS, "codes", *WINDOWS, _PACKET_US)}

    def add(self, rows: np.ndarray, origins: np.ndarray, data: bytes, ends: np.ndarray) -> np.ndarray:
        """Add packets. rows: their fields; origins: one per packet; data, ends: packet n ends at data[ends[n]].

        Returns bool[n]: whether the words of a packet are a valid event list. Packets with invalid words are not used.
        """
        valid = np.zeros(len(rows), bool)
        for first in range(0, len(rows), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            valid[some] = self._add(rows[some], origins[some], data, ends[some])
        return valid

    def _add(self, rows: np.ndarray, origins: np.ndarray, data: bytes, ends: np.ndarray) -> np.ndarray:
        valid = rows["time_us"] < _LATEST_US
        rows, origins = rows[valid], origins[valid]
        counts, time_us, clock_us = (rows[name].astype(np.int64) for name in ("count", "time_us", "clock_us"))
        pieces = zip((ends[valid] - CRC - 2 * counts).tolist(), (ends[valid] - CRC).tolist(), strict=True)
        joined = b"".join([data[begin:end] for begin, end in pieces])
        listed, valid[valid] = event_words.decode(joined, counts, time_us, clock_us)
        columns = vars(listed)
        of_event, of_window = columns.pop("event_packet"), columns.pop("window_packet")
        columns |= {"origin": origins[of_event], "window_origin": origins[of_window], _PACKET_US: time_us[of_window]}
        for name, column in columns.items():
            self._parts[name].append(column)
        return valid

    def table(self) -> EventTable:
        """All events and windows; no packets can be added afterwards."""
        return EventTable(**self._events(), **self._windows(), **self._calibration)

    def _joined(self, name: str) -> np.ndarray:
        return np.concatenate(self._parts.pop(name))

    def _events(self) -> dict[str, np.ndarray]:
        """Events sorted by origin and time: a packet lists them class by class."""
        columns = {name: self._joined(name) for name in EVENTS}
        order = np.lexsort([columns["time_us"], columns["origin"]])
        n = HITS[columns["hits"]]
        first = np.cumsum(n, dtype=np.int64)
        first -= n
        codes = self._joined("codes")
        blocks = np.array_split(order, len(order) // _ROWS + 1)
        codes = np.concatenate([codes[spread(first[some], n[some])] for some in blocks])
        for name in EVENTS:
            columns[name] = columns[name][order]
        return columns | {"codes": codes}

    def _windows(self) -> dict[str, np.ndarray]:
        """Windows sorted by origin, class and time. A window continues if it ends in one packet where it starts in the
        next; where a packet is missing, it is taken as closed."""
        origin, event_class, begin_us, end_us = (self._joined(name) for name in WINDOWS)
        order = np.lexsort([self._joined(_PACKET_US), event_class, origin])
        origin, event_class, begin_us, end_us = (c[order] for c in (origin, event_class, begin_us, end_us))
        same = (origin[1:] == origin[:-1]) & (event_class[1:] == event_class[:-1])
        begins = np.ones(len(order), bool)
        begins[1:] = ~(same & (begin_us[1:] == end_us[:-1]))
        ends = np.ones(len(order), bool)
        ends[:-1] = begins[1:]
        columns = (origin[begins], event_class[begins], begin_us[begins], end_us[ends])
        return dict(zip(WINDOWS, columns, strict=True))

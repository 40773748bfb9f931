"""Counts between rates packets, from counters that wrap and that a reset or a telecommand clears."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

SCALARS = [
    "events",
    "front",
    "back",
    "front_back",
    "several_units",
    "none_accepted",
    "passes",
    "overrun_hits",
]
PER_DETECTOR = ["accepted", "below_threshold", "over_range", "disabled"]
COUNTERS = SCALARS + [f"{name}_{detector}" for name in PER_DETECTOR for detector in range(16)]
_MOST = 2**31  # no interval can have this many counts: the counter was cleared


# name -> its indices in COUNTERS
_PLACES = {name: [n] for n, name in enumerate(SCALARS)} | {
    name: [COUNTERS.index(f"{name}_{detector}") for detector in range(16)] for name in PER_DETECTOR
}


def _after(first, column: np.ndarray) -> np.ndarray:
    """A column shifted down by one row, with `first` as its first row."""
    later = np.empty_like(column)
    later[0], later[1:] = first, column[:-1]
    return later


@dataclass
class Totals:
    """Counts of several intervals combined."""

    time_s: float = 0.0  # end of the last interval, on-board clock
    real_us: int = 0
    live_us: int = 0
    counters: np.ndarray = field(default_factory=lambda: np.zeros(len(COUNTERS), np.int64))  # ordered as COUNTERS

    def count(self, name: str) -> int:
        """The counter `name` of SCALARS, or the sum over the detectors of one of PER_DETECTOR."""
        return int(self.counters[_PLACES[name]].sum())


@dataclass
class Rates:
    """Counts of n intervals."""

    origin: np.ndarray  # uint16[n]
    time_s: np.ndarray  # float[n]: end of the interval, on-board clock
    real_us: np.ndarray  # int64[n]
    live_us: np.ndarray  # int64[n]
    counters: np.ndarray  # unsigned[n, len(COUNTERS)], ordered as COUNTERS

    def __len__(self) -> int:
        return len(self.time_s)

    def count(self, name: str) -> np.ndarray:
        """int64[n], as Totals.count."""
        return self.counters[:, _PLACES[name]].sum(1, dtype=np.int64)

    def totals(self) -> Totals:
        """All intervals combined; there must be at least one."""
        sums = int(self.real_us.sum()), int(self.live_us.sum()), self.counters.sum(0, dtype=np.int64)
        return Totals(float(self.time_s.max()), *sums)


class Counts:
    """Takes rates packets sorted by origin and time, and computes the counts between them.

    resets: changes of the boot count within an origin.
    """

    def __init__(self):
        # (intervals without counters, their counters compressed, as most are 0)
        self._parts: list[tuple[Rates, bytes]] = []
        self.resets = 0
        self._restarts = 0  # number of restarts of the counters so far
        self._boot = None  # (origin, boot count), as last reported
        self._last = None  # (restarts, origin, real and live time, counters) of the last packet

    def add(self, index: np.ndarray, marks: list[tuple[int, int, bool]], of: np.ndarray, rows: np.ndarray) -> None:
        """Add packets.

        index: rows of the archive's index. marks: (position in the index, boot count, whether the counters restart
        there), in order; boot count: -1 if unknown. of, rows: positions and columns of the rates packets.
        """
        restarts = self._restarts_until(index["origin"], marks)
        if len(of):
            times_s = (index["stamp"][of] >> np.uint64(16)) / 65536
            hits = [rows[name] for name in PER_DETECTOR]
            counters = np.concatenate([np.stack([rows[name] for name in SCALARS], 1), *hits], 1).astype(np.uint32)
            real_us, live_us = rows["real_us"].astype(np.int64), rows["live_us"].astype(np.int64)
            self._count(Rates(index["origin"][of], times_s, real_us, live_us, counters), restarts[of])

    def _restarts_until(self, origins: np.ndarray, marks: list[tuple[int, int, bool]]) -> np.ndarray:
        """Number of restarts of the counters up to each packet."""
        restarts = np.zeros(len(origins), np.int64)
        for at, count, restart in marks:
            boot = int(origins[at]), count
            known = self._boot if self._boot and self._boot[0] == boot[0] else None
            reset = count >= 0 and known not in (None, boot)
            restarts[at] = restart or reset
            self.resets += reset
            if count >= 0:
                self._boot = boot
        restarts = np.cumsum(restarts) + self._restarts
        self._restarts = int(restarts[-1])
        return restarts

    def _count(self, now: Rates, restarts: np.ndarray) -> None:
        """Add the counts since the previous packet, or since the counters restarted."""
        none = (-1, 0, 0, 0, np.zeros(len(COUNTERS), np.uint32))
        columns = (restarts, now.origin, now.real_us, now.live_us, now.counters)
        restart, origin, real_us, live_us, counters = map(_after, self._last or none, columns)
        self._last = tuple(column[-1].copy() for column in columns)
        counted = now.counters - counters  # modulo 2^32
        restarted = (restarts != restart) | (now.origin != origin) | (now.real_us < real_us) | (counted >= _MOST).any(1)
        counted[restarted] = now.counters[restarted]
        real_us[restarted] = live_us[restarted] = 0
        narrow = np.min_scalar_type(counted.max())  # counts of an interval are small
        times = now.origin, now.time_s, now.real_us - real_us, now.live_us - live_us
        self._parts.append((Rates(*times, np.zeros(0, narrow)), zlib.compress(counted.astype(narrow).tobytes(), 1)))

    def parts(self) -> Iterator[Rates]:
        """Yield the counts, a number of intervals at a time."""
        for part, packed in self._parts:
            counters = np.frombuffer(zlib.decompress(packed), part.counters.dtype).reshape(-1, len(COUNTERS))
            yield replace(part, counters=counters)

    def take(self) -> list[Rates]:
        """The counts added since the last call, which are not kept any longer."""
        parts, self._parts = [*self.parts()], []
        return parts

    def rates(self) -> Rates:
        """The counts between consecutive packets; for the first packet after a restart of the counters, since the
        restart."""
        none = np.zeros(0, np.int64)
        parts = [*self.parts()] or [Rates(none, none, none, none, np.zeros((0, len(COUNTERS)), np.uint32))]
        return Rates(*(np.concatenate(column) for column in zip(*(vars(part).values() for part in parts), strict=True)))

    def totals(self) -> Totals | None:
        """Counts of all intervals combined; None without a packet."""
        if not self._parts:
            return None
        parts = [part.totals() for part in self.parts()]
        real_us, live_us = sum(part.real_us for part in parts), sum(part.live_us for part in parts)
        return Totals(max(part.time_s for part in parts), real_us, live_us, np.sum([p.counters for p in parts], 0))

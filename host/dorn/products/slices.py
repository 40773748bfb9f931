"""Slices: spectra over intervals of on-board time, with the state of the instrument.

An integration belongs to the slice in which it started, regardless of when its packets were received. Thus the sum over
all slices is the sum over all integrations, for any length.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from dorn.errors import UserError

DETECTORS, CHANNELS = 16, 1024
UNITS, COINCIDENCE_CHANNELS = 8, 256
SPECTRA = DETECTORS + UNITS  # in this order
_OPEN = 4  # slices held uncompressed
_AT_ONCE = 1024  # integrations processed together
_NOT_READ = 0xFFFF  # temperature without a reading


@dataclass
class Slice:
    """The spectra of one slice. start_us: on-board time. times_us: start of the first integration, and end of the
    last one (its start plus its real time)."""

    origin: int
    start_us: int
    counts: np.ndarray = field(default_factory=lambda: np.zeros((DETECTORS, CHANNELS), np.uint32))
    coincidences: np.ndarray = field(default_factory=lambda: np.zeros((UNITS, COINCIDENCE_CHANNELS), np.uint32))
    real_us: np.ndarray = field(default_factory=lambda: np.zeros(SPECTRA, np.int64))
    live_us: np.ndarray = field(default_factory=lambda: np.zeros(SPECTRA, np.int64))
    times_us: np.ndarray = field(default_factory=lambda: np.array([np.iinfo(np.int64).max, 0]))

    @property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        return self.counts, self.coincidences, self.real_us, self.live_us, self.times_us

    def packed(self) -> bytes:
        return zlib.compress(b"".join(array.tobytes() for array in self._arrays), 1)

    def unpack(self, packed: bytes) -> None:
        data, at = zlib.decompress(packed), 0
        for array in self._arrays:
            array.flat[:] = np.frombuffer(data, array.dtype, array.size, at)
            at += array.nbytes


class Slices:
    """Slices of `length_s`, sorted by origin and start; those without an integration are absent. At each cut a slice
    ends and another begins.

    All but the latest are kept compressed: there may be thousands, of 74 kB each, and packets arrive in time order.

    changed: (origin, start) of the slices added to, until a caller that uses it clears it.
    """

    def __init__(self, length_s: float, cuts_us: Mapping[int, np.ndarray] | None = None):
        """cuts_us: origin -> int64[...], ascending on-board times.

        Raises UserError if the length is not from 1 us to 2^32 s, the range of on-board time.
        """
        if not 1e-6 <= length_s <= 2**32:
            raise UserError.at("slices", "length_s", "not from 0.000001 to 4294967296", length_s)
        self.length_us = round(length_s * 1e6)
        self._cuts_us = cuts_us or {}
        self._open: dict[tuple[int, int], Slice] = {}  # by origin and start, the latest last
        self._packed: dict[tuple[int, int], bytes] = {}
        self.changed: set[tuple[int, int]] = set()

    def add(self, number: np.ndarray, origin, start_us, real_us, live_us, counts: np.ndarray) -> None:
        """Add whole integrations. number: int[n], number of the spectrum, 0 to SPECTRA - 1; origin, start_us, real_us,
        live_us: int[n]; counts: unsigned[n, channels]; all of detectors, or all of units."""
        begin_us = np.asarray(start_us, np.int64)
        end_us = begin_us + np.asarray(real_us, np.int64)
        starts_us = self.starts_of(np.asarray(origin), begin_us)
        order = np.lexsort((number, starts_us, origin))
        for first in range(0, len(order), _AT_ONCE):
            some = order[first : first + _AT_ONCE]
            columns = [np.asarray(column)[some] for column in (origin, starts_us, number)]
            changes = np.any([column[1:] != column[:-1] for column in columns], axis=0)
            groups = np.concatenate([[0], np.flatnonzero(changes) + 1])
            sums = np.add.reduceat(counts[some], groups, axis=0, dtype=np.uint32)
            times = [np.add.reduceat(np.asarray(column, np.int64)[some], groups) for column in (real_us, live_us)]
            times += [np.minimum.reduceat(begin_us[some], groups), np.maximum.reduceat(end_us[some], groups)]
            rows = zip(*(column[groups].tolist() for column in columns), sums, *times, strict=True)
            for its_origin, its_start_us, n, total, its_real_us, its_live_us, first_us, last_us in rows:
                one = self._at(its_origin, its_start_us)
                one.times_us[:] = min(one.times_us[0], first_us), max(one.times_us[1], last_us)
                one.real_us[n] += its_real_us
                one.live_us[n] += its_live_us
                if n < DETECTORS:
                    one.counts[n] += total
                else:
                    one.coincidences[n - DETECTORS] += total

    def starts_of(self, origin: np.ndarray, time_us: np.ndarray) -> np.ndarray:
        """int64[n]: the start of the slice of each on-board time."""
        starts_us = time_us // self.length_us * self.length_us
        for one, cuts_us in self._cuts_us.items():
            of = origin == one
            after = np.searchsorted(cuts_us, time_us[of], "right")
            starts_us[of] = np.maximum(starts_us[of], np.append(0, cuts_us)[after])
        return starts_us

    def _at(self, origin: int, start_us: int) -> Slice:
        key = origin, start_us
        self.changed.add(key)
        if key not in self._open:
            if len(self._open) >= _OPEN:
                oldest = next(iter(self._open))
                self._packed[oldest] = self._open.pop(oldest).packed()
            self._open[key] = Slice(origin, start_us)
            if key in self._packed:
                self._open[key].unpack(self._packed.pop(key))
        return self._open[key]

    def __len__(self) -> int:
        return len(self._open) + len(self._packed)

    def starts(self) -> list[tuple[int, int]]:
        """(origin, start on-board in us) of each slice."""
        return sorted([*self._open, *self._packed])

    def __iter__(self) -> Iterator[Slice]:
        return map(self.at, self.starts())

    def at(self, start: tuple[int, int]) -> Slice:
        """One of `starts`."""
        if start in self._open:
            return self._open[start]
        one = Slice(*start)
        one.unpack(self._packed[start])
        return one

    def double(self) -> None:
        """Make all slices twice as long, in place; two of them become one."""
        self.length_us *= 2
        starts, opened, packed = self.starts(), self._open, self._packed
        self._open, self._packed = {}, {}
        self.changed.clear()
        for start in starts:
            one = opened.pop(start, None) or Slice(*start)
            if start in packed:
                one.unpack(packed.pop(start))
            into = self._at(one.origin, one.start_us // self.length_us * self.length_us)
            for total, some in zip(into._arrays, one._arrays, strict=True):
                total += some


class States:
    """Readings of housekeeping and line rates, for means over slices."""

    def __init__(self):
        self._readings: list[tuple[np.ndarray, ...]] = []  # origin, time in us, mode, storm, temperatures in K
        self._centroids: list[tuple[np.ndarray, ...]] = []  # origin, time in us, eighths of a code [n, DETECTORS]
        self._loaded: list[tuple[int, int, int]] = []  # origin, time in us, observation table

    def add_housekeeping(self, index: np.ndarray, rows: np.ndarray) -> None:
        """index, rows: index rows and fields of the packets."""
        kelvin = np.stack([rows["temperature_head"], rows["temperature_board"]], 1).astype(float)
        kelvin[kelvin == _NOT_READ] = np.nan
        self._readings.append((*_when(index), rows["mode"].copy(), rows["storm"].copy(), kelvin / 100))

    def add_line_rates(self, index: np.ndarray, rows: np.ndarray) -> None:
        """index, rows: index rows and fields of the packets."""
        self._centroids.append((*_when(index), rows["centroid"].copy()))  # not converted, to keep 16 bits instead of 64

    def add_table(self, index: np.ndarray, tables: np.ndarray) -> None:
        """index: index rows of the event reports that an observation table was loaded; tables: the numbers loaded."""
        self._loaded += zip(*(column.tolist() for column in (*_when(index), tables)), strict=True)

    def over(self, slices: Slices) -> dict[str, np.ndarray]:
        """mode, storm: uint8[n], the highest value during a slice; phase: uint8[n], the observation table in force, 0
        if none is known, or another is loaded during the slice; temperature_k: float[n, head and board] and
        po_209_code: float[n, DETECTORS], means, NaN without a reading."""
        starts = slices.starts()
        mode, storm = np.zeros(len(starts), np.uint8), np.zeros(len(starts), np.uint8)
        temperature_k = np.full((len(starts), 2), np.nan)
        code = np.full((len(starts), DETECTORS), np.nan)
        places = {start: n for n, start in enumerate(starts)}
        for origin, time_us, modes, storms, _ in self._readings:
            of = _places(places, origin, time_us, slices)
            np.maximum.at(mode, of[of >= 0], modes[of >= 0])
            np.maximum.at(storm, of[of >= 0], storms[of >= 0])
        _means([(part[0], part[1], part[4]) for part in self._readings], places, slices, temperature_k)
        _means(((*when, _codes(eighths)) for *when, eighths in self._centroids), places, slices, code)
        states = {"mode": mode, "storm": storm, "phase": self._phases(slices)}
        return states | {"temperature_k": temperature_k, "po_209_code": code}

    def _phases(self, slices: Slices) -> np.ndarray:
        """uint8[n]: the last table loaded before each slice; 0 if there is none, or one is loaded during the slice."""
        loaded = sorted(self._loaded)
        tables = [0, *(table for *_, table in loaded)]
        places = [(origin, us) for origin, us, _ in loaded]
        origins, times_us = (np.array([place[i] for place in places], np.int64) for i in (0, 1))
        within = zip(places, slices.starts_of(origins, times_us).tolist(), strict=True)
        changing = {(origin, start_us) for (origin, us), start_us in within if us > start_us}
        phases = np.zeros(len(slices), np.uint8)
        for n, start in enumerate(slices.starts()):
            before = bisect_right(places, start)
            if start not in changing and before and places[before - 1][0] == start[0]:
                phases[n] = tables[before]
        return phases


def time_us(stamp: np.ndarray) -> np.ndarray:
    """int64[n]: on-board time of stamps of an archive's index."""
    seconds, fraction = np.divmod((stamp >> np.uint64(16)).astype(np.int64), 1 << 16)
    return seconds * 1_000_000 + (fraction * 1_000_000 >> 16)


def _when(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Origin and on-board time, us, of packets."""
    return index["origin"].copy(), time_us(index["stamp"])


def _codes(eighths: np.ndarray) -> np.ndarray:
    """Positions of a line in codes; NaN where it was not found."""
    return np.where(eighths == 0, np.nan, eighths / 8)


def _places(places: dict, origin: np.ndarray, time_us: np.ndarray, slices: Slices) -> np.ndarray:
    """int64[n]: the number of the slice of each reading, -1 if there is none."""
    starts = zip(origin.tolist(), slices.starts_of(origin, time_us).tolist(), strict=True)
    return np.array([places.get(start, -1) for start in starts], np.int64)


def _means(parts, places: dict, slices: Slices, out: np.ndarray) -> None:
    """Write the mean of the readings in each slice to `out`, float[slices, columns]. parts: (origin, us, readings)."""
    totals, numbers = np.zeros_like(out), np.zeros_like(out)
    for origin, time_us, readings in parts:
        of = _places(places, origin, time_us, slices)
        inside = of >= 0
        known = np.isfinite(readings[inside])
        np.add.at(totals, of[inside], np.where(known, readings[inside], 0))
        np.add.at(numbers, of[inside], known)
    np.divide(totals, numbers, out=out, where=numbers > 0)

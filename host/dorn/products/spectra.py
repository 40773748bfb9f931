"""Spectra summed over integrations, each counted once."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from dorn.dictionary import Dictionary, coding_columns
from dorn.dictionary.coding import BLOCK
from dorn.dictionary.headers import CRC
from dorn.products.running import RunningSpectra
from dorn.products.slices import DETECTORS, Slices

# layout -> field with the number of detector or unit, [instrument] entries for size and number of spectra, classes
LAYOUTS = {
    "spectrum": ("detector", "channels", "detectors", ("front", "back")),
    "coincidence_spectrum": ("unit", "coincidence_channels", "units", ("front_back",)),
}
_KEY_TYPE = np.dtype(
    [("origin", "u2"), ("event_class", "u1"), ("number", "u1"), ("integration", "u4"), ("start_us", "u8")]
)


@dataclass
class Spectrum:
    """The sum of all integrations of one spectrum."""

    counts: np.ndarray  # int64[channels]
    real_us: int = 0
    live_us: int = 0

    def add(self, counts: np.ndarray, real_us: int, live_us: int) -> None:
        self.counts += counts
        self.real_us += real_us
        self.live_us += live_us


class _Complete:
    """Integrations of one spectrum that are complete, in 12 octets each: an archive may have a million."""

    def __init__(self):
        self._starts_us = array("Q")  # ascending
        self._numbers = array("I")

    def _place(self, start_us: int, number: int) -> tuple[int, bool]:
        """The position at which the integration belongs, and whether it is already there."""
        starts_us, numbers = self._starts_us, self._numbers
        if not starts_us or start_us > starts_us[-1]:
            return len(starts_us), False
        at = bisect_left(numbers, number, bisect_left(starts_us, start_us), bisect_right(starts_us, start_us))
        return at, at < len(numbers) and (starts_us[at], numbers[at]) == (start_us, number)

    def add(self, start_us: int, number: int) -> bool:
        """Add an integration. Returns whether it is new."""
        at, there = self._place(start_us, number)
        if not there:
            self._starts_us.insert(at, start_us)
            self._numbers.insert(at, number)
        return not there

    def __contains__(self, integration: tuple[int, int]) -> bool:
        return self._place(*integration)[1]


@dataclass
class _Integration:
    """One integration of one spectrum, as far as its packets have been received."""

    total: int  # counts of the whole spectrum, as given in each of its packets
    real_us: int
    live_us: int
    ranges: dict[int, np.ndarray] = field(default_factory=dict)  # first channel -> counts, uint16[...]

    def counts(self, channels: int) -> np.ndarray:
        """int64[channels]"""
        counts = np.zeros(channels, np.int64)
        for first, some in self.ranges.items():
            counts[first : first + len(some)] = some
        return counts

    @property
    def received(self) -> int:
        """Counts received."""
        return sum(int(some.sum()) for some in self.ranges.values())


class Spectra:
    """Collects the spectra of packets, which are given by columns and sorted by origin and time.

    A packet has a range of channels; a spectrum is complete once its counts add up to the total that each of its
    packets gives. After a reset, the instrument sends an interrupted integration as of the last checkpoint; if the
    whole integration was also sent, it is used instead. Spectra of integrations still running are never part of a sum.

    incomplete: integrations in which channels with counts are missing, known after `finish`. running: see
    dorn.products.running.
    """

    def __init__(self, dictionary: Dictionary, slices: Slices):
        """slices: every integration is also added to these."""
        self._slices = slices
        enums = dictionary.enums
        self._classes = {number: name for name, number in enums["event_class"].items()}
        self._class_numbers = enums["event_class"]
        self._closed_by = enums["closed_by"]
        self._coding = enums["coding"]
        self._instrument = dictionary.instrument
        self._sums: dict[tuple[int, int], Spectrum] = {}  # class, detector or unit
        self.incomplete = 0
        self.running = RunningSpectra()
        self._complete: defaultdict[int, _Complete] = defaultdict(_Complete)  # by origin, class, detector or unit
        self._pending: dict[bytes, _Integration] = {}  # integrations with missing channels
        self._partial: dict[bytes, _Integration] = {}  # integrations closed by a reset

    def add(self, name: str, rows: np.ndarray, origins: np.ndarray, data: bytes, ends: np.ndarray) -> np.ndarray:
        """Add packets of a layout of LAYOUTS. rows: columns[n]; origins: uint16[n]; ends: int64[n], of the packets in
        `data`. Returns bool[n]: which of them are valid."""
        field, channels, numbers, classes = LAYOUTS[name]
        size = self._instrument[channels]
        last = rows["first"].astype(np.int64) + rows["count"]
        class_of = np.array([self._class_numbers[name] for name in classes])  # even detectors are front
        valid = (
            (rows[field] < self._instrument[numbers])
            & (rows["event_class"] == class_of[rows[field] % len(classes)])
            & np.isin(rows["closed_by"], list(self._closed_by.values()))
            & (last <= size)
        )
        counts = np.zeros(len(rows) * size + BLOCK, np.uint16)
        valid &= self._decode(rows, valid, size, data, ends, counts)
        counts = counts[: len(rows) * size].reshape(-1, size)
        keys = np.zeros(len(rows), _KEY_TYPE)
        keys["origin"], keys["number"] = origins, rows[field]
        for key in ("event_class", "integration", "start_us"):
            keys[key] = rows[key]
        runs = rows["closed_by"] == self._closed_by["running"]
        self._take(keys, rows, counts, valid & ~runs)
        numbers = self._numbers(keys)
        for n in np.flatnonzero(valid & runs).tolist():
            self.running.add(int(numbers[n]), int(origins[n]), rows[n], counts[n])
        return valid

    def _numbers(self, keys: np.ndarray) -> np.ndarray:
        """int64[n]: of the spectra, as in dorn.products.slices."""
        of_unit = keys["event_class"] == self._class_numbers["front_back"]
        return keys["number"] + np.where(of_unit, DETECTORS, 0)

    def _decode(self, rows, valid, size: int, data: bytes, ends, counts) -> np.ndarray:
        """Decode the channels of valid packets into counts, uint16[n * size + BLOCK]. Returns which succeeded."""
        first, count, octets = (rows[name].astype(np.int64) for name in ("first", "count", "octets"))
        starts, places = ends - CRC - octets, np.arange(len(rows)) * size + first
        done = np.zeros(len(rows), bool)
        coded = np.flatnonzero(valid & (rows["coding"] == self._coding["ccsds121"]))
        done[coded] = coding_columns.decode(data, starts[coded], octets[coded], count[coded], counts, places[coded])
        raw = np.flatnonzero(valid & (rows["coding"] == self._coding["raw"]) & (octets == 2 * count))
        for at, place, n in zip(starts[raw].tolist(), places[raw].tolist(), count[raw].tolist(), strict=True):
            counts[place : place + n] = np.frombuffer(data, ">u2", n, at)
        done[raw] = True
        return done

    def _take(self, keys: np.ndarray, rows: np.ndarray, counts: np.ndarray, valid: np.ndarray) -> None:
        by_reset = rows["closed_by"] == self._closed_by["reset"]
        whole = valid & ~by_reset & (counts.sum(1, dtype=np.int64) == rows["total"])
        octets, size = keys.tobytes(), _KEY_TYPE.itemsize
        spectra = keys["origin"].astype(np.int64) << 16 | keys["event_class"].astype(np.int64) << 8 | keys["number"]
        columns = (spectra, keys["start_us"], keys["integration"], whole)
        alone = np.zeros(len(keys), bool)
        for n, (spectrum, *integration, is_whole) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
            key = octets[n * size : (n + 1) * size]
            complete = self._complete[spectrum]
            if is_whole and key not in self._pending:
                alone[n] = complete.add(*integration)  # most integrations consist of one packet
                self._partial.pop(key, None)
            elif valid[n] and tuple(integration) not in complete:
                parts = self._partial if by_reset[n] else self._pending
                if self._add_part(key, keys[n : n + 1], rows[n], counts[n], parts):
                    complete.add(*integration)
        of = slice(None) if alone.all() else alone  # a copy would take megabytes
        self._add(keys[of], rows["real_us"][of], rows["live_us"][of], counts[of])

    def _add(self, keys: np.ndarray, real_us, live_us, counts: np.ndarray) -> None:
        """Add whole integrations to the sums and to the slices. real_us, live_us: int[n]; counts: int[n, channels]."""
        real_us, live_us = np.asarray(real_us, np.int64), np.asarray(live_us, np.int64)
        group = keys["event_class"].astype(np.int64) << 8 | keys["number"]
        numbers = self._numbers(keys)
        for number in np.unique(group).tolist():
            of = np.flatnonzero(group == number)
            spectrum = self._sum(number >> 8, number & 0xFF, counts.shape[1])
            spectrum.add(counts[of].sum(0, dtype=np.int64), int(real_us[of].sum()), int(live_us[of].sum()))
            latest = keys[of[-1]]
            self.running.close(int(numbers[of[-1]]), int(latest["origin"]), int(latest["start_us"]))
        self._slices.add(numbers, keys["origin"], keys["start_us"], real_us, live_us, counts)

    def _add_part(self, key: bytes, about: np.ndarray, row: np.void, counts: np.ndarray, parts: dict) -> bool:
        """Add some channels of an integration. Returns whether it is complete now, and part of the sum."""
        part = parts.get(key)
        if part is None:
            part = parts[key] = _Integration(int(row["total"]), int(row["real_us"]), int(row["live_us"]))
        first, count = int(row["first"]), int(row["count"])
        part.ranges[first] = counts[first : first + count].copy()
        if parts is not self._pending or part.received != part.total:
            return False
        self._add(about, [part.real_us], [part.live_us], part.counts(len(counts))[None])
        del self._pending[key]
        self._partial.pop(key, None)
        return True

    def _sum(self, event_class: int, number: int, channels: int) -> Spectrum:
        return self._sums.setdefault((event_class, number), Spectrum(np.zeros(channels, np.int64)))

    def finish(self) -> None:
        """Add the integrations that remain incomplete, as far as received."""
        self.incomplete = 0
        for about, part, counts in self._incomplete():
            self._add(about, [part.real_us], [part.live_us], counts[None])
            self.incomplete += part.received != part.total
        self._partial, self._pending = {}, {}

    def _incomplete(self) -> Iterator[tuple[np.ndarray, _Integration, np.ndarray]]:
        """Key, as an array of 1, integration and int64[channels] of those that are incomplete."""
        for key in sorted(self._partial | self._pending):
            parts = [parts[key] for parts in (self._pending, self._partial) if key in parts]
            part = max(parts, key=lambda part: part.received)
            about = np.frombuffer(key, _KEY_TYPE)
            of_unit = about["event_class"][0] == self._class_numbers["front_back"]
            yield about, part, part.counts(self._instrument["coincidence_channels" if of_unit else "channels"])

    def so_far(self) -> dict[tuple[str, int], Spectrum]:
        """As `all` would be after `finish`, before the last packet has been received."""
        found = {key: Spectrum(one.counts.copy(), one.real_us, one.live_us) for key, one in self.all().items()}
        for about, part, counts in self._incomplete():
            key = self._classes[int(about["event_class"][0])], int(about["number"][0])
            found.setdefault(key, Spectrum(np.zeros(len(counts), np.int64))).add(counts, part.real_us, part.live_us)
        return found

    def all(self) -> dict[tuple[str, int], Spectrum]:
        """(class, detector or unit) -> Spectrum."""
        return {(self._classes[key[0]], key[1]): self._sums[key] for key in sorted(self._sums)}

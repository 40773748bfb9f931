"""The event list as arrays: the content of `events.npz`, for millions of events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

FAILED = 1 << 15  # bit of a code whose conversion failed
HITS = np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8)).reshape(-1, 16).sum(1, dtype=np.uint8)
EVENTS = ("time_us", "origin", "event_class", "hits")  # columns with a row for each event
WINDOWS = ("window_origin", "window_class", "window_begin_us", "window_end_us")  # columns with a row for each window


def detectors_of(hits: np.ndarray) -> np.ndarray:
    """int64[...]: the detectors in the hit patterns, pattern by pattern, lowest first."""
    octets = hits.astype("<u2").view(np.uint8).reshape(-1, 2)
    return np.nonzero(np.unpackbits(octets, axis=1, bitorder="little"))[1]


@dataclass(frozen=True)
class EventTable:
    """n events sorted by origin and time, and m windows sorted by origin, class and time.

    In a window, which includes its end but not its start, every event of its class is listed. Classes are numbered
    as in packet `event_list`: front, back, front and back of a unit, several units. Times are on-board time.
    """

    time_us: np.ndarray  # int64[n]
    origin: np.ndarray  # uint16[n]
    event_class: np.ndarray  # uint8[n]
    hits: np.ndarray  # uint16[n]: hit patterns
    codes: np.ndarray  # uint16[hits], event by event, lowest detector first; bit 15: conversion failed
    window_origin: np.ndarray  # uint16[m]
    window_class: np.ndarray  # uint8[m]
    window_begin_us: np.ndarray  # int64[m]
    window_end_us: np.ndarray  # int64[m]
    kev_per_code: np.ndarray  # float64[16], one per detector
    zero_code: np.ndarray  # float64[16]

    @classmethod
    def load(cls, file: Path | str | BinaryIO) -> Self:
        """Read `events.npz`."""
        with np.load(file) as arrays:
            return cls(**{name: arrays[name][()] for name in cls.__dataclass_fields__})

    def __len__(self) -> int:
        return len(self.time_us)

    @cached_property
    def first(self) -> np.ndarray:
        """int64[n]: the index in `codes` of the first code of each event."""
        n = HITS[self.hits]
        return np.cumsum(n, dtype=np.int64) - n

    @property
    def energy_kev(self) -> np.ndarray:
        """float64[hits]: the energy of each code; NaN where the conversion failed."""
        return self.energies_kev(self.codes, self.each_hit()[1])

    def energies_kev(self, codes: np.ndarray, detectors: np.ndarray) -> np.ndarray:
        """The energies of any codes of the given detectors; both arrays have the same shape."""
        return np.where(codes < FAILED, self.kev_per_code[detectors] * (codes - self.zero_code[detectors]), np.nan)

    def each_hit(self) -> tuple[np.ndarray, np.ndarray]:
        """(event, detector) of each code, int64[hits] each."""
        return np.repeat(np.arange(len(self)), HITS[self.hits]), detectors_of(self.hits)

    def exposure_s(self, event_class: int) -> float:
        """Total time that the windows of a class were open."""
        of = self.window_class == event_class
        return int((self.window_end_us[of] - self.window_begin_us[of]).sum()) / 1e6

    def windows_us(self, event_class: int) -> np.ndarray:
        """int64[windows of the class, 2]: start and end."""
        of = self.window_class == event_class
        return np.stack([self.window_begin_us[of], self.window_end_us[of]], 1)

    def origins(self) -> Iterator[EventTable]:
        """Yield the events and windows of each origin: each has its own clock."""
        ends = np.append(self.first, len(self.codes))
        for origin in np.union1d(self.origin, self.window_origin).tolist():
            events, windows = (_range(column, origin) for column in (self.origin, self.window_origin))
            yield EventTable(
                **{name: getattr(self, name)[events] for name in EVENTS},
                codes=self.codes[ends[events.start] : ends[events.stop]],
                **{name: getattr(self, name)[windows] for name in WINDOWS},
                kev_per_code=self.kev_per_code,
                zero_code=self.zero_code,
            )


def _range(column: np.ndarray, value: int) -> slice:
    """The rows in which a sorted column has this value."""
    begin, end = np.searchsorted(column, [value, value + 1]).tolist()
    return slice(begin, end)

"""Running spectra: copies of spectra whose integrations continue (`closed_by` running). They are never part of a sum:
their counts are sent again when the integration closes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Integration = tuple[int, int]  # origin, start in us


@dataclass
class Running:
    """The latest copy of one spectrum."""

    integration: Integration
    counts: np.ndarray  # int64[channels]
    real_us: int
    live_us: int
    total: int  # counts of the whole spectrum
    ranges: set[int] = field(default_factory=set)  # first channels received

    @property
    def is_complete(self) -> bool:
        return int(self.counts.sum()) == self.total


class RunningSpectra:
    """The latest copy of each spectrum, until its integration closes.

    A copy may be split into several packets, as spectra are; the previous copy stays until the next is complete.
    """

    def __init__(self):
        self._complete: dict[int, Running] = {}  # by number of the spectrum, as in dorn.products.slices
        self._arriving: dict[int, Running] = {}
        self._closed: dict[int, Integration] = {}  # the latest

    def add(self, number: int, origin: int, row: np.void, counts: np.ndarray) -> None:
        """Add a packet. row: its columns; counts: unsigned[channels], 0 outside the range of the packet."""
        integration = origin, int(row["start_us"])
        if self._is_closed(number, integration):
            return
        times = int(row["real_us"]), int(row["live_us"])
        one = self._arriving.get(number)
        if one is None or (one.integration, one.real_us) != (integration, times[0]):
            one = Running(integration, np.zeros(len(counts), np.int64), *times, int(row["total"]))
            self._arriving[number] = one
        if int(row["first"]) not in one.ranges:
            one.ranges.add(int(row["first"]))
            one.counts += counts
        if one.is_complete:
            self._complete[number] = self._arriving.pop(number)

    def close(self, number: int, origin: int, start_us: int) -> None:
        """Note that the integration has closed."""
        if not self._is_closed(number, (origin, start_us)):
            self._closed[number] = origin, start_us
        for copies in (self._complete, self._arriving):
            if number in copies and self._is_closed(number, copies[number].integration):
                del copies[number]

    def _is_closed(self, number: int, integration: Integration) -> bool:
        closed = self._closed.get(number)
        return closed is not None and closed[0] == integration[0] and integration[1] <= closed[1]

    def all(self) -> dict[int, Running]:
        """Spectrum number -> latest copy of its integration, if that is not known to have closed."""
        return dict(self._complete)

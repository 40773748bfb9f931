"""Rates over time in bounded memory: when it is full, each row is made to hold twice as many intervals."""

from __future__ import annotations

import numpy as np

from dorn.products.rates import COUNTERS, Rates

ROWS = 2048  # an even number
_GAP_S = 3.0  # shortest time between two intervals that is a gap


class History:
    """Intervals of one origin, in time order. n: number of rows, of one or more intervals each.

    gaps: (start, end) of periods without measurement, on-board time in s.
    """

    def __init__(self, rows: int = ROWS):
        self.n = 0
        self.gaps: list[tuple[float, float]] = []
        self._per_row, self._in_last = 1, 0  # intervals
        self._time_s = np.zeros(rows)  # end of the row
        self._times_us = np.zeros((rows, 2), np.int64)  # real and live
        self._counters = np.zeros((rows, len(COUNTERS)), np.int64)

    def add(self, rates: Rates) -> None:
        """Add intervals; their origin is that of the intervals already added."""
        for n in range(len(rates)):
            begin_s = float(rates.time_s[n] - rates.real_us[n] / 1e6)
            is_gap = bool(self.n) and begin_s - self.end_s > _GAP_S
            if is_gap:
                self.gaps = [*self.gaps, (self.end_s, begin_s)][-len(self._time_s) :]
            if is_gap or not self.n or self._in_last == self._per_row:
                self._begin_row()
            at = self.n - 1
            self._time_s[at] = rates.time_s[n]
            self._times_us[at] += rates.real_us[n], rates.live_us[n]
            self._counters[at] += rates.counters[n]
            self._in_last += 1

    def _begin_row(self) -> None:
        if self.n == len(self._time_s):
            half = self.n // 2
            self._time_s[:half] = self._time_s[1::2]
            for sums in (self._times_us, self._counters):
                sums[:half] = sums[0::2] + sums[1::2]
                sums[half:] = 0
            self.n = half
            self._per_row *= 2
        self._in_last = 0
        self.n += 1

    @property
    def time_s(self) -> np.ndarray:
        """float[n]: midpoints of the rows, on-board time."""
        return self._time_s[: self.n] - self._times_us[: self.n, 0] / 2e6

    @property
    def end_s(self) -> float:
        """On-board time of the end of the last row; 0 if there are no rows."""
        return float(self._time_s[self.n - 1]) if self.n else 0.0

    def rates(self, origin: int = 0) -> Rates:
        """All rows."""
        real_us, live_us = self._times_us[: self.n].T
        return Rates(np.full(self.n, origin), self._time_s[: self.n], real_us, live_us, self._counters[: self.n])

    def dead_percent(self) -> np.ndarray:
        """float[n]: dead time in percent of the real time; NaN where the real time is 0."""
        real_us, live_us = self._times_us[: self.n].T
        return 100 * (1 - np.divide(live_us, real_us, out=np.full(self.n, np.nan), where=real_us > 0))

    def rate_cps(self, name: str) -> np.ndarray:
        """float[n]: rate of one of COUNTERS, per second of live time; NaN where the live time is 0."""
        live_s = self._times_us[: self.n, 1] / 1e6
        counts = self._counters[: self.n, COUNTERS.index(name)]
        return np.divide(counts, live_s, out=np.full(self.n, np.nan), where=live_s > 0)

    def per_detector_cps(self, name: str, last_s: float) -> np.ndarray:
        """float[16]: rate of a counter in each detector over the last `last_s`; 0 if the live time is 0."""
        first = int(np.searchsorted(self._time_s[: self.n], self.end_s - last_s, "right"))
        at = COUNTERS.index(f"{name}_0")
        live_s = self._times_us[first : self.n, 1].sum() / 1e6
        return self._counters[first : self.n, at : at + 16].sum(0) / live_s if live_s else np.zeros(16)

"""One time axis for an archive: the time since its first packet, without the steps of on-board clocks."""

from __future__ import annotations

import numpy as np

from dorn.products.phases import Phase


class Clock:
    """Elapsed time is on-board time since the first packet, without clock steps. Origins, each of which has a
    clock of its own, follow one another."""

    def __init__(self, phases: list[Phase]):
        self._segments: list[tuple[int, int, int, int]] = []  # origin, start and end on board, elapsed at start, us
        elapsed_us = 0
        for phase in phases:
            last = self._segments[-1] if self._segments else None
            if last and (last[0], last[2]) == (phase.origin, phase.begin_us):
                self._segments[-1] = (last[0], last[1], phase.end_us, last[3])
            else:
                self._segments.append((phase.origin, phase.begin_us, phase.end_us, elapsed_us))
            elapsed_us += phase.end_us - phase.begin_us
        self.length_h = elapsed_us / 3.6e9

    def hours(self, origin: np.ndarray | int, time_us: np.ndarray) -> np.ndarray:
        """float64[n]: elapsed time at on-board times, hours. Times between segments are at the end of the earlier."""
        origin, time_us = np.broadcast_arrays(origin, time_us)
        elapsed_us = np.zeros(len(time_us))
        for one, begin_us, end_us, at_us in self._segments:
            of = (origin == one) & (time_us >= begin_us)
            elapsed_us[of] = at_us + np.minimum(time_us[of], end_us) - begin_us
        return elapsed_us / 3.6e9

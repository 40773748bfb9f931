"""Reports to the operator what is dropped, without filling a log."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

EVERY_S = 10.0  # interval between lines about the same reason


class Notices:
    """Reports the first drop for each reason at once, and later ones as a count, in one line at most every 10 s."""

    def __init__(self, say: Callable[[str], object], clock: Callable[[], float]):
        """say(line). clock: wall time, seconds."""
        self._say = say
        self._clock = clock
        self._told: dict[str, tuple[int, float]] = {}  # reason -> (how many, when)

    def update(self, dropped: Mapping[str, int], latest: Mapping[str, str]) -> None:
        """dropped: reason -> total number dropped. latest: reason -> what was dropped last, if known."""
        now_s = self._clock()
        for reason, n in dropped.items():
            told, at_s = self._told.get(reason, (0, -math.inf))
            if n > told and now_s - at_s >= EVERY_S:
                times = f" ({n - told} times)" if n - told > 1 else ""
                self._say(f"dropped: {reason}{times}" + (f": {latest[reason]}" if reason in latest else ""))
                self._told[reason] = n, now_s

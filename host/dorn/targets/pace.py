"""Target time beside the wall clock: a simulated instrument behaves like one on the desk."""

from __future__ import annotations

import time

from dorn.targets import Target

_BEHIND_S = 0.05  # wall time; of more than this, nothing is caught up


class Pace:
    def __init__(self, target: Target, speed: float = 1.0):
        """speed: seconds of target time in one of wall time, where the host keeps up with it."""
        self._target = target
        self._speed = speed
        self._begin_s = time.monotonic() - target.now_us / 1e6 / speed

    def due_s(self) -> float:
        """Target time that has to pass now."""
        behind_s = time.monotonic() - self._begin_s - self._target.now_us / 1e6 / self._speed
        if behind_s > _BEHIND_S:
            self._begin_s += behind_s - _BEHIND_S
        return min(behind_s, _BEHIND_S) * self._speed

"""Target time in step with the wall clock, so that a simulated instrument behaves like a real one."""

from __future__ import annotations

import time

from dorn.targets import Target

_BEHIND_S = 0.05  # wall time; a longer lag is not caught up


class Pace:
    def __init__(self, target: Target, speed: float = 1.0):
        """speed: seconds of target time per second of wall time, if the host keeps up."""
        self._target = target
        self._speed = speed
        self._begin_s = time.monotonic() - target.now_us / 1e6 / speed

    def due_s(self) -> float:
        """Target time that is due now."""
        behind_s = time.monotonic() - self._begin_s - self._target.now_us / 1e6 / self._speed
        if behind_s > _BEHIND_S:
            self._begin_s += behind_s - _BEHIND_S
        return min(behind_s, _BEHIND_S) * self._speed

"""Time correlation: the UTC of on-board time 0, from the arrival times of packets.

On-board time starts at the first boot, and the instrument does not know UTC. The arrival time of a packet minus its
on-board time is the UTC of on-board time 0 plus the delay of the packet, so the smallest of many differences is used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from dorn.dictionary import Packet

_RECENT = 64  # packets of which the one with the smallest delay is used
_TOLERANCE_S = 1.0  # a smaller change is ignored: a packet keeps its UTC if it is retrieved later
_JUMP_S = 60.0  # exceeds any delay except in a backlog; a larger change: the on-board clock was set, or restarted
_AGREE_S, _AGREE = 0.2, 3  # this many equal differences exclude a backlog, in which they would shrink


class Correlation:
    """clock: UTC, seconds since 1970, in step with the instrument. epoch_s: UTC of on-board time 0, None if unknown."""

    def __init__(self, clock: Callable[[], float], epoch_s: float | None = None):
        self._clock = clock
        self._is_fixed = epoch_s is not None
        self._epoch_s = epoch_s
        self._origin = 0
        # UTC of arrival minus on-board time, for the latest packets
        self._last: deque[float] = deque(maxlen=_AGREE)
        self._recent: deque[float] = deque(maxlen=_RECENT)  # only those with a plausible delay

    def epoch_s(self, packet: Packet, is_late: bool) -> float:
        """The UTC of on-board time 0 that applies to a packet which has just arrived, s since 1970.

        is_late: the packet was retrieved from the packet store, so its time of arrival is not used.
        """
        difference_s = self._clock() - packet.time_s
        origin = packet.fields.get("origin", 0)
        if self._epoch_s is None:
            self._origin = origin
            self._restart(difference_s)
        elif not (self._is_fixed or is_late):
            self._update(difference_s, origin)
        assert self._epoch_s is not None
        return self._epoch_s

    def _restart(self, difference_s: float) -> None:
        self._recent.clear()
        self._recent.append(difference_s)
        self._epoch_s = difference_s

    def _update(self, difference_s: float, origin: int) -> None:
        assert self._epoch_s is not None
        is_other = origin and self._origin not in (0, origin)  # another instrument, or one that lost its boot record
        self._origin = origin or self._origin
        self._last.append(difference_s)
        agree = len(self._last) == _AGREE and max(self._last) - min(self._last) <= _AGREE_S
        is_later = difference_s > self._epoch_s + _JUMP_S
        if is_other or difference_s < self._epoch_s - _JUMP_S or (is_later and agree):
            self._restart(difference_s)
            return
        if is_later:
            return
        self._recent.append(difference_s)
        best_s = min(self._recent)
        is_steady = len(self._recent) == _RECENT and max(self._recent) - best_s <= _TOLERANCE_S
        is_slow = is_steady and best_s > self._epoch_s + _TOLERANCE_S
        if is_slow or best_s < self._epoch_s - _TOLERANCE_S:
            self._epoch_s = best_s

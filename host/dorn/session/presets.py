"""Presets that end a run: after a time, or with the last count of a replay."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from dorn.dictionary import Ack, Packet
from dorn.head.front_end import Head
from dorn.session import Session
from dorn.session.watch import Watch
from dorn.targets import NoAnswer, TargetError

_NEAR_S = 0.001  # tolerance of a preset time: the precision of a report
_REPORT_S, _REPORTS = 5.0, 4  # timeout; number of attempts, as a bad link may damage some


class Preset(ABC):
    """expected_s: expected duration of the run."""

    expected_s: float

    @abstractmethod
    def left_s(self) -> float:
        """Target time to wait before calling this again; 0: the run is complete."""


class TargetTime(Preset):
    """Ends after a time by the target's own clock, which is also the instrument's if the target is simulated here."""

    def __init__(self, now_us: Callable[[], int], seconds: float):
        self.expected_s = seconds
        self._now_us, self._begin_us = now_us, now_us()

    def left_s(self) -> float:
        left_s = self.expected_s - (self._now_us() - self._begin_us) / 1e6
        return left_s if left_s >= 1e-6 else 0.0  # target time is in microseconds


class Replay(TargetTime):
    """Ends with the last count, at a random time."""

    def __init__(self, now_us: Callable[[], int], seconds: float, margin_s: float, head: Head):
        """margin_s: the run may end this much earlier than expected. head: plays the counts."""
        super().__init__(now_us, seconds - margin_s)
        self._head = head

    def left_s(self) -> float:
        return super().left_s() or (0.0 if self._head.dry else 0.001)  # fixed step: reproducible on any host


class InstrumentTime(Preset):
    """Ends after a real or live time as counted on board.

    The instrument is asked for its counters when the time should be reached, and again until it is.
    """

    def __init__(self, session: Session, watch: Watch, name: str, seconds: float):
        """name: "real" or "live"."""
        self.expected_s = seconds
        self._session, self._watch, self._name = session, watch, name
        self._counted_s = -1.0
        self._next_us = session.target.now_us + round(seconds * 1e6)

    def left_s(self) -> float:
        now_us = self._session.target.now_us
        if now_us < self._next_us:
            return (self._next_us - now_us) / 1e6
        self._ask()
        if self._watch.stopped:  # the caller ends the run, or starts the acquisition again
            return _NEAR_S
        before_s, counted_s = self._counted_s, self._watch.time_s(self._name)
        self._counted_s = counted_s
        if counted_s <= before_s:
            raise TargetError(f"{self._name} time stands still at {counted_s:g} s")
        left_s = self.expected_s - counted_s
        if left_s < _NEAR_S:
            return 0.0
        if counted_s:
            left_s *= self._watch.time_s("real") / counted_s
        self._next_us = self._session.target.now_us + round(left_s * 1e6)
        return left_s

    def _ask(self) -> None:
        for attempt in range(_REPORTS):
            try:
                report(self._session, "science", "rates", _REPORT_S)
                return
            except NoAnswer:
                if attempt == _REPORTS - 1:
                    raise


def report(session: Session, structure: str, name: str, limit_s: float) -> Packet:
    """Request a structure of housekeeping and return its packet `name`. Raises NoAnswer after limit_s."""
    request = lambda: session.post("report_structure", ack=Ack.NONE, structure=structure)  # noqa: E731
    return session.wait_for(lambda packet: packet.name == name, limit_s, request)

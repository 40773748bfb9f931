"""Connects an instrument to the page: records its telemetry, and sends it telecommands from browsers."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable

from dorn.dictionary import Ack, Packet
from dorn.operator.running import Runner
from dorn.operator.statements import Send
from dorn.operator.telecommands import telecommand, words_of
from dorn.session import CommandFailed, Session
from dorn.targets import OtherInstrument, TargetError
from dorn.targets.pace import Pace

_STEP_S = 0.1  # target time between checks for telecommands
_RETRY_S = 0.2  # wall time between attempts to reach an unavailable instrument
_INTEGRATION_S = 10  # of a simulated instrument: how often its spectra grow
_LOGGED = 30
_ASK_S = 0.4  # between requests, times the number of spectra requested: with all 24, the processor load is below 5 %


class LiveInstrument:
    """Runs in the thread that created the session; `send`, `ask` and `log` may be called from the page's thread."""

    def __init__(self, session: Session):
        self._session = session
        self._runner = Runner(session)
        self._waiting: queue.SimpleQueue[tuple[str, Send]] = queue.SimpleQueue()
        self._log: deque[str] = deque(maxlen=_LOGGED)
        self._wanted = 0  # mask of the spectra that browsers show
        self._next_us = 0  # target time of the next request for them
        self.state = f"recording {session.target.name}"

    def send(self, text: str) -> None:
        """Queue a telecommand, written as for `dorn tc`. Raises UserError if it is invalid."""
        self._waiting.put((text, telecommand(words_of(text), self._session.dictionary)))

    def ask(self, spectra: int) -> None:
        """Queue a request for the current state of these spectra (mask)."""
        self._wanted |= spectra

    def log(self) -> list[str]:
        """The latest telecommands and their outcomes, newest first."""
        return list(self._log)

    def begin(self) -> None:
        """Start the acquisition of a simulated instrument, so that there is something to show."""
        self._session.set_parameters(kept=False, integration_time=_INTEGRATION_S)
        self._session.command("function", function="start")

    def serve(self, speed: float = 1.0, stopped: Callable[[], bool] = lambda: False) -> None:
        """Record until `stopped()`. speed: seconds of target time per second, of a simulated instrument.

        If the instrument is unavailable, wait for it without limit; never record another one in its place.
        """
        target = self._session.target
        pace = None if target.in_real_time else Pace(target, speed)
        while not stopped():
            try:
                self._commands()
                self._request()
                if pace is None:
                    self._session.advance(_STEP_S)
                elif (due_s := pace.due_s()) >= _STEP_S * min(speed, 0.4):
                    self._session.advance(due_s)
                else:
                    time.sleep(0.02)
                self.state = f"recording {target.name}"
            except TargetError as error:
                if pace is not None:  # a simulation that has ended does not return
                    raise
                away = "another instrument is connected" if isinstance(error, OtherInstrument) else str(error)
                self.state = f"waiting: {away}"
                time.sleep(_RETRY_S)

    def _request(self) -> None:
        """Request the running spectra that browsers have shown since the last request."""
        now_us, spectra = self._session.target.now_us, self._wanted
        if spectra and now_us >= self._next_us:
            self._wanted = 0
            self._next_us = now_us + round(1e6 * _ASK_S * max(3, spectra.bit_count()))
            self._session.post("report_spectra", ack=Ack.NONE, spectra=spectra)

    def _commands(self) -> None:
        while not self._waiting.empty():
            text, send = self._waiting.get()
            try:
                self._runner.run(send)
                self._log.appendleft(f"{text}: done")
            except CommandFailed as error:
                self._log.appendleft(f"{text}: refused: {error}")
            except TargetError as error:
                self._log.appendleft(f"{text}: {error}")


def is_acquiring(housekeeping: Packet) -> bool:
    """Whether the instrument is already acquiring."""
    return housekeeping.text("mode") == "science"

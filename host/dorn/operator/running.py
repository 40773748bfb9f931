"""Execution of statements over a session."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from functools import partial

from dorn.dictionary import Ack, Packet
from dorn.dictionary.headers import EVENT_REPORTING, VERIFICATION
from dorn.operator.lines import packet_line
from dorn.operator.statements import Check, Condition, Say, Send, Statement, Until, Wait
from dorn.operator.telecommands import resolved
from dorn.session import CommandFailed, Session
from dorn.targets import NoAnswer, TargetError
from dorn.util.interrupts import Interrupts

_SLICE_S = 0.2  # interval at which Ctrl-C is noticed


class Runner:
    """Executes statements over a session, connected or not. `on_packet(packet)` is called with every packet on arrival.

    ack: acknowledgement flags of the telecommands; must include completion.
    """

    def __init__(self, session: Session, ack: int = Ack.ACCEPTANCE | Ack.COMPLETION):
        self.session = session
        self.on_packet: Callable[[Packet], None] = lambda packet: None
        self._ack = ack
        self._next_handler = session.on_packet  # an existing handler still receives the packets
        session.on_packet = self._take
        self._last: dict[str, Packet] = {}
        # received since the last telecommand was sent: some precede its completion report
        self._events: deque[Packet] = deque(maxlen=1000)
        # packets received together with a completion report, but after it: new for the next statement
        self._after_report: list[Packet] = []
        self._wanted: Condition | None = None
        self._found: Packet | None = None
        self._ahead_s = 0.0  # on-board time minus target time
        self._interrupts = Interrupts()
        if session.housekeeping:
            self._keep(session.housekeeping)
            self._after_report.clear()

    @property
    def time_s(self) -> float:
        """On-board time, extrapolated from the last packet."""
        return self.session.target.now_us / 1e6 + self._ahead_s

    def run(self, statement: Statement) -> str:
        """Execute one statement. Returns the message to print, if any. Raises TargetError with the reason if it fails.

        After a first Ctrl-C, a telecommand in progress is still verified and a wait ends; then KeyboardInterrupt is
        raised.
        """
        if isinstance(statement, Send):
            self._after_report.clear()
        with Interrupts() as self._interrupts:
            message = self._run(statement)
        if not isinstance(statement, Send | Say):
            self._after_report.clear()
        if self._interrupts.heard:
            raise KeyboardInterrupt
        return message

    def _run(self, statement: Statement) -> str:
        match statement:
            case Send():
                return self._send(statement)
            case Wait(seconds):
                self._pass(seconds, lambda: False)
            case Until(condition, limit_s):
                return self._until(condition, limit_s)
            case Check(condition):
                return self._check(condition)
            case Say(text):
                return text
        return ""

    def _take(self, packet: Packet) -> None:
        if self._next_handler:
            self._next_handler(packet)
        record = packet.fields.get("record", 0)
        if not record or record >= self.session.records.latest:  # retrieved packets are not current
            self._keep(packet)
        self.on_packet(packet)

    def _keep(self, packet: Packet) -> None:
        self._ahead_s = packet.time_s - self.session.target.now_us / 1e6
        self._last[packet.name] = packet
        if packet.service == EVENT_REPORTING:
            self._events.append(packet)
        if packet.service == VERIFICATION:
            self._after_report.clear()
        else:
            self._after_report.append(packet)
        if self._wanted and self._found is None and self._wanted.holds(packet):
            self._found = packet

    def _pass(self, seconds: float, done: Callable[[], bool]) -> bool:
        """Let up to `seconds` of target time pass until `done()`. Returns `done()`; KeyboardInterrupt on Ctrl-C."""
        target = self.session.target
        end_us = target.now_us + seconds * 1e6
        while not done():
            left_s = (end_us - target.now_us) / 1e6
            if left_s <= 0:
                return False
            if self._interrupts.heard:
                raise KeyboardInterrupt
            with contextlib.suppress(NoAnswer):
                self.session.wait_for(lambda packet: done(), min(left_s, _SLICE_S))
        return True

    def _send(self, send: Send) -> str:
        self.session.pump()  # packets that arrived earlier are not attributed to this telecommand
        self._events.clear()
        check = send.failure is None
        fields = resolved(send.fields, self.time_s, partial(self.session.embedded, check=check))
        try:
            self.session.command(send.name, send.limit_s, check, self._ack, **fields)
        except CommandFailed as refused:
            if refused.failure != send.failure:
                raise
            return f"refused: {refused.failure}"
        except NoAnswer:
            raise NoAnswer(f"{send.name}: no report of completion or failure within {send.limit_s:g} s") from None
        if send.failure:
            raise TargetError(f"{send.name}: completed instead of being refused with {send.failure}")
        return ""

    def _until(self, condition: Condition, limit_s: float) -> str:
        self.session.pump()
        before = self._last.get(condition.subject)
        self._found = self._event(condition) or next(filter(condition.holds, self._after_report), None)
        self._wanted = condition
        try:
            self._pass(limit_s, lambda: self._found is not None)
        finally:
            self._wanted = None
        if self._found is None:
            last = self._last.get(condition.subject)
            new = "no new packet; the last one: " if last and last is before else ""
            raise NoAnswer(f"not within {limit_s:g} s: {new}{self._why_not(condition, last)}")
        return condition.text(self._found)

    def _check(self, condition: Condition) -> str:
        self.session.pump()
        last = self._last.get(condition.subject) if condition.event is None else self._event(condition)
        if last is None or not condition.holds(last):
            raise TargetError(self._why_not(condition, last))
        return condition.text(last)

    def _event(self, condition: Condition) -> Packet | None:
        """The first event report since the last telecommand that fulfils the condition."""
        return next(filter(condition.holds, self._events), None) if condition.event is not None else None

    def _why_not(self, condition: Condition, last: Packet | None) -> str:
        if condition.event is not None:
            received = [packet_line(packet, self.session.dictionary).strip() for packet in self._events]
            return f"events since the last telecommand: {'; '.join(received) or 'none'}"
        return condition.text(last) if last else f"no {condition.subject} received"

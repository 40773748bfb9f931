"""The operator's statements, one per line (parsing.py reads them, running.py executes them).

GRAMMAR lists the statements. NAME, FIELD, PACKET, PARAMETER, FAILURE and names of values are those of icd.toml; a VALUE
is decimal, 0x..., or the name of a value. An element of an array is FIELD[INDEX]; an event report has two values, a and
b, defined in icd.toml. Octets are written in hex, or as a telecommand in parentheses, which gets the sequence count
before that of its carrier and reports its completion. An on-board time (a field ..._s) may be +SECONDS or -SECONDS from
now. `#` begins a comment. Times are target time, in seconds.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass

from dorn.dictionary import Packet
from dorn.dictionary.headers import EVENT_REPORTING

GRAMMAR = {
    "send": "send NAME FIELD=VALUE ... [within SECONDS]",
    "refused": "refused FAILURE NAME FIELD=VALUE ... [within SECONDS]",
    "set": "set PARAMETER VALUE",
    "wait": "wait SECONDS",
    "until": "until PACKET.FIELD OP VALUE within SECONDS, or until event NAME [a OP VALUE] within SECONDS",
    "check": "check PACKET.FIELD OP VALUE, or check event NAME [a OP VALUE]",
    "say": "say TEXT",
}
MEANING = {
    "send": "send a telecommand, which must complete; octets: hex or (TELECOMMAND ...); times: also +SECONDS",
    "refused": "send a telecommand, which must be refused with this failure code",
    "set": "short for send set_parameter",
    "wait": "let time pass",
    "until": "wait for a new packet with this value, or for an event report since the last telecommand was sent",
    "check": "require this value in the last packet, or an event report since the last telecommand was sent",
    "say": "print a text",
}
RELATIONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPLETION_LIMIT_S = 15.0  # default time limit for the completion of a telecommand


@dataclass(frozen=True)
class FromNow:
    """An on-board time relative to the time at which the telecommand is sent; negative: earlier."""

    seconds: int


@dataclass(frozen=True)
class Send:
    """A telecommand that must complete or, with `failure`, be refused with that code, within limit_s.

    fields: octets may be a telecommand, whose `failure` and `limit_s` are ignored.
    """

    name: str
    fields: dict[str, int | str | bytes | FromNow | Send]
    failure: str | None = None
    limit_s: float = COMPLETION_LIMIT_S


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Condition:
    """Condition on a field of a packet or, with `event`, on the event report of that number.

    subject: name of the packet or event report. field: None if any report of the event is enough. index: array element.
    """

    subject: str
    event: int | None
    field: str | None = None
    index: int | None = None
    relation: str = "=="
    value: int = 0

    def concerns(self, packet: Packet) -> bool:
        if self.event is None:
            return packet.name == self.subject
        return packet.service == EVENT_REPORTING and packet.fields.get("event") == self.event

    def holds(self, packet: Packet) -> bool:
        if not self.concerns(packet):
            return False
        if self.field is None:
            return True
        found = self._read(packet, self.field)
        return found is not None and RELATIONS[self.relation](found, self.value)

    def text(self, packet: Packet) -> str:
        """The condition's value in a packet that it concerns."""
        if self.field is None:
            return f"event {self.subject}"
        value = packet.text(self.field) if self.index is None else self._read(packet, self.field)
        element = "" if self.index is None else f"[{self.index}]"
        return f"{self.subject}.{self.field}{element} is {'missing' if value is None else value}"

    def _read(self, packet: Packet, field: str) -> int | None:
        """The value, None if the packet's array is shorter."""
        found = packet.fields[field]
        if self.index is None:
            return found
        return found[self.index] if self.index < len(found) else None


@dataclass(frozen=True)
class Until:
    condition: Condition
    limit_s: float


@dataclass(frozen=True)
class Check:
    condition: Condition


@dataclass(frozen=True)
class Say:
    text: str


Statement = Send | Wait | Until | Check | Say

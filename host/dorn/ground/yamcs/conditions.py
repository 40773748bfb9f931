"""The conditions of the procedures, evaluated here for the stacks of Yamcs (stacks.py).

Yamcs compares only values of parameters, and its server does so wrongly for all relations but equality
(findings/yamcs-stack-comparisons.sh). Each condition is therefore a parameter that is true or false.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dorn.dictionary import Packet
from dorn.dictionary.headers import CRC, LAST_COUNT, TC_HEADER
from dorn.exports.xtce_local import Local
from dorn.operator.statements import Check, Condition, Until

SYSTEM = "procedures"
COMPLETED = "completed"  # the latest telecommand, once it has been completed
SINCE, LAST = "since", "last"
_KEPT = 100  # telecommands that wait for their completion
_RELATIONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def parameter(statement: Until | Check, text: str) -> str:
    """The name of the parameter for a condition; text: its statement, as written.

    since_...: met by a packet since the latest telecommand was sent; last_...: met by the last packet.
    """
    kind = LAST if isinstance(statement, Check) and statement.condition.event is None else SINCE
    words = text.partition(" within ")[0].split()[1:]
    named = "_".join(_RELATIONS.get(word, word) for word in words)
    return f"{kind}_{re.sub(r'[^0-9A-Za-z]+', '_', named).strip('_')}"


def content(telecommand: bytes) -> str:
    """Service, subtype and data of a telecommand, without what differs each time it is sent: (17,1), (8,1) 03."""
    service, subtype = telecommand[7:9]
    return f"({service},{subtype}) {telecommand[TC_HEADER:-CRC].hex()}".rstrip()


class Conditions:
    """conditions: parameter -> condition."""

    def __init__(self, conditions: dict[str, Condition]):
        self._conditions = conditions
        self._met = dict.fromkeys(conditions, False)
        self._completed = ""
        self._sent: dict[int, str] = {}  # sequence count -> content of a telecommand

    def parameters(self) -> Iterable[Local]:
        yield Local(
            COMPLETED, "string", about="the latest telecommand, once it has been completed: service, subtype, data"
        )
        for name in self._conditions:
            yield Local(name, "boolean")

    def initial(self) -> dict:
        return {COMPLETED: self._completed, **self._met}

    def repeated(self) -> dict:
        """What holds: a step may begin to wait at the moment at which its condition is met, and miss that."""
        return {COMPLETED: self._completed} | {name: met for name, met in self._met.items() if met}

    def sent(self, telecommand: bytes) -> dict:
        """The parameters that a telecommand changes which is about to be sent."""
        self._sent[int.from_bytes(telecommand[2:4], "big") & LAST_COUNT] = content(telecommand)
        if len(self._sent) > _KEPT:
            del self._sent[next(iter(self._sent))]
        self._completed = ""
        reset = {name: False for name, met in self._met.items() if met and name.startswith(SINCE)}
        self._met |= reset
        return {COMPLETED: "", **reset}

    def take(self, packet: Packet) -> dict:
        """The parameters that a packet changes."""
        changed: dict = {}
        if packet.name == "completion_success":
            content = self._sent.pop(packet.fields["request_sequence"] & LAST_COUNT, None)
            if content and not self._sent:  # no later one is on its way
                changed[COMPLETED] = self._completed = content
        for name, condition in self._conditions.items():
            if condition.concerns(packet):
                met = condition.holds(packet) or (name.startswith(SINCE) and self._met[name])
                if met != self._met[name]:
                    changed[name] = self._met[name] = met
        return changed

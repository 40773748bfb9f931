"""The conditions of the procedures, evaluated here for the stacks of Yamcs (stacks.py).

Yamcs compares only values of parameters, and its server does so wrongly for all relations but equality
(findings/yamcs-stack-comparisons.sh). Each condition is therefore a parameter that is true or false.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dorn.dictionary import Packet
from dorn.exports.xtce_local import Local
from dorn.operator.statements import Check, Condition, Until

SYSTEM = "procedures"
COMPLETED = "completed"  # whether the latest telecommand has been completed
SINCE, LAST = "since", "last"
_RELATIONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def parameter(statement: Until | Check, text: str) -> str:
    """The name of the parameter for a condition; text: its statement, as written.

    since_...: met by a packet since the latest telecommand was accepted; last_...: met by the last packet.
    """
    kind = LAST if isinstance(statement, Check) and statement.condition.event is None else SINCE
    words = text.partition(" within ")[0].split()[1:]
    named = "_".join(_RELATIONS.get(word, word) for word in words)
    return f"{kind}_{re.sub(r'[^0-9A-Za-z]+', '_', named).strip('_')}"


class Conditions:
    """conditions: parameter -> condition."""

    def __init__(self, conditions: dict[str, Condition]):
        self._conditions = conditions
        self._met = {COMPLETED: True, **dict.fromkeys(conditions, False)}

    def parameters(self) -> Iterable[Local]:
        yield Local(COMPLETED, "boolean", about="the latest telecommand has been completed")
        for name in self._conditions:
            yield Local(name, "boolean")

    def initial(self) -> dict[str, bool]:
        return dict(self._met)

    def repeated(self) -> dict[str, bool]:
        """The conditions that are met: a step may begin to wait at the moment at which its condition is."""
        return {name: met for name, met in self._met.items() if met}

    def take(self, packet: Packet) -> dict[str, bool]:
        """The parameters that a packet changes."""
        before = dict(self._met)
        if packet.name in ("acceptance_success", "acceptance_failure"):  # a new telecommand
            self._met[COMPLETED] = False
            self._met.update((name, False) for name in self._conditions if name.startswith(SINCE))
        if packet.name == "completion_success":
            self._met[COMPLETED] = True
        for name, condition in self._conditions.items():
            if condition.concerns(packet):
                met = condition.holds(packet)
                self._met[name] = met or (name.startswith(SINCE) and self._met[name])
        return {name: met for name, met in self._met.items() if met != before[name]}

"""The conditions of the procedures, evaluated here for the stacks of Yamcs (stacks.py).

Yamcs compares only values of parameters, and its server does so incorrectly for all relations except equality
(findings/yamcs-stack-comparisons.sh). Each condition is therefore a parameter that is true or false.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from dorn.dictionary import Packet
from dorn.dictionary.headers import CRC, LAST_COUNT, TC_HEADER
from dorn.exports.xtce_local import Local
from dorn.operator.statements import Check, Condition, Until

SYSTEM = "procedures"
COMPLETED = "completed"  # the latest telecommand, once it is completed
SINCE, LAST = "since", "last"
_REPEATED_S = 3.0  # wall time for which a value is repeated, and for which a telecommand counts as just completed
_RELATIONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def parameter(statement: Until | Check, text: str) -> str:
    """The name of the parameter for a condition. text: the statement with the condition, as written.

    since_...: met by a packet since the latest telecommand was sent; last_...: met by the last packet.
    """
    kind = LAST if isinstance(statement, Check) and statement.condition.event is None else SINCE
    words = text.partition(" within ")[0].split()[1:]
    named = "_".join(_RELATIONS.get(word, word) for word in words)
    return f"{kind}_{re.sub(r'[^0-9A-Za-z]+', '_', named).strip('_')}"


def content(telecommand: bytes) -> str:
    """Service, subtype and data of a telecommand, which are equal whenever it is sent, such as (8,1) 03."""
    service, subtype = telecommand[7:9]
    return f"({service},{subtype}) {telecommand[TC_HEADER:-CRC].hex()}".rstrip()


class Conditions:
    """conditions: parameter -> condition. clock: wall time, seconds.

    A step of a stack that starts to wait just as its value is set may miss it: a new value is repeated for a while.
    """

    def __init__(self, conditions: dict[str, Condition], clock: Callable[[], float] = time.monotonic):
        self._conditions = conditions
        self._clock = clock
        self._met = dict.fromkeys(conditions, False)
        self._latest: tuple[int, str] | None = None  # sequence count and content of the telecommand sent last
        self._completed = ""
        self._set_s: dict[str, float] = {}  # parameter -> when it was set

    def parameters(self) -> Iterable[Local]:
        yield Local(COMPLETED, "string", about="the latest telecommand, just completed: service, subtype, data")
        for name in self._conditions:
            yield Local(name, "boolean")

    def initial(self) -> dict:
        return {COMPLETED: self._completed, **self._met}

    def repeated(self) -> dict:
        """The values set recently, to be sent again."""
        now_s = self._clock()
        ended = {name for name, set_s in self._set_s.items() if now_s - set_s > _REPEATED_S}
        for name in ended:
            del self._set_s[name]
        if COMPLETED in ended:  # otherwise the next step that waits for an equal telecommand could take this completion
            self._completed = ""
        again = {*self._set_s, *({COMPLETED} & ended)}
        return {name: value for name, value in self.initial().items() if name in again}

    def sent(self, telecommand: bytes) -> dict:
        """The parameters changed by a telecommand that is about to be sent."""
        self._latest = int.from_bytes(telecommand[2:4], "big") & LAST_COUNT, content(telecommand)
        self._completed = ""
        reset = {name: False for name, met in self._met.items() if met and name.startswith(SINCE)}
        self._met |= reset
        return self._changed({COMPLETED: "", **reset})

    def take(self, packet: Packet) -> dict:
        """The parameters that a packet changes."""
        changed: dict = {}
        if packet.name == "completion_success" and self._latest:
            count, content = self._latest
            if packet.fields["request_sequence"] & LAST_COUNT == count:
                changed[COMPLETED] = self._completed = content
        for name, condition in self._conditions.items():
            if condition.concerns(packet):
                met = condition.holds(packet) or (name.startswith(SINCE) and self._met[name])
                if met != self._met[name]:
                    changed[name] = self._met[name] = met
        return self._changed(changed)

    def _changed(self, values: dict) -> dict:
        self._set_s |= dict.fromkeys(values, self._clock())
        return values

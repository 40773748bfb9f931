"""The procedures as stacks of Yamcs, which its page and its server run.

A stack has steps that send a telecommand and steps that wait until a parameter has a value. What it cannot express is
left out, and said in a text: telecommands that must be refused. A procedure whose telecommands carry times from now, or
other telecommands, has no stack: run it with `dorn procedure`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from dorn.dictionary import Dictionary
from dorn.ground.yamcs import conditions
from dorn.operator import parsing, procedure
from dorn.operator.statements import Check, Condition, Say, Send, Statement, Until, Wait

_COMPLETE = "CommandComplete"  # a verifier of this name would do for the page only: see the finding in conditions.py
_GRACE_MS = 3000  # for a value that is there, or on its way


@dataclass
class Stack:
    """steps: as in a .ycs file. conditions: parameter -> condition, to be evaluated for it."""

    steps: list[dict]
    conditions: dict[str, Condition]

    def text(self) -> str:
        return json.dumps({"advancement": {"acknowledgment": _COMPLETE, "wait": 0}, "steps": self.steps}, indent=1)


def all_of(dictionary: Dictionary) -> dict[str, Stack]:
    """Name -> stack, of the shipped procedures that can be one."""
    found = {}
    for name in procedure.shipped():
        path = procedure.find(name)
        statements = parsing.parse_all(path.read_text(encoding="utf-8"), path, dictionary)
        if all(_expressible(statement) for _, _, statement in statements):
            found[name] = stack([(text, statement) for _, text, statement in statements], dictionary)
    return found


def _expressible(statement: Statement) -> bool:
    """Whether all values of a telecommand are known beforehand."""
    if not isinstance(statement, Send) or statement.failure:
        return True
    return all(isinstance(value, int | str | bytes) for value in statement.fields.values())


def stack(statements: list[tuple[str, Statement]], dictionary: Dictionary) -> Stack:
    """The stack of a procedure: (text as written, statement)..."""
    made = Stack([], {})
    for text, statement in statements:
        match statement:
            case Say(said):
                made.steps.append({"type": "text", "text": said})
            case Send(failure=None):
                made.steps.append(_command(statement, dictionary))
                made.steps.append(_verify(conditions.COMPLETED, _GRACE_MS))  # the server continues after a refusal
            case Send():
                made.steps.append({"type": "text", "text": f"left out: `{text}`"})
            case Wait(seconds):
                made.steps.append(_verify(conditions.COMPLETED, _GRACE_MS) | {"delay": round(1000 * seconds)})
            case Until(condition, limit_s):
                name = conditions.parameter(statement, text)
                made.conditions[name] = condition
                made.steps.append(_verify(name, round(1000 * limit_s) + _GRACE_MS, text))
            case Check(condition):
                name = conditions.parameter(statement, text)
                made.conditions[name] = condition
                made.steps.append(_verify(name, _GRACE_MS, text))
    return made


def _verify(name: str, timeout_ms: int, text: str = "") -> dict:
    condition = {"parameter": f"/{conditions.SYSTEM}/{name}", "operator": "eq", "value": "true"}
    step = {"type": "verify", "condition": [condition], "timeout": timeout_ms}
    return step | ({"comment": f"`{text}`"} if text else {})


def _command(send: Send, dictionary: Dictionary) -> dict:
    """A step with the telecommand of that function or parameter, which Yamcs checks against its range."""
    name, fields = send.name, dict(send.fields)
    if name == "function":
        name, fields = f"function_{fields['function']}", {}
    elif name == "set_parameter":
        number = dictionary.parameters[str(fields["parameter"])].id
        table = next(t for t in dictionary.tables["parameter"] if 0 <= number - t["id"] < t.get("count", 1))
        name = f"set_parameter_{table['name']}"
    for array in dictionary.commands[send.name].arrays:  # the operator does not write lengths
        fields[str(array.length)] = len(send.fields[array.name]) // array.size
    arguments = [
        {"name": field, "value": value.hex() if isinstance(value, bytes) else str(value)}
        for field, value in fields.items()
    ]
    return {"type": "command", "name": f"/{dictionary.mission['name']}/{name}", "arguments": arguments}

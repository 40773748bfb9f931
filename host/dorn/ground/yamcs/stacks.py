"""The procedures as stacks of Yamcs, which its page and its server run.

A stack has steps that send a telecommand and steps that wait until a parameter has a value. It differs from its
procedure as follows: telecommands that must be refused are left out, and listed in a text step; `check` waits up to
3 s; `until` accepts any packet since the latest telecommand, not only one since the step began. A procedure whose
telecommands have relative times, or contain other telecommands, has no stack: run it with `dorn procedure`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dorn.dictionary import Dictionary
from dorn.exports.xtce_yamcs import entries, function_command, parameter_command
from dorn.ground.yamcs import conditions
from dorn.operator import parsing, procedure
from dorn.operator.statements import Check, Condition, Say, Send, Statement, Until, Wait

# The server treats a verifier that has started as one that has succeeded, and may wait forever for the completion: so
# a separate step after each telecommand waits for the completion.
_SENT = "Acknowledge_Sent"
_GRACE_MS = 3000  # time allowed for a value that is present or about to arrive


@dataclass
class Stack:
    """steps: as in a .ycs file. conditions: parameter -> condition that gives its value."""

    steps: list[dict]
    conditions: dict[str, Condition]

    def text(self) -> str:
        return json.dumps({"advancement": {"acknowledgment": _SENT, "wait": 0}, "steps": self.steps}, indent=1)


def all_of(dictionary: Dictionary) -> dict[str, Stack]:
    """Name -> stack, for the shipped procedures that can be expressed as one."""
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
                made.steps.append(_completion(statement, text, dictionary))
            case Send():
                made.steps.append({"type": "text", "text": f"left out: `{text}`"})
            case Wait(seconds):
                made.steps.append({"type": "verify", "condition": [], "delay": round(1000 * seconds)})
            case Until() | Check():
                name = conditions.parameter(statement, text)
                limit_s = statement.limit_s if isinstance(statement, Until) else 0
                made.conditions[name] = statement.condition
                made.steps.append(_verify(name, round(1000 * limit_s) + _GRACE_MS, text))
    return made


def _verify(name: str, timeout_ms: int, text: str, value: str = "true") -> dict:
    condition = {"parameter": f"/{conditions.SYSTEM}/{name}", "operator": "eq", "value": value}
    return {"type": "verify", "condition": [condition], "timeout": timeout_ms, "comment": f"`{text}`"}


def _completion(send: Send, text: str, dictionary: Dictionary) -> dict:
    """A step that waits until a telecommand has been completed."""
    fields: dict[str, Any] = send.fields
    content = conditions.content(dictionary.encode(send.name, 0, **fields))
    return _verify(conditions.COMPLETED, round(1000 * send.limit_s) + _GRACE_MS, f"completed: {text}", content)


def _command(send: Send, dictionary: Dictionary) -> dict:
    """A step that sends a telecommand; each function and parameter has its own command, whose range Yamcs checks."""
    name = send.name
    fields: dict[str, Any] = dict(send.fields)
    if name == "function":
        name, fields = function_command(_name(fields["function"], dictionary.texts["function"])), {}
    elif name == "set_parameter":
        fields["parameter"] = _name(fields["parameter"], dictionary.texts["parameter"])
        name = next(
            parameter_command(table)
            for table in dictionary.tables["parameter"]
            if fields["parameter"] in entries(table, dictionary)
        )
    for array in dictionary.commands[send.name].arrays:  # operators do not enter lengths
        fields[str(array.length)] = len(fields[array.name]) // array.size
    arguments = [
        {"name": field, "value": value.hex() if isinstance(value, bytes) else str(value)}
        for field, value in fields.items()
    ]
    return {"type": "command", "name": f"/{dictionary.mission['name']}/{name}", "arguments": arguments}


def _name(value: int | str, texts: dict[int, str]) -> str:
    """The name of a value, which may be written as a number."""
    return value if isinstance(value, str) else texts[value]

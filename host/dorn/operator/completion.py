"""Completion of the line that an operator is typing."""

from __future__ import annotations

from dorn.dictionary import Dictionary
from dorn.dictionary.definitions import Field
from dorn.operator.parsing import enum_of
from dorn.operator.statements import GRAMMAR, RELATIONS
from dorn.operator.telecommands import written


def possible(line: str, dictionary: Dictionary) -> tuple[str, list[str]]:
    """(beginning of the current word, words that complete it) for the text before the cursor."""
    inner = line[line.rfind("(") + 1 :] if line.count("(") > line.count(")") else None  # embedded telecommand
    *words, begun = (line if inner is None else inner).split(" ")
    words = [word for word in words if word]
    if inner is not None and not words:
        candidates = [*dictionary.commands]
    elif "=" in begun and words and words[0] not in ("until", "check"):
        name, _, begun = begun.partition("=")
        field = _command_fields(words, dictionary).get(name)
        candidates = ["("] if field and field.length is not None else _values(field, dictionary)
    else:
        candidates = _next(words, begun, dictionary)
    return begun, [word for word in candidates if word.startswith(begun)]


def _next(words: list[str], begun: str, dictionary: Dictionary) -> list[str]:
    match words:
        case []:
            return [*dictionary.commands, *GRAMMAR, "help", "quit"]
        case ["help"]:
            return [*GRAMMAR, *dictionary.commands, *dictionary.telemetry, *dictionary.parameters, *dictionary.events]
        case ["set"]:
            return [*dictionary.parameters]
        case ["refused"]:
            return [*dictionary.enums["failure"]]
        case ["send"] | ["refused", _]:
            return [*dictionary.commands]
        case ["until" | "check"]:
            packet, point, _ = begun.partition(".")
            if not point:
                return ["event", *(f"{name}." for name in dictionary.telemetry)]
            fields = _packet_fields(packet, dictionary).values()
            return [f"{packet}.{field.name}{'' if field.length is None else '['}" for field in fields]
        case ["until" | "check", "event"]:
            return [*dictionary.events]
        case ["until", "event", _]:
            return ["a", "b", "within"]
        case ["check", "event", _]:
            return ["a", "b"]
        case ["until" | "check", "event", _, _] | ["until" | "check", _]:
            return [*RELATIONS]
        case ["until" | "check", "event", event, which, _]:
            about = getattr(dictionary.events.get(event), which, "")
            return [*dictionary.enums.get(enum_of(about, dictionary) or "", ())]
        case ["until" | "check", place, _]:
            packet, _, name = place.partition(".")
            return _values(_packet_fields(packet, dictionary).get(name.partition("[")[0]), dictionary)
        case ["until", *_]:
            return ["within"]
    there = {word.partition("=")[0] for word in words if "=" in word}
    return [f"{name}=" for name in _command_fields(words, dictionary) if name not in there]


def _command_fields(words: list[str], dictionary: Dictionary) -> dict[str, Field]:
    """Fields of the telecommand on the line."""
    place = {"send": 1, "refused": 2}.get(words[0], 0)
    layout = dictionary.commands.get(words[place]) if len(words) > place else None
    return written(layout) if layout else {}


def _packet_fields(packet: str, dictionary: Dictionary) -> dict[str, Field]:
    layout = dictionary.telemetry.get(packet)
    return {field.name: field for field in layout.fields} if layout else {}


def _values(field: Field | None, dictionary: Dictionary) -> list[str]:
    return [*dictionary.enums.get(field.enum or "", ())] if field else []

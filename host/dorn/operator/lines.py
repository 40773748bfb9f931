"""Text for the operator: packets, and the dictionary's commands, packets, parameters and event reports."""

from __future__ import annotations

from collections.abc import Iterator

from dorn.dictionary import Dictionary, Layout, Packet
from dorn.dictionary.definitions import Field
from dorn.dictionary.headers import EVENT_REPORTING, LAST_COUNT
from dorn.operator.statements import GRAMMAR, MEANING
from dorn.operator.telecommands import written

_VALUES = 16  # elements of an array shown in a line; for a longer array, their number and sum


def packet_line(packet: Packet, dictionary: Dictionary) -> str:
    """One line: on-board time, the packet's name, its fields."""
    if packet.service == EVENT_REPORTING and "event" in packet.fields:
        text = _event(packet, dictionary)
    else:
        fields = dictionary.telemetry[packet.name].fields
        text = "  ".join(f"{field.name}={_value(packet, field)}" for field in fields)
    return f"{packet.time_s:12.3f} s  {packet.name}  {text}".rstrip()


def is_asked_for(packet: Packet, dictionary: Dictionary) -> bool:
    """Whether it is an answer or an event report, unlike periodic housekeeping and stored science."""
    return packet.service == EVENT_REPORTING or not dictionary.telemetry[packet.name].store_priority


def _event(packet: Packet, dictionary: Dictionary) -> str:
    name = packet.text("event")
    event = dictionary.events.get(name)
    values = ((which, getattr(event, which, "")) for which in ("a", "b") if which in packet.fields)
    texts = [f"{which}={packet.fields[which]} ({about})" for which, about in values if about != "0"]  # "0": unused
    return "  ".join([name, *texts])


def _value(packet: Packet, field: Field) -> str:
    value = packet.fields[field.name]
    if field.name == "request_sequence" and isinstance(value, int):
        return str(value & LAST_COUNT)  # the count of the telecommand, without the flags in the first two bits
    if isinstance(value, list):
        if len(value) > _VALUES:
            return f"[{len(value)} values, sum {sum(value)}]"
        return f"[{' '.join(map(str, value))}]"
    unit = "" if not field.unit or field.name.endswith(f"_{field.unit.lower()}") else f" ({field.unit})"
    return packet.text(field.name) + unit


# -- the dictionary ----------------------------------------------------------------------------------------------------


def all_commands(dictionary: Dictionary) -> list[str]:
    """Every telecommand with its fields, then the parameters."""
    found = []
    for layout in dictionary.commands.values():
        found += _layout(layout, dictionary)
    return [
        *found,
        "",
        "parameters:",
        *(line for name in dictionary.parameters for line in _parameter(name, dictionary)),
    ]


def about(name: str, dictionary: Dictionary) -> list[str]:
    """All entries with this name: statement, telecommand, packet, parameter, event report. Empty if there is none."""
    found = [f"{GRAMMAR[name]}  -- {MEANING[name]}"] if name in GRAMMAR else []
    for kind in (dictionary.commands, dictionary.telemetry):
        if name in kind:
            found += _layout(kind[name], dictionary)
    if name in dictionary.parameters:
        found += _parameter(name, dictionary)
    if name in dictionary.events:
        event = dictionary.events[name]
        found.append(f"event {name}  a: {event.a}; b: {event.b}")
    return found


def _layout(layout: Layout, dictionary: Dictionary) -> Iterator[str]:
    yield f"{layout.name} ({layout.service},{layout.subtype})  -- {layout.about}"
    telecommand = dictionary.commands.get(layout.name) is layout
    for field in written(layout).values() if telecommand else layout.fields:
        if telecommand and field.length is not None:
            yield f"    {field.name}: octets in hex, or (TELECOMMAND FIELD=VALUE ...)"
            continue
        unit = f" {field.unit}" if field.unit else ""
        prose = f"  -- {field.about}" if field.about else ""
        yield f"    {field.name}: {_possible(field, dictionary)}{unit}{prose}"


def _possible(field: Field, dictionary: Dictionary) -> str:
    several = "" if field.length is None else f"{field.length} of "
    if field.enum in ("parameter", "event"):
        return f"{several}name of {'an event report' if field.enum == 'event' else 'a parameter'}"
    if field.enum:
        return several + ", ".join(dictionary.enums[field.enum])
    low, high = field.valid or (0, field.high)
    return f"{several}{low} to {high}"


def _parameter(name: str, dictionary: Dictionary) -> Iterator[str]:
    parameter = dictionary.parameters[name]
    # an array of parameters, such as threshold_0, threshold_1, ..., is one table entry, whose name has no number
    effects = {table["name"]: table.get("effect", "") for table in dictionary.tables["parameter"]}
    effect = effects.get(name) or effects.get(name.rpartition("_")[0], "")
    unit = f" {parameter.unit}" if parameter.unit else ""
    yield f"    {name}: {parameter.low} to {parameter.high}{unit}, default {parameter.default}  -- {effect}"

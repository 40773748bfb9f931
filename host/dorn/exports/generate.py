"""Generates `firmware/fsw/icd.py`, the part of the dictionary that the firmware needs, from `icd.toml`.

Layouts are tuples (service, subtype, struct format of the scalars, X). For telemetry, X is the priority in the packet
store; the code that builds the packet appends the arrays. For a telecommand, X says whether octets follow, whose number
is the last scalar.
No prose: every name and character costs RAM on the chip.
"""

from pathlib import Path

from dorn.dictionary import Dictionary, DictionaryError
from dorn.exports.lines import line_kev
from dorn.util.paths import onboard_root

_HEAD = """\
# Generated from icd.toml by `python -m dorn.exports`: edit that, not this.
from micropython import const
"""


def path() -> Path:
    """Path of the generated module."""
    return onboard_root() / "firmware" / "fsw" / "icd.py"


def generate(dictionary: Dictionary) -> str:
    """Return the text of `fsw/icd.py`. Raises DictionaryError if two entries have the same name."""
    parameters = dictionary.tables["parameter"]
    names: list[str] = []
    sections = [
        _constants("", _mission(dictionary), names),
        *(
            _constants(f"{name.upper()}_", values, names)
            for name, values in dictionary.enums.items()
            if name not in ("parameter", "event")
        ),
        _table(
            "FUNCTIONS",
            "(number, whether it must be armed, resulting mode for each mode, 255: cannot be performed)",
            [str(_function_row(function, dictionary.enums["mode"])) for function in dictionary.functions.values()],
            names,
        ),
        _table(
            "OPTIONAL", "(file of fsw/pus, service)", [_quoted(item) for item in dictionary.optional.items()], names
        ),
        _constants("P_", {table["name"]: table["id"] for table in parameters}, names),
        _table(
            "PARAMETERS",
            "first id, count, low, high, default, owner of each: 0: boot only, 1: always present, or optional service",
            [_flat(_parameter_row(table, dictionary.optional)) for table in parameters],
            names,
        ),
        _table(
            "TABLES",
            "observation tables: (number, ((parameter, value), ...))",
            [str(_set_row(dictionary, *entry)) for entry in dictionary.parameter_sets.values()],
            names,
        ),
        _table(
            "MONITORS",
            "(low, high, repetition)",
            [str((monitor.low, monitor.high, monitor.repetition)) for monitor in dictionary.monitors.values()],
            names,
        ),
        _table(
            "ACTIONS",
            "(event, telecommand)",
            [f"({dictionary.events[event].id}, {packet})" for event, packet in dictionary.actions.items()],
            names,
        ),
        _table("LINES_KEV", "energies", [str(round(kev)) for kev in line_kev(dictionary).values()], names),
        _table(
            "COMMANDS",
            "service, subtype, format and whether octets follow, of every telecommand",
            [_flat(layout) for layout in _layouts(dictionary.commands).values()],
            names,
        ),
        _tuples("", _layouts(dictionary.telemetry, telemetry=True), names),
        "# numbers of all event reports\n"
        + _tuples("", {"events": bytes(sorted(event.id for event in dictionary.events.values()))}, names),
        "# event reports: subtype of service 5 << 8 | id\n"
        + _constants(
            "EVENT_", {name: event.subtype << 8 | event.id for name, event in dictionary.events.items()}, names
        ),
    ]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise DictionaryError(f"fsw/icd.py: {name} would appear twice")
    return _HEAD + "".join("\n" + section for section in sections)


def _mission(dictionary: Dictionary) -> dict[str, int | float]:
    wanted = ("apid", "destination_id", "max_packet", "authentication_trailer")
    return {
        "hash": dictionary.hash,
        **{name: dictionary.mission[name] for name in wanted},
        **dictionary.instrument,
    }


def _parameter_row(table: dict, optional: dict[str, int]) -> tuple[int, ...]:
    owner = 0 if table.get("boot_only") else optional.get(table.get("service", ""), 1)
    return (table["id"], table.get("count", 1), *table["range"], table["default"], owner)


def _function_row(function, modes: dict[str, int]) -> tuple:
    next_mode = {modes[mode]: modes[after] for mode, after in function.modes.items()}
    return function.id, function.armed, bytes(next_mode.get(mode, 255) for mode in range(max(modes.values()) + 1))


def _set_row(dictionary: Dictionary, number: int, values: dict[str, int]) -> tuple:
    return number, tuple((dictionary.parameters[name].id, value) for name, value in values.items())


def _layouts(layouts: dict, telemetry: bool = False) -> dict[str, tuple]:
    return {
        name: (
            layout.service,
            layout.subtype,
            layout.format,
            layout.store_priority if telemetry else bool(layout.arrays),
        )
        for name, layout in layouts.items()
    }


def _constants(prefix: str, values: dict, names: list[str]) -> str:
    return _tuples(
        prefix,
        {name: f"const({value:#x})" if name == "hash" else f"const({value})" for name, value in values.items()},
        names,
    )


def _tuples(prefix: str, values: dict, names: list[str]) -> str:
    lines = []
    for name, value in values.items():
        names.append(prefix + name.upper())
        lines.append(f"{names[-1]} = {_quoted(value)}\n")
    return "".join(lines)


def _quoted(value) -> str:
    if isinstance(value, bytes):  # may contain a quotation mark
        return repr(value)
    return str(value).replace("'", '"')


def _flat(row: tuple) -> str:
    # long tables are flat: each tuple in a tuple takes 32 more octets, and time in garbage collection
    return ", ".join(map(_quoted, map(repr, row)))


def _table(name: str, about: str, rows: list[str], names: list[str]) -> str:
    names.append(name)
    return f"# {about}\n{name} = (\n" + "".join(f"    {row},\n" for row in rows) + ")\n"

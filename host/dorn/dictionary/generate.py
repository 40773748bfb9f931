"""Makes `firmware/fsw/icd.py`, what the firmware needs of the dictionary, from `icd.toml`.

Layouts are tuples (service, subtype, struct format of the scalars), of telemetry with its priority in the packet store
as the fourth; who builds the packet appends the arrays.
No prose: every name and character costs RAM on the chip.
"""

from pathlib import Path

from dorn.dictionary import Dictionary, DictionaryError
from dorn.files import onboard_root

_HEAD = """\
# Generated from icd.toml by `python -m dorn.dictionary`: edit that, not this.
from micropython import const
"""


def path() -> Path:
    """Where the generated module stands."""
    return onboard_root() / "firmware" / "fsw" / "icd.py"


def generate(dictionary: Dictionary) -> str:
    """Return the text of `fsw/icd.py`; raises DictionaryError if two entries take the same name there."""
    parameters = dictionary.tables["parameter"]
    names: list[str] = []
    sections = [
        _constants("", _mission(dictionary), names),
        *(
            _constants(f"{name.upper()}_", values, names)
            for name, values in dictionary.enums.items()
            if name not in ("parameter", "event")
        ),
        _constants("P_", {table["name"]: table["id"] for table in parameters}, names),
        _table(
            "PARAMETERS",
            "(first id, count, low, high, default)",
            [str(_parameter_row(table)) for table in parameters],
            names,
        ),
        _tuples("TC_", _layouts(dictionary.commands), names),
        _table("COMMANDS", "every telecommand", [f"TC_{name.upper()}" for name in dictionary.commands], names),
        _tuples("", _layouts(dictionary.telemetry, telemetry=True), names),
        "# event reports: subtype of service 5 << 8 | id\n"
        + _constants(
            "EVENT_", {name: event.subtype << 8 | event.id for name, event in dictionary.events.items()}, names
        ),
    ]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise DictionaryError(f"fsw/icd.py: {name} would stand twice")
    return _HEAD + "".join("\n" + section for section in sections)


def _mission(dictionary: Dictionary) -> dict[str, int | float]:
    wanted = ("apid", "destination_id", "max_packet")
    return {
        "hash": dictionary.hash,
        **{name: dictionary.mission[name] for name in wanted},
        **dictionary.instrument,
    }


def _parameter_row(table: dict) -> tuple[int, ...]:
    return (table["id"], table.get("count", 1), *table["range"], table["default"])


def _layouts(layouts: dict, telemetry: bool = False) -> dict[str, tuple]:
    return {
        name: (layout.service, layout.subtype, layout.format, *([layout.store_priority] if telemetry else []))
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
        lines.append(f"{names[-1]} = {value}".replace("'", '"') + "\n")
    return "".join(lines)


def _table(name: str, about: str, rows: list[str], names: list[str]) -> str:
    names.append(name)
    return f"# {about}\n{name} = (\n" + "".join(f"    {row},\n" for row in rows) + ")\n"

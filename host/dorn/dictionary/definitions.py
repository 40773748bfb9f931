"""What `icd.toml` may say: its tables as objects, checked when they are read."""

import re
import struct
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from dorn.errors import UserError

TYPES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}  # type -> struct code, all big-endian
CODINGS = {"raw", "ccsds121"}  # of [enum.coding], which the field `coding` has
SEVERITIES = {"info": 1, "low": 2, "medium": 3, "high": 4}  # -> subtype of service 5 (ECSS-E-ST-70-41C 6.5)

_TYPE = re.compile(r"(u\d+)(?:\[(\w+)\])?")
_CODES = re.compile(r"([a-z][a-z0-9_]*) u16\[(\w+)\]")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RECORD = ("record", "u32")
# tables whose numbers are enumerations, too
NUMBERED = ("parameter", "event", "function", "monitor", "table")
_TEXTS = {"name", "type", "enum", "unit", "limits", "severity", "a", "b", "about", "effect"}


class DictionaryError(UserError):
    """The dictionary's text is wrong; the message names the entry and the value."""


class Parameter(NamedTuple):
    """One parameter; `low` and `high` are inclusive, in `unit`."""

    id: int
    unit: str
    low: int
    high: int
    default: int


class Function(NamedTuple):
    """One function of service 8. modes: mode it can be performed in -> mode it leads to."""

    id: int
    armed: bool
    modes: dict[str, str]
    about: str


class Monitor(NamedTuple):
    """One monitor of service 12: limits at boot, inclusive, in `unit`, and checks in a row that find it out of them."""

    id: int
    unit: str
    low: int
    high: int
    repetition: int


class Event(NamedTuple):
    """One event report of service 5; `a` and `b` say what its two values are."""

    id: int
    subtype: int
    a: str
    b: str


@dataclass(frozen=True)
class Field:
    """One field; `length` is None for a scalar, a number, or the name of the field that holds it.

    valid: of a telecommand's scalar the least and the greatest value that is taken, where not all of its type are.
    limits: of telemetry the monitor that holds it within limits; all ones in such a field: not read.
    codes: of telemetry the array that is coded in these octets, as the scalar `coding` says.
    """

    name: str
    type: str
    length: int | str | None = None
    enum: str | None = None
    unit: str = ""
    about: str = ""
    valid: tuple[int, int] | None = None
    limits: str | None = None
    codes: "Field | None" = None

    @property
    def size(self) -> int:
        """Octets of one element."""
        return struct.calcsize(">" + TYPES[self.type])

    @property
    def high(self) -> int:
        """The largest value the type holds."""
        return 2 ** (8 * self.size) - 1


@dataclass(frozen=True)
class Layout:
    """Source data of a telemetry packet or application data of a telecommand: scalars, then arrays.

    store_priority: 0 for a packet that is never stored on board; else its first field is `record`, its number there.
    refused: of a telecommand failure -> when it is refused with it, beyond what any telecommand can be refused for.
    """

    name: str
    service: int
    subtype: int
    fields: tuple[Field, ...]
    about: str = ""
    store_priority: int = 0
    refused: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def scalars(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.length is None)

    @property
    def arrays(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.length is not None)

    @property
    def format(self) -> str:
        """`struct` format of the scalars."""
        return ">" + "".join(TYPES[field.type] for field in self.scalars)


def entry(where: str, table: dict, required: str, optional: str = "") -> None:
    """Check that a table has its keys and no others."""
    if not isinstance(table, dict):
        raise DictionaryError(f"{where}: {table!r} is not a table")
    missing = set(required.split()) - set(table)
    unknown = set(table) - set(required.split()) - set(optional.split())
    if missing:
        raise DictionaryError(f"{where}: no {min(missing)}")
    if unknown:
        raise DictionaryError(f"{where}: unknown key {min(unknown)!r}")


def entries(kind: str, tables: list[dict], required: str, optional: str = ""):
    """Yield each table of an array, checked, with what to call it in messages."""
    if not isinstance(tables, list):
        raise DictionaryError(f"{kind}: {tables!r} is not an array of tables")
    for table in tables:
        name = table.get("name") if isinstance(table, dict) else table
        where = f"{kind} {name}"
        entry(where, table, required, optional)
        for key in _TEXTS & set(table):
            if not isinstance(table[key], str):
                raise DictionaryError(f"{where}: {key} {table[key]!r} is not a text")
        check_name(where, table["name"])
        yield where, table


def check_name(where: str, name: str) -> None:
    """Check that a name can be a name in code."""
    if not _NAME.fullmatch(name):
        raise DictionaryError(f"{where}: name {name!r} is not lower-case letters, digits and _")


def integer(where: str, key: str, value, low: int, high: int) -> int:
    """Return `value` if it is an integer from `low` to `high`, inclusive."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise DictionaryError(f"{where}: {key} {value!r} is not an integer from {low} to {high}")
    return value


def unique(where: str, keys: list) -> None:
    """Check that no key stands twice."""
    for i, key in enumerate(keys):
        if key in keys[:i]:
            raise DictionaryError(f"{where}: {key} stands twice")


def parameters(tables: list[dict]) -> dict[str, Parameter]:
    """Read [[parameter]]; an entry with `count` becomes `name_0`, `name_1`, ... with consecutive ids."""
    found = []
    for where, table in entries("parameter", tables, "name id unit range default", "count effect"):
        if not isinstance(table["range"], list) or len(table["range"]) != 2:
            raise DictionaryError(f"{where}: range {table['range']!r} is not [low, high]")
        low, high = (integer(where, "range", bound, 0, 2**32 - 1) for bound in table["range"])
        default = integer(where, "default", table["default"], low, high)
        count = integer(where, "count", table.get("count", 1), 1, 2**16 - 1)
        first = integer(where, "id", table["id"], 0, 2**16 - count)
        for i in range(count):
            name = f"{table['name']}_{i}" if "count" in table else table["name"]
            found.append((name, Parameter(first + i, table["unit"], low, high, default)))
    unique("parameter names", [name for name, _ in found])
    unique("parameter ids", [parameter.id for _, parameter in found])
    return dict(found)


def events(tables: list[dict]) -> dict[str, Event]:
    """Read [[event]]."""
    found = []
    for where, table in entries("event", tables, "name id severity a b", "about"):
        if table["severity"] not in SEVERITIES:
            raise DictionaryError(f"{where}: severity {table['severity']!r} is not one of {', '.join(SEVERITIES)}")
        number = integer(where, "id", table["id"], 0, 255)
        found.append((table["name"], Event(number, SEVERITIES[table["severity"]], table["a"], table["b"])))
    unique("event names", [name for name, _ in found])
    unique("event ids", [event.id for _, event in found])
    return dict(found)


def functions(tables: list[dict], modes: dict[str, int]) -> dict[str, Function]:
    """Read [[function]]."""
    found = []
    for where, table in entries("function", tables, "name id modes", "armed about"):
        number = integer(where, "id", table["id"], 0, 255)
        if not isinstance(table.get("armed", False), bool):
            raise DictionaryError(f"{where}: armed {table['armed']!r} is not true or false")
        if not isinstance(table["modes"], dict) or not table["modes"]:
            raise DictionaryError(f"{where}: modes {table['modes']!r} is not a table of mode = mode")
        for mode in (*table["modes"], *table["modes"].values()):
            if not isinstance(mode, str) or mode not in modes:
                raise DictionaryError(f"{where}: unknown mode {mode!r}")
        found.append(
            (table["name"], Function(number, table.get("armed", False), table["modes"], table.get("about", "")))
        )
    unique("function names", [name for name, _ in found])
    unique("function ids", [function.id for _, function in found])
    return dict(found)


def monitors(tables: list[dict]) -> dict[str, Monitor]:
    """Read [[monitor]]; their numbers are 0, 1, ..., as the firmware keeps them in a list."""
    found = []
    for where, table in entries("monitor", tables, "name id unit low high repetition"):
        number = integer(where, "id", table["id"], len(found), len(found))
        low = integer(where, "low", table["low"], 0, 2**32 - 1)
        high = integer(where, "high", table["high"], low, 2**32 - 1)
        repetition = integer(where, "repetition", table["repetition"], 1, 255)
        found.append((table["name"], Monitor(number, table["unit"], low, high, repetition)))
    unique("monitor names", [name for name, _ in found])
    return dict(found)


def parameter_sets(tables: list[dict], known: dict[str, Parameter]) -> dict[str, tuple[int, dict[str, int]]]:
    """Read [[table]]: name -> (number, values by parameter)."""
    found = []
    for where, table in entries("table", tables, "name id values"):
        number = integer(where, "id", table["id"], 0, 255)
        if not isinstance(table["values"], dict) or not table["values"]:
            raise DictionaryError(f"{where}: values {table['values']!r} is not a table of parameter = value")
        for name, value in table["values"].items():
            if name not in known:
                raise DictionaryError(f"{where}: unknown parameter {name!r}")
            integer(where, name, value, known[name].low, known[name].high)
        found.append((table["name"], (number, table["values"])))
    unique("table names", [name for name, _ in found])
    unique("table ids", [number for _, (number, _) in found])
    return dict(found)


def lines(table: dict) -> dict[str, str]:
    """Read [lines]: name -> nuclide whose strongest line it is."""
    for name, nuclide in table.items():
        check_name("lines", name)
        if not isinstance(nuclide, str):
            raise DictionaryError(f"lines: {name} {nuclide!r} is not a text")
    return dict(table)


def actions(tables: list[dict], known: dict[str, Event]):
    """Read [[action]]: yields (event, name of the telecommand, its fields)."""
    if not isinstance(tables, list):
        raise DictionaryError(f"action: {tables!r} is not an array of tables")
    for table in tables:
        entry("action", table, "event command fields")
        for key, kind in (("event", str), ("command", str), ("fields", dict)):
            if not isinstance(table[key], kind):
                raise DictionaryError(f"action: {key} {table[key]!r} is not a {'text' if kind is str else 'table'}")
        if table["event"] not in known:
            raise DictionaryError(f"action: unknown event {table['event']!r}")
        yield table["event"], table["command"], table["fields"]
    unique("action events", [table["event"] for table in tables])


def enumerations(tables: dict[str, dict]) -> dict[str, dict[str, int]]:
    """Read [enum.*]."""
    for name, values in tables.items():
        if name in NUMBERED:
            raise DictionaryError(f"enum {name}: the name stands for the numbers of the {name} tables")
        check_name("enum", name)
        if not isinstance(values, dict):
            raise DictionaryError(f"enum {name}: {values!r} is not a table")
        for key, value in values.items():
            check_name(f"enum {name}", key)
            integer(f"enum {name}", key, value, 0, 2**32 - 1)
        unique(f"enum {name}: values", list(values.values()))
    return tables


def meanings(tables: dict, enums: dict[str, dict[str, int]]) -> dict[str, dict[str, str]]:
    """Read [about.*]: what the values of enumerations mean."""
    if not isinstance(tables, dict):
        raise DictionaryError(f"about: {tables!r} is not a table")
    for name, texts in tables.items():
        if name not in enums or not isinstance(texts, dict):
            raise DictionaryError(f"about {name}: there is no enum of this name, or it is not a table")
        for value, text in texts.items():
            if value not in enums[name] or not isinstance(text, str):
                raise DictionaryError(f"about {name}: {value} {text!r}: not a value of the enum, or not a text")
    return tables


def services(table: dict) -> dict[str, int]:
    """Read [optional]."""
    for name, number in table.items():
        check_name("optional", name)
        integer("optional", name, number, 1, 255)
    return dict(table)


def layouts(kind: str, tables: list[dict], enums: dict) -> dict[str, Layout]:
    """Read [[telemetry]] or [[command]]."""
    found = []
    may_have, field_may_have = ("store_priority", "limits codes") if kind == "telemetry" else ("refused", "valid")
    for where, table in entries(kind, tables, "name service subtype fields", f"about {may_have}"):
        numbers = (integer(where, key, table[key], 1, 255) for key in ("service", "subtype"))
        fields = tuple(_fields(where, table["fields"], enums, field_may_have))
        refused = _refused(where, table.get("refused", {}), enums)
        priority = integer(where, "store_priority", table.get("store_priority", 0), 0, 2)
        if bool(priority) != (bool(fields) and (fields[0].name, fields[0].type) == _RECORD):
            raise DictionaryError(
                f"{where}: store_priority {priority}: what is stored, and only that, begins with u32 record"
            )
        found.append(Layout(table["name"], *numbers, fields, table.get("about", ""), priority, refused))
    unique(f"{kind} names", [layout.name for layout in found])
    unique(f"{kind} (service, subtype)", [(layout.service, layout.subtype) for layout in found])
    return {layout.name: layout for layout in found}


def _refused(where: str, table: dict, enums: dict) -> dict[str, str]:
    if not isinstance(table, dict):
        raise DictionaryError(f"{where}: refused {table!r} is not a table of failure = when")
    for failure, when in table.items():
        if failure not in enums.get("failure", {}):
            raise DictionaryError(f"{where}: refused: unknown failure {failure!r}")
        if not isinstance(when, str):
            raise DictionaryError(f"{where}: refused: {failure} {when!r} is not a text")
    return table


def _valid(where: str, bounds, high: int) -> tuple[int, int]:
    if not isinstance(bounds, list) or len(bounds) != 2:
        raise DictionaryError(f"{where}: valid {bounds!r} is not [low, high]")
    low = integer(where, "valid", bounds[0], 0, high)
    return low, integer(where, "valid", bounds[1], low, high)


def _fields(where: str, tables: list[dict], enums: dict, may_have: str):
    scalars, arrays = [], []
    for here, table in entries(f"{where}: field", tables, "name type", f"enum unit about {may_have}"):
        match = _TYPE.fullmatch(table["type"])
        if not match or match[1] not in TYPES:
            raise DictionaryError(f"{here}: unknown type {table['type']!r}")
        if table.get("enum") not in (None, *enums):
            raise DictionaryError(f"{here}: unknown enum {table['enum']!r}")
        length = int(match[2]) if match[2] and match[2].isdigit() else match[2]
        if isinstance(length, str) and length not in scalars:
            raise DictionaryError(f"{here}: no scalar field {length!r} before it holds its length")
        if length == 0:
            raise DictionaryError(f"{here}: length 0")
        if length is None and arrays:
            raise DictionaryError(f"{here}: a scalar after an array")
        if table.get("limits") not in (None, *enums.get("monitor", {})):
            raise DictionaryError(f"{here}: limits: unknown monitor {table['limits']!r}")
        if length is not None and ("valid" in table or "limits" in table):
            raise DictionaryError(f"{here}: an array has neither valid nor limits")
        (scalars if length is None else arrays).append(table["name"])
        found = Field(table["name"], match[1], length, table.get("enum"), table.get("unit", ""), table.get("about", ""))
        valid = _valid(here, table["valid"], found.high) if "valid" in table else None
        codes = _codes(here, table["codes"], found, scalars, enums) if "codes" in table else None
        if codes:
            arrays.append(codes.name)
        yield replace(found, valid=valid, limits=table.get("limits"), codes=codes)
    unique(f"{where}: fields", scalars + arrays)


def _codes(where: str, text, data: Field, scalars: list[str], enums: dict) -> Field:
    match = _CODES.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise DictionaryError(f"{where}: codes {text!r} is not 'NAME u16[COUNT]'")
    if data.type != "u8" or data.length is None:
        raise DictionaryError(f"{where}: codes: only an array of u8 can have another in it")
    for name in (match[2], "coding"):
        if name not in scalars:
            raise DictionaryError(f"{where}: codes: no scalar field {name!r} before it")
    if set(enums.get("coding", {})) != CODINGS:
        raise DictionaryError(f"{where}: codes: enum coding has not the values {', '.join(sorted(CODINGS))}")
    return Field(match[1], "u16", match[2])

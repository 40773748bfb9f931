"""Reading and checking of the tables in `icd.toml`; layouts.py reads packets and telecommands."""

import re

from dorn.dictionary.definitions import SEVERITIES, DictionaryError, EventReport, Function, Monitor, Parameter

_NAME = re.compile(r"[a-z][a-z0-9_]*")
# tables whose ids also form enumerations
NUMBERED = ("parameter", "event", "function", "monitor", "table")
_TEXTS = {"name", "type", "enum", "unit", "limits", "severity", "a", "b", "about", "effect"}


def entry(where: str, table: dict, required: str, optional: str = "") -> None:
    """Check that a table has the required keys and no unknown ones."""
    if not isinstance(table, dict):
        raise DictionaryError(f"{where}: {table!r} is not a table")
    missing = set(required.split()) - set(table)
    unknown = set(table) - set(required.split()) - set(optional.split())
    if missing:
        raise DictionaryError(f"{where}: no {min(missing)}")
    if unknown:
        raise DictionaryError(f"{where}: unknown key {min(unknown)!r}")


def entries(kind: str, tables: list[dict], required: str, optional: str = ""):
    """Yield (name for messages, table) for each table of an array, checked."""
    if not isinstance(tables, list):
        raise DictionaryError(f"{kind}: {tables!r} is not an array of tables")
    for table in tables:
        name = table.get("name") if isinstance(table, dict) else table
        where = f"{kind} {name}"
        entry(where, table, required, optional)
        for key in _TEXTS & set(table):
            if not isinstance(table[key], str):
                raise DictionaryError(f"{where}: {key} {table[key]!r} is not a string")
        check_name(where, table["name"])
        yield where, table


def check_name(where: str, name: str) -> None:
    """Check that a name is a lower-case identifier."""
    if not _NAME.fullmatch(name):
        raise DictionaryError(f"{where}: name {name!r} is not lower-case letters, digits and _")


def integer(where: str, key: str, value, low: int, high: int) -> int:
    """Return `value` if it is an integer from `low` to `high`, inclusive."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise DictionaryError(f"{where}: {key} {value!r} is not an integer from {low} to {high}")
    return value


def unique(where: str, keys: list) -> None:
    """Check that no key appears twice."""
    for i, key in enumerate(keys):
        if key in keys[:i]:
            raise DictionaryError(f"{where}: {key} appears twice")


def parameters(tables: list[dict], optional: dict[str, int]) -> dict[str, Parameter]:
    """Read [[parameter]]; an entry with `count` becomes `name_0`, `name_1`, ... with consecutive ids."""
    found = []
    for where, table in entries("parameter", tables, "name id unit range default", "count effect service boot_only"):
        if not isinstance(table["range"], list) or len(table["range"]) != 2:
            raise DictionaryError(f"{where}: range {table['range']!r} is not [low, high]")
        low, high = (integer(where, "range", bound, 0, 2**32 - 1) for bound in table["range"])
        default = integer(where, "default", table["default"], low, high)
        if "service" in table and table["service"] not in [*optional]:
            raise DictionaryError(f"{where}: service {table['service']!r} is not one of [optional]")
        if table.get("boot_only", True) is not True:
            raise DictionaryError(f"{where}: boot_only {table['boot_only']!r} is not true")
        count = integer(where, "count", table.get("count", 1), 1, 2**16 - 1)
        first = integer(where, "id", table["id"], 0, 2**16 - count)
        for i in range(count):
            name = f"{table['name']}_{i}" if "count" in table else table["name"]
            found.append((name, Parameter(first + i, table["unit"], low, high, default)))
    unique("parameter names", [name for name, _ in found])
    unique("parameter ids", [parameter.id for _, parameter in found])
    return dict(found)


def events(tables: list[dict]) -> dict[str, EventReport]:
    """Read [[event]]."""
    found = []
    for where, table in entries("event", tables, "name id severity a b", "about"):
        if table["severity"] not in SEVERITIES:
            raise DictionaryError(f"{where}: severity {table['severity']!r} is not one of {', '.join(SEVERITIES)}")
        number = integer(where, "id", table["id"], 0, 255)
        found.append((table["name"], EventReport(number, SEVERITIES[table["severity"]], table["a"], table["b"])))
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
    """Read [[monitor]]; the ids are 0, 1, ..., because the firmware keeps monitors in a list."""
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
    """Read [lines]: name of a line -> nuclide of which it is the strongest line."""
    for name, nuclide in table.items():
        check_name("lines", name)
        if not isinstance(nuclide, str):
            raise DictionaryError(f"lines: {name} {nuclide!r} is not a string")
    return dict(table)


def actions(tables: list[dict], known: dict[str, EventReport]):
    """Read [[action]]: yields (event, name of the telecommand, its fields)."""
    if not isinstance(tables, list):
        raise DictionaryError(f"action: {tables!r} is not an array of tables")
    for table in tables:
        entry("action", table, "event command fields")
        for key, kind in (("event", str), ("command", str), ("fields", dict)):
            if not isinstance(table[key], kind):
                raise DictionaryError(f"action: {key} {table[key]!r} is not a {'string' if kind is str else 'table'}")
        if table["event"] not in known:
            raise DictionaryError(f"action: unknown event {table['event']!r}")
        yield table["event"], table["command"], table["fields"]
    unique("action events", [table["event"] for table in tables])


def enumerations(tables: dict[str, dict]) -> dict[str, dict[str, int]]:
    """Read [enum.*]."""
    for name, values in tables.items():
        if name in NUMBERED:
            raise DictionaryError(f"enum {name}: the name is reserved for the ids of the {name} tables")
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
            raise DictionaryError(f"about {name}: not an enum, or not a table")
        for value, text in texts.items():
            if value not in enums[name] or not isinstance(text, str):
                raise DictionaryError(f"about {name}: {value} {text!r}: not a value of the enum, or not a string")
    return tables


def services(table: dict) -> dict[str, int]:
    """Read [optional]."""
    for name, number in table.items():
        check_name("optional", name)
        integer("optional", name, number, 1, 255)
    return dict(table)

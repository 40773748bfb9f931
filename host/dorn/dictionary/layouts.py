"""Reading and checking of the packets and telecommands in `icd.toml`."""

import re
from dataclasses import replace

from dorn.dictionary.definitions import CODINGS, TYPES, DictionaryError, Field, Layout
from dorn.dictionary.reading import entries, integer, unique

_TYPE = re.compile(r"(u\d+)(?:\[(\w+)\])?")
_CODES = re.compile(r"([a-z][a-z0-9_]*) u16\[(\w+)\]")
_IDENTITY = [("record", "u32"), ("origin", "u16")]  # first fields of every stored packet


def layouts(kind: str, tables: list[dict], enums: dict) -> dict[str, Layout]:
    """Read [[telemetry]] or [[command]]."""
    found = []
    may_have, field_may_have = ("store_priority", "limits codes") if kind == "telemetry" else ("refused", "valid")
    for where, table in entries(kind, tables, "name service subtype fields", f"about {may_have}"):
        service, subtype = (integer(where, key, table[key], 1, 255) for key in ("service", "subtype"))
        fields = tuple(_fields(where, table["fields"], enums, field_may_have))
        refused = _refused(where, table.get("refused", {}), enums)
        priority = integer(where, "store_priority", table.get("store_priority", 0), 0, 2)
        if bool(priority) != ([(field.name, field.type) for field in fields[:2]] == _IDENTITY):
            raise DictionaryError(
                f"{where}: store_priority {priority}: stored packets, and only these, begin with u32 record, u16 origin"
            )
        found.append(Layout(table["name"], service, subtype, fields, table.get("about", ""), priority, refused))
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
            raise DictionaryError(f"{where}: refused: {failure} {when!r} is not a string")
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
            raise DictionaryError(f"{here}: no preceding scalar field {length!r} holds its length")
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
        raise DictionaryError(f"{where}: codes: only an array of u8 can hold a coded array")
    for name in (match[2], "coding"):
        if name not in scalars:
            raise DictionaryError(f"{where}: codes: no preceding scalar field {name!r}")
    if set(enums.get("coding", {})) != CODINGS:
        raise DictionaryError(f"{where}: codes: the values of enum coding are not {', '.join(sorted(CODINGS))}")
    return Field(match[1], "u16", match[2])

"""The tables of `firmware/OPERATIONS.md` that are generated from `icd.toml`; the rest of it is written by hand.

They are placed between `<!-- table NAME: ... -->` and `<!-- end -->`.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from dorn.dictionary import Dictionary, DictionaryError
from dorn.util.paths import onboard_root

_PLACE = re.compile(r"(<!-- table (\w+): [^\n]*-->\n).*?(<!-- end -->)", re.DOTALL)


def path() -> Path:
    """Path of the manual."""
    return onboard_root() / "firmware" / "OPERATIONS.md"


def filled(text: str, dictionary: Dictionary) -> str:
    """The text with its tables filled from the dictionary. Raises DictionaryError for an unknown table."""

    def table(match: re.Match) -> str:
        if match[2] not in TABLES:
            raise DictionaryError(f"{path().name}: no table {match[2]!r}; known: {', '.join(TABLES)}")
        return f"{match[1]}\n{markdown(TABLES[match[2]](dictionary))}\n{match[3]}"

    return _PLACE.sub(table, text)


def markdown(rows: Iterable[Iterable]) -> str:
    """A table whose first row is the header."""
    head, *rows = ([str(cell).replace("|", "\\|") for cell in row] for row in rows)
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def _modes(dictionary: Dictionary):
    modes = [mode for mode in dictionary.enums["mode"] if any(mode in f.modes for f in dictionary.functions.values())]
    yield "function", *(f"in {mode}" for mode in modes), "effect"
    for name, function in dictionary.functions.items():
        leads = (function.modes.get(mode) for mode in modes)
        cells = ("" if to is None else "•" if to == mode else f"→ {to}" for mode, to in zip(modes, leads, strict=True))
        yield f"`{name}`{' (armed)' if function.armed else ''}", *cells, function.about


def _tables(dictionary: Dictionary):
    names = list(dict.fromkeys(name for _, values in dictionary.parameter_sets.values() for name in values))
    yield "table", *(f"`{name}`, {dictionary.parameters[name].unit}" for name in names)
    for table, (_, values) in dictionary.parameter_sets.items():
        yield f"`{table}`", *(values.get(name, "") for name in names)


def _monitors(dictionary: Dictionary):
    acts = {table["event"]: " ".join(table["fields"].values()) for table in dictionary.tables["action"]}
    yield "monitor", "low", "high", "unit", "consecutive checks", "event", "releases"
    for name, monitor in dictionary.monitors.items():
        event = f"limit_{name}"
        limits = monitor.low, "" if monitor.high == 2**32 - 1 else monitor.high
        yield f"`{name}`", *limits, monitor.unit, monitor.repetition, f"`{event}`", acts.get(event, "")


# name -> rows for a dictionary
TABLES = {"modes": _modes, "observation": _tables, "monitors": _monitors}

"""Tables of TOML and JSON files, read field by field.

A missing, invalid or unknown field raises SourceError with a one-line message that names file, field and value.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from dorn.util.checks import SourceError, above_zero, at_least, count, number, text_of

_REQUIRED = object()


class Table:
    """A table of a TOML file or an object of a JSON file, with a method for each type of field.

    where: its position in the file, such as "source[1]."; empty for the whole file.
    """

    def __init__(self, path: Path | str, values: Any, where: str = ""):
        if not isinstance(values, dict):
            raise SourceError.at(path, where.rstrip(".") or "file", "not a table", values)
        self.path, self.values, self.where = path, values, where
        self._read: set[str] = set()

    @classmethod
    def read(cls, path: Path | str) -> Table:
        """Read a whole file: JSON if its suffix is .json, else TOML."""
        form, loads = ("JSON", json.loads) if Path(path).suffix.lower() == ".json" else ("TOML", tomllib.loads)
        text = text_of(path)
        try:
            values = loads(text)
        except (ValueError, RecursionError) as error:
            raise SourceError.at(path, "file", f"not {form}: {error}") from None
        return cls(path, values)

    def error(self, name: str, what: object, value: Any = None) -> SourceError:
        """The error for a field."""
        return SourceError.at(self.path, self.where + name, what, value)

    def get(self, name: str, default: Any = _REQUIRED) -> Any:
        """A field of any type."""
        self._read.add(name)
        value = self.values.get(name, default)
        if value is _REQUIRED:
            raise self.error(name, "is missing")
        return value

    def number(self, name: str) -> float:
        return number(self.get(name), self.path, self.where + name)

    def above_zero(self, name: str) -> float:
        return above_zero(self.get(name), self.path, self.where + name)

    def at_least(self, least: float, name: str, default: Any = _REQUIRED) -> float:
        return at_least(least, self.get(name, default), self.path, self.where + name)

    def fraction(self, name: str, default: Any = _REQUIRED) -> float:
        """A number from 0 to 1."""
        value = self.at_least(0, name, default)
        if value > 1:
            raise self.error(name, "above 1", value)
        return value

    def flag(self, name: str) -> bool:
        """True or false; false if the field is missing."""
        value = self.get(name, False)
        if not isinstance(value, bool):
            raise self.error(name, "neither true nor false", value)
        return value

    def count(self, name: str) -> int:
        return count(self.get(name), self.path, self.where + name)

    def text(self, name: str) -> str:
        value = self.get(name)
        if not isinstance(value, str):
            raise self.error(name, "not a string", value)
        return value

    def table(self, name: str) -> Table:
        return Table(self.path, self.get(name), f"{self.where}{name}.")

    def numbers(self, name: str, n: int) -> tuple[float, ...]:
        """n numbers above 0."""
        values = self._list(name, n)
        return tuple(above_zero(value, self.path, f"{self.where}{name}[{i}]") for i, value in enumerate(values))

    def at_least_zero(self, name: str, n: int | None = None) -> tuple[float, ...]:
        """Numbers not below 0, exactly n if given."""
        values = self._list(name, n)
        return tuple(at_least(0, value, self.path, f"{self.where}{name}[{i}]") for i, value in enumerate(values))

    def vector(self, name: str, n: int) -> tuple[float, ...]:
        """n finite numbers of any sign."""
        values = self._list(name, n)
        return tuple(number(value, self.path, f"{self.where}{name}[{i}]") for i, value in enumerate(values))

    def tables(self, name: str, n: int | None = None) -> list[Table]:
        """The tables of a list, exactly n if given."""
        return [Table(self.path, value, f"{self.where}{name}[{i}].") for i, value in enumerate(self._list(name, n))]

    def _list(self, name: str, n: int | None) -> list:
        values = self.get(name)
        if not isinstance(values, list):
            raise self.error(name, "not a list", values)
        if n is not None and len(values) != n:
            raise self.error(name, f"{len(values)} entries, expected {n}")
        return values

    def done(self) -> None:
        """Raise SourceError for a field that was not read."""
        for name, value in self.values.items():
            if name not in self._read:
                raise self.error(name, "unknown key", value)

"""EXPECTED files of others' data: JSON with the results that the data must give.

A missing or invalid field raises SourceError, in one line that names file, field and value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from dorn.util.checks import SourceError, above_zero, count, number, text_of


@dataclass(frozen=True)
class Expected:
    """A JSON object of the file, with a method to read a field as each type."""

    path: Path
    values: dict
    where: str = ""  # its position in the file: "strips[3]."

    @classmethod
    def read(cls, path: Path) -> Expected:
        """Read a whole file."""
        try:
            values = json.loads(text_of(path))
        except (ValueError, RecursionError) as error:
            if isinstance(error, SourceError):
                raise
            raise SourceError.at(path, "file", f"not JSON: {error}") from None
        if not isinstance(values, dict):
            raise SourceError.at(path, "file", "not a JSON object", values)
        return cls(path, values)

    def get(self, name: str):
        """A field of any type."""
        if name not in self.values:
            raise SourceError.at(self.path, self.where + name, "is missing")
        return self.values[name]

    def number(self, name: str) -> float:
        return number(self.get(name), self.path, self.where + name)

    def above_zero(self, name: str) -> float:
        return above_zero(self.get(name), self.path, self.where + name)

    def count(self, name: str) -> int:
        return count(self.get(name), self.path, self.where + name)

    def text(self, name: str) -> str:
        value = self.get(name)
        if not isinstance(value, str):
            raise SourceError.at(self.path, self.where + name, "not a string", value)
        return value

    def numbers(self, name: str, n: int) -> tuple[float, ...]:
        """n numbers above 0."""
        values = self._list(name, n)
        return tuple(above_zero(value, self.path, f"{self.where}{name}[{i}]") for i, value in enumerate(values))

    def entries(self, name: str, n: int | None = None) -> list[Expected]:
        """The objects of a list, exactly n if given."""
        found = []
        for i, value in enumerate(self._list(name, n)):
            if not isinstance(value, dict):
                raise SourceError.at(self.path, f"{self.where}{name}[{i}]", "not a JSON object", value)
            found.append(Expected(self.path, value, f"{self.where}{name}[{i}]."))
        return found

    def _list(self, name, n):
        values = self.get(name)
        if not isinstance(values, list):
            raise SourceError.at(self.path, self.where + name, "not a list", values)
        if n is not None and len(values) != n:
            raise SourceError.at(self.path, self.where + name, f"{len(values)} entries, expected {n}")
        return values

"""EXPECTED files beside the data of others: JSON that says what must come out of them.

What is missing or is not what it should be is a SourceError of one line, naming file, field and value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from dorn.util.checks import SourceError, above_zero, count, number, text_of


@dataclass(frozen=True)
class Expected:
    """An object of the file: its fields, each by the reader of what it must be."""

    path: Path
    values: dict
    where: str = ""  # of it in the file: "strips[3]."

    @classmethod
    def read(cls, path: Path) -> Expected:
        """The whole file."""
        try:
            values = json.loads(text_of(path))
        except (ValueError, RecursionError) as error:
            if isinstance(error, SourceError):
                raise
            raise SourceError.at(path, "file", f"not JSON: {error}") from None
        if not isinstance(values, dict):
            raise SourceError.at(path, "file", "not an object of JSON", values)
        return cls(path, values)

    def get(self, name: str):
        """A field, whatever it is."""
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
            raise SourceError.at(self.path, self.where + name, "not a text", value)
        return value

    def numbers(self, name: str, n: int) -> tuple[float, ...]:
        """n numbers above 0."""
        values = self._list(name, n)
        return tuple(above_zero(value, self.path, f"{self.where}{name}[{i}]") for i, value in enumerate(values))

    def entries(self, name: str, n: int | None = None) -> list[Expected]:
        """The objects of a list, which are n where that is given."""
        found = []
        for i, value in enumerate(self._list(name, n)):
            if not isinstance(value, dict):
                raise SourceError.at(self.path, f"{self.where}{name}[{i}]", "not an object of JSON", value)
            found.append(Expected(self.path, value, f"{self.where}{name}[{i}]."))
        return found

    def _list(self, name, n):
        values = self.get(name)
        if not isinstance(values, list):
            raise SourceError.at(self.path, self.where + name, "not a list", values)
        if n is not None and len(values) != n:
            raise SourceError.at(self.path, self.where + name, f"{len(values)} where {n} belong")
        return values

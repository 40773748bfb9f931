"""Outcomes of mutants, kept in a file with which an interrupted run can be resumed."""

from __future__ import annotations

import json
from pathlib import Path

from dorn.errors import UserError

_TITLE = "outcomes of python tests/mutation"


class Results:
    """Outcomes by key, a tuple of strings and numbers. Without a path they are kept in memory only.

    The file has a title, then a JSON list per line: the key and the outcome. An incomplete last line is removed.
    """

    def __init__(self, path: Path | None):
        """Raises UserError if the file cannot be opened or is not a results file."""
        self._found, self._file = {}, None
        if path:
            try:
                self._file = path.open("a+", encoding="utf-8")
                self._file.seek(0)
                text = self._file.read()
            except OSError as error:
                raise UserError(f"--results {path}: {error.strerror}") from None
            except UnicodeDecodeError:
                raise UserError(f"--results {path}: not a results file") from None
            self._read(path, text)

    def _read(self, path: Path, text: str) -> None:
        complete = text[: text.rfind("\n") + 1]
        lines = complete.splitlines()
        if not (lines[0] == _TITLE if lines else _TITLE.startswith(text)):
            raise UserError(f"--results {path}: not a results file")
        for n, line in enumerate(lines[1:], 2):
            try:
                *key, outcome = json.loads(line)
                self._found[tuple(key)] = outcome
            except (ValueError, TypeError):
                raise UserError(f"--results {path}:{n}: not a result") from None
        self._file.truncate(len(complete.encode()))
        if not complete:
            self._write(_TITLE)

    def get(self, key: tuple) -> str | None:
        return self._found.get(key)

    def put(self, key: tuple, outcome: str) -> None:
        if self._found.get(key) == outcome:
            return
        self._found[key] = outcome
        if self._file:
            self._write(json.dumps([*key, outcome]))

    def _write(self, line: str) -> None:
        self._file.write(f"{line}\n")
        self._file.flush()

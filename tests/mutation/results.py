"""What became of each mutant, in a file that lets a run go on where another was interrupted."""

from __future__ import annotations

import json
from pathlib import Path

from dorn.errors import UserError

_TITLE = "outcomes of python tests/mutation"


class Results:
    """Outcomes by key, a list of strings and numbers. Without a path they are only kept in memory.

    The file has a title and a JSON list a line: the key, and the outcome. A last line that is not finished is cut off.
    """

    def __init__(self, path: Path | None):
        """UserError if the file cannot be opened, or has something else in it."""
        self._found, self._file = {}, None
        if path:
            try:
                self._file = path.open("a+", encoding="utf-8")
                self._file.seek(0)
                text = self._file.read()
            except OSError as error:
                raise UserError(f"--results {path}: {error.strerror}") from None
            except UnicodeDecodeError:
                raise UserError(f"--results {path}: not a file of results") from None
            self._read(path, text)

    def _read(self, path: Path, text: str) -> None:
        whole = text[: text.rfind("\n") + 1]
        lines = whole.splitlines()
        if not (lines[0] == _TITLE if lines else _TITLE.startswith(text)):
            raise UserError(f"--results {path}: not a file of results")
        for n, line in enumerate(lines[1:], 2):
            try:
                *key, outcome = json.loads(line)
                self._found[tuple(key)] = outcome
            except (ValueError, TypeError):
                raise UserError(f"--results {path}:{n}: not a result") from None
        self._file.truncate(len(whole.encode()))
        if not whole:
            self._write(_TITLE)

    def get(self, key: tuple) -> str | None:
        return self._found.get(key)

    def put(self, key: tuple, outcome: str) -> None:
        self._found[key] = outcome
        if self._file:
            self._write(json.dumps([*key, outcome]))

    def _write(self, line: str) -> None:
        self._file.write(f"{line}\n")
        self._file.flush()

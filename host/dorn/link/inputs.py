"""Files of packets, or standard input, read once from start to end and then at any offset."""

from __future__ import annotations

import os
import sys
import tempfile
from bisect import bisect_right
from pathlib import Path
from typing import BinaryIO, Protocol

from dorn.errors import UserError

STDIN = "-"
_OPEN = 64  # files open at a time


class ArchiveError(UserError):
    """A file that is not an archive, or one of another instrument; one line naming file and fault."""


class Readable(Protocol):
    """A stream of octets."""

    def read(self, octets: int, /) -> bytes: ...


class _Stream:
    """A file, or a stream that cannot be read again; octets read from a stream are copied to `spool`."""

    def __init__(self, name: str, file: BinaryIO, spool: BinaryIO | None):
        self._name, self._file, self._spool = name, file, spool

    def read(self, octets: int, /) -> bytes:
        try:
            data = self._file.read(octets)
            if self._spool:
                self._spool.write(data)
                self._spool.flush()
            return data
        except OSError as error:
            raise _unreadable(self._name, error) from None


class Inputs:
    """Several files read as one: offsets continue from file to file in the order added.

    Only some of the files are open at a time, as there may be thousands.
    """

    def __init__(self):
        self._begins: list[int] = []  # offset of the first octet of each file
        self._names: list[str] = []
        self._spools: dict[int, BinaryIO] = {}
        self._files: dict[int, BinaryIO] = {}  # the open files, by number

    def check(self, paths: tuple[Path | str, ...]) -> None:
        """Raise ArchiveError, before the first file is read, if one is absent or unreadable or STDIN is given twice."""
        for path in paths:
            if path != STDIN and os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
                continue  # opening a pipe may wait for its writer
            if path != STDIN:
                _opened(str(path)).close()
        if paths.count(STDIN) > 1:
            raise ArchiveError.at("standard input", "file", "is given twice")

    def add(self, path: Path | str, begin: int, since: int = 0) -> Readable:
        """Open a file, STDIN for standard input. Its octet number `since` has the offset `begin`.

        Returns a stream from there on, to be read to its end before the next file is added. Raises ArchiveError if the
        file cannot be read.
        """
        number, name = len(self._names), "standard input" if path == STDIN else str(path)
        if path == STDIN:
            if sys.stdin is None:
                raise ArchiveError.at(name, "file", "is closed")
            file = sys.stdin.buffer
        else:
            file = self._open(number, name)
        self._names.append(name)
        if path != STDIN and file.seekable():
            file.seek(since)
            self._begins.append(begin - since)
            return _Stream(name, file, None)
        self._begins.append(begin)
        self._spools[number] = tempfile.TemporaryFile()  # noqa: SIM115 closed by close()
        return _Stream(name, file, self._spools[number])

    def read(self, offset: int, octets: int) -> bytes:
        """Read octets of one file. Raises ArchiveError if it has become shorter."""
        number = bisect_right(self._begins, offset) - 1
        name = self._names[number]
        file = self._spools.get(number) or self._open(number, name)
        try:
            data = os.pread(file.fileno(), octets, offset - self._begins[number])
        except OSError as error:
            raise _unreadable(name, error) from None
        if len(data) < octets:
            raise ArchiveError.at(name, "file", "became shorter while it was read")
        return data

    def _open(self, number: int, name: str) -> BinaryIO:
        if number not in self._files:
            if len(self._files) >= _OPEN:
                self._files.pop(next(iter(self._files))).close()
            self._files[number] = _opened(name)
        return self._files[number]

    def close(self) -> None:
        for file in (*self._spools.values(), *self._files.values()):
            file.close()


def _opened(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: OSError) -> ArchiveError:
    return ArchiveError.at(name, "file", f"cannot be read: {error.strerror}")

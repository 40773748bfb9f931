"""Files of packets, read once from end to end and then at any place; standard input likewise."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Protocol

from dorn.errors import UserError

STDIN = "-"


class ArchiveError(UserError):
    """A file that is not an archive, or one of another instrument; one line naming file and fault."""


class Readable(Protocol):
    """A stream of octets."""

    def read(self, octets: int, /) -> bytes: ...


class _Spooled:
    """A stream that cannot be read again: what is read from it goes to a temporary file."""

    def __init__(self, stream: Readable, spool: BinaryIO):
        self._stream, self._spool = stream, spool

    def read(self, octets: int, /) -> bytes:
        data = self._stream.read(octets)
        self._spool.write(data)
        self._spool.flush()
        return data


class Inputs:
    """Several files as if they were one: offsets count through them in the order added."""

    def __init__(self):
        self._opened = ExitStack()
        self._files: list[tuple[int, BinaryIO]] = []  # offset of its first octet, file

    def add(self, path: Path | str, begin: int, since: int = 0) -> Readable:
        """Open a file, STDIN for standard input. Its octet number `since` has the offset `begin`.

        Returns a stream from there on, to be read to its end. Raises ArchiveError.
        """
        try:
            file = sys.stdin.buffer if path == STDIN else Path(path).open("rb")  # noqa: SIM115 closed by close()
        except OSError as error:
            raise ArchiveError.at(path, "file", f"cannot be read: {error.strerror}") from None
        self._opened.push(file)
        if path != STDIN and file.seekable():
            file.seek(since)
            self._files.append((begin - since, file))
            return file
        spool = tempfile.TemporaryFile()  # noqa: SIM115 closed by close()
        self._opened.push(spool)
        self._files.append((begin, spool))
        return _Spooled(file, spool)

    def read(self, offset: int, octets: int) -> bytes:
        """Read from one of the files."""
        begin, file = self._file(offset)
        return os.pread(file.fileno(), octets, offset - begin)

    def _file(self, offset: int) -> tuple[int, BinaryIO]:
        return next(entry for entry in reversed(self._files) if entry[0] <= offset)

    def close(self) -> None:
        self._opened.close()

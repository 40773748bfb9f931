"""The archive of a session."""

from __future__ import annotations

import contextlib
import fcntl
import os
from io import FileIO
from pathlib import Path

import numpy as np

from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.link.archive import Archive
from dorn.link.index import INDEX


class Recorder:
    """Writes packets to a file as they are received. Packets received before it is open are written first."""

    def __init__(self):
        self._file: FileIO | None = None
        self._before = bytearray()

    @property
    def octets(self) -> int:
        """Size of the file."""
        return os.fstat(self._file.fileno()).st_size if self._file else 0

    def open(self, path: Path, keep: bool, force: bool, dictionary: Dictionary) -> np.ndarray:
        """Create the file; keep: append to it; force: replace it. Returns the index of the packets already
        in it, INDEX[n].

        Raises UserError if it is in use, not writable, exists while neither keep nor force is set, or, if it is to be
        appended to, is not an archive of this instrument.
        """
        before = np.zeros(0, INDEX)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab", buffering=0)  # unbuffered: an interrupted run leaves only whole packets
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if keep:
                with Archive(dictionary, path) as archive:
                    before = archive.index
                if path.stat().st_size and not before["kind"].any():
                    raise UserError.at(path, "archive", "exists, but has no packet of this instrument")
            else:
                if not force:
                    check_new(path)
                file.truncate(0)
            _write(file, self._before)
        except BlockingIOError:
            file.close()
            raise UserError(f"{path}: another run is writing to it") from None
        except OSError as error:
            file.close()
            raise UserError(f"{path}: cannot be written: {error.strerror}") from None
        except BaseException:
            file.close()
            raise
        self._file, self._before = file, bytearray()
        return before

    def add(self, packet: bytes) -> None:
        """Write a packet. Raises UserError if that fails; the file then ends with the previous packet."""
        if not self._file:
            self._before += packet
            return
        try:
            _write(self._file, packet)
        except OSError as error:
            raise UserError(f"{self._file.name}: cannot be written: {error.strerror}") from None

    def close(self) -> None:
        if self._file:
            self._file.close()


def check_new(path: Path) -> None:
    """Raise UserError if there already is an archive."""
    if path.exists() and path.stat().st_size:
        raise UserError.at(path, "archive", "exists; give another --out, or --force to replace it")


def _write(file: FileIO, data: bytes | bytearray) -> None:
    """Append all of the data or, if that fails, nothing."""
    size, done = os.fstat(file.fileno()).st_size, 0
    try:
        while done < len(data):
            done += file.write(data[done:])
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(size)
        raise

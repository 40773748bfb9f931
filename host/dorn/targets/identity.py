"""The unique id of a simulated board: each has its own, which is saved with its flash image."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from pathlib import Path

from dorn.errors import UserError
from dorn.util.holders import holders

FILE = "unique_id"  # in the folder of a saved flash image
_BITS = 64


def unique_id(given: int | None, file: Path | None) -> int:
    """The id `given`; without it, the one in `file`, or a new one. It is then saved in `file`.

    Raises UserError if the file holds something else.
    """
    found = _kept(file) if given is None and file and file.exists() else given
    if found is None:
        found = secrets.randbits(_BITS)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{found:0{_BITS // 4}x}\n")
    return found


class Lock:
    """Keeps other programs from using a folder, created if necessary, until it is closed.

    Raises UserError if another program uses it. what: what the folder contains, for the message.
    """

    def __init__(self, folder: Path, what: str = "flash"):
        folder.mkdir(parents=True, exist_ok=True)
        self._descriptor: int | None = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            users = ", ".join(who for who in holders(str(folder)) if not who.endswith(f"(pid {os.getpid()})"))
            raise UserError(f"{what} {folder}: in use by {users or 'this program'}") from None

    def close(self) -> None:
        """Release the folder. May be called more than once."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _kept(file: Path) -> int:
    text = file.read_text(errors="replace").strip()
    if not re.fullmatch(f"[0-9a-f]{{{_BITS // 4}}}", text):
        raise UserError(f"{file}: not a unique id of {_BITS // 4} hexadecimal digits ({text[:20]!r}): remove it")
    return int(text, 16)

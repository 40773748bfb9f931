"""The unique id of a simulated board: each has its own, and keeps it as long as its flash."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from pathlib import Path
from typing import IO

from dorn.errors import UserError
from dorn.util.holders import holders

FILE = "unique_id"  # in the folder of a kept flash
_BITS = 64


def unique_id(given: int | None, file: Path | None) -> int:
    """The id `given`; without it, the one kept in `file`, or a new one. From then on it is kept there.

    Raises UserError if the file holds something else.
    """
    found = _kept(file) if given is None and file and file.exists() else given
    if found is None:
        found = secrets.randbits(_BITS)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{found:0{_BITS // 4}x}\n")
    return found


def lock(file: Path) -> IO[str]:
    """Keep other programs from using the flash of which this is the id, until the result is closed.

    Raises UserError if one uses it.
    """
    opened = file.open("a")
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        opened.close()
        users = ", ".join(who for who in holders(str(file)) if not who.endswith(f"(pid {os.getpid()})"))
        raise UserError(f"flash {file.parent}: in use by {users or 'this program'}") from None
    return opened


def _kept(file: Path) -> int:
    text = file.read_text(errors="replace").strip()
    if not re.fullmatch(f"[0-9a-f]{{{_BITS // 4}}}", text):
        raise UserError(f"{file}: not a unique id of {_BITS // 4} hexadecimal digits ({text[:20]!r}): remove it")
    return int(text, 16)

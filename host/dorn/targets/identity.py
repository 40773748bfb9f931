"""The unique id of a simulated board: each has its own, and keeps it as long as its flash."""

from __future__ import annotations

import secrets
from pathlib import Path

from dorn.errors import UserError

FILE = "unique_id"  # in the folder of a kept flash
_BITS = 64


def unique_id(given: int | None, file: Path | None) -> int:
    """The id `given`; without it, the one kept in `file`, or a new one. From then on it is kept there."""
    found = given
    if found is None and file and file.exists():
        try:
            found = int(file.read_text(), 16)
        except ValueError:
            raise UserError(f"{file}: not a unique id of {_BITS // 4} hexadecimal digits: remove it") from None
    if found is None:
        found = secrets.randbits(_BITS)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{found:0{_BITS // 4}x}\n")
    return found

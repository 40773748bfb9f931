"""`dorn flash`: write the firmware onto a board with MicroPython, over its serial port.

Only files that differ are copied, in an order (board_files) that can be interrupted anywhere: a second run completes
it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import time
from collections.abc import Iterable
from typing import cast

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.flash import board_files
from dorn.flash.port import HOW, KNOCK_S, Line, last_line, only_port
from dorn.image import firmware, micropython
from dorn.image.constants import constants
from dorn.link import frames
from dorn.link.key import BOARD_FILE, Key
from dorn.session import Session
from dorn.targets.serial import SerialTarget

# Timeouts, s: answer at the prompt; restart (USB takes one or two seconds to come back); manual power cycle;
# housekeeping, sent every 10 s
ANSWER_S, RESTART_S, POWER_CYCLE_S, HOUSEKEEPING_S = 1.0, 10.0, 20.0, 30.0
SYNCHRONISE_S = 3.0  # timeout of a telecommand

_OF_THE_FILES = (errno.ENOSPC, errno.EROFS, errno.ENODEV, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR)


def flash(
    board: str,
    port: str = "auto",
    without: Iterable[str] = (),
    check: bool = False,
    link: str = "usb",
    key: Key | None = None,
) -> int:
    """Write the firmware for `board` onto the board at `port` and check that it runs. Returns 0.

    link: "uart": the firmware uses the flight link; its start cannot be checked, because it reports on another port
    key: written to the board, and signs the telecommands that stop a running instrument; without it, a key on the board
        is kept
    check: change nothing and print the differences; returns 1 if there are any
    Raises UserError if the board is missing, of another kind or not writable; it can then be flashed again.
    """
    known = [name for name in firmware.boards() if name != "unix"]
    if board not in known:
        raise UserError(f"--board: unknown ({board!r}); known: {', '.join(known)}")
    wanted = firmware.files(board, without=without, link=link)
    if key:
        wanted[BOARD_FILE] = key.board_file
    line = Line(only_port() if port == "auto" else port)
    try:
        line.open()
        _enter(line, key)
        try:
            line.doing = "reading its files"
            _check_kind(line.transport, board)
            found = board_files.snapshot(line.transport, wanted)
            if found.keeps_key:
                print("the key on the board is kept: telecommands must be signed with it (--key)", flush=True)
            changes = found.differences(wanted)
            if changes and not check:
                board_files.check_room(line.transport, found, wanted)
        except UserError:
            _restart(line, board)  # nothing was changed: the instrument resumes
            raise
        if check:
            for path, what in sorted(changes.items()):
                print(f"{path}: {what}")
            print(f"{len(changes)} files differ" if changes else f"all {len(wanted)} files are up to date")
            _restart(line, board)
            return 1 if changes else 0
        if changes:
            board_files.change(line, found, changes, wanted)
        _restart(line, board)
    except TransportExecError as error:
        raise UserError(f"board: {line.doing}: MicroPython reports {last_line(error)}. {HOW}") from None
    except (TransportError, OSError) as error:
        number = None if isinstance(error, serial.SerialException) else getattr(error, "errno", None)
        if number in _OF_THE_FILES:
            raise UserError(
                f"board: {line.doing}: its file system reports {errno.errorcode[number]}: make room (mpremote ls,"
                " mpremote rm), or find out why it is not writable (boot.py), and flash again"
            ) from None
        raise UserError(
            f"port {line.name}: lost while {line.doing}: {last_line(error)}; check the cable and flash again:"
            " an interruption does no harm"
        ) from None
    finally:
        line.close()
    written = [path for path, what in changes.items() if what != "to be removed"]
    octets = sum(len(wanted[path]) for path in written)
    print(
        f"{len(written)} files written ({octets} bytes), {len(wanted) - len(written)} unchanged,"
        f" {len(changes) - len(written)} removed"
    )
    manifest = firmware.id_of(wanted[firmware.MANIFEST])
    if link == "usb":
        _see_it_run(line, manifest)
    else:
        print(f"restarted; it uses its flight link: manifest {manifest:08x}")
    return 0


# -- the prompt --------------------------------------------------------------------------------------------------------


def _enter(line: Line, key: Key | None) -> None:
    """Enter the raw REPL after a soft reset, so that no file is open. Raises UserError if there is no answer."""
    if not line.knock(ANSWER_S):
        print(f"{line.name}: no prompt; stopping the instrument in case it is running", flush=True)
        dictionary = Dictionary.load()
        names = ("arm", "maintenance")
        packets = [dictionary.encode("function", n, function=name) for n, name in enumerate(names)]
        if key:  # the board may or may not have it
            _synchronise(line, key)
            packets += map(key.sign, packets[:])
        with contextlib.suppress(OSError):
            line.transport.serial.write(b"\0" + b"".join(map(frames.encode, packets)))
        if not line.knock(RESTART_S):
            print(
                f"{line.name}: no answer (an instrument that uses its flight link, or has another key, gives none);"
                f" power-cycle the board (unplug its cable and plug it in again) within {POWER_CYCLE_S:g} s",
                flush=True,
            )
            if not line.knock(POWER_CYCLE_S):
                raise UserError(f"port {line.name}: no MicroPython prompt. {HOW}")
    with contextlib.redirect_stdout(io.StringIO()):  # mpremote prints output that it does not expect
        line.transport.enter_raw_repl(soft_reset=True)


def _synchronise(line: Line, key: Key) -> None:
    """Send a telecommand signed over the challenge, which an instrument with a new key requires before any other."""
    line.close()
    with contextlib.suppress(UserError, OSError), SerialTarget(line.name) as target:
        target.send(b"\0")  # separates the octets of `knock` from the next frame
        Session(target, key=key).command("ping", SYNCHRONISE_S)
    with contextlib.suppress(UserError):
        line.open()


def _check_kind(repl: SerialTransport, board: str) -> None:
    repl.exec("import sys")
    found = repl.eval("(sys.implementation._machine, sys.implementation.version[:3])")
    machine, version = cast(tuple[str, tuple[int, ...]], found)
    version = ".".join(map(str, version))
    wanted = constants(board)["MACHINE"]
    if machine != wanted:
        raise UserError(f"board: it is a {machine}, not a {wanted}: plug in that one, or give another --board")
    if version != micropython.VERSION:
        raise UserError(f"board: it has MicroPython {version}, not {micropython.VERSION}. {HOW}")
    print(f"{machine}, MicroPython {version}, on {repl.device_name}", flush=True)


def _restart(line: Line, board: str) -> None:
    """Reset the board as its reset pin does, and cancel a requested maintenance mode."""
    mark = constants(board)["SCRATCH"]
    line.doing = "restarting"
    with contextlib.suppress(OSError, TransportError):  # the port disappears
        line.transport.exec_raw_no_follow(f"import machine\nmachine.mem32[{mark}] = 0\nmachine.reset()")
    line.close()


def _see_it_run(line: Line, manifest: int) -> None:
    """Wait for housekeeping and check that it comes from the flashed firmware. Raises UserError otherwise."""
    end_s = time.monotonic() + HOUSEKEEPING_S
    while True:
        try:
            with SerialTarget(line.name) as target:
                session = Session(target)
                hk = session.connect(end_s - time.monotonic(), ask=False)
            break
        except UserError as error:  # the port may be disappearing, or not be back yet
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

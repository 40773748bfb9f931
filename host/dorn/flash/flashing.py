"""`dorn flash`: write the firmware, or that of a stimulus board, onto a board with MicroPython, over its serial port.

Only files that differ are copied, in an order (board_files) that can be interrupted anywhere: a second run completes
it.
"""

from __future__ import annotations

import contextlib
import errno
import io
from collections.abc import Iterable
from typing import cast

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from dorn.errors import UserError
from dorn.flash import board_files
from dorn.flash.kinds import Kind, kind_of
from dorn.flash.port import HOW, Line, last_line, only_port
from dorn.image import micropython
from dorn.image.constants import constants
from dorn.link.key import Key

# Timeouts, s: answer at the prompt; restart (USB takes one or two seconds to come back); manual power cycle
ANSWER_S, RESTART_S, POWER_CYCLE_S = 1.0, 10.0, 20.0

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

    board: a folder of boards/ with constants; "stimulus": the firmware of a stimulus board
    link: "uart": the firmware uses the flight link; its start cannot be checked, because it reports on another port
    key: written to the board, and signs the telecommands that stop a running instrument; without it, a key on the board
        is kept
    check: change nothing and print the differences; returns 1 if there are any
    Raises UserError if the board is missing, of another kind or not writable; it can then be flashed again.
    """
    kind = kind_of(board, without, link, key)
    wanted = kind.files
    line = Line(only_port() if port == "auto" else port)
    try:
        line.open()
        _enter(line, kind)
        try:
            line.doing = "reading its files"
            _check_kind(line.transport, kind.chip)
            found = board_files.snapshot(line.transport, wanted)
            if found.keeps_key:
                print("the key on the board is kept: telecommands must be signed with it (--key)", flush=True)
            changes = found.differences(wanted)
            if changes and not check:
                board_files.check_room(line.transport, found, wanted)
        except UserError:
            _restart(line, kind.chip)  # nothing was changed: the instrument resumes
            raise
        if check:
            for path, what in sorted(changes.items()):
                print(f"{path}: {what}")
            print(f"{len(changes)} files differ" if changes else f"all {len(wanted)} files are up to date")
            _restart(line, kind.chip)
            return 1 if changes else 0
        if changes:
            board_files.change(line, found, changes, wanted)
        _restart(line, kind.chip)
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
    kind.see_it_run(line)
    return 0


# -- the prompt --------------------------------------------------------------------------------------------------------


def _enter(line: Line, kind: Kind) -> None:
    """Enter the raw REPL after a soft reset, so that no file is open. Raises UserError if there is no answer."""
    if not line.knock(ANSWER_S):
        print(f"{line.name}: no prompt; stopping {kind.what} in case it is running", flush=True)
        kind.stop(line)
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

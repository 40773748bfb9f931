"""`dorn flash`: put the firmware onto a board with MicroPython, over its serial port.

Only what differs is copied, in an order (board_files) in which it can be interrupted anywhere: a second run completes
it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import time
from collections.abc import Iterable

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

# Limits, in seconds: of a board at its prompt, of an instrument that restarts (USB takes one or two to come back), of a
# person with a cable, and of an instrument that sends housekeeping every 10 s
ANSWER_S, RESTART_S, POWER_CYCLE_S, HOUSEKEEPING_S = 1.0, 10.0, 20.0, 30.0
SYNCHRONISE_S = 3.0  # of an instrument that answers a telecommand

_OF_THE_FILES = (errno.ENOSPC, errno.EROFS, errno.ENODEV, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR)


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
    if board not in firmware.boards() or board == "unix":
        known = ", ".join(name for name in firmware.boards() if name != "unix")
        raise UserError(f"--board: unknown ({board!r}); known are {known}")
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
            found = board_files.snapshot(line.transport, wanted)
            if found.keeps_key:
                print("a key is on the board, and stays: telecommands are to be signed with it (--key)", flush=True)
            changes = found.differences(wanted)
            if changes and not check:
                board_files.check_room(line.transport, found, wanted)
        except UserError:
            _restart(line, board)  # nothing is changed: it goes on as before
            raise
        if check:
            for path, what in sorted(changes.items()):
                print(f"{path}: {what}")
            print(f"{len(changes)} files differ" if changes else f"all {len(wanted)} files are as they should be")
            _restart(line, board)
            return 1 if changes else 0
        if changes:
            board_files.change(line, found, changes, wanted)
        _restart(line, board)
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
            f"port {line.name}: lost while {line.doing}: {last_line(error)}; check the cable and flash again:"
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
        target.send(b"\0")  # what knocked before is no part of a frame
        Session(target, key=key).command("ping", SYNCHRONISE_S)
    with contextlib.suppress(UserError):
        line.open()


def _check_kind(repl: SerialTransport, board: str) -> None:
    repl.exec("import sys")
    machine, version = repl.eval("(sys.implementation._machine, sys.implementation.version[:3])")
    version = ".".join(map(str, version))
    wanted = constants(board)["MACHINE"]
    if machine != wanted:
        raise UserError(f"board: it is a {machine}, not a {wanted}: plug in that one, or give another --board")
    if version != micropython.VERSION:
        raise UserError(f"board: it has MicroPython {version}, not {micropython.VERSION}. {HOW}")
    print(f"{machine}, MicroPython {version}, on {repl.device_name}", flush=True)


def _restart(line: Line, board: str) -> None:
    """As the reset pin does; a maintenance that was asked for is over, too."""
    mark = constants(board)["SCRATCH"]
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

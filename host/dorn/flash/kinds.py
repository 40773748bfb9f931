"""What can be flashed, the instrument or a stimulus board: its files, how it is stopped, and how it is seen to run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.flash.port import KNOCK_S, Line
from dorn.image import firmware, stimulus
from dorn.link import frames
from dorn.link.key import BOARD_FILE, Key
from dorn.session import Session
from dorn.targets.serial import SerialTarget
from dorn.targets.stimulus import StimulusBoard
from dorn.targets.stimulus_port import SerialStimulusPort

SYNCHRONISE_S = 3.0  # timeout of a telecommand
RUNNING_S = 30.0  # housekeeping is sent every 10 s
_CONNECT_S = 5.0

_Found = TypeVar("_Found")


class Kind(Protocol):
    """chip: the board whose constants it has. files: path -> content, with the manifest. what: its name in messages."""

    chip: str
    files: dict[str, bytes]
    what: str

    def stop(self, line: Line) -> None:
        """Have it end at the prompt, if it runs: it ignores Ctrl-C. The line is open, before and afterwards."""
        ...

    def see_it_run(self, line: Line) -> None:
        """Wait until it runs with these files, and print it. Raises UserError otherwise."""
        ...


def kind_of(board: str, without: Iterable[str], link: str, key: Key | None) -> Kind:
    """Raises UserError for an unknown board, or an option that it does not have."""
    if board != stimulus.BOARD:
        return Instrument(board, without, link, key)
    for option, given in (("--without", without), ("--link", link != "usb"), ("--key", key)):
        if given:
            raise UserError.at(option, "--board", "a stimulus board has no such option", board)
    return Stimulus()


class Instrument:
    """key: written to the board, and signs the telecommands that stop it. link: "uart": the flight link, on which it
    cannot be seen from here."""

    what = "the instrument"

    def __init__(self, board: str, without: Iterable[str], link: str, key: Key | None):
        known = [name for name in firmware.boards() if name != "unix"]
        if board not in known:
            raise UserError(f"--board: unknown ({board!r}); known: {', '.join(known)}, {stimulus.BOARD}")
        self.chip = board
        self.files = firmware.files(board, without=without, link=link)
        self._link, self._key = link, key
        if key:
            self.files[BOARD_FILE] = key.board_file

    def stop(self, line: Line) -> None:
        dictionary = Dictionary.load()
        packets = [dictionary.encode("function", n, function=name) for n, name in enumerate(("arm", "maintenance"))]
        if self._key:  # the board may or may not have it
            self._synchronise(line, self._key)
            packets += map(self._key.sign, packets[:])
        with contextlib.suppress(OSError):
            line.transport.serial.write(b"\0" + b"".join(map(frames.encode, packets)))

    def _synchronise(self, line: Line, key: Key) -> None:
        """Send a telecommand signed over the challenge, which an instrument with a new key requires before others."""
        line.close()
        with contextlib.suppress(UserError, OSError), SerialTarget(line.name) as target:
            target.send(b"\0")  # separates the octets of `knock` from the next frame
            Session(target, key=key).command("ping", SYNCHRONISE_S)
        with contextlib.suppress(UserError):
            line.open()

    def see_it_run(self, line: Line) -> None:
        manifest = firmware.id_of(self.files[firmware.MANIFEST])
        if self._link != "usb":
            print(f"restarted; it uses its flight link: manifest {manifest:08x}")
            return

        def housekeeping(left_s: float):
            with SerialTarget(line.name) as target:
                session = Session(target)
                return session.connect(left_s, ask=False).fields, session.version

        hk, version = _until(housekeeping, line)
        found = hk["manifest"]
        if (found, version) != (manifest, firmware.version()):
            raise UserError(
                f"port {line.name}: the instrument runs version {version}, manifest {found:08x}, not"
                f" {firmware.version()}, {manifest:08x}: flash again"
            )
        print(f"it runs: version {version}, manifest {manifest:08x}, boot {hk['boot_count']}")


class Stimulus:
    """A second Pico, in the place of the detector head."""

    chip = stimulus.CHIP
    what = "the stimulus board"

    def __init__(self):
        self.files = stimulus.files()

    def stop(self, line: Line) -> None:
        line.close()
        with contextlib.suppress(UserError, OSError), contextlib.closing(SerialStimulusPort(line.name)) as port:
            board = StimulusBoard(port)
            board.connect(_CONNECT_S)
            board.command("prompt")
        with contextlib.suppress(UserError):
            line.open()

    def see_it_run(self, line: Line) -> None:
        def connected(left_s: float):
            with contextlib.closing(SerialStimulusPort(line.name)) as port:
                return StimulusBoard(port).connect(left_s)

        found, manifest = _until(connected, line), firmware.id_of(self.files[firmware.MANIFEST])
        if found != manifest:
            raise UserError(
                f"port {line.name}: the stimulus board has manifest {found:08x}, not {manifest:08x}: flash again"
            )
        print(f"it runs: stimulus board, manifest {manifest:08x}")


def _until(ask: Callable[[float], _Found], line: Line) -> _Found:
    """The answer of a board that is starting. Raises UserError without one within RUNNING_S."""
    end_s = time.monotonic() + RUNNING_S
    while True:
        try:
            return ask(end_s - time.monotonic())
        except UserError as error:  # the port may be disappearing, or not be back yet
            if time.monotonic() > end_s:
                raise UserError(f"{error}; the files are on the board: restart it, or flash again") from None
            time.sleep(KNOCK_S)
            line.find()

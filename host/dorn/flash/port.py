"""The serial port of a board, for `dorn flash`: find it, open it, get a prompt, and find it again after a restart."""

from __future__ import annotations

import contextlib
import errno
import time
from pathlib import Path
from typing import cast

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial.tools import list_ports

from dorn.errors import UserError
from dorn.image import micropython
from dorn.targets.serial import name_of, number_of
from dorn.util.holders import in_use

USB_ID = 0x2E8A, 0x0005  # MicroPython on an RP2 board
KNOCK = b"\r\x03\x02"  # interrupt what is running; leave the raw REPL
KNOCK_S = 0.1  # much less than the maintenance window
PROMPT = b">>> "
_WRITE_S = 2.0  # write timeout
_READ_S = 10.0  # timeout of a command at the prompt, between two characters
_IMAGE = f"its image of MicroPython (for the Pico {micropython.IMAGE} from {micropython.DOWNLOAD})"
_PLENTY = 4096  # octets: more than are received between two knocks


def only_port() -> str:
    """The port of the only board connected. Raises UserError if there is none, or several."""
    ports = [port.device for port in list_ports.comports() if (port.vid, port.pid) == USB_ID]
    if len(ports) == 1:
        return ports[0]
    if ports:
        raise UserError(f"--port: several boards ({', '.join(ports)}): choose one")
    drives = [drive for pattern in _DRIVES for drive in sorted(Path("/").glob(pattern)) if drive.is_dir()]
    if drives:
        raise UserError(
            f"--port: no board with MicroPython, but one in BOOTSEL mode: copy {_IMAGE} to {drives[0]},"
            " wait until the drive disappears, and flash again"
        )
    raise UserError(
        f"--port: no board found (USB {USB_ID[0]:04x}:{USB_ID[1]:04x}): does its cable have data lines? {HOW}"
    )


_DRIVES = ("media/*/RPI-RP2", "run/media/*/RPI-RP2", "media/RPI-RP2", "mnt/RPI-RP2", "Volumes/RPI-RP2")
HOW = (
    f"If the board lacks MicroPython {micropython.VERSION}: plug it in with BOOTSEL held and copy {_IMAGE} to its drive"
    " RPI-RP2, or use mpflash (from PyPI)"
)


class Line:
    """A serial port that disappears when the board restarts and comes back, perhaps under another name."""

    def __init__(self, name: str):
        self.name = name
        self.doing = "asking for the prompt"  # for the message if it is lost
        self._transport: SerialTransport | None = None
        self._number = number_of(name)

    @property
    def transport(self) -> SerialTransport:
        """The open transport. Raises OSError if the port is not open."""
        if not self._transport:
            raise OSError(f"{self.name} is not open")
        return self._transport

    def open(self) -> None:
        """Open the port. Raises UserError if it does not exist or cannot be opened."""
        self.find()
        try:
            self._transport = transport = SerialTransport(self.name, timeout=_READ_S)
            cast(serial.Serial, transport.serial).write_timeout = _WRITE_S
        except (TransportError, ValueError):
            raise UserError(f"port {self.name}: {_why_not(self.name)}") from None
        transport.is_pty = False  # else it would wait for characters without a timeout
        # USB has flow control of its own; without windows of 32 characters, writing is ten times faster
        transport.use_raw_paste = False

    def find(self) -> None:
        """Update the port's name, which may have changed. Raises UserError while the board is absent: its old name may
        belong to another board."""
        if self._number:
            name = name_of(self._number)
            if name is None:
                raise UserError(f"port {self.name}: its board is not connected")
            self.name = name

    def close(self) -> None:
        if self._transport:
            with contextlib.suppress(OSError):
                self._transport.close()
            with contextlib.suppress(OSError):
                self._transport.serial.close()
        self._transport = None

    def knock(self, limit_s: float) -> bool:
        """Request the prompt repeatedly, even while the port is absent. Returns whether it appeared."""
        end_s = time.monotonic() + limit_s
        received = b""
        while time.monotonic() < end_s:
            try:
                if not self._transport:
                    self.open()
                port = cast(serial.Serial, self.transport.serial)
                port.timeout = KNOCK_S
                port.write(KNOCK)
                received = (received + port.read(_PLENTY))[-len(PROMPT) :]
                port.timeout = _READ_S
            except (UserError, OSError):
                self.close()
                received = b""
                time.sleep(KNOCK_S)
            if received.endswith(PROMPT):
                return True
        return False


def _why_not(name: str) -> str:
    """Why a port cannot be opened, and what to do."""
    try:
        serial.serial_for_url(name, exclusive=True).close()
    except (serial.SerialException, ValueError, OSError) as error:
        number = getattr(error, "errno", None)
        if busy := in_use(name, error):
            return f"is {busy}: close it (a terminal, dorn bridge, dorn run) and flash again"
        if number == errno.ENOENT:
            return f"does not exist; --port auto searches for it. {HOW}"
        if number in (errno.EACCES, errno.EPERM):
            return "permission denied: join the group that owns the port (dialout)"
        return f"cannot be opened: {last_line(error)}"
    return "was missing a moment ago: flash again"


def last_line(error: Exception) -> str:
    text = error.error_output if isinstance(error, TransportExecError) else str(error)
    return (text.strip().splitlines() or [type(error).__name__])[-1]

"""`dorn emulate`: a simulated instrument used like a real one, with its serial ports as pseudo-terminals or TCP ports.

An emulated Pico has a USB port and a flight link, and a stimulus board wired to it has a USB port; the firmware on
MicroPython's unix port has only one link, in place of the USB port. Target time follows real time, and falls behind if
the host cannot keep up. As on a board, data sent to a port that no client has opened are lost.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
import tty
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

from dorn.errors import UserError
from dorn.targets.pace import Pace
from dorn.targets.simulated import SimulatedTarget

_STEP_S = 0.001  # about the latency of an answer
_IDLE_S = 0.005
_KEEP_S = 0.5  # interval between saves of the flash: if the program is killed, at most this is lost
_PENDING = 1 << 16  # octets kept for a client that does not read; more are dropped
_WAITING = 4096  # octets for the board that it has not read: the client has to wait, as on USB


class Port(ABC):
    """One end of a serial line, to whose other end clients connect."""

    name: str  # what a client opens
    _pending = b""

    @abstractmethod
    def fileno(self) -> int | None:
        """File descriptor to wait for; None while there is no client."""

    @abstractmethod
    def _read(self) -> bytes: ...

    @abstractmethod
    def _write(self, data: bytes) -> int: ...

    @abstractmethod
    def close(self) -> None: ...

    def exchange(self, data: bytes, ready: bool = True) -> bytes:
        """Send pending octets and `data`, as far as the client accepts them. Returns what it sent, or nothing while the
        board is not `ready` for more: the client then waits."""
        if self.fileno() is None:
            self._pending = b""
            return b""
        self._pending = (self._pending + data)[:_PENDING]
        try:
            if self._pending:
                self._pending = self._pending[self._write(self._pending) :]
        except BlockingIOError:
            pass
        except OSError:  # the client has just disconnected
            self._pending = b""
        if not ready:
            return b""
        try:
            return self._read()
        except OSError:  # no data, or disconnected
            return b""

    def wait(self, seconds: float) -> None:
        """Wait until the client sends something, at most `seconds`."""
        fileno = self.fileno()
        if fileno is None:
            time.sleep(seconds)
        else:
            select.select([fileno], [], [], seconds)


class PseudoTerminal(Port):
    def __init__(self):
        self._end, other = os.openpty()
        self.name = os.ttyname(other)
        tty.setraw(other)
        os.close(other)  # so that a hang-up shows that there is no client
        os.set_blocking(self._end, False)
        self._poll = select.poll()
        self._poll.register(self._end, select.POLLIN)

    def fileno(self) -> int | None:
        hung_up = any(event & select.POLLHUP for _, event in self._poll.poll(0))
        return None if hung_up else self._end

    def _read(self) -> bytes:
        return os.read(self._end, 4096)

    def _write(self, data: bytes) -> int:
        return os.write(self._end, data)

    def close(self) -> None:
        os.close(self._end)


class Tcp(Port):
    """A TCP port of this machine only, because the line has no password."""

    def __init__(self, number: int):
        """Raises UserError if the number is in use; 0 takes any free one."""
        try:
            self._listening = socket.create_server(("127.0.0.1", number))
        except (OSError, OverflowError) as error:
            why = "is in use: give another" if getattr(error, "errno", 0) == errno.EADDRINUSE else str(error)
            raise UserError.at("--tcp", "PORT", why, str(number)) from None
        self._listening.setblocking(False)
        self.name = "socket://{}:{}".format(*self._listening.getsockname())
        self._client: socket.socket | None = None

    def fileno(self) -> int | None:
        try:
            client, _ = self._listening.accept()
        except BlockingIOError:
            pass
        else:
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._client:
                client.close()  # one at a time
            else:
                self._client = client
        return self._client.fileno() if self._client else None

    def _read(self) -> bytes:
        try:
            data = self._client.recv(4096) if self._client else b""
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data and self._client:
            self._client.close()
            self._client = None
        return data

    def _write(self, data: bytes) -> int:
        return self._client.send(data) if self._client else 0

    def close(self) -> None:
        if self._client:
            self._client.close()
        self._listening.close()


def serve(
    target: SimulatedTarget,
    ports: Mapping[str, Port],
    stopped: Callable[[], bool] = lambda: False,
    speed: float = 1.0,
) -> None:
    """Run the target in step with the wall clock, its serial ports at `ports` ("usb", "uart", "stimulus"), until
    `stopped()`.

    speed: seconds of target time per second of wall time.
    """
    pace = Pace(target, speed)
    step_s, keep_s = _STEP_S * speed, 0.0
    while not stopped():
        for name, port in ports.items():
            line = target.ports[name]
            line.up += port.exchange(line.take(), len(line.up) < _WAITING)
        if time.monotonic() >= keep_s:
            target.keep()
            keep_s = time.monotonic() + _KEEP_S
        due_s = pace.due_s()
        if due_s >= step_s:
            target.advance(min(due_s, _IDLE_S * speed))
        else:
            ports["usb"].wait(_IDLE_S)
            left_s = (step_s - pace.due_s()) / speed
            if left_s > 0:
                time.sleep(left_s)


def board(name: str, flash: Path | None = None, blank: bool = False, stimulus: bool = False) -> SimulatedTarget:
    """The target `name`, "rp2040" or "unix", with its flash image in the folder `flash`.

    Without a saved flash image, an emulated Pico starts with the firmware, or empty if `blank`. stimulus: wired to an
    emulated stimulus board in the place of the head, whose flash is discarded at the end. Raises UserError for `blank`
    if there is an image, and for both on unix, whose firmware is not on its flash, and which has no pins.
    """
    if name == "unix":
        from dorn.targets.unix import UnixTarget

        if blank:
            raise UserError.at("--blank", "--target", "applies to rp2040: unix always runs the firmware", name)
        if stimulus:
            raise UserError.at("--stimulus", "--target", "applies to rp2040: unix has no pins", name)
        return UnixTarget(flash=flash)
    from dorn.targets.rp2040 import Rp2040Target

    kept = flash is not None and Rp2040Target.image_in(flash).exists()
    if kept and blank:
        raise UserError.at("--blank", "--flash", "already holds a file system; remove it or omit --blank", str(flash))
    files = {} if kept or blank else None
    if stimulus:
        from dorn.targets.pair import PairTarget

        return PairTarget(flash, files, stimulus_files={} if blank else None)
    return Rp2040Target(flash=flash, files=files)

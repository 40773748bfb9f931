"""A real instrument on a serial port, a socket or any other pyserial URL. Target time is real time."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterable
from typing import cast

import serial
from serial.tools import list_ports

from dorn.errors import UserError
from dorn.image.constants import constants
from dorn.targets import AWAY_S, Reconnected, TargetError
from dorn.targets.inbox import ReconnectingTarget
from dorn.util.holders import in_use

_READ_S, _WRITE_S = 0.05, 5.0  # timeouts


def number_of(name: str) -> str | None:
    """The serial number of the USB device at a port; it stays the same when the port's name changes."""
    return next((port.serial_number for port in list_ports.comports() if port.device == name), None)


def name_of(number: str) -> str | None:
    """The current port of the USB device with that serial number."""
    return next((port.device for port in list_ports.comports() if port.serial_number == number), None)


class SerialTarget(ReconnectingTarget):
    def __init__(self, url: str, away_s: float = AWAY_S):
        """away_s: how long to wait for an absent port."""
        super().__init__()
        self.name = url
        if url.startswith("socket:") and not re.fullmatch(r"socket://[^/]+:\d+(/.*)?", url):
            raise UserError(f"target {url}: expected socket://HOST:PORT")
        self.away_s = away_s
        self._number = number_of(url)
        self._port = self._opened()

    def _opened(self) -> serial.Serial:
        try:
            port = serial.serial_for_url(
                self.name,
                baudrate=constants("pico")["UART_BAUD"],
                timeout=_READ_S,
                write_timeout=_WRITE_S,
                exclusive=True,
            )
        except (serial.SerialException, ValueError, OSError) as error:
            why = in_use(self.name, error) or f"cannot be opened: {_first_line(error)}"
            raise UserError(f"target {self.name}: {why}") from None
        return cast(serial.Serial, port)

    def _come_back(self, error: Exception) -> None:
        """Reopen the port: a board reset removes it for a second or two. Raises TargetError if it does not return."""
        self._port.close()
        end_s = time.monotonic() + self.away_s
        while True:
            time.sleep(_READ_S)
            # the port may have another name now, and its old name may belong to another board
            name = name_of(self._number) if self._number else self.name
            if name:
                self.name = name
                with contextlib.suppress(UserError):
                    self._port = self._opened()
                    self._received.reconnected()
                    return
            if time.monotonic() > end_s:
                break
        raise TargetError(f"target {self.name}: lost: {_first_line(error)}; check its cable and its power") from None

    def inject(self, particles: Iterable[tuple[int, int, float]]) -> None:
        raise UserError(f"target {self.name}: nothing can be injected: its detectors are real")

    def send(self, data: bytes) -> None:
        try:
            self._check_open()
            self._port.write(data)
        except serial.SerialTimeoutException:
            raise TargetError(f"target {self.name}: accepts no bytes: is it the instrument? Restart it") from None
        except (serial.SerialException, OSError) as error:
            self._come_back(error)
            raise Reconnected(f"target {self.name}: was unavailable while a telecommand was sent") from None

    def _check_open(self) -> None:
        if not self._port.is_open:  # it was lost, and may have returned
            raise serial.SerialException("it was lost")

    def _run(self, seconds: float, condition: Callable[[], bool] | None) -> bool:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            try:
                self._check_open()
                data = self._port.read(max(1, self._port.in_waiting))
            except (serial.SerialException, OSError) as error:
                self._come_back(error)
                continue
            if data:
                self._received.add(data)
                if condition is not None and condition():
                    return True
        return False

    def close(self) -> None:
        self._port.close()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__

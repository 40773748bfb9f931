"""A real instrument, or one behind a socket: a serial port or any URL that pyserial knows. Target time is real time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import serial

from dorn.errors import UserError
from dorn.targets import Target, TargetError

_READ_S = 0.05  # a read waits so long at most


class SerialTarget(Target):
    def __init__(self, url: str):
        self.name = url
        self._open()
        self._begin_s = time.monotonic()
        self._down = bytearray()

    def _open(self) -> None:
        try:
            self._port = serial.serial_for_url(self.name, baudrate=921_600, timeout=_READ_S, exclusive=True)
        except (serial.SerialException, ValueError, OSError) as error:
            raise UserError(f"target {self.name}: cannot be opened: {_first_line(error)}") from None

    def reopen(self, limit_s: float) -> None:
        """After a reset, which takes a USB port away for a second or two. UserError if it does not come back."""
        self._port.close()
        end_s = time.monotonic() + limit_s
        while True:
            try:
                self._open()
                return
            except UserError:
                if time.monotonic() > end_s:
                    raise
                time.sleep(_READ_S)

    @property
    def now_us(self) -> int:
        return int((time.monotonic() - self._begin_s) * 1e6)

    def inject(self, particles: Iterable[tuple[int, int, float]]) -> None:
        raise UserError(f"target {self.name}: nothing can be injected: its detectors are real")

    def send(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except (serial.SerialException, OSError) as error:
            raise self._lost(error) from None

    def _run(self, seconds: float, condition: Callable[[], bool] | None) -> bool:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            try:
                data = self._port.read(max(1, self._port.in_waiting))
            except (serial.SerialException, OSError) as error:
                raise self._lost(error) from None
            if data:
                self._down += data
                if condition is not None and condition():
                    return True
        return False

    def _lost(self, error: Exception) -> TargetError:
        return TargetError(f"target {self.name}: lost: {_first_line(error)}; look at its cable and its power")

    def close(self) -> None:
        self._port.close()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__

"""The serial port of a real stimulus board, with the methods that `dorn.targets.stimulus` needs."""

from __future__ import annotations

import contextlib
import queue
import threading

import serial

from dorn.targets import TargetError
from dorn.targets.serial import SerialTarget

_PIECE = 512  # octets written at once: a block of pulses
_CANCEL_S = 1.0  # longest wait for the end of a write


class SerialStimulusPort(SerialTarget):
    """Octets are written in the background: the board reads a list only as fast as it plays it, which may take longer
    than any timeout, while the instrument has to be served."""

    def __init__(self, url: str):
        """Raises UserError if the port cannot be opened."""
        super().__init__(url)
        self._unsent: queue.Queue[bytes | None] = queue.Queue()
        self._error: Exception | None = None
        self._closing = False
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def _opened(self) -> serial.Serial:
        port = super()._opened()
        port.write_timeout = None
        return port

    def send(self, data: bytes) -> None:
        if self._error:
            self._come_back(self._error)
        for at in range(0, len(data), _PIECE):
            self._unsent.put(data[at : at + _PIECE])

    def _write(self) -> None:
        while (piece := self._unsent.get()) is not None and not self._closing:
            try:
                self._port.write(piece)
            except (serial.SerialException, OSError, TypeError) as error:  # TypeError: closed while it waited
                self._error = error
                return

    def _come_back(self, error: Exception) -> None:
        """A board that was away has restarted: what it was playing is lost."""
        raise TargetError(f"stimulus {self.name}: lost: {error}; check its cable and its power") from None

    def close(self) -> None:
        self._closing = True
        self._unsent.put(None)
        with contextlib.suppress(AttributeError, OSError):  # a socket has no such method
            self._port.cancel_write()
        self._writer.join(_CANCEL_S)
        self._port.close()

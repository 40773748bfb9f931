"""The serial port of a real stimulus board, with the methods that `dorn.targets.stimulus` needs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import serial

from dorn.targets import TargetError
from dorn.targets.serial import SerialTarget
from dorn.targets.stimulus_list import Feed


class SerialStimulusPort(SerialTarget):
    """Read in the background: the board asks for the blocks of a list while the instrument is served.

    feed: sends these blocks.
    """

    def __init__(self, url: str):
        """Raises UserError if the port cannot be opened."""
        super().__init__(url)
        self.feed = Feed(self.send)
        self._writing = threading.Lock()  # commands, and blocks
        self._arrived = threading.Condition()
        self._error: Exception | None = None
        self._closing = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, data: bytes) -> None:
        if self._error:
            self._come_back(self._error)
        try:
            with self._writing:
                self._port.write(data)
        except serial.SerialTimeoutException:
            raise TargetError(f"stimulus {self.name}: accepts no bytes: is it a stimulus board?") from None
        except (serial.SerialException, OSError) as error:
            self._come_back(error)

    def receive(self) -> bytes:
        with self._arrived:
            return super().receive()

    def _read(self) -> None:
        try:
            while not self._closing:
                data = self.feed.received(self._port.read(max(1, self._port.in_waiting)))
                if data:
                    with self._arrived:
                        self._received.add(data)
                        self._arrived.notify()
        except (serial.SerialException, OSError, TypeError, TargetError) as error:  # TypeError: closed while it read
            with self._arrived:
                self._error = error
                self._arrived.notify()

    def _run(self, seconds: float, condition: Callable[[], bool] | None) -> bool:
        end_s = time.monotonic() + seconds
        with self._arrived:
            while condition is None or not condition():
                if self._error:
                    self._come_back(self._error)
                left_s = end_s - time.monotonic()
                if left_s <= 0:
                    return False
                self._arrived.wait(left_s)
        return True

    def _come_back(self, error: Exception) -> None:
        """A board that was away has restarted: what it was playing is lost."""
        if isinstance(error, TargetError):
            raise error
        raise TargetError(f"stimulus {self.name}: lost: {error}; check its cable and its power") from None

    def close(self) -> None:
        self._closing = True
        self._reader.join()  # a read has a timeout, and so has a write
        self._port.close()

"""What simulated targets have in common: a simulated head, and serial ports to which other programs can connect."""

from __future__ import annotations

from dorn.head.front_end import Head
from dorn.head.slow_control import SimulatedDevices
from dorn.targets import Target


class SerialPort:
    """A serial port of the board, seen from outside: `up`, octets for the board; `down`, octets from it."""

    def __init__(self):
        self.up, self.down = bytearray(), bytearray()

    def take(self) -> bytes:
        data, self.down[:] = bytes(self.down), b""
        return data


class SimulatedTarget(Target):
    """ports: the board's ports, by name. resets: number of resets by the board itself so far."""

    head: Head
    slow_control: SimulatedDevices
    ports: dict[str, SerialPort]
    resets: int
    _link: SerialPort  # the port that `send` and `receive` use

    def send(self, data: bytes) -> None:
        self._link.up += data

    def receive(self) -> bytes:
        return self._link.take()

    def keep(self) -> None:
        """Save the flash image if there is a folder for it and it has changed, unless every change is saved at once."""

"""Targets: what the firmware runs on, simulated or real, behind one interface.

A target owns *target time*, in which stimulus and link bytes are ordered. Simulated targets skip idle time; on a board
it is real time. Tests and tools wait for conditions in target time and know a target only by its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Self

from dorn.errors import UserError
from dorn.head.front_end import Head
from dorn.head.slow_control import SimulatedDevices

NAMES = ("unix", "rp2040")  # with a simulated head
PAIR = "pair"  # rp2040 with an emulated stimulus board in the place of the head
AWAY_S = 10.0  # a port that is absent for longer is lost


class TargetError(UserError):
    """The target was lost or does not respond as expected."""


class Reconnected(TargetError):
    """The connection was lost and restored; the data to be sent were not sent. The instrument may be another one."""


class OtherInstrument(TargetError):
    """Another instrument is at the other end of the link."""


class NoAnswer(TargetError):
    """A condition was not met in time."""


class Target(ABC):
    """Powered on at construction; a context manager that switches it off."""

    name: str
    in_real_time = False  # target time passes by itself
    connection = connections = 1  # number of the connection over which the last bytes came, and of the latest
    is_shared = False  # other programs send telecommands to the same instrument, through the program that has its port
    _down: bytearray  # bytes received over the link, not yet returned by `receive`
    head: Head | None = None  # the simulated detector head; None if the detectors are real
    slow_control: SimulatedDevices | None = None  # its simulated slow control

    @property
    @abstractmethod
    def now_us(self) -> int:
        """Target time since power-on, microseconds."""

    @abstractmethod
    def inject(self, particles: Iterable[tuple[int, int, float]]) -> None:
        """Play (time_ns from now, detector, energy_kev), in time order, to the head. Raises UserError if it is real."""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send bytes to the instrument's link, now. Raises Reconnected if the connection was lost and restored."""

    def receive(self) -> bytes:
        """Return the bytes received over the link since the last call, over one connection."""
        data, self._down = bytes(self._down), bytearray()
        return data

    def advance(self, seconds: float) -> None:
        """Let target time pass."""
        self._run(seconds, None)

    def wait_for(self, condition: Callable[[], bool], limit_s: float) -> None:
        """Let target time pass until the condition holds; it is evaluated whenever bytes are received.

        Raises NoAnswer after `limit_s` of target time.
        """
        if not condition() and not self._run(limit_s, condition):
            raise NoAnswer(f"target {self.name}: no answer within {limit_s:g} s of target time")

    @abstractmethod
    def _run(self, seconds: float, condition: Callable[[], bool] | None) -> bool:
        """Let target time pass until the condition holds; received bytes go to `_down`. Returns whether it holds."""

    def power_cycle(self, off_s: float = 0.1) -> None:
        """Switch the power off for `off_s`; the flash is kept. Raises UserError if that is not possible."""
        raise UserError(f"target {self.name}: its power cannot be switched from here")

    def reset(self) -> None:
        """Pull the reset pin. Raises UserError if that is not possible."""
        raise UserError(f"target {self.name}: its reset pin cannot be reached from here")

    def stall(self, seconds: float) -> None:
        """Hold the CPU, with interrupts off, as flash writes do; the hardware runs. Raises UserError if impossible."""
        raise UserError(f"target {self.name}: its CPU cannot be held")

    @abstractmethod
    def close(self) -> None:
        """Switch off."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def is_port(name: str) -> bool:
    """Whether it names a serial port, or is a URL."""
    return name.startswith("/") or "://" in name or name.upper().startswith("COM")


def open_target(
    name: str,
    head: Head | None = None,
    flash=None,
    link: str = "usb",
    unique_id: int | None = None,
    away_s: float = AWAY_S,
) -> Target:
    """A target by its name: "unix", "rp2040", "pair" (without a `head`), a serial port, a pyserial URL
    (socket://host:port, ...), or bridge://host:port, the TCP port of a running `dorn bridge`.

    `flash`: folder in which a simulated target saves its flash image between runs; without it, the flash is discarded.
    `link`: "usb", or "uart", the flight link of rp2040.
    `unique_id`: the id of a simulated board; by default the one saved with the flash image, or a new one.
    `away_s`: how long to wait for a port or a bridge that has disappeared before TargetError.
    Raises UserError for an unknown name or an unavailable target.
    """
    # imported here: a lab with a board needs neither simulator
    if name == "unix":
        from dorn.targets.unix import UnixTarget

        return UnixTarget(head, flash, unique_id=unique_id)
    if name == "rp2040":
        from dorn.targets.rp2040 import Rp2040Target

        return Rp2040Target(head, flash, link=link, unique_id=unique_id)
    if name == PAIR:
        from dorn.targets.pair import PairTarget

        return PairTarget(flash, link=link, unique_id=unique_id)
    if name.startswith("bridge:"):
        from dorn.targets.bridged import BridgedTarget

        return BridgedTarget(name, away_s)
    if is_port(name):
        from dorn.targets.serial import SerialTarget

        return SerialTarget(name, away_s)
    raise UserError(f"target: unknown ({name!r}); known: {', '.join(NAMES)}, a serial port or a URL")

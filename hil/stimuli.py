"""What plays known pulses to the instrument of a bench: a simulated head, or a stimulus board, emulated or real."""

from __future__ import annotations

import math
from collections import Counter

from dorn.errors import UserError
from dorn.head.front_end import Fates, Head
from dorn.session.instrument import Instrument
from dorn.session.playing import until_played
from dorn.targets import Target, TargetError
from dorn.targets.ladder import CODES_PER_LEVEL, IDEAL
from dorn.targets.stimulus import CYCLE_NS, State, StimulusBoard
from particles import Poisson, Regular

COUNTERS = ("accepted", "below_threshold", "over_range", "disabled")  # of hits, in a rates packet
LIST_CPS = 10_000  # rate at which a board can be sent a list; beyond it, it makes random particles by itself
_CODES_PER_CHANNEL, _CODES_PER_SUM = 4, 32  # of spectra, of coincidence spectra
_HELD_KEV = 5000.0
_AFTER_S = 0.001  # for the event of the last pulse


def hits(rates: dict) -> int:
    """All hits in a rates packet that the instrument has read."""
    return sum(sum(rates[name]) for name in COUNTERS)


def judged(counts: dict, expected: dict, channels: int) -> dict:
    """The counts, each in the expected channel if it is at most `channels` away from it: the n-th lowest of a detector
    or unit is compared with the n-th lowest expected. Keys are (detector or unit, channel)."""
    out: Counter = Counter()
    for d in {key[0] for key in (*counts, *expected)}:
        found, wanted = _channels(counts, d), _channels(expected, d)
        wanted += found[len(wanted) :]  # more than expected
        out.update((d, w if abs(f - w) <= channels else f) for f, w in zip(found, wanted, strict=False))
    return out


def _channels(counts: dict, d: int) -> list[int]:
    """The channel of every count of a detector or unit, lowest first."""
    return sorted(Counter({channel: n for (one, channel), n in counts.items() if one == d}).elements())


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
        return IDEAL.nearest(energy_kev) if self._grid else energy_kev

    @property
    def highest_kev(self) -> float:
        """The highest energy that it can play."""
        return IDEAL.highest_kev if self._grid else math.inf

    def judged(self, counts: dict, expected: dict) -> dict:
        """The counts, which must be exactly those expected."""
        return counts

    judged_sums = judged

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

    def forget(self) -> None:
        """The counters of the instrument have been cleared."""
        self.head.fates = Fates()

    def reconciles(self, rates: dict) -> bool:
        """Whether every pulse since power-on or `forget` has one fate, and the counters have every hit."""
        fates = self.fates
        counted = hits(rates) + rates["overrun_hits"]
        lost = fates.merged + fates.lost_dead_time + fates.below_threshold + fates.disabled
        return fates.delivered == counted and fates.injected == fates.delivered + lost


class BoardStimulus:
    """Particles played by a stimulus board: a list, or made by the board itself if they are regular or too fast."""

    def __init__(self, board: StimulusBoard, commander: Instrument, steps: int = 0):
        """steps: of the ladder, by which an amplitude may differ from its level."""
        self.board = board
        self.highest_kev = board.ladder.highest_kev
        self.nearest = board.ladder.nearest  # the ladder has 8 bits
        self._steps = steps
        self._commander = commander
        self._ends_us = 0.0
        self._is_regular = False
        self._shown = 0

    def judged(self, counts: dict, expected: dict) -> dict:
        """The counts of spectra, to be compared with those expected: see `judged`."""
        return judged(counts, expected, self._steps * CODES_PER_LEVEL // _CODES_PER_CHANNEL)

    def judged_sums(self, counts: dict, expected: dict) -> dict:
        """The same for coincidence spectra, whose channels are sums of two amplitudes."""
        return judged(counts, expected, self._steps * 2 * CODES_PER_LEVEL // _CODES_PER_SUM)

    def begin(self, particles) -> None:
        """Start playing the particles, from now."""
        board, p = self.board, particles
        self._is_regular = isinstance(p, Regular)
        if isinstance(p, Regular) and p.spacing_ns % CYCLE_NS == 0:
            seconds = board.play_regular(p.n, p.spacing_ns, 1 << p.detector, p.energy_kev, p.energy_kev)
        elif isinstance(p, Poisson) and p.rate_cps > LIST_CPS:
            number, lines = round(p.rate_cps * p.duration_s), sum(1 << d for d in p.detectors)
            seconds = board.play_poisson(number, 1e9 / p.rate_cps, p.seed, lines, p.pairs, p.energies)
        else:
            seconds = board.play(p)
        self._ends_us = self._commander.target.now_us + seconds * 1e6

    def play(self, particles) -> None:
        """Play the particles, and return 1 ms after the last."""
        self.begin(particles)
        self.finish()

    def finish(self) -> State:
        """Wait until 1 ms after the last particle. Returns the counters of the board.

        Raises TargetError if it did not play what it should: not all of it, or regular particles not regularly.
        """
        left_s = (self._ends_us - self._commander.target.now_us) / 1e6
        state = until_played(self._commander, self.board, left_s)
        if self._is_regular and state.late:
            raise TargetError(f"stimulus {self.board.name}: {state.late} regular pulses were late: they are too close")
        self._shown += state.shown
        return state

    def hold(self, lines: int) -> None:
        """Hold these lines (a mask) high from now on, and no others."""
        self.board.hold(lines, _HELD_KEV)

    def forget(self) -> None:
        """The counters of the instrument have been cleared."""
        self._shown = 0

    def reconciles(self, rates: dict) -> bool:
        """Whether the counters have every event that the board has shown since it was connected or told to `forget`.

        The board counts events, not hits: of those lost in an overrun it is only known that each had a hit.
        """
        lost = self._shown - rates["events"]
        return lost == 0 if rates["gap_us"] == 0 else 0 < lost <= rates["overrun_hits"]

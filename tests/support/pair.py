"""An emulated instrument and an emulated stimulus board."""

from dorn.session.instrument import Instrument
from dorn.targets.ladder import IDEAL
from dorn.targets.pair import PairTarget
from dorn.targets.stimulus import StimulusBoard

from support import chip

KCPS = {1: 125_000, 5: 25_000, 10: 12_500, 30: 4_167}  # mean gaps, cycles
ENERGIES = tuple(map(IDEAL.nearest, (3000.0, 5000.0, 8000.0)))


def open_pair(**options):
    """A PairTarget, always with the same unique id. Skips the test if there is no emulator or no image."""
    chip.required()
    return PairTarget(**{"files": chip.firmware_files(), "unique_id": 1, **options})


class Bench:
    def __init__(self):
        self.target = open_pair()
        self.instrument = Instrument(self.target)
        self.instrument.connect()
        self.board = StimulusBoard(self.target.stimulus_port)

    def until_played(self):
        while (state := self.board.state()).playing:
            self.target.advance(0.02)
        self.target.advance(0.001)
        return state

    def run(self, begin, meanwhile=lambda: None):
        """Acquire while the board plays what `begin()` starts. -> (its state, rates, resets in that time)"""
        before = self.board.state().resets
        self.instrument.function("clear")
        self.instrument.received.clear()
        self.instrument.start()
        begin()
        meanwhile()
        state = self.until_played()
        rates = self.instrument.stop()
        assert state.starved == 0 and rates["gap_us"] == 0
        assert state.resets - before == rates["events"] + rates["passes"] + 1
        return state, rates

"""A pair whose stimulus board has a clock of its own, as real boards have. The long form is DORN_EVENTS=10000."""

import os

import clocks
import pytest
from dorn.session.instrument import Instrument
from dorn.targets.stimulus import StimulusBoard
from stimuli import BoardStimulus
from support.pair import open_pair


@pytest.mark.parametrize("ppm", [5000, *([50, -50] if os.environ.get("DORN_EVENTS") else [])])  # a minute each
def test_a_clock_of_its_own_is_measured_and_loses_no_pulse(ppm):
    """17 pulses, 0.25 s apart by the clock of the stimulus board, stamped by that of the instrument, and 500 at
    10 kcps."""
    with open_pair(stimulus_ppm=ppm) as target:
        board, instrument = StimulusBoard(target.stimulus_port), Instrument(target)
        board.connect()
        instrument.connect()
        measured = clocks.measured_ppm(instrument, BoardStimulus(board, instrument))
        assert measured == pytest.approx(-ppm / (1 + ppm / 1e6), abs=1)
        instrument.start()
        board.command("regular", 500, 12_500, 500, 1, 100, 100)
        target.advance(0.06)
        assert instrument.stop()["events"] == board.state().shown == 500

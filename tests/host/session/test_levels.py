"""session/levels.py: the code of a level from the counts of its pulses. tests/hil measures a whole ladder."""

import pytest
from dorn.errors import UserError
from dorn.session import levels
from dorn.session.instrument import Instrument
from dorn.session.levels import mean_code, summary
from dorn.session.presets import report
from dorn.targets.ladder import IDEAL, Ladder, Table
from dorn.targets.stimulus import StimulusBoard
from support.pair import open_pair


@pytest.mark.parametrize(
    ("spectrum", "over_range", "code"),
    [
        ({500: 8}, 0, 2001.5),
        ({500: 6, 501: 2}, 0, 2002.5),
        ({497: 4, 505: 4}, 0, 2005.5),
        ({}, 8, 4095),
        ({1023: 7}, 1, 4095),  # it may be higher than the converter can tell
    ],
)
def test_the_code_is_the_mean_of_the_pulses(spectrum, over_range, code):
    assert mean_code(4, 125, spectrum, over_range, 8) == code


@pytest.mark.parametrize(
    ("spectrum", "over_range", "message"),
    [
        ({500: 7}, 0, "level 125: detector 13: 7 of 8 pulses were recorded"),
        ({500: 16}, 0, "level 125: detector 13: 16 of 8 pulses"),
        ({500: 4}, 3, "level 125: detector 13: 7 of 8 pulses"),
        ({500: 7, 509: 1}, 0, "level 125: detector 13: its pulses have codes from 2000 to 2039"),
    ],
)
def test_pulses_that_are_missing_or_differ_are_reported(spectrum, over_range, message):
    with pytest.raises(UserError, match=message):
        mean_code(4, 125, spectrum, over_range, 8)


def test_the_summary_names_what_is_far_from_ideal():
    codes = list(IDEAL.codes)
    codes[128] -= 20
    codes[255] = 4095.0
    assert summary(Table(Ladder(tuple(codes)), "2026-01-31", 1, {}, {})) == [
        "largest difference from an ideal ladder: 20.0 codes, level 128",
        "level 128 above 127: -4.0 codes (ideal: 16)",
        "over range: levels 255",
    ]


@pytest.fixture(scope="module")
def boards():
    with open_pair() as target:
        instrument, board = Instrument(target), StimulusBoard(target.stimulus_port)
        board.connect()
        instrument.connect()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(levels, "LEVELS", 16)
            yield instrument, board


def settings(instrument):
    return {name: instrument.value(name) for name in ("threshold_5", "detectors_on")}


@pytest.mark.long
def test_detectors_that_are_off_are_on_meanwhile(boards):
    instrument, _ = boards
    instrument.set("detectors_on", 0xFFFF & ~(1 << 5))
    before = settings(instrument)
    codes = levels.measure(*boards, pulses=1).ladder.codes
    assert max(abs(code - 16 * n) for n, code in enumerate(codes)) <= 2 and len(codes) == 16
    assert settings(instrument) == before and before["threshold_5"] and before["detectors_on"] == 0xFFDF


@pytest.mark.long
def test_a_measurement_that_is_interrupted_leaves_the_instrument_in_standby(boards, monkeypatch):
    instrument, board = boards
    before, play = settings(instrument), board.play_pulses

    def interrupted(pulses):
        play(pulses)
        raise KeyboardInterrupt

    monkeypatch.setattr(board, "play_pulses", interrupted)
    with pytest.raises(KeyboardInterrupt):
        levels.measure(*boards, pulses=1000)
    monkeypatch.undo()
    assert report(instrument, "health", "housekeeping", 5).text("mode") == "standby"
    assert not board.state().playing and settings(instrument) == before


def test_an_instrument_that_acquires_is_refused_with_the_way_out(boards):
    instrument, _ = boards
    instrument.start()
    why = r"not in standby; to end that: dorn tc --target pair function function=stop \(science\)"
    with pytest.raises(UserError, match=rf"target pair: mode: the instrument is {why}"):
        levels.measure(*boards, pulses=1)
    instrument.stop()

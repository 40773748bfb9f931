"""The suite's stimulus board: what it has not played as it should is an error of the bench, not of the instrument."""

import contextlib
from types import SimpleNamespace

import pytest
from bench import Bench
from dorn.targets import TargetError
from dorn.targets.stimulus import State, StimulusBoard
from dorn.targets.stimulus_list import Feed
from particles import regular
from stimuli import BoardStimulus

PLAYED = State(playing=0, asked=9, played=9, shown=9, early=0, resets=9, late=0, starved=0)


class Commander:
    """An instrument whose time passes when it is served."""

    def __init__(self):
        self.target = SimpleNamespace(now_us=0.0)

    def advance(self, seconds):
        self.target.now_us += 1e6 * seconds
        assert self.target.now_us < 1e9, "it waits for ever"


class Port:
    """The port of a board that always answers the same."""

    name = "here"

    def __init__(self, answer):
        self.sent, self.answer, self.feed = [], answer, Feed(lambda data: None)

    def send(self, data):
        self.sent.append(data)

    def receive(self):
        return self.answer

    def wait_for(self, condition, limit_s):
        assert condition()


def stimulus(**state):
    values = " ".join(f"{name}={value}" for name, value in (vars(PLAYED) | state).items())
    return BoardStimulus(StimulusBoard(Port(f"ok {values}\r\n".encode())), Commander())


def test_a_list_that_was_played_is_over_1_ms_after_its_last_pulse():
    found = stimulus()
    found.begin(regular(9, 1_000_000))
    assert found.finish() == PLAYED
    assert found._commander.target.now_us == pytest.approx(10_000)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"starved": 1, "played": 5}, "stimulus here: the list was not sent in time, and ended after 5 pulses"),
        ({"playing": 1, "played": 5}, "stimulus here: the list still plays 10.* s after its end: .*played=5"),
        ({"late": 2}, "stimulus here: 2 regular pulses were late"),
    ],
)
def test_a_list_that_was_not_played_as_it_should_is_an_error(state, message):
    with pytest.raises(TargetError, match=message):
        stimulus(**state).play(regular(9, 1_000_000))


def test_random_pulses_may_be_late():
    stimulus(late=2).play([(1_000_000, 0, 5000.0)])


def test_a_bench_leaves_lines_that_were_held():
    """They would switch the detectors of an instrument off that acquires later."""
    bench, port = Bench.__new__(Bench), Port(b"ok\r\n")
    bench.power = SimpleNamespace(name="/dev/ttyACM0")
    bench.commander = SimpleNamespace(function=lambda name: None)
    bench.board = StimulusBoard(port)
    bench._closing = contextlib.ExitStack()
    bench.close()
    assert port.sent == [b"hold 0 0\n"]

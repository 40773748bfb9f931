"""targets/stimulus.py: particles as the pulses that the stimulus board reads."""

import struct

import pytest
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.targets import TargetError
from dorn.targets.ladder import IDEAL
from dorn.targets.stimulus import StimulusBoard, blocks, pulses
from dorn.targets.stimulus_list import ASKS, HEADER, Feed
from hypothesis import given
from hypothesis import strategies as st

level, nearest = IDEAL.level, IDEAL.nearest

particle = st.tuples(st.integers(0, 20_000_000_000), st.integers(0, 15), st.floats(200.0, 12_000.0))


@given(st.lists(particle).map(lambda found: sorted(found, key=lambda p: p[0])))
def test_every_particle_is_in_a_pulse_at_its_time_and_none_else(particles):
    t, found = 0, []
    for gap, lines, front, back in pulses(particles):
        t += gap
        found.append((8 * t, lines, front, back))
    left = list(particles)
    for time_ns, lines, front, back in found:
        mine = [p for p in left if p[0] - left[0][0] < 240]
        left = left[len(mine) :]
        assert mine[0][0] - 8 < time_ns <= mine[0][0]
        assert lines == sum({1 << d for _, d, _ in mine})
        for height, parity in ((front, 0), (back, 1)):
            assert height == next((level(kev) for _, d, kev in mine if d & 1 == parity), level(mine[0][2]))
    assert not left


@given(st.lists(particle).map(lambda found: sorted(found, key=lambda p: p[0])))
def test_blocks_are_whole_and_end_with_zeros(particles):
    data = blocks(pulses(particles))
    assert len(data) % 512 == 0 and data[-8:] == bytes(8)
    read = list(struct.iter_unpack("<IHBB", data))
    ends = read.index((0, 0, 0, 0))
    assert all(gap < 1 << 30 for gap, *_ in read) and not any(map(any, read[ends:]))
    t = made = 0
    for gap, lines, *_ in read[:ends]:
        t += gap
        made += bool(lines)
    assert made == len(list(pulses(particles))) and t == sum(gap for gap, *_ in pulses(particles))


@given(st.floats(-150.0, 12_138.0))
def test_the_nearest_energy_is_on_the_grid_of_the_ladder(kev):
    instrument = Dictionary.load().instrument
    step = 16 * instrument["kev_per_code"]
    assert step == 48 and level(nearest(kev)) == level(kev) and nearest(nearest(kev)) == nearest(kev)
    assert abs(nearest(kev) - kev) <= (step / 2 if -102 < kev < 12_090 else step)
    code = nearest(kev) / instrument["kev_per_code"] + instrument["zero_code"]
    assert code == 16 * level(kev)


@pytest.mark.parametrize(
    ("particles", "message"),
    [([(0, 16, 5000.0)], r"particles: detector: .*16"), ([(500, 1, 5e3), (400, 1, 5e3)], r"time_ns: .*500.*400")],
)
def test_bad_particles_are_rejected(particles, message):
    with pytest.raises(UserError, match=message):
        blocks(pulses(particles))


class Answering:
    """A port at which each command gets the same answer."""

    name = "here"

    def __init__(self, answer):
        self.sent, self._answer, self._waiting = [], answer, b"ok stimulus\r\n"
        self.feed = Feed(self.sent.append)

    def send(self, data):
        self.sent.append(data)
        self._waiting += self._answer

    def receive(self):
        data, self._waiting = self._waiting, b""
        return data

    def wait_for(self, condition, limit_s):
        assert condition()


def test_a_list_follows_its_command_only_when_that_was_accepted():
    port = Answering(b"ok\r\n")
    StimulusBoard(port).play([(0, 1, 5000.0)], 300)
    assert port.sent == [b"list 300\n", HEADER + blocks(pulses([(0, 1, 5000.0)]))]
    port = Answering(b"error: list: width: expected 60 to 1200 (5)\r\n")
    with pytest.raises(TargetError, match=r"stimulus here: error: list: width: expected 60 to 1200 \(5\)"):
        StimulusBoard(port).play([(0, 1, 5000.0)], 5)
    assert len(port.sent) == 1


@pytest.mark.parametrize("number", [0, 500_000_001])
def test_a_list_that_the_board_could_not_end_is_refused(number):
    """Beyond 2**29 pulses its DMA stands still."""
    port = Answering(b"ok\r\n")
    board, message = StimulusBoard(port), rf"stimulus: number of pulses: not 1 to 500000000 \({number}\)"
    with pytest.raises(UserError, match=message):
        board.play_regular(number, 8000, 1, 5000.0, 5000.0)
    with pytest.raises(UserError, match=message):
        board.play_poisson(number, 8000, 1, 1, 0.0, [5000.0])
    assert not port.sent


def test_blocks_are_sent_when_they_are_asked_for_and_in_their_order():
    sent = []
    feed = Feed(sent.append)
    data = b"".join(bytes([n]) * 512 for n in range(5))
    assert feed.received(ASKS + b"ok\n") == b"ok\n" and not sent  # what an earlier list asked for
    feed.begin(data)
    assert [block[-1] for block in sent] == [0, 1]
    assert feed.received(b"ok" + ASKS + b" x\r\n" + ASKS) == b"ok x\r\n"
    assert [block[-1] for block in sent] == [0, 1, 2, 3] and feed
    feed.end()
    assert feed.received(ASKS) == b"" and len(sent) == 4 and not feed
    assert all(block.startswith(HEADER) and len(block) == len(HEADER) + 512 for block in sent)


def test_a_command_that_ends_a_list_ends_its_blocks_and_no_other_does():
    port = Answering(b"ok\r\n")
    board = StimulusBoard(port)
    for command, left in (("identity", True), ("stop", False)):
        port.feed.begin(bytes(5 * 512))
        board.command(command)
        assert bool(port.feed) is left

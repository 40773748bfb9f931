"""The pair: lists and commands of the stimulus board. Lists of any length, broken off, stopped, starved; refusals."""

import pytest
from dorn.image import stimulus
from dorn.targets import TargetError
from dorn.targets.stimulus import StimulusBoard
from dorn.targets.stimulus_list import HEADER
from particles import poisson
from support.pair import ENERGIES, KCPS


def test_the_list_of_a_board_is_as_long_as_it_likes(bench):
    """5000 particles at 12 kcps: five times what fits the board's ring."""
    particles = list(poisson(12_000, 5000 / 12_000, 3, ENERGIES))
    state, rates = bench.run(lambda: bench.board.play(particles))
    assert state.shown == rates["events"] > 4500


def test_a_list_that_is_stopped_or_replaced_leaves_a_board_that_works(bench):
    bench.board.command("poisson", 100_000, 4_167, 500, 1, 0xFFFF, 0, 100)
    bench.target.advance(0.02)
    bench.board.command("regular", 100, 12_500, 500, 1, 100, 100)
    bench.target.advance(0.003)
    bench.board.stop()
    assert 0 < bench.board.state().played < 100
    bench.target.advance(0.1)
    state, rates = bench.run(lambda: bench.board.command("regular", 100, 12_500, 500, 1, 100, 100))
    assert state.played == rates["events"] == 100


SLOW = [(k * 1_000_000_000, k % 16, 5000.0) for k in range(1, 3001)]  # a pulse a second, 47 blocks


def closed_between_blocks(bench):
    bench.target.stimulus_port.feed.end()
    assert StimulusBoard(bench.target.stimulus_port).connect() == stimulus.manifest_id()


def closed_within_a_block(bench):
    bench.target.stimulus_port.feed.end()
    bench.target.stimulus_port.send(HEADER + b"\x01\x02\x03" * 25)
    bench.target.advance(0.01)
    assert StimulusBoard(bench.target.stimulus_port).connect() == stimulus.manifest_id()


def replaced(bench):
    bench.board.command("regular", 10, 12_500, 500, 1, 100, 100)


def asked(bench):
    state = bench.board.state()
    assert state.playing and not state.starved and state.asked > 500
    bench.board.stop()


@pytest.mark.parametrize("how", [closed_between_blocks, closed_within_a_block, replaced, asked])
def test_a_slow_list_that_is_broken_off_leaves_the_board_answering(bench, how):
    """Its ring is full: the pulses in it would last a quarter of an hour, those of the list nearly an hour."""
    bench.board.play(SLOW)
    bench.target.advance(0.5)
    begin_us = bench.target.now_us
    how(bench)
    assert bench.target.now_us - begin_us < 200_000
    state, rates = bench.run(lambda: bench.board.command("regular", 100, 12_500, 500, 1, 100, 100))
    assert state.shown == rates["events"] == 100


def test_a_list_of_which_no_more_is_sent_has_starved(bench):
    """Its counters stay those of what was played."""
    bench.instrument.function("clear")
    bench.instrument.start()
    bench.board.play([(k * 100_000, 0, 5000.0) for k in range(1, 3001)])
    bench.target.advance(0.1)
    bench.target.stimulus_port.feed.end()  # as when its program ends
    bench.target.advance(0.3)
    state = bench.board.state()
    assert state.starved and not state.playing and state.played < 3000
    assert state.shown == bench.instrument.stop()["events"] == state.played > 0


def test_the_counters_of_a_list_that_is_stopped_are_kept(bench):
    """At 30 kcps, where pulses merge and some are early: those shown are the events still."""

    def stop():
        bench.target.advance(0.03)
        bench.board.stop()

    begin = ("poisson", 100_000, KCPS[30], 500, 7, 0xFFFF, 20, 60, 100, 140)
    state, rates = bench.run(lambda: bench.board.command(*begin), stop)
    assert state.shown == rates["events"] > 100 and state.shown + state.early < state.played < state.asked
    bench.board.hold(0, 5000.0)
    assert bench.board.state() == state


@pytest.mark.long
@pytest.mark.parametrize("gap_s", [18, 40])
def test_a_pulse_waits_for_longer_than_31_bits_count(bench, gap_s):
    """17.2 s are 2**31 cycles; tests/boards/stimulus has the edges that the chip makes of it."""
    bench.board.play([(1_000_000, 0, 5000.0), (gap_s * 10**9, 1, 5000.0)])
    bench.target.advance(gap_s - 1)
    assert (bench.board.state().played, bench.board.state().playing) == (1, 1)
    bench.target.advance(1.01)
    state = bench.board.state()
    assert (state.played, state.playing, state.late) == (2, 0, 0)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("pulse",), "pulse: unknown; known: "),
        (("regular", 1), "regular: expected number period width lines front back"),
        (("regular", 1, 10, 500, 1, 1, 1), r"regular: period: expected 20 to 120000000 \(10\)"),
        (("regular", 1 << 29, 1250, 500, 1, 1, 1), r"regular: number: expected 1 to 500000000 \(536870912\)"),
        (("poisson", 500_000_001, 1250, 500, 1, 1, 0, 1), r"poisson: number: expected 1 to 500000000 \(500000001\)"),
        (("poisson", 1, 1000, 59, 1, 1, 0, 1), r"poisson: width: expected 60 to 1200 \(59\)"),
        (("poisson", 1, 1000, 60, 1, 1, 0, *range(9)), "poisson: heights: more than 8"),
        (("state", 1), "state: expected no argument"),
    ],
)
def test_a_bad_command_is_refused_with_its_reason(bench, command, message):
    with pytest.raises(TargetError, match=f"stimulus pair: error: {message}"):
        bench.board.command(*command)


@pytest.mark.parametrize("octets", [b"\xff\xfe\n", b"\x00\x05state\xc0\n", 600 * b"x" + b"\n", b"\n\r\n"])
def test_octets_that_are_no_command_do_not_end_the_board(bench, octets):
    """As those of a program that takes the port for another."""
    bench.board._port.send(octets)
    bench.target.advance(0.2)
    assert bench.board.command("state")

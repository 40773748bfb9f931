"""The pair: an emulated instrument and an emulated stimulus board. What one shows, the other records, to the pulse.

In CI with 1000 pulses for each case; the long form is DORN_EVENTS=10000.
"""

import os

import pytest
from dorn.head.front_end import FrontEnd, Head
from dorn.session.instrument import Instrument
from dorn.targets.rp2040_chip import CYCLE_TICKS
from dorn.targets.rp2040_wires import Wires
from dorn.targets.stimulus import State, StimulusBoard
from particles import poisson
from support import chip, host_time
from support.pair import ENERGIES, KCPS, open_pair

EVENTS = int(os.environ.get("DORN_EVENTS", "1000"))


def channel(height):
    return 16 * height // 4


@pytest.mark.parametrize("kcps", [1, 10])
def test_every_regular_pulse_is_recorded_in_its_channel(bench, kcps):
    n = EVENTS
    state, rates = bench.run(lambda: bench.board.command("regular", n, KCPS[kcps], 500, 1 << 4, 100, 200))
    assert state.played == state.shown == rates["events"] == rates["accepted"][4] == n
    assert (state.late, state.early, rates["passes"]) == (0, 0, 0)
    assert bench.instrument.counts() == {(4, channel(100)): n}


def test_coincidences_at_100_kcps_have_the_heights_of_front_and_back(bench):
    """A rate that the board keeps up is seen in the long form only: 930 pulses are in its ring when it starts."""
    n = EVENTS
    state, rates = bench.run(lambda: bench.board.command("regular", n, 1250, 500, 3 << 6, 60, 140))
    assert state.played == state.shown == rates["front_back"] == rates["events"] == n and state.late == 0
    assert bench.instrument.counts("coincidence_spectrum") == {(3, (16 * (60 + 140) - 50) // 32): n}


@pytest.mark.parametrize("kcps", [1, 5, 10, 30])
def test_events_are_the_pulses_shown_on_quiet_lines(bench, kcps):
    n = EVENTS
    state, rates = bench.run(lambda: bench.board.command("poisson", n, KCPS[kcps], 500, kcps, 0xFFFF, 20, 60, 100, 140))
    assert state.asked == state.played == n
    assert state.shown == rates["events"] < n
    assert {c for _, c in bench.instrument.counts()} == {channel(height) for height in (60, 100, 140)}


@pytest.mark.parametrize("kcps", [1, 10])
def test_a_list_has_the_spectra_of_the_simulated_head(bench, kcps):
    """What depends on a few cycles is left out: a particle that comes when the hit pattern is sampled, or when dead
    time ends; and one in the same unit within an event, where the two would share their heights."""
    seconds = EVENTS / (1000 * kcps)
    particles, last_ns, last_unit = [], -(10**6), 0
    for t, d, kev in poisson(1000 * kcps, seconds, kcps, ENERGIES):
        gap_ns = t - last_ns
        within = 500 < gap_ns < 1500 or 1900 < gap_ns < 3500
        if gap_ns > 12_000 or (within and d // 2 != last_unit):
            last_ns, last_unit = t, d // 2
            particles += [(t, d, kev)] if len(particles) % 5 else [(t, d, kev), (t, d ^ 1, kev)]
    state, rates = bench.run(lambda: bench.board.play(particles))
    assert state.shown == rates["events"] and state.played > 850 * kcps * seconds
    head = Head(FrontEnd(peaking_ns=1500, width_ns=4000))
    with chip.open_chip(None, head) as target:
        single = Instrument(target)
        single.connect()
        single.start()
        target.inject(iter(particles))
        single.advance(seconds + 0.01)
        expected = single.stop()
        for spectrum in ("spectrum", "coincidence_spectrum"):
            assert bench.instrument.counts(spectrum) == single.counts(spectrum)
        assert rates["events"] == expected["events"]


def test_a_stall_of_50_ms_loses_nothing(bench):
    def stall():
        bench.target.advance(0.02)
        bench.target.stall(0.05)

    state, rates = bench.run(lambda: bench.board.command("regular", 1000, 12_500, 500, 1, 100, 100), stall)
    assert state.shown == rates["events"] == 1000


def test_the_instrument_is_reset_while_the_board_plays(bench):
    bench.instrument.start()
    bench.board.command("regular", 100_000, 125_000, 500, 1, 100, 100)
    bench.instrument.reboot(bench.target.reset)
    bench.instrument.connect()
    assert bench.board.state().playing
    before = bench.board.state().shown
    bench.instrument.start()
    bench.target.advance(0.1)
    rates = bench.instrument.stop()
    shown = bench.board.state().shown - before
    assert 95 <= rates["events"] <= shown <= rates["events"] + 1  # one more is shown after the stop
    bench.board.stop()


@pytest.mark.parametrize(("cycles", "events"), [(21, 200), (23, 400)])
def test_a_delay_of_the_reset_beyond_168_ns_counts_pulses_twice(bench, monkeypatch, cycles, events):
    """The figure of wiring.md. The pulses are still high when the instrument resets them."""
    arriving = []
    alarm = bench.target._clock.create_alarm(lambda: bench.target.stimulus.head_reset.set_input_value(arriving.pop()))
    at_once = Wires._reset_changed

    def later(wires, high):
        if wires.exact:
            arriving.append(high)
            alarm.schedule_ticks(cycles * CYCLE_TICKS)
        else:
            at_once(wires, high)

    monkeypatch.setattr(Wires, "_reset_changed", later)
    state, rates = bench.run(lambda: bench.board.command("regular", 200, 25_000, 620, 1, 100, 100))
    assert (state.played, rates["events"]) == (200, events)


def test_lockstep_is_needed(bench, monkeypatch):
    """Without it, PIO makes one step for each CPU instruction or jump of the clock."""
    monkeypatch.setattr(Wires, "busy", lambda self: False)
    monkeypatch.setattr(Wires, "edge_is_near", lambda self: False)
    bench.instrument.start()
    bench.board.command("regular", 100, 125_000, 500, 1, 100, 100)
    bench.target.advance(0.15)
    monkeypatch.undo()
    assert bench.instrument.stop()["events"] != 100


@pytest.mark.skipif(EVENTS < 10_000, reason="takes a minute: DORN_EVENTS=10000")
def test_the_lines_of_a_board_without_firmware_are_switched_off_and_reported():
    """They are held high by the pull-ups."""
    with open_pair(stimulus_files={}) as target:
        instrument = Instrument(target)
        instrument.connect()
        instrument.start()
        instrument.until(lambda: len(instrument.events("detector_off")) == 16, 30)
        assert instrument.next("housekeeping")["detectors_on"] == 0
        assert sum(instrument.stop()["accepted"]) == 0


def test_the_board_plays_while_the_instrument_has_no_power(bench):
    bench.instrument.start()
    bench.board.command("regular", 100_000, 125_000, 500, 1, 100, 100)
    before, begin_us = bench.board.state().played, bench.target.now_us
    bench.instrument.reboot(lambda: bench.target.power_cycle(0.3))
    bench.instrument.connect()
    seconds = (bench.target.now_us - begin_us) / 1e6
    assert bench.board.state().played - before == pytest.approx(1000 * seconds, rel=0.02)
    bench.board.stop()
    state, rates = bench.run(lambda: bench.board.command("regular", 100, 12_500, 500, 1, 100, 100))
    assert state.shown == rates["events"] == 100


def test_the_flight_link_carries_the_board_along():
    with open_pair(link="uart") as target:
        board, instrument = StimulusBoard(target.stimulus_port), Instrument(target)
        board.connect()
        instrument.connect()
        instrument.start()
        board.command("regular", 200, 12_500, 500, 1, 100, 100)
        target.advance(0.05)
        rates = instrument.stop()
        assert board.state().shown == rates["events"] == 200


def test_a_run_does_not_depend_on_the_speed_of_the_host(monkeypatch):
    def run():
        with open_pair() as target:
            board, instrument = StimulusBoard(target.stimulus_port), Instrument(target)
            board.connect()
            instrument.connect()
            instrument.start()
            board.command("poisson", 200, 125_000, 500, 1, 0xFFFF, 20, 60, 100, 140)
            return host_time.sent(target, 1), board.state(), bytes(target.mcu.sram), bytes(target.stimulus.mcu.sram)

    fast, slow = host_time.both(monkeypatch, run)
    assert fast == slow


def test_lines_that_are_held_are_high_until_they_are_released(bench):
    target = bench.target
    for lines in (0b1010, 0xFFFF, 0):
        bench.board.hold(lines, 5000.0)
        target.advance(0.001)
        assert target._wires._high == lines
    bench.board.hold(1 << 3, 5000.0)
    bench.board.connect()  # releases them
    state, rates = bench.run(lambda: bench.board.command("regular", 100, 12_500, 500, 1, 100, 100))
    assert state.shown == rates["events"] == 100 and rates["passes"] == 0


def test_the_state_before_any_list_is_all_zeros():
    with open_pair() as target:
        target.advance(1.5)
        assert StimulusBoard(target.stimulus_port).state() == State(0, 0, 0, 0, 0, 0, 0, 0)

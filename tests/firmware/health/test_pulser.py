"""The test pulser on both simulated targets: every fired pulse is counted in its channel, and accounted for once."""

import pytest
from dorn.head.front_end import MV_PER_MEV, FrontEnd, Head
from dorn.session import CommandFailed
from particles import poisson
from support.instrument import DICTIONARY, Instrument, both_if_long, instrument, open_simulated, play

FRONT, BACK = 8, 16


def code(mv):
    """ADC code of a test pulse on the scale of the ideal head."""
    return int(mv * 1000 / MV_PER_MEV / 3 + 50 + 0.5)


def fire(i, seconds, **parameters):
    """Switch the pulser on for `seconds`. -> pulses fired since boot, from housekeeping"""
    pulser = {f"pulser_{name}": value for name, value in parameters.items()}
    i.set_parameters(kept=False, housekeeping_period=1, **pulser)
    i.armed("pulser_on")
    i.advance(seconds)
    i.command("function", function="pulser_off")
    for _ in range(2):
        fired = i.wait_for(lambda p: p.name == "housekeeping", 3).fields["pulses_fired"]
    return fired


@pytest.mark.parametrize("side", [FRONT, BACK, FRONT | BACK])
def test_every_fired_pulse_is_counted_in_its_channel(side):
    """hil/test_pulser.py tests this on the chip."""
    with instrument("unix") as i:
        i.calibrate()
        fired = fire(i, 3, amplitude=600, target=3 | side, rate=4)
        i.stop()
        assert 20 <= fired <= 28 and fired % 4 == 0
        if side == FRONT | BACK:
            assert i.counts("coincidence_spectrum") == {(3, (2 * code(600) - 50) // 32): fired} and not i.counts()
        else:
            assert i.counts() == {(6 if side == FRONT else 7, code(600) // 4): fired}
        assert i.target.head.fates.injected == i.target.head.fates.delivered == fired * (1 + (side == FRONT | BACK))


@both_if_long
def test_rate_amplitude_and_target_follow_while_it_runs(where):
    with instrument(where) as i:
        i.calibrate()
        before, counts = 0, {}
        i.armed("pulser_on")
        for target, amplitude, rate in ((FRONT, 300, 1), (BACK | 7, 1200, 3), (FRONT | 4, 45 + 1, 2)):
            fired = fire(i, 2, target=target, amplitude=amplitude, rate=rate)
            assert (fired - before) % rate == 0 or before == 0
            detector = 2 * (target & 7) + (target >> 4)
            counts[detector] = fired - before
            before = fired
        rates = i.stop()
        assert {d: n for d, n in enumerate(rates["accepted"]) if n} == counts
        i.advance(3)
        assert i.target.head.fates.injected == before  # no pulses after pulser_off


def test_every_pulse_has_one_fate_with_a_source_present():
    """hil/test_pulser.py tests this on the chip."""
    with instrument("unix") as i:
        i.calibrate()
        source = list(poisson(4000, 4.0, 11, energies=(3000.0, 6000.0), pairs=0.2))
        i.target.inject(source)
        fired = fire(i, 3, amplitude=750, target=FRONT | BACK | 2, rate=4)
        play(i, ())
        rates, fates = i.stop(), i.target.head.fates
        assert 20 <= fired <= 28 and fates.injected > len(source) * 0.75 and i.target.head.pending == 0
        assert fates.injected == (
            fates.delivered + fates.merged + fates.lost_dead_time + fates.below_threshold + fates.disabled
        )
        assert fates.delivered == sum(sum(rates[name]) for name in ("accepted", "below_threshold", "over_range"))
        assert fates.spurious == rates["overrun_hits"] == 0
        found = i.counts("coincidence_spectrum").get((2, (2 * code(750) - 50) // 32), 0)
        # pulses that coincide with a particle have a lower code, or are lost, merged, or in an event of several units
        assert fired - 6 <= found <= fired


@both_if_long
def test_without_dac_or_expander_pulser_on_is_rejected(where):
    for missing in ("dac", "expander"):
        with instrument(where) as i:
            i.calibrate()
            getattr(i.target.slow_control, missing).answers = False
            with pytest.raises(CommandFailed, match="start_failure: slow_control"):
                i.armed("pulser_on")
            i.advance(2)
            assert i.target.head.fates.injected == 0


@both_if_long
def test_devices_fitted_later_are_found_when_needed(where):
    with open_simulated(where, Head(FrontEnd())) as target:
        target.slow_control.expander.answers = False
        i = Instrument(target)
        i.connect()
        assert len(i.events("slow_control_failed")) == 1
        i.advance(10)
        target.slow_control.expander.answers = True
        i.calibrate()
        assert fire(i, 2, rate=2) == target.head.fates.injected > 4


@both_if_long
def test_pulses_are_counted_only_if_they_were_fired(where):
    """With an expander that refuses every 11th byte, housekeeping still has the exact number of pulses at the head."""
    with instrument(where) as i:
        devices = i.target.slow_control
        i.set_parameters(kept=False, pulser_rate=4, housekeeping_period=2)
        i.calibrate()
        i.armed("pulser_on")
        write, n = devices.expander.write, []
        devices.expander.write = lambda value: bool(n.append(value) or len(n) % 11) and write(value)
        i.advance(10)
        i.command("function", function="pulser_off")
        i.advance(2)
        hk = i.next("housekeeping", 3)
        assert hk["pulses_fired"] == i.target.head.fates.injected > 10
        assert hk["slow_control_errors"] > 5
        assert len(i.events("slow_control_failed")) >= 1


def test_pulser_parameters_are_within_the_range_of_the_devices():
    assert DICTIONARY.parameters["pulser_amplitude"].high < 2048  # DAC reference, mV
    assert DICTIONARY.parameters["pulser_target"].high == FRONT | BACK | 7
    assert DICTIONARY.parameters["pulser_target"].low == FRONT  # at least one side

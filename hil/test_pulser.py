"""Test pulser: number, target and amplitude of pulses as commanded and reported, with and without particles."""

import pytest
from particles import poisson


def fire(commander, seconds):
    """Run the pulser for `seconds`; -> number of pulses according to housekeeping."""
    before = commander.next("housekeeping")["pulses_fired"]
    commander.armed("pulser_on")
    commander.advance(seconds)
    commander.function("pulser_off")
    return commander.next("housekeeping")["pulses_fired"] - before


@pytest.mark.parametrize(("target", "spectrum", "number"), [(8 + 2, "spectrum", 4), (16 + 7, "spectrum", 15)])
def test_pulses_are_counted_in_their_channel(commander, evidence, target, spectrum, number):
    commander.set("housekeeping_period", 1)
    commander.set("pulser_target", target)
    commander.set("pulser_rate", 4)
    commander.set("pulser_amplitude", 900)  # 6 MeV
    commander.calibrate()
    fired = fire(commander, 4)
    commander.stop()
    evidence("pulses", fired)
    channels = commander.counts(spectrum)
    assert fired > 20 and sum(channels.values()) == fired
    assert all(d == number and abs(channel - (6000 / 3 + 50) / 4) < 8 for d, channel in channels)


def test_pulses_on_both_sides_of_a_unit_are_coincidences(commander):
    commander.set("housekeeping_period", 1)
    commander.set("pulser_target", 24 + 3)
    commander.calibrate()
    fired = fire(commander, 4)
    rates = commander.stop()
    assert rates["front_back"] == rates["events"] == fired > 0
    assert {unit for unit, _ in commander.counts("coincidence_spectrum")} == {3}


def test_every_pulse_has_one_fate_with_particles_present(commander, stimulus, seed):
    commander.set("pulser_rate", 4)
    commander.calibrate()
    commander.armed("pulser_on")
    stimulus.play(poisson(2000, 2.0, seed))
    commander.function("pulser_off")
    rates = commander.stop()
    fates = stimulus.fates
    assert fates.delivered == sum(sum(rates[n]) for n in ("accepted", "below_threshold", "over_range", "disabled"))
    assert fates.injected == fates.delivered + fates.merged + fates.lost_dead_time + fates.below_threshold

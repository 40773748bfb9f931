"""Known pulses, from the simulated head or from a stimulus board: each is counted, in its channel, at its time."""

import random
from collections import Counter

from dorn.analysis import clocks
from dorn.session.presets import report
from particles import regular

CLOCKS_PPM = 200  # two crystals of 30 ppm each, and temperature


def channel(energy_kev):
    return int(energy_kev / 3 + 50 + 0.5) // 4


def test_every_pulse_is_counted_in_its_channel(commander, stimulus):
    """288 pulses, 1 ms apart, in all detectors, at 18 energies."""
    energies = [stimulus.nearest(1000.0 + 600 * k) for k in range(18)]
    particles = [(k * 1_000_000, k % 16, energies[k // 16 % 18]) for k in range(1, 289)]
    commander.start()
    stimulus.play(particles)
    rates = commander.stop()
    assert rates["events"] == 288 and rates["passes"] == 0
    expected = Counter((d, channel(kev)) for _, d, kev in particles)
    assert stimulus.judged(commander.counts(), expected) == expected


def test_coincidences_are_counted_as_the_sum_of_both(commander, stimulus):
    front, back = stimulus.nearest(2000.0), stimulus.nearest(3000.0)
    particles = [(k * 100_000, d, kev) for k in range(1, 101) for d, kev in ((8, front), (9, back))]
    commander.start()
    stimulus.play(particles)
    rates = commander.stop()
    assert rates["events"] == rates["front_back"] == 100
    codes = sum(round(kev / 3 + 50) for kev in (front, back))
    expected = {(4, (codes - 50) // 32): 100}
    assert stimulus.judged_sums(commander.counts("coincidence_spectrum"), expected) == expected


def test_a_rate_of_10_kcps_loses_nothing(commander, stimulus):
    commander.start()
    stimulus.play(regular(1000, 100_000, 5, stimulus.nearest(5000.0)))
    rates = commander.stop()
    assert rates["events"] == rates["accepted"][5] == 1000 and rates["gap_us"] == 0


def test_a_stall_of_45_ms_loses_nothing(commander, stimulus, power):
    commander.start()
    stimulus.begin(regular(1000, 100_000, 5, stimulus.nearest(5000.0)))
    commander.advance(0.02)
    power.stall(0.045)
    commander.advance(0.15)
    rates = commander.stop()
    assert rates["events"] == rates["accepted"][5] == 1000 and rates["gap_us"] == 0


def test_a_spectrum_of_random_lines(commander, stimulus, seed):
    """500 pulses of three lines, 0.2 ms apart, in 16 detectors."""
    rng = random.Random(seed)
    lines = [stimulus.nearest(kev) for kev in (4500.0, 6000.0, 7680.0)]
    particles = [(k * 200_000, rng.randrange(16), rng.choice(lines)) for k in range(1, 501)]
    commander.start()
    stimulus.play(particles)
    commander.stop()
    expected = Counter((d, channel(kev)) for _, d, kev in particles)
    assert stimulus.judged(commander.counts(), expected) == expected


def test_a_detector_that_is_off_neither_counts_nor_blocks(commander, stimulus):
    """200 pulses, 0.1 ms apart, in turn in a detector that is on and in one that is off."""
    commander.set("detectors_on", 1 << 1)
    commander.start()
    kev = stimulus.nearest(5000.0)
    stimulus.play([(k * 100_000, k % 2, kev) for k in range(1, 201)])
    rates = commander.stop()
    assert rates["events"] == rates["accepted"][1] == sum(rates["accepted"]) == 100
    assert sum(commander.counts().values()) == 100


def test_the_clocks_agree(clock_ppm):
    """Stamps of the event list against the times at which the pulses were played: one pulse every 0.25 s."""
    assert abs(clock_ppm) < CLOCKS_PPM


def test_a_rate_is_right_within_0_2_percent(commander, stimulus, clock_ppm, evidence):
    """Regular pulses at 1 kcps, counted for 1.5 s by the instrument; the difference of the clocks is known."""
    played_cps = 1000
    commander.start()
    stimulus.begin(regular(1700, 1_000_000_000 // played_cps, 7, stimulus.nearest(5000.0)))
    commander.advance(0.1)
    one = counters(commander)
    commander.advance(1.5)
    other = counters(commander)
    stimulus.finish()
    commander.stop()
    found_cps = 1e6 * (other["events"] - one["events"]) / (other["real_us"] - one["real_us"])
    wanted_cps = clocks.rate_cps(played_cps, clock_ppm)
    evidence("rate", f"{found_cps:.2f} cps, of {wanted_cps:.2f} cps by the clock of the instrument")
    assert abs(found_cps / wanted_cps - 1) < 0.002


def counters(commander):
    return report(commander, "science", "rates", 5).fields

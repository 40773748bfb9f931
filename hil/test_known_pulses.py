"""Known pulses, from the simulated head or from a stimulus board: each is counted, in its channel.

Energies are on the grid of the board, `stimulus.nearest(kev)`; particles that arrive together have the same energy.
"""

import random
from collections import Counter

from particles import regular


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
    assert commander.counts() == Counter((d, channel(kev)) for _, d, kev in particles)


def test_coincidences_are_counted_as_the_sum_of_both(commander, stimulus):
    front, back = stimulus.nearest(2000.0), stimulus.nearest(3000.0)
    particles = [(k * 100_000, d, kev) for k in range(1, 101) for d, kev in ((8, front), (9, back))]
    commander.start()
    stimulus.play(particles)
    rates = commander.stop()
    assert rates["events"] == rates["front_back"] == 100
    codes = sum(round(kev / 3 + 50) for kev in (front, back))
    assert commander.counts("coincidence_spectrum") == {(4, (codes - 50) // 32): 100}


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
    assert commander.counts() == Counter((d, channel(kev)) for _, d, kev in particles)

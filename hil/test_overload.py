"""Overload: every loss is counted, other functions are unaffected, and the instrument recovers."""

import heapq

from particles import poisson, regular


def recovered(commander, stimulus):
    """The instrument counts 1000 pulses and answers commands."""
    commander.function("clear")
    commander.start()
    stimulus.play(regular(1000, 50_000))
    return sum(commander.stop()["accepted"]) == 1000


def test_a_million_pulses_a_second(commander, stimulus, seed, evidence):
    commander.start()
    stimulus.play(poisson(1_000_000, 0.1, seed))
    rates, fates = commander.stop(), stimulus.fates
    evidence("injected pulses", f"{fates.delivered} of {fates.injected} converted, {rates['events']} events")
    evidence("live", f"{rates['live_us']} of {rates['real_us']} us, {rates['gap_us']} us of gaps accounted for")
    assert stimulus.reconciles(rates)
    assert rates["live_us"] < rates["real_us"]
    hk = commander.next("housekeeping")
    assert hk["task_failures"] == hk["ring_slips"] == 0
    assert recovered(commander, stimulus)


def test_noise_on_one_detector(commander, stimulus, seed, evidence):
    """50 kcps in detector 5: the others count in the remaining live time; then detector 5 is switched off."""
    noisy, cps, seconds = 5, 1000, 1.0
    quiet = [d for d in range(16) if d != noisy]
    noise = poisson(50_000, seconds, seed, (400.0,), detectors=[noisy])
    commander.start()
    stimulus.play(heapq.merge(noise, poisson(cps, seconds, seed + 1, detectors=quiet)))
    rates = commander.stop()
    assert stimulus.reconciles(rates) and rates["gap_us"] == 0
    counted = sum(rates["accepted"][d] for d in quiet)
    live = rates["live_us"] / rates["real_us"]
    evidence("other detectors", f"{counted} of {cps * seconds:.0f} counted, {live:.1%} of the time live")
    # a pulse in the peaking time of a noise pulse shares its event, so more are counted than live time predicts
    expected = cps * seconds * live
    assert expected - 4 * expected**0.5 < counted < cps * seconds
    commander.set("detectors_on", 0xFFFF & ~(1 << noisy))
    commander.function("clear")
    noise = poisson(50_000, 0.3, seed, (400.0,), detectors=[noisy])
    commander.start()
    stimulus.play(heapq.merge(noise, regular(500, 500_000, 2)))
    rates = commander.stop()
    assert rates["accepted"][2] == rates["events"] == 500

"""The CPU stalls for a flash erase while counting: 45 ms (typical) and 400 ms (maximum)."""

from particles import poisson
from stimuli import hits


def run(commander, stimulus, power, seed, stall_s):
    commander.start()
    stimulus.begin(poisson(20_000, 0.3 + stall_s, seed))
    commander.advance(0.15)
    power.stall(stall_s)
    stimulus.finish()
    return commander.stop()


def test_the_rings_absorb_a_45_ms_stall(commander, stimulus, power, seed):
    rates = run(commander, stimulus, power, seed, 0.045)
    assert stimulus.reconciles(rates) and hits(rates) == sum(rates["accepted"]) > 5000
    assert rates["gap_us"] == rates["overrun_hits"] == 0


def test_the_loss_of_a_400_ms_stall_is_accounted_for(commander, stimulus, power, seed, evidence):
    rates = run(commander, stimulus, power, seed, 0.4)
    ((gap_us, lost_hits),) = commander.events("ring_overrun")
    evidence("accounted for", f"{gap_us} us, {lost_hits} hits")
    assert (rates["gap_us"], rates["overrun_hits"]) == (gap_us, lost_hits)
    assert stimulus.reconciles(rates) and hits(rates) == sum(rates["accepted"])
    assert 400_000 <= gap_us < 440_000
    assert commander.next("housekeeping")["ring_overruns"] == 1

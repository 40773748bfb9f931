"""Storm mode on rates measured in space: a proton storm triggers it, calibration spikes do not."""

import pytest
from particles import changing
from test_profile import goes_15

FASTER = 100  # time compression of the rates and of the hold time
HOLD_S = 300
ONSET, END = 1360, 1460  # samples of 7 March, in which the rate rises from 64 to 100 cps
SPIKES = slice(2110, 2135)  # samples of 8 March with the in-flight calibration from 19:20 to 19:23


def play(commander, stimulus, measured, seed):
    commander.set("storm_hold", HOLD_S // FASTER)
    commander.set("integration_time", 3600)
    commander.set("storm_integration", 10)
    commander.start()
    stimulus.play(changing([(seconds / FASTER, cps) for seconds, cps in measured], seed))
    commander.advance(1)
    commander.next("housekeeping")


def test_a_proton_storm_starts_and_ends_storm_mode(commander, stimulus, seed, evidence):
    quiet = goes_15(5)[:20]
    commander.set("storm_rate", 80)
    play(commander, stimulus, goes_15(7)[ONSET:END] + quiet, seed)
    ((cps, _),) = commander.events("storm_begin")
    ((_, lasted_s),) = commander.events("storm_end")
    evidence("began at cps / lasted s", f"{cps} / {lasted_s}")
    assert 80 < cps < 150 and 10 < lasted_s < (END - ONSET) * 33 / FASTER
    begun, ended = commander.reported_at_us("storm_begin"), commander.reported_at_us("storm_end")
    shorter = [p.fields["integration"] for p in commander.received if p.name == "spectrum"]
    assert len(set(shorter)) >= lasted_s // 10 - 1  # integrations of 10 s, not of an hour
    listed = [p.time_s * 1e6 for p in commander.received if p.name == "event_list"]
    assert not [at for at in listed if begun + 12e6 < at < ended]  # events listed before the storm are sent within 10 s
    assert commander.last("housekeeping")["storm"] == 0


@pytest.mark.parametrize(("storm_rate", "storms"), [(250, 0), (100, 1)])
def test_calibration_spikes_alone_do_not_trigger_storm_mode(commander, stimulus, seed, storm_rate, storms):
    """Half a minute of 1155 cps in a storm of 176 cps: storm mode starts only if the limit is below 176 cps."""
    commander.set("storm_rate", storm_rate)
    play(commander, stimulus, goes_15(8)[SPIKES], seed)
    assert len(commander.events("storm_begin")) == storms

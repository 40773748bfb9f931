"""The flight link, UART1 at 921 600 baud, at full telemetry rate."""

import pytest
from particles import poisson
from stimuli import hits

pytestmark = pytest.mark.flight_link


def test_full_telemetry_at_20_kcps_without_loss(commander, stimulus, power, seed, evidence):
    """Spectra, rates and housekeeping every second, with a 45 ms CPU stall (a flash erase) half-way."""
    for parameter in ("integration_time", "rates_period", "housekeeping_period"):
        commander.set(parameter, 1)
    packets = commander.packets
    commander.start()
    stimulus.begin(poisson(20_000, 3.0, seed))
    commander.advance(1.5)
    power.stall(0.045)
    commander.advance(0.5)
    load = commander.last("housekeeping")
    stimulus.finish()
    rates = commander.stop()
    hk = commander.next("housekeeping")
    evidence("packets", f"{commander.packets - packets} in 3 s")
    tasks = commander.dictionary.enums["task"]
    shares = ", ".join(f"{name} {load['task_permille'][n] / 10:.1f} %" for name, n in tasks.items())
    evidence("load of the core", f"{load['busy_permille'] / 10:.1f} %: {shares}")
    assert commander.sequence_gaps == commander.crc_errors == hk["packets_dropped"] == hk["frames_bad"] == 0
    assert stimulus.reconciles(rates) and rates["gap_us"] == rates["overrun_hits"] == 0
    assert hits(rates) == sum(rates["accepted"])
    assert sum(commander.counts().values()) == rates["front"] + rates["back"]
    assert max(load["task_permille"]) > 0


def test_the_earliest_accepted_start_loses_no_previous_spectrum(commander, stimulus, seed):
    """The last spectrum may still be waiting to be sent; a start must not clear it."""
    commander.start()
    stimulus.play(poisson(1000, 0.5, seed, pairs=0.3))
    commander.function("stop")
    begin_us = commander.target.now_us
    while len(commander.events("acquisition_started")) < 2:  # rejected until all spectra are closed
        commander.post("function", function="start")
        commander.advance(0.004)
        assert commander.target.now_us < begin_us + 10e6
    commander.advance(1)
    commander.stop()
    first = [p.fields for p in commander.received if "spectrum" in p.name and p.fields["integration"] == 1]
    totals = {(f["event_class"], f.get("detector", f.get("unit"))): f["total"] for f in first}
    rates = commander.last("rates")
    assert len(totals) == 24
    assert sum(totals.values()) == rates["front"] + rates["back"] + rates["front_back"]

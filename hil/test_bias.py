"""Detector bias: armed, ramped and monitored; removed when the software hangs, and never restored automatically."""

import pytest
from dorn.session import CommandFailed

STATE = "bias_state"


def switch_on(commander, level_mv=20_000):
    commander.set("bias", level_mv)
    commander.set("housekeeping_period", 1)
    commander.function("arm")
    commander.function("bias_on")

    def on(packet):
        return packet.text(STATE) == "on" and abs(packet.fields["bias_mv"] - level_mv) < 0.03 * level_mv

    return commander.wait_for(lambda p: p.name == "housekeeping" and on(p), 30).fields


def test_the_bias_is_off_at_start_and_must_be_armed(commander):
    assert commander.housekeeping.text(STATE) == "off"
    with pytest.raises(CommandFailed, match="not_armed"):
        commander.function("bias_on")
    assert commander.next_packet("housekeeping").text(STATE) == "off"


def test_the_bias_is_ramped_and_reported(commander, evidence):
    seen = []
    commander.on_packet = lambda p: (commander.received.append(p), seen.append(p.fields.get("bias_mv")))
    reached = switch_on(commander)
    levels = [mv for mv in seen if mv is not None and mv < 1_000_000]
    evidence("bias during the ramp, mV", ", ".join(map(str, levels)))
    assert levels[-1] == reached["bias_mv"] == pytest.approx(20_000, rel=0.03)
    assert levels == sorted(levels) and any(1_000 < mv < 19_000 for mv in levels)
    commander.function("bias_off")
    commander.wait_for(lambda p: p.name == "housekeeping" and p.text(STATE) == "off", 5)


def test_the_bias_is_off_after_a_reset(commander):
    switch_on(commander)
    commander.function("arm")
    commander.reboot(lambda: commander.function("reset"))
    assert commander.next_packet("housekeeping").text(STATE) == "off"


def test_hardware_removes_the_bias_when_the_software_hangs(commander, power):
    """The monostable takes 2.5 s, the watchdog 8."""
    switch_on(commander)
    supply = power.slow_control
    assert supply.bias_mv == pytest.approx(20_000, rel=0.03)
    power.stall(2.0)
    assert supply.bias_mv > 0
    power.stall(1.0)
    assert supply.bias_mv == 0
    commander.reboot(lambda: power.stall(6.0))
    commander.advance(5)
    assert supply.bias_mv == 0
    assert commander.next_packet("housekeeping").text(STATE) == "off"


def test_the_bias_stays_off_when_the_software_recovers(commander, power):
    """In a stall too short for the watchdog, hardware drops the bias; I2C traffic would restore it without a ramp."""
    switch_on(commander)
    boots = commander.events("booted")
    power.stall(4.0)
    assert power.slow_control.bias_mv == 0
    commander.until(lambda: bool(commander.events("bias_tripped")), 5)
    commander.advance(5)
    assert power.slow_control.bias_mv == 0 and commander.events("booted") == boots
    switch_on(commander)


def test_leakage_trips_the_bias(commander, power):
    switch_on(commander)
    power.slow_control.leakage_na = 1500.0
    commander.until(lambda: bool(commander.events("bias_tripped")), 10)
    assert power.slow_control.bias_mv == 0
    ((_, leakage_na),) = commander.events("bias_tripped")
    assert leakage_na == pytest.approx(1500, abs=20)

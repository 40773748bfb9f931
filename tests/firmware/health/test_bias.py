"""Detector bias on both simulated targets: ramp, readings, trips, and protection when software or devices fail."""

import pytest
from dorn.head.slow_control import HOLD_S
from dorn.session import CommandFailed
from support import chip
from support.instrument import DICTIONARY, Instrument, both_if_long, instrument

STATES = DICTIONARY.enums["bias_state"]
EIO = 5
DEVICES = ("dac", "expander", "adc")


def switch_on(i, bias_mv=10_000, reached=True):
    """Arm and switch the bias on; if `reached`, wait for its level. Sets the housekeeping period to 1 s."""
    i.set("housekeeping_period", 1)
    i.set("bias", bias_mv)
    i.command("function", function="arm")
    i.command("function", function="bias_on")
    if reached:
        i.wait_for(lambda p: p.fields.get("event") == DICTIONARY.enums["event"]["bias_reached"], 60)


def state(i):
    """The state in the second housekeeping packet from now, as the next one may already have been composed."""
    for _ in range(2):
        packet = i.wait_for(lambda p: p.name == "housekeeping", 3)
    return packet.text("bias_state")


@both_if_long
def test_the_bias_ramps_to_its_level_is_monitored_and_is_switched_off_on_command(where):
    with instrument(where) as i:
        devices = i.target.slow_control
        assert devices.bias_mv == 0 and i.last("housekeeping")["bias_state"] == STATES["off"]
        switch_on(i, 20_000, reached=False)
        seen = []
        while not i.events("bias_reached"):
            seen.append(devices.bias_mv)
            i.advance(0.1)
        assert seen == sorted(seen) and len(set(seen)) > 6  # no step is larger than 2.5 V
        assert 6 < 0.1 * len(seen) < 10  # 20 V at 2.5 V/s
        assert i.events("bias_reached")[0][0] == devices.bias_mv == 20_000
        i.advance(3)
        hk = i.last("housekeeping")
        assert (hk["bias_state"], hk["bias_mv"], hk["leakage_na"]) == (STATES["on"], 20_000, 20)
        i.set("bias", 12_345)  # a lower level, with the bias on
        i.advance(6)
        hk = i.last("housekeeping")
        assert devices.bias_mv == 12_325 and abs(hk["bias_mv"] - 12_325) <= 4  # a step of the DAC is 25 mV
        i.command("function", function="bias_off")
        assert devices.bias_mv == 0 and i.events("bias_off")[0][0] == 12_345
        assert state(i) == "off" and not i.events("bias_tripped")


@both_if_long
def test_only_an_armed_command_switches_the_bias_on_and_only_once(where):
    with instrument(where) as i:
        for wait_s in (None, 10.1):
            if wait_s:
                i.command("function", function="arm")
                i.advance(wait_s)
            with pytest.raises(CommandFailed, match="start_failure: not_armed"):
                i.command("function", function="bias_on")
        switch_on(i, 5000)
        with pytest.raises(CommandFailed, match="not_armed"):
            i.command("function", function="bias_on")
        i.command("function", function="arm")
        with pytest.raises(CommandFailed, match="start_failure: wrong_mode"):
            i.command("function", function="bias_on")
        assert i.target.slow_control.bias_mv == 5000


@both_if_long
def test_leakage_above_the_limit_trips_the_bias(where):
    with instrument(where) as i:
        devices = i.target.slow_control
        i.set("leakage_limit", 500)
        devices.leakage_na = 500
        switch_on(i, 5000)
        i.advance(5)
        assert devices.bias_mv == 5000  # at the limit
        devices.leakage_na = 501
        i.advance(2.6)
        assert devices.bias_mv == 0
        i.advance(0.1)
        assert i.events("bias_tripped") == [(5000, 501)]
        assert state(i) == "tripped"
        i.set("bias", 7000)  # does not switch it on
        i.advance(3)
        assert devices.bias_mv == 0
        devices.leakage_na = 20
        switch_on(i, 5000)
        i.advance(5)
        assert devices.bias_mv == 5000 and len(i.events("bias_tripped")) == 1


@both_if_long
def test_a_bias_reading_off_its_level_trips_the_bias(where):
    with instrument(where) as i:
        devices = i.target.slow_control
        switch_on(i, 40_000)
        devices.supply_gain = 46  # 36.8 V: within 5 V
        i.advance(10)
        assert devices.bias_mv == 36_800 and not i.events("bias_tripped")
        devices.supply_gain = 43  # 34.4 V
        i.advance(7)
        assert devices.bias_mv == 0 and i.events("bias_tripped") == [(34_400, 20)]


@both_if_long
@pytest.mark.parametrize("missing", DEVICES)
def test_with_a_device_missing_bias_on_is_rejected_and_the_instrument_works(where, missing):
    with instrument(where) as i:
        devices = i.target.slow_control
        getattr(devices, missing).answers = False
        i.command("function", function="arm")
        with pytest.raises(CommandFailed, match=rf"start_failure: slow_control \(detail {EIO}\)"):
            i.command("function", function="bias_on")
        i.command("function", function="start")
        i.command("function", function="stop")
        i.advance(5)
        assert devices.bias_mv == 0
        getattr(devices, missing).answers = True
        switch_on(i, 5000)
        assert devices.bias_mv == 5000


@both_if_long
@pytest.mark.parametrize("missing", [("adc",), ("expander", "adc"), ("dac", "adc"), DEVICES])
def test_devices_that_stop_answering_trip_the_bias(where, missing):
    """If no device accepts the command, the bus becomes silent and the monostable switches the bias off."""
    with instrument(where) as i:
        devices = i.target.slow_control
        switch_on(i, 5000)
        for name in missing:
            getattr(devices, name).answers = False
        i.advance(2 + HOLD_S)
        assert devices.bias_mv == 0
        assert i.events("bias_tripped") == [(0xFFFFFFFF, 0xFFFF)]
        assert i.events("slow_control_failed") == [(EIO, 0)]
        errors = i.last("housekeeping")["slow_control_errors"]
        i.advance(10)
        assert devices.bias_mv == 0
        if missing == DEVICES:
            assert not devices.held and i.last("housekeeping")["slow_control_errors"] == errors
            i.command("function", function="bias_off")
            assert not devices.held
        for name in missing:
            getattr(devices, name).answers = True
        switch_on(i, 5000)
        assert devices.bias_mv == 5000


@both_if_long
def test_a_bus_kept_silent_to_hold_the_bias_off_stays_silent(where):
    """Comparators, bias_off and pulser_on cause no traffic; earlier readings are no longer reported."""
    with instrument(where) as i:
        devices = i.target.slow_control
        switch_on(i, 5000)
        for name in DEVICES:
            getattr(devices, name).answers = False
        i.wait_for(lambda p: p.fields.get("event") == DICTIONARY.enums["event"]["bias_tripped"], 5)
        i.advance(HOLD_S + 0.1)
        assert devices.bias_mv == 0
        devices.dac.answers = True
        with pytest.raises(CommandFailed):
            i.set_parameters(comparator_front=50)
        i.calibrate()
        with pytest.raises(CommandFailed, match="slow_control"):
            i.armed("pulser_on")
        i.command("function", function="bias_off")
        assert devices.bias_mv == 0 and len(i.events("bias_off")) == 1
        assert state(i) == "off" and i.last("housekeeping")["bias_mv"] == 0xFFFFFFFF
        devices.expander.answers = devices.adc.answers = True
        switch_on(i, 5000)
        assert devices.bias_mv == 5000


@both_if_long
def test_with_everything_off_only_the_adc_is_read(where):
    with instrument(where) as i:
        devices = i.target.slow_control
        unread = {"bias_mv": 0xFFFFFFFF, "leakage_na": 0xFFFF, "temperature_head": 0xFFFF, "temperature_board": 0xFFFF}
        assert {name: i.last("housekeeping")[name] for name in unread} == unread
        devices.temperature_head_c, devices.temperature_board_c = -20.0, 45.5
        start, transfers = devices.start, []
        devices.start = lambda address, read: transfers.append(address) or start(address, read)
        i.advance(40)
        assert set(transfers) == {devices.adc.ADDRESS} and len(transfers) <= 8 * 3
        hk = i.next("housekeeping")
        assert hk["temperature_head"] == pytest.approx(25_315, abs=1)
        assert hk["temperature_board"] == pytest.approx(31_865, abs=1)
        assert (hk["bias_mv"], hk["leakage_na"], hk["slow_control_errors"]) == (0, 0, 0)


def test_a_hung_task_loses_the_bias_before_the_watchdog_reset_which_does_not_restore_it():
    files = chip.broken(
        "fsw/pus/rates.py",
        "        s = a.state\n",
        "        while a.running:\n            __import__('machine').idle()\n        s = a.state\n",
    )
    with chip.open_chip(files=files) as target:
        i, devices = Instrument(target), target.slow_control
        i.connect()
        switch_on(i, 5000)
        i.set("rates_period", 1)
        i.start()
        on_s = 0.0
        while devices.bias_mv:
            assert target.resets == 0 and on_s < 1 + HOLD_S  # the rates task is due within 1 s
            i.advance(0.05)
            on_s += 0.05
        assert (
            devices.expander.pins & 1 and devices.dac.outputs_mv[2] == 100
        )  # switched off by hardware, not by software
        while not target.resets:
            assert devices.bias_mv == 0
            target.hardware(0.05)  # the CPU is halted, which is emulated faster than a hung task
        i.wait_for(lambda p: p.fields.get("boot_count") == 2, 3)
        assert devices.bias_mv == devices.dac.outputs_mv[2] == 0 and not devices.expander.pins & 1
        i.advance(4)
        assert devices.bias_mv == 0 and i.last("housekeeping")["bias_state"] == STATES["off"]


def test_a_halted_processor_loses_the_bias():
    with instrument("rp2040") as i:
        devices = i.target.slow_control
        switch_on(i, 5000)
        i.target.hardware(HOLD_S - 0.6)  # the last traffic is up to 0.5 s old
        assert devices.bias_mv == 5000
        i.target.hardware(0.7)
        assert devices.bias_mv == 0 and i.target.resets == 0


def test_a_reset_switches_the_bias_off_immediately():
    """Before the maintenance window, and long before the monostable times out."""
    with instrument("rp2040") as i:
        devices = i.target.slow_control
        switch_on(i, 5000)
        i.target._watchdog()
        assert devices.bias_mv == 5000  # the reset does not reach the devices
        i.advance(0.4)
        assert devices.bias_mv == 0 and not devices.expander.pins and devices.dac.outputs_mv[2] == 0


def test_no_step_takes_longer_than_the_rings_hold():
    with instrument("rp2040") as i:
        i.set("pulser_rate", 4)
        i.calibrate()
        i.armed("pulser_on")
        switch_on(i, 10_000)
        i.advance(3)
        hk = i.last("housekeeping")
        wcet_us = hk["task_wcet_us"][DICTIONARY.enums["task"]["slow_control"]]
        assert 5000 < wcet_us < 10_000 and not i.events("task_overrun")  # 5 ms on the bus alone

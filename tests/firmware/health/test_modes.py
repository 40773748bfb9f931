"""Modes: each function in each mode, compared with the table in the dictionary."""

import pytest
from dorn.session import CommandFailed
from support.instrument import DICTIONARY, both_if_long, instrument, refused
from support.kept import EROFS, mode

MODE = DICTIONARY.enums["mode"]
COMMANDED = ("safe", "standby", "science", "calibration")
FROM_STANDBY = {"safe": "safe", "science": "start", "calibration": "calibrate"}
# housekeeping fields that a rejected function must not change
KEPT = ("mode", "integration", "bias_state", "pulses_fired", "boot_count", "detectors_on", "events_listed")


def kept(i):
    i.command("report_structure", structure="health")
    return {name: i.last("housekeeping")[name] for name in KEPT}


def go(i, wanted):
    """Change to mode `wanted`, through standby."""
    now = mode(i)
    if now == wanted:
        return
    if now == "safe":
        i.function("standby")
    elif now != "standby":
        i.function("stop")
        i.advance(1)  # until its spectra are sent
    if wanted != "standby":
        i.function(FROM_STANDBY[wanted])
    assert mode(i) == wanted


@pytest.mark.parametrize("begin", COMMANDED)
def test_every_function_follows_the_table(begin):
    """An allowed function leads to the mode in the table; any other is rejected and changes nothing."""
    with instrument("unix") as i:
        i.advance(15)  # the analogue inputs have been read
        for name, function in DICTIONARY.functions.items():
            i.advance(10.1)  # arming expires, and all spectra are sent
            go(i, begin)
            if function.armed:
                refused(i, "not_armed", "function", function=name)
                i.function("arm")
            before, changes = kept(i), len(i.events("mode_changed"))
            if begin not in function.modes:
                refused(i, "wrong_mode", "function", function=name)
                assert kept(i) == before and len(i.events("mode_changed")) == changes, name
                continue
            if name in ("reset", "maintenance"):
                continue  # tested below
            i.function(name)
            after = function.modes[begin]
            assert mode(i) == after, name
            expected = [(MODE[begin], MODE[after])] if after != begin else []
            assert i.events("mode_changed")[changes:] == expected, name
            if name in ("bias_on", "pulser_on"):
                refused(i, "not_armed", "function", function=name)  # arming is used up
                i.function(name.replace("_on", "_off"))
            if name == "threshold_scan":
                i.function("stop")
        assert i.next("housekeeping")["task_failures"] == 0


@pytest.mark.parametrize("begin", COMMANDED)
def test_a_reset_leads_to_standby_or_from_safe_to_safe(begin):
    with instrument("unix") as i:
        go(i, begin)
        i.reboot(lambda: i.armed("reset"))
        i.advance(0.5)
        assert mode(i) == ("safe" if begin == "safe" else "standby")
        wanted = MODE["safe"] if begin == "safe" else MODE["standby"]
        assert i.events("mode_changed")[-1] == (MODE["boot"], wanted)


def test_the_table_has_the_designed_transitions_and_no_function_in_mode_boot():
    """Transitions pass through standby, except that safe is reached from every mode."""
    ways = {(begin, end) for f in DICTIONARY.functions.values() for begin, end in f.modes.items() if begin != end}
    assert ways == {
        *((m, "safe") for m in ("standby", "science", "calibration")),
        *(("standby", m) for m in ("science", "calibration")),
        *((m, "standby") for m in ("safe", "science", "calibration")),
    }
    assert all("boot" not in f.modes for f in DICTIONARY.functions.values())


@both_if_long
def test_science_and_calibration_acquire_and_other_modes_do_not(where):
    with instrument(where) as i:
        for name, acquires in (("science", True), ("standby", False), ("calibration", True), ("safe", False)):
            go(i, name)
            i.advance(0.2)
            if name == "safe":
                delivered = i.target.head.fates.delivered
                i.target.inject((k * 1_000_000, 3, 5000.0) for k in range(1, 20))
                i.advance(0.2)
                assert i.target.head.fates.delivered == delivered
                continue
            i.function("clear")
            i.target.inject((k * 1_000_000, 3, 5000.0) for k in range(1, 20))
            i.advance(0.2)
            i.command("report_structure", structure="science")
            assert i.last("rates")["accepted"][3] == (19 if acquires else 0), name
            i.target.head.cut()


@both_if_long
def test_test_pulses_end_with_calibration(where):
    with instrument(where) as i:
        go(i, "calibration")
        i.armed("pulser_on")
        i.advance(3)
        assert i.target.head.fates.injected > 3
        i.function("stop")
        i.advance(1)
        fired = i.target.head.fates.injected
        i.advance(3)
        go(i, "calibration")
        i.advance(3)
        assert i.target.head.fates.injected == fired


def test_the_bias_is_kept_across_modes_and_dropped_in_safe():
    with instrument("unix") as i:
        supply = i.target.slow_control
        i.set("bias", 5000)
        i.armed("bias_on")
        i.until(lambda: i.events("bias_reached"), 20)
        for name in ("science", "standby", "calibration"):
            go(i, name)
            i.advance(3)
            assert supply.bias_mv == 5000, name
        i.function("safe")
        assert supply.bias_mv == 0
        with pytest.raises(CommandFailed, match="wrong_mode"):
            i.armed("bias_on")


def test_safe_sends_no_rates_but_on_request():
    """The counters of the interrupted interval can be requested without leaving mode safe."""
    with instrument("unix") as i:
        i.start()
        i.advance(7)
        i.function("safe")
        sent = sum(packet.name == "rates" for packet in i.received)
        i.advance(60)
        assert sum(packet.name == "rates" for packet in i.received) == sent
        i.command("report_structure", structure="science")
        assert sum(packet.name == "rates" for packet in i.received) == sent + 1
        assert i.last("rates")["real_us"] > 6_900_000


def test_a_start_fails_until_the_spectra_of_the_last_run_are_sent():
    with instrument("unix") as i:
        i.start()
        i.send(("function", {"function": "stop"}), ("function", {"function": "calibrate"}))
        i.advance(2)
        (failure,) = (p for p in i.received if p.name == "start_failure")
        assert failure.text("failure") == "wrong_mode" and mode(i) == "standby"
        i.calibrate()


def test_modes_can_be_changed_with_a_failed_flash(littlefs):
    with littlefs.instrument() as i:
        i.set("bias", 5000)
        i.armed("bias_on")
        i.until(lambda: bool(i.events("bias_reached")), 20)
        littlefs.fail(EROFS)
        i.function("safe")
        assert mode(i) == "safe" and i.target.slow_control.bias_mv == 0
        i.function("standby")
        i.start()
        assert mode(i) == "science" and not i.events("safe_step_failed")
        i.advance(70)
        assert i.events("flash_failed")

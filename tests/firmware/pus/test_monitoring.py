"""ST[12], on-board monitoring, and ST[19], telecommands released by events."""

import pytest
from dorn.link import frames
from support.instrument import DICTIONARY, both_if_long, instrument, refused

MONITORS = DICTIONARY.monitors
STATE = DICTIONARY.enums["check_state"]
NUMBER = DICTIONARY.enums["monitor"]
ROOM, OCTETS = 8, 64  # maximum number of actions, and of octets in the telecommand of each


def report(i, command, packet):
    i.command(command)
    return i.last(packet)


def definitions(i):
    """monitor -> (enabled, repetition, low, high)"""
    f = report(i, "report_monitors", "monitor_definitions")
    columns = (f[name] for name in ("enabled", "repetition", "low", "high"))
    return dict(zip(f["monitor"], zip(*columns, strict=True), strict=True))


def out(i):
    f = report(i, "report_out_of_limits", "out_of_limits")
    return dict(zip(f["monitor"], f["state"], strict=True))


def transitions(i, monitor):
    """(value, limit, before, after) of all transitions so far"""
    found = (p.fields for p in i.received if p.name == "monitor_transition" and p.fields["monitor"] == NUMBER[monitor])
    return [tuple(f[name] for name in ("value", "limit", "before", "after")) for f in found]


def modify(i, monitor, low, high, repetition=1):
    i.command("modify_monitor", monitor=monitor, low=low, high=high, repetition=repetition)


# -- monitoring ------------------------------------------------------------------------------------


def test_monitors_at_boot_are_those_of_the_dictionary():
    with instrument("unix") as i:
        assert definitions(i) == {m.id: (1, m.repetition, m.low, m.high) for m in MONITORS.values()}
        assert out(i) == {}


@both_if_long
def test_temperature_transitions_out_of_and_into_limits_are_reported(where):
    with instrument(where) as i:
        parts = i.target.slow_control
        i.set("monitor_interval", 1)
        limits = MONITORS["temperature_board"]
        for celsius, state, limit in ((90.0, "above", limits.high), (20.0, "within", 0), (-45.0, "below", limits.low)):
            parts.temperature_board_c = celsius
            before = len(transitions(i, "temperature_board"))
            i.until(lambda n=before: len(transitions(i, "temperature_board")) > n, 40)
            value, limit, _, after = transitions(i, "temperature_board")[-1]
            assert value == pytest.approx(100 * (celsius + 273.15), abs=1) and (limit, after) == (limit, STATE[state])
            expected = {} if state == "within" else {NUMBER["temperature_board"]: STATE[state]}
            assert out(i) == expected
            i.command("report_structure", structure="health")
            assert i.last("housekeeping")["out_of_limits"] == sum(1 << n for n in expected)
        values, limits_reported = zip(*i.events("limit_temperature_board"), strict=True)
        assert limits_reported == (limits.high, limits.low) and values[0] > limits.high and values[1] < limits.low


@pytest.mark.parametrize("repetition", [1, 4])
def test_a_transition_needs_consecutive_checks(repetition):
    with instrument("unix") as i:
        i.set("monitor_interval", 2)
        i.advance(2)
        begin_s = i.received[-1].time_s
        modify(i, "heap", 0, 1, repetition)
        i.until(lambda: i.events("limit_heap"), 20)
        gone_s = i.reported_at_us("limit_heap") / 1e6 - begin_s
        assert 2 * (repetition - 1) - 0.3 < gone_s < 2 * repetition + 2.3
        (value, limit) = i.events("limit_heap")[0]
        assert value > limit == 1


def test_an_intermittent_violation_is_not_reported():
    """Out of limits in two of three checks, where four consecutive violations are needed."""
    with instrument("unix") as i:
        i.set("monitor_interval", 1)
        modify(i, "event_rate", 0, 100, 4)
        i.start()
        # 200/s in two of three seconds
        i.target.inject((int(5e6 * k), 0, 5000.0) for k in range(1, 4000) if k // 200 % 3)
        i.advance(19)
        assert not i.events("limit_event_rate")
        modify(i, "event_rate", 0, 100, 2)
        i.target.head.cut()
        i.target.inject((int(5e6 * k), 0, 5000.0) for k in range(1, 1200))
        i.advance(5)
        ((value, limit),) = i.events("limit_event_rate")
        assert value == pytest.approx(200, abs=5) and limit == 100


def test_an_unknown_value_is_not_checked():
    with instrument("unix") as i:
        parts = i.target.slow_control
        parts.adc.answers = False
        i.set("monitor_interval", 1)
        for monitor in ("temperature_head", "temperature_board", "bias", "leakage"):
            modify(i, monitor, 1, 2)
        i.advance(15)
        before = {m: len(transitions(i, m)) for m in MONITORS}
        i.advance(30)
        assert {m: len(transitions(i, m)) for m in MONITORS} == before
        parts.adc.answers = True
        i.until(lambda: i.events("limit_temperature_head"), 30)


def test_monitors_can_be_enabled_disabled_deleted_and_redefined():
    with instrument("unix") as i:
        i.set("monitor_interval", 1)
        i.command("disable_monitor", monitor="heap")
        modify(i, "heap", 0, 1)
        i.advance(5)
        assert not i.events("limit_heap") and definitions(i)[NUMBER["heap"]] == (0, 1, 0, 1)
        i.command("enable_monitor", monitor="heap")
        i.advance(2)
        assert len(i.events("limit_heap")) == 1 and out(i) == {NUMBER["heap"]: STATE["above"]}
        refused(i, "no_room", "add_monitor", monitor="heap", low=0, high=1, repetition=1)
        i.command("delete_monitor", monitor="heap")
        assert NUMBER["heap"] not in definitions(i) and out(i) == {}
        for command, fields in (
            ("enable_monitor", {}),
            ("disable_monitor", {}),
            ("delete_monitor", {}),
            ("modify_monitor", dict(low=0, high=1, repetition=1)),
        ):
            refused(i, "unknown_entry", command, monitor="heap", **fields)
        i.advance(3)
        assert len(i.events("limit_heap")) == 1
        i.command("add_monitor", monitor="heap", low=0, high=2, repetition=3)
        assert definitions(i)[NUMBER["heap"]] == (0, 3, 0, 2)
        i.advance(5)
        assert len(i.events("limit_heap")) == 1
        i.command("enable_monitor", monitor="heap")
        i.advance(5)
        assert len(i.events("limit_heap")) == 2
        i.reboot(i.target.power_cycle)
        assert definitions(i) == {m.id: (1, m.repetition, m.low, m.high) for m in MONITORS.values()}


def test_invalid_limits_are_rejected_and_change_nothing():
    with instrument("unix") as i:
        before = definitions(i)
        for failure, fields in (
            ("out_of_range", dict(monitor="heap", low=2, high=1, repetition=1)),
            ("out_of_range", dict(monitor="heap", low=1, high=2, repetition=0)),
            ("unknown_entry", dict(monitor=len(MONITORS), low=1, high=2, repetition=1)),
            ("unknown_entry", dict(monitor=255, low=1, high=2, repetition=1)),
        ):
            refused(i, failure, "modify_monitor", **fields)
        assert definitions(i) == before


def test_limits_are_inclusive():
    """Values equal to low or high are within limits."""
    with instrument("unix") as i:
        i.set("monitor_interval", 1)
        modify(i, "packets_dropped", 0, 0)
        modify(i, "ring_overruns", 1, 1)
        i.advance(3)
        assert out(i) == {NUMBER["ring_overruns"]: STATE["below"]}


# -- actions ---------------------------------------------------------------------------------------


def actions(i):
    """(enabled, event -> enabled)"""
    f = report(i, "report_actions", "action_status")
    return f["enabled"], dict(zip(f["event"], f["state"], strict=True))


def add(i, event, name, sequence=0x1000, **fields):
    i.command("add_action", event=event, telecommand=DICTIONARY.encode(name, sequence, ack=0b1000, **fields))


def pongs(i):
    return len([p for p in i.received if p.name == "pong"])


def too_hot(i):
    """Switch the bias on and overheat the head."""
    i.set("bias", 5000)
    i.set("monitor_interval", 1)
    i.armed("bias_on")
    i.until(lambda: i.events("bias_reached"), 20)
    assert i.target.slow_control.bias_mv == 5000
    i.target.slow_control.temperature_head_c = 80.0
    i.until(lambda: i.events("limit_temperature_head"), 20)
    i.advance(1)


@both_if_long
def test_an_overheated_head_switches_the_bias_off(where):
    with instrument(where) as i:
        assert actions(i) == (1, {DICTIONARY.events[event].id: 1 for event in DICTIONARY.actions})
        too_hot(i)
        assert len(i.events("bias_off")) == 1 and i.target.slow_control.bias_mv == 0


@pytest.mark.parametrize("how", ["disable_action", "delete_action", "disable_actions", "delete_all_actions"])
def test_without_its_action_the_bias_stays_on(how):
    with instrument("unix") as i:
        i.command(how, **(dict(event="limit_temperature_head") if how.endswith("action") else {}))
        too_hot(i)
        assert not i.events("bias_off") and i.target.slow_control.bias_mv == 5000


def test_an_event_with_a_disabled_report_still_acts():
    with instrument("unix") as i:
        add(i, "cleared", "ping")
        i.command("disable_event", event="cleared")
        i.function("clear")
        i.advance(0.5)
        assert not i.events("cleared") and pongs(i) == 1


def test_actions_are_added_disabled_enabled_and_deleted():
    with instrument("unix") as i:
        cleared = DICTIONARY.events["cleared"].id
        add(i, "cleared", "ping")
        assert actions(i)[1][cleared] == 1
        expected = 0
        for command, fields, acts in (
            ("disable_action", dict(event="cleared"), 0),
            ("enable_action", dict(event="cleared"), 1),
            ("disable_actions", {}, 0),
            ("enable_actions", {}, 1),
            ("delete_action", dict(event="cleared"), 0),
        ):
            i.command(command, **fields)
            i.function("clear")
            i.advance(10)  # an event releases its telecommand at most once in that time
            expected += acts
            assert pongs(i) == expected, command
        for command in ("disable_action", "enable_action", "delete_action"):
            refused(i, "unknown_entry", command, event="cleared")
        i.command("delete_all_actions")
        assert actions(i) == (1, {})
        i.reboot(i.target.power_cycle)
        assert actions(i) == (1, {DICTIONARY.events[event].id: 1 for event in DICTIONARY.actions})


def test_an_invalid_action_is_rejected():
    ping = DICTIONARY.encode("ping", 1)
    long = DICTIONARY.encode("load_memory", 1, region="thresholds", offset=0, data=bytes(OCTETS - 19))
    assert len(long) == OCTETS + 1
    with instrument("unix") as i:
        unused = next(n for n in range(256) if n not in DICTIONARY.enums["event"].values())
        for failure, fields in (
            ("unknown_entry", dict(event=unused, telecommand=ping)),
            ("out_of_range", dict(event="cleared", telecommand=long)),
            ("bad_crc", dict(event="cleared", telecommand=ping[:-1] + bytes([ping[-1] ^ 1]))),
            ("bad_length", dict(event="cleared", telecommand=b"")),
        ):
            refused(i, failure, "add_action", **fields)
        free = [event for event in DICTIONARY.events if event not in DICTIONARY.actions]
        for event in free[: ROOM - len(DICTIONARY.actions)]:
            add(i, event, "ping")
        refused(i, "no_room", "add_action", event=free[ROOM], telecommand=ping)
        add(i, free[0], "report_actions")  # replaces the event's action
        assert len(actions(i)[1]) == ROOM


def test_an_action_that_triggers_itself_ends():
    with instrument("unix") as i:
        add(i, "cleared", "function", function="clear")
        i.target.send(frames.encode(DICTIONARY.encode("function", 1, ack=0, function="clear")))
        i.advance(20)
        assert len(i.events("cleared")) == 2  # at most once in 10 s, so its own event has no effect

"""Telecommands are rejected for the reasons that the dictionary lists, and accept the values that it lists."""

import pytest
from dorn.session import CommandFailed
from spacepackets.ecss.tc import PusTc
from support.instrument import DICTIONARY, instrument, refused

PING = DICTIONARY.encode("ping", 1, ack=0)
LATER = {"at_s": 40_000, "at_fraction": 0}
MONITOR = {"monitor": "heap", "low": 0, "high": 1, "repetition": 1}
WINDOW = {"from_s": 9, "from_fraction": 0, "to_s": 8, "to_fraction": 0}
WRONG_TELECOMMANDS = {
    "bad_length": PING[:-1],
    "bad_crc": PING[:-1] + b"\0",
    "bad_header": bytes(PusTc(service=17, message_subtype=1, apid=99).pack()),
}
# name of a field -> a valid value for it
GOOD = {
    "structure": "health",
    "region": "spectra",
    "offset": 0,
    "low": 0,
    "high": 1,
    "monitor": "heap",
    "fraction": 0,
}


def in_standby():
    """(telecommand, failure, fields) of rejections in standby."""
    yield "function", "unknown_function", {"function": 200}
    yield "function", "wrong_mode", {"function": "stop"}
    yield "function", "not_armed", {"function": "bias_on"}
    yield "retrieve_by_time", "out_of_range", WINDOW
    yield "retrieve_records", "out_of_range", {"first": 2, "last": 1}
    yield "report_parameter", "unknown_parameter", {"parameter": 9999}
    yield "set_parameter", "unknown_parameter", {"parameter": 9999, "value": 1}
    yield "set_parameter", "out_of_range", {"parameter": "bias", "value": 100_001}
    for name in ("enable_structure", "disable_structure", "report_structure"):
        yield name, "unknown_entry", {"structure": 9}
    yield "set_collection_interval", "unknown_entry", {"structure": 9, "interval": 1}
    for name in ("enable_event", "disable_event"):
        yield name, "unknown_entry", {"event": 255}
    for name, more in (
        ("load_memory", {"data": b"\0\0"}),
        ("dump_memory", {"count": 2}),
        ("check_memory", {"count": 2}),
    ):
        yield name, "unknown_entry", {"region": 9, "offset": 0, **more}
        yield name, "out_of_range", {"region": "thresholds", "offset": 31, **more}
    yield "load_memory", "not_armed", {"region": "thresholds", "offset": 0, "data": b"\0\0"}
    yield "set_time", "out_of_range", {"seconds": 0, "fraction": 0}
    yield "set_time", "not_armed", {"seconds": 100_000, "fraction": 0}
    yield "insert_activity", "out_of_range", {"at_s": 0, "at_fraction": 0, "telecommand": PING}
    yield "delete_activity", "unknown_entry", {"request_sequence": 77}
    yield "add_monitor", "unknown_entry", MONITOR | {"monitor": 99}
    yield "add_monitor", "no_room", MONITOR
    yield "modify_monitor", "unknown_entry", MONITOR | {"monitor": 99}
    yield "modify_monitor", "out_of_range", MONITOR | {"low": 2}
    for name in ("enable_monitor", "disable_monitor", "delete_monitor"):
        yield name, "unknown_entry", {"monitor": 99}
    yield "add_action", "unknown_entry", {"event": 255, "telecommand": PING}
    yield "add_action", "out_of_range", {"event": "booted", "telecommand": bytes(65)}
    for failure, telecommand in WRONG_TELECOMMANDS.items():
        yield "insert_activity", failure, LATER | {"telecommand": telecommand}
        yield "add_action", failure, {"event": "booted", "telecommand": telecommand}
    for name in ("delete_action", "enable_action", "disable_action"):
        yield name, "unknown_entry", {"event": "booted"}
    yield "load_table", "unknown_entry", {"table": 99}
    yield "report_spectra", "wrong_mode", {"spectra": 1}


def while_parameters_wait():
    """Rejections while 16 telecommands wait for the flash."""
    yield "set_parameter", "no_room", {"parameter": "bias", "value": 1}
    yield "set_collection_interval", "no_room", {"structure": "health", "interval": 9}
    yield "set_time_interval", "no_room", {"interval": 1}
    yield "load_table", "no_room", {"table": "orbit"}
    yield "restore_defaults", "no_room", {}


def in_safe():
    for name in ("enable_storage", "disable_storage", "restore_defaults", "enable_schedule"):
        yield name, "wrong_mode", {}
    yield "delete_records", "wrong_mode", {"until": 1}
    yield "set_parameter", "wrong_mode", {"parameter": "bias", "value": 1}
    yield "set_collection_interval", "wrong_mode", {"structure": "health", "interval": 9}
    yield "set_time_interval", "wrong_mode", {"interval": 1}
    yield "load_table", "wrong_mode", {"table": "orbit"}


def beyond_the_ranges():
    """(telecommand, failure, fields) with one field just out of range, the others valid."""
    for layout in DICTIONARY.commands.values():
        for field in layout.scalars:
            low, high = field.valid or (0, field.high)
            for value in (low - 1, high + 1):
                if 0 <= value <= field.high:
                    others = {item.name: GOOD[item.name] for item in layout.scalars if item is not field}
                    yield layout.name, "out_of_range", others | {field.name: value}


def test_telecommands_are_rejected_with_the_failures_in_the_dictionary():
    seen = set()

    def check(i, name, failure, fields):
        refused(i, failure, name, **fields)
        seen.add((name, failure))

    with instrument("unix") as i:
        for case in in_standby():
            check(i, *case)
        i.command("delete_monitor", monitor="heap")  # a monitor that exists cannot be added
        for name, failure, fields in beyond_the_ranges():
            if name != "modify_monitor":
                check(i, name, failure, fields)
        i.command("add_monitor", **MONITOR)
        for name, failure, fields in beyond_the_ranges():
            if name == "modify_monitor":
                check(i, name, failure, fields)
        for n in range(16):
            i.command("insert_activity", **LATER | {"at_fraction": n}, telecommand=PING)
        check(i, "insert_activity", "no_room", LATER | {"telecommand": PING})
        free = [name for name in DICTIONARY.events if name not in DICTIONARY.actions]
        for event in free[: 8 - len(DICTIONARY.actions)]:
            i.command("add_action", event=event, telecommand=PING)
        check(i, "add_action", "no_room", {"event": free[8], "telecommand": PING})
        i.function("arm")
        i.target.slow_control.adc.answers = False
        check(i, "function", "slow_control", {"function": "bias_on"})
        i.target.slow_control.adc.answers = True
        i.set_parameters(threshold_3=1)
        i.set_parameters(kept=False, **{f"threshold_{d}": 2 for d in range(16)})
        for case in while_parameters_wait():
            check(i, *case)
        i.function("safe")
        for case in in_safe():
            check(i, *case)
        i.function("arm")
        check(i, "load_memory", "wrong_mode", {"region": "thresholds", "offset": 0, "data": b"\0\0"})
    stated = {(layout.name, failure) for layout in DICTIONARY.commands.values() for failure in layout.refused}
    assert seen == stated


@pytest.mark.parametrize("end", [0, 1], ids=["least", "greatest"])
def test_the_ends_of_a_range_are_accepted(end):
    with instrument("unix") as i:
        for layout in DICTIONARY.commands.values():
            ranged = [field for field in layout.scalars if field.valid]
            if layout.name == "add_monitor":
                i.command("delete_monitor", monitor="heap")
            if layout.name == "report_spectra":
                i.start()
            for field in ranged:
                fields = {item.name: GOOD.get(item.name) for item in layout.scalars} | {field.name: field.valid[end]}
                if (layout.name, end) == ("set_time", 0):  # earlier than the present on-board time
                    with pytest.raises(CommandFailed, match="out_of_range"):
                        i.command(layout.name, **fields)
                else:
                    if layout.name == "set_time":
                        i.function("arm")
                    i.command(layout.name, **fields)

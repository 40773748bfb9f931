"""Valid telecommands take effect; invalid ones do not."""

import pytest
from dorn.link import frames
from dorn.session import CommandFailed


def test_ping(commander):
    commander.wait_for(lambda p: p.name == "pong", 2, begin=lambda: commander.command("ping"))


def test_every_parameter_accepts_its_range_only(commander):
    """Minimum, maximum and default are accepted; values just outside are rejected and change nothing."""
    check_ranges(commander, [name for name in commander.dictionary.parameters if "comparator" not in name])


def test_comparators_accept_their_range(commander):
    """Comparator thresholds are written to the hardware immediately."""
    check_ranges(commander, ["comparator_front", "comparator_back"])


def check_ranges(commander, names):
    parameters = {name: commander.dictionary.parameters[name] for name in names}
    for end in ("low", "high", "default"):
        values = {name: getattr(parameter, end) for name, parameter in parameters.items()}
        commander.set_parameters(**values)
        assert {name: commander.value(name) for name in names} == values
    for name, parameter in parameters.items():
        for value in (parameter.low - 1, parameter.high + 1):
            if 0 <= value < 1 << 32:
                with pytest.raises(CommandFailed, match="out_of_range"):
                    commander.command("set_parameter", check=False, parameter=name, value=value)
        assert commander.value(name) == parameter.default, name


def test_invalid_telecommands_are_rejected(commander):
    before = commander.next("housekeeping")
    for name, fields, failure in (
        ("function", {"function": 200}, "unknown_function"),
        ("set_parameter", {"parameter": 9999, "value": 1}, "unknown_parameter"),
        ("report_parameter", {"parameter": 9999}, "unknown_parameter"),
        ("function", {"function": "stop"}, "wrong_mode"),
    ):
        with pytest.raises(CommandFailed, match=failure):
            commander.command(name, check=False, **fields)
    after = commander.next("housekeeping")
    assert after["commands_rejected"] - before["commands_rejected"] == 4
    assert after["mode"] == before["mode"]


def test_a_damaged_telecommand_is_rejected_with_its_failure_code(commander):
    good = commander.dictionary.encode("ping", 500)
    for packet, failure in ((good[:-1] + bytes([good[-1] ^ 1]), "bad_crc"), (good[:-4] + good[-2:], "bad_length")):
        report = commander.wait_for(
            lambda p: p.name == "acceptance_failure",
            5,
            begin=lambda packet=packet: commander.target.send(frames.encode(packet)),
        )
        assert report.text("failure") == failure
    commander.command("ping")

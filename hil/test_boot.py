"""Power, resets and their causes; what is kept over them."""

import pytest
from dorn.session import CommandFailed
from particles import regular

DEFAULT_THRESHOLD = 150


def booted(commander, begin):
    """(boot count, cause) of the boot that `begin` leads to, once housekeeping is there."""
    boot = commander.reboot(begin)
    commander.next("housekeeping")
    return boot


def threshold(commander):
    """Of detector 3, as the instrument reports it."""
    report = lambda: commander.command("report_parameter", parameter="threshold_3")  # noqa: E731
    return commander.wait_for(lambda p: p.name == "parameter_value", 5, begin=report).fields["value"]


def cause(commander, name):
    return commander.dictionary.enums["reset_cause"][name]


def test_who_is_there(commander, evidence):
    hk = commander.housekeeping
    assert commander.dictionary.hash == hk.fields["dictionary"]
    assert hk.text("mode") == "standby" and hk.fields["task_failures"] == 0
    evidence("heap free", f"{hk.fields['heap_free']} bytes")


def test_power_cycle(commander, power, stimulus):
    count, _ = commander.events("booted")[-1]
    commander.set("threshold_3", 777)
    commander.start()
    assert booted(commander, power.power_cycle) == (count + 1, cause(commander, "power_on"))
    assert commander.last("housekeeping")["mode"] == commander.dictionary.enums["mode"]["standby"]
    assert threshold(commander) == DEFAULT_THRESHOLD
    commander.start()
    stimulus.play(regular(100, 50_000))
    assert commander.stop()["events"] == 100


def test_reset_pin(commander, power):
    count, _ = commander.events("booted")[-1]
    assert booted(commander, power.reset) == (count + 1, cause(commander, "reset_pin"))


def test_commanded_reset(commander):
    """Armed before, and its report comes first."""
    count, _ = commander.events("booted")[-1]
    with pytest.raises(CommandFailed, match="not_armed"):
        commander.function("reset")
    commander.set("threshold_3", 777)
    commander.function("arm")
    assert booted(commander, lambda: commander.function("reset")) == (count + 1, cause(commander, "commanded"))
    assert threshold(commander) == DEFAULT_THRESHOLD


def test_a_cpu_that_hangs_is_reset(commander, power):
    count, _ = commander.events("booted")[-1]
    commander.start()
    assert booted(commander, lambda: power.stall(9)) == (count + 1, cause(commander, "watchdog"))

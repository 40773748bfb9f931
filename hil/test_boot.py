"""Power cycles, resets and their causes; what survives them."""

import pytest
from dorn.session import CommandFailed
from particles import regular


def booted(commander, begin):
    """(boot count, cause) of the boot that `begin` triggers, after its first housekeeping."""
    boot = commander.reboot(begin)
    commander.next("housekeeping")
    return boot


def cause(commander, name):
    return commander.dictionary.enums["reset_cause"][name]


def test_the_instrument_starts_in_standby(commander, evidence):
    hk = commander.housekeeping
    assert hk.text("mode") == "standby" and hk.fields["task_failures"] == 0
    evidence("heap free", f"{hk.fields['heap_free']} bytes")


def test_power_cycle(commander, power, stimulus):
    count, _ = commander.events("booted")[-1]
    commander.set_parameters(threshold_3=777)
    commander.start()
    assert booted(commander, power.power_cycle) == (count + 1, cause(commander, "power_on"))
    assert commander.last("housekeeping")["mode"] == commander.dictionary.enums["mode"]["standby"]
    assert commander.value("threshold_3") == 777  # restored from flash
    commander.start()
    stimulus.play(regular(100, 50_000))
    assert commander.stop()["events"] == 100


def test_reset_pin(commander, power):
    count, _ = commander.events("booted")[-1]
    assert booted(commander, power.reset) == (count + 1, cause(commander, "reset_pin"))


def test_commanded_reset(commander):
    """The reset must be armed, and its verification report is sent before it happens."""
    count, _ = commander.events("booted")[-1]
    with pytest.raises(CommandFailed, match="not_armed"):
        commander.function("reset")
    commander.set("threshold_3", 777)
    commander.function("arm")
    assert booted(commander, lambda: commander.function("reset")) == (count + 1, cause(commander, "commanded"))
    assert commander.value("threshold_3") == 777  # restored from flash


def test_a_cpu_that_hangs_is_reset(commander, power):
    count, _ = commander.events("booted")[-1]
    commander.start()
    assert booted(commander, lambda: power.stall(9)) == (count + 1, cause(commander, "watchdog"))


def test_time_and_boot_count_continue_across_resets_of_every_kind(commander, power):
    """Time continues after an expected reset, may jump 10 minutes ahead after an unexpected one, never goes back."""
    expected_s, ahead_s = 0.5 + 11 + 1, 600

    def reset():
        commander.function("arm")
        commander.function("reset")

    for begin, most_s in (
        (reset, expected_s),
        (power.reset, ahead_s + expected_s),
        (power.power_cycle, ahead_s + expected_s),
    ):
        before_s, (count, _) = commander.received[-1].time_s, commander.events("booted")[-1]
        assert commander.reboot(begin)[0] == count + 1
        assert before_s < commander.reported_at_us("booted") / 1e6 < before_s + most_s
        commander.next("housekeeping")


def test_unexpected_resets_lead_to_safe_and_a_command_leaves_it(commander, power):
    commander.set_parameters(reset_limit=3)
    for resets in (1, 2, 3):
        commander.reboot(power.reset)
        assert commander.next("housekeeping")["consecutive_resets"] == resets
    safe = commander.dictionary.enums["mode"]["safe"]
    reasons = commander.dictionary.enums["safe_reason"]
    assert commander.last("housekeeping")["mode"] == safe
    assert commander.events("safe") == [(reasons["resets"], 3)]
    for function in ("start", "safe"):
        with pytest.raises(CommandFailed, match="wrong_mode"):
            commander.function(function)
    with pytest.raises(CommandFailed, match="wrong_mode"):
        commander.set("threshold_3", 777)
    commander.function("standby")
    hk = commander.next("housekeeping")
    assert (hk["mode"], hk["consecutive_resets"]) == (commander.dictionary.enums["mode"]["standby"], 0)
    commander.start()
    commander.function("safe")
    assert commander.events("safe")[-1] == (reasons["commanded"], 0)
    commander.reboot(power.reset)
    assert commander.next("housekeeping")["mode"] == safe  # SAFE survives the reset
    commander.function("standby")


def test_the_reset_count_clears_after_the_reset_window(commander, power):
    commander.set_parameters(reset_window=20)
    commander.reboot(power.reset)
    assert commander.next("housekeeping")["consecutive_resets"] == 1
    commander.advance(20)
    assert commander.next("housekeeping")["consecutive_resets"] == 0
